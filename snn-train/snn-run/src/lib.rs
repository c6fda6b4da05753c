//! Reading what training leaves behind: run directories, probes and sweeps, also while they are written.
//!
//! ```text
//! runs/randman-20261123-142501-ab12/
//!   config.toml          the experiment with every key resolved; `snn train config.toml` repeats the run
//!   data.json            which data it is trained on: classes, fingerprints of the parts, names of their samples
//!   env.json             one session per start or resume: host, version, threads, git revision ([`Session`])
//!   metrics.jsonl        one [`Record`] a line, append-only, one write a line
//!   status.json          the state of the run now, replaced whole ([`Status`])
//!   checkpoints/         last.safetensors and best.safetensors: weights, Adam's moments, position
//!   probes/              what the network does with a few samples, epoch by epoch ([`Probe`](probe::Probe))
//!   trainer.log          what the trainer has printed, if it was started to be watched (`snn train --watch`)
//!   events.out.tfevents.*  scalars and histograms for TensorBoard, if the experiment asks for them (`probe.tensorboard`)
//!   stop                 put here by anybody: asks for a clean stop after the current batch
//!   lock                 held by the process that trains here
//!   attempt.json         in a sweep: which process tries the run, and how often that has ended its process
//! ```
//!
//! Reading never disturbs a trainer. Readers skip a torn last line and pass over record kinds and fields that they do not
//! know, so an old reader reads a newer run; and fields that a run of old lacks have defaults.
//!
//! ```no_run
//! use snn_run::Record;
//!
//! for run in snn_run::list("runs")? {
//!     let status = run.status()?;
//!     let best = run.records()?.into_iter().filter_map(|record| match record {
//!         Record::Epoch(epoch) => epoch.valid.map(|valid| valid.accuracy),
//!         _ => None,
//!     });
//!     println!("{} {:?} {:?}", run.id(), status.state, best.fold(0.0, f64::max));
//! }
//! # Ok::<(), snn_run::Error>(())
//! ```
//!
//! The crate knows nothing of networks and training; `snn-train` writes what it reads. [`verdict`] says what is wrong with a
//! run, [`Naming`] what runs that are shown together are called, [`sweep`] has the directory of a sweep, [`files`] the names of all files.

pub mod condition;
mod configuration;
mod directory;
mod environment;
mod error;
pub mod files;
mod follow;
#[doc(hidden)]
pub mod fuzzing;
pub mod judge;
mod liveness;
mod naming;
mod numbers;
pub mod probe;
mod record;
pub mod regular;
pub mod scalars;
mod second_look;
mod shell;
mod state;
mod status;
pub mod sweep;
pub mod verdict;

pub use configuration::{Configuration, Configurations, is_seed, plain};
pub use directory::{RunDir, list};
pub use environment::{Environment, Session};
pub use error::{Error, Lines, line_of, with_causes};
pub use follow::{Follower, News, Tail};
pub use liveness::{Pulse, STALLED_AFTER, host, is_doubtful, silence, unix_time};
pub use naming::{Keyed, Naming, is_generated};
pub use numbers::{median, number, round_step};
pub use record::{
    EpochRecord, LayerRecord, Losses, METRICS_VERSION, Record, Seconds, TestRecord, WarningRecord,
};
pub use second_look::beating;
pub use shell::shell_word;
pub use state::RunState;
pub use status::{Best, RecordedState, Status};
pub use verdict::{Diagnosis, Doctor, Evidence, Verdict};

/// The version of `env.json` and `status.json` that is written today; it grows when a field changes its meaning.
pub const FILE_VERSION: u32 = 1;
