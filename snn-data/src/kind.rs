//! Spikes or analog values.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The form of a data set's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// Spikes: which unit, in which step.
    Events,
    /// One analog value for each unit and step.
    Frames,
}

impl fmt::Display for InputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Events => "events",
            Self::Frames => "frames",
        })
    }
}
