//! The content of a spike file, independent of its format.

#![cfg_attr(not(feature = "hdf5"), allow(dead_code, reason = "npz and CSV need less"))]

use serde::{Deserialize, Serialize};

/// Samples read at once: few enough to need little memory, enough to be fast.
pub(super) const SLICE: usize = 256;

pub(super) const HDF5: &str = "HDF5 spike file";

/// Maximum number of samples of a file: limits the allocation for a broken header.
pub(super) const MAX_SAMPLES: usize = 1 << 24;

/// Names of lists in errors about their lengths.
pub(super) const LENGTHS: [&str; 2] = [OF_SAMPLES, OF_SPIKES];
pub(super) const OF_SAMPLES: &str = "entries, one for each sample";
pub(super) const OF_SPIKES: &str = "units of a sample, one for each time";

/// The content of a file except its spikes.
#[derive(Default)]
pub(crate) struct Head {
    pub(super) labels: Vec<u16>,
    /// The speaker of each sample, if the file has them.
    pub(super) speakers: Option<Vec<u32>>,
    /// The word of each class, if the file has them.
    pub(super) keys: Option<Vec<String>>,
    pub(super) people: Vec<Person>,
}

/// The spikes of some samples, concatenated.
#[derive(Default)]
pub(super) struct Spikes {
    /// Times in seconds.
    pub(super) times: Vec<f32>,
    /// Channels of the recording, possibly more than input units.
    pub(super) units: Vec<u32>,
    /// Where each sample ends.
    pub(super) ends: Vec<usize>,
}

/// The attributes of a speaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// `male` or `female`, as written in the file.
    pub gender: Option<String>,
    /// Age in years.
    pub age: Option<u32>,
    /// Height in cm.
    pub body_height: Option<u32>,
}
