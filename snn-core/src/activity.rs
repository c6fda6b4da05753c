//! Monitors hidden layers over an epoch: a silent or saturated layer does not learn, which deserves a warning.

use crate::{Float, NetworkConfig, Output, Reset};
use std::fmt;

/// The activity of a hidden layer over the observed samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerActivity {
    /// Mean number of spikes of the layer per sample.
    pub spikes_per_sample: f64,
    /// Fraction of units that never spiked.
    pub silent_fraction: f64,
    /// Fraction of units that spiked, on average, in at least nine tenths of the steps in which the reset allows it (every
    /// second one).
    pub saturated_fraction: f64,
}

/// A hidden layer in which hardly any unit can learn. `Display` includes the layer, the likely cause and the remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActivityWarning {
    /// No unit of the layer spiked.
    Silent {
        /// The hidden layer, counted from 1 at the input.
        layer: usize,
    },
    /// Every unit of the layer spiked as often as it can.
    Saturated {
        /// The hidden layer, counted from 1 at the input.
        layer: usize,
    },
}

impl fmt::Display for ActivityWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActivityWarning::Silent { layer } => write!(
                f,
                "hidden layer {layer} was silent: none of its units spiked. Its drive probably never reaches the threshold, \
                 and a silent layer passes no gradient to a Max readout that starts at 0. Enable the lower regularizer \
                 (lower_strength 100, lower_threshold 0.001), draw larger weights (initialization.gain), or start the \
                 readout slightly below 0 (readout_start -0.001)"
            ),
            ActivityWarning::Saturated { layer } => write!(
                f,
                "hidden layer {layer} was saturated: every unit spiked in nearly every step that the reset allows, so its \
                 spikes carry no information. Its weights are probably too large: lower the learning rate or \
                 initialization.gain, or enable the upper regularizer (upper_strength, upper_threshold)"
            ),
        }
    }
}

/// Accumulates the spike counts of an epoch. See [`LayerActivity`].
///
/// ```
/// use snn_core::{ActivityMonitor, ActivityWarning, Layer, NetworkConfig, Output};
/// let config = NetworkConfig { hidden: vec![Layer::feed_forward(2)], ..NetworkConfig::new(3, 2) };
/// let mut monitor = ActivityMonitor::new(&config, 100);
/// monitor.observe(&Output { logits: vec![0.0f32; 2], counts: vec![vec![0.0, 0.0]], batch: 1 });
/// assert_eq!(monitor.report()[0].silent_fraction, 1.0);
/// assert_eq!(monitor.warnings(), [ActivityWarning::Silent { layer: 1 }]);
/// ```
#[derive(Debug, Clone)]
pub struct ActivityMonitor {
    /// Maximum number of spikes of a unit per sample: with a delayed reset, it can spike in every second step.
    most: usize,
    samples: u64,
    /// Spikes of every unit so far, for each layer.
    spikes: Vec<Vec<f64>>,
}

impl ActivityMonitor {
    /// A monitor for inputs of `steps` steps.
    #[must_use]
    pub fn new(config: &NetworkConfig, steps: usize) -> Self {
        let spikes = config.hidden.iter().map(|layer| vec![0.0; layer.units]).collect();
        let most = match config.reset {
            Reset::Delayed => steps / 2,
            Reset::Immediate => steps,
        };
        ActivityMonitor { most, samples: 0, spikes }
    }

    /// Adds a batch.
    pub fn observe<E: Float>(&mut self, output: &Output<E>) {
        self.samples += output.batch as u64;
        for (sums, counts) in self.spikes.iter_mut().zip(&output.counts) {
            for sample in counts.chunks_exact(sums.len()) {
                for (sum, count) in sums.iter_mut().zip(sample) {
                    *sum += count.wide();
                }
            }
        }
    }

    /// Resets all counts, for the next epoch.
    pub fn reset(&mut self) {
        self.samples = 0;
        self.spikes.iter_mut().for_each(|layer| layer.fill(0.0));
    }

    /// Number of observed samples, and spikes of every unit of every hidden layer: the complete state, for a checkpoint.
    #[must_use]
    pub fn state(&self) -> (u64, &[Vec<f64>]) {
        (self.samples, &self.spikes)
    }

    /// Restores an earlier state; returns `false` without changes if it belongs to a network of a different shape.
    #[must_use]
    pub fn restore(&mut self, samples: u64, spikes: Vec<Vec<f64>>) -> bool {
        let fits = spikes.len() == self.spikes.len()
            && spikes.iter().zip(&self.spikes).all(|(new, old)| new.len() == old.len());
        if fits {
            (self.samples, self.spikes) = (samples, spikes);
        }
        fits
    }

    /// One entry per hidden layer; all zero before the first sample.
    #[must_use]
    pub fn report(&self) -> Vec<LayerActivity> {
        let samples = self.samples.max(1) as f64;
        let saturation = 0.9 * self.most as f64 * samples;
        let layer = |units: &Vec<f64>| {
            let fraction =
                |f: &dyn Fn(f64) -> bool| units.iter().filter(|&&s| f(s)).count() as f64 / units.len() as f64;
            LayerActivity {
                spikes_per_sample: units.iter().sum::<f64>() / samples,
                silent_fraction: fraction(&|s| s == 0.0),
                saturated_fraction: fraction(&|s| s > 0.0 && s >= saturation),
            }
        };
        self.spikes.iter().map(layer).collect()
    }

    /// The warnings; empty before the first sample.
    #[must_use]
    pub fn warnings(&self) -> Vec<ActivityWarning> {
        if self.samples == 0 {
            return Vec::new();
        }
        let judge = |(l, activity): (usize, LayerActivity)| match activity {
            a if a.silent_fraction == 1.0 => Some(ActivityWarning::Silent { layer: l + 1 }),
            a if a.saturated_fraction == 1.0 => Some(ActivityWarning::Saturated { layer: l + 1 }),
            _ => None,
        };
        self.report().into_iter().enumerate().filter_map(judge).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Layer;

    fn monitor(units: usize) -> ActivityMonitor {
        let hidden = vec![Layer::feed_forward(units)];
        ActivityMonitor::new(&NetworkConfig { hidden, ..NetworkConfig::new(1, 2) }, 10)
    }

    fn batch(counts: &[f32], batch: usize) -> Output<f32> {
        Output { logits: vec![0.0; 2 * batch], counts: vec![counts.to_vec()], batch }
    }

    #[test]
    fn fractions_by_hand() {
        let mut m = monitor(4);
        m.observe(&batch(&[0.0, 1.0, 5.0, 5.0, 0.0, 2.0, 5.0, 4.0], 2));
        // means 0, 1.5, 5, 4.5 of at most 5
        let expected =
            LayerActivity { spikes_per_sample: 11.0, silent_fraction: 0.25, saturated_fraction: 0.5 };
        assert_eq!(m.report(), [expected]);
        assert!(m.warnings().is_empty());
        m.reset();
        assert_eq!(m.report()[0].spikes_per_sample, 0.0);
    }

    #[test]
    fn an_immediate_reset_allows_a_spike_in_every_step() {
        let hidden = vec![Layer::feed_forward(2)];
        let config = NetworkConfig { hidden, reset: Reset::Immediate, ..NetworkConfig::new(1, 2) };
        let mut m = ActivityMonitor::new(&config, 10);
        m.observe(&batch(&[5.0, 9.0], 1));
        assert_eq!(m.report()[0].saturated_fraction, 0.5);
    }

    #[test]
    fn dead_and_saturated_layers_are_named_with_a_remedy() {
        let mut m = monitor(2);
        assert!(m.warnings().is_empty(), "nothing observed yet");
        m.observe(&batch(&[0.0, 0.0], 1));
        assert!(m.warnings()[0].to_string().contains("lower regularizer"));
        m.reset();
        m.observe(&batch(&[5.0, 5.0], 1));
        assert_eq!(m.warnings(), [ActivityWarning::Saturated { layer: 1 }]);
        assert!(m.warnings()[0].to_string().contains("learning rate"));
    }

    #[test]
    fn state_is_restored_and_foreign_state_is_refused() {
        let mut m = monitor(2);
        m.observe(&batch(&[1.0, 3.0], 1));
        let (samples, spikes) = m.state();
        let (samples, spikes) = (samples, spikes.to_vec());
        let mut other = monitor(2);
        assert!(other.restore(samples, spikes.clone()));
        assert_eq!(other.report(), m.report());
        assert!(!monitor(3).restore(samples, spikes));
    }
}
