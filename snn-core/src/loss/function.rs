//! Loss functions, minimized in addition to the regularizer.

use crate::{Backend, Error, Float, NetworkConfig, Output, weights::Matrix};
use dfdx::prelude::{OwnedTape, Rank0, Tensor};

/// A scalar on the device that carries the tape.
pub type TapedScalar<E, D> = Tensor<Rank0, E, D, OwnedTape<E, D>>;

/// The input of a loss; both tensors carry the tape.
#[derive(Debug)]
pub struct Taped<E: Float, D: Backend<E>> {
    /// `[batch, outputs]`.
    pub logits: Matrix<E, D, OwnedTape<E, D>>,
    /// Spike counts of every unit and sample, one `[batch, units]` per hidden layer.
    pub counts: Vec<Matrix<E, D, OwnedTape<E, D>>>,
}

/// A loss, with the scores of the classes.
#[derive(Debug)]
pub struct Judged<E: Float, D: Backend<E>> {
    /// Averaged over the batch.
    pub loss: TapedScalar<E, D>,
    /// `[batch, outputs]`: the class with the largest score is the prediction.
    pub scores: Matrix<E, D>,
}

/// A loss function for [`Network::loss_with`](crate::Network::loss_with).
pub trait LossFunction {
    /// Checks that networks of this kind can be trained with it.
    ///
    /// # Errors
    /// [`Error::Setting`] with the setting that is out of range.
    fn validate(&self, network: &NetworkConfig) -> Result<(), Error>;

    /// The loss on the tape, for labels below the number of classes, one per sample.
    ///
    /// # Errors
    /// [`Error::Device`] if memory runs out.
    fn judge<E: Float, D: Backend<E>>(
        &self,
        answer: Taped<E, D>,
        labels: &[u16],
    ) -> Result<Judged<E, D>, Error>;

    /// The same for an output on the host, averaged over the batch, computed in `f64`.
    fn value<E: Float>(&self, output: &Output<E>, labels: &[u16]) -> f64;

    /// The output with the scores of the classes, `[batch, outputs]`, instead of the logits.
    fn scored<E: Float>(&self, output: Output<E>) -> Output<E>;

    /// The label smoothing, if this loss is softmax cross-entropy. Its gradient depends on one sample at a time, which lets
    /// [`Network::training_step`](crate::Network::training_step) run forward and backward pass per block of samples.
    fn label_smoothing(&self) -> Option<f64> {
        None
    }
}

/// Settings of the losses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossSettings {
    /// Fraction of the target distributed equally among all classes, from 0 to below 1; for cross-entropy.
    pub label_smoothing: f64,
    /// Target number of spikes per sample for a unit of the correct class, at least 0; for spike count.
    pub target_count: f64,
    /// Target number of spikes per sample for a unit of any other class, at least 0; for spike count.
    pub other_count: f64,
}

impl Default for LossSettings {
    fn default() -> Self {
        LossSettings { label_smoothing: 0.0, target_count: 10.0, other_count: 1.0 }
    }
}
