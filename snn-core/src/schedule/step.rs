//! `factor = decay ^ floor(epoch / step_epochs)`.

use super::base::{Schedule, ScheduleSettings};

/// A decay after every fixed number of epochs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Above 0, at most 1.
    pub decay: f64,
    /// Epochs between two decays, at least 1.
    pub epochs: u32,
}

impl Step {
    pub(super) fn of(settings: &ScheduleSettings) -> Self {
        Step { decay: settings.decay, epochs: settings.step_epochs }
    }
}

impl Schedule for Step {
    fn factor(&self, epochs: u32) -> f64 {
        self.decay.powf((epochs / self.epochs.max(1)).into())
    }
}
