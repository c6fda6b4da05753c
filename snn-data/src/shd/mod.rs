//! Spike trains from HDF5 files: the Spiking Heidelberg Digits, and files of a user's own of the same layout.

mod config;
#[cfg(feature = "hdf5")]
mod dataset;
#[cfg(feature = "hdf5")]
mod file;

pub use config::{ShdConfig, UnsortedSpikes};
#[cfg(feature = "hdf5")]
pub use dataset::{Person, Shd};
