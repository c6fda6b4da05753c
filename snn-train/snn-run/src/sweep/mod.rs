//! The directory of a sweep: many runs of one experiment with other values, and what they have come to.
//!
//! ```text
//! sweeps/slopes/
//!   manifest.json        the plan ([`Manifest`]), replaced whole
//!   runs/<id>/           run directories as `snn train` makes them; the plan may put them elsewhere
//!   results.csv          one line for each run ([`Row`])
//!   groups.csv           one line for each group ([`Group`])
//!   results.json         both
//!   slurm/               what was submitted to a cluster, if anything was
//! ```
//!
//! `manifest.json` holds `version`, `name`, `runs` (where the run directories lie, relative to the sweep), `axes` (a list of
//! `key`, `scale`, `seed`, `values`), `selection`, `base` (the experiment, by section and key) and `points`: for each run
//! its `id`, the name of its directory, its `settings`, a value for every key of `axes`, and `seconds`, the expected computing
//! time where it was measured. An id follows from the settings, so sweeps that share the directory of their runs share the
//! runs that they have in common.
//!
//! ```no_run
//! use snn_run::sweep::{RunState, SweepDir};
//!
//! let sweep = SweepDir::open("sweeps/slopes")?;
//! let results = sweep.results();
//! println!("{} of {} runs done", results.count(RunState::Done), results.rows.len());
//! # Ok::<(), snn_run::Error>(())
//! ```

mod directory;
mod manifest;
mod ranking;
mod results;
mod table;

pub use directory::SweepDir;
pub use manifest::{AxisSpacing, Dimension, MANIFEST_VERSION, Manifest, Point, Selection, Settings};
pub use ranking::{Better, Effect, Level, Standing, seed_deviation};
pub use results::{Group, MeanSd, Results, Row};

pub use crate::state::RunState;
