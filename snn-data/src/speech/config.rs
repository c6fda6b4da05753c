//! The parameters of spoken-word data and their ranges.

use serde::{Deserialize, Serialize};

use super::SpeechLayout;
use crate::audio::{MelConfig, MelFilters};
use crate::binning::{count, positive_ms};
use crate::{Error, SplitRule};

/// Maximum number of steps of a recording: limits the allocation after a typo.
const MAX_STEPS: usize = 1 << 20;

/// The parameters of a [`SpeechDataset`](super::SpeechDataset); [`SpeechConfig::of`] returns the defaults of a data set: those of
/// Zenke & Vogels 2021 if they used it.
///
/// In a configuration, missing keys have the defaults of a plain folder; unknown keys are an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpeechConfig {
    /// Number of time steps, one per frame: recordings are cropped, or padded by repeating the last frame; 1 to 1048576.
    /// Default 80 for RawHD and folders, 100 for RawSC, 60 for the free spoken digits.
    pub steps: usize,
    /// Length of a time step in ms; above 0, default 2. With a frame every 10 ms of sound, steps of 2 ms compress time by a
    /// factor of five.
    pub dt: f64,
    /// Whether the mean of every channel is subtracted from each recording, after the compression; default false.
    pub remove_mean: bool,
    /// Whether channels are standardized to mean 0 and deviation 1 with the statistics of the training part; default true.
    pub standardize: bool,
    /// The words to load, which become classes 0, 1, ... in this order; default empty, which loads all words.
    pub words: Vec<String>,
    /// Whether unreadable recordings are left out and counted; default false, which refuses the data set.
    pub skip_broken: bool,
    /// The test part; default official, for folders a tenth of every class.
    pub test: SplitRule,
    /// The validation part, chosen from the samples not in the test part; default a tenth of every class, for RawSC official.
    pub valid: SplitRule,
    /// The audio front end.
    pub mel: MelConfig,
}

impl Default for SpeechConfig {
    fn default() -> Self {
        Self::of(SpeechLayout::Folder)
    }
}

impl SpeechConfig {
    /// The defaults of a data set.
    pub fn of(layout: SpeechLayout) -> Self {
        let plain = Self {
            steps: 80,
            dt: 2.0,
            remove_mean: false,
            standardize: true,
            words: Vec::new(),
            skip_broken: false,
            test: SplitRule::Official,
            valid: SplitRule::stratified(0.1),
            mel: MelConfig::default(),
        };
        match layout {
            SpeechLayout::Heidelberg => plain,
            SpeechLayout::SpeechCommands => Self { steps: 100, valid: SplitRule::Official, ..plain },
            // Recorded at 8 kHz: there are no frequencies above 4 kHz.
            SpeechLayout::Fsdd => {
                Self { steps: 60, mel: MelConfig { high: Some(4000.0), ..MelConfig::default() }, ..plain }
            }
            SpeechLayout::Folder => Self { test: SplitRule::stratified(0.1), ..plain },
        }
    }

    /// Checks every value that can be checked without the data.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first key whose value is outside the range documented on its field.
    pub fn validate(&self) -> Result<(), Error> {
        count("steps", self.steps, MAX_STEPS)?;
        positive_ms("dt", self.dt)?;
        for (k, word) in self.words.iter().enumerate() {
            if self.words[..k].contains(word) {
                return Err(Error::setting("words", word, "listed only once"));
            }
        }
        MelFilters::new(&self.mel).map(drop)
    }
}
