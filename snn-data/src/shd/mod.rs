//! Spike trains from HDF5 files: the Spiking Heidelberg Digits, and files of a user's own of the same layout.

mod config;
#[cfg(feature = "hdf5")]
mod dataset;
#[cfg(feature = "hdf5")]
mod file;
#[cfg(feature = "hdf5")]
mod isolate;
#[cfg(feature = "hdf5")]
mod protocol;
#[cfg(feature = "hdf5")]
mod samples;
#[cfg(feature = "hdf5")]
mod source;

pub use config::{ShdConfig, UnsortedSpikes};
#[cfg(feature = "hdf5")]
pub use dataset::Shd;
#[cfg(feature = "hdf5")]
pub use file::Person;
#[cfg(feature = "hdf5")]
pub use isolate::{isolate_hdf5, serve_hdf5};
#[cfg(feature = "hdf5")]
pub(crate) use protocol::parse_head;
