//! `status.json`: the current state of a run.

use serde::{Deserialize, Serialize};

/// The state that a run itself reports; [`RunState`](crate::RunState) is its actual state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordedState {
    /// Training, or killed: see [`RunState::Stalled`](crate::RunState::Stalled).
    Running,
    /// Stopped on request before its end; `--resume` continues.
    Stopped,
    /// Ended by an error, given in [`Status::message`].
    Failed,
    /// Trained, selected and tested.
    Done,
    /// A state unknown to this reader.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The content of `status.json`, which is replaced atomically: a reader sees the old or the new version.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The version of this file's format.
    pub version: u32,
    /// The state.
    pub state: RecordedState,
    /// The process that trains the run, or did last.
    pub pid: u32,
    /// The machine that it runs on, if it has a name; missing in old runs.
    pub host: Option<String>,
    /// When this session started, seconds since 1970-01-01 UTC.
    pub started: f64,
    /// When this file was written, seconds since 1970-01-01 UTC; about once per second while running.
    pub heartbeat: f64,
    /// Completed epochs.
    pub epoch: u32,
    /// Epochs planned.
    pub epochs: u32,
    /// Completed batches of the current epoch.
    pub batch: u32,
    /// Batches per epoch.
    pub batches: u32,
    /// Training samples per epoch; 0 in old runs.
    pub samples: u64,
    /// The best epoch so far on validation.
    pub best: Option<Best>,
    /// Accuracy of the selected model on the test samples, 0 to 1, once the run is done.
    pub test_accuracy: Option<f64>,
    /// Why the run failed.
    pub message: Option<String>,
    /// Why the last probe could not be saved, if so; training continues without it.
    pub probe_error: Option<String>,
    /// Why the TensorBoard file of this session is incomplete, if so; training continues without it.
    pub tensorboard_error: Option<String>,
}

/// The best epoch so far: highest validation accuracy, then lowest validation loss, then the earliest.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Best {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// Its accuracy on the validation samples, 0 to 1.
    pub accuracy: f64,
    /// Its loss on the validation samples.
    pub loss: f64,
}

impl Best {
    /// Whether `other`, of a later epoch, is better.
    #[must_use]
    pub fn is_beaten_by(&self, other: &Self) -> bool {
        (other.accuracy, -other.loss) > (self.accuracy, -self.loss)
    }
}

impl Status {
    /// Completed fraction of all planned batches, 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        let planned = f64::from(self.epochs) * f64::from(self.batches);
        let done = f64::from(self.epoch) * f64::from(self.batches) + f64::from(self.batch);
        if planned > 0.0 { (done / planned).min(1.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_epoch_is_the_most_accurate_then_the_one_of_least_loss() {
        let best = Best { epoch: 1, accuracy: 0.9, loss: 0.5 };
        assert!(best.is_beaten_by(&Best { epoch: 2, accuracy: 0.91, loss: 0.9 }));
        assert!(best.is_beaten_by(&Best { epoch: 2, accuracy: 0.9, loss: 0.4 }));
        assert!(!best.is_beaten_by(&Best { epoch: 2, accuracy: 0.9, loss: 0.5 }));
        assert!(!best.is_beaten_by(&Best { epoch: 2, accuracy: 0.89, loss: 0.1 }));
    }

    #[test]
    fn an_unknown_future_state_is_read() {
        let status: Status = serde_json::from_str(r#"{"state":"paused","epoch":3,"mood":1}"#).unwrap();
        assert_eq!((status.state, status.epoch), (RecordedState::Unknown, 3));
    }
}
