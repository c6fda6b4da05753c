//! The settings of a reproduction.

use std::path::{Path, PathBuf};

use super::{
    FirstWeights, Missing, Runs, Scale, Setting as _,
    part::Part,
    protocol::{INIT_SEED, seeds},
    sources::{Absence, DATA_SETS, Found, RANDMAN, Source},
};
use crate::{
    Error, Experiment,
    run::{EpochRecord, Record, RunDir},
    sweep::{Axis, Manifest, Results, Row, Sweep, SweepDir},
};

/// The output folder, the scale and the initial weights of figures.
#[derive(Debug, Clone)]
pub struct Reproduction {
    out: PathBuf,
    scale: Scale,
    first_weights: FirstWeights,
    batches: u32,
    shallow: bool,
    only: Option<Vec<String>>,
    claims: Option<Vec<String>>,
}

impl Reproduction {
    /// Reproduces figures in a directory.
    #[must_use]
    pub fn new(out: impl Into<PathBuf>, scale: Scale) -> Self {
        Self {
            out: out.into(),
            scale,
            first_weights: FirstWeights::default(),
            batches: 1,
            shallow: false,
            only: None,
            claims: None,
        }
    }

    /// Trains every network from these initial weights instead of those of the presets.
    #[must_use]
    pub fn from(self, first_weights: FirstWeights) -> Self {
        Self { first_weights, ..self }
    }

    /// Repeats the grids of the figures in this number of batches, from 1 to [`MOST_BATCHES`](Self::MOST_BATCHES), each with different
    /// seeds of the initial weights. Each batch adds its own best models.
    ///
    /// # Errors
    /// [`Error::Impossible`] for a different number.
    pub fn batches(self, batches: u32) -> Result<Self, Error> {
        if (1..=Self::MOST_BATCHES).contains(&batches) {
            return Ok(Self { batches, ..self });
        }
        let most = Self::MOST_BATCHES;
        Err(Error::Impossible(format!("the number of batches of seeds must be 1 to {most}, not {batches}")))
    }

    /// Omits networks with two hidden layers from figures 3 and 5.
    #[must_use]
    pub fn shallow(self, shallow: bool) -> Self {
        Self { shallow, ..self }
    }

    /// The sweeps with at most one hidden layer, and those with more unless omitted.
    pub(super) fn by_depth(&self, shallow: Vec<Sweep>, deep: Vec<Sweep>) -> Vec<Sweep> {
        let deep = if self.shallow { Vec::new() } else { deep };
        shallow.into_iter().chain(deep).collect()
    }

    /// Maximum number of looks at undecided claims.
    pub const MOST_BATCHES: u32 = 3;

    /// Restricts figures 6, 7 and 9 to panels on these data sets.
    ///
    /// # Errors
    /// [`Error::Impossible`] if one is not among [`DATA_SETS`].
    pub fn only<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self, Error> {
        let names: Vec<_> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        if let Some(name) = names.iter().find(|name| !DATA_SETS.contains(&name.as_str())) {
            let all = DATA_SETS.join(", ");
            return Err(Error::Impossible(format!("no figure is on the data set `{name}`; there are {all}")));
        }
        self.only = Some(names);
        Ok(self)
    }

    /// Restricts figures to the runs that these claims compare, by their numbers, such as `5b`. The other runs are drawn if they
    /// exist.
    ///
    /// # Errors
    /// [`Error::Impossible`] for a claim that does not exist.
    pub fn only_claims<S: AsRef<str>>(mut self, ids: &[S]) -> Result<Self, Error> {
        self.claims = Some(ids.iter().map(|id| id.as_ref().to_owned()).collect());
        self.figures_of_claims()?;
        Ok(self)
    }

    /// The claims to which it is restricted.
    pub(super) fn restriction(&self) -> Option<&[String]> {
        self.claims.as_deref()
    }

    /// The number of batches of seeds.
    pub(super) fn number_of_batches(&self) -> u32 {
        self.batches
    }

    /// The output folder.
    #[must_use]
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// The scale of their runs.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The initial weights of its networks.
    #[must_use]
    pub fn first_weights(&self) -> FirstWeights {
        self.first_weights
    }

    /// The seeds of all batches, this many in each.
    pub(super) fn batch_seeds(&self, each: i64) -> Axis {
        seeds(each * i64::from(self.batches))
    }

    /// The best runs on validation of each batch, which has this many seeds.
    pub(super) fn best_of_batches(&self, runs: &Runs, each: i64, count: usize) -> Runs {
        let batches = (0..i64::from(self.batches)).map(|batch| {
            let seeds = (batch * each) as f64..((batch + 1) * each) as f64;
            runs.of(|row| seeds.contains(&row.number(INIT_SEED))).best(count)
        });
        batches.fold(Runs::default(), Runs::and)
    }

    /// The experiment on a data set at this scale, from the initial weights of these figures.
    pub(super) fn experiment(&self, found: Found) -> Result<Experiment, Error> {
        let mut experiment = found.experiment(self.scale)?;
        experiment.set(&self.first_weights.changes())?;
        Ok(experiment)
    }

    /// The paper's default network on its default manifolds.
    pub(super) fn randman(&self) -> Result<Experiment, Error> {
        self.experiment(RANDMAN.itself())
    }

    /// The data set or its substitute, unless neither exists or it is omitted.
    pub(super) fn find(&self, source: &Source) -> Result<Found, Absence> {
        let only = self.only.as_deref();
        source.find(|name| only.is_none_or(|only| only.iter().any(|it| it == name)))
    }

    /// Like [`find`](Self::find); if there are no files, the data set or substitute on which runs are recorded.
    pub(super) fn find_or_recall(
        &self,
        source: &Source,
        sweep: impl Fn(Found) -> Result<Sweep, Error>,
    ) -> Result<Result<Found, Absence>, Error> {
        let absence = match self.find(source) {
            Err(absence) if !absence.is_wish => absence,
            found => return Ok(found),
        };
        let recorded = self.recorded()?;
        if recorded.is_empty() {
            return Ok(Err(absence));
        }
        let only = self.only.as_deref();
        for found in source.candidates(|name| only.is_none_or(|only| only.iter().any(|it| it == name))) {
            if sweep(found)?.plan()?.points.iter().any(|point| recorded.contains_key(&point.id)) {
                return Ok(Ok(found));
            }
        }
        Ok(Err(absence))
    }

    /// Divides panels into those to draw and those on omitted data sets. If nothing else is left, the latter are drawn to
    /// show the reason.
    pub(super) fn panels(&self, all: &[(char, Source)]) -> (Vec<(char, Source)>, Vec<Missing>) {
        let is_left_out = |(panel, source): &(char, Source)| match self.find(source) {
            Err(absence) if absence.is_wish => {
                Some(Missing { panel: panel.to_string(), reason: absence.reason })
            }
            _ => None,
        };
        let missing: Vec<_> = all.iter().filter_map(is_left_out).collect();
        if missing.len() == all.len() {
            return (all.to_vec(), Vec::new());
        }
        (all.iter().filter(|it| is_left_out(it).is_none()).copied().collect(), missing)
    }

    /// The states of a part's runs. Read-only: other processes may train them. Its sweep may not have started, since its
    /// runs may be shared with others.
    pub(super) fn results(&self, part: &Part) -> Result<Results, Error> {
        let mut results = self.looked_up(part.plan()?)?;
        if let Some((longer, places)) = self.longer(part, &results.rows)? {
            for (place, row) in places.into_iter().zip(self.looked_up(longer)?.rows) {
                results.rows[place] = Row { settings: results.rows[place].settings.clone(), ..row };
            }
        }
        Ok(results)
    }

    pub(super) fn looked_up(&self, plan: Manifest) -> Result<Results, Error> {
        let manifest = Manifest { runs: PathBuf::from("runs"), ..plan };
        let mut results = SweepDir::view(&self.out, manifest).results();
        self.recall(&mut results.rows)?;
        Ok(results)
    }

    /// The finished runs of a sweep.
    pub(super) fn runs(&self, sweep: Sweep) -> Result<Runs, Error> {
        Ok(Runs::new(self.results(&sweep.into())?))
    }

    /// Classes of the manifolds.
    pub(super) fn classes(&self) -> f64 {
        self.scale.pick(3.0, 10.0, 10.0)
    }

    /// The epochs of a run; `None` if only its result is recorded.
    pub(super) fn epochs_of(&self, id: &str) -> Result<Option<Vec<EpochRecord>>, Error> {
        let path = self.run_path(id);
        if !path.exists() {
            return Ok(None);
        }
        let epochs = RunDir::open(path)?.records()?.into_iter().filter_map(|record| match record {
            Record::Epoch(epoch) => Some(epoch),
            _ => None,
        });
        Ok(Some(epochs.collect()))
    }

    /// The directory of a run.
    pub(super) fn run_path(&self, id: &str) -> PathBuf {
        self.out.join("runs").join(id)
    }
}
