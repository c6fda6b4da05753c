//! `[data]`: which data set, and its parameters. A new data set is one variant, its keys, and one line in each function
//! here.

mod keys;
mod open;

use std::path::{Path, PathBuf};

pub use open::feature_cache;

use serde::{Deserialize, Serialize};
use snn_data::{MnistConfig, RandmanConfig, ShdConfig, SpeechConfig, SpeechLayout};

use super::key::Key;
use crate::error::Error;

/// The data set of an experiment with its parameters; `name` in the file selects the variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Data {
    /// Spike times on smooth random manifolds.
    Randman(RandmanConfig),
    /// Handwritten digits as spike latencies.
    Mnist(Stored<MnistConfig>),
    /// Spiking Heidelberg Digits.
    Shd(Stored<ShdConfig>),
    /// Heidelberg Digits as Mel spectrograms (RawHD).
    Heidelberg(Stored<SpeechConfig>),
    /// Speech Commands as Mel spectrograms (RawSC).
    SpeechCommands(Stored<SpeechConfig>),
    /// Ten words of the Speech Commands.
    SpeechCommandsTenWords(Stored<SpeechConfig>),
    /// Free Spoken Digits as Mel spectrograms.
    Fsdd(Stored<SpeechConfig>),
    /// Recordings of your own: a folder with one folder for each label, `label/*.wav` or `.flac`.
    Folder(Stored<SpeechConfig>),
    /// Spikes of your own: HDF5 files laid out as the Spiking Heidelberg Digits.
    Spikes(SpikeFiles),
}

/// A data set that lies in a folder.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Stored<C: Default> {
    /// The folder; an empty path is the one of this data set in [`snn_data::data_directory`].
    pub directory: PathBuf,
    /// Its parameters.
    #[serde(flatten)]
    pub config: C,
}

impl<C: Default> Stored<C> {
    /// In the folder where the data set lies by default.
    fn by_default(config: C) -> Self {
        Self { directory: PathBuf::new(), config }
    }
}

/// One or two HDF5 files of spikes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SpikeFiles {
    /// The samples for training and validation.
    pub train_file: PathBuf,
    /// Those for the official test part; an empty path for none.
    pub test_file: PathBuf,
    /// Their parameters.
    #[serde(flatten)]
    pub config: ShdConfig,
}

impl Default for Data {
    fn default() -> Self {
        Self::Randman(RandmanConfig::default())
    }
}

impl Data {
    /// The names that `data.name` may have, the default first.
    pub(crate) const NAMES: &[&str] = &[
        "randman",
        "mnist",
        "shd",
        "heidelberg",
        "speech_commands",
        "speech_commands_ten_words",
        "fsdd",
        "folder",
        "spikes",
    ];

    pub(super) const KEYS: &[Key] = keys::KEYS;

    /// The data set of that name, as in `data.name`, with its default parameters.
    ///
    /// ```
    /// use snn_train::experiment::Data;
    ///
    /// assert!(matches!(Data::named("mnist"), Some(Data::Mnist(stored)) if stored.config.train == 45_000));
    /// assert_eq!(Data::named("mnits"), None);
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let speech = |layout| Stored::by_default(SpeechConfig::of(layout));
        Some(match name {
            "randman" => Self::Randman(RandmanConfig::default()),
            "mnist" => Self::Mnist(Stored::default()),
            "shd" => Self::Shd(Stored::default()),
            "heidelberg" => Self::Heidelberg(speech(SpeechLayout::Heidelberg)),
            "speech_commands" => Self::SpeechCommands(speech(SpeechLayout::SpeechCommands)),
            "speech_commands_ten_words" => Self::SpeechCommandsTenWords(speech(SpeechLayout::SpeechCommands)),
            "fsdd" => Self::Fsdd(speech(SpeechLayout::Fsdd)),
            "folder" => Self::Folder(speech(SpeechLayout::Folder)),
            "spikes" => Self::Spikes(SpikeFiles::default()),
            _ => return None,
        })
    }

    /// The name of the data set, as in `data.name`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Randman(_) => "randman",
            Self::Mnist(_) => "mnist",
            Self::Shd(_) => "shd",
            Self::Heidelberg(_) => "heidelberg",
            Self::SpeechCommands(_) => "speech_commands",
            Self::SpeechCommandsTenWords(_) => "speech_commands_ten_words",
            Self::Fsdd(_) => "fsdd",
            Self::Folder(_) => "folder",
            Self::Spikes(_) => "spikes",
        }
    }

    /// The folder that was chosen for the data set, if any was.
    fn directory(&self) -> Option<&Path> {
        let directory = match self {
            Self::Randman(_) | Self::Spikes(_) => return None,
            Self::Mnist(stored) => &stored.directory,
            Self::Shd(stored) => &stored.directory,
            Self::Heidelberg(stored)
            | Self::SpeechCommands(stored)
            | Self::SpeechCommandsTenWords(stored)
            | Self::Fsdd(stored)
            | Self::Folder(stored) => &stored.directory,
        };
        Some(directory.as_path()).filter(|path| !path.as_os_str().is_empty())
    }

    /// Time steps of a sample.
    pub(super) fn steps(&self) -> usize {
        match self {
            Self::Randman(config) => config.steps,
            Self::Mnist(stored) => stored.config.steps,
            Self::Shd(stored) => stored.config.steps,
            Self::Spikes(files) => files.config.steps,
            Self::Heidelberg(stored)
            | Self::SpeechCommands(stored)
            | Self::SpeechCommandsTenWords(stored)
            | Self::Fsdd(stored)
            | Self::Folder(stored) => stored.config.steps,
        }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        match self {
            Self::Randman(config) => config.validate()?,
            Self::Mnist(stored) => stored.config.validate()?,
            Self::Shd(stored) => stored.config.validate()?,
            Self::Spikes(files) => files.config.validate()?,
            Self::Heidelberg(stored)
            | Self::SpeechCommands(stored)
            | Self::SpeechCommandsTenWords(stored)
            | Self::Fsdd(stored)
            | Self::Folder(stored) => stored.config.validate()?,
        }
        Ok(())
    }
}
