//! A sweep as the dashboard sees it.

use snn_run::sweep::{Manifest, Results, RunState, SweepDir};

/// The plan of a sweep and what its runs have come to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SweepView {
    pub(crate) manifest: Manifest,
    pub(crate) results: Results,
    /// Seconds of computing left, from the mean time of the runs that are done; without one of those nothing is known.
    pub(crate) computing_left: Option<f64>,
}

impl SweepView {
    pub(crate) fn of(sweep: &SweepDir, results: Results) -> Self {
        let done: Vec<f64> =
            results.rows.iter().filter(|row| row.state == RunState::Done).map(|row| row.seconds).collect();
        let mean = (!done.is_empty()).then(|| done.iter().sum::<f64>() / done.len() as f64);
        let left = |mean: f64| {
            let open =
                results.rows.iter().filter(|row| row.state != RunState::Done && !row.state.has_failed());
            open.map(|row| (mean - row.seconds).max(0.0)).sum()
        };
        Self { manifest: sweep.manifest().clone(), computing_left: mean.map(left), results }
    }

    /// Seconds to the end if as many runs go on side by side as now.
    pub(crate) fn remaining(&self) -> Option<f64> {
        let running = self.results.count(RunState::Running);
        self.computing_left.filter(|_| running > 0).map(|left| left / running as f64)
    }
}
