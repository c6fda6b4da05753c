//! Neuron models of the reference implementation: state, step, and what the surrogate sees.
//!
//! A new model is a file here, a variant of [`NeuronKind`](crate::NeuronKind), and a row where `forward_with` chooses among them;
//! the fused implementation refuses it by name until it has it.

mod adaptive_lif;
mod lif;
mod model;

pub(super) use adaptive_lif::AdaptiveLif;
pub(super) use lif::Lif;
pub(super) use model::{Drive, Neuron, again};
