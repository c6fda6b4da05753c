//! The interface of the data sets in the table.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use snn_data::{
    CameraConfig, Dataset, MnistConfig, RandmanConfig, Recorded, ShdConfig, SpeechConfig, SpeechEvent,
    data_directory,
};

use crate::{
    error::Error,
    experiment::key::{Key, Values},
};

/// Receives the progress of computing features, from any thread.
pub(super) type Watch<'a> = &'a (dyn Fn(SpeechEvent<'_>) + Sync);

/// The content of `[data]` for one or several data sets: keys with their ranges, defaults, and loading.
pub(super) trait Section: Default {
    /// Distinguishes data sets that share this section.
    type Origin;

    /// Its keys except `data.name`, in the order of the file. A run's id depends on that order: new keys go last.
    const KEYS: &'static [Key];

    /// The default parameters of the data set.
    fn by_default(_: Self::Origin) -> Self {
        Self::default()
    }

    /// The configuration for `snn-data`.
    fn parameters(&self) -> &impl Parameters;

    /// Generates or loads the data set of this row.
    fn open(
        &self,
        row: Row,
        origin: Self::Origin,
        watch: Watch<'_>,
        recorded: Recorded<'_>,
    ) -> Result<Box<dyn Dataset>, Error>;
}

/// A configuration of `snn-data`.
pub(super) trait Parameters {
    /// Time steps of a sample.
    fn steps(&self) -> usize;

    /// Checks constraints between the values.
    fn check(&self) -> Result<(), Error>;
}

macro_rules! parameters {
    ($($config:ty),+) => {
        $(impl Parameters for $config {
            fn steps(&self) -> usize {
                self.steps
            }

            fn check(&self) -> Result<(), Error> {
                Ok(self.validate()?)
            }
        })+
    };
}

parameters!(RandmanConfig, MnistConfig, ShdConfig, SpeechConfig, CameraConfig);

/// A data set in a folder.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Stored<C: Default> {
    /// The folder; an empty path means that of this data set in [`snn_data::data_directory`].
    pub directory: PathBuf,
    /// Its parameters.
    #[serde(flatten)]
    pub config: C,
}

/// The common part of a row in the table of data sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// The name in `data.name`.
    pub(super) name: &'static str,
    /// The name in `cargo xtask fetch-data NAME`, if it can be fetched.
    pub(super) fetch: Option<&'static str>,
}

impl Row {
    /// The location of the data set: the chosen folder, or the one used by `fetch-data`.
    pub(super) fn folder(self, chosen: &Path) -> Result<PathBuf, Error> {
        if chosen.as_os_str().is_empty() {
            Ok(data_directory()?.join(self.name))
        } else {
            Ok(chosen.to_owned())
        }
    }

    /// The error for an unknown location.
    pub(super) fn unnamed(self, what: &str) -> Error {
        let name = self.name;
        Error::Impossible(format!("the location of data.name = \"{name}\" is unknown: set {what}"))
    }

    /// Adds how to obtain missing files.
    pub(super) fn found<D: Dataset + 'static>(
        self,
        opened: Result<D, snn_data::Error>,
        otherwise: &str,
    ) -> Result<Box<dyn Dataset>, Error> {
        match opened {
            Ok(dataset) => Ok(Box::new(dataset)),
            Err(error) => Err(self.missing(error, otherwise)),
        }
    }

    /// Like [`found`](Self::found), for an error.
    pub(super) fn missing(self, error: snn_data::Error, otherwise: &str) -> Error {
        match error {
            snn_data::Error::Missing { what, path } => {
                let fetch = |name| format!("`cargo xtask fetch-data {name}` fetches it, or {otherwise}");
                let remedy = self.fetch.map_or_else(|| otherwise.to_owned(), fetch);
                Error::MissingData { name: self.name, what, path, remedy }
            }
            error => error.into(),
        }
    }
}

/// For [`Row::found`].
pub(super) const SET_DIRECTORY: &str = "set data.directory to the folder of its files";

/// `data.directory`, of every data set with a folder.
pub(super) const DIRECTORY: Key = Key::of_data(
    "data.directory",
    Values::Text,
    "",
    "Folder of the data set; empty for the one used by `cargo xtask fetch-data`.",
);
pub(super) const STEPS: Key = Key::of_data("data.steps", Values::U32, "steps", "Time steps of a sample.");
pub(super) const DT: Key = Key::of_data("data.dt", Values::POSITIVE, "ms", "Length of a time step.");
pub(super) const TEST: Key =
    Key::of_data("data.test", Values::SplitRule, "", "The test part, selected first.");
pub(super) const VALID: Key = Key::of_data(
    "data.valid",
    Values::SplitRule,
    "",
    "The validation part, selected from the samples not in the test part.",
);
