#![no_main]

// The last four bytes are replaced by the checksum, which would hide the rest from the fuzzer.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let content = &bytes[..bytes.len().saturating_sub(4)];
    snn_data::fuzzing::contents(&[content, &crc32(content).to_le_bytes()].concat());
});

/// CRC-32, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}
