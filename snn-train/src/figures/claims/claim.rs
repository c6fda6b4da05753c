//! A claim of the paper, and its test result.

use serde::Serialize;

use crate::figures::{Scale, statistics::Interval};

/// A claim of the paper, and its test result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Claim {
    /// Its number, with a letter if it has parts.
    pub id: &'static str,
    /// The statement of the paper.
    pub statement: String,
    /// The panel of the paper that shows it.
    pub figure: &'static str,
    /// The data used to test it.
    pub data: String,
    /// Whether these data replace those of the paper.
    pub stands_in: bool,
    /// The scale of the runs.
    pub scale: Scale,
    /// The number of batches of seeds, as for [`Reproduction::batches`](crate::figures::Reproduction::batches).
    pub batches: u32,
    /// The measured quantities and expected bounds.
    pub checks: Vec<Check>,
    /// The verdict.
    pub verdict: Verdict,
    /// If it does not hold or is undecided: properties of the compared models, and what the paper does not specify.
    pub looked_into: Vec<String>,
    /// Why it was not tested.
    pub reason: Option<String>,
    /// If it is undecided: the command that trains more runs, if the protocol has any.
    pub next: Option<String>,
}

/// A quantity, and its expected bounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Its description, with the unit.
    pub what: String,
    /// The quantity with its 95 % interval.
    #[serde(flatten)]
    pub interval: Interval,
    /// Its expected lower bound.
    pub at_least: Option<f64>,
    /// Its expected upper bound.
    pub at_most: Option<f64>,
    /// The models that it was measured on, by condition: their number, their accuracies, and common explanations for
    /// these.
    pub models: Vec<String>,
}

/// The verdict on a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All intervals are within the expected bounds.
    Holds,
    /// An interval is outside the expected bounds.
    DoesNotHold,
    /// An interval includes a bound: more runs would be needed.
    Undecided,
    /// It could not be tested.
    NotTested,
}

impl Check {
    /// Whether the interval is within the bounds; `None` if it includes one.
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
