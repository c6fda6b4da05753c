//! Experiments.
#[cfg(feature = "trainer")]
mod checkpoint;
mod error;
#[cfg(feature = "trainer")]
pub mod experiment;
pub mod run;
#[cfg(feature = "trainer")]
mod train;

#[cfg(feature = "trainer")]
pub use checkpoint::Checkpoint;
pub use error::{Error, Place};
#[cfg(feature = "trainer")]
pub use experiment::Experiment;
#[cfg(feature = "trainer")]
pub use run::RunWriter;
#[cfg(feature = "trainer")]
pub use train::{Evaluation, Event, Flow, Observer, Outcome, Phase, Progress, Start, Trainer, evaluate};
