//! An update of all weights as data, for devices that compute it in one operation.

use crate::{Float, weights::Buffer};
use dfdx::prelude::Device;
use std::fmt;

/// The update of a weight, with all settings of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
#[doc(hidden)]
pub enum DeviceRule {
    /// `v = momentum v + g`, `w = w - learning_rate v`, with `g = gradient + weight_decay w`.
    Sgd { learning_rate: f64, momentum: f64, weight_decay: f64 },
    /// Adam's update number `step`, counted from 1; `decoupled` times the weight is subtracted too.
    Adam { learning_rate: f64, betas: [f64; 2], epsilon: f64, weight_decay: f64, decoupled: f64, step: i32 },
}

/// An update of all weights.
#[doc(hidden)]
pub struct Update<'a, E: Float, D: Device<E>> {
    pub(crate) rule: DeviceRule,
    /// Maximum norm of all gradients together.
    pub(crate) limit: Option<f64>,
    /// In the order `W1`, `V1`, `W2`, .. `Wout`.
    pub(crate) matrices: Vec<MatrixUpdate<'a, E, D>>,
}

/// The part of an [`Update`] that concerns one matrix.
#[doc(hidden)]
#[cfg_attr(
    not(any(feature = "cuda", feature = "cuda-emulation")),
    allow(dead_code, reason = "the CPU does not queue steps")
)]
pub(crate) struct MatrixUpdate<'a, E: Float, D: Device<E>> {
    pub(crate) is_frozen: bool,
    /// The buffers of the rule.
    pub(crate) state: &'a mut [Buffer<E, D>],
}

impl<E: Float, D: Device<E>> fmt::Debug for Update<'_, E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frozen: Vec<bool> = self.matrices.iter().map(|matrix| matrix.is_frozen).collect();
        f.debug_struct("Update")
            .field("rule", &self.rule)
            .field("limit", &self.limit)
            .field("frozen", &frozen)
            .finish()
    }
}
