//! `factor = (epoch + 1) / (warm_up_epochs + 1)` at first; then another schedule, whose epochs start there.

use super::base::Schedule;

/// A linear warm-up before a schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WarmUp<S> {
    /// Epochs of the warm-up.
    pub epochs: u32,
    /// The schedule after it.
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
