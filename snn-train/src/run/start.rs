//! Where a run goes on: from its last checkpoint, from that of its best epoch where it is asked for, or from the beginning where
//! nothing was ever kept. A run that has epochs behind it never begins anew of itself.

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

/// The checkpoints that a run goes on from.
pub(super) struct Start {
    pub(super) last: Checkpoint,
    /// That of the best epoch, where `last` is another one.
    pub(super) best: Option<Checkpoint>,
}

impl Start {
    /// What the run in `directory` goes on from; `None` if it has not come to its first checkpoint yet.
    ///
    /// # Errors
    /// [`Error::OtherExperiment`]; [`Error::LostCheckpoint`] if a checkpoint that was there is missing or damaged, and those of [`Checkpoint::load`].
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
                // The state at the end of the best epoch is whole: nothing else is needed.
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
        // Before the other checkpoint is looked for: of another run, it is another one, too.
        check_same(&last, experiment)?;
        let best = match last.best() {
            Some(best) if !last.is_best() => match load(directory, Selection::Best) {
                Ok(found) if found.epoch() == best.epoch => Some(found),
                Ok(found) => {
                    let reason = format!(
                        "the checkpoint of the best epoch is of epoch {} and should be of epoch {}",
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

    /// Makes it what the directory has as its checkpoints.
    pub(super) fn settle(&self, directory: &Path, from: Selection) -> Result<(), Error> {
        let [last, best] = [Selection::Last, Selection::Best].map(|which| checkpoint_path(directory, which));
        let (path, source) = match from {
            Selection::Best => (last, best),
            // A kill between the writing of the two left the one before.
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

/// Whether the run has come to a checkpoint. A killed or failed trainer may have recorded one epoch before it did.
fn had_checkpoint(directory: &Path, history: &History) -> bool {
    let status = RunDir::open(directory).and_then(|run| run.status()).unwrap_or_default();
    history.epochs() > 1
        || history.is_tested()
        || status.epoch > 1
        || status.best.is_some()
        || (status.epoch == 1 && status.state != RecordedState::Failed)
        || checkpoint_path(directory, Selection::Best).exists()
}

/// What is wrong with a checkpoint that cannot be used; `None` for anything else, such as a disk that fails.
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
            "the checkpoint of its best epoch, {}, is whole: `snn train --resume --from-best --run-dir {run}` goes on from \
             there, `snn eval {run} --checkpoint best` evaluates it",
            best.epoch()
        ),
        (Ok(last), Selection::Last) => format!(
            "the last checkpoint, of epoch {}, is whole: `snn train --resume --run-dir {run}`",
            last.epoch()
        ),
        _ => anew(directory),
    };
    Error::LostCheckpoint { path: path.clone(), reason, epochs: history.epochs(), remedy }
}

fn best_lost(directory: &Path, last: &Checkpoint, reason: String) -> Error {
    let run = shell_word(directory);
    let remedy = format!(
        "the last checkpoint, of epoch {}, is whole (`snn eval {run} --checkpoint last` evaluates it), but without the best one \
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
    format!("restore it from a copy, or train anew in another directory: `snn train {config}`")
}
