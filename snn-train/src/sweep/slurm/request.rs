//! Requests to Slurm.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Device;

/// The resources of array elements, and the packing of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// The path of `snn` on the nodes.
    pub program: PathBuf,
    /// The minimum compute time of an element, if there are enough runs (minutes).
    pub minutes: f64,
    /// Cores of each element, which trains this many runs in parallel.
    pub cpus: usize,
    /// Maximum number of array elements that compute at the same time. By default as many as Slurm allows.
    pub at_once: Option<usize>,
    /// The time limit of each element, in the format of `sbatch --time`. By default twice the expected time of the longest element
    /// plus ten minutes; that of the partition if nothing was measured.
    pub time: Option<String>,
    /// The memory of each element, in the format of `sbatch --mem`.
    pub memory: Option<String>,
    /// The partition.
    pub partition: Option<String>,
    /// The account to charge.
    pub account: Option<String>,
    /// The device of the elements. Request a GPU with an option such as `--gpus-per-task=1`.
    pub device: Device,
    /// Further options for `sbatch`.
    pub options: Vec<String>,
}

impl Request {
    /// Elements of one core and half an hour, in Slurm's default partition.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), ..Self::default() }
    }
}

impl Default for Request {
    fn default() -> Self {
        Self {
            program: "snn".into(),
            minutes: 30.0,
            cpus: 1,
            at_once: None,
            time: None,
            memory: None,
            partition: None,
            account: None,
            device: Device::Cpu,
            options: Vec::new(),
        }
    }
}
