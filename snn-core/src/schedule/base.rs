//! The interface and settings of schedules.

use crate::{Error, Settings};
use std::fmt;

/// A factor on the learning rate.
pub trait Schedule: fmt::Debug + Send + Sync {
    /// The factor after this many epochs.
    fn factor(&self, epochs: u32) -> f64;
}

/// Settings of the schedules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScheduleSettings {
    /// Factor of each decay, above 0, at most 1; for exponential and step.
    pub decay: f64,
    /// Epochs between two decays, at least 1; for step.
    pub step_epochs: u32,
    /// Epochs of the decrease, at least 1; for cosine.
    pub cosine_epochs: u32,
    /// Factor at the end of the decrease, from 0 to 1; for cosine.
    pub minimum: f64,
    /// Epochs of linear warm-up to 1, before the schedule starts; 0 for none.
    pub warm_up_epochs: u32,
}

impl Default for ScheduleSettings {
    fn default() -> Self {
        ScheduleSettings { decay: 1.0, step_epochs: 10, cosine_epochs: 50, minimum: 0.0, warm_up_epochs: 0 }
    }
}

impl ScheduleSettings {
    pub(super) fn validate(&self) -> Result<(), Error> {
        if !(self.decay > 0.0 && self.decay <= 1.0) {
            return Err(Error::setting(Settings::Schedule, "decay", self.decay, "above 0 and at most 1"));
        }
        if !(0.0..=1.0).contains(&self.minimum) {
            return Err(Error::setting(Settings::Schedule, "minimum", self.minimum, "from 0 to 1"));
        }
        for (key, epochs) in [("step_epochs", self.step_epochs), ("cosine_epochs", self.cosine_epochs)] {
            if epochs == 0 {
                return Err(Error::setting(Settings::Schedule, key, epochs, "at least 1"));
            }
        }
        Ok(())
    }
}
