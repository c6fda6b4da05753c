//! What is asked of Slurm.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Device;

/// What the elements of an array need, and how runs are packed into them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// The program `snn`, where the nodes find it.
    pub program: PathBuf,
    /// So long an element computes at least, as far as there are runs for it (minutes).
    pub minutes: f64,
    /// Cores of each element, which trains as many runs side by side.
    pub cpus: usize,
    /// So many elements of an array compute at the same time at most. Left out, as many as Slurm lets.
    pub at_once: Option<usize>,
    /// The time limit of each element, as `sbatch --time` takes it. Left out: twice what the longest is expected to compute,
    /// and ten minutes; the partition's where nothing was measured.
    pub time: Option<String>,
    /// The memory of each element, as `sbatch --mem` takes it.
    pub memory: Option<String>,
    /// The partition.
    pub partition: Option<String>,
    /// Whose account is charged.
    pub account: Option<String>,
    /// Where the elements compute. A GPU is asked for by an option, such as `--gpus-per-task=1`.
    pub device: Device,
    /// Further options for `sbatch`.
    pub options: Vec<String>,
}

impl Request {
    /// Elements of one core and half an hour, in the partition that Slurm takes if none is named.
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
