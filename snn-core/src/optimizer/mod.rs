//! Optimizers: how gradients move weights.
//!
//! An optimizer is an [`UpdateRule`], which says what happens to one weight matrix, [`Fitted`] to a network, which keeps the
//! rule's buffers and the number of updates. Whoever does not care which rule it is holds a [`Box<dyn Optimizer>`](Optimizer).
//! A new rule is a file and a row in the list of [`kind`].

mod adam;
mod adamw;
mod fitted;
mod kind;
mod rule;
mod sgd;
mod smorms3;

pub use adam::{Adam, AdamConfig};
pub use adamw::{AdamW, AdamWConfig};
pub use fitted::{Fitted, MatrixState, Optimizer, OptimizerState};
pub use kind::OptimizerKind;
pub use rule::{OptimizerSettings, UpdateRule};
pub use sgd::{Sgd, SgdConfig};
pub use smorms3::{Smorms3, Smorms3Config};
