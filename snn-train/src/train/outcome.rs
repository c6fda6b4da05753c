//! The outcome of a run.

use snn_run::{Best, TestRecord};

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Whether an observer stopped it before its end.
    pub stopped: bool,
    /// Completed epochs.
    pub epoch: u32,
    /// The best epoch on validation.
    pub best: Option<Best>,
    /// The test of the selected model, unless the run was stopped or no samples are held out for a test.
    pub test: Option<TestRecord>,
}
