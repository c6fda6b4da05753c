//! From the description of a data set to its samples.

use std::path::PathBuf;

#[cfg(feature = "hdf5")]
use snn_data::Shd;
use snn_data::{
    Dataset, Mnist, Randman, Recorded, SpeechConfig, SpeechDataset, SpeechEvent, SpeechLayout,
    cache_directory, data_directory,
};

use super::Data;
use crate::error::Error;

/// Hears how far the computation of features is, from any thread.
type Watch<'a> = &'a (dyn Fn(SpeechEvent<'_>) + Sync);

/// Where the features of recordings are kept.
///
/// # Errors
/// [`Error::Data`] if nothing says where.
pub fn feature_cache() -> Result<PathBuf, Error> {
    Ok(cache_directory()?.join("features"))
}

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
        self.open_recorded(watch, Recorded::default())
    }

    /// As [`Data::open_watched`], with the parts and the statistics that a run has recorded: a split does not move because
    /// files were added. Data that are generated, and MNIST, follow from their settings alone.
    ///
    /// # Errors
    /// Those of [`Data::open`], and [`Error::Data`] if samples of the run are not there.
    pub fn open_recorded(&self, watch: Watch<'_>, recorded: Recorded<'_>) -> Result<Box<dyn Dataset>, Error> {
        match self {
            Self::Randman(config) => Ok(Box::new(Randman::new(config.clone())?)),
            Self::Mnist(stored) => self.found(Mnist::open(self.folder()?, &stored.config)),
            #[cfg(feature = "hdf5")]
            Self::Shd(stored) => self.found(Shd::open_recorded(self.folder()?, &stored.config, recorded)),
            #[cfg(feature = "hdf5")]
            Self::Spikes(files) => {
                if files.train_file.as_os_str().is_empty() {
                    return Err(self.unnamed("data.train_file to the HDF5 file"));
                }
                let test = Some(files.test_file.as_path()).filter(|path| !path.as_os_str().is_empty());
                self.found(Shd::from_files_recorded(
                    self.name(),
                    &files.train_file,
                    test,
                    &files.config,
                    recorded,
                ))
            }
            #[cfg(not(feature = "hdf5"))]
            Self::Shd(_) | Self::Spikes(_) => Err(Error::NoHdf5 { name: self.name() }),
            Self::Heidelberg(stored) => {
                self.open_speech(SpeechLayout::Heidelberg, &stored.config, watch, recorded)
            }
            Self::SpeechCommands(stored) | Self::SpeechCommandsTenWords(stored) => {
                self.open_speech(SpeechLayout::SpeechCommands, &stored.config, watch, recorded)
            }
            Self::Fsdd(stored) => self.open_speech(SpeechLayout::Fsdd, &stored.config, watch, recorded),
            Self::Folder(stored) => self.open_speech(SpeechLayout::Folder, &stored.config, watch, recorded),
        }
    }

    fn open_speech(
        &self,
        layout: SpeechLayout,
        config: &SpeechConfig,
        watch: Watch<'_>,
        recorded: Recorded<'_>,
    ) -> Result<Box<dyn Dataset>, Error> {
        // Without a place for them, features are computed anew each time.
        let cache = feature_cache().ok();
        self.found(SpeechDataset::open_recorded(
            layout,
            self.folder()?,
            config,
            cache.as_deref(),
            watch,
            recorded,
        ))
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
