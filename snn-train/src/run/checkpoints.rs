//! Where a run keeps its checkpoints.

use std::path::{Path, PathBuf};

use snn_run::{
    RunDir,
    files::{BEST_CHECKPOINT, CHECKPOINTS, LAST_CHECKPOINT},
};

use crate::{checkpoint::Checkpoint, error::Error, experiment::Selection};

/// Where the run in `directory` keeps its best or its last checkpoint.
pub(super) fn checkpoint_path(directory: &Path, which: Selection) -> PathBuf {
    directory.join(CHECKPOINTS).join(match which {
        Selection::Best => BEST_CHECKPOINT,
        Selection::Last => LAST_CHECKPOINT,
    })
}

impl Checkpoint {
    /// Reads the checkpoint of the best or of the last epoch of a run.
    ///
    /// # Errors
    /// Those of [`Checkpoint::load`].
    pub fn of_run(run: &RunDir, which: Selection) -> Result<Self, Error> {
        Self::load(checkpoint_path(run.path(), which))
    }
}
