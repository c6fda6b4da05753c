//! Spoken words as Mel spectrograms: RawHD, RawSC, the free spoken digits, and folders of labelled recordings.

mod cache;
mod config;
mod corpus;
mod features;
mod layout;

use std::path::Path;

pub use config::SpeechConfig;
pub use features::SpeechEvent;
pub use layout::SpeechLayout;

use crate::audio::ChannelStatistics;
use crate::part::{SampleIndex, split};
use crate::{BatchBuilder, Dataset, Error, FrameDataset, InputKind, Split, Splits};
use corpus::Corpus;

/// Recordings of spoken words, as compressed Mel filter-bank energies: analog input, one frame a step.
///
/// Each recording becomes a [`MelSpectrogram`](crate::audio::MelSpectrogram), is cropped or padded to the number of steps,
/// and standardised channel by channel with statistics of the training part (as the network sees it: padded frames
/// count). The spectrograms are computed once, on all threads of the current rayon pool, and kept in a cache file; the
/// data are the same whatever the number of threads, and with or without the cache.
///
/// ```no_run
/// use snn_data::{Dataset, SpeechConfig, SpeechDataset, SpeechEvent, SpeechLayout};
///
/// # fn main() -> Result<(), snn_data::Error> {
/// let layout = SpeechLayout::Fsdd;
/// let config = SpeechConfig::of(layout);
/// let data = SpeechDataset::open(layout, "data/fsdd", &config, Some("cache".as_ref()), &|event| {
///     if let SpeechEvent::Computed { done, total } = event {
///         eprint!("\r{done} of {total} recordings");
///     }
/// })?;
/// assert_eq!((data.classes(), data.inputs()), (10, 40));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SpeechDataset {
    frames: FrameDataset,
    corpus: Corpus,
    durations: Vec<f32>,
    statistics: Option<ChannelStatistics>,
}

impl SpeechDataset {
    /// Loads the recordings of a folder.
    ///
    /// `cache` is the folder for the cache files, which is made if need be; without one, the spectrograms are computed
    /// anew each time. A cache file bears a hash of everything that shaped it (the configuration, and name, size and
    /// time of change of every recording); one that is damaged is computed again. `observer` hears how far the work is,
    /// from any thread.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an impossible configuration; [`Error::Missing`] if the folder holds no such data set;
    /// [`Error::File`] for a recording or a list that is damaged, or a recording without a sample; [`Error::Io`]. A
    /// cache that cannot be written is no error: the observer hears of it.
    pub fn open(
        layout: SpeechLayout,
        folder: impl AsRef<Path>,
        config: &SpeechConfig,
        cache: Option<&Path>,
        observer: &(dyn Fn(SpeechEvent<'_>) + Sync),
    ) -> Result<Self, Error> {
        config.validate()?;
        let corpus = layout.scan(folder.as_ref(), &config.words)?;
        let splits = split(&corpus, &config.test, &config.valid)?;
        let features = features::load(layout.name(), &corpus, config, cache, observer)?;

        let channels = config.mel.channels;
        let mut frames =
            FrameDataset::new(layout.name(), channels, corpus.classes.len(), config.steps, config.dt)?;
        frames.fill(&corpus.labels, features.values)?;
        let statistics = config.standardize.then(|| {
            let train = splits.train.iter().map(|&index| frames.frames(index as usize));
            ChannelStatistics::of(train, channels)
        });
        if let Some(statistics) = &statistics {
            statistics.standardize(frames.values_mut());
        }
        frames.set_splits(splits)?;
        Ok(Self { frames, corpus, durations: features.durations, statistics })
    }

    /// The path of a recording within the data set, with `/` between its parts.
    ///
    /// # Panics
    ///
    /// When `index >= len()`.
    pub fn recording(&self, index: usize) -> &str {
        &self.corpus.recordings[index].name
    }

    /// The values of a recording, `[steps, inputs]`, row-major.
    ///
    /// # Panics
    ///
    /// When `index >= len()`.
    pub fn frames(&self, index: usize) -> &[f32] {
        self.frames.frames(index)
    }

    /// What the channels were standardised by, if they were.
    pub fn statistics(&self) -> Option<&ChannelStatistics> {
        self.statistics.as_ref()
    }
}

impl SampleIndex for Corpus {
    fn labels(&self) -> &[u16] {
        &self.labels
    }

    fn speaker(&self, index: usize) -> Option<&str> {
        self.recordings[index].speaker.as_deref()
    }

    fn sample_name(&self, index: usize) -> String {
        self.recordings[index].name.clone()
    }

    fn official(&self, index: usize) -> Option<Split> {
        self.recordings[index].official
    }
}

impl Dataset for SpeechDataset {
    fn name(&self) -> &str {
        self.frames.name()
    }

    fn len(&self) -> usize {
        self.frames.len()
    }

    fn classes(&self) -> usize {
        self.frames.classes()
    }

    fn inputs(&self) -> usize {
        self.frames.inputs()
    }

    fn steps(&self) -> usize {
        self.frames.steps()
    }

    fn dt(&self) -> f64 {
        self.frames.dt()
    }

    fn kind(&self) -> InputKind {
        self.frames.kind()
    }

    fn splits(&self) -> &Splits {
        self.frames.splits()
    }

    fn label(&self, index: usize) -> u16 {
        self.frames.label(index)
    }

    fn class_name(&self, label: u16) -> Option<&str> {
        self.corpus.classes.get(usize::from(label)).map(String::as_str)
    }

    fn speaker(&self, index: usize) -> Option<&str> {
        self.corpus.speaker(index)
    }

    fn duration(&self, index: usize) -> Option<f64> {
        Some(self.durations[index].into())
    }

    fn sample(&self, index: usize, batch: &mut BatchBuilder) -> Result<(), Error> {
        self.frames.sample(index, batch)
    }
}
