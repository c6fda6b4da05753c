//! Classification of points on smooth random manifolds (Zenke & Vogels 2021, section 4.1).

mod config;
mod manifold;
mod sine;

use rand::Rng;
use rand::distributions::Standard;
use rayon::prelude::*;

pub use config::RandmanConfig;
pub use manifold::Manifold;
use manifold::{CHUNK, Powers};

use crate::cancel::{self, Cancel};
use crate::delegate::delegate;
use crate::fingerprint::Hasher;
use crate::random::Purpose;
use crate::room::{check, reserve};
use crate::{Dataset, Error, EventDataset, Fingerprint, Splits};

/// Theta of the manifolds, one stream per class.
const THETA: Purpose = Purpose(*b"snn-data randman theta  ");

/// Points on the manifolds, one stream per class.
const LATENT: Purpose = Purpose(*b"snn-data randman latent ");

/// Random manifolds: every class is a smooth random [`Manifold`], every sample a random point on it, and every
/// coordinate of the point the spike time of one input unit.
///
/// For class c and latent coordinates x ~ U(0, 1)^D, input i spikes once, at
///
/// ```text
/// t_i = tau_randman (f_i(x) - min f_i) / (max f_i - min f_i),     min and max over the samples of the class
/// ```
///
/// in step floor(t_i / dt), at most the last. A single spike time carries little information about the class (each is
/// spread over the whole interval); the information is in how spike times covary.
///
/// Samples are ordered by class, and within a class by part: training, validation, test. The data depend only on the
/// configuration, not on the number of threads.
///
/// ```
/// use snn_data::{Dataset, Randman, RandmanConfig};
///
/// # fn main() -> Result<(), snn_data::Error> {
/// let data = Randman::new(RandmanConfig { classes: 2, dim: 2, alpha: 2.0, ..RandmanConfig::default() })?;
/// assert_eq!((data.len(), data.splits().train.len()), (2000, 1600));
/// assert!(data.spike_times(0).iter().all(|time| (0.0..=50.0).contains(time)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Randman {
    config: RandmanConfig,
    /// `[samples, dim]`
    latent: Vec<f64>,
    /// `[samples, inputs]`, ms
    times: Vec<f64>,
    events: EventDataset,
}

impl Randman {
    /// Draws manifolds and points, on all threads of the current rayon pool.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an invalid configuration, [`Error::OutOfMemory`] for one that is too large;
    /// [`Error::Cancelled`].
    pub fn new(config: RandmanConfig) -> Result<Self, Error> {
        config.validate()?;
        let RandmanConfig { classes, dim, alpha, inputs, samples_per_class, tau_randman, seed, .. } = config;
        let (samples, terms) = (classes * samples_per_class, config.terms());

        // Before drawing: otherwise, data that do not fit would be noticed after minutes, or never.
        check("random manifolds", samples, config.memory())?;
        let mut events = EventDataset::new("randman", inputs, classes, config.binning())?;
        events.reserve(samples, samples * inputs)?;
        let mut latent = zeros(samples * dim, "latent coordinates")?;
        let mut times = zeros(samples * inputs, "spike times")?;

        let (cancel, powers) = (Cancel::current(), Powers::of(alpha, terms)?);
        latent
            .par_chunks_mut(samples_per_class * dim)
            .zip(times.par_chunks_mut(samples_per_class * inputs))
            .enumerate()
            .try_for_each(|(class, (latent, times))| {
                // This may run on any thread of the pool.
                cancel.run(|| {
                    let mut uniform = LATENT.stream(seed, class as u64).sample_iter::<f64, _>(Standard);
                    for part in latent.chunks_mut(CHUNK) {
                        cancel.check()?;
                        part.iter_mut().zip(&mut uniform).for_each(|(x, drawn)| *x = drawn);
                    }
                    let mut theta = THETA.stream(seed, class as u64);
                    let manifold = Manifold::draw(dim, inputs, &powers, &mut theta)?;
                    times.copy_from_slice(&manifold.spike_times(latent, tau_randman)?);
                    Ok::<_, Error>(())
                })
            })?;

        for (sample, times) in times.chunks_exact(inputs).enumerate() {
            events.push((sample / samples_per_class) as u16, times.iter().copied().zip(0..))?;
        }
        events.set_splits(split_classes(classes, config.split_sizes()?))?;
        Ok(Self { config, latent, times, events })
    }

    /// The parameters it was created from.
    pub fn config(&self) -> &RandmanConfig {
        &self.config
    }

    /// Spike times of a sample in ms, `[inputs]`, before binning.
    ///
    /// # Panics
    ///
    /// When `index >= len()`.
    pub fn spike_times(&self, index: usize) -> &[f64] {
        &self.times[index * self.config.inputs..][..self.config.inputs]
    }

    /// Coordinates of a sample on its manifold, in [0, 1), `[dim]`.
    ///
    /// # Panics
    ///
    /// When `index >= len()`.
    pub fn latent(&self, index: usize) -> &[f64] {
        &self.latent[index * self.config.dim..][..self.config.dim]
    }
}

fn zeros(entries: usize, what: &'static str) -> Result<Vec<f64>, Error> {
    let mut list = Vec::new();
    reserve(&mut list, entries, what)?;
    // The system allocates pages when they are first written, which takes time.
    while list.len() < entries {
        cancel::check()?;
        list.resize(entries.min(list.len() + CHUNK), 0.0);
    }
    Ok(list)
}

/// Splits the samples of every class equally. They are i.i.d., so the order in which they were drawn is fine.
fn split_classes(classes: usize, [train, valid, test]: [usize; 3]) -> Splits {
    let per_class = train + valid + test;
    let part = |first: usize, count: usize| {
        let begin = move |class| class * per_class + first;
        (0..classes).flat_map(|class| begin(class)..begin(class) + count).map(|index| index as u32).collect()
    };
    Splits { train: part(0, train), valid: part(train, valid), test: part(train + valid, test) }
}

impl Dataset for Randman {
    delegate!(events: shape label intake);

    fn fingerprint(&self, index: usize) -> Option<Fingerprint> {
        let mut hash = Hasher::default();
        self.spike_times(index).iter().for_each(|time| hash.add(&time.to_le_bytes()));
        Some(hash.finish())
    }
}
