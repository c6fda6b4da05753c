//! Spoken words as Mel spectrograms: RawHD, RawSC, the free spoken digits, and folders of labeled recordings.

mod cache;
mod config;
mod contents;
mod corpus;
#[cfg(feature = "hdf5")]
mod encode;
mod features;
mod layout;
mod store;
mod table;

use std::borrow::Cow;
use std::path::Path;

pub use config::SpeechConfig;
#[cfg(feature = "hdf5")]
pub use encode::{Encoded, EncodedPart, encode_speech};
pub use features::SpeechEvent;
pub use layout::SpeechLayout;

/// The cache of features: its size, and clearing it. Programs conventionally use the folder `features` in
/// [`cache_directory`](crate::cache_directory).
pub mod cache_files {
    pub use super::store::{LIMIT, Usage, abandon, clear, trim, usage};
}

/// Whether bytes are a valid list of content hashes.
pub(crate) fn parse_contents(bytes: &[u8]) -> bool {
    contents::parse(bytes).is_some()
}

use crate::delegate::delegate;
use crate::part::{SampleIndex, split_recorded};
use crate::parts::check_classes;
use crate::{ChannelStatistics, Dataset, Error, Fingerprint, FrameDataset, Intake, Recorded, Split, Splits};
use corpus::Corpus;

/// Recordings of spoken words, as compressed Mel filter-bank energies: analog input, one frame per step.
///
/// Each recording is converted by a [`MelSpectrogram`](crate::audio::MelSpectrogram), cropped or padded to the number of steps,
/// and standardized channel by channel with the statistics of the training part (of the network's input: padded frames
/// count). The spectrograms are computed once, on all threads of the current rayon pool, and stored in a cache file; the
/// data are identical for any number of threads, and with or without the cache.
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
    contents: Vec<Fingerprint>,
}

impl SpeechDataset {
    /// Loads the recordings of a folder.
    ///
    /// `cache` is the folder for the cache files, which is created if necessary; without one, the spectrograms are recomputed
    /// each time. A cache file contains a hash of everything that affects it (the configuration, and name and content of every
    /// recording); a damaged one is recomputed. A list of content hashes next to it avoids reading unchanged recordings again.
    /// `observer` receives the progress, from any thread.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an invalid configuration; [`Error::Missing`] if the folder holds no such data set;
    /// [`Error::File`] for a damaged list; [`Error::Recordings`] for damaged or empty recordings, unless the configuration
    /// leaves them out; [`Error::Io`]. A cache that cannot be written is not an error: the observer is notified.
    /// [`Error::Cancelled`].
    pub fn open(
        layout: SpeechLayout,
        folder: impl AsRef<Path>,
        config: &SpeechConfig,
        cache: Option<&Path>,
        observer: &(dyn Fn(SpeechEvent<'_>) + Sync),
    ) -> Result<Self, Error> {
        Self::open_recorded(layout, folder, config, cache, observer, Recorded::default())
    }

    /// [`open`](Self::open) with the parts and the statistics recorded by a run.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and [`Error::Membership`] for samples of the run that are missing.
    pub fn open_recorded(
        layout: SpeechLayout,
        folder: impl AsRef<Path>,
        config: &SpeechConfig,
        cache: Option<&Path>,
        observer: &(dyn Fn(SpeechEvent<'_>) + Sync),
        recorded: Recorded<'_>,
    ) -> Result<Self, Error> {
        config.validate()?;
        let folder = folder.as_ref();
        let mut corpus = layout.scan(folder, &config.words)?;
        let mut intake = std::mem::take(&mut corpus.intake);
        let check = |corpus: &Corpus, intake: &mut Intake| {
            split_recorded(corpus, [&config.test, &config.valid], recorded, intake)
        };
        // Before the computation, to report an impossible split immediately.
        check(&corpus, &mut Intake::default())?;
        let mut contents = contents::of(layout.name(), folder, &corpus, cache)?;
        let (mut features, broken) =
            features::load(layout.name(), &corpus, &contents, config, cache, observer)?;
        let channels = config.mel.channels;
        if !broken.is_empty() {
            let total = corpus.recordings.len();
            if !config.skip_broken || broken.len() == total {
                let broken = broken.into_iter().map(|(_, error)| error).collect();
                return Err(Error::Recordings { broken, total });
            }
            let mut kept = vec![true; total];
            broken.iter().for_each(|&(k, _)| kept[k] = false);
            intake.broken = broken.iter().map(|(_, error)| error.to_string()).collect();
            corpus.retain(&kept);
            features.retain(&kept, config.steps * channels);
            let mut kept = kept.iter();
            contents.retain(|_| kept.next().copied().unwrap_or_default());
        }
        let splits = check(&corpus, &mut intake)?;
        let count = |of: &dyn Fn(usize) -> bool| (0..features.frames.len()).filter(|&k| of(k)).count();
        intake.recordings = features.frames.len();
        intake.cropped = count(&|k| features.frames[k] as usize > config.steps);
        intake.padded = count(&|k| (features.frames[k] as usize) < config.steps);
        intake.resampled = count(&|k| features.rates[k] != config.mel.sample_rate);
        intake.doubts.extend(rate_doubt(&splits, &features.rates));
        let name = |label| corpus.class_name(label).unwrap_or_else(|| label.to_string());
        intake.doubts.extend(check_classes(&splits, |index| corpus.labels[index as usize], name)?);
        corpus.intake = intake;

        let mut frames =
            FrameDataset::new(layout.name(), channels, corpus.classes.len(), config.steps, config.dt)?;
        frames.fill(&corpus.labels, features.values)?;
        let statistics = config.standardize.then(|| {
            // Ends early when canceled.
            let train = splits.train.iter().map(|&index| frames.frames(index as usize));
            let train = train.take_while(|_| crate::cancel::check().is_ok());
            match recorded.statistics {
                Some(statistics)
                    if statistics.mean.len() == channels && statistics.deviation.len() == channels =>
                {
                    statistics.clone()
                }
                _ => ChannelStatistics::of(train, channels),
            }
        });
        if let Some(statistics) = &statistics {
            for frames in frames.values_mut().chunks_mut(config.steps * channels) {
                crate::cancel::check()?;
                statistics.standardize(frames);
            }
        }
        frames.set_splits(splits)?;
        Ok(Self { frames, corpus, durations: features.durations, statistics, contents })
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

    /// The statistics by which the channels were standardized, if they were.
    pub fn statistics(&self) -> Option<&ChannelStatistics> {
        self.statistics.as_ref()
    }
}

/// Warns about parts with different sample rates: frequencies above half of the lower rate are in only one of them.
fn rate_doubt(splits: &Splits, rates: &[u32]) -> Option<String> {
    let highest =
        |split| splits.get(split).iter().filter_map(|&index| rates.get(index as usize)).max().copied();
    let lowest =
        |split| splits.get(split).iter().filter_map(|&index| rates.get(index as usize)).min().copied();
    let train = (lowest(Split::Train)?, highest(Split::Train)?);
    [Split::Valid, Split::Test].into_iter().find_map(|split| {
        let part = (lowest(split)?, highest(split)?);
        let text = |(low, high): (u32, u32)| {
            if low == high { format!("{low} Hz") } else { format!("{low} to {high} Hz") }
        };
        (part.1 < train.0 || train.1 < part.0).then(|| {
            format!(
                "the recordings of the {split} part have {}, but those for training {}",
                text(part),
                text(train)
            )
        })
    })
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

    fn class_name(&self, label: u16) -> Option<String> {
        self.classes.get(usize::from(label)).cloned()
    }
}

impl Dataset for SpeechDataset {
    delegate!(frames: shape label);

    fn class_name(&self, label: u16) -> Option<&str> {
        self.corpus.classes.get(usize::from(label)).map(String::as_str)
    }

    fn speaker(&self, index: usize) -> Option<&str> {
        self.corpus.speaker(index)
    }

    fn duration(&self, index: usize) -> Option<f64> {
        Some(self.durations[index].into())
    }

    /// The path of the recording within the data set.
    fn sample_name(&self, index: usize) -> Option<Cow<'_, str>> {
        Some(self.recording(index).into())
    }

    /// The fingerprint of the whole file.
    fn fingerprint(&self, index: usize) -> Option<Fingerprint> {
        Some(self.contents[index])
    }

    fn intake(&self) -> Option<&Intake> {
        Some(&self.corpus.intake)
    }

    fn statistics(&self) -> Option<&ChannelStatistics> {
        self.statistics.as_ref()
    }
}
