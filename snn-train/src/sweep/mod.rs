//! Sweeps: many runs of one experiment with other values, planned, run, resumed and summed up.
//!
//! A [sweep file](#the-sweep-file) or a `Sweep` made in code says what varies. Its plan, the [`Manifest`], lists every run;
//! `SweepDir::train` trains those that are not done, side by side; [`Results`] holds what they have come to, and puts
//! models together by [`Selection`]: the best on validation, reported on the test.
//!
#![cfg_attr(feature = "trainer", doc = "```")]
#![cfg_attr(not(feature = "trainer"), doc = "```ignore")]
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
//! for group in sweep.results()?.groups(&sweep.manifest().selection) {
//!     println!("{}: {:?}", group.settings["surrogate.beta"], group.test_accuracy);
//!     assert_eq!(group.test_accuracy.unwrap().n, 2);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The sweep file
//!
//! ```toml
//! name = "slopes"                  # of its directory; the name of the file if left out
//! base = "randman"                 # a preset, the path of an experiment, or an experiment as a table [base]
//!
//! [set]                            # changes to it that all runs share
//! training.epochs = 100
//!
//! [[grid]]                         # all combinations; several grids are added up
//! surrogate.beta = { log = [1, 100], points = 7 }
//! surrogate.shape = ["super-spike", "sigmoid", "esser"]
//! optimizer.learning_rate = { linear = [0.01, 0.05], points = 5 }
//!
//! [seeds]                          # every combination with each seed
//! keys = ["initialization.seed", "training.seed"] # which is what it is if left out
//! values = [0, 1, 2]
//!
//! [select]                         # the results: of each shape the 10 models best on validation
//! best = 10
//! by = ["surrogate.shape"]
//! ```
//!
//! # The sweep directory
//!
//! ```text
//! sweeps/slopes/
//!   manifest.json        the plan ([`Manifest`]), replaced whole
//!   runs/<id>/           run directories as `snn train` makes them ([`crate::run`]); the plan may put them elsewhere
//!   results.csv          one line for each run ([`Row`])
//!   groups.csv           one line for each group ([`Group`])
//!   results.json         both
//!   slurm/               what was submitted to a cluster (`slurm`), if anything was
//! ```
//!
//! `manifest.json` holds `version`, `name`, `runs` (where the run directories lie, relative to the sweep), `axes` (a list of
//! `key`, `scale`, `seed`, `values`), `selection`, `base` (the experiment, by section and key) and `points`: for each run
//! its `id`, the name of its directory, its `settings`, a value for every key of `axes`, and `seconds`, the expected computing
//! time where it was measured. An id follows from the settings, so sweeps that share the directory of their runs share the
//! runs that they have in common.
//!
//! Reading all that needs nothing of the trainer (`default-features = false`):
//!
//! ```no_run
//! use snn_train::sweep::{RunState, SweepDir};
//!
//! let sweep = SweepDir::open("sweeps/slopes")?;
//! let results = sweep.results()?;
//! println!("{} of {} runs done", results.count(RunState::Done), results.rows.len());
//! # Ok::<(), snn_train::Error>(())
//! ```

mod manifest;
mod results;

#[cfg(feature = "trainer")]
mod axis;
#[cfg(feature = "trainer")]
mod estimate;
#[cfg(feature = "trainer")]
mod file;
#[cfg(feature = "trainer")]
mod progress;
#[cfg(feature = "trainer")]
mod runner;
#[cfg(feature = "trainer")]
mod shared_data;
#[cfg(feature = "trainer")]
pub mod slurm;
#[cfg(feature = "trainer")]
mod spec;
#[cfg(feature = "trainer")]
mod table;

pub use manifest::{AxisSpacing, Dimension, MANIFEST_VERSION, Manifest, Point, Settings, SweepDir};
pub use results::{Group, MeanSd, Results, Row, RunState, Selection};

#[cfg(feature = "trainer")]
pub use axis::Axis;
#[cfg(feature = "trainer")]
pub use estimate::Measured;
#[cfg(feature = "trainer")]
pub use progress::{Progress, RunEvent, Update};
#[cfg(feature = "trainer")]
pub use runner::Options;
#[cfg(feature = "trainer")]
pub use spec::{Seeds, Sweep};

#[cfg(all(test, feature = "trainer"))]
mod tests;
