//! Another sample rate for the same sound.

use std::fmt;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

use super::RATES;
use crate::Error;

/// Samples of the slower side that are transformed at once. More of them bring the edge of the filter closer to the
/// Nyquist frequency, and delay the stream.
const BLOCK: usize = 512;

/// Resamples a whole sound from rate `from` to rate `to`, both in Hz.
///
/// n samples become ceil(n `to` / `from`); sample k of the result is the sound at the time k / `to`, band-limited to
/// the lower of both Nyquist frequencies. Before and after the sound there is silence. Equal rates copy the samples.
///
/// # Errors
///
/// [`Error::Setting`] unless both rates are 1000 to 768000 Hz.
pub fn resample(samples: &[f64], from: u32, to: u32) -> Result<Vec<f64>, Error> {
    let mut resampler = Resampler::new(from, to)?;
    let mut resampled = Vec::new();
    resampler.push(samples, &mut resampled);
    resampler.finish(&mut resampled);
    Ok(resampled)
}

/// [`resample`] for a sound that comes in pieces: the same numbers, whatever the pieces.
///
/// The work is done by rubato's synchronous resampler: block by block, the spectrum is multiplied with that of a
/// windowed sinc (squared Blackman-Harris) and cut off or extended with zeros. Its delay, half a block, is taken out.
pub struct Resampler {
    from: u64,
    to: u64,
    stage: Option<Stage>,
    /// Samples put in and taken out so far.
    pushed: u64,
    written: u64,
}

/// What works where the rates differ.
struct Stage {
    fft: Fft<f64>,
    input: Vec<f64>,
    output: Vec<f64>,
    /// Samples of the delay that are still to be dropped.
    delay: usize,
}

impl Resampler {
    /// From rate `from` to rate `to`, both in Hz.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] unless both are 1000 to 768000 Hz.
    pub fn new(from: u32, to: u32) -> Result<Self, Error> {
        for rate in [from, to] {
            if !RATES.contains(&rate) {
                return Err(Error::setting("sample_rate", rate, "1000 to 768000 Hz"));
            }
        }
        let stage = if from == to { None } else { Some(Stage::new(from, to)) };
        Ok(Self { from: from.into(), to: to.into(), stage, pushed: 0, written: 0 })
    }

    /// Takes samples in, appends those that are ready to `resampled`.
    pub fn push(&mut self, samples: &[f64], resampled: &mut Vec<f64>) {
        self.pushed += samples.len() as u64;
        let before = resampled.len();
        match &mut self.stage {
            None => resampled.extend_from_slice(samples),
            Some(stage) => stage.push(samples, resampled),
        }
        self.written += (resampled.len() - before) as u64;
    }

    /// Ends the sound: appends the samples that are left. What is pushed afterwards begins a new sound.
    pub fn finish(&mut self, resampled: &mut Vec<f64>) {
        let total = (self.pushed * self.to).div_ceil(self.from);
        let begin = resampled.len() as u64;
        if let Some(stage) = &mut self.stage {
            while resampled.len() as u64 - begin + self.written < total {
                let silence = stage.room();
                stage.input.resize(stage.input.len() + silence, 0.0);
                stage.transform(resampled);
            }
            // The end of the last block lies behind the end of the sound.
            resampled.truncate((begin + total - self.written) as usize);
        }
        self.reset();
    }

    /// Forgets all samples: the next one begins a new sound.
    pub fn reset(&mut self) {
        (self.pushed, self.written) = (0, 0);
        if let Some(stage) = &mut self.stage {
            stage.input.clear();
            stage.fft.reset();
            stage.delay = stage.fft.output_delay();
        }
    }
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resampler").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}

impl Stage {
    #[expect(clippy::expect_used, reason = "rubato refuses only rates, block sizes and channels of 0")]
    fn new(from: u32, to: u32) -> Self {
        let (from, to) = (from as usize, to as usize);
        // The filter is symmetric, and its delay a whole number of samples, if both blocks are even.
        let unit = 2 * from / gcd(from, to);
        let block = (BLOCK * from / from.min(to)).next_multiple_of(unit);
        let fft =
            Fft::new_custom(from, to, block, 1, 1, rubato::WindowFunction::BlackmanHarris2, FixedSync::Both)
                .expect("rates, block size and channels are positive");
        let output = vec![0.0; fft.output_frames_max()];
        let delay = fft.output_delay();
        Self { fft, input: Vec::with_capacity(block), output, delay }
    }

    /// How many samples the block still lacks.
    fn room(&self) -> usize {
        self.fft.input_frames_next() - self.input.len()
    }

    fn push(&mut self, mut samples: &[f64], resampled: &mut Vec<f64>) {
        while samples.len() >= self.room() {
            let (now, later) = samples.split_at(self.room());
            self.input.extend_from_slice(now);
            self.transform(resampled);
            samples = later;
        }
        self.input.extend_from_slice(samples);
    }

    /// Resamples a full block.
    #[expect(clippy::expect_used, reason = "the buffers have the sizes that the resampler asks for")]
    fn transform(&mut self, resampled: &mut Vec<f64>) {
        let frames = self.output.len();
        let input = InterleavedSlice::new(&self.input, 1, self.input.len()).expect("one channel");
        let mut output = InterleavedSlice::new_mut(&mut self.output, 1, frames).expect("one channel");
        let (_, written) =
            self.fft.process_into_buffer(&input, &mut output, None).expect("the block is complete");
        self.input.clear();
        let dropped = self.delay.min(written);
        self.delay -= dropped;
        resampled.extend_from_slice(&self.output[dropped..written]);
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn tone(hz: f64, rate: u32, samples: usize) -> Vec<f64> {
        (0..samples).map(|n| (TAU * hz * n as f64 / f64::from(rate)).sin()).collect()
    }

    fn largest(samples: &[f64]) -> f64 {
        samples.iter().fold(0.0, |largest, sample| sample.abs().max(largest))
    }

    #[test]
    fn a_tone_stays_the_same_tone() {
        // Fading in and out: a hard edge would not be band-limited.
        let fading = |rate: u32| -> Vec<f64> {
            let envelope = tone(0.5, rate, rate as usize);
            tone(1000.0, rate, rate as usize).iter().zip(envelope).map(|(x, e)| x * e.powi(4)).collect()
        };
        for from in [8_000, 11_025, 22_050, 44_100, 48_000, 7_919, 96_000] {
            let resampled = resample(&fading(from), from, 16_000).unwrap();
            assert_eq!(resampled.len(), 16_000);
            let error: Vec<f64> = fading(16_000).iter().zip(&resampled).map(|(a, b)| a - b).collect();
            let worst = largest(&error);
            assert!(worst < 1e-5, "{from} Hz: off by {worst}");
        }
    }

    #[test]
    fn what_lies_above_the_new_nyquist_frequency_goes() {
        let resampled = resample(&tone(10_000.0, 48_000, 48_000), 48_000, 16_000).unwrap();
        let worst = largest(&resampled[2000..14_000]);
        assert!(worst < 1e-5, "{worst}");
    }

    #[test]
    fn pieces_give_the_same_numbers() {
        let samples = tone(700.0, 44_100, 10_000);
        let whole = resample(&samples, 44_100, 16_000).unwrap();
        for size in [1, 7, 1000, 9_999] {
            let mut resampler = Resampler::new(44_100, 16_000).unwrap();
            for _twice in 0..2 {
                let mut pieces = Vec::new();
                samples.chunks(size).for_each(|piece| resampler.push(piece, &mut pieces));
                resampler.finish(&mut pieces);
                assert_eq!(pieces, whole);
            }
        }
    }

    #[test]
    fn short_sounds_have_their_length() {
        for samples in [0, 1, 2, 5] {
            assert_eq!(resample(&vec![0.5; samples], 48_000, 16_000).unwrap().len(), samples.div_ceil(3));
            assert_eq!(resample(&vec![0.5; samples], 16_000, 16_000).unwrap(), vec![0.5; samples]);
        }
    }

    #[test]
    fn absurd_rates_are_refused() {
        for (from, to) in [(0, 16_000), (16_000, 999), (u32::MAX, 16_000)] {
            assert!(matches!(resample(&[0.0], from, to), Err(Error::Setting { key: "sample_rate", .. })));
        }
    }
}
