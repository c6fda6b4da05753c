//! Optimizers: how gradients move weights.
//!
//! An optimizer is an [`UpdateRule`], which says what happens to one weight matrix, [`Fitted`] to a network, which keeps the
//! rule's buffers and the number of updates. Whoever does not care which rule it is holds a [`Box<dyn Optimizer>`](Optimizer).
//! A new rule is a file and a row in the list below.

mod adam;
mod adamw;
mod fitted;
mod sgd;
mod smorms3;

use crate::{
    Backend, Error, Float, Gradients, Network,
    weights::{Buffer, Matrix},
};
use dfdx::prelude::Cpu;
use serde::{Deserialize, Serialize};
use std::fmt;

pub use adam::{Adam, AdamConfig};
pub use adamw::{AdamW, AdamWConfig};
pub use fitted::{Fitted, MatrixState, OptimizerState};
pub use sgd::{Sgd, SgdConfig};
pub use smorms3::{Smorms3, Smorms3Config};

/// Moves the weights of the network that it was made for.
pub trait Optimizer<E: Float = f32, D: Backend<E> = Cpu>: fmt::Debug {
    /// The rule, as configuration files call it.
    fn rule(&self) -> &'static str;

    /// Step size of the updates to come.
    fn learning_rate(&self) -> f64;

    /// Changes the step size of the updates to come; everything else stays.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is a finite number above 0.
    fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error>;

    /// Moves the weights of `network` against `gradients`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if network, gradients and optimizer are not of one shape; nothing has changed then.
    fn update(&mut self, network: &mut Network<E, D>, gradients: &Gradients<E, D>) -> Result<(), Error>;

    /// The state, copied to the host: an optimizer made of it goes on with the same bits.
    fn state(&self) -> OptimizerState<E>;

    /// Name of every matrix, and Euclidean norm of its last update; decoupled weight decay does not count.
    fn last_update(&self) -> Vec<(String, f64)>;
}

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
        let AdamConfig { learning_rate, beta1, beta2, epsilon, weight_decay } = AdamConfig::default();
        let momentum = SgdConfig::default().momentum;
        OptimizerSettings { learning_rate, beta1, beta2, epsilon, momentum, weight_decay }
    }
}

/// From one list of rules: the enum, the names, and the way to each rule. A row reads `Kind = rule;` with its meaning above it.
macro_rules! optimizers {
    ($($(#[$about:meta])+ $kind:ident = $word:literal, $rule:ty;)+) => {
        /// Which [`UpdateRule`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum OptimizerKind {
            $($(#[$about])+ #[serde(rename = $word)] $kind,)+
        }

        impl OptimizerKind {
            /// Every kind.
            pub const ALL: &[OptimizerKind] = &[$(OptimizerKind::$kind),+];

            /// The name of every kind in configuration files, in the same order.
            pub const WORDS: &[&str] = &[$(<$rule>::NAME),+];

            /// An optimizer that has not made a step, or one that goes on where `state` was taken.
            ///
            /// # Errors
            /// [`Error::Setting`] for impossible settings, [`Error::Parameter`] if the state is another rule's or belongs to a
            /// network of another shape, [`Error::Unsupported`] if the device does not have the rule.
            pub fn fit<E: Float, D: Backend<E>>(
                self,
                settings: &OptimizerSettings,
                network: &Network<E, D>,
                state: Option<&OptimizerState<E>>,
            ) -> Result<Box<dyn Optimizer<E, D>>, Error> {
                Ok(match self {
                    $(OptimizerKind::$kind => {
                        let rule = <$rule>::of(settings);
                        Box::new(match state {
                            Some(state) => Fitted::from_state(rule, network, state)?,
                            None => Fitted::new(rule, network)?,
                        })
                    })+
                })
            }

            /// Names of what the rule remembers of every weight.
            #[must_use]
            pub const fn buffers(self) -> &'static [&'static str] {
                match self { $(OptimizerKind::$kind => <$rule>::BUFFERS),+ }
            }
        }
    };
}

optimizers! {
    /// Adam (Kingma & Ba 2015).
    #[default]
    Adam = "adam", AdamConfig;
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    AdamW = "adamw", AdamWConfig;
    /// SMORMS3 (Funk 2015).
    Smorms3 = "smorms3", Smorms3Config;
    /// Stochastic gradient descent with momentum.
    Sgd = "sgd", SgdConfig;
}

impl OptimizerKind {
    /// Its name in configuration files.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

fn above_0(key: &str, value: f64) -> Result<(), Error> {
    let fits = value.is_finite() && value > 0.0;
    fits.then_some(())
        .ok_or_else(|| Error::setting(format!("optimizer.{key}"), value, "a finite number above 0"))
}

fn at_least_0(key: &str, value: f64) -> Result<(), Error> {
    let fits = value.is_finite() && value >= 0.0;
    fits.then_some(())
        .ok_or_else(|| Error::setting(format!("optimizer.{key}"), value, "a finite number of at least 0"))
}

fn below_1(key: &str, value: f64) -> Result<(), Error> {
    let fits = (0.0..1.0).contains(&value);
    fits.then_some(()).ok_or_else(|| Error::setting(format!("optimizer.{key}"), value, "from 0 to below 1"))
}

#[cfg(test)]
mod tests;
