//! The cache of spectrograms: a file that is either valid or recomputed.
//!
//! All numbers are little-endian:
//!
//! ```text
//! magic          20 bytes   "snn-data features 2\n"
//! fingerprint    32 bytes   SHA-256 of everything that shaped the features: settings, names and content of the recordings
//! durations      4 bytes per recording, f32, ms
//! frames         4 bytes per recording, u32, before cropping and padding; 0 for one that could not be read
//! rates          4 bytes per recording, u32, Hz
//! values         4 bytes each, f32, [recordings, steps, channels]
//! checksum       4 bytes    CRC-32 of everything before it
//! ```
//!
//! Its size follows from the recordings and the configuration: the content of the file does not determine how much is read.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::corpus::Corpus;
use super::table::Features;
use super::{SpeechConfig, store};
use crate::audio::MelConfig;
use crate::{Error, Fingerprint, cancel};

/// The version of the front end's results: a new version makes every cache stale.
const FRONT_END: u32 = 1;

const MAGIC: &[u8; 20] = b"snn-data features 2\n";
const FORMAT: &str = "cache of features";

/// Values converted at once.
const BLOCK: usize = 1 << 14;

pub(super) struct Cache {
    path: PathBuf,
    fingerprint: [u8; 32],
    recordings: usize,
    /// Number of values of a recording.
    len: usize,
}

/// Everything in a configuration that affects the features; splitting and standardization come later.
#[derive(Debug)]
#[expect(dead_code, reason = "it is used through its debug form")]
struct Shape<'a> {
    front_end: u32,
    mel: &'a MelConfig,
    remove_mean: bool,
    steps: usize,
}

impl Cache {
    /// The cache for a corpus and a configuration, in `folder`.
    pub(super) fn of(
        name: &str,
        corpus: &Corpus,
        contents: &[Fingerprint],
        config: &SpeechConfig,
        folder: &Path,
    ) -> Self {
        let shape = Shape {
            front_end: FRONT_END,
            mel: &config.mel,
            remove_mean: config.remove_mean,
            steps: config.steps,
        };
        let mut hash = Sha256::new();
        // The debug form has every field, with all digits of numbers.
        hash.update(format!("{shape:?}"));
        for (recording, content) in corpus.recordings.iter().zip(contents) {
            hash.update((recording.name.len() as u64).to_le_bytes());
            hash.update(&recording.name);
            hash.update(content.0);
        }
        let fingerprint: [u8; 32] = hash.finalize().into();
        let short: String = fingerprint[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            path: folder.join(format!("{name}-{short}.features")),
            fingerprint,
            recordings: corpus.recordings.len(),
            len: config.steps * config.mel.channels,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The features, or `None` if there is no cache file.
    pub(super) fn read(&self) -> Result<Option<Features>, Error> {
        let io = |error: io::Error| {
            cancel::of_io(&error, |error| Error::io("read the cache of features", &self.path, error))
        };
        let broken =
            |place: &str, problem: String| Err(Error::format(FORMAT, problem).in_file(&self.path, place));
        let file = match store::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(io)?,
        };
        let expected = (MAGIC.len() + self.fingerprint.len() + 4) as u64
            + 4 * self.recordings as u64 * (3 + self.len as u64);
        let found = file.metadata().map_err(io)?.len();
        if found != expected {
            return broken("size", format!("{found} bytes instead of {expected}"));
        }
        let mut reader = Checked { inner: BufReader::new(file), sum: crc32fast::Hasher::new() };
        let mut head = [0; MAGIC.len() + 32];
        reader.read_exact(&mut head).map_err(io)?;
        if &head[..MAGIC.len()] != MAGIC || head[MAGIC.len()..] != self.fingerprint {
            return broken("header", "it belongs to a different data set or version".into());
        }
        let mut features = Features::zeros(self.recordings, self.len)?;
        reader.read_numbers(&mut features.durations, f32::from_le_bytes).map_err(io)?;
        reader.read_numbers(&mut features.frames, u32::from_le_bytes).map_err(io)?;
        reader.read_numbers(&mut features.rates, u32::from_le_bytes).map_err(io)?;
        reader.read_numbers(&mut features.values, f32::from_le_bytes).map_err(io)?;
        let computed = reader.sum.clone().finalize();
        let mut stored = [0; 4];
        reader.inner.read_exact(&mut stored).map_err(io)?;
        if u32::from_le_bytes(stored) != computed {
            return broken("checksum", "the content has changed since it was written".into());
        }
        Ok(Some(features))
    }

    /// Writes the file atomically.
    pub(super) fn write(&self, features: &Features) -> Result<(), Error> {
        store::write(&self.path, |file| self.write_to(file, features)).map_err(|error| {
            cancel::of_io(&error, |error| Error::io("write the cache of features", &self.path, error))
        })
    }

    fn write_to(&self, file: &mut BufWriter<File>, features: &Features) -> io::Result<()> {
        let mut writer = Checked { inner: file, sum: crc32fast::Hasher::new() };
        writer.write_all(MAGIC)?;
        writer.write_all(&self.fingerprint)?;
        writer.write_numbers(&features.durations, f32::to_le_bytes)?;
        writer.write_numbers(&features.frames, u32::to_le_bytes)?;
        writer.write_numbers(&features.rates, u32::to_le_bytes)?;
        writer.write_numbers(&features.values, f32::to_le_bytes)?;
        let sum = writer.sum.finalize();
        writer.inner.write_all(&sum.to_le_bytes())
    }
}

/// Computes the checksum of the bytes that pass through.
struct Checked<T> {
    inner: T,
    sum: crc32fast::Hasher,
}

impl<R: Read> Checked<R> {
    fn read_exact(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        cancel::check_io()?;
        self.inner.read_exact(bytes)?;
        self.sum.update(bytes);
        Ok(())
    }

    fn read_numbers<T>(&mut self, numbers: &mut [T], from: fn([u8; 4]) -> T) -> io::Result<()> {
        let mut buffer = vec![0; 4 * BLOCK.min(numbers.len())];
        for block in numbers.chunks_mut(BLOCK) {
            let bytes = &mut buffer[..4 * block.len()];
            self.read_exact(bytes)?;
            for (number, bytes) in block.iter_mut().zip(bytes.as_chunks().0) {
                *number = from(*bytes);
            }
        }
        Ok(())
    }
}

impl<W: Write> Checked<W> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        cancel::check_io()?;
        self.sum.update(bytes);
        self.inner.write_all(bytes)
    }

    fn write_numbers<T: Copy>(&mut self, numbers: &[T], to: fn(T) -> [u8; 4]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(4 * BLOCK);
        for block in numbers.chunks(BLOCK) {
            bytes.clear();
            bytes.extend(block.iter().flat_map(|&number| to(number)));
            self.write_all(&bytes)?;
        }
        Ok(())
    }
}
