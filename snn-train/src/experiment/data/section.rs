//! What a data set must say of itself to be one of the table.

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

/// Hears how far the computation of features is, from any thread.
pub(super) type Watch<'a> = &'a (dyn Fn(SpeechEvent<'_>) + Sync);

/// The content of `[data]` for one or several data sets: keys with their ranges, defaults, and the way to the samples.
pub(super) trait Section: Default {
    /// What tells those data sets apart that share this section.
    type Origin;

    /// Its keys beside `data.name`, in the order of the file. A run's id follows from that order: new keys come last.
    const KEYS: &'static [Key];

    /// With the default parameters of the data set.
    fn by_default(_: Self::Origin) -> Self {
        Self::default()
    }

    /// The parameters that `snn-data` knows.
    fn parameters(&self) -> &impl Parameters;

    /// Generates or loads the data set of that row.
    fn open(
        &self,
        row: Row,
        origin: Self::Origin,
        watch: Watch<'_>,
        recorded: Recorded<'_>,
    ) -> Result<Box<dyn Dataset>, Error>;
}

/// The parameters of a data set, as `snn-data` has them.
pub(super) trait Parameters {
    /// Time steps of a sample.
    fn steps(&self) -> usize;

    /// Checks what must hold between the values.
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

/// A row of the table of data sets, as far as it is the same for all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// As in `data.name`.
    pub(super) name: &'static str,
    /// As in `cargo xtask fetch-data NAME`, if that can fetch it.
    pub(super) fetch: Option<&'static str>,
}

impl Row {
    /// Where the data set lies: in the folder that was chosen, or in the one where it is put when it is fetched.
    pub(super) fn folder(self, chosen: &Path) -> Result<PathBuf, Error> {
        if chosen.as_os_str().is_empty() {
            Ok(data_directory()?.join(self.name))
        } else {
            Ok(chosen.to_owned())
        }
    }

    /// Nobody has said where the data are.
    pub(super) fn unnamed(self, what: &str) -> Error {
        let name = self.name;
        Error::Impossible(format!("nothing says where the data of data.name = \"{name}\" are: set {what}"))
    }

    /// Says how to come by what is not there.
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

    /// As [`found`](Self::found) for an error alone.
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
pub(super) const SET_DIRECTORY: &str = "set data.directory to the folder that holds it";

/// `data.directory`, of every data set that lies in a folder.
pub(super) const DIRECTORY: Key = Key::of_data(
    "data.directory",
    Values::Text,
    "",
    "The folder that holds the data set; empty for the one where `cargo xtask fetch-data` puts it.",
);
pub(super) const STEPS: Key = Key::of_data("data.steps", Values::U32, "steps", "Time steps of a sample.");
pub(super) const DT: Key = Key::of_data("data.dt", Values::POSITIVE, "ms", "Length of a time step.");
pub(super) const TEST: Key = Key::of_data("data.test", Values::SplitRule, "", "The test part, chosen first.");
pub(super) const VALID: Key =
    Key::of_data("data.valid", Values::SplitRule, "", "The validation part, of what the test leaves.");
