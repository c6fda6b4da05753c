//! A partial epoch: sums over its batches, stored in a checkpoint within the epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use snn_core::ActivityMonitor;
use snn_run::{Losses, Seconds};

/// The sums over the batches of an epoch so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Partial {
    /// Completed batches.
    pub(crate) batch: u32,
    pub(crate) sums: Sums,
    /// Norm of the gradient of each weight matrix, summed over the batches.
    pub(crate) gradient_norms: BTreeMap<String, f64>,
    /// Time by phase: the only content of a checkpoint that differs between equal runs.
    pub(crate) seconds: Seconds,
    /// The counts of the activity monitor: samples, and spikes of every unit of every hidden layer.
    samples: u64,
    spikes: Vec<Vec<f64>>,
}

impl Partial {
    /// Adds the counts of the monitor, for a checkpoint.
    pub(crate) fn with_activity(&self, activity: &ActivityMonitor) -> Self {
        let (samples, spikes) = activity.state();
        Self { samples, spikes: spikes.to_vec(), ..self.clone() }
    }

    /// Restores the monitor; `false` if it monitors a different network.
    pub(crate) fn restore_activity(&mut self, activity: &mut ActivityMonitor) -> bool {
        activity.restore(self.samples, std::mem::take(&mut self.spikes))
    }

    pub(crate) fn mean_gradient_norms(&self) -> BTreeMap<String, f64> {
        let batches = f64::from(self.batch.max(1));
        self.gradient_norms.iter().map(|(name, sum)| (name.clone(), sum / batches)).collect()
    }
}

/// Sums over samples, to compute means.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Sums {
    samples: u64,
    correct: u64,
    cross_entropy: f64,
    regularization: f64,
}

impl Sums {
    /// Adds a batch, its losses averaged over its samples. Returns those losses and the accuracy.
    pub(crate) fn add(
        &mut self,
        samples: usize,
        correct: usize,
        cross_entropy: f64,
        regularization: f64,
    ) -> Losses {
        let weight = samples as f64;
        self.samples += samples as u64;
        self.correct += correct as u64;
        self.cross_entropy += cross_entropy * weight;
        self.regularization += regularization * weight;
        let accuracy = correct as f64 / weight;
        Losses { loss: cross_entropy + regularization, cross_entropy, regularization, accuracy }
    }

    pub(crate) fn means(&self) -> Losses {
        let mean = |sum: f64| sum / self.samples.max(1) as f64;
        Losses {
            loss: mean(self.cross_entropy) + mean(self.regularization),
            cross_entropy: mean(self.cross_entropy),
            regularization: mean(self.regularization),
            accuracy: mean(self.correct as f64),
        }
    }
}
