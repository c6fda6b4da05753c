//! How a run stands: one vocabulary for all programs, tables and JSON.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    liveness::STALLED_AFTER,
    status::{RecordedState, Status},
};

/// How a run stands. As a word, here and in JSON: `running`, `stalled`, `pending`, `failed`, `damaged`, `stopped`, `done`,
/// `unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Being trained.
    Running,
    /// Claims to be running, but has not been heard of for [`STALLED_AFTER`] seconds: it was killed, or its machine is
    /// gone. It will go on from its checkpoint.
    Stalled,
    /// Planned or set up, but not begun.
    Pending,
    /// Ended by an error.
    Failed,
    /// Its files are damaged, or nobody may read them.
    Damaged,
    /// Stopped on request before its end. It will go on from its checkpoint. (`interrupted` in
    /// tables of old, which did not tell it from [`Stalled`](Self::Stalled).)
    #[serde(alias = "interrupted")]
    Stopped,
    /// Trained, selected and tested.
    Done,
    /// In a state that this program does not know.
    #[serde(other)]
    Unknown,
}

impl RunState {
    /// All of them, those that want a look first.
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

    /// How a run with this status stands if nothing has been heard of it for `silence` seconds (see
    /// [`silence`](crate::silence) and [`Pulse`](crate::Pulse)).
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

    /// Whether it has begun, is not over, and nobody trains it: it goes on from its checkpoint.
    #[must_use]
    pub fn is_interrupted(self) -> bool {
        matches!(self, Self::Stalled | Self::Stopped | Self::Unknown)
    }

    /// Whether it does not go on by itself: [`Failed`](Self::Failed) or [`Damaged`](Self::Damaged).
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
    fn words_in_json_are_those_for_people_and_old_ones_are_read() {
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
