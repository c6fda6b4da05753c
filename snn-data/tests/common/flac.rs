//! FLAC files of verbatim (uncompressed) frames.

const BLOCK: usize = 4096;

/// A FLAC file of interleaved samples of 16 bits.
pub fn flac(channels: u8, rate: u32, samples: &[i32]) -> Vec<u8> {
    let total = samples.len() / usize::from(channels);
    let mut file = b"fLaC".to_vec();
    file.extend_from_slice(&[0x80, 0, 0, 34]); // the last metadata block, STREAMINFO
    file.extend_from_slice(&(BLOCK as u16).to_be_bytes());
    file.extend_from_slice(&(BLOCK as u16).to_be_bytes());
    file.extend_from_slice(&[0; 6]); // frame sizes unknown
    let packed = u64::from(rate) << 44 | u64::from(channels - 1) << 41 | 15 << 36 | total as u64;
    file.extend_from_slice(&packed.to_be_bytes());
    file.extend_from_slice(&[0; 16]); // MD5 unknown
    for (number, block) in samples.chunks(BLOCK * usize::from(channels)).enumerate() {
        file.extend(frame(number as u8, channels, block));
    }
    file
}

fn frame(number: u8, channels: u8, samples: &[i32]) -> Vec<u8> {
    assert!(number < 128, "longer numbers are coded in several bytes");
    let length = samples.len() / usize::from(channels);
    // Block size in 16 bits after the number, rate from STREAMINFO; independent channels, 16 bits.
    let mut frame = vec![0xff, 0xf8, 0x70, (channels - 1) << 4 | 4 << 1, number];
    frame.extend_from_slice(&(length as u16 - 1).to_be_bytes());
    frame.push(crc(&frame, 8, 0x07) as u8);
    for channel in 0..usize::from(channels) {
        frame.push(1 << 1); // verbatim
        for sample in samples.iter().skip(channel).step_by(channels.into()) {
            frame.extend_from_slice(&(*sample as i16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&(crc(&frame, 16, 0x8005) as u16).to_be_bytes());
    frame
}

/// A cyclic redundancy check of 8 or 16 bits, bit by bit.
fn crc(bytes: &[u8], bits: u32, polynomial: u32) -> u32 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte) << (bits - 8), |crc, _| {
            let shifted = crc << 1;
            let reduced = if shifted >> bits & 1 == 1 { shifted ^ polynomial } else { shifted };
            reduced & ((1 << bits) - 1)
        })
    })
}
