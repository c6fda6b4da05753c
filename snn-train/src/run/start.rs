//! Where a run resumes: at its last checkpoint, at that of its best epoch if requested, or at the beginning if there was never a
//! checkpoint. A run with finished epochs never starts over automatically.

use std::path::Path;

use snn_run::{RecordedState, RunDir};

use super::{checkpoints::checkpoint_path, history::History};
use crate::{
    checkpoint::Checkpoint,
    error::Error,
    experiment::{Experiment, Selection},
    replace::replace_by_copy,
    shell_word,
};

/// The checkpoints to resume from.
pub(super) struct Start {
    pub(super) last: Checkpoint,
    /// That of the best epoch, if different from `last`.
    pub(super) best: Option<Checkpoint>,
}

impl Start {
    /// The checkpoints of the run in `directory`; `None` if it has not reached its first checkpoint yet.
    ///
    /// # Errors
    /// [`Error::OtherExperiment`]; [`Error::LostCheckpoint`] if an existing checkpoint is missing or damaged, and those of [`Checkpoint::load`].
    pub(super) fn find(
        directory: &Path,
        from: Selection,
        history: &History,
        experiment: &Experiment,
    ) -> Result<Option<Self>, Error> {
        match from {
            Selection::Last => Self::at_last(directory, history, experiment),
            Selection::Best => {
                let best =
                    load(directory, Selection::Best).map_err(|error| lost(directory, history, error))?;
                check_same(&best, experiment)?;
                // The state at the end of the best epoch is complete: nothing else is needed.
                Ok(Some(Self { last: best, best: None }))
            }
        }
    }

    fn at_last(directory: &Path, history: &History, experiment: &Experiment) -> Result<Option<Self>, Error> {
        let last = match load(directory, Selection::Last) {
            Ok(last) => last,
            Err(Error::MissingCheckpoint { .. }) if !had_checkpoint(directory, history) => return Ok(None),
            Err(error) => return Err(lost(directory, history, error)),
        };
        // Before reading the other checkpoint, which would also belong to the other run.
        check_same(&last, experiment)?;
        let best = match last.best() {
            Some(best) if !last.is_best() => match load(directory, Selection::Best) {
                Ok(found) if found.epoch() == best.epoch => Some(found),
                Ok(found) => {
                    let reason = format!(
                        "the checkpoint of the best epoch is of epoch {} instead of {}",
                        found.epoch(),
                        best.epoch
                    );
                    return Err(best_lost(directory, &last, reason));
                }
                Err(error) => match damage(&error) {
                    Some(reason) => return Err(best_lost(directory, &last, reason)),
                    None => return Err(error),
                },
            },
            _ => None,
        };
        Ok(Some(Self { last, best }))
    }

    /// Restores the checkpoint files in the directory.
    pub(super) fn settle(&self, directory: &Path, from: Selection) -> Result<(), Error> {
        let [last, best] = [Selection::Last, Selection::Best].map(|which| checkpoint_path(directory, which));
        let (path, source) = match from {
            Selection::Best => (last, best),
            // A kill between writing the two left the previous one.
            Selection::Last if self.last.is_best() => (best, last),
            Selection::Last => return Ok(()),
        };
        replace_by_copy(&path, &source).map_err(Error::io("write the checkpoint", &path))
    }
}

fn check_same(checkpoint: &Checkpoint, experiment: &Experiment) -> Result<(), Error> {
    match checkpoint.experiment().difference(experiment) {
        None => Ok(()),
        Some((key, stored, given)) => {
            Err(Error::OtherExperiment { key, stored: stored.to_string(), given: given.to_string() })
        }
    }
}

fn load(directory: &Path, which: Selection) -> Result<Checkpoint, Error> {
    Checkpoint::load(checkpoint_path(directory, which))
}

/// Whether the run has reached a checkpoint. A killed or failed trainer may have recorded one epoch before that.
fn had_checkpoint(directory: &Path, history: &History) -> bool {
    let status = RunDir::open(directory).and_then(|run| run.status()).unwrap_or_default();
    history.epochs() > 1
        || history.is_tested()
        || status.epoch > 1
        || status.best.is_some()
        || (status.epoch == 1 && status.state != RecordedState::Failed)
        || checkpoint_path(directory, Selection::Best).exists()
}

/// The problem with an unusable checkpoint; `None` for other errors, such as a failing disk.
fn damage(error: &Error) -> Option<String> {
    match error {
        Error::MissingCheckpoint { .. } => Some("it is missing".to_owned()),
        Error::DamagedCheckpoint { reason, .. } => Some(format!("damaged checkpoint: {reason}")),
        _ => None,
    }
}

fn lost(directory: &Path, history: &History, error: Error) -> Error {
    let (Some(reason), Error::MissingCheckpoint { path } | Error::DamagedCheckpoint { path, .. }) =
        (damage(&error), &error)
    else {
        return error;
    };
    let run = shell_word(directory);
    let is_best = *path == checkpoint_path(directory, Selection::Best);
    let other = if is_best { Selection::Last } else { Selection::Best };
    let remedy = match (load(directory, other), other) {
        (Ok(best), Selection::Best) => format!(
            "the checkpoint of its best epoch, {}, is intact: `snn train --resume --from-best --run-dir {run}` resumes from it, \
             `snn eval {run} --checkpoint best` evaluates it",
            best.epoch()
        ),
        (Ok(last), Selection::Last) => format!(
            "the last checkpoint, of epoch {}, is intact: `snn train --resume --run-dir {run}`",
            last.epoch()
        ),
        _ => anew(directory),
    };
    Error::LostCheckpoint { path: path.clone(), reason, epochs: history.epochs(), remedy }
}

fn best_lost(directory: &Path, last: &Checkpoint, reason: String) -> Error {
    let run = shell_word(directory);
    let remedy = format!(
        "the last checkpoint, of epoch {}, is intact (`snn eval {run} --checkpoint last` evaluates it), but without the best one \
         the best epoch cannot be selected: {}",
        last.epoch(),
        anew(directory)
    );
    Error::LostCheckpoint {
        path: checkpoint_path(directory, Selection::Best),
        reason,
        epochs: last.epoch(),
        remedy,
    }
}

fn anew(directory: &Path) -> String {
    let config = shell_word(directory.join(snn_run::files::CONFIG));
    format!("restore it from a copy, or train again in another directory: `snn train {config}`")
}
