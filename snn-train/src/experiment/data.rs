//! `[data]`: which data set, and its parameters. A new data set is one variant, one list of keys and one line in each
//! function here.

use serde::{Deserialize, Serialize};
use snn_data::{Dataset, Randman, RandmanConfig};

use super::key::{Key, Values};
use crate::error::Error;

/// The data set of an experiment with its parameters; `name` in the file selects the variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Data {
    /// Spike times on smooth random manifolds.
    Randman(RandmanConfig),
}

impl Default for Data {
    fn default() -> Self {
        Self::Randman(RandmanConfig::default())
    }
}

impl Data {
    /// The names that `data.name` may have.
    pub(super) const NAMES: &[&str] = &["randman"];

    pub(super) const KEYS: &[Key] = &[
        Key {
            path: "data.name",
            values: Values::Choice(Self::NAMES),
            unit: "",
            help: "The data set.",
            data_set: None,
        },
        randman("data.classes", UNITS, "classes", "Number of classes, each a manifold of its own."),
        randman("data.dim", Values::Integer(1, 16), "", "Dimension D of the manifolds; more is harder."),
        randman("data.alpha", Values::AT_LEAST_0, "", "Smoothness: amplitude k^-alpha of term k."),
        randman("data.inputs", UNITS, "units", "Input units M; each spikes once in a sample."),
        randman("data.n_cutoff", Values::Integer(1, 1_000_000), "terms", "Terms of the Fourier series."),
        randman("data.tolerance", Values::BELOW_1, "", "Amplitude at which the series ends early."),
        randman("data.samples_per_class", U32, "samples", "Samples of a class, all splits together."),
        randman("data.valid", Values::Portion, "", "Samples of each class held out for validation."),
        randman("data.test", Values::Portion, "", "Samples of each class held out for the test."),
        randman("data.tau_randman", Values::POSITIVE, "ms", "Time within which all inputs spike."),
        randman("data.steps", U32, "steps", "Time steps of a sample."),
        randman("data.dt", Values::POSITIVE, "ms", "Length of a time step."),
        randman("data.seed", Values::SEED, "", "Seed of the manifolds and of the points on them."),
    ];

    /// The name of the data set, as in `data.name`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Randman(_) => "randman",
        }
    }

    /// Time steps of a sample.
    pub(super) fn steps(&self) -> usize {
        match self {
            Self::Randman(config) => config.steps,
        }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        match self {
            Self::Randman(config) => Ok(config.validate()?),
        }
    }

    /// Generates or loads the data set.
    ///
    /// # Errors
    /// [`Error::Data`] for parameters that are not possible together, or too little memory.
    pub fn open(&self) -> Result<Box<dyn Dataset>, Error> {
        match self {
            Self::Randman(config) => Ok(Box::new(Randman::new(config.clone())?)),
        }
    }
}

const UNITS: Values = Values::Integer(1, 65_536);
const U32: Values = Values::Integer(1, u32::MAX as u64);

const fn randman(path: &'static str, values: Values, unit: &'static str, help: &'static str) -> Key {
    Key { path, values, unit, help, data_set: Some("randman") }
}
