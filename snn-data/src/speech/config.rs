//! The parameters of spoken-word data, and what values they may have.

use serde::{Deserialize, Serialize};

use super::SpeechLayout;
use crate::audio::{MelConfig, MelFilters};
use crate::binning::{count, positive_ms};
use crate::{Error, SplitRule};

/// Most steps of a recording: bounds what a slip of the finger allocates.
const MAX_STEPS: usize = 1 << 20;

/// The parameters of a [`SpeechDataset`](super::SpeechDataset); [`SpeechConfig::of`] gives the defaults of a data set, those of
/// Zenke & Vogels 2021 where they used it.
///
/// In a configuration, keys that are left out have the defaults of a plain folder; an unknown key is an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpeechConfig {
    /// Number of time steps, one for each frame: recordings are cropped, or padded by repeating the last frame; 1 to
    /// 1048576. 80 for RawHD and folders, 100 for RawSC, 60 for the free spoken digits.
    pub steps: usize,
    /// Length of a time step in ms; above 0, default 2. A frame each 10 ms of sound and 2 ms of the network compress time
    /// fivefold.
    pub dt: f64,
    /// Whether each recording loses the mean of every channel, after the compression; default false.
    pub remove_mean: bool,
    /// Whether channels are brought to mean 0 and deviation 1, with statistics of the training part; default true.
    pub standardize: bool,
    /// The words to load, which become classes 0, 1, ... in this order; default none, which loads all there are.
    pub words: Vec<String>,
    /// Whether recordings that cannot be read are left out and counted; default false, which refuses the data set.
    pub skip_broken: bool,
    /// The test part; default official, for folders a tenth of every class.
    pub test: SplitRule,
    /// The validation part, of what the test leaves; default a tenth of every class, for RawSC official.
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
            // Recorded at 8 kHz: there is nothing above 4 kHz.
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
    /// [`Error::Setting`] for the first key whose value is out of the range that its field documents.
    pub fn validate(&self) -> Result<(), Error> {
        count("steps", self.steps, MAX_STEPS)?;
        positive_ms("dt", self.dt)?;
        for (k, word) in self.words.iter().enumerate() {
            if self.words[..k].contains(word) {
                return Err(Error::setting("words", word, "there once"));
            }
        }
        MelFilters::new(&self.mel).map(drop)
    }
}
