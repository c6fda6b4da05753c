//! The complete front end: samples in, frames of Mel channels out.

use std::fmt;

use super::{MelConfig, MelFilters, PowerSpectrum, Resampler, frame_count, hamming, pre_emphasis};
use crate::Error;

/// Framed samples stay in the buffer until there are this many of them, to move it less often.
const SPENT: usize = 1 << 14;

/// A Mel spectrogram of sounds of one sample rate: resampling, pre-emphasis, frames, Hamming window, power spectrum, Mel
/// filters, compression.
///
/// A stream of samples is [`push`](Self::push)ed, frames are [`pop`](Self::pop)ped as soon as they are complete,
/// [`finish`](Self::finish) ends the sound and releases the rest. [`compute`](Self::compute) does this for a whole
/// recording: the numbers are bit-identical, and also identical to those of the individual stages of this [module](super)
/// applied in sequence.
///
/// A frame is complete when its last sample arrives; with resampling, half a block of the resampler later (16 ms or more,
/// depending on the rates).
pub struct MelSpectrogram {
    config: MelConfig,
    resampler: Resampler,
    window: Vec<f64>,
    spectrum: PowerSpectrum,
    filters: MelFilters,
    /// Emphasized samples; frames begin at `head`, which may be past their end if frames have gaps between them.
    signal: Vec<f64>,
    head: usize,
    /// The last sample before emphasis.
    previous: f64,
    /// Samples of this sound so far, after resampling, and frames popped.
    samples: usize,
    popped: usize,
    finished: bool,
    frame: Vec<f64>,
    channels: Vec<f64>,
}

impl MelSpectrogram {
    /// For sounds of a sample rate in Hz.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an invalid configuration or rate.
    pub fn new(config: &MelConfig, rate: u32) -> Result<Self, Error> {
        let filters = MelFilters::new(config)?;
        Ok(Self {
            resampler: Resampler::new(rate, config.sample_rate)?,
            window: hamming(config.frame_samples()),
            spectrum: PowerSpectrum::new(config.fft),
            signal: Vec::new(),
            head: 0,
            previous: 0.0,
            samples: 0,
            popped: 0,
            finished: false,
            frame: vec![0.0; config.frame_samples()],
            channels: vec![0.0; filters.channels()],
            filters,
            config: config.clone(),
        })
    }

    /// The parameters it was created from.
    pub fn config(&self) -> &MelConfig {
        &self.config
    }

    /// Number of values in a frame.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Adds samples. After [`finish`](Self::finish), they begin a new sound, and frames of the previous one that were not popped
    /// are lost.
    pub fn push(&mut self, samples: &[f64]) {
        if self.finished {
            self.reset();
        }
        self.take_in(|resampler, signal| resampler.push(samples, signal));
    }

    /// Ends the sound: the remaining frames can be popped, the last one padded with zeros (or dropped, see
    /// [`Tail`](super::Tail)).
    pub fn finish(&mut self) {
        if !self.finished {
            self.take_in(Resampler::finish);
            self.finished = true;
        }
    }

    /// The next complete frame `[channels]`, if there is one.
    pub fn pop(&mut self) -> Option<&[f64]> {
        let length = self.window.len();
        let rest = self.signal.get(self.head..).unwrap_or_default();
        if rest.len() >= length {
            self.frame.copy_from_slice(&rest[..length]);
        } else if self.finished && self.popped < self.frames_in_all() {
            self.frame[..rest.len()].copy_from_slice(rest);
            self.frame[rest.len()..].fill(0.0);
        } else {
            return None;
        }
        self.head += self.config.hop_samples();
        self.popped += 1;

        self.frame.iter_mut().zip(&self.window).for_each(|(sample, weight)| *sample *= weight);
        self.filters.apply(self.spectrum.compute(&self.frame), &mut self.channels);
        self.config.compression.apply(&mut self.channels, self.config.floor);
        Some(&self.channels)
    }

    /// Discards all samples: the next one begins a new sound.
    pub fn reset(&mut self) {
        self.resampler.reset();
        self.signal.clear();
        (self.head, self.previous, self.samples, self.popped, self.finished) = (0, 0.0, 0, 0, false);
    }

    /// The frames `[frames, channels]` of a whole recording; none if it has no samples.
    pub fn compute(&mut self, samples: &[f64]) -> Vec<f64> {
        self.reset();
        self.push(samples);
        self.finish();
        let mut frames = Vec::with_capacity(self.frames_in_all() * self.channels());
        while let Some(frame) = self.pop() {
            frames.extend_from_slice(frame);
        }
        frames
    }

    /// Number of frames of the finished sound.
    fn frames_in_all(&self) -> usize {
        frame_count(self.samples, self.window.len(), self.config.hop_samples(), self.config.tail)
    }

    /// Appends the output of the resampler to the signal, emphasized.
    fn take_in(&mut self, resample: impl FnOnce(&mut Resampler, &mut Vec<f64>)) {
        if self.head.min(self.signal.len()) >= SPENT {
            let spent = self.head.min(self.signal.len());
            self.signal.drain(..spent);
            self.head -= spent;
        }
        let begin = self.signal.len();
        resample(&mut self.resampler, &mut self.signal);
        let new = &mut self.signal[begin..];
        self.previous = pre_emphasis(new, self.config.pre_emphasis, self.previous);
        self.samples += new.len();
    }
}

impl fmt::Debug for MelSpectrogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MelSpectrogram").field("config", &self.config).finish_non_exhaustive()
    }
}
