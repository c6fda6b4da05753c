//! Adam, with moments and step count of our own so that a checkpoint can hold them.

use crate::{Backend, Error, Float, Gradients, Network, weights::Buffer};
use dfdx::prelude::{HasShape, Storage};
use serde::{Deserialize, Serialize};

/// Settings of [`Adam`] (Kingma & Ba 2015).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamConfig {
    /// Step size, above 0. Default 1e-3.
    pub learning_rate: f64,
    /// Decay of the first moment, from 0 to below 1. Default 0.9.
    pub beta1: f64,
    /// Decay of the second moment, from 0 to below 1. Default 0.999.
    pub beta2: f64,
    /// Added to the root of the second moment, above 0. Default 1e-8.
    pub epsilon: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        AdamConfig { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl AdamConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        for (key, value) in [("learning_rate", self.learning_rate), ("epsilon", self.epsilon)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::setting(format!("optimizer.{key}"), value, "a finite number above 0"));
            }
        }
        for (key, value) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&value) {
                return Err(Error::setting(format!("optimizer.{key}"), value, "from 0 to below 1"));
            }
        }
        Ok(())
    }
}

/// First and second moment of one weight matrix.
#[derive(Debug, Clone)]
struct Moments<V> {
    name: String,
    first: V,
    second: V,
}

/// The Adam optimiser. dfdx computes the update; the state is ours.
///
/// ```text
/// m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
/// w = w - learning_rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
/// ```
#[derive(Debug, Clone)]
pub struct Adam<E: Float, D: Backend<E>> {
    config: AdamConfig,
    step: u32,
    moments: Vec<Moments<Buffer<E, D>>>,
}

/// State of [`Adam`] on the host, for a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamState<E> {
    /// Number of updates made.
    pub step: u32,
    /// Name, first and second moment of every weight matrix, `[pre, post]` row by row.
    pub moments: Vec<(String, Vec<E>, Vec<E>)>,
}

impl<E: Float, D: Backend<E>> Adam<E, D> {
    /// An optimiser that has not made a step.
    ///
    /// # Errors
    /// [`Error::Setting`] for impossible settings.
    pub fn new(config: AdamConfig, network: &Network<E, D>) -> Result<Self, Error> {
        let zeros = network.parameters().map(|(name, _, w)| {
            let zeros = vec![E::zero(); w.len()];
            (name, zeros.clone(), zeros)
        });
        let state = AdamState { step: 0, moments: zeros.collect() };
        Self::from_state(config, network, &state)
    }

    /// An optimiser that goes on where `state` was taken.
    ///
    /// # Errors
    /// [`Error::Setting`] for impossible settings, [`Error::Parameter`] if the state belongs to a network of another shape.
    pub fn from_state(
        config: AdamConfig,
        network: &Network<E, D>,
        state: &AdamState<E>,
    ) -> Result<Self, Error> {
        config.validate()?;
        let mut moments = Vec::new();
        for (name, [pre, post], _) in network.parameters() {
            let Some((_, first, second)) = state.moments.iter().find(|(n, ..)| *n == name) else {
                return Err(Error::parameter(name, "the optimiser state has no moments for it"));
            };
            if first.len() != pre * post || second.len() != pre * post {
                let problem =
                    format!("{} and {} moments for {pre} x {post} weights", first.len(), second.len());
                return Err(Error::parameter(name, problem));
            }
            let device = network.device();
            moments.push(Moments { name, first: device.upload(first)?, second: device.upload(second)? });
        }
        Ok(Adam { config, step: state.step, moments })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> AdamConfig {
        self.config
    }

    /// Changes the step size of the updates to come; moments and step count stay.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is a finite number above 0.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error> {
        let config = AdamConfig { learning_rate, ..self.config };
        config.validate()?;
        self.config = config;
        Ok(())
    }

    /// The state, copied to the host.
    #[must_use]
    pub fn state(&self) -> AdamState<E> {
        let host = |m: &Moments<Buffer<E, D>>| {
            (m.name.clone(), D::host(&m.first).into_owned(), D::host(&m.second).into_owned())
        };
        AdamState { step: self.step, moments: self.moments.iter().map(host).collect() }
    }

    /// Moves the weights of `network` against `gradients`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if network, gradients and optimiser are not of one shape; nothing has changed then.
    pub fn update(&mut self, network: &mut Network<E, D>, gradients: &Gradients<E, D>) -> Result<(), Error> {
        let device = network.device().clone();
        let parts = network.weights.named().zip(&self.moments).zip(&gradients.buffers);
        let mut matched = 0;
        for (((name, w), moments), (of, gradient)) in parts {
            let size = w.shape().0 * w.shape().1;
            let fits =
                [&moments.first, gradient].iter().all(|buffer| Storage::<E>::len(&device, buffer) == size);
            if name != moments.name || name != *of || !fits {
                return Err(Error::parameter(name, "its gradient or moments belong to another network"));
            }
            matched += 1;
        }
        if matched != self.moments.len() || matched != network.weights.named().count() {
            return Err(Error::parameter("Wout", "the optimiser belongs to a network of other depth"));
        }
        self.step += 1;
        let step = i32::try_from(self.step).unwrap_or(i32::MAX); // bias corrections are 1 long before
        let config = dfdx::prelude::AdamConfig {
            lr: self.config.learning_rate,
            betas: [self.config.beta1, self.config.beta2],
            eps: self.config.epsilon,
            weight_decay: None,
        };
        for (((_, w), m), (_, g)) in
            network.weights.named_mut().zip(&mut self.moments).zip(&gradients.buffers)
        {
            config.try_update(step, w, &mut m.first, &mut m.second, g).map_err(Error::device)?;
        }
        Ok(())
    }
}
