//! Neuron models of the reference implementation: state, step, and the argument of the surrogate.
//!
//! A new model is a file here, a variant of [`NeuronKind`](crate::NeuronKind), and a row in `forward_with`; the fused
//! implementation refuses models that it does not support.

mod adaptive_lif;
mod lif;
mod model;

pub(super) use adaptive_lif::AdaptiveLif;
pub(super) use lif::Lif;
pub(super) use model::{Drive, Neuron, again};
