//! The state of a run: one vocabulary for all programs, tables and JSON.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    liveness::STALLED_AFTER,
    status::{RecordedState, Status},
};

/// The state of a run. In text and JSON: `running`, `stalled`, `pending`, `failed`, `damaged`, `stopped`, `done`,
/// `unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Being trained.
    Running,
    /// Claims to be running, but has shown no sign of life for [`STALLED_AFTER`] seconds: it was killed, or its machine is
    /// down. It can resume from its checkpoint.
    Stalled,
    /// Planned or set up, but not started.
    Pending,
    /// Ended by an error.
    Failed,
    /// Its files are damaged or unreadable.
    Damaged,
    /// Stopped on request before its end. It can resume from its checkpoint. (`interrupted` in old tables, which did not
    /// distinguish it from [`Stalled`](Self::Stalled).)
    #[serde(alias = "interrupted")]
    Stopped,
    /// Trained, selected and tested.
    Done,
    /// In a state unknown to this program.
    #[serde(other)]
    Unknown,
}

impl RunState {
    /// All states, those that need attention first.
    pub const ALL: [Self; 8] = [
        Self::Running,
        Self::Stalled,
        Self::Pending,
        Self::Failed,
        Self::Damaged,
        Self::Stopped,
        Self::Done,
        Self::Unknown,
    ];

    /// The state of a run with this status after `silence` seconds without a sign of life (see [`silence`](crate::silence) and
    /// [`Pulse`](crate::Pulse)).
    #[must_use]
    pub fn of(status: &Status, silence: f64) -> Self {
        match status.state {
            RecordedState::Running if silence > STALLED_AFTER => Self::Stalled,
            RecordedState::Running => Self::Running,
            RecordedState::Stopped => Self::Stopped,
            RecordedState::Failed => Self::Failed,
            RecordedState::Done => Self::Done,
            RecordedState::Unknown => Self::Unknown,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stalled => "stalled",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Damaged => "damaged",
            Self::Stopped => "stopped",
            Self::Done => "done",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it has started, has not finished and is not being trained: it can resume from its checkpoint.
    #[must_use]
    pub fn is_interrupted(self) -> bool {
        matches!(self, Self::Stalled | Self::Stopped | Self::Unknown)
    }

    /// Whether it needs intervention: [`Failed`](Self::Failed) or [`Damaged`](Self::Damaged).
    #[must_use]
    pub fn has_failed(self) -> bool {
        matches!(self, Self::Failed | Self::Damaged)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_runner_is_stalled_and_a_finished_one_is_not() {
        let mut status = Status { state: RecordedState::Running, ..Status::default() };
        assert_eq!(RunState::of(&status, STALLED_AFTER), RunState::Running);
        assert_eq!(RunState::of(&status, STALLED_AFTER + 1.0), RunState::Stalled);
        status.state = RecordedState::Done;
        assert_eq!(RunState::of(&status, STALLED_AFTER + 1.0), RunState::Done);
    }

    #[test]
    fn words_in_json_equal_the_displayed_ones_and_old_ones_are_read() {
        for state in RunState::ALL {
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(json, format!("\"{state}\""));
            assert_eq!(serde_json::from_str::<RunState>(&json).unwrap(), state);
        }
        let read = |word: &str| serde_json::from_str::<RunState>(word).unwrap();
        assert_eq!(read("\"interrupted\""), RunState::Stopped);
        assert_eq!(read("\"paused\""), RunState::Unknown);
    }
}
