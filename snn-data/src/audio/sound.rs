//! Recordings: WAV and FLAC files, mixed down to one channel.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use super::RATES;
use crate::Error;

/// Most samples of one recording and channel: 23 minutes at 48 kHz. A few bytes of FLAC can announce gigabytes of
/// silence; this bounds what they cost.
const MAX_SAMPLES: usize = 1 << 26;

const WAV: &str = "WAV file";
const FLAC: &str = "FLAC file";

/// A recording of one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Sample rate in Hz, 1000 to 768000.
    pub rate: u32,
    /// Samples; full scale is -1 to 1.
    pub samples: Vec<f64>,
}

impl Sound {
    /// Reads a WAV file (8, 16, 24 or 32-bit integers, or 32-bit floating point) or a FLAC file, told apart by their
    /// first bytes. Several channels are mixed down to their mean.
    ///
    /// An integer x of b bits becomes x / 2^(b - 1). A file without samples gives a sound without samples.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], or [`Error::File`] that says where a file is damaged (cut off, announcing what it does not
    /// hold, with a sample that is not a number), of a kind that is not read, or too long (67 108 864 samples).
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let open = |error| Error::io("read the recording", path, &error);
        let mut file = BufReader::new(File::open(path).map_err(open)?);
        let mut magic = Vec::new();
        file.by_ref().take(4).read_to_end(&mut magic).map_err(open)?;
        file.rewind().map_err(open)?;
        let sound = match magic.as_slice() {
            b"RIFF" => read_wav(file),
            b"fLaC" => read_flac(file),
            _ => Err(Broken::new(
                "the first bytes",
                "recording",
                "it begins neither with RIFF (WAV) nor with fLaC (FLAC)",
            )),
        };
        sound.map_err(|broken| broken.error.in_file(path, broken.place))
    }

    /// Duration in ms.
    pub fn duration(&self) -> f64 {
        self.samples.len() as f64 * 1000.0 / f64::from(self.rate)
    }
}

/// What is wrong with a recording, and where.
struct Broken {
    place: String,
    error: Error,
}

impl Broken {
    fn new(place: impl Into<String>, format: &'static str, problem: impl Into<String>) -> Self {
        Self { place: place.into(), error: Error::format(format, problem) }
    }

    fn wav(place: impl Into<String>, error: hound::Error) -> Self {
        let problem = match error {
            hound::Error::IoError(error) => of_io(&error),
            hound::Error::FormatError(problem) => problem.to_owned(),
            hound::Error::Unsupported => {
                "only PCM of 8, 16, 24 or 32-bit integers or 32-bit floating point is read".to_owned()
            }
            other => other.to_string(),
        };
        Self::new(place, WAV, problem)
    }

    fn flac(place: impl Into<String>, error: claxon::Error) -> Self {
        let problem = match error {
            claxon::Error::IoError(error) => of_io(&error),
            claxon::Error::FormatError(problem) | claxon::Error::Unsupported(problem) => problem.to_owned(),
        };
        Self::new(place, FLAC, problem)
    }
}

fn of_io(error: &io::Error) -> String {
    // hound reports the end of the file as an error of its own making.
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
        io::ErrorKind::Other if error.to_string() == "Failed to read enough bytes." => {
            "the file ends too early".to_owned()
        }
        _ => error.to_string(),
    }
}

fn read_wav(reader: impl Read) -> Result<Sound, Broken> {
    let mut reader = hound::WavReader::new(reader).map_err(|error| Broken::wav("header", error))?;
    let spec = reader.spec();
    let mut mixer = Mixer::new(WAV, spec.sample_rate, u32::from(spec.channels))?;
    match spec.sample_format {
        hound::SampleFormat::Int => {
            let scale = full_scale(u32::from(spec.bits_per_sample));
            for sample in reader.samples::<i32>() {
                let sample = sample.map_err(|error| Broken::wav(mixer.place(), error))?;
                mixer.push(f64::from(sample) * scale)?;
            }
        }
        hound::SampleFormat::Float => {
            for sample in reader.samples::<f32>() {
                let sample = sample.map_err(|error| Broken::wav(mixer.place(), error))?;
                mixer.push(f64::from(sample))?;
            }
        }
    }
    Ok(mixer.finish())
}

fn read_flac(reader: impl Read) -> Result<Sound, Broken> {
    let options = claxon::FlacReaderOptions { metadata_only: false, read_vorbis_comment: false };
    let mut reader =
        claxon::FlacReader::new_ext(reader, options).map_err(|error| Broken::flac("header", error))?;
    let info = reader.streaminfo();
    let scale = full_scale(info.bits_per_sample);
    let mut mixer = Mixer::new(FLAC, info.sample_rate, info.channels)?;
    let mut blocks = reader.blocks();
    let mut buffer = Vec::new();
    while let Some(block) =
        blocks.read_next_or_eof(buffer).map_err(|error| Broken::flac(mixer.place(), error))?
    {
        if block.channels() != info.channels {
            let problem = format!("{} channels after a header with {}", block.channels(), info.channels);
            return Err(Broken::new(mixer.place(), FLAC, problem));
        }
        for n in 0..block.duration() {
            for channel in 0..block.channels() {
                mixer.push(f64::from(block.sample(channel, n)) * scale)?;
            }
        }
        buffer = block.into_buffer();
    }
    match info.samples {
        Some(announced) if announced != mixer.samples.len() as u64 => Err(Broken::new(
            mixer.place(),
            FLAC,
            format!("it ends here, but its header announces {announced} samples"),
        )),
        _ => Ok(mixer.finish()),
    }
}

/// 1 / 2^(bits - 1): what one integer step is worth.
fn full_scale(bits: u32) -> f64 {
    (1.0 - f64::from(bits)).exp2()
}

/// Takes up interleaved samples, gives the mean of the channels.
struct Mixer {
    format: &'static str,
    rate: u32,
    channels: u32,
    /// Channels of the next sample that have been summed up.
    mixed: u32,
    sum: f64,
    samples: Vec<f64>,
}

impl Mixer {
    fn new(format: &'static str, rate: u32, channels: u32) -> Result<Self, Broken> {
        if !RATES.contains(&rate) {
            let problem = format!("{rate} Hz is no sample rate: {} to {} Hz are", RATES.start(), RATES.end());
            return Err(Broken::new("header", format, problem));
        }
        if channels == 0 {
            return Err(Broken::new("header", format, "no channel"));
        }
        Ok(Self { format, rate, channels, mixed: 0, sum: 0.0, samples: Vec::new() })
    }

    fn push(&mut self, sample: f64) -> Result<(), Broken> {
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
            self.samples.push(self.sum / f64::from(self.channels));
            (self.mixed, self.sum) = (0, 0.0);
        }
        Ok(())
    }

    fn place(&self) -> String {
        format!("sample {}", self.samples.len())
    }

    fn finish(self) -> Sound {
        Sound { rate: self.rate, samples: self.samples }
    }
}
