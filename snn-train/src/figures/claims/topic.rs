//! The claims of one figure on one data set, and the quantities that they compare.

use std::path::Path;

use super::{
    claim::{Check, Claim, Verdict},
    findings,
};
use crate::{
    Error,
    figures::{
        Figure, FirstWeights, Interval, Reproduction, Runs, Scale,
        part::Part,
        runs::is_ended,
        sources::{Absence, Found, Source},
    },
};

/// Accuracies (%) that differ by less than this count as equal.
pub(super) const EQUAL: f64 = 3.0;

/// The lower bound that stands for "above 0".
pub(super) const ABOVE_0: f64 = f64::MIN_POSITIVE;

/// Which claims are requested, by their numbers, and whether they are to be tested.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) ids: Option<&'a [String]>,
    pub(super) test: bool,
}

/// A claim, and the runs that it compares.
pub(super) struct Tested {
    pub(super) claim: Claim,
    pub(super) figure: Figure,
    /// The runs, or the reason why there cannot be any.
    pub(super) parts: Result<Vec<Part>, String>,
}

/// The claims of one figure on one data set.
pub(super) struct Topic<'a> {
    reproduction: &'a Reproduction,
    request: Request<'a>,
    figure: Figure,
    data: String,
    /// Whether these data replace those of the paper.
    stands_in: bool,
    parts: Result<Vec<Part>, String>,
    /// The runs of the parts, once they have been read.
    runs: Option<Result<Runs, String>>,
    /// Why the runs cannot be compared with the paper.
    reason: Option<String>,
    pub(super) claims: Vec<Tested>,
}

impl<'a> Topic<'a> {
    pub(super) fn new(
        reproduction: &'a Reproduction,
        request: Request<'a>,
        figure: Figure,
        data: &str,
    ) -> Self {
        Self {
            reproduction,
            request,
            figure,
            data: data.to_owned(),
            stands_in: false,
            parts: Ok(Vec::new()),
            runs: None,
            reason: None,
            claims: Vec::new(),
        }
    }

    /// On a data set, its substitute, or neither.
    pub(super) fn on(
        reproduction: &'a Reproduction,
        request: Request<'a>,
        figure: Figure,
        source: &Source,
        found: &Result<Found, Absence>,
    ) -> Self {
        let topic = |title| Self::new(reproduction, request, figure, title);
        match found {
            Ok(found) => Self { stands_in: found.stands_in, ..topic(found.title) },
            Err(absence) => Self { parts: Err(absence.reason.clone()), ..topic(source.title) },
        }
    }

    /// Continues with claims that compare these runs.
    pub(super) fn compare(&mut self, parts: impl IntoIterator<Item = Part>) {
        if self.parts.is_ok() {
            self.parts = Ok(parts.into_iter().collect());
        }
        self.runs = None;
    }

    /// Continues with claims about numbers of the paper, which are only comparable on the same data set at full scale.
    pub(super) fn compare_with_the_paper(&mut self) {
        let reason = if self.stands_in {
            "another data set is used instead"
        } else if self.reproduction.scale() != Scale::Full {
            "needs runs at full scale"
        } else {
            return;
        };
        self.reason = Some(format!("{reason}: the accuracy is not comparable"));
    }

    /// Adds a claim; `checks` returns `None` if the runs are insufficient.
    ///
    /// # Errors
    /// Those of [`Sweep::plan`](crate::sweep::Sweep::plan), and [`snn_run::Error::Io`] for runs that cannot be read.
    pub(super) fn claim(
        &mut self,
        id: &'static str,
        figure: &'static str,
        statement: impl Into<String>,
        checks: impl FnOnce(&Runs) -> Option<Vec<Check>>,
    ) -> Result<(), Error> {
        if self.request.ids.is_some_and(|ids| ids.iter().all(|it| it != id)) {
            return Ok(());
        }
        let checked = match self.runs(id)? {
            Ok(runs) => checks(runs).ok_or_else(|| "too few models for an interval".to_owned()),
            Err(reason) => Err(reason.clone()),
        };
        let (checks, reason) = match checked {
            Ok(checks) => (checks, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        let (verdict, looked_into) =
            if reason.is_some() { (Verdict::NotTested, Vec::new()) } else { judge(&checks) };
        let next = (verdict == Verdict::Undecided).then(|| self.next(id)).flatten();
        let claim = Claim {
            id,
            statement: statement.into(),
            figure,
            data: self.data.clone(),
            stands_in: self.stands_in,
            scale: self.reproduction.scale(),
            batches: self.reproduction.number_of_batches(),
            verdict,
            looked_into,
            checks,
            reason,
            next,
        };
        let parts = match &self.reason {
            Some(reason) => Err(reason.clone()),
            None => self.parts.clone(),
        };
        self.claims.push(Tested { claim, figure: self.figure, parts });
        Ok(())
    }

    /// The runs, if all have ended; otherwise the reason why this claim is not tested.
    fn runs(&mut self, id: &str) -> Result<&Result<Runs, String>, Error> {
        let runs = match (self.runs.take(), &self.parts) {
            (Some(runs), _) => runs,
            (None, Err(reason)) => Err(reason.clone()),
            (None, Ok(_)) if !self.request.test => Err("not requested".to_owned()),
            (None, Ok(parts)) => all_runs(self.reproduction, parts, id)?
                .and_then(|runs| self.reason.clone().map_or(Ok(runs), Err)),
        };
        Ok(self.runs.insert(runs))
    }

    /// What would decide an undecided claim.
    fn next(&self, id: &str) -> Option<String> {
        let (scale, batches) = (self.reproduction.scale(), self.reproduction.number_of_batches());
        let weights = self.reproduction.first_weights();
        match scale {
            Scale::Full if batches < Reproduction::MOST_BATCHES => {
                let more = command(self.reproduction, scale, id, batches + 1);
                Some(format!("{more} adds models with other seeds"))
            }
            Scale::Quick | Scale::Reduced if weights.has_full_scale() => {
                Some(format!("{} tests it at full scale", command(self.reproduction, Scale::Full, id, 1)))
            }
            _ => None,
        }
    }
}

/// The runs of these parts, if all have ended; otherwise the command to finish them.
fn all_runs(reproduction: &Reproduction, parts: &[Part], id: &str) -> Result<Result<Runs, String>, Error> {
    let mut runs = Runs::default();
    let (mut all, mut ended, mut failed) = (0, 0, None);
    for part in parts {
        let results = reproduction.results(part)?;
        all += results.rows.len();
        ended += results.rows.iter().filter(|row| is_ended(row)).count();
        let has_failed = results.rows.iter().find(|row| row.state.has_failed() && !is_ended(row));
        failed = failed.or_else(|| has_failed.and_then(|row| row.message.clone()));
        runs = runs.and(Runs::new(results));
    }
    if ended == all {
        return Ok(Ok(runs));
    }
    let failed = failed.map_or_else(String::new, |message| format!(" (failed: {message})"));
    let command = command(reproduction, reproduction.scale(), id, reproduction.number_of_batches());
    Ok(Err(format!("{ended} of {all} runs are done{failed}; {command} trains the others")))
}

/// The command that trains the runs that a claim compares.
fn command(reproduction: &Reproduction, scale: Scale, id: &str, batches: u32) -> String {
    let weights = reproduction.first_weights();
    let default = |scale| Path::new("figures").join(weights.directory(scale));
    let mut options = String::new();
    if weights != FirstWeights::Active {
        options += &format!(" --initialization {weights}");
    }
    if batches > 1 {
        options += &format!(" --batches {batches}");
    }
    if scale == reproduction.scale() && reproduction.out() != default(scale) {
        options += &format!(" --out {}", reproduction.out().display());
    }
    format!("`snn figure --claims {id} --scale {scale}{options}`")
}

/// The verdict and, unless the claim holds, the findings.
pub(super) fn judge(checks: &[Check]) -> (Verdict, Vec<String>) {
    let verdict = Verdict::of(checks);
    if verdict == Verdict::Holds {
        return (verdict, Vec::new());
    }
    let open = checks.iter().filter(|check| check.holds() != Some(true));
    let of = |check: &Check| {
        // The models of several comparisons differ in more than the keys that each of them compares.
        let what = check.what.trim_end_matches(", points").trim_end_matches(", %");
        let name = if checks.len() > 1 { format!("{what}: ") } else { String::new() };
        check.models.iter().map(move |models| format!("{name}{models}")).collect::<Vec<_>>()
    };
    (verdict, open.flat_map(of).collect())
}

/// A quantity and its bounds, without models.
pub(super) fn check(
    what: impl Into<String>,
    interval: Interval,
    least: Option<f64>,
    most: Option<f64>,
) -> Check {
    Check { what: what.into(), interval, at_least: least, at_most: most, models: Vec::new() }
}

/// The mean of `a` minus that of `b`, in points of accuracy.
pub(super) fn difference(
    what: &str,
    a: &Runs,
    b: &Runs,
    least: Option<f64>,
    most: Option<f64>,
) -> Option<Check> {
    let interval = Interval::of_difference(&a.accuracies(), &b.accuracies())?;
    Some(Check { models: findings::of_two(a, b), ..check(format!("{what}, points"), interval, least, most) })
}

/// The mean accuracy of models.
pub(super) fn accuracy(what: &str, models: &Runs, least: Option<f64>, most: Option<f64>) -> Option<Check> {
    let interval = Interval::of_mean(&models.accuracies())?;
    Some(Check { models: findings::of_one(models), ..check(format!("{what}, %"), interval, least, most) })
}

/// Whether the mean accuracies of `a` and `b` are equal.
pub(super) fn equal(what: &str, a: &Runs, b: &Runs) -> Option<Check> {
    difference(what, a, b, Some(-EQUAL), Some(EQUAL))
}
