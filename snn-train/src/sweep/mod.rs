//! Sweeps: many runs of one experiment with different settings: planning, training, resuming and summarizing.
//!
//! A [sweep file](#the-sweep-file) or a `Sweep` created in code specifies what varies. Its plan, the [`Manifest`], lists every
//! run; `SweepDir::train` trains the unfinished ones in parallel; [`Results`] has their results, and groups models by
//! [`Selection`]: the best on validation, reported on the test part.
//!
//! ```
//! use snn_train::{Experiment, sweep::{Axis, Sweep, SweepDir}};
//!
//! # let directory = tempfile::tempdir()?;
//! # let directory = directory.path().join("slopes");
//! let mut base = Experiment::preset("randman")?;
//! base.set(&["data.classes=2", "data.samples_per_class=50", "training.epochs=2", "initialization.gain=6"])?;
//! let plan = Sweep::new("slopes", base)
//!     .grid([("surrogate.beta", Axis::logarithmic(1.0, 100.0, 3))])
//!     .seeds(["initialization.seed"], 0..2)
//!     .plan()?;
//!
//! let sweep = SweepDir::create(directory, plan)?; // such as "sweeps/slopes"
//! sweep.train(&Default::default(), &mut |update| println!("{:.0} %", 100.0 * update.progress.fraction))?;
//! for group in sweep.results().groups(&sweep.manifest().selection) {
//!     println!("{}: {:?}", group.settings["surrogate.beta"], group.test_accuracy);
//!     assert_eq!(group.test_accuracy.unwrap().n, 2);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The sweep file
//!
//! ```toml
//! name = "slopes"                  # of its directory; by default the name of the file
//! base = "randman"                 # a preset, the path of an experiment, or an experiment as a table [base]
//!
//! [set]                            # changes to it that all runs share
//! training.epochs = 100
//!
//! [[grid]]                         # all combinations; further grids add theirs
//! surrogate.beta = { log = [1, 100], points = 7 }
//! surrogate.shape = ["super-spike", "sigmoid", "esser"]
//! optimizer.learning_rate = { linear = [0.01, 0.05], points = 5 }
//!
//! [seeds]                          # every combination with each seed
//! keys = ["initialization.seed", "training.seed"] # the default
//! values = [0, 1, 2]
//!
//! [select]                         # the results: of each shape the 10 models best on validation
//! best = 10
//! by = ["surrogate.shape"]
//! ```
//!
//! [`snn_run::sweep`] documents the directory of a sweep, and reads it without a trainer.

mod attempt;
mod axis;
mod directory;
mod estimate;
mod file;
mod ids;
mod ledger;
mod progress;
mod runner;
mod shared_data;
pub mod slurm;
mod spec;

pub use axis::Axis;
pub use directory::SweepDir;
pub use estimate::{Measured, measure};
pub(crate) use file::is_sweep;
pub(crate) use ids::check_points;
pub use ids::experiment;
pub use progress::{Progress, RunEvent, Update};
pub use runner::Options;
pub use snn_run::sweep::{
    AxisSpacing, Dimension, Group, MANIFEST_VERSION, Manifest, MeanSd, Point, Results, Row, RunState,
    Selection, Settings,
};
pub use spec::{Seeds, Sweep};

#[cfg(test)]
mod tests;
