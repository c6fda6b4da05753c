//! What one optimizer differs from another by.

use crate::{
    Backend, Error, Float, Settings,
    weights::{Buffer, Matrix},
};
use std::fmt;

/// What one step does to one weight matrix.
pub trait UpdateRule: Clone + fmt::Debug + Send + Sync + 'static {
    /// Name in configuration files.
    const NAME: &'static str;
    /// What it remembers of every weight, each a buffer of the matrix's size that starts at 0. Names in checkpoints.
    const BUFFERS: &'static [&'static str];
    /// Whether it computes on the host, in memory that the device must share.
    const ON_HOST: bool = false;

    /// The rule with these settings; those that it does not have are without effect.
    fn of(settings: &OptimizerSettings) -> Self;

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first setting that is out of range.
    fn validate(&self) -> Result<(), Error>;

    /// Step size.
    fn learning_rate(&self) -> f64;

    /// The same rule with another step size.
    #[must_use]
    fn with_learning_rate(self, learning_rate: f64) -> Self;

    /// Update number `step`, counted from 1, of `weights` and of the rule's `buffers` of them.
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

    /// By how much update number `step` has moved a weight whose buffers hold these values since.
    fn moved(&self, step: u32) -> impl Fn(&[f64]) -> f64;
}

/// What the rules can be told. [`Default`] is what the authors of Adam recommend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptimizerSettings {
    /// Step size, above 0.
    pub learning_rate: f64,
    /// Decay of the mean of the gradient, from 0 to below 1: Adam and AdamW.
    pub beta1: f64,
    /// Decay of the mean of the squared gradient, from 0 to below 1: Adam and AdamW.
    pub beta2: f64,
    /// Added to what gradients are divided by, above 0: Adam, AdamW and SMORMS3.
    pub epsilon: f64,
    /// Decay of the velocity, from 0 to below 1: SGD.
    pub momentum: f64,
    /// Pulls weights to 0, at least 0. AdamW multiplies them by `1 - learning_rate weight_decay`; the others add `weight_decay w`
    /// to the gradient.
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
