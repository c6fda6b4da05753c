//! Seeded, reproducible damage to files, to test that parsers survive it.

/// Calls `read` with `rounds` damaged versions of a file: bits flipped, bytes set to extreme values, removed, duplicated or
/// moved, numbers enlarged, the end truncated. Round `n` of a seed does not depend on the number of rounds.
pub fn mutations(file: &[u8], seeds: std::ops::Range<u64>, mut read: impl FnMut(u64, &[u8])) {
    for seed in seeds {
        read(seed, &mutated(file, seed));
    }
}

/// The damaged version of this seed.
#[must_use]
pub fn mutated(file: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
    let mut bytes = file.to_vec();
    for _ in 0..=random.below(3) {
        damage(&mut bytes, &mut random);
    }
    bytes
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// Values that often break parsers of numbers and text.
const WORDS: &[&[u8]] = &[
    b"-1",
    b"0",
    b"1e999",
    b"-1e308",
    b"18446744073709551616",
    b"9223372036854775807",
    b"4294967295",
    b"nan",
    b"inf",
    b"null",
    b"[]",
    b"{}",
    b"\"\"",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\0",
    b"\n",
    b"[[[[",
    b"\"\\u0000\"",
    b"../",
    b"1e-320",
];

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        bytes.push(random.next() as u8);
        return;
    }
    // Damage headers more often: they are short and matter most.
    let end = if random.below(10) < 5 { bytes.len().min(128) } else { bytes.len() };
    let at = random.below(end);
    let to = (at + 1 + random.below(8)).min(bytes.len());
    match random.below(9) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at..to].fill([0, 1, 0x7f, 0x80, 0xff][random.below(5)]),
        2 => drop(bytes.drain(at..to)),
        3 => {
            let doubled = bytes[at..to].to_vec();
            bytes.splice(at..at, doubled);
        }
        4 => {
            let word = WORDS[random.below(WORDS.len())];
            bytes.splice(at..to, word.iter().copied());
        }
        5 => {
            // Adds digits to the next number.
            let digits = bytes[at..].iter().position(u8::is_ascii_digit).map_or(at, |found| at + found);
            bytes.splice(digits..digits, (0..=random.below(12)).map(|_| b'9'));
        }
        6 => {
            // A longer piece from elsewhere.
            let from = random.below(bytes.len());
            let piece = bytes[from..(from + random.below(64)).min(bytes.len())].to_vec();
            bytes.splice(at..to, piece);
        }
        7 => bytes[at] = random.next() as u8,
        _ => bytes.truncate(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_reproducible_and_differs_between_rounds() {
        let file: Vec<u8> = (0..=255).collect();
        let mut all = std::collections::HashSet::new();
        let mut changed = 0;
        mutations(&file, 0..2000, |seed, bytes| {
            assert_eq!(bytes, mutated(&file, seed));
            changed += usize::from(bytes != file);
            all.insert(bytes.to_vec());
        });
        assert!(changed > 1900 && all.len() > 1700, "{changed} {}", all.len());
        assert_eq!(mutated(b"", 1).len(), mutated(b"", 1).len());
    }
}
