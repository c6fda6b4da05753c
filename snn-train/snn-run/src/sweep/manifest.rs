//! The plan of a sweep.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// The version of the format of `manifest.json`; it is incremented when the meaning of a field changes.
pub const MANIFEST_VERSION: u32 = 1;

/// Values by key, such as `surrogate.beta`.
pub type Settings = BTreeMap<String, Value>;

/// The content of `manifest.json`: every run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this file's format.
    pub version: u32,
    /// The name of the sweep.
    pub name: String,
    /// The folder of the run directories, relative to the directory of the sweep.
    pub runs: PathBuf,
    /// The keys that differ between runs, in the order of the sweep, seeds last.
    pub axes: Vec<Dimension>,
    /// How models are selected and grouped in the results.
    pub selection: Selection,
    /// The base experiment, section by section.
    pub base: Table,
    /// The runs.
    pub points: Vec<Point>,
}

/// A key that differs between the runs of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dimension {
    /// The key.
    pub key: String,
    /// How its values are spaced.
    pub scale: AxisSpacing,
    /// Whether it is a seed: runs that differ only in seeds are repetitions.
    #[serde(default)]
    pub seed: bool,
    /// Its values over all runs, in the order of first occurrence.
    pub values: Vec<Value>,
}

/// How the values of an axis are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AxisSpacing {
    /// Linearly.
    Linear,
    /// Logarithmically.
    Logarithmic,
    /// As a list of values.
    #[default]
    #[serde(other)]
    List,
}

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The name of its run directory. It depends only on the settings that determine the run's results, which lets
    /// sweeps share common runs.
    pub id: String,
    /// Its value on every axis that applies to its experiment.
    pub settings: Settings,
    /// Its expected compute time, if measured (seconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// Selection and grouping of models.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// The number of models of each group that count: the best on validation. By default, all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<usize>,
    /// The keys whose values define a group. By default, all keys except seeds: repetitions with different seeds form a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
}

impl Manifest {
    /// The axes that are not seeds.
    pub fn parameters(&self) -> impl Iterator<Item = &Dimension> {
        self.axes.iter().filter(|axis| !axis.seed)
    }
}
