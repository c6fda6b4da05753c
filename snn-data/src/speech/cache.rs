//! The cache of spectrograms: a file that is either right or computed again.
//!
//! All numbers are little-endian:
//!
//! ```text
//! magic          20 bytes   "snn-data features 1\n"
//! fingerprint    32 bytes   SHA-256 of everything that shaped the features
//! durations      4 bytes a recording, f32, ms
//! values         4 bytes each, f32, [recordings, steps, channels]
//! check sum      4 bytes    CRC-32 of all before
//! ```
//!
//! Its size follows from the recordings and the configuration, so nothing in the file decides how much is read.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::SpeechConfig;
use super::corpus::Corpus;
use super::features::Features;
use crate::Error;
use crate::audio::MelConfig;

/// Counts changes of the front end that change its numbers: a new number makes every cache stale.
const FRONT_END: u32 = 1;

const MAGIC: &[u8; 20] = b"snn-data features 1\n";
const FORMAT: &str = "cache of features";

/// Values that are converted at once.
const BLOCK: usize = 1 << 14;

pub(super) struct Cache {
    path: PathBuf,
    fingerprint: [u8; 32],
    recordings: usize,
    /// Values of a recording.
    len: usize,
}

/// Everything in a configuration that shapes the features; how samples are split and standardised comes later.
#[derive(Debug)]
#[expect(dead_code, reason = "it is read by its debug form")]
struct Shape<'a> {
    front_end: u32,
    mel: &'a MelConfig,
    remove_mean: bool,
    steps: usize,
}

impl Cache {
    /// The cache of a corpus and a configuration, in `folder`.
    pub(super) fn of(
        name: &str,
        corpus: &Corpus,
        config: &SpeechConfig,
        folder: &Path,
    ) -> Result<Self, Error> {
        let shape = Shape {
            front_end: FRONT_END,
            mel: &config.mel,
            remove_mean: config.remove_mean,
            steps: config.steps,
        };
        let mut hash = Sha256::new();
        // The debug form has every field, and every digit of a number.
        hash.update(format!("{shape:?}"));
        for recording in &corpus.recordings {
            let io = |error| Error::io("read the recording", &recording.path, &error);
            let metadata = fs::metadata(&recording.path).map_err(io)?;
            let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            hash.update((recording.name.len() as u64).to_le_bytes());
            hash.update(&recording.name);
            hash.update(metadata.len().to_le_bytes());
            hash.update(changed.map_or(0, |time| time.as_nanos()).to_le_bytes());
        }
        let fingerprint: [u8; 32] = hash.finalize().into();
        let short: String = fingerprint[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            path: folder.join(format!("{name}-{short}.features")),
            fingerprint,
            recordings: corpus.recordings.len(),
            len: config.steps * config.mel.channels,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The features, or nothing if there is no such file.
    pub(super) fn read(&self) -> Result<Option<Features>, Error> {
        let io = |error: io::Error| Error::io("read the cache of features", &self.path, &error);
        let broken =
            |place: &str, problem: String| Err(Error::format(FORMAT, problem).in_file(&self.path, place));
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(io)?,
        };
        let expected = (MAGIC.len() + self.fingerprint.len() + 4) as u64
            + 4 * self.recordings as u64 * (1 + self.len as u64);
        let found = file.metadata().map_err(io)?.len();
        if found != expected {
            return broken("size", format!("{found} bytes instead of {expected}"));
        }
        let mut reader = Checked { inner: BufReader::new(file), sum: crc32fast::Hasher::new() };
        let mut head = [0; MAGIC.len() + 32];
        reader.read_exact(&mut head).map_err(io)?;
        if &head[..MAGIC.len()] != MAGIC || head[MAGIC.len()..] != self.fingerprint {
            return broken("header", "it belongs to another data set or version".into());
        }
        let mut features = Features::zeros(self.recordings, self.len)?;
        reader.read_floats(&mut features.durations).map_err(io)?;
        reader.read_floats(&mut features.values).map_err(io)?;
        let computed = reader.sum.clone().finalize();
        let mut stored = [0; 4];
        reader.inner.read_exact(&mut stored).map_err(io)?;
        if u32::from_le_bytes(stored) != computed {
            return broken("check sum", "the content has changed since it was written".into());
        }
        Ok(Some(features))
    }

    /// Writes the file beside its place and moves it there, so that it is there whole or not at all.
    pub(super) fn write(&self, features: &Features) -> Result<(), Error> {
        let io = |error: io::Error| Error::io("write the cache of features", &self.path, &error);
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let beside = self.path.with_extension(format!("features.{}.part", std::process::id()));
        let written = self.write_to(&beside, features).and_then(|()| fs::rename(&beside, &self.path));
        written.map_err(|error| {
            // What is left of it helps nobody; that it cannot be removed either changes nothing.
            let _ = fs::remove_file(&beside);
            io(error)
        })
    }

    fn write_to(&self, path: &Path, features: &Features) -> io::Result<()> {
        let mut writer =
            Checked { inner: BufWriter::new(File::create(path)?), sum: crc32fast::Hasher::new() };
        writer.write_all(MAGIC)?;
        writer.write_all(&self.fingerprint)?;
        writer.write_floats(&features.durations)?;
        writer.write_floats(&features.values)?;
        let sum = writer.sum.finalize();
        writer.inner.write_all(&sum.to_le_bytes())?;
        writer.inner.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

/// Sums up the bytes that pass.
struct Checked<T> {
    inner: T,
    sum: crc32fast::Hasher,
}

impl<R: Read> Checked<R> {
    fn read_exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact(bytes)?;
        self.sum.update(bytes);
        Ok(())
    }

    fn read_floats(&mut self, floats: &mut [f32]) -> io::Result<()> {
        let mut buffer = vec![0; 4 * BLOCK.min(floats.len())];
        for block in floats.chunks_mut(BLOCK) {
            let bytes = &mut buffer[..4 * block.len()];
            self.read_exact(bytes)?;
            for (float, bytes) in block.iter_mut().zip(bytes.as_chunks().0) {
                *float = f32::from_le_bytes(*bytes);
            }
        }
        Ok(())
    }
}

impl<W: Write> Checked<W> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.inner.write_all(bytes)
    }

    fn write_floats(&mut self, floats: &[f32]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(4 * BLOCK);
        for block in floats.chunks(BLOCK) {
            bytes.clear();
            bytes.extend(block.iter().flat_map(|float| float.to_le_bytes()));
            self.write_all(&bytes)?;
        }
        Ok(())
    }
}
