//! The paper's claims, tested with the runs of the figures.
//!
//! Every claim has one or more [`Check`]s: a quantity with its 95 % bootstrap interval (percentiles, two-sided) and the expected
//! bounds. The interval decides, not its center: a claim holds if all intervals are within their bounds, does not hold if one is
//! outside of them, and is undecided otherwise.

mod claim;
mod columns;
mod findings;
mod list;
mod report;
mod topic;

use super::{Reproduction, Scale};
use crate::Error;

pub use claim::{Check, Claim, Verdict};

pub use columns::{ClaimColumn, columns_to_markdown, columns_to_text, draw_columns};

pub use report::{METHOD as CLAIM_METHOD, claims_to_markdown, claims_to_text};

impl Reproduction {
    /// Tests the claims of the paper with the existing runs, without training.
    ///
    /// # Errors
    /// Those of [`Sweep::plan`](crate::sweep::Sweep::plan), and [`snn_run::Error::Io`] for runs that cannot be read.
    pub fn claims(&self) -> Result<Vec<Claim>, Error> {
        let mut claims = list::claims(self)?;
        if self.scale() == Scale::Smoke {
            for claim in &mut claims {
                claim.verdict = Verdict::NotTested;
                claim.looked_into.clear();
                let reason = "runs at smoke scale are too small to test claims".to_owned();
                claim.reason.get_or_insert(reason);
            }
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::statistics::Interval;

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
        let nothing = check(0.0, 0.0, Some(topic::ABOVE_0), None);
        assert_eq!(nothing.holds(), Some(false), "no difference is not an improvement");
        assert_eq!(Verdict::of(&[yes.clone(), yes.clone()]), Verdict::Holds);
        assert_eq!(Verdict::of(&[yes.clone(), open.clone()]), Verdict::Undecided);
        assert_eq!(Verdict::of(&[yes, open, no]), Verdict::DoesNotHold);
    }

    #[test]
    fn failed_claims_have_findings() {
        let topic = |bounds: (Option<f64>, Option<f64>)| {
            let models = vec!["models: 3 models".to_owned()];
            let found = Check { models, ..check(4.0, 6.0, bounds.0, bounds.1) };
            topic::judge(&[check(1.0, 2.0, None, None), found])
        };
        assert_eq!(topic((Some(3.0), None)), (Verdict::Holds, vec![]));
        for (bounds, verdict) in
            [((Some(9.0), None), Verdict::DoesNotHold), ((None, Some(5.0)), Verdict::Undecided)]
        {
            let (found, findings) = topic(bounds);
            assert_eq!(found, verdict);
            assert_eq!(findings, ["models: 3 models"]);
        }
    }

    #[test]
    fn without_runs_nothing_is_tested_and_every_claim_has_a_reason() {
        let directory = tempfile::tempdir().unwrap();
        let claims = Reproduction::new(directory.path(), Scale::Quick).claims().unwrap();
        let ids: Vec<_> = claims.iter().map(|claim| claim.id).collect();
        // Topic by topic, the last letter of each.
        let topics = ["1c", "2b", "3c", "4b", "5c", "6b", "7o", "8f"];
        let expected: Vec<_> = topics
            .iter()
            .flat_map(|last| {
                let (topic, last) = last.split_at(1);
                ('a'..=last.chars().next().unwrap()).map(move |letter| format!("{topic}{letter}"))
            })
            .collect();
        assert_eq!(expected.len(), 36);
        assert_eq!(ids, expected, "every claim once, in the order of the list");
        for claim in &claims {
            assert_eq!(claim.verdict, Verdict::NotTested, "{}", claim.id);
            assert!(claim.reason.as_ref().is_some_and(|reason| reason.len() > 10), "{claim:?}");
        }
        let entries = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(entries, 0, "testing claims creates no files");
        assert!(claims_to_text(&claims, 80).lines().all(|line| line.chars().count() <= 80));
        let markdown = claims_to_markdown(&claims);
        assert_eq!(markdown.lines().filter(|line| line.contains("not tested")).count(), claims.len());
    }
}
