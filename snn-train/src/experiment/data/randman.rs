//! Spike times on smooth random manifolds.

use snn_data::{Dataset, Randman, RandmanConfig, Recorded};

use super::section::{DT, Parameters, Row, STEPS, Section, Watch};
use crate::{
    error::Error,
    experiment::key::{Key, Values},
};

impl Section for RandmanConfig {
    type Origin = ();

    const KEYS: &'static [Key] = &[
        STEPS,
        DT,
        Key::of_data(
            "data.classes",
            Values::UNITS,
            "classes",
            "Number of classes, each with its own manifold.",
        ),
        Key::of_data(
            "data.dim",
            Values::Integer(1, 16),
            "",
            "Dimension D of the manifolds; higher is harder.",
        ),
        Key::of_data("data.alpha", Values::AT_LEAST_0, "", "Smoothness: amplitude k^-alpha of term k."),
        Key::of_data("data.inputs", Values::UNITS, "units", "Input units M; each spikes once in a sample."),
        Key::of_data("data.n_cutoff", Values::Integer(1, 1_000_000), "terms", "Terms of the Fourier series."),
        Key::of_data("data.tolerance", Values::BELOW_1, "", "Amplitude at which the series is truncated."),
        Key::of_data("data.samples_per_class", Values::U32, "samples", "Samples per class, over all splits."),
        Key::of_data("data.valid", Values::Portion, "", "Samples of each class held out for validation."),
        Key::of_data("data.test", Values::Portion, "", "Samples of each class held out for the test."),
        Key::of_data(
            "data.tau_randman",
            Values::POSITIVE,
            "ms",
            "Length of the interval in which all inputs spike.",
        ),
        Key::of_data("data.seed", Values::SEED, "", "Seed of the manifolds and of the points on them."),
    ];

    fn parameters(&self) -> &impl Parameters {
        self
    }

    fn open(&self, _: Row, (): (), _: Watch<'_>, _: Recorded<'_>) -> Result<Box<dyn Dataset>, Error> {
        Ok(Box::new(Randman::new(self.clone())?))
    }
}
