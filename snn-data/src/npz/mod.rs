//! NumPy arrays in npz archives, as written by `numpy.savez`, `numpy.savez_compressed` and other programs.
//!
//! An npz archive is a zip archive whose members are npy files: a header with type and shape, then the entries. This module reads
//! integers, floats and booleans of any byte order, row-major or column-major, compressed or not; it writes compressed row-major
//! arrays. Texts are fixed-width Unicode (`<U`).
//!
//! ```
//! use snn_data::npz::{Npz, NpzWriter};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("spikes.npz");
//! let mut archive = NpzWriter::new();
//! archive.add("times", &[2, 3], &[0.5, 1.5, 2.5, 0.0, 4.0, 8.0])?;
//! std::fs::write(&path, archive.finish())?;
//!
//! let times = Npz::open(&path)?.read::<f64>("times")?;
//! assert_eq!((times.shape.as_slice(), times.rows().nth(1)), ([2, 3].as_slice(), Some([0.0, 4.0, 8.0].as_slice())));
//! # Ok(())
//! # }
//! ```

mod npy;
mod numbers;
mod text;
mod writer;
pub(crate) mod zip;

use std::fs::File;
use std::path::{Path, PathBuf};

pub use npy::{Array, Element};
pub use writer::NpzWriter;

use crate::Error;
use zip::NPZ;

/// An open npz archive.
#[derive(Debug)]
pub struct Npz {
    file: File,
    path: PathBuf,
    members: Vec<zip::Member>,
}

impl Npz {
    /// Opens an archive and reads its table of contents.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], or [`Error::File`] if the file is not a zip archive or its table of contents is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut file = File::open(path).map_err(|error| Error::io("read the npz archive", path, &error))?;
        let members =
            zip::members(&mut file).map_err(|broken| broken.into_error(path, "table of contents"))?;
        let mut names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let problem = format!("it has two entries named `{}`", pair[0]);
            return Err(Error::format(NPZ, problem).in_file(path, "table of contents"));
        }
        Ok(Self { file, path: path.to_owned(), members })
    }

    /// The names of the arrays, in the order of the archive.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| name_of(&member.name))
    }

    /// Whether there is an array with this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|found| found == name)
    }

    /// Reads an array whose entries have the type `T`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], or [`Error::File`] with the name of the array if it is missing, damaged or of a different type.
    pub fn read<T: Element>(&mut self, name: &str) -> Result<Array<T>, Error> {
        let bytes = self.bytes(name)?;
        npy::parse(&bytes).map_err(|problem| self.error(name, problem))
    }

    /// The type of an array in NumPy's notation, such as `<f8`, and its shape. Decompresses the array.
    ///
    /// # Errors
    ///
    /// Those of [`Npz::read`], except for the type.
    pub fn describe(&mut self, name: &str) -> Result<(String, Vec<usize>), Error> {
        let bytes = self.bytes(name)?;
        let (header, _) = npy::Header::parse(&bytes).map_err(|problem| self.error(name, problem))?;
        Ok((header.kind, header.shape))
    }

    fn bytes(&mut self, name: &str) -> Result<Vec<u8>, Error> {
        let Some(member) = self.members.iter().find(|member| name_of(&member.name) == name) else {
            let names: Vec<_> = self.names().map(|name| format!("`{name}`")).collect();
            let there = if names.is_empty() { "no arrays".to_owned() } else { names.join(", ") };
            let problem = format!("it is not in the archive, which holds {there}");
            return Err(self.error(name, problem));
        };
        zip::content(&mut self.file, member, u64::MAX)
            .map_err(|broken| broken.into_error(&self.path, &format!("array `{name}`")))
    }

    fn error(&self, name: &str, problem: String) -> Error {
        Error::format(NPZ, problem).in_file(&self.path, format!("array `{name}`"))
    }
}

fn name_of(member: &str) -> &str {
    member.strip_suffix(".npy").unwrap_or(member)
}
