//! What is read of a file of spikes, whatever its format.

#![cfg_attr(not(feature = "hdf5"), allow(dead_code, reason = "npz and CSV need less"))]

use serde::{Deserialize, Serialize};

/// Samples that are read at once: few enough to need little memory, enough to be fast.
pub(super) const SLICE: usize = 256;

pub(super) const HDF5: &str = "HDF5 file of spikes";

/// Most samples of a file: bounds what a broken header allocates.
pub(super) const MAX_SAMPLES: usize = 1 << 24;

/// What lists are too long or too short.
pub(super) const LENGTHS: [&str; 2] = [OF_SAMPLES, OF_SPIKES];
pub(super) const OF_SAMPLES: &str = "entries, one for each sample";
pub(super) const OF_SPIKES: &str = "units of a sample, one for each time";

/// What a file holds beside its spikes.
#[derive(Default)]
pub(crate) struct Head {
    pub(super) labels: Vec<u16>,
    /// The speaker of each sample, if the file names them.
    pub(super) speakers: Option<Vec<u32>>,
    /// The word of each class, if the file names them.
    pub(super) keys: Option<Vec<String>>,
    pub(super) people: Vec<Person>,
}

/// The spikes of some samples, one after the other.
#[derive(Default)]
pub(super) struct Spikes {
    /// Seconds.
    pub(super) times: Vec<f32>,
    /// Channels of the recording, of which there may be more than input units.
    pub(super) units: Vec<u32>,
    /// Where each sample ends.
    pub(super) ends: Vec<usize>,
}

/// What a file tells of a speaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// `male` or `female`, as the file writes it.
    pub gender: Option<String>,
    /// Age in years.
    pub age: Option<u32>,
    /// Height in cm.
    pub body_height: Option<u32>,
}
