//! The state of submitted runs.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::commands;
use crate::{
    error::Error,
    sweep::{Row, RunState, SweepDir},
};

/// The state of a sweep in Slurm.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Queue {
    /// The queued and running elements, in the order of submission.
    pub elements: Vec<Element>,
    /// The ids of all runs that were ever submitted.
    submitted: HashSet<String>,
    /// The states of the elements of a run.
    held: HashMap<String, ElementState>,
}

/// A queued or running array element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Element {
    /// The job of the array.
    pub job: u64,
    /// Its index in the array, from 0.
    pub element: usize,
    /// Its state.
    pub state: ElementState,
    /// Its node.
    pub node: Option<String>,
    /// Slurm's reason why it waits.
    pub reason: Option<String>,
    /// The ids of its runs.
    pub runs: Vec<String>,
}

/// The state of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ElementState {
    /// Waits for its first start.
    Queued,
    /// Requeued: was started before, and waits again.
    Requeued,
    /// Running on a node.
    Running,
}

/// The state of a submitted run that is not done, failed or being trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Its element waits, or runs and has not reached it.
    Queued,
    /// Its element was requeued.
    Requeued,
    /// It is no longer in any queued element, and must be submitted again.
    Lost,
}

impl Queue {
    /// Why a run of the sweep waits; `None` if it does not, or was never submitted.
    #[must_use]
    pub fn wait(&self, row: &Row) -> Option<Wait> {
        let waits = row.state == RunState::Pending || row.state.is_interrupted();
        if !waits || !self.submitted.contains(&row.id) {
            return None;
        }
        Some(match self.held.get(&row.id) {
            Some(ElementState::Queued | ElementState::Running) => Wait::Queued,
            Some(ElementState::Requeued) => Wait::Requeued,
            None => Wait::Lost,
        })
    }

    /// Whether a queued or running element will train this run.
    #[must_use]
    pub fn holds(&self, id: &str) -> bool {
        self.held.contains_key(id)
    }
}

impl SweepDir {
    /// The state of this sweep in Slurm, from files, and from `squeue` if anything was submitted.
    ///
    /// # Errors
    /// [`Error::NoSlurm`] and [`Error::Slurm`] if `squeue` is needed and missing, or fails; [`snn_run::Error::Io`] and
    /// [`snn_run::Error::DamagedFile`].
    pub fn queue(&self) -> Result<Queue, Error> {
        let arrays: Vec<_> =
            self.submissions()?.into_iter().filter_map(|array| Some((array.job?, array.elements))).collect();
        if arrays.is_empty() {
            return Ok(Queue::default());
        }
        Ok(Queue::new(&arrays, &commands::squeue()?))
    }
}

impl Queue {
    /// The state given the arrays, each with its job and the runs of its elements, and the output of `squeue`.
    fn new(arrays: &[(u64, Vec<Vec<String>>)], listing: &str) -> Self {
        let listed: HashMap<_, _> =
            listing.lines().filter_map(Listed::parse).map(|it| ((it.job, it.element), it)).collect();
        let mut queue = Self::default();
        for (job, elements) in arrays {
            queue.submitted.extend(elements.iter().flatten().cloned());
            for (element, runs) in elements.iter().enumerate() {
                let Some(listed) = listed.get(&(*job, element)) else { continue };
                queue.held.extend(runs.iter().map(|id| (id.clone(), listed.state)));
                let Listed { state, node, reason, .. } = *listed;
                let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
                let reason = text(reason).filter(|reason| state != ElementState::Running && reason != "None");
                queue.elements.push(Element {
                    job: *job,
                    element,
                    state,
                    node: text(node),
                    reason,
                    runs: runs.clone(),
                });
            }
        }
        queue
    }
}

/// A line of `squeue`.
struct Listed<'a> {
    job: u64,
    element: usize,
    state: ElementState,
    node: &'a str,
    reason: &'a str,
}

impl<'a> Listed<'a> {
    /// `None` for a job that is not an array element, and for a finished one.
    fn parse(line: &'a str) -> Option<Self> {
        const ENDED: [&str; 10] = [
            "BOOT_FAIL",
            "CANCELLED",
            "COMPLETED",
            "DEADLINE",
            "FAILED",
            "NODE_FAIL",
            "OUT_OF_MEMORY",
            "PREEMPTED",
            "REVOKED",
            "TIMEOUT",
        ];
        let mut columns = line.splitn(6, '|').map(str::trim);
        let mut next = || columns.next();
        let (job, element) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let (state, restarts) = (next()?, next()?);
        if ENDED.contains(&state) {
            return None;
        }
        let state = match state {
            "PENDING" if restarts == "0" => ElementState::Queued,
            "PENDING" | "REQUEUED" | "REQUEUE_FED" | "REQUEUE_HOLD" | "SPECIAL_EXIT" => {
                ElementState::Requeued
            }
            // Starting, suspended, ending and unknown states: also on a node.
            _ => ElementState::Running,
        };
        Some(Self { job, element, state, node: next()?, reason: next()?.trim_end_matches('|') })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    const LISTING: &str = "\
12|0|RUNNING|0|node1|None|
12|1|PENDING|0||Priority|
12|2|PENDING|2||BeginTime|
12|3|FAILED|0|node2|NonZeroExitCode|
7|0|COMPLETED|0|node1|None|
9|N/A|RUNNING|0|node3|None|
99|1|PENDING|0||Priority|
13|0|COMPLETING|1|node2|None|
";

    #[test]
    fn runs_are_found_by_their_elements() {
        let ids = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        let arrays = [
            (7, vec![ids(&["a", "b", "g"])]),
            (12, vec![ids(&["a", "b"]), ids(&["c"]), ids(&["d"]), ids(&["e"])]),
            (13, vec![ids(&["f"])]),
        ];
        let queue = Queue::new(&arrays, LISTING);
        let wait = |id: &str, state| {
            let row: Row = serde_json::from_value(serde_json::json!({
                "id": id, "settings": {}, "state": state, "epoch": 0, "valid_accuracy": null, "valid_loss": null,
                "test_accuracy": null, "spikes": null, "seconds": 0.0, "message": null,
            }))
            .unwrap();
            queue.wait(&row)
        };
        assert_eq!(wait("a", RunState::Running), None);
        assert_eq!(wait("b", RunState::Pending), Some(Wait::Queued), "its element has not reached it");
        assert_eq!(wait("c", RunState::Pending), Some(Wait::Queued));
        assert_eq!(wait("d", RunState::Stopped), Some(Wait::Requeued));
        assert_eq!(wait("e", RunState::Stalled), Some(Wait::Lost));
        assert_eq!(wait("f", RunState::Stopped), Some(Wait::Queued), "ending or restarting");
        assert_eq!(wait("g", RunState::Done), None);
        assert_eq!(wait("h", RunState::Pending), None, "never submitted");
        assert!(queue.holds("a") && !queue.holds("e") && !queue.holds("g"));

        let shown: Vec<_> = queue.elements.iter().map(|it| (it.job, it.element, it.state)).collect();
        let (queued, requeued, running) =
            (ElementState::Queued, ElementState::Requeued, ElementState::Running);
        assert_eq!(shown, [(12, 0, running), (12, 1, queued), (12, 2, requeued), (13, 0, running)]);
        assert_eq!(queue.elements[0].node.as_deref(), Some("node1"));
        assert_eq!(queue.elements[1].reason.as_deref(), Some("Priority"));
    }
}
