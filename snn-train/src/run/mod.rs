//! The run directory: everything that one run leaves behind, and the reader for it.
//!
//! ```text
//! runs/randman-20261123-142501-ab12/
//!   config.toml          the experiment with every key resolved; `snn train config.toml` repeats the run
//!   env.json             one session per start or resume: host, version, threads, git revision ([`Session`])
//!   metrics.jsonl        one [`Record`] a line, append-only, one write a line
//!   status.json          the state of the run now, replaced whole ([`Status`])
//!   checkpoints/         last.safetensors and best.safetensors: weights, Adam's moments, position
//!   probes/              what the network does with a few samples, epoch by epoch ([`Probe`](crate::probe::Probe))
//!   trainer.log          what the trainer has printed, if it was started to be watched (`snn train --watch`)
//!   events.out.tfevents.*  scalars and histograms for TensorBoard, if the experiment asks for them (`probe.tensorboard`)
//!   stop                 put here by anybody: asks for a clean stop after the current batch
//!   lock                 held by the process that trains here
//! ```
//!
//! Reading needs nothing of the trainer (`default-features = false`) and never disturbs it. Readers skip a torn last
//! line and pass over record kinds and fields that they do not know, so an old reader reads a newer run.
//!
//! ```no_run
//! use snn_train::run::{self, Record};
//!
//! for run in run::list("runs")? {
//!     let status = run.status()?;
//!     let best = run.records()?.into_iter().filter_map(|record| match record {
//!         Record::Epoch(epoch) => epoch.valid.map(|valid| valid.accuracy),
//!         _ => None,
//!     });
//!     println!("{} {:?} {:?}", run.id(), status.state, best.fold(0.0, f64::max));
//! }
//! # Ok::<(), snn_train::Error>(())
//! ```

mod environment;
mod reader;
mod record;
mod status;

#[cfg(feature = "trainer")]
mod create;
#[cfg(feature = "trainer")]
mod replace;
#[cfg(feature = "trainer")]
mod session;
#[cfg(feature = "trainer")]
mod writer;

pub use environment::{Environment, Session};
pub use reader::{Follower, News, RunDir, Tail, list};
pub use record::{
    EpochRecord, LayerRecord, Losses, METRICS_VERSION, Record, Seconds, TestRecord, WarningRecord,
};
pub use status::{Best, RecordedState, Status};

#[cfg(feature = "trainer")]
pub use create::new_id;
#[cfg(feature = "trainer")]
pub(crate) use replace::{Durability, replace, replace_shared};
#[cfg(feature = "trainer")]
pub(crate) use session::unix_time;
#[cfg(feature = "trainer")]
pub use writer::RunWriter;

/// The version of `env.json` and `status.json` that this crate writes; it grows when a field changes its meaning.
pub const FILE_VERSION: u32 = 1;

/// The file of a run directory that holds what its trainer has printed, if it was started to be watched.
pub const TRAINER_LOG: &str = "trainer.log";

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const ENVIRONMENT: &str = "env.json";
pub(crate) const METRICS: &str = "metrics.jsonl";
pub(crate) const STATUS: &str = "status.json";
#[cfg(feature = "trainer")]
pub(crate) const CHECKPOINTS: &str = "checkpoints";
pub(crate) const STOP: &str = "stop";
#[cfg(feature = "trainer")]
pub(crate) const LOCK: &str = "lock";

/// Where a run keeps its best or its last checkpoint.
#[cfg(feature = "trainer")]
fn checkpoint_path(directory: &std::path::Path, which: crate::experiment::Selection) -> std::path::PathBuf {
    use crate::experiment::Selection;
    directory.join(CHECKPOINTS).join(match which {
        Selection::Best => "best.safetensors",
        Selection::Last => "last.safetensors",
    })
}
