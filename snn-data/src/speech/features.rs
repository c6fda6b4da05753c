//! The spectrograms of all recordings: from the cache, or computed in parallel.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::cache::Cache;
use super::corpus::{Corpus, Recording};
use super::table::Features;
use super::{SpeechConfig, store};
use crate::audio::{MelSpectrogram, Sound, fit_length, remove_mean};
use crate::{Cancel, Error, Fingerprint};

/// Events while a [`SpeechDataset`](super::SpeechDataset) is loaded.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpeechEvent<'a> {
    /// Number of spectrograms computed so far. Threads report independently: numbers may arrive out of order.
    Computed {
        /// Finished recordings.
        done: usize,
        /// All recordings.
        total: usize,
    },
    /// All spectrograms were read from this cache file.
    CacheRead {
        /// The cache file.
        path: &'a Path,
    },
    /// The cache file is damaged: the spectrograms are recomputed.
    CacheDamaged {
        /// The problem.
        error: &'a Error,
    },
    /// The spectrograms were written to this cache file.
    CacheWritten {
        /// The cache file.
        path: &'a Path,
    },
    /// The cache file could not be written: the spectrograms will be recomputed next time.
    CacheNotWritten {
        /// The reason.
        error: &'a Error,
    },
}

/// The features of a corpus, from the cache in `folder` if there is one; and the error of each unreadable recording, by its
/// index.
pub(super) fn load(
    name: &str,
    corpus: &Corpus,
    contents: &[Fingerprint],
    config: &SpeechConfig,
    folder: Option<&Path>,
    observer: &(dyn Fn(SpeechEvent<'_>) + Sync),
) -> Result<(Features, Vec<(usize, Error)>), Error> {
    let zeros = || Features::zeros(corpus.recordings.len(), config.steps * config.mel.channels);
    let Some(folder) = folder else { return compute(corpus, config, zeros()?, observer) };
    store::sweep(folder);
    let cache = Cache::of(name, corpus, contents, config, folder);
    match cache.read() {
        Ok(Some(features)) => {
            observer(SpeechEvent::CacheRead { path: cache.path() });
            // Recordings that could not be read before are retried: their errors are not in the cache.
            return if features.frames.contains(&0) {
                compute(corpus, config, features, observer)
            } else {
                Ok((features, Vec::new()))
            };
        }
        Ok(None) => {}
        Err(Error::Cancelled) => return Err(Error::Cancelled),
        Err(error) => observer(SpeechEvent::CacheDamaged { error: &error }),
    }
    let (features, broken) = compute(corpus, config, zeros()?, observer)?;
    match cache.write(&features).and_then(|()| store::trim(folder, store::LIMIT)) {
        Ok(_) => observer(SpeechEvent::CacheWritten { path: cache.path() }),
        Err(Error::Cancelled) => return Err(Error::Cancelled),
        Err(error) => observer(SpeechEvent::CacheNotWritten { error: &error }),
    }
    Ok((features, broken))
}

/// Computes the missing features: those of recordings without frames.
fn compute(
    corpus: &Corpus,
    config: &SpeechConfig,
    mut features: Features,
    observer: &(dyn Fn(SpeechEvent<'_>) + Sync),
) -> Result<(Features, Vec<(usize, Error)>), Error> {
    let len = config.steps * config.mel.channels;
    let total = features.frames.iter().filter(|&&frames| frames == 0).count();
    let done = AtomicUsize::new(0);
    let (broken, cancel) = (Mutex::new(Vec::new()), Cancel::current());
    features
        .values
        .par_chunks_mut(len)
        .zip(&mut features.durations)
        .zip(&mut features.frames)
        .zip(&mut features.rates)
        .zip(&corpus.recordings)
        .enumerate()
        .filter(|(_, (((_, frames), _), _))| **frames == 0)
        .try_for_each_init(HashMap::new, |mels, (k, ((((values, duration), frames), rate), recording))| {
            cancel.check()?;
            match cancel.run(|| one(recording, config, mels, values)) {
                Ok(found) => (*duration, *frames, *rate) = found,
                // An error of the recording; all others are due to the configuration or the machine.
                Err(error @ (Error::File { .. } | Error::Io { .. })) => {
                    broken.lock().unwrap_or_else(PoisonError::into_inner).push((k, error));
                }
                Err(error) => return Err(error),
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            observer(SpeechEvent::Computed { done, total });
            Ok(())
        })?;
    let mut broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    broken.sort_unstable_by_key(|&(k, _)| k);
    Ok((features, broken))
}

/// Writes the features of one recording into `values`; returns its duration in ms, its number of frames and its rate. `mels` has a
/// front end for each rate that occurred.
fn one(
    recording: &Recording,
    config: &SpeechConfig,
    mels: &mut HashMap<u32, MelSpectrogram>,
    values: &mut [f32],
) -> Result<(f32, u32, u32), Error> {
    let sound = Sound::read(&recording.path)?;
    if sound.samples.is_empty() {
        let error = Error::format("recording of a word", "it contains no samples: remove it");
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
    let count = u32::try_from(frames.len() / config.mel.channels).unwrap_or(u32::MAX);
    fit_length(&mut frames, config.mel.channels, config.steps)
        .map_err(|error| error.in_file(&recording.path, "frames"))?;
    values.iter_mut().zip(frames).for_each(|(value, frame)| *value = frame as f32);
    Ok((sound.duration() as f32, count, sound.rate))
}
