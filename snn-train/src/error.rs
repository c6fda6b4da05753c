//! The error type of the crate: the problem, its place and the remedy.

use std::{fmt, io, path::Path, path::PathBuf};

use snn_run::{counted, line_of};

use crate::numerics::in_keys;

/// The message for a run with values that are not finite.
pub(crate) const DIVERGED: &str = "training has diverged";

/// Errors while reading, running, saving or loading an experiment.
///
/// Messages end with the long part (a path), and include the remedy if there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or directory of a run or a sweep cannot be accessed or is invalid.
    #[error(transparent)]
    Files(#[from] snn_run::Error),

    /// Invalid TOML.
    #[error("{place}: this is not valid TOML: {message}")]
    Syntax {
        /// The place of the error.
        place: Place,
        /// The parser's description.
        message: String,
    },

    /// A Slurm program is not on the search path.
    #[error(
        "there is no `{program}` here: this needs a machine of a Slurm cluster, with Slurm's programs on the search path"
    )]
    NoSlurm {
        /// The program.
        program: &'static str,
    },

    /// Slurm refused a request.
    #[error("{program} failed: {message}")]
    Slurm {
        /// The program.
        program: &'static str,
        /// Its message.
        message: String,
    },

    /// An unknown key.
    #[error(
        "{place}: unknown key `{key}`{}",
        suggestion_or(nearest, "; `snn presets --keys` lists all keys")
    )]
    UnknownKey {
        /// Where it was written.
        place: Place,
        /// The key as written, `section.key`.
        key: String,
        /// The most similar known key.
        nearest: Option<&'static str>,
    },

    /// A sweep with invalid grids, seeds or selection.
    #[error("{}{reason}", prefix(place))]
    Sweep {
        /// Where it was written.
        place: Place,
        /// The problem and the remedy.
        reason: String,
    },

    /// A value of the wrong type or out of range.
    #[error("{place}: `{key}` must be {expected}; found {found}{}", suggestion(nearest))]
    InvalidValue {
        /// Where it was written.
        place: Place,
        /// The key, `section.key`.
        key: &'static str,
        /// The allowed values, with unit.
        expected: String,
        /// The value found.
        found: String,
        /// The most similar allowed word.
        nearest: Option<&'static str>,
    },

    /// Settings that are allowed individually but not together.
    #[error("impossible settings: {0}")]
    Impossible(String),

    /// A run that does not fit into memory.
    #[error(
        "this needs about {takes}; available: {there_is}. Lower {largest}, or set training.memory_limit (GB) to the memory that it \
         may use"
    )]
    TooLarge {
        /// The required memory, and its uses.
        takes: String,
        /// The available memory, and what limits it.
        there_is: String,
        /// The keys of the largest part.
        largest: &'static str,
    },

    /// Stopped while loading the data, before training began.
    #[error("stopped while loading the data")]
    Interrupted,

    /// A name that is neither a preset nor a file.
    #[error("`{name}` is neither a preset ({}) nor a TOML file{}", known.join(", "), suggestion(nearest))]
    UnknownPreset {
        /// The name given.
        name: String,
        /// The most similar preset.
        nearest: Option<&'static str>,
        /// All presets.
        known: Vec<&'static str>,
    },

    /// The files of a data set are missing.
    #[error("the data set {name} is missing (no {what}): {remedy}: {}", path.display())]
    MissingData {
        /// The data set, as in `data.name`.
        name: &'static str,
        /// What is missing.
        what: String,
        /// Where it was expected.
        path: PathBuf,
        /// The remedy.
        remedy: String,
    },

    /// A data set in HDF5 files, for a program that was built without HDF5.
    #[error(
        "the data set {name} consists of HDF5 files, which this build of snn cannot read: install the HDF5 library (Debian: \
         libhdf5-dev), then build snn-train with its feature `hdf5`"
    )]
    NoHdf5 {
        /// The data set, as in `data.name`.
        name: &'static str,
    },

    /// The directory for a new run is not empty.
    #[error("the run directory is not empty; continue its run with --resume, or choose another directory: {}", path.display())]
    RunExists {
        /// The directory.
        path: PathBuf,
    },

    /// Another process is training in this run directory.
    #[error("another process{} is training in this run directory; wait for it or stop it (create a file `stop` there): {}", owner(pid), path.display())]
    RunLocked {
        /// The directory.
        path: PathBuf,
        /// The process, if known.
        pid: Option<u32>,
    },

    /// The lock of a run directory was removed or replaced while a trainer held it.
    #[error(
        "the lock of this run directory was removed or replaced (`lock` is not the file that this process locked): another process \
         may be training here, so this one stops without writing; do not touch `lock`, and continue with --resume: {}",
        path.display()
    )]
    LockLost {
        /// The directory.
        path: PathBuf,
    },

    /// A missing checkpoint.
    #[error("there is no checkpoint (the first is written after an epoch, or when a run is stopped): {}", path.display())]
    MissingCheckpoint {
        /// The missing file.
        path: PathBuf,
    },

    /// A damaged checkpoint.
    #[error("damaged checkpoint ({reason}); restore it from a copy, or start the run again: {}", path.display())]
    DamagedCheckpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The last checkpoint of a run is unusable.
    #[error("this run has reached epoch {epochs}, but its checkpoint is lost ({reason}); {remedy}: {}", path.display())]
    LostCheckpoint {
        /// The checkpoint that is missing or damaged.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// Recorded epochs.
        epochs: u32,
        /// The alternatives, with commands.
        remedy: String,
    },

    /// The records of a run lack epochs of its checkpoint.
    #[error(
        "the checkpoint is of epoch {epochs}, but {reason}; restore the file from a copy, or continue without it with \
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

    /// The weights of a checkpoint do not fit the network.
    #[error("checkpoint and network differ: the checkpoint has {stored}, the network {needed}")]
    OtherNetwork {
        /// Matrices of the checkpoint with their shapes.
        stored: String,
        /// Matrices of the network with their shapes.
        needed: String,
    },

    /// A weight file cannot be read, or does not fit the network.
    #[error("these weights cannot be used: {reason}: {}", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// The problem, with the names of all matrices.
        reason: String,
    },

    /// The data differ from those that a run was trained on.
    #[error(
        "these are not the data that the run was trained on: {differences}; restore those, or use these anyway with \
         --allow-other-data"
    )]
    OtherData {
        /// The differences.
        differences: String,
    },

    /// A run on data of a custom program, which settings cannot describe.
    #[error(
        "this run was trained on the data of a custom program ({data}), which its settings do not describe: evaluate and resume it \
         in that program (`Trainer::on`, then `RunWriter::resume`), or specify the same data to `snn eval` \
         (--set data.name=.. and its keys)"
    )]
    ExternalData {
        /// Its name and shape.
        data: String,
    },

    /// A run cannot be resumed with different settings.
    #[error(
        "`{key}` is {given} here, but the run was started with {stored}; only the length of training may change with --resume"
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
        "{what} is {value} in epoch {epoch} after {}: {DIVERGED}; {}",
        counted(batch, "batch", "batches"),
        against_divergence(*epoch, *batch, *learning_rate)
    )]
    NotFinite {
        /// The quantity: "the loss", "the validation loss", "the gradient of W1", "a weight of W1".
        what: String,
        /// Its value: NaN or an infinity.
        value: f64,
        /// The epoch, counted from 1.
        epoch: u32,
        /// Completed batches of that epoch.
        batch: u32,
        /// The learning rate in use.
        learning_rate: f64,
    },

    /// The process of a sweep's run has crashed repeatedly.
    #[error(
        "its process was killed or crashed {tries} times before it reached a new checkpoint, probably because memory ran out; \
         `snn sweep retry` makes the sweep retry it"
    )]
    EndsProcess {
        /// Number of attempts.
        tries: u32,
    },

    /// A bug in this program, during a run of a sweep.
    #[error("the run panicked: {0}; please report this")]
    Panicked(String),

    /// An observer returned an error.
    #[error("an observer failed: {0}")]
    Observer(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// An error of the numerics: a network, an input or a gradient.
    #[error("{}", in_keys(.0))]
    Network(snn_core::Error),

    /// An error of the data set: its parameters or its content.
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

    /// Whether this is a usage error rather than a failure: an error in a configuration or in the use of a run
    /// directory.
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

#[cfg(feature = "figures")]
impl From<snn_plot::NotRendered> for Error {
    fn from(error: snn_plot::NotRendered) -> Self {
        Self::Impossible(error.to_string())
    }
}

impl From<snn_core::Error> for Error {
    fn from(error: snn_core::Error) -> Self {
        Self::Network(error)
    }
}

/// A place in the user's input.
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
    /// An experiment created in code.
    Code,
}

impl Place {
    /// The place of a parser error in `text`, the content of `file`.
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

/// Before the first update, the learning rate is not the cause.
fn against_divergence(epoch: u32, batch: u32, learning_rate: f64) -> String {
    if (epoch, batch) == (1, 0) {
        return "nothing was trained yet, so the values are too large from the start: lower initialization.gain, the strengths \
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
