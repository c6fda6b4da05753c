//! The data sets that can be fetched: their addresses, checksums and licenses.
//!
//! The catalog is one file, `data_sets.toml`, compiled into the program. This crate only describes data sets and locates their
//! folders on this machine; `cargo xtask fetch-data` fetches them.
//!
//! ```
//! use snn_catalog::Catalog;
//!
//! # fn main() -> Result<(), snn_catalog::Error> {
//! let catalog = Catalog::built_in()?;
//! let Some(mnist) = catalog.get("mnist") else { panic!("MNIST is in the catalog") };
//! assert_eq!(mnist.license, "CC BY-SA 3.0");
//! assert!(mnist.files[0].addresses()[0].ends_with("/train-images-idx3-ubyte.gz"));
//! # Ok(())
//! # }
//! ```

mod check;
mod directories;
mod entry;

use serde::Deserialize;

pub use directories::{cache_directory, data_directory};
pub use entry::{Checksums, DataSet, RemoteFile, Unpacked};

/// Errors of a catalog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The catalog is invalid.
    #[error("not a valid catalog: {0}")]
    Invalid(String),
    /// Neither the environment variable nor a home folder is set.
    #[error("no home folder is known; set {variable} to a folder")]
    NoHome {
        /// The environment variable that names the folder.
        variable: &'static str,
    },
}

/// All data sets that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// The data sets, in the order of the file.
    #[serde(rename = "data_set")]
    pub data_sets: Vec<DataSet>,
}

impl Catalog {
    /// The catalog that comes with this crate.
    ///
    /// # Errors
    ///
    /// None in practice: a test of this crate reads the built-in catalog.
    pub fn built_in() -> Result<Self, Error> {
        include_str!("data_sets.toml").parse()
    }

    /// The data set with that name.
    pub fn get(&self, name: &str) -> Option<&DataSet> {
        self.data_sets.iter().find(|data_set| data_set.name == name)
    }
}

impl std::str::FromStr for Catalog {
    type Err = Error;

    /// Reads and validates a catalog.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with the data set and the problem: an unknown or missing key, a malformed checksum or address, a name
    /// that would leave its folder, a duplicate name.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut catalog: Self = toml::from_str(text).map_err(|error| Error::Invalid(error.to_string()))?;
        for data_set in &mut catalog.data_sets {
            data_set.spread_servers();
        }
        check::consistent(&catalog.data_sets).map_err(Error::Invalid)?;
        Ok(catalog)
    }
}
