//! Data sets for spiking neural networks: from a generator or a file to batches of spike events.
//!
//! The shortest useful program makes a data set, shuffles its training part and walks through the batches:
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
//! # The way the data flows
//!
//! A [`Dataset`] knows its shape, its labels and its [`Splits`], and writes one sample after the other into a
//! [`BatchBuilder`]; [`shuffled`] gives the order of an epoch; [`collate`] gathers samples into a [`Batch`], as
//! events in compressed rows or as dense frames. No network is known here: a batch is plain vectors, for any
//! consumer to move out.
//!
//! # Data sets
//!
//! - [`Randman`]: spike times on smooth random manifolds (Zenke & Vogels 2021), with all their parameters.
//! - `Mnist`: handwritten digits as spike latencies (feature `mnist`).
//! - `Shd`: the Spiking Heidelberg Digits, the Spiking Speech Commands, or any files of spikes in HDF5 (feature `hdf5`), npz or
//!   CSV (feature `events`).
//! - `Camera`: recordings of event cameras, N-MNIST and DVS Gesture (feature `events`).
//! - `SpeechDataset`: spoken words as Mel spectrograms: the Heidelberg Digits, the Speech Commands, the Free Spoken
//!   Digit Dataset, or any folder of labeled WAV or FLAC files (feature `audio`).
//! - `Cochlea` turns sound into spikes by a model of the inner ear (feature `audio`), and `encode_speech` whole data sets of recordings
//!   (with `hdf5`).
//! - [`EventDataset`]: spike trains of your own, binned to steps and held in memory.
//! - [`FrameDataset`]: analog samples of your own.
//! - Anything else: implement [`Dataset`].
//!
//! [`DataIdentity`] says which data a run was trained on and how others differ, [`Membership`] which sample is in which
//! part, [`Intake`] what was changed or left out on the way in. [`Cancel`] ends the loading of any of them within a moment.
//!
//! [`DatasetSummary`] says in numbers what is in any of them; [`data_directory`] and [`cache_directory`] where they lie.
//!
//! Arrays of NumPy are read and written by the module `npz` (feature `npz`).
//!
//! Where to fetch the published ones, and on which terms, is what the crate `snn-catalog` tells.
//!
//! # Units and numbers
//!
//! Times are in ms, steps have length `dt`, labels and input units are `u16`, offsets `u32`. All random numbers
//! come from ChaCha8, with one stream for each purpose: the same seed gives the same data and the same order,
//! whatever the number of threads.

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
