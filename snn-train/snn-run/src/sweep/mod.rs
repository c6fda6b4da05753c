//! The directory of a sweep: many runs of one experiment with different settings, and their results.
//!
//! ```text
//! sweeps/slopes/
//!   manifest.json        the plan ([`Manifest`]), replaced atomically
//!   runs/<id>/           run directories, as created by `snn train`; the plan may place them elsewhere
//!   results.csv          one line per run ([`Row`])
//!   groups.csv           one line per group ([`Group`])
//!   results.json         both
//!   slurm/               cluster submissions, if any
//! ```
//!
//! `manifest.json` has `version`, `name`, `runs` (the folder of the run directories, relative to the sweep), `axes` (a list of
//! `key`, `scale`, `seed`, `values`), `selection`, `base` (the experiment, by section and key) and `points`: for each run
//! its `id`, the name of its directory, its `settings`, a value for every key of `axes`, and `seconds`, the expected compute
//! time if measured. An id depends only on the settings, so sweeps with the same run folder share common runs.
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
