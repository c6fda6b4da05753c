//! Chooses the reader of a recording by its first bytes.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;

use super::sound::{Broken, Sound, of_io};
use super::{flac, wav};
use crate::Error;

/// Unsupported formats recognized by their first bytes, to name the actual format of a file with a wrong name.
const OTHERS: &[(&[u8], &str)] = &[
    (b"RIFX", "WAV of big-endian numbers (RIFX)"),
    (b"FORM", "AIFF"),
    (b"OggS", "Ogg"),
    (b"ID3", "MP3, or FLAC after an ID3 tag"),
    (b"\xff\xfb", "MP3"),
    (b"\xff\xf3", "MP3"),
    (b"caff", "CAF"),
    (b"riff", "Sony Wave64"),
    (b"NIST_1A", "NIST SPHERE"),
    (b".snd", "AU"),
    (b"MAC ", "Monkey's Audio"),
    (b"wvpk", "WavPack"),
    (b"\x30\x26\xb2\x75", "WMA"),
];

impl Sound {
    /// Reads a WAV or a FLAC file, distinguished by their first bytes. Several channels are mixed down to their mean.
    ///
    /// WAV: PCM of 8, 16, 24 or 32 bits (also with fewer valid bits, left-aligned), floating point of 32 or 64 bits,
    /// A-law and mu-law, plain or `WAVE_FORMAT_EXTENSIBLE`, RIFF, RF64 or BW64, chunks in any order. Placeholder sizes from
    /// programs that wrote to a pipe (0, 0xFFFFFFFF and similar) mean: to the end of the file. FLAC: samples are checked against
    /// the MD5 in the header, if it has one.
    ///
    /// An integer x of b bits becomes x / 2^(b - 1). A file without samples gives an empty sound.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], or [`Error::File`] with the place of the problem: the file is damaged (truncated, inconsistent with its
    /// header, a sample that is not a number), too long (more than 67,108,864 samples) or of an unsupported kind
    /// ([`Error::Unsupported`]).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        decode(open(path)?).map_err(|broken| broken.error.in_file(path, broken.place))
    }

    /// Whether the header of this file already rules it out: [`read`](Self::read) would report an error without reading the
    /// samples.
    pub(crate) fn is_refused_by_header(path: &Path) -> bool {
        let check = || match Kind::of(open(path).ok()?).ok()? {
            Kind::Wav(file) => wav::check(file).ok(),
            Kind::Flac(file) => flac::check(file).ok(),
        };
        check().is_none()
    }

    /// [`read`](Self::read) for the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] or [`Error::Unsupported`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        decode(Cursor::new(bytes)).map_err(|broken| broken.error)
    }
}

fn open(path: &Path) -> Result<File, Error> {
    let refuse = |error| Error::io("read the recording", path, &error);
    // Before opening it: opening a pipe would block.
    if !std::fs::metadata(path).map_err(refuse)?.is_file() {
        return Err(Error::format("recording", "it is not a regular file").in_file(path, "type"));
    }
    File::open(path).map_err(refuse)
}

fn decode(file: impl Read + Seek) -> Result<Sound, Broken> {
    match Kind::of(file)? {
        Kind::Wav(file) => wav::read(file),
        Kind::Flac(file) => flac::read(file),
    }
}

/// The format of a file.
enum Kind<R> {
    Wav(BufReader<R>),
    Flac(BufReader<R>),
}

impl<R: Read + Seek> Kind<R> {
    fn of(file: R) -> Result<Self, Broken> {
        let mut file = BufReader::new(file);
        let mut magic = Vec::new();
        let of_io = |error| Broken::new("the first bytes", "recording", of_io(&error));
        file.by_ref().take(8).read_to_end(&mut magic).map_err(of_io)?;
        file.rewind().map_err(of_io)?;
        match magic.get(..4).unwrap_or_default() {
            b"RIFF" | b"RF64" | b"BW64" => Ok(Self::Wav(file)),
            b"fLaC" => Ok(Self::Flac(file)),
            _ => Err(match OTHERS.iter().find(|(first, _)| magic.starts_with(first)) {
                Some((_, name)) => Broken::unsupported(
                    "the first bytes",
                    "recording",
                    format!("it is {name}; convert it to WAV or FLAC"),
                ),
                None => Broken::new(
                    "the first bytes",
                    "recording",
                    if magic.is_empty() {
                        "the file is empty"
                    } else if magic == b"version " {
                        "it is a Git LFS pointer: `git lfs pull` fetches the file"
                    } else {
                        "it begins with neither RIFF (WAV) nor fLaC (FLAC)"
                    },
                ),
            }),
        }
    }
}
