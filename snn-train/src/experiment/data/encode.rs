//! Recordings encoded as spikes.

use std::path::Path;

use snn_data::{Cochlea, CochleaConfig, Encoded, SpeechLayout, data_directory, encode_speech};

use super::{section::Row, table::Data};
use crate::error::Error;

/// The suffix of a data set's encoded recordings.
const SUFFIX: &str = "_spikes";

impl Data {
    /// Encodes the recordings of a data set with a model of the inner ear ([`encode_speech`]) in the folder `out`, by default that of the
    /// data set `NAME_spikes` in [`snn_data::data_directory`]. `observer` receives the number of finished recordings and the total.
    ///
    /// # Errors
    /// [`Error::Impossible`] for a data set without recordings, [`Error::MissingData`] if its files are missing, and [`Error::Data`].
    pub fn encode(
        &self,
        cochlea: CochleaConfig,
        out: Option<&Path>,
        observer: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Encoded, Error> {
        let (stored, layout) = match self {
            Self::Heidelberg(stored) => (stored, SpeechLayout::Heidelberg),
            Self::SpeechCommands(stored) | Self::SpeechCommandsTenWords(stored) => {
                (stored, SpeechLayout::SpeechCommands)
            }
            Self::Fsdd(stored) => (stored, SpeechLayout::Fsdd),
            Self::Folder(stored) => (stored, SpeechLayout::Folder),
            _ => {
                let name = self.name();
                return Err(Error::Impossible(format!(
                    "data.name = \"{name}\" is not a data set of recordings"
                )));
            }
        };
        let row =
            Row { name: self.name(), fetch: Some(self.name()).filter(|_| layout != SpeechLayout::Folder) };
        if layout == SpeechLayout::Folder && stored.directory.as_os_str().is_empty() {
            return Err(row.unnamed("data.directory to the folder that has one folder per label"));
        }
        let name = format!("{}{SUFFIX}", self.name());
        let out = match out {
            Some(out) => out.to_owned(),
            None => data_directory()?.join(&name),
        };
        let folder = row.folder(&stored.directory)?;
        let cochlea = Cochlea::new(cochlea)?;
        let encoded = encode_speech(layout, &folder, &stored.config, &cochlea, &name, &out, observer);
        encoded.map_err(|error| row.missing(error, super::section::SET_DIRECTORY))
    }
}
