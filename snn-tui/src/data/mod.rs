//! The data about runs, and the tailer that reads it. Screens see the values here and never read a file.

mod config_summary;
mod gpus;
mod history;
mod machine_history;
mod probes;
mod proc;
mod row;
mod source;
mod sweep;
mod system;
mod tailer;
mod tracked_run;

use snn_run::{Environment, Record, probe::Probe};

pub(crate) use config_summary::ConfigSummary;
pub(crate) use gpus::Gpu;
pub(crate) use history::{Bucket, History, XAxis};
pub(crate) use machine_history::{Load, MachineHistory};
pub(crate) use probes::{ProbeSummary, Probes};
#[cfg(test)]
pub(crate) use proc::Process;
pub(crate) use row::Run;
pub(crate) use source::Source;
pub(crate) use sweep::SweepView;
pub(crate) use system::{Log, System};
pub(crate) use tailer::{BEAT, Tailer};

/// A message of the tailer.
#[derive(Debug)]
pub(crate) enum Msg {
    /// New or changed runs.
    Runs(Vec<Run>),
    /// Names of runs that have vanished.
    Gone(Vec<String>),
    /// Progress of the first read: runs read, and all runs. Both stay equal afterwards.
    Loading { read: usize, all: usize },
    /// The settings of a run.
    ConfigSummary(String, Box<ConfigSummary>),
    /// A run's history restarts from its first record.
    HistoryRestart(String),
    /// The next records of a run's history.
    History(String, Vec<Record>),
    /// Epochs for which a run has probes.
    ProbedEpochs(String, Vec<u32>),
    /// The summary of a probe.
    ProbeSummary(String, Box<ProbeSummary>),
    /// A probe, or the reason why it cannot be read.
    Probe(String, u32, Result<Box<Probe>, String>),
    /// The sweep.
    Sweep(Box<SweepView>),
    /// Processors, memory and GPUs of this machine.
    System(Box<System>),
    /// The environment in which a run was trained.
    Environment(String, Box<Environment>),
    /// The last lines that a run's trainer has printed.
    Log(String, Box<Log>),
    /// The reason why nothing can be read; `None` once it can be read again.
    Trouble(Option<String>),
}

/// The data that the current screen needs.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Wants {
    /// Runs whose whole history is needed.
    pub(crate) histories: Vec<String>,
    /// Runs on the screen, which take precedence.
    pub(crate) visible: Vec<String>,
    /// Whether the settings of all runs are needed, for sorting or filtering.
    pub(crate) all_facts: bool,
    /// Whether the verdicts of all runs are needed, not only of those on the screen.
    pub(crate) all_verdicts: bool,
    /// The run whose probes are needed, and the epoch; the newest if `None`.
    pub(crate) probe: Option<(String, Option<u32>)>,
    /// Whether the results of the sweep are needed; with several sweeps, those of the sweep that contains the run `subject`.
    pub(crate) sweep: bool,
    pub(crate) subject: Option<String>,
    /// Whether the state of this machine is needed, and the run whose trainer log is.
    pub(crate) system: Option<Option<String>>,
}
