//! Arrays for tests: a missing array, or one of another type, fails the test.

use snn_data::npz::{Array, Element, Npz};
use std::path::Path;

/// An open archive.
#[derive(Debug)]
pub struct Archive(Npz);

impl Archive {
    /// # Panics
    /// If the archive is missing.
    pub fn open(path: &Path) -> Archive {
        Archive(Npz::open(path).unwrap_or_else(|error| panic!("{error}")))
    }

    /// # Panics
    /// If the array is missing or of another type.
    pub fn array<T: Element>(&mut self, name: &str) -> Array<T> {
        self.0.read(name).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The entries, row by row.
    ///
    /// # Panics
    /// Like [`Archive::array`].
    pub fn values<T: Element>(&mut self, name: &str) -> Vec<T> {
        self.array(name).values
    }

    /// The entries of a matrix, column by column.
    ///
    /// # Panics
    /// Like [`Archive::array`], and if it is not a matrix.
    pub fn transposed<T: Element>(&mut self, name: &str) -> Vec<T> {
        let matrix = self.array::<T>(name);
        let [_, columns] = matrix.shape[..] else { panic!("{name} has the shape {:?}", matrix.shape) };
        (0..columns).flat_map(|column| matrix.rows().map(move |row| row[column])).collect()
    }

    /// The rows of an array.
    ///
    /// # Panics
    /// Like [`Archive::array`].
    pub fn rows<T: Element>(&mut self, name: &str) -> Vec<Vec<T>> {
        self.array(name).rows().map(<[T]>::to_vec).collect()
    }

    /// Whether the archive contains the array.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}
