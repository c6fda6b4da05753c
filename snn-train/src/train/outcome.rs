//! How a run ended.

use snn_run::{Best, TestRecord};

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Whether an observer stopped it before its end.
    pub stopped: bool,
    /// Epochs completed.
    pub epoch: u32,
    /// The best of them on validation.
    pub best: Option<Best>,
    /// How the selected model did in the test, unless stopped, or no samples are held out for a test.
    pub test: Option<TestRecord>,
}
