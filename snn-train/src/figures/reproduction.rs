//! Where figures are made.

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;

use super::{
    FigureOutput, Missing, Runs, Scale, figure1, figure2, figure3, figure5, figure6, figure7, figure8,
    figure9,
    runs::is_ended,
    sources::{Absence, DATA_SETS, Found, RANDMAN, Source},
};
use crate::{
    Error,
    run::{RecordedState, RunDir},
    sweep::{Manifest, Options, Results, Sweep, SweepDir, Update, experiment},
};

/// A figure of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// 1: smooth random manifolds.
    Manifolds,
    /// 2: the true gradient and a surrogate.
    Gradient,
    /// 3: the shape of the surrogate derivative.
    Shape,
    /// 5: the scale of the surrogate derivative.
    Scale,
    /// 6: readouts, recurrent connections and data sets.
    DataSets,
    /// 7: inputs of the data sets.
    Inputs,
    /// 8: activity regularisation.
    Activity,
    /// 9: accuracy against spikes.
    Sparseness,
}

impl Figure {
    /// All, in the order of the paper. Figure 4 is a sketch of the computation without any data.
    pub const ALL: [Self; 8] = [
        Self::Manifolds,
        Self::Gradient,
        Self::Shape,
        Self::Scale,
        Self::DataSets,
        Self::Inputs,
        Self::Activity,
        Self::Sparseness,
    ];

    /// Its number in the paper.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Manifolds => 1,
            Self::Gradient => 2,
            Self::Shape => 3,
            Self::Scale => 5,
            Self::DataSets => 6,
            Self::Inputs => 7,
            Self::Activity => 8,
            Self::Sparseness => 9,
        }
    }

    /// The figure of this number; `None` where the paper has none that could be made anew.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|figure| figure.number() == number)
    }

    /// What it shows.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Manifolds => "smooth random manifolds",
            Self::Gradient => "the true gradient and a surrogate",
            Self::Shape => "the shape of the surrogate derivative",
            Self::Scale => "the scale of the surrogate derivative",
            Self::DataSets => "readouts, recurrent connections and data sets",
            Self::Inputs => "inputs of the data sets",
            Self::Activity => "activity regularisation",
            Self::Sparseness => "accuracy against spikes",
        }
    }

    fn name(self) -> String {
        format!("figure{}", self.number())
    }

    fn sweeps(self, reproduction: &Reproduction) -> Result<Vec<Sweep>, Error> {
        match self {
            Self::Manifolds | Self::Inputs => Ok(Vec::new()),
            Self::Shape => Ok(vec![figure3::sweep(reproduction)?]),
            Self::Gradient => Ok(vec![figure2::sweep(reproduction)?]),
            Self::Scale => Ok(vec![figure5::sweep(reproduction)?, figure5::deep_sweep(reproduction)?]),
            Self::DataSets => figure6::sweeps(reproduction),
            Self::Activity => Ok(vec![figure9::sweep_on(reproduction, 'a', RANDMAN.itself())?]),
            Self::Sparseness => {
                let sweeps = figure9::SOURCES
                    .iter()
                    .map(|(panel, source)| figure9::sweep(reproduction, *panel, source));
                Ok(sweeps.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
            }
        }
    }

    fn draw(self, reproduction: &Reproduction) -> Result<FigureOutput, Error> {
        match self {
            Self::Manifolds => figure1::draw(reproduction),
            Self::Shape => figure3::draw(reproduction),
            Self::Scale => figure5::draw(reproduction),
            Self::Gradient => figure2::draw(reproduction),
            Self::DataSets => figure6::draw(reproduction),
            Self::Inputs => figure7::draw(reproduction),
            Self::Activity => figure8::draw(reproduction),
            Self::Sparseness => figure9::draw(reproduction),
        }
    }
}

/// Where figures are made, and how much is run for them.
#[derive(Debug, Clone)]
pub struct Reproduction {
    out: PathBuf,
    scale: Scale,
    only: Option<Vec<String>>,
}

/// How many runs figures need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Plan {
    /// Runs, those that several figures share counted once.
    pub runs: usize,
    /// Those that are done.
    pub done: usize,
    /// Epochs of all runs.
    pub epochs: u64,
}

/// What has been drawn.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Drawn {
    /// Drawings and tables.
    pub files: Vec<PathBuf>,
    /// Panels that could not be drawn.
    pub missing: Vec<Missing>,
    /// Sweeps that were drawn with less runs than they have.
    pub incomplete: Vec<Incomplete>,
}

/// A sweep of which not all runs are done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// Its name.
    pub sweep: String,
    /// Its runs.
    pub runs: usize,
    /// Those that have come to an end; diverging is an end, too.
    pub done: usize,
    /// Those that failed for other reasons.
    pub failed: usize,
    /// Why the first of them did.
    pub message: Option<String>,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sweep, runs, done, failed, message } = self;
        write!(f, "{done} of {runs} runs of {sweep} are done")?;
        if *failed > 0 {
            write!(f, ", {failed} failed: {}", message.as_deref().unwrap_or("for no reason given"))?;
        }
        Ok(())
    }
}

impl Reproduction {
    /// Makes figures in a directory.
    #[must_use]
    pub fn new(out: impl Into<PathBuf>, scale: Scale) -> Self {
        Self { out: out.into(), scale, only: None }
    }

    /// Leaves out the panels of figures 6, 7 and 9 on other data sets than these.
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

    /// Where figures are written.
    #[must_use]
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// How much is run for them.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// Counts the runs of figures.
    ///
    /// # Errors
    /// Those of [`Sweep::plan`](crate::sweep::Sweep::plan).
    pub fn plan(&self, figures: &[Figure]) -> Result<Plan, Error> {
        let mut known = BTreeSet::new();
        let mut plan = Plan::default();
        for figure in figures {
            for sweep in figure.sweeps(self)? {
                let manifest = sweep.plan()?;
                for point in &manifest.points {
                    if known.insert(point.id.clone()) {
                        plan.runs += 1;
                        plan.done += usize::from(self.is_done(&point.id));
                        plan.epochs += u64::from(experiment(&manifest, point)?.training.epochs);
                    }
                }
            }
        }
        Ok(plan)
    }

    /// Trains what a figure needs and is not there yet, until `stop` is set. Runs stopped or killed go on where they were.
    ///
    /// `watch` hears which sweep is under way and all that happens in it. Returns whether all came to an end.
    ///
    /// # Errors
    /// Those of [`SweepDir::train`]. What befalls a run is no error; its panel shows what there is.
    pub fn train(
        &self,
        figure: Figure,
        stop: &AtomicBool,
        watch: &mut (dyn FnMut(&str, &Update<'_>) + Send),
    ) -> Result<bool, Error> {
        for sweep in figure.sweeps(self)? {
            let manifest = Manifest { runs: PathBuf::from("../../runs"), ..sweep.plan()? };
            let directory = SweepDir::create(self.out.join("sweeps").join(&sweep.name), manifest)?;
            // Runs that failed are tried again: whoever asks for the figure anew has done something about it.
            let options = Options { retry: true, ..Options::default() };
            directory.train_until(stop, &options, &mut |update| watch(&sweep.name, update))?;
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Draws a figure from the runs that are there.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`] if a file cannot be written; errors of data sets and networks that are looked into.
    pub fn draw(&self, figure: Figure) -> Result<Drawn, Error> {
        let mut output = figure.draw(self)?;
        output.missing.sort_by(|a, b| a.panel.cmp(&b.panel));
        let files = output.write(&self.out, &figure.name())?;
        Ok(Drawn { files, missing: output.missing, incomplete: self.incomplete(figure)? })
    }

    /// The data set or what stands in for it, unless there is neither or it is left out.
    pub(super) fn find(&self, source: &Source) -> Result<Found, Absence> {
        let only = self.only.as_deref();
        source.find(|name| only.is_none_or(|only| only.iter().any(|it| it == name)))
    }

    /// Divides panels into those to draw and those on data sets that are left out. Where nothing else is left, these are
    /// drawn, to say so.
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

    /// How the runs of a sweep stand. Leaves no trace: others may train them. The sweep itself need not have begun, since its
    /// runs may be those of others.
    pub(super) fn results(&self, sweep: &Sweep) -> Result<Results, Error> {
        let manifest = Manifest { runs: PathBuf::from("runs"), ..sweep.plan()? };
        Ok(SweepDir::view(&self.out, manifest).results())
    }

    /// The runs of a sweep that have come to an end.
    pub(super) fn runs(&self, sweep: &Sweep) -> Result<Runs, Error> {
        Ok(Runs::new(self.results(sweep)?))
    }

    /// The sweeps of a figure of which runs are not done.
    fn incomplete(&self, figure: Figure) -> Result<Vec<Incomplete>, Error> {
        let mut incomplete = Vec::new();
        for sweep in figure.sweeps(self)? {
            let rows = self.results(&sweep)?.rows;
            let open: Vec<_> = rows.iter().filter(|row| !is_ended(row)).collect();
            let failed: Vec<_> = open.iter().filter(|row| row.state.has_failed()).collect();
            if !open.is_empty() {
                incomplete.push(Incomplete {
                    sweep: sweep.name,
                    runs: rows.len(),
                    done: rows.len() - open.len(),
                    failed: failed.len(),
                    message: failed.first().and_then(|row| row.message.clone()),
                });
            }
        }
        Ok(incomplete)
    }

    /// Classes of the manifolds.
    pub(super) fn classes(&self) -> f64 {
        self.scale.pick(3.0, 10.0, 10.0)
    }

    /// The directory of a run.
    pub(super) fn run_path(&self, id: &str) -> PathBuf {
        self.out.join("runs").join(id)
    }

    fn is_done(&self, id: &str) -> bool {
        let status = RunDir::open(self.run_path(id)).and_then(|run| run.status());
        status.is_ok_and(|status| status.state == RecordedState::Done)
    }
}
