//! The content of a probe.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the probe format; it is incremented when the meaning of a field changes.
pub const PROBE_VERSION: u32 = 1;

/// A longer trace is thinned to every second, third, ... step until it has at most this many points.
pub const MAX_POINTS: usize = 256;

/// With more classes than this, a probe has no [`confusion`](Probe::confusion), and the readout of only this many classes.
pub const MAX_CLASSES: usize = 100;

/// The content of `probes/<epoch>.json`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Probe {
    /// The version of this file's format.
    pub version: u32,
    /// Completed epochs; 0 is before training.
    pub epoch: u32,
    /// Wall time spent on the probe, in seconds.
    pub seconds: f64,
    /// Time steps of a sample.
    pub steps: u32,
    /// Length of a step in ms.
    pub dt: f64,
    /// The threshold: a unit spikes if its membrane potential exceeds it.
    pub threshold: f64,
    /// The probed samples.
    pub samples: Vec<SampleProbe>,
    /// The hidden layers, starting at the input.
    pub layers: Vec<LayerProbe>,
    /// `|dW| / |W|` of each weight matrix in the last update before the probe (Euclidean norms); empty before training.
    pub update_ratios: BTreeMap<String, f64>,
    /// How many validation samples of each class (row) were classified as each class (column); empty before training, without
    /// validation samples, and with more than [`MAX_CLASSES`] classes.
    pub confusion: Vec<Vec<u32>>,
}

/// The network's response to a sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SampleProbe {
    /// Its index in the data set.
    pub index: u32,
    /// Its class.
    pub label: u16,
    /// The predicted class.
    pub prediction: u16,
    /// Its input.
    pub input: InputProbe,
    /// Spikes of each hidden layer.
    pub hidden: Vec<Raster>,
    /// Membrane potential of some units of each hidden layer, before the spike of the same step.
    pub potentials: Vec<Traces>,
    /// Readout potential of every class, or of [`MAX_CLASSES`] evenly spaced classes.
    pub readout: Traces,
}

/// The input of a probed sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InputProbe {
    /// Spikes.
    Spikes(Raster),
    /// Analog values.
    Frames(Traces),
}

/// The spikes of a layer for one sample.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Raster {
    /// Number of units of the layer.
    pub size: usize,
    /// The units shown, ascending: all of them, or the maximum number, evenly spaced.
    pub units: Vec<u32>,
    /// The spike steps of each, ascending.
    pub spikes: Vec<Vec<u32>>,
}

/// Values of some units over time for one sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Traces {
    /// The units shown, ascending.
    pub units: Vec<u32>,
    /// Steps from one value to the next; the first value is of step 0.
    pub stride: u32,
    /// A row of values for each unit shown, with four significant digits.
    pub values: Vec<Vec<f32>>,
}

/// A hidden layer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LayerProbe {
    /// Histogram of the units' firing rates in Hz, averaged over the training samples of the epoch; before training, over the
    /// probed samples.
    pub rates: Histogram,
    /// Histogram of the surrogate derivatives `h(U - threshold)` of all units and steps of the probed samples: how much of a
    /// gradient passes through the layer's spikes.
    pub derivatives: Histogram,
}

/// A histogram of values of at least 0, with logarithmic bins.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Histogram {
    /// Number of values that are exactly 0.
    pub zero: u64,
    /// Bounds of the bins, ascending, one more than the number of bins. A bin includes its lower bound.
    pub edges: Vec<f64>,
    /// Number of values in each bin; values outside the bounds are in the first or the last one.
    pub counts: Vec<u64>,
    /// The mean of all values.
    pub mean: f64,
}

impl Default for InputProbe {
    fn default() -> Self {
        Self::Spikes(Raster::default())
    }
}

impl Probe {
    /// Fraction of the validation samples of each class classified correctly, 0 to 1; `None` for a class without samples.
    #[must_use]
    pub fn class_accuracies(&self) -> Vec<Option<f64>> {
        let of_class = |(class, row): (usize, &Vec<u32>)| {
            let all: u64 = row.iter().copied().map(u64::from).sum();
            let correct = row.get(class).copied().unwrap_or_default();
            (all > 0).then(|| f64::from(correct) / all as f64)
        };
        self.confusion.iter().enumerate().map(of_class).collect()
    }

    /// Classes that are never predicted on validation, though there are samples of them. See [`lost_classes`].
    #[must_use]
    pub fn lost_classes(&self) -> Vec<usize> {
        lost_classes(&self.confusion)
    }
}

/// Classes that are never predicted (columns), though there are samples of them (rows).
///
/// With the Max readout, the unit of such a class is often stuck: if its potential never rises above its initial value, the first
/// maximum is at step 0, where no weight has a gradient.
#[must_use]
pub fn lost_classes(confusion: &[Vec<u32>]) -> Vec<usize> {
    let has_samples = |class: usize| confusion[class].iter().any(|&count| count > 0);
    let is_predicted = |class| confusion.iter().any(|row| row.get(class).is_some_and(|&count| count > 0));
    (0..confusion.len()).filter(|&class| has_samples(class) && !is_predicted(class)).collect()
}

impl Histogram {
    /// The number of values.
    #[must_use]
    pub fn total(&self) -> u64 {
        // Saturates: a damaged file may contain any numbers.
        self.counts.iter().fold(self.zero, |sum, &count| sum.saturating_add(count))
    }

    /// The fraction of values below `bound`, 0 to 1, with the resolution of the bins.
    #[must_use]
    pub fn share_below(&self, bound: f64) -> f64 {
        let bins = self.edges.iter().skip(1).zip(&self.counts);
        // Bounds are powers of ten or their roots, which may be computed differently.
        let below = bins.filter(|&(&upper, _)| upper <= bound * 1.000_001);
        let below = below.fold(self.zero, |sum, (_, &count)| sum.saturating_add(count));
        below as f64 / self.total().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracies_of_classes() {
        let probe = Probe { confusion: vec![vec![3, 1], vec![0, 0]], ..Probe::default() };
        assert_eq!(probe.class_accuracies(), [Some(0.75), None]);
        let torn = Probe { confusion: vec![vec![1], vec![1]], ..Probe::default() };
        assert_eq!(torn.class_accuracies(), [Some(1.0), Some(0.0)]);
    }

    #[test]
    fn a_class_with_samples_that_is_never_predicted_is_lost() {
        let confusion = vec![vec![3, 0, 1, 0], vec![2, 0, 2, 0], vec![0, 0, 4, 0], vec![0; 4]];
        assert_eq!(lost_classes(&confusion), [1], "the last class has no samples");
        assert!(lost_classes(&[]).is_empty());
        assert_eq!(lost_classes(&[vec![], vec![1]]), [1], "an incomplete table");
    }

    #[test]
    fn shares_below_a_bound() {
        let histogram =
            Histogram { zero: 1, edges: vec![0.1, 1.0, 10.0], counts: vec![2, 1], ..Histogram::default() };
        assert_eq!(histogram.total(), 4);
        assert_eq!(histogram.share_below(1.0), 0.75);
        assert_eq!(histogram.share_below(0.5), 0.25);
        assert_eq!(Histogram::default().share_below(1.0), 0.0);
    }

    #[test]
    fn unknown_future_fields_are_ignored() {
        let text = r#"{"version":1,"epoch":3,"new":1,"samples":[{"index":7,"input":{"spikes":{"size":2}}}]}"#;
        let probe: Probe = serde_json::from_str(text).unwrap();
        assert_eq!((probe.epoch, probe.samples[0].index), (3, 7));
        assert!(matches!(&probe.samples[0].input, InputProbe::Spikes(raster) if raster.size == 2));
    }
}
