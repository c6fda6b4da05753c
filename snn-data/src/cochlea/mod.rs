//! Conversion of sound to spikes by a model of the inner ear: see [`Cochlea`].

mod hankel;
mod membrane;
mod nerve;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::audio::{Sound, resample};
use crate::random::Purpose;
use crate::{Error, binning};
use membrane::Membrane;
use nerve::{LANES, Nerve};

/// The random numbers of the fibers.
const FIBERS: Purpose = Purpose(*b"snn-data cochlea fibers ");

/// Root mean square of the normalized sound, and length of its ramps in seconds.
const LEVEL: f64 = 0.3;
const RAMP: f64 = 0.03;

/// The configurable parameters of [`Cochlea`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CochleaConfig {
    /// Number of channels; 2 to 65536, default 700.
    pub channels: usize,
    /// Sample rate of the model in Hz; 8000 to 48000, default 16000.
    pub rate: u32,
    /// Seed of the nerve fibers.
    pub seed: u64,
}

impl Default for CochleaConfig {
    fn default() -> Self {
        Self { channels: 700, rate: 16_000, seed: 0 }
    }
}

impl CochleaConfig {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first key whose value is outside the range documented on its field.
    pub fn validate(&self) -> Result<(), Error> {
        if self.channels < 2 || self.channels > binning::MAX_U16 {
            return Err(Error::setting("channels", self.channels, "2 to 65536"));
        }
        if !(8_000..=48_000).contains(&self.rate) {
            return Err(Error::setting("rate", self.rate, "8000 to 48000 Hz"));
        }
        Ok(())
    }
}

/// A model of the inner ear that converts sound to spikes, as for the Heidelberg data sets: Cramer, Stradmann, Schemmel &
/// Zenke (2020), "The Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking Neural Networks", IEEE Transactions on
/// Neural Networks and Learning Systems, doi:10.1109/TNNLS.2020.3044364. Parameters are those of the authors' program
/// (<https://github.com/electronicvisions/lauscher>); this is an independent implementation, not a copy.
///
/// Each stage has `channels` channels, 700 by default, from the base of the cochlea (channel 0, high frequencies) to its apex.
///
/// # Basilar membrane
///
/// A hydrodynamic model in closed form (Sieroka, Dosch & Rupp 2006, J. Acoust. Soc. Am. 120, 297), as a filter for each channel. At x cm
/// from the base, the membrane has stiffness S(x), mass m and damping R(x). For a sound of angular frequency w, the velocity is v(w, x):
///
/// ```text
/// S(x)    = C0 exp(-alpha x) - a                R(x) = delta sqrt(C0 m) exp(-alpha x / 2)
/// xi(w,x) = S - m w^2 - i w R                   g(w,x) = w sqrt(rho / (h xi))           wave number
/// G(w,x)  = 2 g(w,0) / alpha + integral of g from 0 to x                                phase
/// p(w,x)  = sqrt(G / g) H0(G)                                                           pressure
/// v(w,x)  = 2 w / xi * p(w,x) / p(w,0) * z(w)   z = i sqrt(2 C0 / h) conj(H0(y)) / conj(H1(y))
///                                               y = 2 w / alpha sqrt(2 / (h C0))
/// ```
///
/// H0 and H1 are Hankel functions of the first kind; alpha = 3 / cm, C0 = 1e9 g / (s^2 cm^2), a = 3500 in the same unit, delta = 0.15,
/// m = 0.05 g / cm^2, h = 0.1 cm, rho = 1 g / cm^3, and the membrane is 3.5 cm long.
///
/// # Hair cells and nerve fibers
///
/// A hair cell releases transmitter at a rate that depends on the velocity v (Meddis 1986, J. Acoust. Soc. Am. 79, 702; 1988, 83, 1056).
/// q is the free transmitter, c the transmitter in the cleft, u the transmitter being reprocessed:
///
/// ```text
/// k  = g max(v + A, 0) / (max(v + A, 0) + B)
/// q' = y max(1 - q, 0) + x u - k q      c' = k q - (l + r) c      u' = r c - x u
/// ```
///
/// with A = 5, B = 300, g = 2000, y = 5.05, l = 2500, r = 6580, x = 66.3 (rates in 1/s). Each of the 40 fibers of a channel fires in a step
/// with probability h c dt (h = 50,000 / s), then stays silent for 1 ms.
///
/// # Bushy cells
///
/// One leaky integrate-and-fire cell for each channel, with n fibers firing in a step:
///
/// ```text
/// I <- exp(-dt / tau_syn) I + n
/// V <- exp(-dt / tau_mem) V + W dt / 40 I      with a spike at V >= 1, after which V = 0 for 1 ms
/// ```
///
/// with tau_mem = 1 ms, tau_syn = 0.5 ms and W = 13,000 / s. Its spikes are the output.
///
/// # Differences from the authors' program
///
/// The following choices differ, because the paper does not specify them or for speed:
///
/// - The whole model runs at one sample rate, 16 kHz by default, to which recordings are resampled. The original runs the later stages at
///   half the rate of the recording: 8 kHz for the Speech Commands, 24 kHz for the Heidelberg Digits.
/// - Filters have a finite response of 128 ms, fall to 0 over the last tenth below half the sample rate, and are applied block by block;
///   the original filters are as long as the recording and wrap around.
/// - The wave follows the sound; in the original, the sign of time makes it precede the sound by the same time.
/// - The phase integral of the membrane is summed along the channels, where the original uses a formula with a logarithm.
/// - The sound is normalized to a root mean square of 0.3, as in the original, with ramps of 30 ms (half a Hann window) instead of half
///   the recording.
/// - Fibers of a channel are counted, not simulated individually: the number of non-refractory fibers that fire in a step is drawn from
///   the binomial distribution, which is the same process. Random numbers are from ChaCha8, one stream per recording.
/// - Hair cells are at rest when a recording begins.
///
/// # Example
///
/// ```
/// use snn_data::audio::Sound;
/// use snn_data::{Cochlea, CochleaConfig};
///
/// # fn main() -> Result<(), snn_data::Error> {
/// let cochlea = Cochlea::new(CochleaConfig { channels: 32, ..CochleaConfig::default() })?;
/// let tone = (0..4000).map(|n| (0.4 * f64::from(n)).sin()).collect(); // 1019 Hz for a quarter of a second
/// let spikes = cochlea.spikes(&Sound { rate: 16_000, samples: tone }, 0)?;
/// assert!(spikes.iter().all(|&(seconds, channel)| seconds < 0.3 && channel < 32));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Cochlea {
    config: CochleaConfig,
    membrane: Membrane,
}

impl Cochlea {
    /// Computes the filters of the membrane, in parallel.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an invalid configuration, [`Error::OutOfMemory`].
    pub fn new(config: CochleaConfig) -> Result<Self, Error> {
        config.validate()?;
        Ok(Self { config, membrane: Membrane::new(config.channels, config.rate)? })
    }

    /// The spikes of a recording, (seconds, channel), sorted by time, then by channel. `stream` selects the random numbers; use a
    /// different one for each recording of a data set.
    ///
    /// # Errors
    ///
    /// Those of [`resample`]; [`Error::OutOfMemory`].
    pub fn spikes(&self, sound: &Sound, stream: u64) -> Result<Vec<(f32, u16)>, Error> {
        let mut samples = resample(&sound.samples, sound.rate, self.config.rate)?;
        let rate = f64::from(self.config.rate);
        normalize(&mut samples, (RAMP * rate) as usize);
        let spectra = self.membrane.spectra(&samples);
        let mut spikes = Vec::new();
        let mut work = self.membrane.work();
        let mut random = FIBERS.stream(self.config.seed, stream);
        for first in (0..self.config.channels).step_by(LANES) {
            let mut nerve = Nerve::new(rate, &mut random);
            let mut begin = 0;
            for spectrum in &spectra {
                let velocity = self.membrane.velocity(spectrum, first, &mut work);
                let left = (samples.len() - begin).min(velocity.len());
                nerve.run(&velocity[..left], |step, lane| {
                    let channel = first + lane;
                    if channel < self.config.channels {
                        spikes.push(((begin + step) as u32, channel as u16));
                    }
                });
                begin += left;
            }
        }
        spikes.par_sort_unstable();
        Ok(spikes.into_iter().map(|(step, channel)| ((f64::from(step) / rate) as f32, channel)).collect())
    }
}

/// Normalizes the root mean square to the level of the model, and fades the sound in and out. Silence stays silence.
fn normalize(samples: &mut [f64], ramp: usize) {
    let square: f64 = samples.iter().map(|sample| sample * sample).sum();
    if square > 0.0 {
        let factor = LEVEL / (square / samples.len() as f64).sqrt();
        samples.iter_mut().for_each(|sample| *sample *= factor);
    }
    let ramp = ramp.min(samples.len() / 2);
    let length = samples.len();
    for k in 0..ramp {
        let window = (std::f64::consts::FRAC_PI_2 * k as f64 / ramp as f64).sin().powi(2);
        samples[k] *= window;
        samples[length - 1 - k] *= window;
    }
}
