//! Loss functions: what training makes small, beside the regularizer.

use crate::{Backend, Error, Float, NetworkConfig, Output, weights::Matrix};
use dfdx::prelude::{OwnedTape, Rank0, Tensor};

/// A number on the device that carries the tape.
pub type TapedScalar<E, D> = Tensor<Rank0, E, D, OwnedTape<E, D>>;

/// What a loss is computed from; both carry the tape.
#[derive(Debug)]
pub struct Taped<E: Float, D: Backend<E>> {
    /// `[batch, outputs]`.
    pub logits: Matrix<E, D, OwnedTape<E, D>>,
    /// Spikes of every unit in every sample, one `[batch, units]` for each hidden layer.
    pub counts: Vec<Matrix<E, D, OwnedTape<E, D>>>,
}

/// A loss, and the scores of the classes that go with it.
#[derive(Debug)]
pub struct Judged<E: Float, D: Backend<E>> {
    /// Averaged over the batch.
    pub loss: TapedScalar<E, D>,
    /// `[batch, outputs]`: the class of the largest is the network's answer.
    pub scores: Matrix<E, D>,
}

/// Judges what a network answers. [`Network::loss_with`](crate::Network::loss_with) takes any.
pub trait LossFunction {
    /// Checks that networks of this kind can be trained by it.
    ///
    /// # Errors
    /// [`Error::Setting`] names the setting that is out of range.
    fn validate(&self, network: &NetworkConfig) -> Result<(), Error>;

    /// The loss on the tape, for labels below the number of classes, one a sample.
    ///
    /// # Errors
    /// [`Error::Device`] if memory runs out.
    fn judge<E: Float, D: Backend<E>>(
        &self,
        answer: Taped<E, D>,
        labels: &[u16],
    ) -> Result<Judged<E, D>, Error>;

    /// The same of an output on the host, averaged over the batch, computed in `f64`.
    fn value<E: Float>(&self, output: &Output<E>, labels: &[u16]) -> f64;

    /// The output with the scores of the classes, `[batch, outputs]`, in place of the logits.
    fn scored<E: Float>(&self, output: Output<E>) -> Output<E>;

    /// The label smoothing, if this loss is softmax cross-entropy. Its gradient needs one sample at a time, which lets
    /// [`Network::training_step`](crate::Network::training_step) take a block of samples forward and backward at once.
    fn label_smoothing(&self) -> Option<f64> {
        None
    }
}

/// What the losses can be told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossSettings {
    /// Share of the target that goes to all classes alike, from 0 to below 1: cross-entropy.
    pub label_smoothing: f64,
    /// Spikes of a unit of the right class within a sample, at least 0: spike count.
    pub target_count: f64,
    /// Spikes of a unit of any other class within a sample, at least 0: spike count.
    pub other_count: f64,
}

impl Default for LossSettings {
    fn default() -> Self {
        LossSettings { label_smoothing: 0.0, target_count: 10.0, other_count: 1.0 }
    }
}
