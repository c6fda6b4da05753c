//! Checksums of files and of trees of files.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use md5::Md5;
use sha2::{Digest as _, Sha256};
use snn_catalog::Checksums;

use super::{
    display::Display,
    error::{FetchError, Mismatch},
};

/// The digests of a stream of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) bytes: u64,
    pub(crate) md5: String,
    pub(crate) sha256: String,
}

/// Computes the digests of bytes.
#[derive(Default)]
pub(crate) struct Hasher {
    bytes: u64,
    md5: Md5,
    sha256: Sha256,
}

impl Hasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.md5.update(bytes);
        self.sha256.update(bytes);
    }

    pub(crate) fn finish(self) -> Digests {
        Digests {
            bytes: self.bytes,
            md5: hexadecimal(&self.md5.finalize()),
            sha256: hexadecimal(&self.sha256.finalize()),
        }
    }
}

impl Digests {
    /// Compares the digests with every published checksum, strongest first.
    pub(crate) fn check(&self, published: &Checksums) -> Result<(), Mismatch> {
        for (kind, expected, found) in
            [("SHA-256", &published.sha256, &self.sha256), ("MD5", &published.md5, &self.md5)]
        {
            if let Some(expected) = expected.as_ref().filter(|&expected| expected != found) {
                return Err(Mismatch { kind, expected: expected.clone(), found: found.clone() });
            }
        }
        Ok(())
    }
}

/// Reads a file to its end.
pub(crate) fn file(path: &Path, display: &Display) -> Result<Digests, FetchError> {
    let mut file = File::open(path).map_err(FetchError::io("read", path))?;
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                display.advance(read as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FetchError::io("read", path)(error)),
        }
    }
}

/// The checksum of a folder in the catalog's format, from the paths (within the data set, with `/`) and SHA-256 of its files.
pub(crate) fn folder<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut lines: Vec<_> = files.into_iter().collect();
    lines.sort_unstable();
    let mut hasher = Sha256::new();
    for (path, sha256) in lines {
        hasher.update(format!("{sha256}  {path}\n"));
    }
    hexadecimal(&hasher.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        let mut hasher = Hasher::default();
        hasher.update(b"ab");
        hasher.update(b"c");
        let digests = hasher.finish();
        assert_eq!((digests.bytes, digests.md5.as_str()), (3, "900150983cd24fb0d6963f7d28e17f72"));
        assert_eq!(digests.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");

        let sha256 = Some(digests.sha256.clone());
        assert_eq!(digests.check(&Checksums { md5: None, sha256: sha256.clone() }), Ok(()));
        let wrong = digests.check(&Checksums { md5: Some("0".repeat(32)), sha256 });
        assert_eq!(wrong.map_err(|it| (it.kind, it.found)), Err(("MD5", digests.md5)));
    }

    #[test]
    fn the_checksum_of_a_folder_is_that_of_the_sorted_list() {
        // printf 'bb  r/1\naa  r/a\n' | sha256sum
        let expected = "becf3b8f501d608c01140791118fe1860f2235f1cb690ac86ace5e09564555ba";
        let found = folder([("r/a", "aa"), ("r/1", "bb")]);
        assert_eq!(found, folder([("r/1", "bb"), ("r/a", "aa")]));
        assert_eq!(found, expected);
    }
}
