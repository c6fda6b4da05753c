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

use std::collections::BTreeSet;

use super::{Figure, Reproduction, Scale, part::Part};
use crate::Error;
use topic::{Request, Tested};

pub use claim::{Check, Claim, Verdict};

pub use columns::{ClaimColumn, columns_to_markdown, columns_to_text, draw_columns};

pub use report::{METHOD as CLAIM_METHOD, claims_to_markdown, claims_to_text};

impl Reproduction {
    /// Tests the claims of the paper with the existing runs, without training: with one batch of seeds, then the undecided ones
    /// with two if these runs exist, and so on, up to the number of [`batches`](Self::batches).
    ///
    /// # Errors
    /// Those of [`Sweep::plan`](crate::sweep::Sweep::plan), and [`snn_run::Error::Io`] for runs that cannot be read.
    pub fn claims(&self) -> Result<Vec<Claim>, Error> {
        let most = self.number_of_batches();
        let mut claims = self.clone().batches(1)?.test(None)?;
        for batches in 2..=most {
            let open: Vec<_> = claims
                .iter()
                .filter(|claim| claim.verdict == Verdict::Undecided)
                .map(|claim| claim.id.to_owned())
                .collect();
            if open.is_empty() {
                break;
            }
            for more in self.clone().batches(batches)?.test(Some(&open))? {
                let same = claims.iter_mut().find(|claim| claim.id == more.id);
                if let Some(claim) = same.filter(|_| more.verdict != Verdict::NotTested) {
                    *claim = more;
                }
            }
        }
        Ok(claims)
    }

    fn test(&self, ids: Option<&[String]>) -> Result<Vec<Claim>, Error> {
        let tested = list::claims(self, Request { ids, test: true })?;
        let mut claims: Vec<_> = tested.into_iter().map(|it| it.claim).collect();
        if self.scale() == Scale::Smoke {
            for claim in &mut claims {
                claim.verdict = Verdict::NotTested;
                claim.looked_into.clear();
                claim.next = None;
                let reason = "runs at smoke scale are too small to test claims".to_owned();
                claim.reason.get_or_insert(reason);
            }
        }
        Ok(claims)
    }

    /// The figures whose runs these claims compare, if it is restricted to claims.
    ///
    /// # Errors
    /// [`Error::Impossible`] for a claim that does not exist, or that cannot be tested with these settings.
    pub fn figures_of_claims(&self) -> Result<Vec<Figure>, Error> {
        let figures: BTreeSet<_> = self.requested()?.into_iter().map(|it| it.figure).collect();
        Ok(figures.into_iter().collect())
    }

    /// The runs of a figure that these claims compare, if it is restricted to claims.
    pub(super) fn parts_of_claims(&self, figure: Figure) -> Result<Option<Vec<Part>>, Error> {
        if self.restriction().is_none() {
            return Ok(None);
        }
        let mut parts = Vec::new();
        for Tested { claim, parts: more, .. } in
            self.requested()?.into_iter().filter(|it| it.figure == figure)
        {
            let more = more.map_err(|reason| Error::Impossible(format!("claim {}: {reason}", claim.id)))?;
            let several = more.len() > 1;
            parts.extend(more.into_iter().zip(1..).map(|(part, number)| {
                let number = if several { format!("-{number}") } else { String::new() };
                part.named(format!("claim-{}{number}", claim.id))
            }));
        }
        Ok(Some(parts))
    }

    fn requested(&self) -> Result<Vec<Tested>, Error> {
        let Some(ids) = self.restriction() else { return Ok(Vec::new()) };
        let tested = list::claims(self, Request { ids: Some(ids), test: false })?;
        match ids.iter().find(|id| tested.iter().all(|it| it.claim.id != **id)) {
            Some(id) => {
                Err(Error::Impossible(format!("there is no claim `{id}`; `snn claims` lists all of them")))
            }
            None => Ok(tested),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        figures::{
            Setting as _, figure6,
            protocol::{INIT_SEED, RESET_GRADIENT, SHAPE},
            same,
            sources::SHD,
            statistics::Interval,
        },
        sweep::RunState,
    };

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
            let what = "accuracy, %".to_owned();
            let found = Check { what, models, ..check(4.0, 6.0, bounds.0, bounds.1) };
            topic::judge(&[check(1.0, 2.0, None, None), found])
        };
        assert_eq!(topic((Some(3.0), None)), (Verdict::Holds, vec![]));
        for (bounds, verdict) in
            [((Some(9.0), None), Verdict::DoesNotHold), ((None, Some(5.0)), Verdict::Undecided)]
        {
            let (found, findings) = topic(bounds);
            assert_eq!(found, verdict);
            assert_eq!(findings, ["accuracy: models: 3 models"], "with several checks, their names");
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

    /// Undecided claims, and no others, are tested with further batches of seeds if these exist.
    #[test]
    fn further_batches_are_used_for_undecided_claims() {
        let directory = tempfile::tempdir().unwrap();
        let reproduction = || Reproduction::new(directory.path(), Scale::Full);
        let record = |batches, gap: [f64; 2]| {
            let own = reproduction().batches(batches).unwrap().only_claims(&["5a", "5b"]).unwrap();
            let parts = own.parts_of_claims(Figure::Scale).unwrap().unwrap();
            assert_eq!(parts.iter().map(Part::name).collect::<Vec<_>>(), ["claim-5a", "claim-5b"]);
            for part in parts {
                let mut rows = own.looked_up(part.plan().unwrap()).unwrap().rows;
                rows.retain(|row| row.number(INIT_SEED) == f64::from(batches - 1));
                for row in &mut rows {
                    let is_worse = row.is(SHAPE, "asymptotic") && row.is(RESET_GRADIENT, "differentiable");
                    let lower = if is_worse { gap[usize::from(same(row.eta(), 0.001))] } else { 0.0 };
                    row.state = RunState::Done;
                    row.valid_accuracy = Some(0.9);
                    row.test_accuracy = Some(0.9 - lower);
                }
                own.keep(rows).unwrap();
            }
        };
        let claims = |batches| {
            let claims = reproduction().batches(batches).unwrap().claims().unwrap();
            ["5a", "5b"].map(|id| claims.iter().find(|claim| claim.id == id).unwrap().clone())
        };
        record(1, [0.0, 0.08]);
        for batches in 1..=3 {
            let [equal, impaired] = claims(batches);
            assert_eq!((equal.verdict, equal.batches, equal.next), (Verdict::Holds, 1, None));
            assert_eq!(
                (impaired.verdict, impaired.batches),
                (Verdict::Undecided, 1),
                "{:?}",
                impaired.checks
            );
            let next = impaired.next.unwrap();
            assert!(next.starts_with("`snn figure --claims 5b --scale full --batches 2 --out "), "{next}");
        }
        record(2, [0.08, 0.08]);
        let [equal, impaired] = claims(3);
        assert_eq!((equal.verdict, equal.batches), (Verdict::Holds, 1));
        assert_eq!((impaired.verdict, impaired.batches), (Verdict::Holds, 2), "{:?}", impaired.checks);
        assert_eq!((claims(1)[1].verdict, claims(1)[1].batches), (Verdict::Undecided, 1));
    }

    #[test]
    fn claims_are_tested_on_recorded_runs_without_the_data_files() {
        let directory = tempfile::tempdir().unwrap();
        let reproduction = Reproduction::new(directory.path(), Scale::Reduced).only(&["shd"]).unwrap();
        let sweep = |found| figure6::sweep(&reproduction, 'c', found);
        let find = || reproduction.find_or_recall(&SHD, sweep).unwrap();
        if find().is_ok() {
            // The files are here.
            return;
        }
        let part = Part::from(sweep(SHD.itself()).unwrap());
        let mut rows = reproduction.looked_up(part.plan().unwrap()).unwrap().rows;
        for (number, row) in (0_u32..).zip(&mut rows) {
            row.state = RunState::Done;
            row.valid_accuracy = Some(f64::from(number % 5) / 10.0);
            row.test_accuracy = Some(if row.recurrent() { 0.8 } else { 0.7 } + f64::from(number % 3) / 100.0);
        }
        reproduction.keep(rows).unwrap();
        assert!(find().is_ok_and(|found| !found.stands_in));
        let claims = reproduction.claims().unwrap();
        let better = claims.iter().find(|claim| claim.id == "7f").unwrap();
        assert_eq!((better.verdict, better.data.as_str()), (Verdict::Holds, "SHD"));
    }
}
