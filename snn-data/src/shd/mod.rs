//! Spike files: the Spiking Heidelberg Digits, and a user's own files, in HDF5, npz or CSV.

mod config;
#[cfg(feature = "events")]
mod csv_file;
#[cfg(any(feature = "events", feature = "hdf5"))]
mod dataset;
#[cfg(feature = "hdf5")]
mod file;
#[cfg(any(feature = "events", feature = "hdf5"))]
mod head;
#[cfg(feature = "hdf5")]
mod isolate;
#[cfg(any(feature = "events", feature = "hdf5"))]
mod matching;
#[cfg(feature = "events")]
mod npz_file;
#[cfg(feature = "hdf5")]
mod protocol;
#[cfg(any(feature = "events", feature = "hdf5"))]
mod samples;
#[cfg(any(feature = "events", feature = "hdf5"))]
mod source;
#[cfg(feature = "events")]
mod table;
#[cfg(all(feature = "audio", feature = "hdf5"))]
mod writer;

pub use config::{Sensor, ShdConfig, UnsortedSpikes};
#[cfg(feature = "events")]
pub(crate) use csv_file::parse_csv;
#[cfg(any(feature = "events", feature = "hdf5"))]
pub use dataset::{Shd, SpikeParts};
#[cfg(any(feature = "events", feature = "hdf5"))]
pub use head::Person;
#[cfg(feature = "hdf5")]
pub use isolate::{isolate_hdf5, read_isolated_hdf5, serve_hdf5, serve_isolated_hdf5};
#[cfg(feature = "hdf5")]
pub(crate) use protocol::parse_head;
#[cfg(all(feature = "audio", feature = "hdf5"))]
pub(crate) use writer::{Content, SpikeWriter};
