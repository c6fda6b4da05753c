//! Spikes as bits, one byte for eight units, and back to lists of units. Without a branch on whether a unit spikes: processors
//! guess such branches wrong as often as not.

/// Units in a byte of bits.
pub(crate) const OCTET: usize = 8;

/// For each byte, which of its bits are set, from the lowest; zeros after them.
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

/// Appends the units whose bits are set, in ascending order.
///
/// `room` is for `8 bits.len()` units; what is in it does not matter.
#[inline(always)]
pub(crate) fn append_units(bits: &[u8], room: &mut [u16], units: &mut Vec<u16>) {
    let mut found = 0;
    for (k, &byte) in bits.iter().enumerate() {
        // eight are written, of which the next ones overwrite those that are no spikes
        let Some(to) = room.get_mut(found..).and_then(|room| room.first_chunk_mut::<OCTET>()) else { return };
        let first = (k * OCTET) as u16;
        *to = SET_BITS[usize::from(byte)];
        for unit in to {
            *unit += first;
        }
        found += byte.count_ones() as usize;
    }
    units.extend_from_slice(&room[..found]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_every_set_bit() {
        let mut room = [7; 24];
        let mut units = vec![9];
        append_units(&[0b1000_0001, 0, 0b0010_0110], &mut room, &mut units);
        assert_eq!(units, [9, 0, 7, 17, 18, 21]);
        units.clear();
        append_units(&[0xff; 3], &mut room, &mut units);
        assert_eq!(units, (0..24).collect::<Vec<u16>>());
    }
}
