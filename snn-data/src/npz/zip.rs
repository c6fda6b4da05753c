//! The subset of the zip format used by npz archives and N-MNIST: stored or deflated members, 32-bit or 64-bit sizes.
//!
//! A zip archive is read from its end: the last record points to the table of contents, which points to each member. Numbers are
//! little-endian.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::DeflateDecoder;

use crate::Error;

pub(super) const NPZ: &str = "npz archive";

pub(super) const LOCAL: &[u8; 4] = b"PK\x03\x04";
pub(super) const ENTRY: &[u8; 4] = b"PK\x01\x02";
pub(super) const END: &[u8; 4] = b"PK\x05\x06";
const END_64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR_64: &[u8; 4] = b"PK\x06\x07";
pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;

/// Sizes without the variable parts.
const LOCAL_SIZE: usize = 30;
const ENTRY_SIZE: usize = 46;
const END_SIZE: usize = 22;
const END_64_SIZE: usize = 56;
const LOCATOR_64_SIZE: usize = 20;

/// Maximum number of bytes of a table of contents. Those of npz archives have about 100 per array.
const MOST: u64 = 1 << 26;

/// An entry of the table of contents.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    encrypted: bool,
    method: u16,
    checksum: u32,
    /// Compressed and uncompressed bytes.
    packed: u64,
    size: u64,
    /// Where its local header begins.
    offset: u64,
}

/// Why a member or the table of contents cannot be read.
#[derive(Debug)]
pub(crate) enum Broken {
    Io(io::Error),
    Format(String),
}

impl Broken {
    pub(super) fn into_error(self, path: &Path, place: &str) -> Error {
        match self {
            Self::Io(error) => Error::io("read the npz archive", path, &error),
            Self::Format(problem) => Error::format(NPZ, problem).in_file(path, place),
        }
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Format("the file ends too early".into()),
            // The decoder's error for damage.
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Self::Format(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

impl From<&str> for Broken {
    fn from(problem: &str) -> Self {
        Self::Format(problem.into())
    }
}

/// Numbers at offsets in a record.
struct Record<'a>(&'a [u8]);

impl Record<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N], Broken> {
        let bytes = self.0.get(at..).and_then(|rest| rest.first_chunk());
        bytes.copied().ok_or_else(|| "a record is too short".into())
    }

    fn u16(&self, at: usize) -> Result<u16, Broken> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Result<u32, Broken> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: usize) -> Result<u64, Broken> {
        self.bytes(at).map(u64::from_le_bytes)
    }
}

fn read_at<const N: usize>(file: &mut File, at: u64) -> Result<[u8; N], Broken> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The table of contents of an archive.
pub(crate) fn members(file: &mut File) -> Result<Vec<Member>, Broken> {
    let (entries, size, offset) = table(file)?;
    if size > MOST {
        return Err(Broken::Format(format!("it claims to have {size} bytes; the maximum is {MOST}")));
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(offset))?;
    file.take(size).read_to_end(&mut bytes)?;
    let mut rest = bytes.as_slice();
    let mut members = Vec::new();
    for _ in 0..entries {
        let (member, length) = entry(rest)?;
        members.push(member);
        rest = rest.get(length..).ok_or("it ends within an entry")?;
    }
    Ok(members)
}

/// Number of entries, bytes and place of the table of contents.
fn table(file: &mut File) -> Result<(u64, u64, u64), Broken> {
    // The last record ends with a comment of at most 65535 bytes.
    let length = file.seek(SeekFrom::End(0))?;
    let start = length.saturating_sub((END_SIZE + usize::from(u16::MAX)) as u64);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(length - start).read_to_end(&mut tail)?;
    let at = tail.windows(END_SIZE).rposition(|window| window.starts_with(END));
    let at = at.ok_or("there is none: this is not a zip archive, or it is truncated")?;
    let end = Record(&tail[at..]);
    let (entries, size, offset) = (end.u16(10)?, end.u32(12)?, end.u32(16)?);
    if entries < u16::MAX && size < u32::MAX && offset < u32::MAX {
        return Ok((entries.into(), size.into(), offset.into()));
    }
    // Larger numbers are in a separate record, whose offset is in the one before the last.
    let locator = (start + at as u64).checked_sub(LOCATOR_64_SIZE as u64).ok_or("it is truncated")?;
    let bytes: [u8; LOCATOR_64_SIZE] = read_at(file, locator)?;
    if !bytes.starts_with(LOCATOR_64) {
        return Err("its offset is missing".into());
    }
    let bytes: [u8; END_64_SIZE] = read_at(file, Record(&bytes).u64(8)?)?;
    if !bytes.starts_with(END_64) {
        return Err("it is not at the stated offset".into());
    }
    let end = Record(&bytes);
    Ok((end.u64(32)?, end.u64(40)?, end.u64(48)?))
}

/// The entry at the beginning, and its bytes.
fn entry(bytes: &[u8]) -> Result<(Member, usize), Broken> {
    if !bytes.starts_with(ENTRY) {
        return Err("an entry has a wrong signature".into());
    }
    let record = Record(bytes);
    let [name, extra, comment] = [record.u16(28)?, record.u16(30)?, record.u16(32)?].map(usize::from);
    let (extra_at, end) = (ENTRY_SIZE + name, ENTRY_SIZE + name + extra);
    let name = bytes.get(ENTRY_SIZE..extra_at).ok_or("it ends within a name")?;
    let mut member = Member {
        name: String::from_utf8_lossy(name).into_owned(),
        encrypted: record.u16(8)? & 1 != 0,
        method: record.u16(10)?,
        checksum: record.u32(16)?,
        packed: record.u32(20)?.into(),
        size: record.u32(24)?.into(),
        offset: record.u32(42)?.into(),
    };
    let extra = bytes.get(extra_at..end).ok_or("it ends within an entry")?;
    let mut large = large_numbers(extra).chunks_exact(8);
    for number in [&mut member.size, &mut member.packed, &mut member.offset] {
        if *number == u64::from(u32::MAX) {
            *number = Record(large.next().ok_or("the size of a member is missing")?).u64(0)?;
        }
    }
    Ok((member, end + comment))
}

/// The extra field with the numbers that do not fit in 32 bits.
fn large_numbers(mut extra: &[u8]) -> &[u8] {
    while let Some((&[id, id_high, length, length_high], rest)) = extra.split_first_chunk() {
        let length = usize::from(u16::from_le_bytes([length, length_high]));
        if [id, id_high] == [1, 0] {
            return rest.get(..length).unwrap_or_default();
        }
        extra = rest.get(length..).unwrap_or_default();
    }
    &[]
}

/// The decompressed bytes of a member, at most `most`; their length and checksum match the table of contents.
pub(crate) fn content(file: &mut File, member: &Member, most: u64) -> Result<Vec<u8>, Broken> {
    if member.size > most {
        return Err(Broken::Format(format!("it has {} bytes; the maximum is {most}", member.size)));
    }
    if member.encrypted {
        return Err("it is encrypted".into());
    }
    let header: [u8; LOCAL_SIZE] = read_at(file, member.offset)?;
    if !header.starts_with(LOCAL) {
        return Err("it does not begin at the offset in the table of contents".into());
    }
    // The lengths of its name and of its extra fields.
    let skipped = i64::from(Record(&header).u16(26)?) + i64::from(Record(&header).u16(28)?);
    file.seek(SeekFrom::Current(skipped))?;
    let packed = file.take(member.packed);
    // The list grows with the actual content, whatever the table of contents states. One more byte detects a member that is too long.
    let mut bytes = Vec::new();
    let limit = member.size.saturating_add(1);
    match member.method {
        STORED => packed.take(limit).read_to_end(&mut bytes)?,
        DEFLATED => DeflateDecoder::new(packed).take(limit).read_to_end(&mut bytes)?,
        other => {
            return Err(Broken::Format(format!(
                "it is compressed with method {other}; only deflate is supported"
            )));
        }
    };
    if bytes.len() as u64 != member.size {
        return Err(Broken::Format(format!("it does not have the expected {} bytes", member.size)));
    }
    let mut checksum = flate2::Crc::new();
    checksum.update(&bytes);
    if checksum.sum() != member.checksum {
        return Err("its checksum is wrong: the archive is damaged".into());
    }
    Ok(bytes)
}
