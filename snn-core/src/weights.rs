//! The weight matrices: `W_l`, `V_l` of every hidden layer and `W_out`, each of shape `[pre, post]`.

use crate::{Error, Float, NetworkConfig, Settings};
use dfdx::prelude::{Cpu, Device, HasShape as _, NoneTape, Storage, Tensor, TensorFromVec as _};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use serde::{Deserialize, Serialize};

/// A matrix with a run-time shape.
pub type Matrix<E, D, T = NoneTape> = Tensor<(usize, usize), E, D, T>;

/// A value per sample, step and unit, `[batch, steps, units]`.
pub type Traces<E, D, T = NoneTape> = Tensor<(usize, usize, usize), E, D, T>;

/// Raw memory of a device.
pub(crate) type Buffer<E, D> = <D as Storage<E>>::Vec;

/// Distribution of the initial weights; `k = 1 / fan-in` of the matrix (for `V` the number of recurrent afferents).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "distribution", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Initialization {
    /// `U(-gain sqrt(k), gain sqrt(k))`; the gain is 1 in the paper.
    Uniform {
        /// Factor on the width, above 0.
        gain: f64,
    },
    /// `N(0, gain^2 k)`.
    Normal {
        /// Factor on the standard deviation, above 0.
        gain: f64,
    },
}

impl Default for Initialization {
    fn default() -> Self {
        Initialization::Uniform { gain: 1.0 }
    }
}

impl Initialization {
    fn draw(self, fan_in: usize, count: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let scale = 1.0 / (fan_in as f64).sqrt();
        match self {
            Initialization::Uniform { gain } => {
                (0..count).map(|_| gain * scale * rng.gen_range(-1.0..1.0)).collect()
            }
            // Box-Muller: half of each pair is enough, and the stream stays independent of the order of calls
            Initialization::Normal { gain } => (0..count)
                .map(|_| {
                    let (u, v): (f64, f64) = (1.0 - rng.r#gen::<f64>(), rng.r#gen());
                    gain * scale * (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
                })
                .collect(),
        }
    }

    fn validate(self) -> Result<(), Error> {
        let (Initialization::Uniform { gain } | Initialization::Normal { gain }) = self;
        positive(Settings::Initialization, "gain", gain)
    }
}

fn positive(of: Settings, field: &str, value: f64) -> Result<(), Error> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(Error::setting(of, field, value, "a finite number above 0"))
    }
}

/// Factors on the initial weights of each kind of matrix, in addition to the gain of the [`Initialization`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gains {
    /// For every `W_l`, the matrices from the layer below to a hidden layer; above 0.
    pub input: f64,
    /// For every `V_l`, the matrices within a recurrent layer; above 0.
    pub recurrent: f64,
    /// For `W_out`; above 0.
    pub readout: f64,
}

impl Default for Gains {
    fn default() -> Self {
        Gains { input: 1.0, recurrent: 1.0, readout: 1.0 }
    }
}

impl Gains {
    pub(crate) fn validate(self) -> Result<(), Error> {
        positive(Settings::Gains, "input", self.input)?;
        positive(Settings::Gains, "recurrent", self.recurrent)?;
        positive(Settings::Gains, "readout", self.readout)
    }
}

/// The initial weights of a network: a distribution, and a factor for each kind of matrix.
///
/// An [`Initialization`] is equivalent to all factors being 1:
///
/// ```
/// use snn_core::{Cpu, Gains, InitialWeights, Initialization, Layer, Network, NetworkConfig};
///
/// let config = NetworkConfig { hidden: vec![Layer::feed_forward(3)], ..NetworkConfig::new(4, 2) };
/// let distribution = Initialization::Uniform { gain: 2.0 };
/// let one: Network = Network::new(config.clone(), distribution, 1)?;
/// let gains = Gains { readout: 0.5, ..Gains::default() };
/// let other: Network = Network::drawn(Cpu::default(), config, InitialWeights { distribution, gains }, 1)?;
/// let weights = |network: &Network| network.parameters().map(|(_, _, values)| values[0]).collect::<Vec<_>>();
/// assert_eq!(weights(&one)[0], weights(&other)[0]);
/// assert_eq!(0.5 * weights(&one)[1], weights(&other)[1]);
/// # Ok::<(), snn_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct InitialWeights {
    /// The distribution of all weights.
    pub distribution: Initialization,
    /// The factors.
    pub gains: Gains,
}

impl From<Initialization> for InitialWeights {
    fn from(distribution: Initialization) -> Self {
        InitialWeights { distribution, gains: Gains::default() }
    }
}

/// The afferent weights of one hidden layer.
#[derive(Debug, Clone)]
pub(crate) struct Afferents<E: Float, D: Device<E>> {
    /// `W_l`, `[units below, units]`.
    pub input: Matrix<E, D>,
    /// `V_l`, `[units, units]`, of a recurrent layer.
    pub recurrent: Option<Matrix<E, D>>,
}

/// All weights of a network.
#[derive(Debug, Clone)]
pub struct Weights<E: Float, D: Device<E>> {
    pub(crate) hidden: Vec<Afferents<E, D>>,
    pub(crate) readout: Matrix<E, D>,
    /// Represents all of them on a tape: see [`reached`](crate::pass::reached).
    pub(crate) marker: Matrix<E, D>,
}

fn marker<E: Float, D: Device<E>>(device: &D) -> Result<Matrix<E, D>, Error> {
    device.try_zeros_like(&(1, 1)).map_err(Error::device)
}

impl<E: Float, D: Device<E>> Weights<E, D> {
    /// Draws every matrix from a separate ChaCha8 stream, so that adding a layer or recurrence does not change the others.
    pub(crate) fn draw(
        config: &NetworkConfig,
        InitialWeights { distribution, gains }: InitialWeights,
        seed: u64,
        device: &D,
    ) -> Result<Self, Error> {
        distribution.validate()?;
        gains.validate()?;
        let matrix = |stream: u64, gain: f64, pre: usize, post: usize| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(stream);
            let drawn = distribution.draw(pre, pre * post, &mut rng);
            // A gain of 1 changes no bit.
            let values: Vec<E> = drawn.into_iter().map(|weight| E::of(gain * weight)).collect();
            device.try_tensor_from_vec(values, (pre, post)).map_err(Error::device)
        };
        let mut hidden = Vec::with_capacity(config.hidden.len());
        for (l, layer) in config.hidden.iter().enumerate() {
            let stream = 2 * (l as u64 + 1);
            let input = matrix(stream, gains.input, config.fan_in(l), layer.units)?;
            let recurrent = layer
                .recurrent
                .then(|| matrix(stream + 1, gains.recurrent, layer.units, layer.units))
                .transpose()?;
            hidden.push(Afferents { input, recurrent });
        }
        let readout = matrix(0, gains.readout, config.fan_in(config.hidden.len()), config.outputs)?;
        Ok(Weights { hidden, readout, marker: marker(device)? })
    }

    pub(crate) fn to_cpu(&self) -> Result<Weights<E, Cpu>, Error>
    where
        Cpu: Device<E>,
    {
        let device = Cpu::default();
        let matrix = |matrix: &Matrix<E, D>| {
            let &(pre, post) = matrix.shape();
            let mut values = vec![E::zero(); pre * post];
            matrix.copy_into(&mut values);
            device.try_tensor_from_vec(values, (pre, post)).map_err(Error::device)
        };
        let layer = |layer: &Afferents<E, D>| -> Result<_, Error> {
            Ok(Afferents {
                input: matrix(&layer.input)?,
                recurrent: layer.recurrent.as_ref().map(matrix).transpose()?,
            })
        };
        Ok(Weights {
            hidden: self.hidden.iter().map(layer).collect::<Result<_, _>>()?,
            readout: matrix(&self.readout)?,
            marker: marker(&device)?,
        })
    }

    /// Every matrix with its name, in the order `W1`, `V1`, `W2`, .. `Wout`.
    pub(crate) fn named(&self) -> impl Iterator<Item = (String, &Matrix<E, D>)> {
        let hidden = self.hidden.iter().enumerate().flat_map(|(l, a)| {
            let recurrent = a.recurrent.iter().map(move |v| (format!("V{}", l + 1), v));
            std::iter::once((format!("W{}", l + 1), &a.input)).chain(recurrent)
        });
        hidden.chain(std::iter::once(("Wout".to_owned(), &self.readout)))
    }

    /// [`Weights::named`] with mutable access.
    pub(crate) fn named_mut(&mut self) -> impl Iterator<Item = (String, &mut Matrix<E, D>)> {
        let hidden = self.hidden.iter_mut().enumerate().flat_map(|(l, a)| {
            let recurrent = a.recurrent.iter_mut().map(move |v| (format!("V{}", l + 1), v));
            std::iter::once((format!("W{}", l + 1), &mut a.input)).chain(recurrent)
        });
        hidden.chain(std::iter::once(("Wout".to_owned(), &mut self.readout)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(initialization: Initialization, fan_in: usize) -> Vec<f64> {
        initialization.draw(fan_in, 40_000, &mut ChaCha8Rng::seed_from_u64(1))
    }

    #[test]
    fn spread_follows_fan_in_and_gain() {
        for (initialization, fan_in, expected) in [
            (Initialization::Uniform { gain: 1.0 }, 25, 0.2 / 3f64.sqrt()),
            (Initialization::Uniform { gain: 2.0 }, 100, 0.2 / 3f64.sqrt()),
            (Initialization::Normal { gain: 7.0 }, 20, 7.0 / 20f64.sqrt()),
        ] {
            let w = draw(initialization, fan_in);
            let mean = w.iter().sum::<f64>() / w.len() as f64;
            let sd = (w.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / w.len() as f64).sqrt();
            assert!(mean.abs() < 0.03 * expected, "{initialization:?}: mean {mean}");
            assert!((sd / expected - 1.0).abs() < 0.02, "{initialization:?}: s.d. {sd}, expected {expected}");
        }
        let widest =
            draw(Initialization::Uniform { gain: 1.0 }, 25).into_iter().fold(0.0, |a: f64, x| a.max(x.abs()));
        assert!(widest <= 0.2 && widest > 0.199);
    }

    #[test]
    fn impossible_gains_are_refused() {
        for gain in [0.0, -1.0, f64::NAN] {
            assert!(Initialization::Normal { gain }.validate().is_err());
            let gains = [
                Gains { input: gain, ..Gains::default() },
                Gains { recurrent: gain, ..Gains::default() },
                Gains { readout: gain, ..Gains::default() },
            ];
            let messages = gains.map(|gains| gains.validate().unwrap_err().to_string());
            for (message, field) in messages.iter().zip(["input", "recurrent", "readout"]) {
                assert!(message.contains(&format!("`{field}` of the initial gains")), "{message}");
            }
        }
    }
}
