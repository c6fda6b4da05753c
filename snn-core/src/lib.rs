//! placeholder docs

mod activity;
mod adam;
mod backend;
mod config;
mod error;
mod float;
mod fused;
mod input;
mod network;
mod reference;
mod regularizer;
mod surrogate;
mod weights;

pub use activity::{ActivityMonitor, ActivityWarning, LayerActivity};
pub use adam::{Adam, AdamConfig, AdamState};
pub use backend::{Backend, Pass, Recording};
pub use config::{Implementation, Layer, NetworkConfig, Readout, RecurrentGradient, ResetGradient};
pub use error::Error;
pub use float::Float;
pub use fused::InstructionSet;
pub use input::{Events, Frames, Input};
pub use network::{Gradients, Loss, Network, Output};
pub use regularizer::Regularizer;
pub use surrogate::{Surrogate, SurrogateShape};
pub use weights::{Initialization, Matrix};

/// The device that networks run on by default.
pub use dfdx::prelude::Cpu;
