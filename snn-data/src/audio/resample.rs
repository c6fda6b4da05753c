//! Resampling.

use std::f64::consts::PI;
use std::fmt;
use std::sync::Arc;

use snn_fft::{Complex64, ComplexToReal, FftError, RealToComplex};

use super::RATES;
use crate::Error;

/// Samples of the lower rate in one transform. A longer block brings the edge of the filter closer to the Nyquist frequency,
/// and delays the stream.
const BLOCK: usize = 512;

/// Resamples a whole sound from rate `from` to rate `to`, both in Hz.
///
/// n samples become ceil(n `to` / `from`); sample k of the result is the sound at time k / `to`, band-limited to the lower of
/// the two Nyquist frequencies. The sound is preceded and followed by silence. Equal rates copy the samples.
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

/// [`resample`] for a sound in pieces: the same numbers for any pieces.
///
/// Block by block, the spectrum is multiplied by that of a windowed sinc (squared Blackman-Harris), truncated or extended with
/// zeros, and transformed back at the new rate; the second half of the output, the response of the filter, is added to the next
/// block. The delay of the filter, half a block, is removed. (The synchronous resampler of the crate rubato works the same way.)
pub struct Resampler {
    from: u64,
    to: u64,
    stage: Option<Stage>,
    /// Samples put in and taken out so far.
    pushed: u64,
    written: u64,
}

/// The filter, if the rates differ.
struct Stage {
    /// Samples of a block before and after.
    block: [usize; 2],
    forward: Arc<dyn RealToComplex<f64>>,
    backward: Arc<dyn ComplexToReal<f64>>,
    /// The passband of the filter's spectrum.
    filter: Vec<Complex64>,
    /// The block so far.
    input: Vec<f64>,
    /// The tail of the last block, added to the next one.
    overlap: Vec<f64>,
    padded: Vec<f64>,
    spectrum: Vec<Complex64>,
    resampled_spectrum: Vec<Complex64>,
    output: Vec<f64>,
    /// Working memory of the transforms.
    scratch: Vec<Complex64>,
    /// Samples of the delay still to drop.
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

    /// Takes input samples and appends the output samples that are ready to `resampled`.
    pub fn push(&mut self, samples: &[f64], resampled: &mut Vec<f64>) {
        self.pushed += samples.len() as u64;
        let before = resampled.len();
        match &mut self.stage {
            None => resampled.extend_from_slice(samples),
            Some(stage) => stage.push(samples, resampled),
        }
        self.written += (resampled.len() - before) as u64;
    }

    /// Ends the sound: appends the remaining samples. Samples pushed afterwards begin a new sound.
    pub fn finish(&mut self, resampled: &mut Vec<f64>) {
        let total = (self.pushed * self.to).div_ceil(self.from);
        let begin = resampled.len() as u64;
        if let Some(stage) = &mut self.stage {
            while resampled.len() as u64 - begin + self.written < total {
                let silence = stage.room();
                stage.input.resize(stage.input.len() + silence, 0.0);
                stage.transform(resampled);
            }
            // The last block extends past the end of the sound.
            resampled.truncate((begin + total - self.written) as usize);
        }
        self.reset();
    }

    /// Discards all samples: the next one begins a new sound.
    pub fn reset(&mut self) {
        (self.pushed, self.written) = (0, 0);
        if let Some(stage) = &mut self.stage {
            stage.input.clear();
            stage.overlap.fill(0.0);
            stage.delay = stage.block[1] / 2;
        }
    }
}

impl fmt::Debug for Resampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resampler").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}

impl Stage {
    fn new(from: u32, to: u32) -> Self {
        let (from, to) = (from as usize, to as usize);
        // With even blocks, the filter is symmetric and its delay a whole number of samples.
        let unit = 2 * from / gcd(from, to);
        let before = (BLOCK * from / from.min(to)).next_multiple_of(unit);
        let after = before / from * to + before % from * to / from;
        // The response to a block is up to two blocks long.
        let forward = snn_fft::forward(2 * before);
        let backward = snn_fft::inverse(2 * after);
        let (mut padded, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
        let scratch = forward.get_scratch_len().max(backward.get_scratch_len());
        let mut scratch = vec![Complex64::default(); scratch];

        // The transforms scale by the length, which the filter compensates.
        let filter = windowed_sinc(before, cutoff(before, after));
        for (padded, filter) in padded.iter_mut().zip(filter) {
            *padded = filter / (2 * before) as f64;
        }
        transform(forward.process_with_scratch(&mut padded, &mut spectrum, &mut scratch));
        // Frequencies present at both rates; the highest one of the new rate would be its own mirror image.
        let kept = if before < after { before + 1 } else { after };
        Self {
            block: [before, after],
            filter: spectrum[..kept].to_vec(),
            input: Vec::with_capacity(before),
            overlap: vec![0.0; after],
            resampled_spectrum: backward.make_input_vec(),
            output: backward.make_output_vec(),
            padded,
            spectrum,
            scratch,
            forward,
            backward,
            delay: after / 2,
        }
    }

    /// How many samples the block still needs.
    fn room(&self) -> usize {
        self.block[0] - self.input.len()
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
    fn transform(&mut self, resampled: &mut Vec<f64>) {
        let [before, after] = self.block;
        self.padded[..before].copy_from_slice(&self.input);
        self.padded[before..].fill(0.0);
        self.input.clear();
        let scratch = &mut self.scratch;
        transform(self.forward.process_with_scratch(&mut self.padded, &mut self.spectrum, scratch));

        self.resampled_spectrum.fill(Complex64::default());
        for (resampled, (value, filter)) in
            self.resampled_spectrum.iter_mut().zip(self.spectrum.iter().zip(&self.filter))
        {
            *resampled = value * filter;
        }
        transform(self.backward.process_with_scratch(
            &mut self.resampled_spectrum,
            &mut self.output,
            scratch,
        ));

        let (now, later) = self.output.split_at_mut(after);
        for (now, overlap) in now.iter_mut().zip(&self.overlap) {
            *now += overlap;
        }
        self.overlap.copy_from_slice(later);
        let dropped = self.delay.min(after);
        self.delay -= dropped;
        resampled.extend_from_slice(&now[dropped..]);
    }
}

/// Ignores errors of a transform: lengths are correct by construction, and an infinite sample makes the ends of the spectrum
/// complex, which the transform reports.
fn transform(result: Result<(), FftError>) {
    debug_assert!(matches!(result, Ok(()) | Err(FftError::InputValues(..))));
}

/// The cutoff of a block's filter, in units of the input's Nyquist frequency: as close to the lower Nyquist frequency as its
/// length allows (rubato's fit for the squared Blackman-Harris window).
fn cutoff(before: usize, after: usize) -> f64 {
    // In f32, to reproduce earlier results.
    let points = before.min(after) as f32;
    let [k1, k2, k3] =
        [13.745_202_940_783_823_f64, 121.735_325_863_749_34, 5_964.163_279_612_051].map(|k| k as f32);
    let cutoff = 1.0 / (k1 / points + k2 / (points * points) + k3 / (points * points * points) + 1.0);
    f64::from(if before > after { cutoff * after as f32 / before as f32 } else { cutoff })
}

/// The filter: a sinc windowed by the squared Blackman-Harris window, normalized to sum 1.
fn windowed_sinc(points: usize, cutoff: f64) -> Vec<f64> {
    let length = points as f64;
    let window = |x: f64| {
        0.35875 - 0.48829 * (2.0 * PI * x / length).cos() + 0.14128 * (4.0 * PI * x / length).cos()
            - 0.01168 * (6.0 * PI * x / length).cos()
    };
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) };
    let at = |point: usize| {
        let x = point as f64;
        window(x) * window(x) * sinc((x - (points / 2) as f64) * cutoff)
    };
    let filter: Vec<f64> = (0..points).map(at).collect();
    let sum: f64 = filter.iter().sum();
    filter.into_iter().map(|value| value / sum).collect()
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
    fn frequencies_above_the_new_nyquist_frequency_are_removed() {
        let resampled = resample(&tone(10_000.0, 48_000, 48_000), 48_000, 16_000).unwrap();
        let worst = largest(&resampled[2000..14_000]);
        assert!(worst < 1e-5, "{worst}");
    }

    #[test]
    fn chunks_give_the_same_values() {
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
    fn the_numbers_are_those_of_rubato() {
        // Computed by the crate rubato 5.0.1; bit-identical on the machine that computed them.
        let sound: Vec<f64> =
            (0..4000).map(|n| (0.1 * f64::from(n)).sin() + if n % 97 == 0 { 0.5 } else { 0.0 }).collect();
        for (from, expected) in [
            (
                44_100,
                [
                    (0, 0.2045467118225651),
                    (1, 0.27062826380869426),
                    (500, -0.41173517137686505),
                    (1000, -0.7361027924641066),
                    (1451, -0.4431254574132454),
                ],
            ),
            (
                8_000,
                [
                    (0, 0.4876427957840059),
                    (1, 0.35885805983217944),
                    (500, -0.13150950041648665),
                    (1000, -0.25300319380084996),
                    (7999, -0.40466512935173765),
                ],
            ),
        ] {
            let resampled = resample(&sound, from, 16_000).unwrap();
            assert_eq!(resampled.len(), expected[4].0 + 1);
            for (at, expected) in expected {
                assert!(
                    (resampled[at] - expected).abs() < 1e-12,
                    "{from} Hz, sample {at}: {}",
                    resampled[at]
                );
            }
        }
    }

    #[test]
    fn nonfinite_values_do_not_panic() {
        for value in [f64::NAN, f64::INFINITY, f64::MAX] {
            assert_eq!(resample(&[value; 3000], 44_100, 16_000).unwrap().len(), 1089);
        }
    }

    #[test]
    fn absurd_rates_are_refused() {
        for (from, to) in [(0, 16_000), (16_000, 999), (u32::MAX, 16_000)] {
            assert!(matches!(resample(&[0.0], from, to), Err(Error::Setting { key: "sample_rate", .. })));
        }
    }
}
