//! The table of data sets.

use serde::{Deserialize, Serialize};
use snn_data::{
    CameraConfig, CameraLayout, Dataset, MnistConfig, RandmanConfig, Recorded, ShdConfig, SpeechConfig,
    SpeechEvent, SpeechLayout, SplitRule,
};

use super::{
    external::External,
    section::{Parameters as _, Row, Section, Stored},
    spikes::SpikeFiles,
};
use crate::{error::Error, experiment::key::Key};

/// Generates the enum and its methods from the table.
///
/// A row is `Variant(section) = "name", origin, fetch;` with its documentation above it: the name is that of `data.name`, the
/// section has the other keys, the origin distinguishes data sets that share a section, and fetch is the name in
/// `cargo xtask fetch-data`.
macro_rules! data_sets {
    ($($(#[doc = $about:literal])+ $variant:ident($section:ty) = $name:literal, $origin:expr, $fetch:expr;)+) => {
        /// The data set of an experiment with its parameters; `name` in the file selects the variant.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name")]
        #[non_exhaustive]
        pub enum Data {
            $($(#[doc = $about])+ #[serde(rename = $name)] $variant($section),)+
        }

        impl Data {
            /// The possible values of `data.name`, default first.
            pub(crate) const NAMES: &[&str] = &[$($name),+];

            /// The keys of each data set except `data.name`.
            pub(super) const SECTIONS: &[(&'static str, &'static [Key])] = &[$(($name, <$section as Section>::KEYS)),+];

            /// The data set with this `data.name` and its default parameters.
            ///
            /// ```
            /// use snn_train::experiment::Data;
            ///
            /// assert!(matches!(Data::named("mnist"), Some(Data::Mnist(stored)) if stored.config.train == 45_000));
            /// assert_eq!(Data::named("mnits"), None);
            /// ```
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant(Section::by_default($origin))),)+
                    _ => None,
                }
            }

            /// The name of the data set, as in `data.name`.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            /// Time steps of a sample.
            pub(in crate::experiment) fn steps(&self) -> usize {
                match self { $(Self::$variant(section) => section.parameters().steps(),)+ }
            }

            pub(in crate::experiment) fn validate(&self) -> Result<(), Error> {
                match self { $(Self::$variant(section) => section.parameters().check(),)+ }
            }

            /// Like [`Data::open`]; `watch` receives the progress of computing the features of recordings, which are cached
            /// in [`snn_data::cache_directory`].
            ///
            /// # Errors
            /// Those of [`Data::open`].
            pub fn open_watched(
                &self,
                watch: &(dyn Fn(SpeechEvent<'_>) + Sync),
            ) -> Result<Box<dyn Dataset>, Error> {
                self.open_recorded(watch, Recorded::default())
            }

            /// Like [`Data::open_watched`], with the parts and the statistics recorded by a run: added files do not change
            /// the split. Generated data and MNIST depend only on their settings.
            ///
            /// # Errors
            /// Those of [`Data::open`], and [`Error::Data`] if samples of the run are missing.
            pub fn open_recorded(
                &self,
                watch: &(dyn Fn(SpeechEvent<'_>) + Sync),
                recorded: Recorded<'_>,
            ) -> Result<Box<dyn Dataset>, Error> {
                match self {
                    $(Self::$variant(section) => {
                        Section::open(section, Row { name: $name, fetch: $fetch }, $origin, watch, recorded)
                    })+
                }
            }
        }
    };
}

data_sets! {
    /// Spike times on smooth random manifolds.
    Randman(RandmanConfig) = "randman", (), None;
    /// Handwritten digits as spike latencies.
    Mnist(Stored<MnistConfig>) = "mnist", (), Some("mnist");
    /// Spiking Heidelberg Digits.
    Shd(Stored<ShdConfig>) = "shd", None, Some("shd");
    /// Spiking Speech Commands.
    Ssc(Stored<ShdConfig>) = "ssc", Some(SplitRule::Official), Some("ssc");
    /// Heidelberg Digits as Mel spectrograms (RawHD).
    Heidelberg(Stored<SpeechConfig>) = "heidelberg", SpeechLayout::Heidelberg, Some("heidelberg");
    /// Speech Commands as Mel spectrograms (RawSC).
    SpeechCommands(Stored<SpeechConfig>) = "speech_commands", SpeechLayout::SpeechCommands, Some("speech_commands");
    /// Ten words of the Speech Commands.
    SpeechCommandsTenWords(Stored<SpeechConfig>) =
        "speech_commands_ten_words", SpeechLayout::SpeechCommands, Some("speech_commands_ten_words");
    /// Free Spoken Digits as Mel spectrograms.
    Fsdd(Stored<SpeechConfig>) = "fsdd", SpeechLayout::Fsdd, Some("fsdd");
    /// Your own recordings: a folder with one folder per label, `label/*.wav` or `.flac`.
    Folder(Stored<SpeechConfig>) = "folder", SpeechLayout::Folder, None;
    /// Free Spoken Digits as spikes, created by `snn data encode fsdd`.
    FsddSpikes(Stored<ShdConfig>) = "fsdd_spikes", Some(SplitRule::Official), None;
    /// N-MNIST: digits recorded by an event camera.
    Nmnist(Stored<CameraConfig>) = "nmnist", CameraLayout::Nmnist, Some("nmnist");
    /// DVS Gesture: gestures recorded by an event camera.
    DvsGesture(Stored<CameraConfig>) = "dvs_gesture", CameraLayout::DvsGesture, Some("dvs_gesture");
    /// Your own spikes: HDF5 files with the layout of the Spiking Heidelberg Digits, npz archives or CSV files.
    Spikes(SpikeFiles) = "spikes", (), None;
    /// Data of a custom program, in a run of [`Trainer::on`](crate::Trainer::on): they cannot be loaded here.
    External(External) = "external", (), None;
}

impl Default for Data {
    fn default() -> Self {
        Self::Randman(RandmanConfig::default())
    }
}

impl Data {
    /// Generates or loads the data set.
    ///
    /// # Errors
    /// [`Error::MissingData`] if its files are missing, [`Error::NoHdf5`] if this build cannot read them,
    /// [`Error::Impossible`] if their location is unknown, [`Error::Data`] for an invalid combination of parameters,
    /// damaged files, or too little memory.
    pub fn open(&self) -> Result<Box<dyn Dataset>, Error> {
        self.open_watched(&|_| {})
    }
}
