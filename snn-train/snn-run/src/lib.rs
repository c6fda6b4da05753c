//! Reading run directories, probes and sweeps, even while they are being written.
//!
//! ```text
//! runs/randman-20261123-142501-ab12/
//!   config.toml          the experiment with every key resolved; `snn train config.toml` repeats the run
//!   data.json            the identity of its data: classes, fingerprints of the parts, names of their samples
//!   env.json             one session per start or resume: host, version, threads, git revision ([`Session`])
//!   metrics.jsonl        one [`Record`] per line, append-only, one write per line
//!   status.json          the current state of the run, replaced atomically ([`Status`])
//!   checkpoints/         last.safetensors and best.safetensors: weights, Adam's moments, position
//!   probes/              the network's activity for a few samples, epoch by epoch ([`Probe`](probe::Probe))
//!   trainer.log          the trainer's output, if it was started in the background (`snn train --watch`)
//!   events.out.tfevents.*  scalars and histograms for TensorBoard, if enabled (`probe.tensorboard`)
//!   stop                 created by the user: requests a clean stop after the current batch
//!   lock                 locked by the process that trains the run
//!   attempt.json         in a sweep: the process training the run, and how often that crashed
//! ```
//!
//! Reading never disturbs a trainer. Readers skip an incomplete last line and ignore unknown record kinds and fields: an old
//! reader can read a newer run. Fields missing in old runs have defaults.
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
//! The crate is independent of networks and training; `snn-train` writes the files that it reads. [`verdict`] diagnoses runs, [`Naming`] names runs that are shown together,
//! [`sweep`] reads the directory of a sweep, [`files`] has the names of all files.

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
pub mod output;
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
pub use numbers::{counted, median, number};
pub use record::{
    EpochRecord, LayerRecord, Losses, METRICS_VERSION, Record, Seconds, TestRecord, WarningRecord,
};
pub use second_look::beating;
pub use shell::shell_word;
pub use state::RunState;
pub use status::{Best, RecordedState, Status};
pub use verdict::{Diagnosis, Doctor, Evidence, Verdict};

/// The current version of `env.json` and `status.json`; it is incremented when the meaning of a field changes.
pub const FILE_VERSION: u32 = 1;
