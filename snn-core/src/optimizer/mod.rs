//! Optimizers.
//!
//! An optimizer is an [`UpdateRule`], which defines the update of one weight matrix, [`Fitted`] to a network, which stores the
//! rule's buffers and the number of updates. [`Box<dyn Optimizer>`](Optimizer) holds any rule. A new rule is a file and a row in
//! the list of [`kind`].

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
