//! AdamW: Adam with decoupled weight decay.
//!
//! ```text
//! w = w - learning_rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon) - learning_rate weight_decay w
//! ```
//!
//! with the moments `m` and `v` of Adam, computed without weight decay.
//!
//! Source: Loshchilov & Hutter (2019), "Decoupled weight decay regularization".

use super::{
    adam::AdamConfig,
    fitted::Fitted,
    rule::{OptimizerSettings, UpdateRule},
};
use crate::{
    Backend, Error, Float,
    update::DeviceRule,
    weights::{Buffer, Matrix},
};
use dfdx::prelude::{Cpu, WeightDecay};
use serde::{Deserialize, Serialize};

/// The AdamW optimizer.
pub type AdamW<E = f32, D = Cpu> = Fitted<AdamWConfig, E, D>;

/// Settings of [`AdamW`]: those of Adam, with a different meaning of weight decay. Default: Adam's, and a weight decay of 0.01.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdamWConfig(pub AdamConfig);

impl Default for AdamWConfig {
    fn default() -> Self {
        AdamWConfig(AdamConfig { weight_decay: 0.01, ..AdamConfig::default() })
    }
}

impl UpdateRule for AdamWConfig {
    const NAME: &'static str = "adamw";
    const BUFFERS: &'static [&'static str] = AdamConfig::BUFFERS;

    fn of(settings: &OptimizerSettings) -> Self {
        AdamWConfig(AdamConfig::of(settings))
    }

    fn validate(&self) -> Result<(), Error> {
        self.0.validate()
    }

    fn learning_rate(&self) -> f64 {
        self.0.learning_rate
    }

    fn with_learning_rate(self, learning_rate: f64) -> Self {
        AdamWConfig(self.0.with_learning_rate(learning_rate))
    }

    fn apply<E: Float, D: Backend<E>>(
        &self,
        step: u32,
        weights: &mut Matrix<E, D>,
        gradient: &Buffer<E, D>,
        buffers: &mut [Buffer<E, D>],
    ) -> Result<(), Error> {
        let decay = Some(WeightDecay::Decoupled(self.0.weight_decay));
        self.0.step(decay, step, weights, gradient, buffers)
    }

    fn on_device(&self, step: u32) -> Option<DeviceRule> {
        Some(self.0.as_data(step, 0.0, self.0.weight_decay * self.0.learning_rate))
    }

    fn moved(&self, step: u32) -> impl Fn(&[f64]) -> f64 {
        self.0.moved(step)
    }
}
