//! Spike trains from HDF5 files: the Spiking Heidelberg Digits, and files of a user's own of the same layout.

mod config;
#[cfg(feature = "hdf5")]
mod dataset;
#[cfg(feature = "hdf5")]
mod file;
#[cfg(feature = "hdf5")]
mod isolate;

pub use config::{ShdConfig, UnsortedSpikes};
#[cfg(feature = "hdf5")]
pub use dataset::{Person, Shd};
#[cfg(feature = "hdf5")]
pub use isolate::{isolate_hdf5, serve_hdf5};

#[cfg(feature = "hdf5")]
use crate::TimeUnit;

/// Whether bytes begin as the words of a helper do.
#[cfg(feature = "hdf5")]
pub(crate) fn parse_head(bytes: &mut &[u8]) -> bool {
    isolate::read_head(bytes).is_ok()
}

/// Samples that are read at once: few enough to need little memory, enough to be fast.
#[cfg(feature = "hdf5")]
const SLICE: usize = 256;
