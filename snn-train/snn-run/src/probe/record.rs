//! What a probe holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of a probe's file; it grows when a field changes its meaning.
pub const PROBE_VERSION: u32 = 1;

/// A trace of more steps is thinned to every second, third, .. step until it has no more points than this.
pub const MAX_POINTS: usize = 256;

/// With more classes than this, a probe has no [`confusion`](Probe::confusion), and the readout of so many classes.
pub const MAX_CLASSES: usize = 100;

/// The content of `probes/<epoch>.json`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Probe {
    /// The version of this file's format.
    pub version: u32,
    /// Epochs completed; 0 is before training.
    pub epoch: u32,
    /// What the probe has cost, in seconds of wall time.
    pub seconds: f64,
    /// Time steps of a sample.
    pub steps: u32,
    /// Length of a step in ms.
    pub dt: f64,
    /// Membrane potential above which a unit spikes.
    pub threshold: f64,
    /// The probed samples.
    pub samples: Vec<SampleProbe>,
    /// Each hidden layer, from the input upwards.
    pub layers: Vec<LayerProbe>,
    /// `|dW| / |W|` of each weight matrix in the last update before the probe (Euclidean norms); empty before training.
    pub update_ratios: BTreeMap<String, f64>,
    /// How many validation samples of each class (row) were taken for each class (column); empty before training,
    /// without validation samples, and beyond [`MAX_CLASSES`] classes.
    pub confusion: Vec<Vec<u32>>,
}

/// What the network makes of one sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SampleProbe {
    /// Its index in the data set.
    pub index: u32,
    /// Its class.
    pub label: u16,
    /// The class that the network takes it for.
    pub prediction: u16,
    /// What the network is fed.
    pub input: InputProbe,
    /// Spikes of each hidden layer.
    pub hidden: Vec<Raster>,
    /// Membrane potential of some units of each hidden layer, before the spike of the same step.
    pub potentials: Vec<Traces>,
    /// Readout potential of every class, or of [`MAX_CLASSES`] spread evenly.
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

/// Spikes of the units of a layer in one sample.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Raster {
    /// Units of the layer.
    pub size: usize,
    /// The units shown, ascending: all of them, or as many as are allowed, spread evenly.
    pub units: Vec<u32>,
    /// The steps in which each of them spikes, ascending.
    pub spikes: Vec<Vec<u32>>,
}

/// Values of some units over time in one sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Traces {
    /// The units shown, ascending.
    pub units: Vec<u32>,
    /// Steps from one value to the next; the first value is of step 0.
    pub stride: u32,
    /// A row of values for each unit shown, to four significant digits.
    pub values: Vec<Vec<f32>>,
}

/// A hidden layer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LayerProbe {
    /// Units by their firing rate in Hz, mean over the training samples of the epoch; before training, over the probed
    /// samples.
    pub rates: Histogram,
    /// Surrogate derivatives `h(U - threshold)` of every unit and step of the probed samples: how much of a gradient
    /// goes through the layer's spikes.
    pub derivatives: Histogram,
}

/// How often values of at least 0 fall where, by decades.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Histogram {
    /// Values that are exactly 0.
    pub zero: u64,
    /// Bounds of the bins, ascending, one more than there are bins. A bin holds its lower bound.
    pub edges: Vec<f64>,
    /// Values in each bin; what lies beyond the bounds is in the first or the last one.
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
    /// Share of the validation samples of each class classified correctly, 0 to 1; `None` for a class without samples.
    #[must_use]
    pub fn class_accuracies(&self) -> Vec<Option<f64>> {
        let of_class = |(class, row): (usize, &Vec<u32>)| {
            let all: u64 = row.iter().copied().map(u64::from).sum();
            let correct = row.get(class).copied().unwrap_or_default();
            (all > 0).then(|| f64::from(correct) / all as f64)
        };
        self.confusion.iter().enumerate().map(of_class).collect()
    }

    /// Classes that no validation sample is taken for, though there are samples of them. See [`lost_classes`].
    #[must_use]
    pub fn lost_classes(&self) -> Vec<usize> {
        lost_classes(&self.confusion)
    }
}

/// Classes (columns) that no sample is taken for, though there are samples of them (rows).
///
/// Under Max, the readout unit of such a class is often stuck: where its potential never rises above its start, the first
/// maximum lies at step 0, and no weight has a gradient from there.
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
        // Saturates: a damaged file may hold any numbers.
        self.counts.iter().fold(self.zero, |sum, &count| sum.saturating_add(count))
    }

    /// The share of values that are below `bound`, 0 to 1, as exactly as the bins tell.
    #[must_use]
    pub fn share_below(&self, bound: f64) -> f64 {
        let bins = self.edges.iter().skip(1).zip(&self.counts);
        // Bounds are powers of ten or their roots, computed one way or another.
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
        assert_eq!(lost_classes(&[vec![], vec![1]]), [1], "a torn table");
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
    fn fields_of_the_future_are_passed_over() {
        let text = r#"{"version":1,"epoch":3,"new":1,"samples":[{"index":7,"input":{"spikes":{"size":2}}}]}"#;
        let probe: Probe = serde_json::from_str(text).unwrap();
        assert_eq!((probe.epoch, probe.samples[0].index), (3, 7));
        assert!(matches!(&probe.samples[0].input, InputProbe::Spikes(raster) if raster.size == 2));
    }
}
