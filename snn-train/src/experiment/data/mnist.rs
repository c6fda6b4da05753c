//! Handwritten digits as spike latencies.

use snn_data::{Dataset, Mnist, MnistConfig, Recorded};

use super::section::{DIRECTORY, DT, Parameters, Row, SET_DIRECTORY, STEPS, Section, Stored, VALID, Watch};
use crate::{
    error::Error,
    experiment::key::{Key, Values},
};

impl Section for Stored<MnistConfig> {
    type Origin = ();

    const KEYS: &'static [Key] = &[
        DIRECTORY,
        STEPS,
        DT,
        Key::of_data("data.threshold", Values::BELOW_1, "", "Brightness up to which a pixel never spikes."),
        Key::of_data("data.tau_eff", Values::POSITIVE, "ms", "Time constant of the latency code."),
        Key::of_data(
            "data.train",
            Values::U32,
            "samples",
            "Number of training images, selected from those not used for validation.",
        ),
        VALID,
    ];

    fn parameters(&self) -> &impl Parameters {
        &self.config
    }

    fn open(&self, row: Row, (): (), _: Watch<'_>, _: Recorded<'_>) -> Result<Box<dyn Dataset>, Error> {
        row.found(Mnist::open(row.folder(&self.directory)?, &self.config), SET_DIRECTORY)
    }
}
