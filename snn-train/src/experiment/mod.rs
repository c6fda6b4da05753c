//! Experiments: one value, one TOML file, one run.
//!
//! ```
//! use snn_train::Experiment;
//!
//! let mut experiment = Experiment::preset("randman")?;
//! experiment.set(&["surrogate.beta=5", "network.hidden=[100, 100]"])?;
//! assert_eq!(experiment.network.hidden, [100, 100]);
//!
//! let error = experiment.set(&["optimizer.learning_rte=0.01"]).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "--set optimizer.learning_rte=0.01: unknown key `optimizer.learning_rte`; did you mean `optimizer.learning_rate`?",
//! );
//! # Ok::<(), snn_train::Error>(())
//! ```

mod builder;
mod data;
mod definition;
mod key;
mod keys;
mod limits;
mod matrices;
mod other_data;
mod presets;
mod reading;
mod sections;
mod training;
mod variants;
mod writing;

pub use data::{Data, External, KnownParts, SpikeFiles, Stored, feature_cache};
pub use definition::Experiment;
pub(crate) use key::value as value_in;
pub use key::{Key, Values};
pub use keys::keys;
pub use presets::{Preset, presets};
pub use sections::{
    Distribution, InitializationSection, LossSection, NetworkSection, OptimizerSection, ProbeSection,
    ReadoutSection, Recurrent, RegularizerSection, ScheduleSection, Selection, SurrogateSection,
    TrainingSection,
};
pub(crate) use variants::{Variant, Variants};

#[cfg(test)]
mod tests;
