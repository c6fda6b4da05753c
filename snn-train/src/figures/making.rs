//! Training the runs of figures, and drawing them.

use std::{
    collections::BTreeSet,
    fmt,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use snn_run::{RunDir, RunState};

use super::{
    Missing, figure::Figure, initialization, initialization::UntrainedActivity, reproduction::Reproduction,
    runs::is_ended,
};
use crate::{
    Error,
    sweep::{Manifest, Options, SweepDir, Update, experiment},
};

/// The number of runs needed for figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Plan {
    /// Runs, counting shared ones once.
    pub runs: usize,
    /// Finished runs.
    pub done: usize,
    /// Epochs of all runs.
    pub epochs: u64,
}

/// A drawn figure.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Drawn {
    /// Drawings and tables.
    pub files: Vec<PathBuf>,
    /// Panels that could not be drawn.
    pub missing: Vec<Missing>,
    /// Sweeps drawn without all of their runs.
    pub incomplete: Vec<Incomplete>,
}

/// A sweep with unfinished runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// Its name.
    pub sweep: String,
    /// Its runs.
    pub runs: usize,
    /// Finished runs, including diverged ones.
    pub done: usize,
    /// Runs that failed for other reasons.
    pub failed: usize,
    /// The error of the first of them.
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
    /// Counts the runs of figures.
    ///
    /// # Errors
    /// Those of [`Sweep::plan`](crate::sweep::Sweep::plan).
    pub fn plan(&self, figures: &[Figure]) -> Result<Plan, Error> {
        let mut known = BTreeSet::new();
        let mut plan = Plan::default();
        let recorded = self.recorded()?;
        for figure in figures {
            for part in figure.parts(self)? {
                let manifest = part.plan()?;
                for point in &manifest.points {
                    if known.insert(point.id.clone()) {
                        plan.runs += 1;
                        plan.done += usize::from(self.is_done(&point.id) || recorded.contains_key(&point.id));
                        plan.epochs += u64::from(experiment(&manifest, point)?.training.epochs);
                    }
                }
            }
        }
        Ok(plan)
    }

    /// Trains the missing runs of a figure, until `stop` is set. Stopped or killed runs are resumed.
    ///
    /// `watch` receives the current sweep and all its events. Returns whether all runs finished.
    ///
    /// # Errors
    /// Those of [`SweepDir::train`]. A failed run is not an error; its panel shows the existing runs.
    pub fn train(
        &self,
        figure: Figure,
        stop: &AtomicBool,
        watch: &mut (dyn FnMut(&str, &Update<'_>) + Send),
    ) -> Result<bool, Error> {
        for part in figure.parts(self)? {
            if !self.train_part(part.plan()?, stop, watch)? {
                return Ok(false);
            }
            let rows = self.looked_up(part.plan()?)?.rows;
            if let Some((longer, _)) = self.longer(&part, &rows)?
                && !self.train_part(longer, stop, watch)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn train_part(
        &self,
        plan: Manifest,
        stop: &AtomicBool,
        watch: &mut (dyn FnMut(&str, &Update<'_>) + Send),
    ) -> Result<bool, Error> {
        let manifest = Manifest { runs: PathBuf::from("../../runs"), ..self.without_recorded(plan)? };
        let name = manifest.name.clone();
        let directory = SweepDir::create(self.out().join("sweeps").join(&name), manifest)?;
        // Failed runs are retried: a user who repeats the command has presumably fixed the cause.
        let options = Options { retry: true, ..Options::default() };
        directory.train_until(stop, &options, &mut |update| watch(&name, update))?;
        Ok(!stop.load(Ordering::Relaxed))
    }

    /// Draws a figure from the existing runs.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`] if a file cannot be written, and errors of the data sets and networks in the figure.
    pub fn draw(&self, figure: Figure) -> Result<Drawn, Error> {
        let mut output = figure.draw(self)?;
        output.missing.sort_by(|a, b| a.panel.cmp(&b.panel));
        let files = output.write(self.out(), &figure.name())?;
        for part in figure.parts(self)? {
            let short = self.looked_up(part.plan()?)?.rows;
            self.keep(self.results(&part)?.rows.into_iter().chain(short))?;
        }
        Ok(Drawn { files, missing: output.missing, incomplete: self.incomplete(figure)? })
    }

    /// Draws the activity of untrained networks on a data set, to `activity.svg`, `activity.png` and `activity.csv` for the manifolds,
    /// and to `activity_mnist.svg` etc. for others.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`] if a file cannot be written.
    pub fn draw_activity(&self, data_set: &str, rows: &[UntrainedActivity]) -> Result<Vec<PathBuf>, Error> {
        let name = if data_set == initialization::RANDMAN {
            "activity".to_owned()
        } else {
            format!("activity_{data_set}")
        };
        initialization::draw(rows).write(self.out(), &name)
    }

    /// The sweeps of a figure with unfinished runs.
    fn incomplete(&self, figure: Figure) -> Result<Vec<Incomplete>, Error> {
        let mut incomplete = Vec::new();
        for part in figure.parts(self)? {
            let rows = self.results(&part)?.rows;
            let open: Vec<_> = rows.iter().filter(|row| !is_ended(row)).collect();
            let failed: Vec<_> = open.iter().filter(|row| row.state.has_failed()).collect();
            if !open.is_empty() {
                incomplete.push(Incomplete {
                    sweep: part.name().to_owned(),
                    runs: rows.len(),
                    done: rows.len() - open.len(),
                    failed: failed.len(),
                    message: failed.first().and_then(|row| row.message.clone()),
                });
            }
        }
        Ok(incomplete)
    }

    fn is_done(&self, id: &str) -> bool {
        let state = RunDir::open(self.run_path(id)).and_then(|run| run.state());
        state.is_ok_and(|state| state == RunState::Done)
    }
}
