//! The one error type of the crate: what went wrong, where, and what to do about it.

use std::{fmt, io, path::Path, path::PathBuf};

use snn_run::line_of;

use crate::numerics::in_keys;

/// What is said of a run whose numbers have left the finite ones.
pub(crate) const DIVERGED: &str = "training has diverged";

/// What can go wrong while an experiment is read, run, stored or loaded.
///
/// Messages end with the long part (a path), and say what helps where something does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or directory of a run or a sweep: the operating system refused it, or it is not what it should be.
    #[error(transparent)]
    Files(#[from] snn_run::Error),

    /// A text that is no valid TOML.
    #[error("{place}: this is not valid TOML: {message}")]
    Syntax {
        /// Where the mistake is.
        place: Place,
        /// The parser's description.
        message: String,
    },

    /// A program of Slurm that is not on the search path.
    #[error(
        "there is no `{program}` here: this needs a machine of a cluster with Slurm, its programs on the search path"
    )]
    NoSlurm {
        /// The program.
        program: &'static str,
    },

    /// Slurm said no.
    #[error("{program} failed: {message}")]
    Slurm {
        /// The program that was asked.
        program: &'static str,
        /// What it said.
        message: String,
    },

    /// A key that no experiment has.
    #[error(
        "{place}: unknown key `{key}`{}",
        suggestion_or(nearest, "; `snn presets --keys` lists all keys")
    )]
    UnknownKey {
        /// Where it stands.
        place: Place,
        /// The key as written, `section.key`.
        key: String,
        /// The known key that looks most like it.
        nearest: Option<&'static str>,
    },

    /// A sweep that says something impossible about its grids, seeds or selection.
    #[error("{}{reason}", prefix(place))]
    Sweep {
        /// Where it stands.
        place: Place,
        /// What is wrong, and what is right.
        reason: String,
    },

    /// A key whose value is of the wrong type or out of range.
    #[error("{place}: `{key}` must be {expected}; found {found}{}", suggestion(nearest))]
    InvalidValue {
        /// Where it stands.
        place: Place,
        /// The key, `section.key`.
        key: &'static str,
        /// The allowed values, with unit.
        expected: String,
        /// The value found.
        found: String,
        /// The allowed word that looks most like it.
        nearest: Option<&'static str>,
    },

    /// Settings that are allowed one by one but not together.
    #[error("impossible settings: {0}")]
    Impossible(String),

    /// A run that does not fit into memory.
    #[error(
        "this takes about {takes}, and there is {there_is}: lower {largest}; or say with training.memory_limit (GB) how much it \
         may take"
    )]
    TooLarge {
        /// How much it takes, and what for.
        takes: String,
        /// How much there is, and what limits it.
        there_is: String,
        /// The keys of the largest part.
        largest: &'static str,
    },

    /// Stopped before anything began, while the data were loaded.
    #[error("stopped while loading the data")]
    Interrupted,

    /// A name that is neither a preset nor a file.
    #[error("`{name}` is neither a preset ({}) nor a TOML file{}", known.join(", "), suggestion(nearest))]
    UnknownPreset {
        /// The name given.
        name: String,
        /// The preset that looks most like it.
        nearest: Option<&'static str>,
        /// All presets.
        known: Vec<&'static str>,
    },

    /// A data set whose files are not there.
    #[error("the data set {name} is not here (no {what}): {remedy}: {}", path.display())]
    MissingData {
        /// The data set, as in `data.name`.
        name: &'static str,
        /// What was looked for.
        what: String,
        /// Where.
        path: PathBuf,
        /// What helps.
        remedy: String,
    },

    /// A data set in HDF5 files, for a program that was built without HDF5.
    #[error(
        "the data set {name} lies in HDF5 files, which this build of snn cannot read: install HDF5's library (Debian: \
         libhdf5-dev), then build snn-train with its feature `hdf5`"
    )]
    NoHdf5 {
        /// The data set, as in `data.name`.
        name: &'static str,
    },

    /// The directory meant for a new run is in use.
    #[error("the run directory is not empty; go on with what is there with --resume, or choose another one: {}", path.display())]
    RunExists {
        /// The directory.
        path: PathBuf,
    },

    /// Another process trains in this run directory.
    #[error("another process{} is training in this run directory; wait for it or stop it (create a file `stop` there): {}", owner(pid), path.display())]
    RunLocked {
        /// The directory.
        path: PathBuf,
        /// The process, where it is known.
        pid: Option<u32>,
    },

    /// The lock of a run directory was removed or replaced while a trainer held it.
    #[error(
        "the lock of this run directory was taken away (`lock` is not the file that this process holds): another process may be \
         training here, so this one stops and writes nothing more; leave `lock` where it is, and go on with --resume: {}",
        path.display()
    )]
    LockLost {
        /// The directory.
        path: PathBuf,
    },

    /// A checkpoint that is not there.
    #[error("there is no checkpoint (the first is written after an epoch, or when a run is stopped): {}", path.display())]
    MissingCheckpoint {
        /// The file that was looked for.
        path: PathBuf,
    },

    /// A checkpoint whose content is not what was written.
    #[error("damaged checkpoint ({reason}); restore it from a copy, or start the run anew: {}", path.display())]
    DamagedCheckpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A run that has come to a checkpoint which cannot be used any more.
    #[error("this run has {epochs} epochs behind it, but its checkpoint is lost ({reason}); {remedy}: {}", path.display())]
    LostCheckpoint {
        /// The checkpoint that is missing or damaged.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// Epochs that are recorded.
        epochs: u32,
        /// What is there, and what to type.
        remedy: String,
    },

    /// Records of a run that lack what its checkpoint has behind it.
    #[error(
        "the checkpoint has {epochs} epochs behind it, but {reason}; restore the file from a copy, or go on without with \
         --allow-gaps: {}",
        path.display()
    )]
    DamagedHistory {
        /// The file.
        path: PathBuf,
        /// Epochs of the checkpoint.
        epochs: u32,
        /// What is wrong with the records.
        reason: String,
    },

    /// A checkpoint whose weights do not fit the network.
    #[error("checkpoint and network differ: the checkpoint has {stored}, the network {needed}")]
    OtherNetwork {
        /// Matrices of the checkpoint with their shapes.
        stored: String,
        /// Matrices of the network with their shapes.
        needed: String,
    },

    /// A file of weights that cannot be read, or does not fit the network.
    #[error("these weights cannot be used: {reason}: {}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong with them, every matrix by its name.
        reason: String,
    },

    /// Data that are not those that a run was trained on.
    #[error(
        "these are not the data that the run was trained on: {differences}; put those back, or go on with these all the same with \
         --allow-other-data"
    )]
    OtherData {
        /// In what they differ.
        differences: String,
    },

    /// A run on a data set that a program of its own has made, and that no settings describe.
    #[error(
        "this run was trained on a data set of another program ({data}), which its settings do not describe: evaluate it and go on \
         with it in that program (`Trainer::on`, then `RunWriter::resume`), or name data that are the same to `snn eval` \
         (--set data.name=.. and its keys)"
    )]
    ExternalData {
        /// Its name and shape.
        data: String,
    },

    /// A run that is to be resumed under settings it was not started with.
    #[error(
        "`{key}` is {given} here, but the run was started with {stored}; only how long it trains may change with --resume"
    )]
    OtherExperiment {
        /// The first key that differs.
        key: String,
        /// Its value in the checkpoint.
        stored: String,
        /// Its value now.
        given: String,
    },

    /// A loss, a gradient or a weight is no longer a finite number.
    #[error(
        "{what} is {value} in epoch {epoch} after {batch} batches: {DIVERGED}; {}",
        against_divergence(*epoch, *batch, *learning_rate)
    )]
    NotFinite {
        /// The quantity: "the loss", "the validation loss", "the gradient of W1", "a weight of W1".
        what: String,
        /// Its value: NaN or an infinity.
        value: f64,
        /// The epoch, counted from 1.
        epoch: u32,
        /// Updates of the weights in that epoch until then.
        batch: u32,
        /// The learning rate in use.
        learning_rate: f64,
    },

    /// A run of a sweep whose process has ended without a word again and again.
    #[error(
        "its process has ended without a word {tries} times, before it came to a new checkpoint: memory has probably run out (what \
         is killed for want of it cannot say so), or something crashes; `snn sweep retry` lets it be tried again"
    )]
    EndsProcess {
        /// How often.
        tries: u32,
    },

    /// A run of a sweep met a mistake of this program.
    #[error("the run panicked: {0}; please report this")]
    Panicked(String),

    /// An observer gave up.
    #[error("an observer failed: {0}")]
    Observer(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The numerics refused: a network, an input or a gradient.
    #[error("{}", in_keys(.0))]
    Network(snn_core::Error),

    /// The data set refused: its parameters or its content.
    #[error(transparent)]
    Data(snn_data::Error),
}

impl From<snn_data::Error> for Error {
    fn from(error: snn_data::Error) -> Self {
        match error {
            snn_data::Error::Cancelled => Self::Interrupted,
            other => Self::Data(other),
        }
    }
}

impl Error {
    pub(crate) fn external(name: &str, inputs: usize, steps: usize, classes: usize) -> Self {
        Self::ExternalData { data: format!("`{name}`, {inputs} inputs x {steps} steps, {classes} classes") }
    }

    /// Whether what was asked for cannot be done at all, rather than failed on the way: a mistake in a configuration
    /// or in the use of a run directory.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        if let Self::Files(error) = self {
            return error.is_usage();
        }
        matches!(
            self,
            Self::Syntax { .. }
                | Self::Sweep { .. }
                | Self::UnknownKey { .. }
                | Self::InvalidValue { .. }
                | Self::Impossible(_)
                | Self::TooLarge { .. }
                | Self::UnknownPreset { .. }
                | Self::RunExists { .. }
                | Self::OtherExperiment { .. }
                | Self::OtherData { .. }
                | Self::Weights { .. }
                | Self::ExternalData { .. }
                | Self::Network(snn_core::Error::Setting { .. })
                | Self::Data(snn_data::Error::Setting { .. })
        )
    }

    /// Wraps an operating system's error: `file.write(..).map_err(Error::io("write the metrics", path))`.
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| snn_run::Error::io(action, path)(source).into()
    }
}

impl From<snn_core::Error> for Error {
    fn from(error: snn_core::Error) -> Self {
        Self::Network(error)
    }
}

/// Where in a user's input something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line of a file or preset, counted from 1.
    Line {
        /// The name of the file.
        file: String,
        /// The line.
        line: usize,
    },
    /// An override from the command line, `section.key=value`.
    Override(String),
    /// An experiment made in code.
    Code,
}

impl Place {
    /// Where in `text`, the content of `file`, the parser found its mistake.
    pub(crate) fn of(error: &toml::de::Error, text: &str, file: &str) -> Self {
        Self::Line { file: file.to_owned(), line: line_of(text, error.span().map_or(0, |span| span.start)) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{file}:{line}"),
            Self::Override(text) => write!(f, "--set {text}"),
            Self::Code => f.write_str("experiment"),
        }
    }
}

/// Before the first update no learning rate is at fault.
fn against_divergence(epoch: u32, batch: u32, learning_rate: f64) -> String {
    if (epoch, batch) == (1, 0) {
        return "nothing was learned yet, so the numbers are too large from the start: lower initialization.gain, the strengths \
                of the regularizers, or the values of the input"
            .to_owned();
    }
    format!(
        "lower optimizer.learning_rate (now {learning_rate:?}), or regularizer strengths if they are large; the last \
         checkpoint is kept"
    )
}

fn prefix(place: &Place) -> String {
    if *place == Place::Code { "sweep: ".to_owned() } else { format!("{place}: ") }
}

fn suggestion(nearest: &Option<&'static str>) -> String {
    suggestion_or(nearest, "")
}

fn suggestion_or(nearest: &Option<&'static str>, otherwise: &str) -> String {
    nearest.map_or_else(|| otherwise.to_owned(), |nearest| format!("; did you mean `{nearest}`?"))
}

fn owner(pid: &Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}
