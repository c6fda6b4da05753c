//! The content of a checkpoint.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use snn_data::DataIdentity;
use snn_run::Best;

use super::partial::Partial;
use crate::experiment::Experiment;

/// The newest version of the format. Version 1 supported only Adam, and had fewer keys in its experiment.
pub(super) const VERSION: u32 = 2;

/// The state of a run after an epoch or a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub(crate) state: TrainingState,
    pub(crate) matrices: Vec<Matrix>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrainingState {
    pub(crate) version: u32,
    /// Completed epochs.
    pub(crate) epoch: u32,
    /// Number of updates.
    pub(crate) step: u32,
    pub(crate) best: Option<Best>,
    /// The current epoch, if the checkpoint is within an epoch.
    pub(crate) partial: Option<Partial>,
    pub(crate) experiment: Experiment,
    /// The identity of its data; `None` in old runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<DataIdentity>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) name: String,
    pub(crate) shape: [usize; 2],
    pub(crate) weights: Vec<f32>,
    /// The optimizer's buffers, by `<rule>.<buffer>`.
    pub(crate) optimizer: BTreeMap<String, Vec<f32>>,
}
