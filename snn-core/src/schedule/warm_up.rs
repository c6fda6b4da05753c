//! `factor = (epoch + 1) / (warm_up_epochs + 1)` at first; then another schedule, which counts its epochs from there.

use super::base::Schedule;

/// A linear rise before a schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WarmUp<S> {
    /// Epochs below the full learning rate.
    pub epochs: u32,
    /// What follows.
    pub then: S,
}

impl<S: Schedule> Schedule for WarmUp<S> {
    fn factor(&self, epochs: u32) -> f64 {
        if epochs < self.epochs {
            f64::from(epochs + 1) / (f64::from(self.epochs) + 1.0)
        } else {
            self.then.factor(epochs - self.epochs)
        }
    }
}
