//! The content of a sample, hashed to 16 bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// The first half of a SHA-256: equal for equal content, and in practice only then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = Hasher::default();
        hash.add(bytes);
        hash.finish()
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Fingerprint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text| u128::from_str_radix(text, 16).ok();
        let plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = if plain { number(text) } else { None };
        number.map(|number| Self(number.to_be_bytes())).ok_or("a fingerprint has 32 hexadecimal digits")
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Computes a [`Fingerprint`] incrementally.
#[derive(Clone, Default)]
pub(crate) struct Hasher(Sha256);

impl Hasher {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds a text with its length, to distinguish different boundaries.
    pub(crate) fn add_text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    pub(crate) fn finish(self) -> Fingerprint {
        let hash = self.0.finalize();
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        Fingerprint(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_half_of_sha_256() {
        // `printf abc | sha256sum`
        let text = "ba7816bf8f01cfea414140de5dae2223";
        assert_eq!(Fingerprint::of(b"abc").to_string(), text);
        assert_eq!(text.parse(), Ok(Fingerprint::of(b"abc")));
        assert!("ba78".parse::<Fingerprint>().is_err());
        assert!("+a7816bf8f01cfea414140de5dae2223".parse::<Fingerprint>().is_err());
    }
}
