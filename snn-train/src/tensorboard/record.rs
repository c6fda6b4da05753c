//! The framing of an event file: TensorFlow's TFRecord.
//!
//! ```text
//! u64 length | u32 masked crc of the length | length bytes | u32 masked crc of the bytes       (all little-endian)
//! masked(c) = rotate_right(c, 15) + 0xa282ead8        (mod 2^32, so that the crc of data with crcs is still a good one)
//! ```
//!
//! The crc is CRC-32C (Castagnoli), not the CRC-32 of zip and PNG.

/// Appends a record with this payload.
pub(super) fn append(file: &mut Vec<u8>, payload: &[u8]) {
    let length = (payload.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked_crc(&length).to_le_bytes());
    file.extend(payload);
    file.extend(masked_crc(payload).to_le_bytes());
}

/// The payloads of a file, up to the first incomplete or damaged record.
pub(super) fn payloads(mut file: &[u8]) -> Vec<&[u8]> {
    let mut payloads = Vec::new();
    while let Some(payload) = first(&mut file) {
        payloads.push(payload);
    }
    payloads
}

fn first<'a>(file: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    let (length_crc, rest) = rest.split_first_chunk::<4>()?;
    if masked_crc(length) != u32::from_le_bytes(*length_crc) {
        return None;
    }
    let (payload, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let (payload_crc, rest) = rest.split_first_chunk::<4>()?;
    if masked_crc(payload) != u32::from_le_bytes(*payload_crc) {
        return None;
    }
    *file = rest;
    Some(payload)
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    !bytes.iter().fold(!0, |crc, &byte| (crc >> 8) ^ TABLE[((crc ^ u32::from(byte)) & 0xff) as usize])
}

/// The remainder of every byte modulo Castagnoli's polynomial, with reflected bits.
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // The check value of the algorithm, and the vectors of RFC 3720, B.4.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
    }

    #[test]
    fn incomplete_or_damaged_records_end_the_file() {
        let mut file = Vec::new();
        for payload in [&b"one"[..], b"", b"three"] {
            append(&mut file, payload);
        }
        assert_eq!(payloads(&file), [&b"one"[..], b"", b"three"]);
        let last = file.len() - (16 + 5);
        for length in last..file.len() {
            assert_eq!(payloads(&file[..length]).len(), 2, "cut to {length}");
        }
        for at in last..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            assert_eq!(payloads(&damaged).len(), 2, "damaged at {at}");
        }
    }
}
