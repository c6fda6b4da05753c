//! Data of a custom program, which settings cannot describe.

use serde::{Deserialize, Serialize};
use snn_data::{DataIdentity, Dataset, Recorded};

use super::section::{DT, Parameters, Row, STEPS, Section, Watch};
use crate::{
    error::Error,
    experiment::key::{Key, Values},
};

/// The description of data from [`Trainer::on`](crate::Trainer::on). It identifies such data but cannot load them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct External {
    /// Time steps of a sample.
    pub steps: usize,
    /// Length of a time step (ms).
    pub dt: f64,
    /// Input units.
    pub inputs: usize,
    /// Number of classes.
    pub classes: usize,
    /// The name of the data set.
    pub dataset: String,
    /// [`DataIdentity::fingerprint`], in hexadecimal digits.
    pub fingerprint: String,
}

impl Default for External {
    fn default() -> Self {
        Self { steps: 1, dt: 1.0, inputs: 1, classes: 1, dataset: String::new(), fingerprint: String::new() }
    }
}

impl External {
    pub(crate) fn of(identity: &DataIdentity) -> Self {
        Self {
            steps: identity.steps,
            dt: identity.dt,
            inputs: identity.inputs,
            classes: identity.classes.len(),
            dataset: identity.name.clone(),
            fingerprint: identity.fingerprint().to_string(),
        }
    }
}

impl Section for External {
    type Origin = ();

    const KEYS: &'static [Key] = &[
        STEPS,
        DT,
        Key::of_data("data.inputs", Values::UNITS, "units", "Input units of the external data."),
        Key::of_data("data.classes", Values::UNITS, "classes", "Number of classes of the external data."),
        Key::of_data("data.dataset", Values::Text, "", "Name of the external data set."),
        Key::of_data(
            "data.fingerprint",
            Values::Text,
            "",
            "Fingerprint of the samples of all parts of the external data.",
        ),
    ];

    fn parameters(&self) -> &impl Parameters {
        self
    }

    fn open(&self, _: Row, (): (), _: Watch<'_>, _: Recorded<'_>) -> Result<Box<dyn Dataset>, Error> {
        let Self { dataset, inputs, steps, classes, .. } = self;
        Err(Error::external(dataset, *inputs, *steps, *classes))
    }
}

impl Parameters for External {
    fn steps(&self) -> usize {
        self.steps
    }

    fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}
