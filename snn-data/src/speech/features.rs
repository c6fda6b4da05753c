//! The spectrograms of all recordings: from the cache, or computed in parallel.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::SpeechConfig;
use super::cache::Cache;
use super::corpus::{Corpus, Recording};
use crate::Error;
use crate::audio::{MelSpectrogram, Sound, fit_length, remove_mean};
use crate::error::reserve;

/// What happens while a [`SpeechDataset`](super::SpeechDataset) is loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpeechEvent<'a> {
    /// So many spectrograms have been computed. Threads report side by side: numbers may come out of order.
    Computed {
        /// Recordings that are done.
        done: usize,
        /// Recordings there are.
        total: usize,
    },
    /// All spectrograms came out of this cache file.
    CacheRead {
        /// The file.
        path: &'a Path,
    },
    /// The cache file is damaged: the spectrograms are computed again.
    CacheDamaged {
        /// What is wrong with it.
        error: &'a Error,
    },
    /// The spectrograms were kept in this cache file.
    CacheWritten {
        /// The file.
        path: &'a Path,
    },
    /// The cache file could not be written: the next time they are computed again.
    CacheNotWritten {
        /// Why.
        error: &'a Error,
    },
}

/// What is known of all recordings once they have been read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Features {
    /// Duration of each in ms.
    pub(super) durations: Vec<f32>,
    /// `[recordings, steps, channels]`
    pub(super) values: Vec<f32>,
}

impl Features {
    /// Zeros for so many recordings of `len` values.
    pub(super) fn zeros(recordings: usize, len: usize) -> Result<Self, Error> {
        let zeros = |entries, what| {
            let mut list = Vec::new();
            reserve(&mut list, entries, what)?;
            list.resize(entries, 0.0);
            Ok::<_, Error>(list)
        };
        Ok(Self {
            durations: zeros(recordings, "durations")?,
            values: zeros(recordings.saturating_mul(len), "frames")?,
        })
    }
}

/// The features of a corpus, from the cache in `folder` if there is one.
pub(super) fn load(
    name: &str,
    corpus: &Corpus,
    config: &SpeechConfig,
    folder: Option<&Path>,
    observer: &(dyn Fn(SpeechEvent<'_>) + Sync),
) -> Result<Features, Error> {
    let Some(folder) = folder else { return compute(corpus, config, observer) };
    let cache = Cache::of(name, corpus, config, folder)?;
    match cache.read() {
        Ok(Some(features)) => {
            observer(SpeechEvent::CacheRead { path: cache.path() });
            return Ok(features);
        }
        Ok(None) => {}
        Err(error) => observer(SpeechEvent::CacheDamaged { error: &error }),
    }
    let features = compute(corpus, config, observer)?;
    match cache.write(&features) {
        Ok(()) => observer(SpeechEvent::CacheWritten { path: cache.path() }),
        Err(error) => observer(SpeechEvent::CacheNotWritten { error: &error }),
    }
    Ok(features)
}

fn compute(
    corpus: &Corpus,
    config: &SpeechConfig,
    observer: &(dyn Fn(SpeechEvent<'_>) + Sync),
) -> Result<Features, Error> {
    let (total, len) = (corpus.recordings.len(), config.steps * config.mel.channels);
    let mut features = Features::zeros(total, len)?;
    let done = AtomicUsize::new(0);
    features
        .values
        .par_chunks_mut(len)
        .zip(&mut features.durations)
        .zip(&corpus.recordings)
        .try_for_each_init(HashMap::new, |mels, ((values, duration), recording)| {
            *duration = one(recording, config, mels, values)?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            observer(SpeechEvent::Computed { done, total });
            Ok(())
        })?;
    Ok(features)
}

/// Writes the features of one recording into `values`; returns its duration in ms. `mels` has a front end for each rate
/// that occurred.
fn one(
    recording: &Recording,
    config: &SpeechConfig,
    mels: &mut HashMap<u32, MelSpectrogram>,
    values: &mut [f32],
) -> Result<f32, Error> {
    let sound = Sound::read(&recording.path)?;
    if sound.samples.is_empty() {
        let error = Error::format("recording of a word", "it holds no sample: remove it");
        return Err(error.in_file(&recording.path, "sample 0"));
    }
    let mel = match mels.entry(sound.rate) {
        std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::hash_map::Entry::Vacant(entry) => {
            entry.insert(MelSpectrogram::new(&config.mel, sound.rate)?)
        }
    };
    let mut frames = mel.compute(&sound.samples);
    if config.remove_mean {
        remove_mean(&mut frames, config.mel.channels);
    }
    fit_length(&mut frames, config.mel.channels, config.steps)?;
    values.iter_mut().zip(frames).for_each(|(value, frame)| *value = frame as f32);
    Ok(sound.duration() as f32)
}
