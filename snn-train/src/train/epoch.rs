//! An epoch under way: sums over its batches, which a checkpoint in its middle must hold.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use snn_core::ActivityMonitor;

use super::evaluate::Sums;
use crate::run::Seconds;

/// What the batches of an epoch so far have summed up to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Partial {
    /// Batches completed.
    pub(crate) batch: u32,
    pub(super) sums: Sums,
    /// Norm of the gradient of each weight matrix, summed over the batches.
    pub(super) gradient_norms: BTreeMap<String, f64>,
    /// Where the time went: the only content of a checkpoint that differs between equal runs.
    pub(super) seconds: Seconds,
    /// What the activity monitor has seen: samples, and spikes of every unit of every hidden layer.
    samples: u64,
    spikes: Vec<Vec<f64>>,
}

impl Partial {
    /// With what the monitor has seen, for a checkpoint.
    pub(super) fn with_activity(&self, activity: &ActivityMonitor) -> Self {
        let (samples, spikes) = activity.state();
        Self { samples, spikes: spikes.to_vec(), ..self.clone() }
    }

    /// Lets the monitor go on where it was; `false` if it watches another network.
    pub(super) fn restore_activity(&mut self, activity: &mut ActivityMonitor) -> bool {
        activity.restore(self.samples, std::mem::take(&mut self.spikes))
    }

    pub(super) fn mean_gradient_norms(&self) -> BTreeMap<String, f64> {
        let batches = f64::from(self.batch.max(1));
        self.gradient_norms.iter().map(|(name, sum)| (name.clone(), sum / batches)).collect()
    }
}

/// Measures phases that follow one another.
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the start or the lap before.
    pub(super) fn lap(&mut self) -> f64 {
        let now = Instant::now();
        now.duration_since(std::mem::replace(&mut self.0, now)).as_secs_f64()
    }

    /// Whether `seconds` have passed; 0 never do.
    pub(super) fn is_past(&self, seconds: f64) -> bool {
        seconds > 0.0
            && Duration::try_from_secs_f64(seconds).is_ok_and(|interval| self.0.elapsed() >= interval)
    }
}
