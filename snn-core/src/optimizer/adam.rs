//! Adam, with our own moments and step count, which checkpoints store; dfdx computes the update.
//!
//! ```text
//! g = gradient + weight_decay w
//! m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//! w = w - learning_rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
//! ```
//!
//! Source: Kingma & Ba (2015), "Adam: a method for stochastic optimization".

use super::{
    fitted::Fitted,
    rule::{OptimizerSettings, UpdateRule, above_0, at_least_0, below_1},
};
use crate::{
    Backend, Error, Float,
    update::DeviceRule,
    weights::{Buffer, Matrix},
};
use dfdx::prelude::{Cpu, WeightDecay};
use serde::{Deserialize, Serialize};

/// The Adam optimizer.
pub type Adam<E = f32, D = Cpu> = Fitted<AdamConfig, E, D>;

/// Settings of [`Adam`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamConfig {
    /// Learning rate, above 0. Default 1e-3.
    pub learning_rate: f64,
    /// Decay of the first moment, from 0 to below 1. Default 0.9.
    pub beta1: f64,
    /// Decay of the second moment, from 0 to below 1. Default 0.999.
    pub beta2: f64,
    /// Added to the root of the second moment, above 0. Default 1e-8.
    pub epsilon: f64,
    /// Weight decay: this multiple of each weight is added to its gradient; at least 0. Default 0.
    pub weight_decay: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        AdamConfig { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl AdamConfig {
    /// One step as data. With `weight_decay`, a multiple of the weight is added to its gradient, with `decoupled` subtracted from it.
    pub(super) fn as_data(&self, step: u32, weight_decay: f64, decoupled: f64) -> DeviceRule {
        DeviceRule::Adam {
            learning_rate: self.learning_rate,
            betas: [self.beta1, self.beta2],
            epsilon: self.epsilon,
            weight_decay,
            decoupled,
            step: count(step),
        }
    }

    /// One step with weight decay according to `decay`.
    pub(super) fn step<E: Float, D: Backend<E>>(
        &self,
        decay: Option<WeightDecay>,
        step: u32,
        weights: &mut Matrix<E, D>,
        gradient: &Buffer<E, D>,
        buffers: &mut [Buffer<E, D>],
    ) -> Result<(), Error> {
        let [first, second] = buffers else { return Ok(()) };
        let config = dfdx::prelude::AdamConfig {
            lr: self.learning_rate,
            betas: [self.beta1, self.beta2],
            eps: self.epsilon,
            weight_decay: decay,
        };
        config.try_update(count(step), weights, first, second, gradient).map_err(Error::device)
    }
}

/// The number of a step, as dfdx counts. Bias corrections are 1 long before the largest one.
fn count(step: u32) -> i32 {
    i32::try_from(step).unwrap_or(i32::MAX)
}

impl UpdateRule for AdamConfig {
    const NAME: &'static str = "adam";
    const BUFFERS: &'static [&'static str] = &["m", "v"];

    fn of(settings: &OptimizerSettings) -> Self {
        let &OptimizerSettings { learning_rate, beta1, beta2, epsilon, weight_decay, .. } = settings;
        AdamConfig { learning_rate, beta1, beta2, epsilon, weight_decay }
    }

    fn validate(&self) -> Result<(), Error> {
        above_0("learning_rate", self.learning_rate)?;
        above_0("epsilon", self.epsilon)?;
        below_1("beta1", self.beta1)?;
        below_1("beta2", self.beta2)?;
        at_least_0("weight_decay", self.weight_decay)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn with_learning_rate(self, learning_rate: f64) -> Self {
        AdamConfig { learning_rate, ..self }
    }

    fn apply<E: Float, D: Backend<E>>(
        &self,
        step: u32,
        weights: &mut Matrix<E, D>,
        gradient: &Buffer<E, D>,
        buffers: &mut [Buffer<E, D>],
    ) -> Result<(), Error> {
        let decay = (self.weight_decay > 0.0).then_some(WeightDecay::L2(self.weight_decay));
        self.step(decay, step, weights, gradient, buffers)
    }

    fn on_device(&self, step: u32) -> Option<DeviceRule> {
        Some(self.as_data(step, self.weight_decay, 0.0))
    }

    fn moved(&self, step: u32) -> impl Fn(&[f64]) -> f64 {
        let AdamConfig { learning_rate, beta1, beta2, epsilon, .. } = *self;
        let correction = |beta: f64| 1.0 - beta.powf(f64::from(step));
        let (first, second) = (correction(beta1), correction(beta2));
        move |state| match *state {
            [m, v] => learning_rate * (m / first) / ((v / second).sqrt() + epsilon),
            _ => 0.0,
        }
    }
}
