//! Recordings mixed down to one channel, and code shared by their readers.

use std::io;

use super::RATES;
use crate::Error;

/// Maximum number of samples of one recording and channel: 23 minutes at 48 kHz. A few bytes of FLAC can announce gigabytes of
/// silence; this bounds their cost.
pub(super) const MAX_SAMPLES: usize = 1 << 26;

/// A recording of one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Sample rate in Hz, 1000 to 768000.
    pub rate: u32,
    /// Samples; full scale is -1 to 1.
    pub samples: Vec<f64>,
}

impl Sound {
    /// Duration in ms.
    pub fn duration(&self) -> f64 {
        self.samples.len() as f64 * 1000.0 / f64::from(self.rate)
    }
}

/// A problem with a recording, and its place.
pub(super) struct Broken {
    pub(super) place: String,
    pub(super) error: Error,
}

impl Broken {
    pub(super) fn new(place: impl Into<String>, format: &'static str, problem: impl Into<String>) -> Self {
        Self { place: place.into(), error: Error::format(format, problem) }
    }

    /// For an intact file of a kind that is not supported.
    pub(super) fn unsupported(
        place: impl Into<String>,
        format: &'static str,
        kind: impl Into<String>,
    ) -> Self {
        Self { place: place.into(), error: Error::Unsupported { format, kind: kind.into() } }
    }
}

pub(super) fn of_io(error: &io::Error) -> String {
    // hound reports the end of the file as a custom error.
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
        io::ErrorKind::Other if error.to_string() == "Failed to read enough bytes." => {
            "the file ends too early".to_owned()
        }
        _ => error.to_string(),
    }
}

/// 1 / 2^(bits - 1): the value of one integer step.
pub(super) fn full_scale(bits: u32) -> f64 {
    (1.0 - f64::from(bits)).exp2()
}

/// Accepts interleaved samples and returns the mean of the channels.
pub(super) struct Mixer {
    format: &'static str,
    rate: u32,
    channels: u32,
    /// Channels of the next sample summed so far.
    mixed: u32,
    sum: f64,
    samples: Vec<f64>,
}

impl Mixer {
    pub(super) fn new(format: &'static str, rate: u32, channels: u32) -> Result<Self, Broken> {
        if !RATES.contains(&rate) {
            let problem =
                format!("{rate} Hz is not a valid sample rate ({} to {} Hz)", RATES.start(), RATES.end());
            return Err(Broken::new("header", format, problem));
        }
        if channels == 0 {
            return Err(Broken::new("header", format, "no channel"));
        }
        Ok(Self { format, rate, channels, mixed: 0, sum: 0.0, samples: Vec::new() })
    }

    pub(super) fn push(&mut self, sample: f64) -> Result<(), Broken> {
        if !sample.is_finite() {
            return Err(Broken::new(self.place(), self.format, format!("{sample} is not a valid sample")));
        }
        if self.samples.len() == MAX_SAMPLES {
            let problem = format!("longer than {MAX_SAMPLES} samples: split it");
            return Err(Broken::new(self.place(), self.format, problem));
        }
        self.sum += sample;
        self.mixed += 1;
        if self.mixed == self.channels {
            let mean = self.sum / f64::from(self.channels);
            // 64-bit numbers may each be finite while their sum is not.
            if !mean.is_finite() {
                return Err(Broken::new(self.place(), self.format, "the mean of its channels is not finite"));
            }
            self.samples.push(mean);
            (self.mixed, self.sum) = (0, 0.0);
        }
        Ok(())
    }

    /// Number of complete samples.
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
