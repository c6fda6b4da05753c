//! Encoding of recordings as spikes: one file per part, with the layout of the Spiking Heidelberg Digits.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::corpus::{Corpus, Recording};
use super::{SpeechConfig, SpeechLayout};
use crate::audio::Sound;
use crate::part::split;
use crate::shd::{Content, SpikeWriter};
use crate::{Cochlea, Error, Fingerprint, Intake, Split};

/// Recordings kept in memory at once.
const SLICE: usize = 256;

/// The result of encoding a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// The written files.
    pub files: Vec<EncodedPart>,
    /// Seconds of sound.
    pub seconds: f64,
    /// Recordings that were left out.
    pub intake: Intake,
}

/// A file of encoded recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedPart {
    /// The part.
    pub split: Split,
    /// The path.
    pub path: PathBuf,
    /// Number of recordings.
    pub samples: usize,
    /// Number of spikes.
    pub spikes: u64,
}

/// Encodes the recordings of a folder as spikes: `NAME_train.h5`, `NAME_valid.h5` and `NAME_test.h5` in the folder `out`, for parts
/// with recordings. Uses the parts and words of `config` and ignores its spectrogram settings.
///
/// Classes are words, speakers are numbered in alphabetical order, and `extra/recordings` has the name of each recording. The spikes
/// of a recording depend only on its name and content and on the settings of the cochlea. `observer` receives the number of finished
/// recordings and the total, from any thread.
///
/// # Errors
///
/// [`Error::Setting`] for an impossible split, or if one of the files exists; [`Error::Missing`] if the folder
/// holds no such data set; [`Error::Recordings`] for recordings that cannot be read, unless the configuration leaves them out;
/// [`Error::File`] for a file that cannot be written; [`Error::Io`], [`Error::OutOfMemory`].
pub fn encode_speech(
    layout: SpeechLayout,
    folder: &Path,
    config: &SpeechConfig,
    cochlea: &Cochlea,
    name: &str,
    out: &Path,
    observer: &(dyn Fn(usize, usize) + Sync),
) -> Result<Encoded, Error> {
    let mut corpus = layout.scan(folder, &config.words)?;
    let mut intake = std::mem::take(&mut corpus.intake);
    let parts = |corpus: &Corpus| {
        let splits = split(corpus, &config.test, &config.valid)?;
        let parts = [(Split::Train, "train"), (Split::Valid, "valid"), (Split::Test, "test")];
        let parts = parts.into_iter().map(|(split, part)| (split, out.join(format!("{name}_{part}.h5"))));
        let parts: Vec<_> = parts.filter(|(split, _)| !splits.get(*split).is_empty()).collect();
        match parts.iter().find(|(_, path)| path.exists()) {
            Some((_, path)) => {
                Err(Error::setting("out", path.display(), "a folder without existing output files"))
            }
            None => Ok((splits, parts)),
        }
    };
    // Before reading all recordings, to report an impossible split or existing files at once.
    parts(&corpus)?;
    let is_new = !out.exists();
    fs::create_dir_all(out).map_err(|error| Error::io("create the folder", out, &error))?;
    leave_out_broken(&mut corpus, config, &mut intake).inspect_err(|_| {
        if is_new {
            // Nothing is left behind; a folder with files is not removed.
            let _ = fs::remove_dir(out);
        }
    })?;
    let (splits, parts) = parts(&corpus)?;
    let speakers: BTreeSet<&str> = corpus.recordings.iter().filter_map(|it| it.speaker.as_deref()).collect();
    let number = |speaker: &Option<String>| {
        let speaker = speaker.as_deref()?;
        speakers.iter().position(|known| *known == speaker).map(|place| place as u32)
    };
    let (done, total) = (AtomicUsize::new(0), corpus.recordings.len());
    let mut encoded = Encoded { files: Vec::new(), seconds: 0.0, intake };
    encoded.intake.recordings = total;
    for (split, path) in parts {
        let indices = splits.get(split);
        let of = |index: &u32| &corpus.recordings[*index as usize];
        let content = Content {
            labels: indices.iter().map(|&index| corpus.labels[index as usize]).collect(),
            speakers: indices.iter().map(|index| number(&of(index).speaker)).collect(),
            words: &corpus.classes,
            names: indices.iter().map(|index| of(index).name.as_str()).collect(),
        };
        let mut file = SpikeWriter::create(&path, &content)?;
        let mut part = EncodedPart { split, path, samples: indices.len(), spikes: 0 };
        for slice in indices.chunks(SLICE) {
            let spikes = slice.par_iter().map(|index| {
                let spikes = one(of(index), cochlea);
                observer(done.fetch_add(1, Ordering::Relaxed) + 1, total);
                spikes
            });
            let spikes = spikes.collect::<Result<Vec<_>, Error>>()?;
            encoded.seconds += spikes.iter().map(|(seconds, _)| seconds).sum::<f64>();
            let spikes: Vec<_> = spikes.into_iter().map(|(_, spikes)| spikes).collect();
            part.spikes += spikes.iter().map(|spikes| spikes.len() as u64).sum::<u64>();
            file.write(&spikes)?;
        }
        file.finish()?;
        encoded.files.push(part);
    }
    Ok(encoded)
}

/// Duration in seconds and spikes of a recording.
fn one(recording: &Recording, cochlea: &Cochlea) -> Result<(f64, Vec<(f32, u16)>), Error> {
    let sound = Sound::read(&recording.path)?;
    // Added or removed files do not change the random numbers of the others.
    let stream = Fingerprint::of(recording.name.as_bytes()).0;
    let stream = u64::from_le_bytes(*stream.first_chunk().unwrap_or(&[0; 8]));
    Ok((sound.duration() / 1000.0, cochlea.spikes(&sound, stream)?))
}

/// Reads every recording once, to write nothing for a refused data set.
fn leave_out_broken(corpus: &mut Corpus, config: &SpeechConfig, intake: &mut Intake) -> Result<(), Error> {
    let read = |recording: &Recording| match Sound::read(&recording.path) {
        Ok(sound) if sound.samples.is_empty() => {
            Some(Error::format("recording", "it contains no samples").in_file(&recording.path, "samples"))
        }
        Ok(_) => None,
        Err(error) => Some(error),
    };
    let found: Vec<Option<Error>> = corpus.recordings.par_iter().map(read).collect();
    let kept: Vec<bool> = found.iter().map(Option::is_none).collect();
    let (broken, total): (Vec<Error>, _) = (found.into_iter().flatten().collect(), kept.len());
    if broken.is_empty() {
        return Ok(());
    }
    if !config.skip_broken || broken.len() == total {
        return Err(Error::Recordings { broken, total });
    }
    intake.broken = broken.iter().map(Error::to_string).collect();
    corpus.retain(&kept);
    Ok(())
}
