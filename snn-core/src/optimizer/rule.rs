//! The interface of update rules.

use crate::{
    Backend, Error, Float, Settings,
    update::DeviceRule,
    weights::{Buffer, Matrix},
};
use std::fmt;

/// The update of one weight matrix.
pub trait UpdateRule: Clone + fmt::Debug + Send + Sync + 'static {
    /// Name in configuration files.
    const NAME: &'static str;
    /// Names of its buffers in checkpoints; each has the size of the matrix and starts at 0.
    const BUFFERS: &'static [&'static str];
    /// Whether it computes on the host, and requires host memory.
    const ON_HOST: bool = false;

    /// The rule with these settings, ignoring those that it does not have.
    fn of(settings: &OptimizerSettings) -> Self;

    /// Validates every setting.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first setting that is out of range.
    fn validate(&self) -> Result<(), Error>;

    /// Learning rate.
    fn learning_rate(&self) -> f64;

    /// The same rule with a different learning rate.
    #[must_use]
    fn with_learning_rate(self, learning_rate: f64) -> Self;

    /// Update number `step`, counted from 1, of `weights` and their `buffers`.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    fn apply<E: Float, D: Backend<E>>(
        &self,
        step: u32,
        weights: &mut Matrix<E, D>,
        gradient: &Buffer<E, D>,
        buffers: &mut [Buffer<E, D>],
    ) -> Result<(), Error>;

    /// Update number `step` as data, for devices that update all matrices in one operation; `None` if only
    /// [`apply`](UpdateRule::apply) computes it. Both must give the same bits.
    #[doc(hidden)]
    fn on_device(&self, step: u32) -> Option<DeviceRule> {
        let _ = step;
        None
    }

    /// The change of a weight in update number `step`, given the values of its buffers afterwards.
    fn moved(&self, step: u32) -> impl Fn(&[f64]) -> f64;
}

/// Settings of the rules. The [`Default`] values are those recommended by the authors of Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptimizerSettings {
    /// Learning rate, above 0.
    pub learning_rate: f64,
    /// Decay of the mean of the gradient, from 0 to below 1; for Adam and AdamW.
    pub beta1: f64,
    /// Decay of the mean of the squared gradient, from 0 to below 1; for Adam and AdamW.
    pub beta2: f64,
    /// Added to the denominator, above 0; for Adam, AdamW and SMORMS3.
    pub epsilon: f64,
    /// Decay of the velocity, from 0 to below 1; for SGD.
    pub momentum: f64,
    /// Weight decay, at least 0. AdamW multiplies weights by `1 - learning_rate weight_decay`; the others add `weight_decay w` to the
    /// gradient.
    pub weight_decay: f64,
}

impl Default for OptimizerSettings {
    fn default() -> Self {
        OptimizerSettings {
            learning_rate: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            momentum: 0.9,
            weight_decay: 0.0,
        }
    }
}

pub(super) fn above_0(key: &str, value: f64) -> Result<(), Error> {
    let fits = value.is_finite() && value > 0.0;
    fits.then_some(())
        .ok_or_else(|| Error::setting(Settings::Optimizer, key, value, "a finite number above 0"))
}

pub(super) fn at_least_0(key: &str, value: f64) -> Result<(), Error> {
    let fits = value.is_finite() && value >= 0.0;
    fits.then_some(())
        .ok_or_else(|| Error::setting(Settings::Optimizer, key, value, "a finite number of at least 0"))
}

pub(super) fn below_1(key: &str, value: f64) -> Result<(), Error> {
    let fits = (0.0..1.0).contains(&value);
    fits.then_some(()).ok_or_else(|| Error::setting(Settings::Optimizer, key, value, "from 0 to below 1"))
}
