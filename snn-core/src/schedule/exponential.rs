//! `factor = decay ^ epoch`; a decay of 1 keeps the learning rate constant.

use super::base::{Schedule, ScheduleSettings};

/// A decay after every epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponential {
    /// Above 0, at most 1.
    pub decay: f64,
}

impl Exponential {
    pub(super) fn of(settings: &ScheduleSettings) -> Self {
        Exponential { decay: settings.decay }
    }
}

impl Schedule for Exponential {
    fn factor(&self, epochs: u32) -> f64 {
        self.decay.powf(epochs.into())
    }
}
