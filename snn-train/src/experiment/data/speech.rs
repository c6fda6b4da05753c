//! Recordings of words as Mel spectrograms: published data sets and your own.

use std::{ops::Bound, path::PathBuf};

use snn_data::{Dataset, Recorded, SpeechConfig, SpeechDataset, SpeechLayout, cache_directory};

use super::section::{
    DIRECTORY, DT, Parameters, Row, SET_DIRECTORY, STEPS, Section, Stored, TEST, VALID, Watch,
};
use crate::{
    error::Error,
    experiment::key::{Key, Values},
};

const UNIT_INTERVAL: Values = Values::Number(Bound::Included(0.0), Bound::Included(1.0));

/// The folder of cached features.
///
/// # Errors
/// [`Error::Data`] if it is unknown.
pub fn feature_cache() -> Result<PathBuf, Error> {
    Ok(cache_directory()?.join("features"))
}

impl Section for Stored<SpeechConfig> {
    type Origin = SpeechLayout;

    const KEYS: &'static [Key] = &[
        DIRECTORY,
        STEPS,
        DT,
        Key::of_data("data.words", Values::Words, "", "Words to load, which become the classes; [] for all."),
        Key::of_data(
            "data.remove_mean",
            Values::Switch,
            "",
            "Whether to subtract the mean of every channel from each recording.",
        ),
        Key::of_data(
            "data.standardize",
            Values::Switch,
            "",
            "Whether to standardize channels to mean 0 and deviation 1 with the statistics of the training part.",
        ),
        Key::of_data(
            "data.mel.sample_rate",
            Values::Integer(1000, 768_000),
            "Hz",
            "Sample rate to which all recordings are resampled.",
        ),
        Key::of_data(
            "data.mel.pre_emphasis",
            UNIT_INTERVAL,
            "",
            "Pre-emphasis: coefficient c of y[n] = x[n] - c x[n - 1].",
        ),
        Key::of_data("data.mel.frame", Values::POSITIVE, "ms", "Length of a frame of sound."),
        Key::of_data("data.mel.hop", Values::POSITIVE, "ms", "Time between the starts of two frames."),
        Key::of_data(
            "data.mel.tail",
            Values::Choice(&["pad", "drop"]),
            "",
            "Samples after the last whole frame: padded with zeros to a frame, or dropped.",
        ),
        Key::of_data(
            "data.mel.fft",
            Values::Integer(2, 65_536),
            "points",
            "Points of the Fourier transform.",
        ),
        Key::of_data(
            "data.mel.channels",
            Values::Integer(1, 4096),
            "units",
            "Number of Mel filters, the input units.",
        ),
        Key::of_data("data.mel.low", Values::AT_LEAST_0, "Hz", "Lower edge of the lowest filter."),
        Key::of_data(
            "data.mel.high",
            Values::AT_LEAST_0,
            "Hz",
            "Upper edge of the highest filter; by default half the sample rate.",
        ),
        Key::of_data("data.mel.scale", Values::Choice(&["htk", "slaney"]), "", "Formula of the Mel scale."),
        Key::of_data(
            "data.mel.norm",
            Values::Choice(&["peak", "area"]),
            "",
            "Normalization of the filters: equal height or equal area.",
        ),
        Key::of_data(
            "data.mel.edges",
            Values::Choice(&["exact", "rounded"]),
            "",
            "Whether filter edges are at exact frequencies or at points of the transform.",
        ),
        Key::of_data(
            "data.mel.compression",
            Values::Choice(&["log", "decibel", "power"]),
            "",
            "Compression of the energies; `power` for none.",
        ),
        Key::of_data(
            "data.mel.floor",
            Values::POSITIVE,
            "",
            "Lower bound of the energy before the logarithm.",
        ),
        TEST,
        VALID,
        Key::of_data(
            "data.skip_broken",
            Values::Switch,
            "",
            "Whether to leave out and count recordings that cannot be read, instead of refusing the data set.",
        ),
    ];

    fn by_default(layout: SpeechLayout) -> Self {
        Self { config: SpeechConfig::of(layout), ..Self::default() }
    }

    fn parameters(&self) -> &impl Parameters {
        &self.config
    }

    fn open(
        &self,
        row: Row,
        layout: SpeechLayout,
        watch: Watch<'_>,
        recorded: Recorded<'_>,
    ) -> Result<Box<dyn Dataset>, Error> {
        let is_own = layout == SpeechLayout::Folder;
        if is_own && self.directory.as_os_str().is_empty() {
            return Err(row.unnamed("data.directory to the folder that has one folder per label"));
        }
        // Without a cache folder, features are recomputed each time.
        let cache = feature_cache().ok();
        let folder = row.folder(&self.directory)?;
        let opened =
            SpeechDataset::open_recorded(layout, folder, &self.config, cache.as_deref(), watch, recorded);
        match opened {
            // The error itself describes the expected folder.
            Err(error @ snn_data::Error::Missing { .. }) if is_own => Err(error.into()),
            opened => row.found(opened, SET_DIRECTORY),
        }
    }
}
