//! Time measurement.

use std::time::{Duration, Instant};

/// Measures consecutive phases.
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the start or the previous lap.
    pub(super) fn lap(&mut self) -> f64 {
        let now = Instant::now();
        now.duration_since(std::mem::replace(&mut self.0, now)).as_secs_f64()
    }

    /// Whether `seconds` have passed; never for 0.
    pub(super) fn is_past(&self, seconds: f64) -> bool {
        seconds > 0.0
            && Duration::try_from_secs_f64(seconds).is_ok_and(|interval| self.0.elapsed() >= interval)
    }
}
