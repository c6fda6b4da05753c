//! What can go wrong between a setting and a batch.

use std::io;
#[cfg(any(feature = "audio", feature = "hdf5", feature = "mnist", feature = "npz"))]
use std::path::Path;
use std::path::PathBuf;

use crate::memory::{self, gibibytes};
use crate::{InputKind, Split};

/// Every error of this crate. Each says what is wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting has a value that makes no sense.
    #[error("`{key} = {value}` is not possible: {key} must be {allowed}")]
    Setting {
        /// The key, as it is written in a configuration.
        key: &'static str,
        /// The value found.
        value: String,
        /// The values that would be accepted.
        allowed: String,
    },

    /// The settings ask for more memory than this machine gives.
    #[error(
        "no memory for {what}: {entries} entries take {}{}: choose fewer samples, inputs or steps",
        gibibytes(*needed),
        available.map_or_else(String::new, |available| format!(", and {} are there", gibibytes(available)))
    )]
    OutOfMemory {
        /// What was to be stored.
        what: &'static str,
        /// How many entries it would have had.
        entries: usize,
        /// How many bytes it would have taken.
        needed: u64,
        /// How many there are, if the system tells.
        available: Option<u64>,
    },

    /// Two parts of a data set do not belong together.
    #[error("the {split} part does not go with the one for training: {problem}")]
    Parts {
        /// The part that is held against the one for training.
        split: Split,
        /// What is wrong.
        problem: String,
    },

    /// Somebody asked for an end while the data were loaded: see [`Cancel`](crate::Cancel).
    #[error("stopped while the data were loaded")]
    Cancelled,

    /// A list has the wrong number of entries for the shape it belongs to.
    #[error("{what}: found {found} entries, expected {expected}")]
    Length {
        /// The list and its shape.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that its shape demands.
        expected: usize,
    },

    /// A sample was asked for that the data set does not have.
    #[error("there is no sample {index}: the data set holds {len} samples, counted from 0")]
    Index {
        /// The index asked for.
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

    /// An input unit lies outside the data set's inputs.
    #[error("a spike of unit {unit}: there are {inputs} input units, counted from 0")]
    Unit {
        /// The unit found.
        unit: u16,
        /// The number of input units.
        inputs: usize,
    },

    /// A spike of a channel that the recording does not have.
    #[error("a spike of channel {channel}: there are {channels} channels, counted from 0")]
    Channel {
        /// The channel found.
        channel: u32,
        /// The number of channels, before any are pooled.
        channels: u64,
    },

    /// A spike lies behind the last step.
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

    /// Spikes were written out of order.
    #[error(
        "the spike of unit {unit} in step {step} comes out of order: spikes must ascend by step, then unit"
    )]
    Unsorted {
        /// Step of the misplaced spike.
        step: usize,
        /// Unit of the misplaced spike.
        unit: u16,
    },

    /// The row offsets of a sample do not describe its spikes.
    #[error("row offsets must start at 0, never descend and end at the number of spikes ({spikes})")]
    RowOffsets {
        /// The number of spikes that came with the offsets.
        spikes: usize,
    },

    /// A data set wrote another kind of input than it announced.
    #[error("the sample was written as {written}, but the data set announces {announced}")]
    Kind {
        /// What `Dataset::kind` says.
        announced: InputKind,
        /// What `Dataset::sample` wrote.
        written: InputKind,
    },

    /// A data set wrote no input for a sample, or more than one.
    #[error("the input of a sample must be written exactly once, not {times} times")]
    WrittenTimes {
        /// How often the data set wrote.
        times: usize,
    },

    /// More spikes or samples than the index types of this crate can count.
    #[error("more than {} {what}: {remedy}", u32::MAX)]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },

    /// An analog value is not a finite number.
    #[error("unit {unit} has the value {value} in step {step}: input values must be finite numbers")]
    Value {
        /// The value found.
        value: f32,
        /// Its step.
        step: usize,
        /// Its input unit.
        unit: usize,
    },

    /// A data set, or a part of it, is not where it was looked for.
    #[error("no {what} here: fetch the data set, or name the folder that holds it: {path}")]
    Missing {
        /// What was looked for.
        what: String,
        /// Where.
        path: PathBuf,
    },

    /// Nothing says where the user's folders are.
    #[error("this user has no home folder: set the environment variable {variable} to a folder")]
    NoHome {
        /// The variable that names the folder that was looked for.
        variable: &'static str,
    },

    /// The operating system refuses to read or write.
    #[error("cannot {action}: {message}: {path}")]
    Io {
        /// What was tried, such as `read the file`.
        action: &'static str,
        /// Why it failed, by kind.
        kind: io::ErrorKind,
        /// Why it failed, in the words of the operating system.
        message: String,
        /// The file or folder.
        path: PathBuf,
    },

    /// The content of a file breaks the rules of its format.
    #[error("not a valid {format}: {problem}")]
    Format {
        /// The format that was expected, such as `WAV file`.
        format: &'static str,
        /// What is wrong.
        problem: String,
    },

    /// A file of a kind that is not read, though nothing is wrong with it.
    #[error("this kind of {format} is not read: {kind}")]
    Unsupported {
        /// The format, such as `WAV file`.
        format: &'static str,
        /// What kind it is, and what to do.
        kind: String,
    },

    /// A file that cannot be opened at the moment.
    #[error("this {format} is locked: {reason}")]
    Busy {
        /// The format, such as `HDF5 file of spikes`.
        format: &'static str,
        /// By whom, and what to do.
        reason: String,
    },

    /// Most spikes of a file lie behind the last step.
    #[error(
        "{late} of {spikes} spikes ({percent}) lie behind the last step, which ends at {window} ms; the last is at {last} ms: \
         {advice}raise data.steps or data.dt, or set data.late = \"crop\" to do without them"
    )]
    LateSpikes {
        /// How many.
        late: u64,
        /// Of how many.
        spikes: u64,
        /// The share, as text.
        percent: String,
        /// End of the last step in ms.
        window: f64,
        /// Time of the last spike in ms.
        last: f64,
        /// Which unit the file seems to have; empty if none fits.
        advice: String,
    },

    /// Samples that a run was trained on are not there any more.
    #[error(
        "{missing} of the {recorded} samples that the run has recorded are not there: {}{}",
        examples.join(", "),
        if missing > &examples.len() { ", ..." } else { "" }
    )]
    Membership {
        /// How many are missing.
        missing: usize,
        /// How many there were.
        recorded: usize,
        /// The first names.
        examples: Vec<String>,
    },

    /// Recordings that cannot be read.
    #[error(
        "{} of {total} recordings cannot be read (data.skip_broken = true goes on without them): {}{}",
        broken.len(),
        listed(broken),
        if broken.len() > LISTED { format!("; and {} more", broken.len() - LISTED) } else { String::new() }
    )]
    Recordings {
        /// What is wrong with each, by file name.
        broken: Vec<Error>,
        /// How many recordings there are.
        total: usize,
    },

    /// Any of the above, at a place in a file.
    #[error("{source} ({place}): {path}")]
    File {
        /// Where in the file, such as `line 3`.
        place: String,
        /// What went wrong there.
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
        /// What went wrong there.
        source: Box<Error>,
    },
}

/// Errors that one message lists; the value has all.
const LISTED: usize = 30;

fn listed(errors: &[Error]) -> String {
    errors.iter().take(LISTED).map(Error::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// For `entries` entries of type `T` that the system refuses.
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

    /// Puts the name of the data set and the sample in front of an error.
    pub(crate) fn in_sample(self, dataset: &str, index: usize) -> Self {
        match self {
            // It is at no place.
            Self::Cancelled => self,
            other => Self::Sample { dataset: dataset.to_owned(), index, source: Box::new(other) },
        }
    }
}

/// Errors of files, for the data sets that are read from some.
#[cfg(any(feature = "audio", feature = "hdf5", feature = "mnist", feature = "npz"))]
impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Io { action, kind: error.kind(), message: error.to_string(), path: path.to_owned() }
    }

    /// Says in which file, and where in it, an error was found.
    pub(crate) fn in_file(self, path: &Path, place: impl Into<String>) -> Self {
        match self {
            Self::Cancelled => self,
            other => Self::File { place: place.into(), source: Box::new(other), path: path.to_owned() },
        }
    }
}
