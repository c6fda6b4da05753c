//! Recordings: WAV and FLAC files, mixed down to one channel.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;

use super::{RATES, flac, wav};
use crate::Error;

/// Most samples of one recording and channel: 23 minutes at 48 kHz. A few bytes of FLAC can announce gigabytes of
/// silence; this bounds what they cost.
const MAX_SAMPLES: usize = 1 << 26;

/// Formats that are not read but known by their first bytes, so that a file with the wrong name is called what it is.
const OTHERS: &[(&[u8], &str)] = &[
    (b"RIFX", "WAV of big-endian numbers (RIFX)"),
    (b"FORM", "AIFF"),
    (b"OggS", "Ogg"),
    (b"ID3", "MP3, or FLAC behind an ID3 tag"),
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

/// A recording of one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Sample rate in Hz, 1000 to 768000.
    pub rate: u32,
    /// Samples; full scale is -1 to 1.
    pub samples: Vec<f64>,
}

impl Sound {
    /// Reads a WAV or a FLAC file, told apart by their first bytes. Several channels are mixed down to their mean.
    ///
    /// WAV: PCM of 8, 16, 24 or 32 bits (also with fewer valid bits, left-aligned), floating point of 32 or 64 bits,
    /// A-law and mu-law, plain or `WAVE_FORMAT_EXTENSIBLE`, RIFF, RF64 or BW64, chunks in any order. Sizes that a program
    /// left open because it wrote to a pipe (0, 0xFFFFFFFF and their like) mean: to the end of the file. FLAC: a file that
    /// bears an MD5 of its samples is held against it.
    ///
    /// An integer x of b bits becomes x / 2^(b - 1). A file without samples gives a sound without samples.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], or [`Error::File`] that says where a file is damaged (cut off, announcing what it does not hold,
    /// with a sample that is not a number), too long (67 108 864 samples), or, as [`Error::Unsupported`], of which kind
    /// it is that is not read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let open = |error| Error::io("read the recording", path, &error);
        // Before it is opened: a pipe would be waited for.
        if !std::fs::metadata(path).map_err(open)?.is_file() {
            return Err(Error::format("recording", "it is not a regular file").in_file(path, "type"));
        }
        let file = File::open(path).map_err(open)?;
        decode(file).map_err(|broken| broken.error.in_file(path, broken.place))
    }

    /// [`read`](Self::read) for the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`Error::Format`] or [`Error::Unsupported`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        decode(Cursor::new(bytes)).map_err(|broken| broken.error)
    }

    /// Duration in ms.
    pub fn duration(&self) -> f64 {
        self.samples.len() as f64 * 1000.0 / f64::from(self.rate)
    }
}

fn decode(file: impl Read + Seek) -> Result<Sound, Broken> {
    let mut file = BufReader::new(file);
    let mut magic = Vec::new();
    let of_io = |error| Broken::new("the first bytes", "recording", of_io(&error));
    file.by_ref().take(8).read_to_end(&mut magic).map_err(of_io)?;
    file.rewind().map_err(of_io)?;
    match magic.get(..4).unwrap_or_default() {
        b"RIFF" | b"RF64" | b"BW64" => wav::read(file),
        b"fLaC" => flac::read(file),
        _ => Err(match OTHERS.iter().find(|(first, _)| magic.starts_with(first)) {
            Some((_, name)) => Broken::unsupported(
                "the first bytes",
                "recording",
                format!("it is {name}; convert it to WAV or FLAC"),
            ),
            None => Broken::new(
                "the first bytes",
                "recording",
                "it begins neither with RIFF (WAV) nor with fLaC (FLAC)",
            ),
        }),
    }
}

/// What is wrong with a recording, and where.
pub(super) struct Broken {
    place: String,
    error: Error,
}

impl Broken {
    pub(super) fn new(place: impl Into<String>, format: &'static str, problem: impl Into<String>) -> Self {
        Self { place: place.into(), error: Error::format(format, problem) }
    }

    /// For what is no damage but cannot be read.
    pub(super) fn unsupported(
        place: impl Into<String>,
        format: &'static str,
        kind: impl Into<String>,
    ) -> Self {
        Self { place: place.into(), error: Error::Unsupported { format, kind: kind.into() } }
    }
}

pub(super) fn of_io(error: &io::Error) -> String {
    // hound reports the end of the file as an error of its own making.
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
        io::ErrorKind::Other if error.to_string() == "Failed to read enough bytes." => {
            "the file ends too early".to_owned()
        }
        _ => error.to_string(),
    }
}

/// 1 / 2^(bits - 1): what one integer step is worth.
pub(super) fn full_scale(bits: u32) -> f64 {
    (1.0 - f64::from(bits)).exp2()
}

/// Takes up interleaved samples, gives the mean of the channels.
pub(super) struct Mixer {
    format: &'static str,
    rate: u32,
    channels: u32,
    /// Channels of the next sample that have been summed up.
    mixed: u32,
    sum: f64,
    samples: Vec<f64>,
}

impl Mixer {
    pub(super) fn new(format: &'static str, rate: u32, channels: u32) -> Result<Self, Broken> {
        if !RATES.contains(&rate) {
            let problem = format!("{rate} Hz is no sample rate: {} to {} Hz are", RATES.start(), RATES.end());
            return Err(Broken::new("header", format, problem));
        }
        if channels == 0 {
            return Err(Broken::new("header", format, "no channel"));
        }
        Ok(Self { format, rate, channels, mixed: 0, sum: 0.0, samples: Vec::new() })
    }

    pub(super) fn push(&mut self, sample: f64) -> Result<(), Broken> {
        if !sample.is_finite() {
            return Err(Broken::new(self.place(), self.format, format!("{sample} is no sample")));
        }
        if self.samples.len() == MAX_SAMPLES {
            let problem = format!("longer than {MAX_SAMPLES} samples: cut it into pieces");
            return Err(Broken::new(self.place(), self.format, problem));
        }
        self.sum += sample;
        self.mixed += 1;
        if self.mixed == self.channels {
            let mean = self.sum / f64::from(self.channels);
            // Numbers of 64 bits may be finite one by one and not in their sum.
            if !mean.is_finite() {
                return Err(Broken::new(self.place(), self.format, "its channels have no finite mean"));
            }
            self.samples.push(mean);
            (self.mixed, self.sum) = (0, 0.0);
        }
        Ok(())
    }

    /// Samples that are complete.
    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    pub(super) fn place(&self) -> String {
        format!("sample {}", self.samples.len())
    }

    pub(super) fn finish(self) -> Sound {
        Sound { rate: self.rate, samples: self.samples }
    }
}
