//! The idx format of the MNIST files.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, cancel};

const IDX: &str = "idx file";

/// Maximum number of bytes of an uncompressed file. The largest of MNIST has 47 million.
const MAX_BYTES: usize = 1 << 30;

/// Maximum number of dimensions of an array.
const MAX_DIMENSIONS: u8 = 8;

/// An array of bytes from an idx file.
///
/// The format: two zero bytes, the type of the entries (8: unsigned byte, the only one supported), the number of
/// dimensions, each of them as a big-endian `u32`, the entries in row-major order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// The dimensions.
    pub shape: Vec<usize>,
    /// The entries, row-major.
    pub values: Vec<u8>,
}

impl Idx {
    /// Reads a file, optionally compressed with gzip (detected by its first bytes).
    ///
    /// # Errors
    ///
    /// [`Error::Io`], or [`Error::File`] with the place where the file is damaged: a different format, truncated, longer than its
    /// header announces, or larger than 2^30 entries.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::read_shaped(path.as_ref(), &|_| Ok(()))
    }

    /// [`read`](Self::read) for a file whose shape `check` accepts. It is called before the entries are decompressed, since a few
    /// bytes can announce and contain a gigabyte.
    pub(super) fn read_shaped(
        path: &Path,
        check: &dyn Fn(&[usize]) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let io = |error| Error::io("read the idx file", path, &error);
        // Before opening it: opening a pipe would block.
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(Error::format(IDX, "it is not a regular file").in_file(path, "type"));
        }
        let file = cancel::Reader(File::open(path).map_err(io)?);
        decode(BufReader::new(file), check).map_err(|Broken(place, error)| error.in_file(path, place))
    }

    /// [`read`](Self::read) for the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`Error::Format`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        decode(bytes, &|_| Ok(())).map_err(|Broken(_, error)| error)
    }
}

fn decode(mut file: impl BufRead, check: &dyn Fn(&[usize]) -> Result<(), Error>) -> Result<Idx, Broken> {
    let first = file.fill_buf().map_err(|error| of_io("header", &error))?;
    if first.starts_with(&[0x1f, 0x8b]) {
        parse(MultiGzDecoder::new(file), check)
    } else {
        parse(file, check)
    }
}

/// The place and problem of a damaged file.
struct Broken(String, Error);

impl Broken {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self(place.into(), Error::format(IDX, problem))
    }
}

fn parse(mut reader: impl Read, check: &dyn Fn(&[usize]) -> Result<(), Error>) -> Result<Idx, Broken> {
    let header = |error: io::Error| of_io("header", &error);
    let mut magic = [0; 4];
    reader.read_exact(&mut magic).map_err(header)?;
    let [0, 0, kind, dimensions] = magic else {
        return Err(Broken::new("header", format!("it begins with {magic:02x?}, not with two zero bytes")));
    };
    if kind != 8 {
        return Err(Broken::new(
            "header",
            format!("entries of type {kind:#04x} instead of 0x08, unsigned bytes"),
        ));
    }
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        return Err(Broken::new(
            "header",
            format!("{dimensions} dimensions instead of 1 to {MAX_DIMENSIONS}"),
        ));
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes).map_err(header)?;
        shape.push(u32::from_be_bytes(bytes) as usize);
    }
    let entries = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    let Some(entries) = entries.filter(|&entries| entries <= MAX_BYTES) else {
        return Err(Broken::new("header", format!("shape {shape:?} has more than {MAX_BYTES} entries")));
    };

    check(&shape).map_err(|error| Broken("header".into(), error))?;

    // The list grows with the actual content, whatever the header announces. One more byte detects a file that is too
    // long, and makes the gzip decoder check the checksum.
    let mut values = Vec::new();
    let read = reader.take(entries as u64 + 1).read_to_end(&mut values);
    let place = || format!("entry {}", values.len());
    match read {
        Err(error) => Err(of_io(place(), &error)),
        Ok(found) if found < entries => {
            Err(Broken::new(place(), format!("it ends here, but {entries} entries were announced")))
        }
        Ok(found) if found > entries => {
            Err(Broken::new(format!("entry {entries}"), "it continues after the announced entries"))
        }
        Ok(_) => Ok(Idx { shape, values }),
    }
}

fn of_io(place: impl Into<String>, error: &io::Error) -> Broken {
    let problem = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
        _ => error.to_string(),
    };
    Broken(place.into(), cancel::of_io(error, |_| Error::format(IDX, problem)))
}
