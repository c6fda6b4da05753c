//! Stochastic gradient descent with momentum; dfdx computes the update.
//!
//! ```text
//! v = momentum v + gradient + weight_decay w
//! w = w - learning_rate v
//! ```
//!
//! Source: Polyak (1964); Sutskever et al. (2013), "On the importance of initialization and momentum in deep learning", with the
//! learning rate outside of the velocity, as in PyTorch.

use super::{
    fitted::Fitted,
    rule::{OptimizerSettings, UpdateRule, above_0, at_least_0, below_1},
};
use crate::{
    Backend, Error, Float,
    update::DeviceRule,
    weights::{Buffer, Matrix},
};
use dfdx::prelude::{Cpu, Momentum, WeightDecay};
use serde::{Deserialize, Serialize};

/// Stochastic gradient descent.
pub type Sgd<E = f32, D = Cpu> = Fitted<SgdConfig, E, D>;

/// Settings of [`Sgd`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// Learning rate, above 0. Default 0.01.
    pub learning_rate: f64,
    /// Decay of the velocity, from 0 to below 1. Default 0.9.
    pub momentum: f64,
    /// Weight decay: this multiple of each weight is added to its gradient; at least 0. Default 0.
    pub weight_decay: f64,
}

impl Default for SgdConfig {
    fn default() -> Self {
        SgdConfig { learning_rate: 0.01, momentum: 0.9, weight_decay: 0.0 }
    }
}

impl UpdateRule for SgdConfig {
    const NAME: &'static str = "sgd";
    const BUFFERS: &'static [&'static str] = &["v"];

    fn of(settings: &OptimizerSettings) -> Self {
        let &OptimizerSettings { learning_rate, momentum, weight_decay, .. } = settings;
        SgdConfig { learning_rate, momentum, weight_decay }
    }

    fn validate(&self) -> Result<(), Error> {
        above_0("learning_rate", self.learning_rate)?;
        below_1("momentum", self.momentum)?;
        at_least_0("weight_decay", self.weight_decay)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn with_learning_rate(self, learning_rate: f64) -> Self {
        SgdConfig { learning_rate, ..self }
    }

    fn apply<E: Float, D: Backend<E>>(
        &self,
        _: u32,
        weights: &mut Matrix<E, D>,
        gradient: &Buffer<E, D>,
        buffers: &mut [Buffer<E, D>],
    ) -> Result<(), Error> {
        let [velocity] = buffers else { return Ok(()) };
        let config = dfdx::prelude::SgdConfig {
            lr: self.learning_rate,
            momentum: Some(Momentum::Classic(self.momentum)),
            weight_decay: (self.weight_decay > 0.0).then_some(WeightDecay::L2(self.weight_decay)),
        };
        config.try_update(weights, velocity, gradient).map_err(Error::device)
    }

    fn on_device(&self, _: u32) -> Option<DeviceRule> {
        let SgdConfig { learning_rate, momentum, weight_decay } = *self;
        Some(DeviceRule::Sgd { learning_rate, momentum, weight_decay })
    }

    fn moved(&self, _: u32) -> impl Fn(&[f64]) -> f64 {
        let learning_rate = self.learning_rate;
        move |state| learning_rate * state.first().copied().unwrap_or_default()
    }
}
