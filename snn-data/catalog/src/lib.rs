//! What can be fetched: where each data set is to be had, how its files are told from damaged ones, and on which terms
//! it may be used.
//!
//! The catalog is one file, `data_sets.toml`, compiled into the program. This crate only describes, and says where data sets
//! lie on this machine; `cargo xtask fetch-data` does the fetching.
//!
//! ```
//! use snn_catalog::Catalog;
//!
//! # fn main() -> Result<(), snn_catalog::Error> {
//! let catalog = Catalog::built_in()?;
//! let Some(mnist) = catalog.get("mnist") else { panic!("it is in the catalog") };
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

/// What can go wrong with a catalog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A catalog that makes no sense.
    #[error("not a valid catalog: {0}")]
    Invalid(String),
    /// Neither a variable nor a home folder says where things lie.
    #[error("no home folder is known; set {variable} to a folder")]
    NoHome {
        /// The environment variable that would say it.
        variable: &'static str,
    },
}

/// All data sets that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// In the order in which they are listed.
    #[serde(rename = "data_set")]
    pub data_sets: Vec<DataSet>,
}

impl Catalog {
    /// The catalog that comes with this crate.
    ///
    /// # Errors
    ///
    /// None that a test of this crate would not have found.
    pub fn built_in() -> Result<Self, Error> {
        include_str!("data_sets.toml").parse()
    }

    /// The data set of that name.
    pub fn get(&self, name: &str) -> Option<&DataSet> {
        self.data_sets.iter().find(|data_set| data_set.name == name)
    }
}

impl std::str::FromStr for Catalog {
    type Err = Error;

    /// Reads a catalog and checks that it makes sense.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] that names the data set and what is wrong with it: an unknown or missing key, a checksum that is
    /// none, a name that would leave its folder, an address that is none, the same name twice.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut catalog: Self = toml::from_str(text).map_err(|error| Error::Invalid(error.to_string()))?;
        for data_set in &mut catalog.data_sets {
            data_set.spread_servers();
        }
        check::consistent(&catalog.data_sets).map_err(Error::Invalid)?;
        Ok(catalog)
    }
}
