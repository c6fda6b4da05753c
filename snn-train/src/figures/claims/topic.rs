//! The claims of one figure on one data set, and the quantities that they compare.

use std::path::Path;

use super::{
    claim::{Check, Claim, Verdict},
    findings,
};
use crate::{
    Error,
    figures::{Figure, FirstWeights, Interval, Reproduction, Runs, Scale, runs::is_ended},
    sweep::Sweep,
};

/// Accuracies (%) that differ by less than this count as equal.
pub(super) const EQUAL: f64 = 3.0;

/// The lower bound that stands for "above 0".
pub(super) const ABOVE_0: f64 = f64::MIN_POSITIVE;

/// The claims of one figure on one data set.
pub(super) struct Topic<'a> {
    reproduction: &'a Reproduction,
    data: String,
    /// Whether these data replace those of the paper.
    pub(super) stands_in: bool,
    pub(super) runs: Result<Runs, String>,
    pub(super) claims: Vec<Claim>,
}

impl<'a> Topic<'a> {
    pub(super) fn new(reproduction: &'a Reproduction, data: &str, runs: Result<Runs, String>) -> Self {
        Self { reproduction, data: data.to_owned(), stands_in: false, runs, claims: Vec::new() }
    }

    /// All runs of these sweeps of a figure.
    pub(super) fn of(
        reproduction: &'a Reproduction,
        data: &str,
        figure: Figure,
        sweeps: &[Sweep],
    ) -> Result<Self, Error> {
        let mut topic = Self::new(reproduction, data, Ok(Runs::default()));
        topic.turn_to(figure, sweeps)?;
        Ok(topic)
    }

    /// Continues with the runs of other sweeps.
    pub(super) fn turn_to(&mut self, figure: Figure, sweeps: &[Sweep]) -> Result<(), Error> {
        self.runs = Ok(Runs::default());
        for sweep in sweeps {
            let more = all_runs(self.reproduction, figure, sweep)?;
            let so_far = std::mem::replace(&mut self.runs, Ok(Runs::default()));
            self.runs = so_far.and_then(|runs| Ok(runs.and(more?)));
        }
        Ok(())
    }

    /// Prepares for claims with numbers of the paper, which are only comparable on the same data set at full scale.
    pub(super) fn compare_with_the_paper(&mut self) {
        if self.runs.is_ok() && (self.stands_in || self.reproduction.scale() != Scale::Full) {
            let reason =
                if self.stands_in { "another data set is used instead" } else { "needs runs at full scale" };
            self.runs = Err(format!("{reason}: the accuracy is not comparable"));
        }
    }

    /// Adds a claim; `checks` returns `None` if the runs are insufficient.
    pub(super) fn claim(
        &mut self,
        id: &'static str,
        figure: &'static str,
        statement: impl Into<String>,
        checks: impl FnOnce(&Runs) -> Option<Vec<Check>>,
    ) {
        let nothing = || "too few models for an interval".to_owned();
        let checked = match &self.runs {
            Ok(runs) => checks(runs).ok_or_else(nothing),
            Err(reason) => Err(reason.clone()),
        };
        let (checks, reason) = match checked {
            Ok(checks) => (checks, None),
            Err(reason) => (Vec::new(), Some(reason)),
        };
        let (verdict, looked_into) =
            if reason.is_some() { (Verdict::NotTested, Vec::new()) } else { judge(&checks) };
        self.claims.push(Claim {
            id,
            statement: statement.into(),
            figure,
            data: self.data.clone(),
            stands_in: self.stands_in,
            scale: self.reproduction.scale(),
            verdict,
            looked_into,
            checks,
            reason,
        });
    }
}

/// The runs of a sweep, if all have ended; otherwise the command to finish them.
pub(super) fn all_runs(
    reproduction: &Reproduction,
    figure: Figure,
    sweep: &Sweep,
) -> Result<Result<Runs, String>, Error> {
    let results = reproduction.results(sweep)?;
    let (all, ended) = (results.rows.len(), results.rows.iter().filter(|row| is_ended(row)).count());
    if ended == all {
        return Ok(Ok(Runs::new(results)));
    }
    let (number, scale) = (figure.number(), reproduction.scale());
    let default = Path::new("figures").join(reproduction.first_weights().directory(scale));
    let mut options = match reproduction.first_weights() {
        FirstWeights::Active => String::new(),
        other => format!(" --initialization {other}"),
    };
    if reproduction.out() != default {
        options += &format!(" --out {}", reproduction.out().display());
    }
    let failed = results.rows.iter().find(|row| row.state.has_failed() && !is_ended(row));
    let failed = failed.and_then(|row| row.message.as_deref());
    let failed = failed.map_or_else(String::new, |message| format!(" (failed: {message})"));
    let what = format!("`snn figure {number} --scale {scale}{options}` trains the others");
    Ok(Err(format!("{ended} of {all} runs are done{failed}; {what}")))
}

/// The verdict and, unless the claim holds, the findings.
pub(super) fn judge(checks: &[Check]) -> (Verdict, Vec<String>) {
    let verdict = Verdict::of(checks);
    if verdict == Verdict::Holds {
        return (verdict, Vec::new());
    }
    let open = checks.iter().filter(|check| check.holds() != Some(true));
    (verdict, open.flat_map(|check| check.models.iter().cloned()).collect())
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
