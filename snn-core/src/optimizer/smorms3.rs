//! SMORMS3, "squared mean over root mean squared cubed": a learning rate per weight, based on the consistency of its gradients.
//!
//! ```text
//! r = 1 / (memory + 2),   a = (1 - r) a + r g,   b = (1 - r) b + r g^2,   x = a^2 / (b + epsilon)
//! w = w - g min(learning_rate, x) / (sqrt(b) + epsilon)
//! memory = (memory + 1) (1 - x)
//! ```
//!
//! with `g = gradient + weight_decay w`. All start at 0; `memory` is the author's `mem` minus 1.
//!
//! Source: Funk (2015), "RMSprop loses to SMORMS3: beware the epsilon!"; the default optimizer of stork.

use super::{
    fitted::Fitted,
    rule::{OptimizerSettings, UpdateRule, above_0, at_least_0},
};
use crate::{
    Backend, Error, Float,
    weights::{Buffer, Matrix},
};
use dfdx::prelude::{Cpu, HasShape};
use serde::{Deserialize, Serialize};

/// The SMORMS3 optimizer, only for the CPU.
pub type Smorms3<E = f32, D = Cpu> = Fitted<Smorms3Config, E, D>;

/// Settings of [`Smorms3`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Smorms3Config {
    /// Maximum learning rate, above 0. Default 1e-3.
    pub learning_rate: f64,
    /// Added to the denominator, above 0. Default 1e-16.
    pub epsilon: f64,
    /// Weight decay: this multiple of each weight is added to its gradient; at least 0. Default 0.
    pub weight_decay: f64,
}

impl Default for Smorms3Config {
    fn default() -> Self {
        Smorms3Config { learning_rate: 1e-3, epsilon: 1e-16, weight_decay: 0.0 }
    }
}

impl UpdateRule for Smorms3Config {
    const NAME: &'static str = "smorms3";
    const BUFFERS: &'static [&'static str] = &["memory", "mean", "square", "update"];
    const ON_HOST: bool = true;

    fn of(settings: &OptimizerSettings) -> Self {
        let &OptimizerSettings { learning_rate, epsilon, weight_decay, .. } = settings;
        Smorms3Config { learning_rate, epsilon, weight_decay }
    }

    fn validate(&self) -> Result<(), Error> {
        above_0("learning_rate", self.learning_rate)?;
        above_0("epsilon", self.epsilon)?;
        at_least_0("weight_decay", self.weight_decay)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn with_learning_rate(self, learning_rate: f64) -> Self {
        Smorms3Config { learning_rate, ..self }
    }

    fn apply<E: Float, D: Backend<E>>(
        &self,
        _: u32,
        weights: &mut Matrix<E, D>,
        gradient: &Buffer<E, D>,
        buffers: &mut [Buffer<E, D>],
    ) -> Result<(), Error> {
        let [memory, mean, square, update] = buffers else { return Ok(()) };
        let on_host = (D::host_mut(memory), D::host_mut(mean), D::host_mut(square), D::host_mut(update));
        let (Some(memory), Some(mean), Some(square), Some(update)) = on_host else { return Ok(()) };
        let (rate, epsilon, decay) =
            (E::of(self.learning_rate), E::of(self.epsilon), E::of(self.weight_decay));
        let one = E::one();
        let &(rows, columns) = weights.shape();
        let mut values = vec![E::zero(); rows * columns];
        weights.copy_into(&mut values);
        for (k, (w, &g)) in values.iter_mut().zip(&*D::host(gradient)).enumerate() {
            let g = g + decay * *w;
            let r = one / (memory[k] + one + one);
            mean[k] = (one - r) * mean[k] + r * g;
            square[k] = (one - r) * square[k] + r * g * g;
            let x = mean[k] * mean[k] / (square[k] + epsilon);
            update[k] = g * rate.min(x) / (square[k].sqrt() + epsilon);
            memory[k] = (memory[k] + one) * (one - x);
            *w -= update[k];
        }
        weights.copy_from(&values);
        Ok(())
    }

    fn moved(&self, _: u32) -> impl Fn(&[f64]) -> f64 {
        |state| state.last().copied().unwrap_or_default()
    }
}
