//! The plan of a sweep.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// The version of the format of `manifest.json`; it grows when a field changes its meaning.
pub const MANIFEST_VERSION: u32 = 1;

/// Values by their keys, such as `surrogate.beta`.
pub type Settings = BTreeMap<String, Value>;

/// The content of `manifest.json`: every run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this file's format.
    pub version: u32,
    /// What the sweep is called.
    pub name: String,
    /// Where the run directories lie, relative to the directory of the sweep.
    pub runs: PathBuf,
    /// The keys that differ between runs, in the order of the sweep, seeds last.
    pub axes: Vec<Dimension>,
    /// How models are chosen and put together in the results.
    pub selection: Selection,
    /// The experiment that the runs vary, section by section.
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
    /// Whether it is a seed: runs that differ in seeds alone are repetitions of each other.
    #[serde(default)]
    pub seed: bool,
    /// Its values over all runs, in the order in which they come first.
    pub values: Vec<Value>,
}

/// How the values of an axis are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AxisSpacing {
    /// By equal differences.
    Linear,
    /// By equal ratios.
    Logarithmic,
    /// One by one.
    #[default]
    #[serde(other)]
    List,
}

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The name of its run directory. It follows from what determines the run's results and nothing else, so that
    /// sweeps share the runs that they have in common.
    pub id: String,
    /// Its value on every axis that its experiment has.
    pub settings: Settings,
    /// How long it is expected to compute, if that was measured (seconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// Which models count, and which of them belong together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// So many models of each group count: those best on validation. Left out, all do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<usize>,
    /// The keys whose values make a group. Left out, all keys but the seeds: repetitions with other seeds make a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
}

impl Manifest {
    /// The axes that are no seeds.
    pub fn parameters(&self) -> impl Iterator<Item = &Dimension> {
        self.axes.iter().filter(|axis| !axis.seed)
    }
}
