//! Errors from settings, files and data sets.

use std::io;
#[cfg(any(feature = "audio", feature = "hdf5", feature = "mnist", feature = "npz"))]
use std::path::Path;
use std::path::PathBuf;

use crate::memory::{self, gibibytes};
use crate::{InputKind, Split};

/// Every error of this crate. Each names the problem, its place and the remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting has an invalid value.
    #[error("`{key} = {value}` is invalid: {key} must be {allowed}")]
    Setting {
        /// The key, as written in a configuration.
        key: &'static str,
        /// The value found.
        value: String,
        /// The accepted values.
        allowed: String,
    },

    /// The settings need more memory than is available.
    #[error(
        "not enough memory for {what}: {entries} entries take {}{}: use fewer samples, inputs or steps",
        gibibytes(*needed),
        available.map_or_else(String::new, |available| format!(", and {} are available", gibibytes(available)))
    )]
    OutOfMemory {
        /// The data that need the memory.
        what: &'static str,
        /// Its number of entries.
        entries: usize,
        /// Its number of bytes.
        needed: u64,
        /// Bytes available, if the system reports it.
        available: Option<u64>,
    },

    /// Two parts of a data set are inconsistent.
    #[error("the {split} part does not match the training part: {problem}")]
    Parts {
        /// The part compared with the training part.
        split: Split,
        /// The problem.
        problem: String,
    },

    /// Loading was canceled: see [`Cancel`](crate::Cancel).
    #[error("stopped while loading the data")]
    Cancelled,

    /// A list has the wrong number of entries for its shape.
    #[error("{what}: found {found} entries, expected {expected}")]
    Length {
        /// The list and its shape.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length required by its shape.
        expected: usize,
    },

    /// A requested sample does not exist.
    #[error("there is no sample {index}: the data set holds {len} samples, counted from 0")]
    Index {
        /// The requested index.
        index: usize,
        /// The number of samples.
        len: usize,
    },

    /// Two splits (or one split twice) contain the same sample.
    #[error("sample {index} occurs twice in the splits: training, validation and test must be disjoint")]
    SplitOverlap {
        /// The sample.
        index: usize,
    },

    /// A label is not one of the classes.
    #[error("label {label} is not a class: {classes} classes are labeled from 0")]
    Label {
        /// The label found.
        label: u16,
        /// The number of classes.
        classes: usize,
    },

    /// An input unit does not exist.
    #[error("a spike in unit {unit}: there are {inputs} input units, counted from 0")]
    Unit {
        /// The unit found.
        unit: u16,
        /// The number of input units.
        inputs: usize,
    },

    /// A spike in a channel that does not exist.
    #[error("a spike in channel {channel}: there are {channels} channels, counted from 0")]
    Channel {
        /// The channel found.
        channel: u32,
        /// The number of channels, before pooling.
        channels: u64,
    },

    /// A spike falls after the last step.
    #[error("a spike in step {step}: there are {steps} steps, counted from 0")]
    Step {
        /// The step found.
        step: usize,
        /// The number of steps.
        steps: usize,
    },

    /// A spike time is negative, infinite or not a number.
    #[error("unit {unit} spikes at {time} ms: spike times must be finite and 0 ms or later")]
    SpikeTime {
        /// The time found, in ms.
        time: f64,
        /// The unit that spikes.
        unit: u16,
    },

    /// Spikes are out of order.
    #[error(
        "the spike of unit {unit} in step {step} is out of order: spikes must ascend by step, then by unit"
    )]
    Unsorted {
        /// Step of the misplaced spike.
        step: usize,
        /// Unit of the misplaced spike.
        unit: u16,
    },

    /// The row offsets of a sample do not describe its spikes.
    #[error("row offsets must start at 0, never decrease and end at the number of spikes ({spikes})")]
    RowOffsets {
        /// The number of spikes.
        spikes: usize,
    },

    /// A data set wrote a different kind of input than it announced.
    #[error("the sample was written as {written}, but the data set announces {announced}")]
    Kind {
        /// The kind that `Dataset::kind` returns.
        announced: InputKind,
        /// The kind that `Dataset::sample` wrote.
        written: InputKind,
    },

    /// A data set wrote no input for a sample, or more than one.
    #[error("the input of a sample must be written exactly once, not {times} times")]
    WrittenTimes {
        /// How many times the data set wrote it.
        times: usize,
    },

    /// More spikes or samples than the index types of this crate can count.
    #[error("more than {} {what}: {remedy}", u32::MAX)]
    TooMany {
        /// The items in the plural, such as `spikes in one batch`.
        what: &'static str,
        /// The remedy.
        remedy: &'static str,
    },

    /// An analog value is not a finite number.
    #[error("unit {unit} has the value {value} in step {step}: input values must be finite")]
    Value {
        /// The value found.
        value: f32,
        /// Its step.
        step: usize,
        /// Its input unit.
        unit: usize,
    },

    /// A data set, or a part of it, was not found.
    #[error("no {what} here: fetch the data set, or specify the folder that holds it: {path}")]
    Missing {
        /// The missing data set, folder or file.
        what: String,
        /// Where it was expected.
        path: PathBuf,
    },

    /// The user's folders are unknown.
    #[error("this user has no home folder: set the environment variable {variable} to a folder")]
    NoHome {
        /// The variable that would name the folder.
        variable: &'static str,
    },

    /// Reading or writing failed.
    #[error("cannot {action}: {message}: {path}")]
    Io {
        /// The attempted action, such as `read the file`.
        action: &'static str,
        /// The kind of failure.
        kind: io::ErrorKind,
        /// The operating system's message.
        message: String,
        /// The file or folder.
        path: PathBuf,
    },

    /// The content of a file violates its format.
    #[error("not a valid {format}: {problem}")]
    Format {
        /// The expected format, such as `WAV file`.
        format: &'static str,
        /// The problem.
        problem: String,
    },

    /// An intact file of an unsupported kind.
    #[error("unsupported {format}: {kind}")]
    Unsupported {
        /// The format, such as `WAV file`.
        format: &'static str,
        /// Its kind, and the remedy.
        kind: String,
    },

    /// A file that is locked by another program.
    #[error("this {format} is locked: {reason}")]
    Busy {
        /// The format, such as `HDF5 spike file`.
        format: &'static str,
        /// By whom, and the remedy.
        reason: String,
    },

    /// Most spikes of a file fall after the last step.
    #[error(
        "{late} of {spikes} spikes ({percent}) fall after the last step, which ends at {window} ms; the last is at {last} ms: \
         {advice}raise data.steps or data.dt, or set data.late = \"crop\" to drop them"
    )]
    LateSpikes {
        /// Number of late spikes.
        late: u64,
        /// Number of all spikes.
        spikes: u64,
        /// The percentage, as text.
        percent: String,
        /// End of the last step in ms.
        window: f64,
        /// Time of the last spike in ms.
        last: f64,
        /// The likely time unit of the file; empty if none fits.
        advice: String,
    },

    /// Samples that a run was trained on no longer exist.
    #[error(
        "{missing} of the {recorded} samples recorded by the run are missing: {}{}",
        examples.join(", "),
        if missing > &examples.len() { ", ..." } else { "" }
    )]
    Membership {
        /// How many are missing.
        missing: usize,
        /// How many the run recorded.
        recorded: usize,
        /// The first missing names.
        examples: Vec<String>,
    },

    /// Recordings that cannot be read.
    #[error(
        "{} of {total} recordings cannot be read (data.skip_broken = true continues without them): {}{}",
        broken.len(),
        listed(broken),
        if broken.len() > LISTED { format!("; and {} more", broken.len() - LISTED) } else { String::new() }
    )]
    Recordings {
        /// The problem with each, by file name.
        broken: Vec<Error>,
        /// Number of all recordings.
        total: usize,
    },

    /// Any of the above, at a place in a file.
    #[error("{source} ({place}): {path}")]
    File {
        /// Where in the file, such as `line 3`.
        place: String,
        /// The error.
        source: Box<Error>,
        /// The file.
        path: PathBuf,
    },

    /// Any of the above, in one sample of a data set.
    #[error("data set `{dataset}`, sample {index}: {source}")]
    Sample {
        /// The name of the data set.
        dataset: String,
        /// The index of the sample.
        index: usize,
        /// The error.
        source: Box<Error>,
    },
}

/// Number of errors listed in a message; the value has all.
const LISTED: usize = 30;

fn listed(errors: &[Error]) -> String {
    errors.iter().take(LISTED).map(Error::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// For a failed allocation of `entries` entries of type `T`.
    pub(crate) fn no_memory<T>(what: &'static str, entries: usize) -> Self {
        let needed = (size_of::<T>() as u64).saturating_mul(entries as u64);
        Self::OutOfMemory { what, entries, needed, available: memory::available_memory().map(|it| it.bytes) }
    }

    pub(crate) fn setting(
        key: &'static str,
        value: impl std::fmt::Display,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Setting { key, value: value.to_string(), allowed: allowed.into() }
    }

    pub(crate) fn format(format: &'static str, problem: impl Into<String>) -> Self {
        Self::Format { format, problem: problem.into() }
    }

    /// Adds the name of the data set and the sample to an error.
    pub(crate) fn in_sample(self, dataset: &str, index: usize) -> Self {
        match self {
            // Cancellation has no place.
            Self::Cancelled => self,
            other => Self::Sample { dataset: dataset.to_owned(), index, source: Box::new(other) },
        }
    }
}

/// Errors of data sets read from files.
#[cfg(any(feature = "audio", feature = "hdf5", feature = "mnist", feature = "npz"))]
impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Io { action, kind: error.kind(), message: error.to_string(), path: path.to_owned() }
    }

    /// Adds the file and the place in it to an error.
    pub(crate) fn in_file(self, path: &Path, place: impl Into<String>) -> Self {
        match self {
            Self::Cancelled => self,
            other => Self::File { place: place.into(), source: Box::new(other), path: path.to_owned() },
        }
    }
}
