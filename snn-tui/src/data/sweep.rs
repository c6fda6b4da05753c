//! A sweep as the dashboard shows it.

use snn_run::{
    Naming,
    sweep::{Manifest, Results, RunState, SweepDir},
};

/// The plan of a sweep and the results of its runs so far.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SweepView {
    pub(crate) manifest: Manifest,
    pub(crate) results: Results,
    /// The prefix of its run names.
    pub(crate) naming: Naming,
    /// Classes of its data, if known; with several numbers, the largest.
    pub(crate) classes: Option<usize>,
    /// Remaining seconds of computing, from the mean time of the finished runs; `None` while there are none.
    pub(crate) computing_left: Option<f64>,
}

impl SweepView {
    pub(crate) fn of(sweep: &SweepDir, results: Results, classes: Option<usize>) -> Self {
        let done: Vec<f64> =
            results.rows.iter().filter(|row| row.state == RunState::Done).map(|row| row.seconds).collect();
        let mean = (!done.is_empty()).then(|| done.iter().sum::<f64>() / done.len() as f64);
        let left = |mean: f64| {
            let open =
                results.rows.iter().filter(|row| row.state != RunState::Done && !row.state.has_failed());
            open.map(|row| (mean - row.seconds).max(0.0)).sum()
        };
        let computing_left = mean.map(left);
        let naming = Naming::of(results.rows.iter().map(|row| (row.id.as_str(), &row.settings)));
        Self { manifest: sweep.manifest().clone(), naming, classes, computing_left, results }
    }

    /// Whether its loss is the cross-entropy, which is ln(classes) for guessing.
    pub(crate) fn is_cross_entropy(&self) -> bool {
        let varies = self.manifest.axes.iter().any(|axis| axis.key == "loss.name");
        let name =
            self.manifest.base.get("loss").and_then(|loss| loss.get("name")).and_then(|it| it.as_str());
        !varies && name.is_none_or(|name| name == "cross-entropy")
    }

    /// Seconds to the end if the number of concurrent runs does not change.
    pub(crate) fn remaining(&self) -> Option<f64> {
        let running = self.results.count(RunState::Running);
        self.computing_left.filter(|_| running > 0).map(|left| left / running as f64)
    }
}
