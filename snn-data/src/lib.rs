//! Data sets for spiking neural networks: from a generator or a file to batches of spike events.
//!
//! The shortest useful program creates a data set, shuffles its training part and iterates over the batches:
//!
//! ```
//! use snn_data::{BatchInput, Dataset, Randman, RandmanConfig, collate, shuffled};
//!
//! # fn main() -> Result<(), snn_data::Error> {
//! let config = RandmanConfig { classes: 4, samples_per_class: 50, ..RandmanConfig::default() };
//! let data = Randman::new(config)?;
//!
//! for epoch in 0..2 {
//!     for indices in shuffled(&data.splits().train, 42, epoch).chunks(64) {
//!         let batch = collate(&data, indices)?;
//!         let BatchInput::Events { offsets, units } = &batch.input else { unreachable!("Randman spikes") };
//!
//!         // Row `sample * steps + step` lists the input units that spike in that step of that sample.
//!         let row = 3 * batch.steps + 17;
//!         let spiking = &units[offsets[row] as usize..offsets[row + 1] as usize];
//!         assert!(spiking.iter().all(|&unit| usize::from(unit) < batch.inputs));
//!         assert_eq!(units.len(), batch.labels.len() * data.inputs(), "each input spikes exactly once");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Data flow
//!
//! A [`Dataset`] knows its shape, its labels and its [`Splits`], and writes its samples one by one to a [`BatchBuilder`];
//! [`shuffled`] returns the order of an epoch; [`collate`] gathers samples into a [`Batch`], as events in compressed rows
//! or as dense frames. The crate is independent of networks: a batch consists of plain vectors that any consumer can take.
//!
//! # Data sets
//!
//! - [`Randman`]: spike times on smooth random manifolds (Zenke & Vogels 2021).
//! - `Mnist`: handwritten digits as spike latencies (feature `mnist`).
//! - `Shd`: the Spiking Heidelberg Digits, the Spiking Speech Commands, or any spike files in HDF5 (feature `hdf5`), npz or
//!   CSV (feature `events`).
//! - `Camera`: event-camera recordings, N-MNIST and DVS Gesture (feature `events`).
//! - `SpeechDataset`: spoken words as Mel spectrograms: the Heidelberg Digits, the Speech Commands, the Free Spoken
//!   Digit Dataset, or any folder of labeled WAV or FLAC files (feature `audio`).
//! - `Cochlea` converts sound to spikes with a model of the inner ear (feature `audio`), and `encode_speech` converts whole data
//!   sets of recordings (with `hdf5`).
//! - [`EventDataset`]: your own spike trains, binned to steps and held in memory.
//! - [`FrameDataset`]: your own analog samples.
//! - Anything else: implement [`Dataset`].
//!
//! [`DataIdentity`] identifies the data that a run was trained on and compares them with others, [`Membership`] records the
//! samples of each part, and [`Intake`] counts what was changed or left out during loading. [`Cancel`] stops loading promptly.
//!
//! [`DatasetSummary`] summarizes the content of any data set; [`data_directory`] and [`cache_directory`] locate the files.
//!
//! The module `npz` reads and writes NumPy arrays (feature `npz`).
//!
//! The crate `snn-catalog` lists where published data sets can be fetched, and their licenses.
//!
//! # Units and numbers
//!
//! Times are in ms, steps have length `dt`, labels and input units are `u16`, offsets `u32`. All random numbers
//! come from ChaCha8, with one stream for each purpose: the same seed gives the same data and the same order for any
//! number of threads.
//!
//! # Features
//!
//! - `audio` (default): WAV and FLAC recordings, their Mel spectrograms, and the spoken-word data sets.
//! - `events` (default): spike trains in npz and CSV files, and event-camera recordings.
//! - `mnist` (default): handwritten digits.
//! - `npz` (default): NumPy arrays.
//! - `hdf5`: spike trains in HDF5 files. Requires the system's HDF5 library.

#[cfg(feature = "audio")]
pub mod audio;
mod batch;
mod binning;
#[cfg(feature = "events")]
mod camera;
mod cancel;
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5", feature = "mnist"))]
#[cfg_attr(
    not(any(feature = "events", feature = "hdf5")),
    allow(dead_code, reason = "settings are checked without readers")
)]
mod channels;
#[cfg(feature = "audio")]
mod cochlea;
mod collate;
mod dataset;
mod delegate;
mod directories;
mod error;
mod events;
mod fingerprint;
mod frames;
#[doc(hidden)]
pub mod fuzzing;
mod identity;
mod intake;
mod kind;
#[cfg(any(feature = "events", feature = "hdf5"))]
mod late;
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5", feature = "mnist"))]
mod list;
mod membership;
mod memory;
#[cfg(feature = "mnist")]
mod mnist;
#[cfg(feature = "npz")]
pub mod npz;
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5", feature = "mnist"))]
mod part;
mod parts;
mod randman;
mod random;
mod relabeled;
mod room;
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5", feature = "mnist"))]
mod shd;
#[cfg(feature = "audio")]
mod speech;
mod split;
mod statistics;
mod summary;

pub use batch::{Batch, BatchBuilder, BatchInput};
pub use binning::{Binning, CoincidentSpikes, LateSpikes, TimeUnit};
#[cfg(feature = "events")]
pub use camera::{Camera, CameraConfig, CameraLayout};
pub use cancel::Cancel;
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5", feature = "mnist"))]
pub use channels::Polarity;
#[cfg(feature = "audio")]
pub use cochlea::{Cochlea, CochleaConfig};
pub use collate::collate;
pub use dataset::{Dataset, Portion, Splits};
pub use directories::{cache_directory, data_directory};
pub use error::Error;
pub use events::EventDataset;
pub use fingerprint::Fingerprint;
pub use frames::FrameDataset;
pub use identity::{ClassOrder, Comparison, DataIdentity, Difference, PartIdentity};
pub use intake::{Intake, LeftOut, Reason};
pub use kind::InputKind;
pub use membership::{Membership, Recorded};
pub use memory::{AvailableMemory, available_memory};
#[cfg(feature = "mnist")]
pub use mnist::{Idx, Mnist, MnistConfig};
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5", feature = "mnist"))]
pub use part::SplitRule;
pub use randman::{Manifold, Randman, RandmanConfig};
pub use random::shuffled;
pub use relabeled::Relabeled;
#[cfg(any(feature = "events", feature = "hdf5"))]
pub use shd::{Person, Shd, SpikeParts};
#[cfg(any(feature = "audio", feature = "events", feature = "hdf5", feature = "mnist"))]
pub use shd::{Sensor, ShdConfig, UnsortedSpikes};
#[cfg(feature = "hdf5")]
pub use shd::{isolate_hdf5, read_isolated_hdf5, serve_hdf5, serve_isolated_hdf5};
#[cfg(all(feature = "audio", feature = "hdf5"))]
pub use speech::{Encoded, EncodedPart, encode_speech};
#[cfg(feature = "audio")]
pub use speech::{SpeechConfig, SpeechDataset, SpeechEvent, SpeechLayout, cache_files};
pub use split::Split;
pub use statistics::ChannelStatistics;
pub use summary::{DatasetSummary, Distribution, PartSummary};
