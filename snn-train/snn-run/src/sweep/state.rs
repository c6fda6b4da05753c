//! How a run stands.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::status::{RecordedState, Status};

/// A running run that has not been heard of for so long (seconds) was interrupted.
const STALLED: f64 = 60.0;

/// How a run of a sweep stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Not begun.
    Pending,
    /// Being trained.
    Running,
    /// Stopped or killed before its end; it will go on from its checkpoint.
    Interrupted,
    /// Ended by an error, or so damaged that it cannot be read.
    Failed,
    /// Trained, selected and tested.
    Done,
}

impl RunState {
    /// How a run with this status stands.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        match status.state {
            RecordedState::Done => Self::Done,
            RecordedState::Failed => Self::Failed,
            RecordedState::Running => {
                let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64();
                if status.is_stalled(now, STALLED) { Self::Interrupted } else { Self::Running }
            }
            RecordedState::Stopped | RecordedState::Unknown => Self::Interrupted,
        }
    }
}
