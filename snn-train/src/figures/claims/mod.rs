//! The paper's claims, held against the runs behind the figures.
//!
//! Every claim becomes one or more [`Check`]s: a quantity with its 95 % bootstrap interval (percentiles, two-sided) that the
//! claim expects above, below or between bounds stated with it. The interval decides, not its middle: a claim holds if all
//! intervals lie within their bounds, does not hold if one lies outside of them, and is undecided in between.

mod findings;
mod list;
mod report;

use std::path::Path;

use serde::Serialize;

use super::{Figure, Reproduction, Runs, Scale, runs::is_ended, statistics::Interval};
use crate::{Error, sweep::Sweep};

pub use report::{METHOD as CLAIM_METHOD, claims_to_markdown, claims_to_text};

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
    fn of(checks: &[Check]) -> Self {
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

impl Reproduction {
    /// Tests the claims of the paper with the runs that are there; trains nothing.
    ///
    /// # Errors
    /// Those of [`Sweep::plan`], and [`snn_run::Error::Io`] for runs that cannot be read.
    pub fn claims(&self) -> Result<Vec<Claim>, Error> {
        let mut claims = list::claims(self)?;
        if self.scale() == Scale::Smoke {
            for claim in &mut claims {
                claim.verdict = Verdict::NotTested;
                claim.looked_into.clear();
                let reason = "runs at smoke scale are too small to say anything".to_owned();
                claim.reason.get_or_insert(reason);
            }
        }
        Ok(claims)
    }

    /// The runs of a sweep, if all have come to an end; otherwise what to do about it.
    fn all_runs(&self, figure: Figure, sweep: &Sweep) -> Result<Result<Runs, String>, Error> {
        let results = self.results(sweep)?;
        let (all, ended) = (results.rows.len(), results.rows.iter().filter(|row| is_ended(row)).count());
        if ended == all {
            return Ok(Ok(Runs::new(results)));
        }
        let (number, scale) = (figure.number(), self.scale());
        let default = Path::new("figures").join(scale.to_string());
        let out =
            if self.out() == default { String::new() } else { format!(" --out {}", self.out().display()) };
        let failed = results.rows.iter().find(|row| row.state.has_failed() && !is_ended(row));
        let failed = failed.and_then(|row| row.message.as_deref());
        let failed = failed.map_or_else(String::new, |message| format!(" (failed: {message})"));
        let what = format!("`snn figure {number} --scale {scale}{out}` trains the rest");
        Ok(Err(format!("{ended} of {all} runs are done{failed}; {what}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(low: f64, high: f64, at_least: Option<f64>, at_most: Option<f64>) -> Check {
        let interval = Interval { value: (low + high) / 2.0, low, high };
        Check { what: String::new(), interval, at_least, at_most, models: Vec::new() }
    }

    #[test]
    fn intervals_decide() {
        assert_eq!(check(-1.0, 2.0, Some(-3.0), Some(3.0)).holds(), Some(true));
        assert_eq!(check(-1.0, 4.0, Some(-3.0), Some(3.0)).holds(), None);
        assert_eq!(check(4.0, 5.0, Some(-3.0), Some(3.0)).holds(), Some(false));
        assert_eq!(check(4.0, 5.0, Some(3.0), None).holds(), Some(true));
        assert_eq!(check(1.0, 2.0, Some(3.0), None).holds(), Some(false));
        let (yes, no, open) = (
            check(1.0, 2.0, Some(0.0), None),
            check(1.0, 2.0, Some(5.0), None),
            check(1.0, 2.0, Some(1.5), None),
        );
        let nothing = check(0.0, 0.0, Some(list::ABOVE_0), None);
        assert_eq!(nothing.holds(), Some(false), "no difference is not more");
        assert_eq!(Verdict::of(&[yes.clone(), yes.clone()]), Verdict::Holds);
        assert_eq!(Verdict::of(&[yes.clone(), open.clone()]), Verdict::Undecided);
        assert_eq!(Verdict::of(&[yes, open, no]), Verdict::DoesNotHold);
    }

    #[test]
    fn what_does_not_hold_is_looked_into() {
        let topic = |bounds: (Option<f64>, Option<f64>)| {
            let models = vec!["models: 3 models".to_owned()];
            let found = Check { models, ..check(4.0, 6.0, bounds.0, bounds.1) };
            list::judge("8b", &[check(1.0, 2.0, None, None), found])
        };
        assert_eq!(topic((Some(3.0), None)), (Verdict::Holds, vec![]));
        for (bounds, verdict) in
            [((Some(9.0), None), Verdict::DoesNotHold), ((None, Some(5.0)), Verdict::Undecided)]
        {
            let (found, findings) = topic(bounds);
            assert_eq!(found, verdict);
            assert_eq!(findings[0], "models: 3 models");
            assert!(findings[1].contains("the paper does not say"), "{findings:?}");
        }
    }

    #[test]
    fn without_runs_nothing_is_tested_and_every_claim_says_why() {
        let directory = tempfile::tempdir().unwrap();
        let claims = Reproduction::new(directory.path(), Scale::Quick).claims().unwrap();
        assert!(claims.len() > 20, "{}", claims.len());
        let mut ids: Vec<_> = claims.iter().map(|claim| claim.id).collect();
        ids.dedup();
        assert_eq!(ids.len(), claims.len(), "every claim has its own number");
        for number in 1..=8 {
            assert!(ids.iter().any(|id| id.starts_with(&number.to_string())), "{number}");
        }
        for claim in &claims {
            assert_eq!(claim.verdict, Verdict::NotTested, "{}", claim.id);
            assert!(claim.reason.as_ref().is_some_and(|reason| reason.len() > 10), "{claim:?}");
        }
        let entries = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(entries, 0, "asking leaves nothing behind");
        assert!(claims_to_text(&claims, 80).lines().all(|line| line.chars().count() <= 80));
        let markdown = claims_to_markdown(&claims);
        assert_eq!(markdown.lines().filter(|line| line.contains("not tested")).count(), claims.len());
    }
}
