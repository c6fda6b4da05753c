//! Writing archives.

use std::io::Write as _;

use flate2::{Compression, Crc, write::DeflateEncoder};

use super::npy::{Element, Header};
use super::zip::{DEFLATED, END, ENTRY, LOCAL, NPZ};
use crate::Error;

/// The version needed to decompress: deflate (2.0).
const VERSION: u16 = 20;
/// 1980-01-01, the earliest date of the format: the same arrays give the same bytes.
const DAY: u16 = 0x21;

/// Maximum number of arrays; more than a 16-bit count needs different records.
const MOST: usize = 0xFFFE;

/// Builds an npz archive in memory.
#[derive(Debug, Default)]
pub struct NpzWriter {
    bytes: Vec<u8>,
    /// The table of contents.
    table: Vec<u8>,
    names: Vec<String>,
}

impl NpzWriter {
    /// An empty archive.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a compressed array: entries in row-major order, as many as the shape has.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if values and shape do not match, [`Error::Setting`] for a duplicate or invalid name or more than 65534
    /// arrays, [`Error::TooMany`] for more than 2^32 bytes.
    pub fn add<T: Element>(&mut self, name: &str, shape: &[usize], values: &[T]) -> Result<(), Error> {
        let expected = shape.iter().product();
        if values.len() != expected {
            let what = "values of an array of an npz archive";
            return Err(Error::Length { what, found: values.len(), expected });
        }
        let content = [Header::write::<T>(shape), T::encode(values)].concat();
        self.add_content(name, &content)
    }

    /// Adds a member with the given content.
    pub(super) fn add_content(&mut self, name: &str, content: &[u8]) -> Result<(), Error> {
        if name.is_empty() || name.len() > 1000 || self.names.iter().any(|taken| taken == name) {
            return Err(Error::setting(
                "name",
                format!("{name:?}"),
                "1 to 1000 bytes and not yet in the archive",
            ));
        }
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
        let packed = packer.write_all(content).and_then(|()| packer.finish());
        let packed = packed.map_err(|error| Error::format(NPZ, error.to_string()))?;
        let mut checksum = Crc::new();
        checksum.update(content);

        let remedy = "split the arrays into several archives";
        if self.names.len() >= MOST {
            return Err(Error::setting(
                "arrays",
                self.names.len() + 1,
                format!("at most {MOST} in an npz archive"),
            ));
        }
        let number = |bytes: usize| {
            u32::try_from(bytes).map_err(|_| Error::TooMany { what: "bytes in an npz archive", remedy })
        };
        let (offset, size) = (number(self.bytes.len())?, number(content.len())?);
        let member = format!("{name}.npy");
        let mut common = Vec::new();
        // Version, flags (the name is UTF-8), method, time, date.
        for half in [VERSION, 1 << 11, DEFLATED, 0, DAY] {
            common.extend(half.to_le_bytes());
        }
        for word in [checksum.sum(), number(packed.len())?, size] {
            common.extend(word.to_le_bytes());
        }
        // The lengths of the name and of the extra fields.
        common.extend((member.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        number(self.bytes.len() + packed.len())?;

        self.bytes.extend([LOCAL.as_slice(), &common, member.as_bytes(), &packed].concat());
        // Comment, disk and attributes are zero.
        let rest = [&[0; 10][..], &offset.to_le_bytes()].concat();
        self.table
            .extend([ENTRY.as_slice(), &VERSION.to_le_bytes(), &common, &rest, member.as_bytes()].concat());
        self.names.push(name.to_owned());
        Ok(())
    }

    /// The bytes of the archive.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let Self { mut bytes, table, names } = self;
        let (offset, size, entries) = (bytes.len() as u32, table.len() as u32, names.len() as u16);
        bytes.extend(table);
        bytes.extend_from_slice(END);
        bytes.extend([0; 4]);
        bytes.extend([entries.to_le_bytes(), entries.to_le_bytes()].concat());
        bytes.extend([size.to_le_bytes(), offset.to_le_bytes()].concat());
        bytes.extend([0; 2]);
        bytes
    }
}
