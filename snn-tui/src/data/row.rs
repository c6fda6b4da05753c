//! A run as lists show it.

use std::{path::PathBuf, sync::Arc};

use snn_run::{Diagnosis, EpochRecord, RunState, Status, Verdict};

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    /// Its position in the plan of the sweep; 0 elsewhere.
    pub(crate) place: usize,
    /// Its state; `None` until it has been read.
    pub(crate) state: Option<RunState>,
    pub(crate) status: Option<Status>,
    /// The last recorded epoch.
    pub(crate) last: Option<EpochRecord>,
    /// Median duration of the recent epochs, including validation and checkpoints (s).
    pub(crate) epoch_seconds: Option<f64>,
    /// Seconds since its last sign of life, for running and stalled runs.
    pub(crate) silent: f64,
    /// Its diagnosis; `None` until requested.
    pub(crate) diagnosis: Option<Arc<Diagnosis>>,
    /// The judged accuracy of each epoch, 0 to 1, for sparklines.
    pub(crate) course: Arc<[f32]>,
    /// The reason why it cannot be read.
    pub(crate) error: Option<String>,
}

impl Run {
    /// A run about which nothing is known yet.
    pub(crate) fn new(id: String, path: PathBuf, state: Option<RunState>) -> Self {
        Self {
            id,
            path,
            place: 0,
            state,
            status: None,
            last: None,
            epoch_seconds: None,
            silent: 0.0,
            diagnosis: None,
            course: Arc::default(),
            error: None,
        }
    }

    /// Its verdict in a word or two, if known.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.diagnosis.as_ref().map(|diagnosis| diagnosis.verdict)
    }

    /// The word for its state.
    pub(crate) fn state_name(&self) -> &'static str {
        self.state.map_or("...", RunState::name)
    }

    pub(crate) fn is(&self, state: RunState) -> bool {
        self.state == Some(state)
    }

    /// How it ended, in a few words, if it was running in `before` and no longer is.
    pub(crate) fn ended_as(&self, after: &Self) -> Option<String> {
        let state = after.state?;
        if !self.is(RunState::Running) || matches!(state, RunState::Running | RunState::Pending) {
            return None;
        }
        let status = after.status.as_ref();
        let how = match state {
            RunState::Done => "is done",
            RunState::Failed => "has failed",
            RunState::Stopped => "was stopped",
            RunState::Stalled => "has stalled",
            RunState::Damaged => "can no longer be read",
            _ => "is in an unknown state",
        };
        let mut text = format!("{} {how}", after.id);
        if let Some(test) = after.test_accuracy() {
            text += &format!(", test {:.2} %", 100.0 * test);
        } else if let Some(best) = after.best_accuracy() {
            text += &format!(", best {:.2} %", 100.0 * best);
        }
        if let Some(message) = status.and_then(|status| status.message.as_ref()) {
            text += &format!(": {message}");
        }
        Some(text)
    }

    /// Seconds to the end: the median epoch times the remaining epochs, minus the elapsed part of the current one.
    pub(crate) fn remaining(&self) -> Option<f64> {
        let (status, epoch) = (self.status.as_ref()?, self.epoch_seconds?);
        let under_way =
            if status.batches > 0 { f64::from(status.batch) / f64::from(status.batches) } else { 0.0 };
        let left = f64::from(status.epochs.saturating_sub(status.epoch)) - under_way.min(1.0);
        self.is(RunState::Running).then_some(left.max(0.0) * epoch)
    }

    /// Training samples per second of training, without validation.
    pub(crate) fn samples_per_second(&self) -> Option<f64> {
        let (status, seconds) = (self.status.as_ref()?, self.last.as_ref()?.seconds);
        let training = seconds.data + seconds.forward + seconds.backward + seconds.update;
        (status.samples > 0 && training > 0.0).then(|| status.samples as f64 / training)
    }

    /// Validation accuracy in the last epoch, 0 to 1.
    pub(crate) fn last_accuracy(&self) -> Option<f64> {
        Some(self.last.as_ref()?.valid?.accuracy)
    }

    /// The best of all epochs.
    pub(crate) fn best_accuracy(&self) -> Option<f64> {
        Some(self.status.as_ref()?.best?.accuracy)
    }

    pub(crate) fn test_accuracy(&self) -> Option<f64> {
        self.status.as_ref()?.test_accuracy
    }

    /// Hidden spikes per sample in the last epoch.
    pub(crate) fn spikes(&self) -> Option<f64> {
        Some(self.last.as_ref()?.spikes())
    }

    /// The step size of the last epoch, if recorded.
    pub(crate) fn learning_rate(&self) -> Option<f64> {
        self.last.as_ref()?.learning_rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_go_includes_the_rest_of_the_epoch() {
        let status =
            Status { epoch: 10, epochs: 20, batch: 5, batches: 10, samples: 1000, ..Status::default() };
        let mut run = Run::new("a".into(), "a".into(), Some(RunState::Running));
        assert_eq!(run.remaining(), None);
        run.status = Some(status);
        run.epoch_seconds = Some(2.0);
        assert_eq!(run.remaining(), Some(19.0));
        run.state = Some(RunState::Stalled);
        assert_eq!(run.remaining(), None);
        let mut last = EpochRecord::default();
        (last.seconds.forward, last.seconds.backward, last.seconds.validation) = (1.0, 1.0, 7.0);
        run.last = Some(last);
        assert_eq!(run.samples_per_second(), Some(500.0));
    }

    #[test]
    fn a_run_that_no_longer_runs_has_ended() {
        let of = |state| Run::new("a".into(), "a".into(), state);
        let ended = |before: RunState, after| of(Some(before)).ended_as(&of(Some(after)));
        assert_eq!(ended(RunState::Running, RunState::Running), None);
        assert_eq!(ended(RunState::Stalled, RunState::Done), None, "nobody trained it");
        assert_eq!(of(None).ended_as(&of(Some(RunState::Done))), None, "read for the first time");
        assert_eq!(ended(RunState::Running, RunState::Stalled).as_deref(), Some("a has stalled"));
        let message = Some("the loss is NaN".to_owned());
        let failed =
            Run { status: Some(Status { message, ..Status::default() }), ..of(Some(RunState::Failed)) };
        assert_eq!(
            of(Some(RunState::Running)).ended_as(&failed).as_deref(),
            Some("a has failed: the loss is NaN")
        );
    }
}
