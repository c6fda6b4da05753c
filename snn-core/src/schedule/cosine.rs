//! `factor = minimum + (1 - minimum) (1 + cos(pi epoch / cosine_epochs)) / 2`, then constant at `minimum`.
//!
//! Source: Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent with warm restarts", without restarts.

use super::base::{Schedule, ScheduleSettings};

/// A decrease along half a cosine wave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cosine {
    /// Factor at the end, from 0 to 1.
    pub minimum: f64,
    /// Epochs of the decrease, at least 1.
    pub epochs: u32,
}

impl Cosine {
    pub(super) fn of(settings: &ScheduleSettings) -> Self {
        Cosine { minimum: settings.minimum, epochs: settings.cosine_epochs }
    }
}

impl Schedule for Cosine {
    fn factor(&self, epochs: u32) -> f64 {
        let way = (f64::from(epochs) / f64::from(self.epochs.max(1))).min(1.0);
        self.minimum + (1.0 - self.minimum) * 0.5 * (1.0 + (std::f64::consts::PI * way).cos())
    }
}
