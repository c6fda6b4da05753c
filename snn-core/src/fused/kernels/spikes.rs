//! Spikes as bits, one byte for eight units, and back to lists of units. The code does not branch on whether a unit spikes, because
//! processors mispredict such branches about half of the time.

/// Units in a byte of bits.
pub(crate) const OCTET: usize = 8;
/// Bytes examined together: rows of bits are padded to whole words.
pub(crate) const WORD: usize = 8;

/// For each byte, the positions of its set bits in ascending order, padded with zeros.
static SET_BITS: [[u16; OCTET]; 256] = {
    let mut table = [[0; OCTET]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut found) = (0, 0);
        while bit < OCTET {
            if byte >> bit & 1 == 1 {
                table[byte][found] = bit as u16;
                found += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// Lists the units whose bits are set, in ascending order, at the start of `list`, and returns how many there are.
///
/// `list` must have space for `8 bits.len()` units; entries after the listed units are unspecified.
#[inline(always)]
pub(crate) fn list_units(bits: &[[u8; WORD]], list: &mut [u16]) -> usize {
    let mut found = 0;
    for (k, word) in bits.iter().enumerate() {
        // in most steps, most units are silent
        if *word == [0; WORD] {
            continue;
        }
        for (octet, &byte) in word.iter().enumerate() {
            // this writes eight entries; the next ones overwrite those past the spikes
            let Some(to) = list.get_mut(found..).and_then(|list| list.first_chunk_mut::<OCTET>()) else {
                return found;
            };
            let first = ((k * WORD + octet) * OCTET) as u16;
            *to = SET_BITS[usize::from(byte)].map(|unit| unit + first);
            found += byte.count_ones() as usize;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_every_set_bit() {
        let mut list = [7; 3 * 64];
        let bits = [[0b1000_0001, 0, 0b0010_0110, 0, 0, 0, 0, 0], [0; 8], [0, 0, 0, 0, 0, 0, 0, 0x80]];
        assert_eq!(list_units(&bits, &mut list), 6);
        assert_eq!(list[..6], [0, 7, 17, 18, 21, 191]);
        assert_eq!(list_units(&[[0xff; WORD]; 3], &mut list), 192);
        assert_eq!(list.to_vec(), (0..192).collect::<Vec<u16>>());
        assert_eq!(list_units(&[[0; WORD]; 3], &mut list), 0);
    }
}
