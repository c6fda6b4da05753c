//! The basilar membrane as a filter for each channel.
//!
//! The membrane of length 3.5 cm, at x cm from its base, has stiffness S(x) = C0 exp(-alpha x) - a, mass m and damping
//! R(x) = delta sqrt(C0 m) exp(-alpha x / 2). With xi(w, x) = S - m w^2 - i w R, the wave number is g(w, x) = w sqrt(rho / (h xi)), the
//! phase G(w, x) = 2 g(w, 0) / alpha + integral of g from 0 to x, the pressure p(w, x) = sqrt(G / g) H0(G), and the velocity for a sound
//! of frequency w
//!
//! v(w, x) = 2 w / xi * p(w, x) / p(w, 0) * z(w),  z = i sqrt(2 C0 / h) conj(H0(y)) / conj(H1(y)),  y = 2 w / alpha sqrt(2 / (h C0))
//!
//! (Sieroka, Dosch & Rupp 2006), with the Hankel functions H0 and H1, in units of cm, g and s. Their time dependence is exp(-i w t), so a
//! discrete Fourier transform takes the conjugate: the wave then follows the sound. (Without it, as in the authors' program, the
//! wave precedes the sound by the same time.)

use std::sync::Arc;

use rayon::prelude::*;
use snn_fft::{Complex64, ComplexToReal};

use super::hankel::{h0, h1};
use super::nerve::LANES;
use crate::{Error, room};

/// alpha in 1/cm, C0 in g/(s^2 cm^2), a in the same, delta, m in g/cm^2, h in cm, rho in g/cm^3, the length in cm.
const ALPHA: f64 = 3.0;
const C0: f64 = 1e9;
const A: f64 = 3500.0;
const DELTA: f64 = 0.15;
const MASS: f64 = 0.05;
const HEIGHT: f64 = 0.1;
const RHO: f64 = 1.0;
const LENGTH: f64 = 3.5;

/// Minimum number of intervals of the phase integral.
const INTERVALS: usize = 2800;

const I: Complex64 = Complex64::new(0.0, 1.0);

/// Length of a filter's response and of a block of sound, in ms. A tenth of the response precedes the sound (the filters describe
/// a wave that is already present).
const RESPONSE: usize = 128;
const BLOCK: usize = 512;

/// The filters, applied to overlapping blocks of sound.
pub(super) struct Membrane {
    /// The filter of each channel, `[channels, points / 2 + 1]`; real and imaginary part.
    filters: Vec<[f32; 2]>,
    channels: usize,
    /// Points per block, points before its new part, and new points.
    points: usize,
    before: usize,
    hop: usize,
    inverse: Arc<dyn ComplexToReal<f64>>,
}

impl std::fmt::Debug for Membrane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Membrane").field("channels", &self.channels).field("points", &self.points).finish()
    }
}

/// Working memory of [`Membrane::velocity`].
pub(super) struct Work {
    spectrum: Vec<Complex64>,
    scratch: Vec<Complex64>,
    samples: Vec<f64>,
    velocity: Vec<[f32; LANES]>,
}

impl Membrane {
    pub(super) fn new(channels: usize, rate: u32) -> Result<Self, Error> {
        let points = (BLOCK * rate as usize / 1000).next_power_of_two();
        let after = points / BLOCK * RESPONSE / 10;
        let before = points / BLOCK * RESPONSE;
        let bins = points / 2 + 1;
        let mut filters = Vec::new();
        room::reserve(&mut filters, channels * bins, "filters of a cochlea")?;
        filters.resize(channels * bins, [0.0; 2]);
        let step = f64::from(rate) / points as f64;
        // By frequency, since the phase accumulates along the channels; then transposed.
        let by_bin: Vec<Vec<[f32; 2]>> = (0..bins)
            .into_par_iter()
            .map(|bin| {
                let share = taper(bin as f64 / (bins - 1) as f64) as f32;
                let filters = response(bin as f64 * step, channels);
                filters.into_iter().map(|value| value.map(|part| share * part)).collect()
            })
            .collect();
        filters.par_chunks_mut(bins).enumerate().for_each(|(channel, filter)| {
            for (value, of_bin) in filter.iter_mut().zip(&by_bin) {
                *value = of_bin[channel];
            }
        });
        let hop = points - before - after;
        Ok(Self { filters, channels, points, before, hop, inverse: snn_fft::inverse(points) })
    }

    /// The spectra of the blocks of a sound.
    pub(super) fn spectra(&self, samples: &[f64]) -> Vec<Vec<Complex64>> {
        let forward = snn_fft::forward(self.points);
        let mut block = vec![0.0; self.points];
        let blocks = (0..samples.len()).step_by(self.hop).map(|begin| {
            for (k, value) in block.iter_mut().enumerate() {
                let sample = (begin + k).checked_sub(self.before).and_then(|at| samples.get(at));
                *value = sample.copied().unwrap_or_default();
            }
            let mut spectrum = forward.make_output_vec();
            // The only possible error is a wrong length, and lengths are correct.
            let _ = forward.process(&mut block, &mut spectrum);
            spectrum
        });
        blocks.collect()
    }

    pub(super) fn work(&self) -> Work {
        Work {
            spectrum: self.inverse.make_input_vec(),
            scratch: self.inverse.make_scratch_vec(),
            samples: self.inverse.make_output_vec(),
            velocity: vec![[0.0; LANES]; self.hop],
        }
    }

    /// The velocity of some channels, from `first` on, in the new part of a block, `[hop, channels]`; 0 beyond the last channel.
    pub(super) fn velocity<'a>(
        &self,
        spectrum: &[Complex64],
        first: usize,
        work: &'a mut Work,
    ) -> &'a [[f32; LANES]] {
        let bins = self.points / 2 + 1;
        for lane in 0..LANES {
            let channel = first + lane;
            if channel >= self.channels {
                work.velocity.iter_mut().for_each(|velocity| velocity[lane] = 0.0);
                continue;
            }
            let filter = &self.filters[channel * bins..][..bins];
            for ((product, sound), [re, im]) in work.spectrum.iter_mut().zip(spectrum).zip(filter) {
                *product = sound * Complex64::new(f64::from(*re), f64::from(*im));
            }
            // The spectrum of a real signal is real at both ends.
            work.spectrum[0].im = 0.0;
            work.spectrum[bins - 1].im = 0.0;
            let _ =
                self.inverse.process_with_scratch(&mut work.spectrum, &mut work.samples, &mut work.scratch);
            for (velocity, sample) in work.velocity.iter_mut().zip(&work.samples[self.before..]) {
                velocity[lane] = *sample as f32;
            }
        }
        &work.velocity
    }

    /// The energy fractions of all filters before the sound and after the response length.
    #[cfg(test)]
    fn outside(&self, channel: usize) -> f64 {
        let bins = self.points / 2 + 1;
        let mut spectrum: Vec<Complex64> = self.filters[channel * bins..][..bins]
            .iter()
            .map(|[re, im]| Complex64::new(f64::from(*re), f64::from(*im)))
            .collect();
        spectrum[0].im = 0.0;
        spectrum[bins - 1].im = 0.0;
        let mut response = self.inverse.make_output_vec();
        self.inverse.process(&mut spectrum, &mut response).unwrap();
        let energy = |range: std::ops::Range<usize>| response[range].iter().map(|x| x * x).sum::<f64>();
        let after = self.points - self.before - self.hop;
        energy(self.before..self.points - after) / energy(0..self.points)
    }
}

/// The gain at a frequency, given as a fraction of half the sample rate: near that, filters fall to 0. Filters at the base still rise
/// there, and would ring for a long time if they were cut off abruptly.
fn taper(share: f64) -> f64 {
    const FROM: f64 = 0.9;
    let place = ((share - FROM) / (1.0 - FROM)).clamp(0.0, 1.0);
    (std::f64::consts::FRAC_PI_2 * place).cos().powi(2)
}

/// The filters of all channels at a frequency; zero at 0 Hz.
fn response(hertz: f64, channels: usize) -> Vec<[f32; 2]> {
    let w = std::f64::consts::TAU * hertz;
    if w == 0.0 {
        return vec![[0.0; 2]; channels];
    }
    let xi = |x: f64| {
        let stiffness = C0 * (-ALPHA * x).exp() - A;
        let damping = DELTA * (C0 * MASS).sqrt() * (-ALPHA * x / 2.0).exp();
        Complex64::new(stiffness - MASS * w * w, -w * damping)
    };
    let g = |x: f64| w * (Complex64::new(RHO / HEIGHT, 0.0) / xi(x)).sqrt();
    let pressure = |g: Complex64, phase: Complex64| (phase / g).sqrt() * h0(phase);
    let y = Complex64::new(2.0 * w / ALPHA * (2.0 / (HEIGHT * C0)).sqrt(), 0.0);
    let z = I * (2.0 * C0 / HEIGHT).sqrt() * h0(y).conj() / h1(y).conj();

    let mut phase = 2.0 * g(0.0) / ALPHA;
    let drive = z / pressure(g(0.0), phase);
    let intervals = INTERVALS.div_ceil(channels - 1);
    let dx = LENGTH / ((channels - 1) * intervals) as f64;
    let mut filters = Vec::with_capacity(channels);
    let mut before = g(0.0);
    for channel in 0..channels {
        if channel > 0 {
            for interval in 1..=intervals {
                let next = g(((channel - 1) * intervals + interval) as f64 * dx);
                phase += (before + next) * (dx / 2.0);
                before = next;
            }
        }
        let x = LENGTH * channel as f64 / (channels - 1) as f64;
        let velocity = (2.0 * w / xi(x) * pressure(before, phase) * drive).conj();
        // Where the wave has died away, the formula gives NaN.
        let finite = |value: f64| if value.is_finite() { value as f32 } else { 0.0 };
        filters.push([finite(velocity.re), finite(velocity.im)]);
    }
    filters
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frequency (Hz), place (cm) and velocity from the published formulas, computed with SciPy.
    const TABLE: [(f64, f64, f64, f64); 10] = [
        (200.0, 0.0, 0.063_545_3, 0.093_225_3),
        (200.0, 2.0, -13.912_155, 4.036_635),
        (200.0, 3.0, -129.757_815, -131.968_072),
        (1000.0, 0.5, 1.963_717, 3.853_793),
        (1000.0, 1.0, -7.732_385, 11.510_008),
        (1000.0, 2.0, -6.703_916, -169.948_079),
        (1000.0, 3.0, -3.679_635e-8, -1.149_907e-6),
        (3000.0, 1.0, 26.299_407, -50.737_459),
        (7000.0, 0.0, 13.373_149, 2.286_243),
        (7000.0, 0.5, -29.563_444, -38.555_737),
    ];

    #[test]
    fn velocities_are_those_of_the_published_formulas() {
        for (hertz, place, re, im) in TABLE {
            // Eight channels are half a centimeter apart.
            let [found_re, found_im] = response(hertz, 8)[(2.0 * place) as usize];
            // The opposite sign of time.
            let error = (f64::from(found_re) - re).hypot(f64::from(found_im) + im) / re.hypot(im);
            assert!(error < 1e-4, "{hertz} Hz at {place} cm: {found_re} {found_im}: {error}");
        }
        assert_eq!(response(0.0, 3), [[0.0; 2]; 3]);
    }

    /// Nearly all of each response is in the part of a block that is used, or wraps around within it.
    #[test]
    fn responses_are_shorter_than_the_overlap_of_blocks() {
        for rate in [16_000, 48_000] {
            let membrane = Membrane::new(24, rate).unwrap();
            for channel in 0..24 {
                let outside = membrane.outside(channel);
                assert!(outside < 1e-3, "{rate} Hz, channel {channel}: {outside}");
            }
        }
    }

    /// Splitting a sound into blocks does not change the response.
    #[test]
    fn blocks_join_seamlessly() {
        let membrane = Membrane::new(16, 16_000).unwrap();
        // One impulse before and one after the end of a block's new part, far apart.
        let mut samples = vec![0.0; 2 * membrane.hop];
        samples[membrane.hop - 100] = 1.0;
        let mut shifted = vec![0.0; 2 * membrane.hop];
        shifted[membrane.hop / 2] = 1.0;
        let run = |samples: &[f64]| -> Vec<f32> {
            let mut work = membrane.work();
            let spectra = membrane.spectra(samples);
            spectra
                .iter()
                .flat_map(|spectrum| membrane.velocity(spectrum, 0, &mut work).to_vec())
                .map(|it| it[5])
                .collect()
        };
        let (across, within) = (run(&samples), run(&shifted));
        let largest = within.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
        for k in 0..1000 {
            let [a, b] = [across[membrane.hop - 200 + k], within[membrane.hop / 2 - 100 + k]];
            assert!((a - b).abs() < 1e-2 * largest, "{k}: {a} {b} of {largest}");
        }
    }
}
