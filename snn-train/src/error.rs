//! The one error type of the crate: what went wrong, where, and what to do about it.

use std::{fmt, io, path::Path, path::PathBuf};

/// What is said of a run whose numbers have left the finite ones.
#[cfg(feature = "trainer")]
pub(crate) const DIVERGED: &str = "training has diverged";

/// What can go wrong while an experiment is read, run, stored or loaded.
///
/// Messages end with the long part (a path), and say what helps where something does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write a file or directory.
    #[error("cannot {action}: {source}{}: {}", remedy(source), path.display())]
    Io {
        /// What was being done, such as "write the checkpoint".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// A text that is no valid TOML.
    #[error("{place}: this is not valid TOML: {message}")]
    Syntax {
        /// Where the mistake is.
        place: Place,
        /// The parser's description.
        message: String,
    },

    /// A directory that is no run directory.
    #[error("no run here ({missing} is missing); runs lie one level deeper, as in runs/<id>: {}", path.display())]
    NotARun {
        /// The directory that was meant to be a run.
        path: PathBuf,
        /// The file that every run directory holds.
        missing: &'static str,
    },

    /// A directory that is no sweep.
    #[error("no sweep here (manifest.json is missing; planning a sweep writes it): {}", path.display())]
    NotASweep {
        /// The directory that was meant to be a sweep.
        path: PathBuf,
    },

    /// A file of a run directory or of a sweep that cannot be understood.
    #[error("damaged {what} ({reason}): {}", path.display())]
    DamagedFile {
        /// Which file, such as "status".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A program of Slurm that is not on the search path.
    #[cfg(feature = "trainer")]
    #[error(
        "there is no `{program}` here: this needs a machine of a cluster with Slurm, its programs on the search path"
    )]
    NoSlurm {
        /// The program.
        program: &'static str,
    },

    /// Slurm said no.
    #[cfg(feature = "trainer")]
    #[error("{program} failed: {message}")]
    Slurm {
        /// The program that was asked.
        program: &'static str,
        /// What it said.
        message: String,
    },

    /// A key that no experiment has.
    #[cfg(feature = "trainer")]
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
    #[cfg(feature = "trainer")]
    #[error("{}{reason}", prefix(place))]
    Sweep {
        /// Where it stands.
        place: Place,
        /// What is wrong, and what is right.
        reason: String,
    },

    /// A key whose value is of the wrong type or out of range.
    #[cfg(feature = "trainer")]
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
    #[cfg(feature = "trainer")]
    #[error("impossible settings: {0}")]
    Impossible(String),

    /// A name that is neither a preset nor a file.
    #[cfg(feature = "trainer")]
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
    #[cfg(feature = "trainer")]
    #[error("the data set {name} is not here (no {what}): {}: {}", how_to_fetch(name), path.display())]
    MissingData {
        /// The data set, as in `data.name`.
        name: &'static str,
        /// What was looked for.
        what: String,
        /// Where.
        path: PathBuf,
    },

    /// A data set in HDF5 files, for a program that was built without HDF5.
    #[cfg(feature = "trainer")]
    #[error(
        "the data set {name} lies in HDF5 files, which this build of snn cannot read: install HDF5's library (Debian: \
         libhdf5-dev), then build snn-train with its feature `hdf5`"
    )]
    NoHdf5 {
        /// The data set, as in `data.name`.
        name: &'static str,
    },

    /// The directory meant for a new run is in use.
    #[cfg(feature = "trainer")]
    #[error("the run directory is not empty; go on with what is there with --resume, or choose another one: {}", path.display())]
    RunExists {
        /// The directory.
        path: PathBuf,
    },

    /// Another process trains in this run directory.
    #[cfg(feature = "trainer")]
    #[error("another process{} is training in this run directory; wait for it or stop it (create a file `stop` there): {}", owner(pid), path.display())]
    RunLocked {
        /// The directory.
        path: PathBuf,
        /// The process, where it is known.
        pid: Option<u32>,
    },

    /// A checkpoint that is not there.
    #[cfg(feature = "trainer")]
    #[error("there is no checkpoint (the first is written after an epoch, or when a run is stopped): {}", path.display())]
    MissingCheckpoint {
        /// The file that was looked for.
        path: PathBuf,
    },

    /// A checkpoint whose content is not what was written.
    #[cfg(feature = "trainer")]
    #[error("damaged checkpoint ({reason}); restore it from a copy, or start the run anew: {}", path.display())]
    DamagedCheckpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A file that a later version of this program wrote.
    #[error("format version {found} is newer than this program's ({known}); use a newer `snn`: {}", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest version that this program reads.
        known: u32,
    },

    /// A checkpoint whose weights do not fit the network.
    #[cfg(feature = "trainer")]
    #[error("checkpoint and network differ: the checkpoint has {stored}, the network {needed}")]
    OtherNetwork {
        /// Matrices of the checkpoint with their shapes.
        stored: String,
        /// Matrices of the network with their shapes.
        needed: String,
    },

    /// A run that is to be resumed under settings it was not started with.
    #[cfg(feature = "trainer")]
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
    #[cfg(feature = "trainer")]
    #[error(
        "{what} is {value} in epoch {epoch} after {batch} batches: {DIVERGED}; lower optimizer.learning_rate \
         (now {learning_rate:?}), or regularizer strengths if they are large; the last checkpoint is kept"
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

    /// A run of a sweep met a mistake of this program.
    #[cfg(feature = "trainer")]
    #[error("the run panicked: {0}; please report this")]
    Panicked(String),

    /// An observer gave up.
    #[cfg(feature = "trainer")]
    #[error("an observer failed: {0}")]
    Observer(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The numerics refused: a network, an input or a gradient.
    #[cfg(feature = "trainer")]
    #[error(transparent)]
    Network(#[from] snn_core::Error),

    /// The data set refused: its parameters or its content.
    #[cfg(feature = "trainer")]
    #[error(transparent)]
    Data(#[from] snn_data::Error),
}

impl Error {
    /// Whether what was asked for cannot be done at all, rather than failed on the way: a mistake in a configuration
    /// or in the use of a run directory.
    #[cfg(feature = "trainer")]
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Syntax { .. }
                | Self::NotARun { .. }
                | Self::NotASweep { .. }
                | Self::Sweep { .. }
                | Self::UnknownKey { .. }
                | Self::InvalidValue { .. }
                | Self::Impossible(_)
                | Self::UnknownPreset { .. }
                | Self::RunExists { .. }
                | Self::OtherExperiment { .. }
                | Self::Network(snn_core::Error::Setting { .. })
                | Self::Data(snn_data::Error::Setting { .. })
        )
    }

    /// Wraps an operating system's error: `file.write(..).map_err(Error::io("write the metrics", path))`.
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.as_ref().to_owned(), source }
    }
}

/// What went wrong, and why: an error's message and those of its causes, `: ` between them. Causes that the message holds
/// already, as those of [`Error`] do, are not told twice.
#[must_use]
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text += ": ";
            text += &reason;
        }
        cause = error.source();
    }
    text
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

/// The line, counted from 1, in which the byte at `offset` stands.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
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

/// What helps against an operating system's error, for the kinds that a user can do something about.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            " (free some space, then go on with --resume)"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            " (choose a directory that you may write to)"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            " (a file stands where a directory is needed)"
        }
        _ => "",
    }
}

#[cfg(feature = "trainer")]
fn prefix(place: &Place) -> String {
    if *place == Place::Code { "sweep: ".to_owned() } else { format!("{place}: ") }
}

#[cfg(feature = "trainer")]
fn how_to_fetch(name: &str) -> String {
    match name {
        "spikes" => "set data.train_file and data.test_file to files that exist".to_owned(),
        _ => format!(
            "`cargo xtask fetch-data {name}` fetches it, or set data.directory to the folder that holds it"
        ),
    }
}

#[cfg(feature = "trainer")]
fn suggestion(nearest: &Option<&'static str>) -> String {
    suggestion_or(nearest, "")
}

#[cfg(feature = "trainer")]
fn suggestion_or(nearest: &Option<&'static str>, otherwise: &str) -> String {
    nearest.map_or_else(|| otherwise.to_owned(), |nearest| format!("; did you mean `{nearest}`?"))
}

#[cfg(feature = "trainer")]
fn owner(pid: &Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot do it")]
    struct Silent(#[source] Error);

    #[test]
    fn causes_are_told_once() {
        let full = Error::io("write the metrics", "run")(io::ErrorKind::StorageFull.into());
        let told = full.to_string();
        assert_eq!(with_causes(&full), told);
        assert_eq!(with_causes(&Silent(full)), format!("cannot do it: {told}"));
    }
}
