//! The grids, seeds and sizes of every figure at each scale.

use std::fmt;

use serde::Serialize;
use toml::Value;

use crate::sweep::Axis;

/// The scale of a figure's runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Seconds: a smoke test. The numbers are meaningless.
    Smoke,
    /// Minutes: small data, short runs and coarse grids show the tendency.
    #[default]
    Quick,
    /// The paper's networks and training on half the samples, with every second learning rate and slope, and fewer models.
    Reduced,
    /// The protocol of the paper.
    Full,
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Reduced => "reduced",
            Self::Full => "full",
        })
    }
}

pub(super) const BETA: &str = "surrogate.beta";
pub(super) const ETA: &str = "optimizer.learning_rate";
pub(super) const GAIN: &str = "initialization.gain";
pub(super) const HEAD: &str = "readout.head";
pub(super) const HIDDEN: &str = "network.hidden";
pub(super) const INIT_SEED: &str = "initialization.seed";
pub(super) const DATA_SEED: &str = "data.seed";
pub(super) const RECURRENT: &str = "network.recurrent";
pub(super) const RECURRENT_GRADIENT: &str = "network.recurrent_gradient";
pub(super) const RESET_GRADIENT: &str = "network.reset_gradient";
pub(super) const SHAPE: &str = "surrogate.shape";
pub(super) const UPPER_STRENGTH: &str = "regularizer.upper_strength";
pub(super) const UPPER_THRESHOLD: &str = "regularizer.upper_threshold";

/// The slope if it is not varied: the paper's default.
pub(super) const DEFAULT_BETA: f64 = 10.0;

/// The learning rate if it is not varied, by the number of hidden layers: at full scale and with the default slope, the best of
/// the grid on validation.
pub(super) fn default_eta(depth: usize) -> f64 {
    if depth == 1 { 0.017_782_8 } else { 0.01 }
}

/// Changes to the preset `randman` at smoke, quick, reduced and full scale.
pub(super) const RANDMAN_CHANGES: [&[&str]; 4] = [
    &[
        "data.classes=3",
        "data.samples_per_class=20",
        "data.valid=4",
        "data.test=4",
        "network.hidden=[8]",
        "training.epochs=2",
        "training.batch_size=12",
    ],
    &[
        "data.samples_per_class=500",
        "data.valid=50",
        "data.test=50",
        "training.epochs=15",
        "training.batch_size=100",
    ],
    // As many weight updates as at full scale.
    &["data.samples_per_class=500", "data.valid=50", "data.test=50", "training.batch_size=125"],
    &[],
];

impl Scale {
    /// The value for this scale; reduced scale uses that of full scale.
    pub(super) fn pick<T>(self, smoke: T, quick: T, full: T) -> T {
        match self {
            Self::Smoke => smoke,
            Self::Quick => quick,
            Self::Reduced | Self::Full => full,
        }
    }

    /// Like [`Scale::pick`], with a separate value for reduced scale.
    pub(super) fn pick_of_four<T>(self, smoke: T, quick: T, reduced: T, full: T) -> T {
        if self == Self::Reduced { reduced } else { self.pick(smoke, quick, full) }
    }

    /// Hidden layers for each of these depths.
    pub(super) fn depths(self, depths: &[usize]) -> Axis {
        let units = self.pick(8_i64, 100, 100);
        Axis::List(depths.iter().map(|&depth| Value::Array(vec![Value::Integer(units); depth])).collect())
    }

    /// The learning rates and slopes of a map.
    pub(super) fn map(self) -> [(&'static str, Axis); 2] {
        let (low, points) = self.pick_of_four((0.01, 2), (0.001, 5), (0.001, 5), (0.001, 9));
        [
            (ETA, Axis::logarithmic(low, 0.1, points)),
            (BETA, Axis::logarithmic(1.0, 100.0, self.pick_of_four(2, 3, 5, 9))),
        ]
    }

    /// A subset of the map for many conditions or large networks: at full scale, every learning rate and every second slope, 45 models
    /// per condition; at reduced scale, every second of both in the reduced map.
    pub(super) fn grid(self) -> [(&'static str, Axis); 2] {
        let (low, points) = self.pick_of_four((0.01, 2), (0.001, 5), (0.001, 3), (0.001, 9));
        [
            (ETA, Axis::logarithmic(low, 0.1, points)),
            (BETA, Axis::logarithmic(1.0, 100.0, self.pick_of_four(2, 3, 3, 5))),
        ]
    }

    /// How many models per condition are reported: the best on validation.
    pub(super) fn best(self, of: usize) -> usize {
        self.pick_of_four(of.min(2), of.min(5), of.div_ceil(2), of)
    }
}

/// A list of words.
pub(super) fn words<const N: usize>(words: [&str; N]) -> Axis {
    Axis::list(words)
}

/// Seeds from 0.
pub(super) fn seeds(count: i64) -> Axis {
    Axis::list(0..count)
}
