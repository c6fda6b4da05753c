//! What a list shows of a run.

use std::{path::PathBuf, sync::Arc};

use snn_run::{Diagnosis, EpochRecord, RunState, Status, Verdict};

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    /// How it stands; `None` while it has not been read.
    pub(crate) state: Option<RunState>,
    pub(crate) status: Option<Status>,
    /// The last epoch recorded.
    pub(crate) last: Option<EpochRecord>,
    /// Median time of the last epochs, validation and checkpoint included (s).
    pub(crate) epoch_seconds: Option<f64>,
    /// Seconds since it was last heard of; counts for running and stalled runs.
    pub(crate) silent: f64,
    /// What is to be said of it; `None` until it has been asked for.
    pub(crate) diagnosis: Option<Arc<Diagnosis>>,
    /// The accuracy by which it is judged over its epochs, 0 to 1, for a curve in a line.
    pub(crate) course: Arc<[f32]>,
    /// Why it cannot be read.
    pub(crate) error: Option<String>,
}

impl Run {
    /// A run of which nothing is known yet.
    pub(crate) fn new(id: String, path: PathBuf, state: Option<RunState>) -> Self {
        Self {
            id,
            path,
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

    /// What is to be said of it in a word or two, as far as that is known.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.diagnosis.as_ref().map(|diagnosis| diagnosis.verdict)
    }

    /// The word for how it stands.
    pub(crate) fn state_name(&self) -> &'static str {
        self.state.map_or("...", RunState::name)
    }

    pub(crate) fn is(&self, state: RunState) -> bool {
        self.state == Some(state)
    }

    /// How it has ended, in a few words, if it was running before and no longer is.
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

    /// Seconds to the end: the median epoch times the epochs left, what is done of the present one taken off.
    pub(crate) fn remaining(&self) -> Option<f64> {
        let (status, epoch) = (self.status.as_ref()?, self.epoch_seconds?);
        let under_way =
            if status.batches > 0 { f64::from(status.batch) / f64::from(status.batches) } else { 0.0 };
        let left = f64::from(status.epochs.saturating_sub(status.epoch)) - under_way.min(1.0);
        self.is(RunState::Running).then_some(left.max(0.0) * epoch)
    }

    /// Training samples per second of training, validation not counted.
    pub(crate) fn samples_per_second(&self) -> Option<f64> {
        let (status, seconds) = (self.status.as_ref()?, self.last.as_ref()?.seconds);
        let training = seconds.data + seconds.forward + seconds.backward + seconds.update;
        (status.samples > 0 && training > 0.0).then(|| status.samples as f64 / training)
    }

    /// Accuracy on validation in the last epoch, 0 to 1.
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

    /// The step size of the last epoch, if it was recorded.
    pub(crate) fn learning_rate(&self) -> Option<f64> {
        self.last.as_ref()?.learning_rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_go_counts_what_is_left_of_the_epoch() {
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
