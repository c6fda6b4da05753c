//! What is known of runs, and the tailer that finds it out. Screens see the values here, never a file.

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
pub(crate) use tailer::Tailer;

/// What the tailer has found out.
#[derive(Debug)]
pub(crate) enum Msg {
    /// Runs that are new or have changed.
    Runs(Vec<Run>),
    /// Names of runs that are gone.
    Gone(Vec<String>),
    /// So many runs of all have been read; both are equal from then on.
    Loading { read: usize, all: usize },
    /// What determines a run.
    ConfigSummary(String, Box<ConfigSummary>),
    /// A run's history begins anew.
    HistoryRestart(String),
    /// The next records of a run's history.
    History(String, Vec<Record>),
    /// Epochs of which a run has probes.
    ProbedEpochs(String, Vec<u32>),
    /// What one probe says in short.
    ProbeSummary(String, Box<ProbeSummary>),
    /// A probe, or why it cannot be read.
    Probe(String, u32, Result<Box<Probe>, String>),
    /// The sweep.
    Sweep(Box<SweepView>),
    /// Processor, memory and GPUs of this machine.
    System(Box<System>),
    /// Under which circumstances a run was made.
    Environment(String, Box<Environment>),
    /// The last lines of what a run's trainer has printed.
    Log(String, Box<Log>),
    /// What keeps the tailer from reading anything at all; `None` when it can again.
    Trouble(Option<String>),
}

/// What the screen that is shown needs to know.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Wants {
    /// Runs whose whole history is wanted.
    pub(crate) histories: Vec<String>,
    /// Runs on the screen, of which everything else is wanted first.
    pub(crate) visible: Vec<String>,
    /// Whether what determines runs is wanted of all of them, to sort or filter by it.
    pub(crate) all_facts: bool,
    /// Whether verdicts are wanted of all runs, and not only of those on the screen.
    pub(crate) all_verdicts: bool,
    /// The run whose probes are wanted, and the epoch: without one the newest.
    pub(crate) probe: Option<(String, Option<u32>)>,
    /// Whether the results of the sweep are wanted; of several sweeps, those of the sweep with the run `subject`.
    pub(crate) sweep: bool,
    pub(crate) subject: Option<String>,
    /// Whether this machine is wanted, and the run whose trainer's log is.
    pub(crate) system: Option<Option<String>>,
}
