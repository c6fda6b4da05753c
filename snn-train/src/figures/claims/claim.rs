//! A claim of the paper, and what was found about it.

use serde::Serialize;

use crate::figures::{Scale, statistics::Interval};

/// A claim of the paper, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// Its number, and a letter where it has parts.
    pub id: &'static str,
    /// What the paper says.
    pub statement: String,
    /// The panel of the paper that shows it.
    pub figure: &'static str,
    /// The data that it was tested on.
    pub data: String,
    /// The scale of the runs.
    pub scale: Scale,
    /// What was measured, and what the claim expects.
    pub checks: Vec<Check>,
    /// What they come to.
    pub verdict: Verdict,
    /// Where it does not hold or is undecided: what the models compared are like, and what the paper leaves open.
    pub looked_into: Vec<String>,
    /// Why it was not tested.
    pub reason: Option<String>,
}

/// A quantity, and where the claim expects it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// What it is, with its unit.
    pub what: String,
    /// The quantity with its 95 % interval.
    #[serde(flatten)]
    pub interval: Interval,
    /// The claim expects it no lower.
    pub at_least: Option<f64>,
    /// The claim expects it no higher.
    pub at_most: Option<f64>,
    /// The models that it was measured on, condition by condition: how many, their accuracies, and what often explains
    /// these.
    pub models: Vec<String>,
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All intervals lie where they are expected.
    Holds,
    /// An interval lies where it is not expected.
    DoesNotHold,
    /// An interval reaches across a bound: more runs would be needed.
    Undecided,
    /// There is nothing to test it with.
    NotTested,
}

impl Check {
    /// Whether the interval lies within the bounds; `None` if it reaches across one.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
        let Interval { low, high, .. } = self.interval;
        let (least, most) =
            (self.at_least.unwrap_or(f64::NEG_INFINITY), self.at_most.unwrap_or(f64::INFINITY));
        if low >= least && high <= most {
            Some(true)
        } else if high < least || low > most {
            Some(false)
        } else {
            None
        }
    }
}

impl Verdict {
    pub(super) fn of(checks: &[Check]) -> Self {
        let results: Vec<_> = checks.iter().map(Check::holds).collect();
        if results.contains(&Some(false)) {
            Self::DoesNotHold
        } else if results.contains(&None) {
            Self::Undecided
        } else {
            Self::Holds
        }
    }
}
