//! Event-camera files, and zip archives of them, written byte by byte.

/// An N-MNIST file: x, y, on, microseconds of each event.
pub(crate) fn aer(events: &[(u8, u8, bool, u32)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &(x, y, on, time) in events {
        let bits = u64::from(x) << 32 | u64::from(y) << 24 | u64::from(on) << 23 | u64::from(time);
        bytes.extend_from_slice(&bits.to_be_bytes()[3..]);
    }
    bytes
}

/// An event of a DVS.
#[derive(Clone, Copy)]
pub(crate) struct Dvs {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) on: bool,
    pub(crate) time: u32,
    pub(crate) valid: bool,
}

/// A packet of AEDAT 3.1.
pub(crate) fn packet(kind: u16, source: u16, overflow: u32, events: &[Dvs]) -> Vec<u8> {
    let count = events.len() as u32;
    let mut bytes = [kind.to_le_bytes(), source.to_le_bytes()].concat();
    for number in [8, 4, overflow, count, count, events.iter().filter(|event| event.valid).count() as u32] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    for event in events {
        let data = u32::from(event.valid) + 2 * u32::from(event.on) + 4 * event.y + (1 << 17) * event.x;
        bytes.extend_from_slice(&data.to_le_bytes());
        bytes.extend_from_slice(&event.time.to_le_bytes());
    }
    bytes
}

/// A file of AEDAT 3.1.
pub(crate) fn aedat(packets: &[Vec<u8>]) -> Vec<u8> {
    let header = "#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n";
    [header.as_bytes(), &packets.concat()].concat()
}

/// A zip archive of stored members.
pub(crate) fn zip(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut archive, mut contents) = (Vec::new(), Vec::new());
    for (name, bytes) in members {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        let sizes = [crc.sum(), bytes.len() as u32, bytes.len() as u32].map(u32::to_le_bytes).concat();
        let name_length = (name.len() as u16).to_le_bytes();
        // Version, flags, method, time and date; then sizes and the lengths of name and extra fields.
        let common = [&[10, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &sizes, &name_length, &[0, 0]].concat();
        let offset = (archive.len() as u32).to_le_bytes();
        archive.extend([b"PK\x03\x04", &common[..], name.as_bytes(), bytes].concat());
        contents.extend([b"PK\x01\x02\x0a\x00", &common[..], &[0; 10], &offset, name.as_bytes()].concat());
    }
    let count = (members.len() as u16).to_le_bytes();
    let place = [(contents.len() as u32).to_le_bytes(), (archive.len() as u32).to_le_bytes()].concat();
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &place, &[0, 0]].concat();
    [archive, contents, end].concat()
}
