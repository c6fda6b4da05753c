//! From the description of a data set to its samples.

use std::path::PathBuf;

#[cfg(feature = "hdf5")]
use snn_data::Shd;
use snn_data::{
    Dataset, Mnist, Randman, SpeechConfig, SpeechDataset, SpeechEvent, SpeechLayout, cache_directory,
    data_directory,
};

use super::Data;
use crate::error::Error;

/// Hears how far the computation of features is, from any thread.
type Watch<'a> = &'a (dyn Fn(SpeechEvent<'_>) + Sync);

impl Data {
    /// Generates or loads the data set.
    ///
    /// # Errors
    /// [`Error::MissingData`] if its files are not there, [`Error::NoHdf5`] if this build cannot read them,
    /// [`Error::Impossible`] if nothing says where they are, [`Error::Data`] for parameters that are not possible
    /// together, damaged files, or too little memory.
    pub fn open(&self) -> Result<Box<dyn Dataset>, Error> {
        self.open_watched(&|_| {})
    }

    /// As [`Data::open`]; `watch` hears how far the features of recordings are, which are computed once and then kept
    /// in [`cache_directory`].
    ///
    /// # Errors
    /// Those of [`Data::open`].
    pub fn open_watched(&self, watch: Watch<'_>) -> Result<Box<dyn Dataset>, Error> {
        match self {
            Self::Randman(config) => Ok(Box::new(Randman::new(config.clone())?)),
            Self::Mnist(stored) => self.found(Mnist::open(self.folder()?, &stored.config)),
            #[cfg(feature = "hdf5")]
            Self::Shd(stored) => self.found(Shd::open(self.folder()?, &stored.config)),
            #[cfg(feature = "hdf5")]
            Self::Spikes(files) => {
                if files.train_file.as_os_str().is_empty() {
                    return Err(self.unnamed("data.train_file to the HDF5 file"));
                }
                let test = Some(files.test_file.as_path()).filter(|path| !path.as_os_str().is_empty());
                self.found(Shd::from_files(self.name(), &files.train_file, test, &files.config))
            }
            #[cfg(not(feature = "hdf5"))]
            Self::Shd(_) | Self::Spikes(_) => Err(Error::NoHdf5 { name: self.name() }),
            Self::Heidelberg(stored) => self.open_speech(SpeechLayout::Heidelberg, &stored.config, watch),
            Self::SpeechCommands(stored) | Self::SpeechCommandsTenWords(stored) => {
                self.open_speech(SpeechLayout::SpeechCommands, &stored.config, watch)
            }
            Self::Fsdd(stored) => self.open_speech(SpeechLayout::Fsdd, &stored.config, watch),
            Self::Folder(stored) => self.open_speech(SpeechLayout::Folder, &stored.config, watch),
        }
    }

    fn open_speech(
        &self,
        layout: SpeechLayout,
        config: &SpeechConfig,
        watch: Watch<'_>,
    ) -> Result<Box<dyn Dataset>, Error> {
        // Without a place for them, features are computed anew each time.
        let cache = cache_directory().ok().map(|directory| directory.join("features"));
        self.found(SpeechDataset::open(layout, self.folder()?, config, cache.as_deref(), watch))
    }

    /// Where the data set lies.
    fn folder(&self) -> Result<PathBuf, Error> {
        match self.directory() {
            Some(directory) => Ok(directory.to_owned()),
            None if matches!(self, Self::Folder(_)) => {
                Err(self.unnamed("data.directory to the folder that holds one folder for each label"))
            }
            None => Ok(data_directory()?.join(self.name())),
        }
    }

    fn unnamed(&self, what: &str) -> Error {
        let name = self.name();
        Error::Impossible(format!("nothing says where the data of data.name = \"{name}\" are: set {what}"))
    }

    /// Says how to come by what is not there.
    fn found<D: Dataset + 'static>(
        &self,
        opened: Result<D, snn_data::Error>,
    ) -> Result<Box<dyn Dataset>, Error> {
        match opened {
            Ok(dataset) => Ok(Box::new(dataset)),
            Err(snn_data::Error::Missing { what, path }) if !matches!(self, Self::Folder(_)) => {
                Err(Error::MissingData { name: self.name(), what, path })
            }
            Err(error) => Err(error.into()),
        }
    }
}
