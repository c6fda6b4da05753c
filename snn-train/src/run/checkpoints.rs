//! The checkpoints of a run.

use std::path::{Path, PathBuf};

use snn_run::{
    RunDir,
    files::{BEST_CHECKPOINT, CHECKPOINTS, LAST_CHECKPOINT},
};

use crate::{checkpoint::Checkpoint, error::Error, experiment::Selection};

/// The path of the best or the last checkpoint of the run in `directory`.
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
    /// Those of [`Checkpoint::load`]; [`Error::LostCheckpoint`] if only the other checkpoint is intact.
    pub fn of_run(run: &RunDir, which: Selection) -> Result<Self, Error> {
        Self::at(run, which).map_err(|error| {
            let (other, name) = match which {
                Selection::Best => (Selection::Last, "last"),
                Selection::Last => (Selection::Best, "best"),
            };
            match Self::at(run, other) {
                Ok(other) => only(&other, name, error),
                Err(_) => error,
            }
        })
    }

    fn at(run: &RunDir, which: Selection) -> Result<Self, Error> {
        Self::load(checkpoint_path(run.path(), which))
    }

    /// Reads the checkpoint of the model selected by the experiment of a run (`training.selection`), and returns which it is. The
    /// best one can be read even if the last one is damaged.
    ///
    /// # Errors
    /// Those of [`Checkpoint::load`]; [`Error::LostCheckpoint`] if only the other checkpoint is intact.
    pub fn selected(run: &RunDir) -> Result<(Self, Selection), Error> {
        let last = match Self::at(run, Selection::Last) {
            Ok(last) => last,
            Err(error) => {
                let Ok(best) = Self::at(run, Selection::Best) else { return Err(error) };
                return match best.experiment().training.selection {
                    Selection::Best => Ok((best, Selection::Best)),
                    Selection::Last => Err(only(&best, "best", error)),
                };
            }
        };
        if last.experiment().training.selection == Selection::Last {
            return Ok((last, Selection::Last));
        }
        match Self::at(run, Selection::Best) {
            Ok(best) => Ok((best, Selection::Best)),
            // A kill between writing the two left only one, which is both.
            Err(Error::MissingCheckpoint { .. }) if last.is_best() => Ok((last, Selection::Best)),
            Err(error) => Err(only(&last, "last", error)),
        }
    }
}

/// Adds that the other checkpoint can be used.
fn only(other: &Checkpoint, name: &str, error: Error) -> Error {
    let (reason, path) = match error {
        Error::MissingCheckpoint { path } => ("it is missing".to_owned(), path),
        Error::DamagedCheckpoint { path, reason } => (format!("damaged checkpoint: {reason}"), path),
        other => return other,
    };
    let remedy = format!("the {name} one, of epoch {}, is intact: use --checkpoint {name}", other.epoch());
    Error::LostCheckpoint { path, reason, epochs: other.epoch(), remedy }
}
