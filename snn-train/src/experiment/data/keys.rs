//! The keys of `[data]`, for every data set.

use std::ops::Bound;

use super::Data;
use crate::experiment::key::{Key, Values};

const UNITS: Values = Values::Integer(1, 65_536);
const U32: Values = Values::Integer(1, u32::MAX as u64);
const HZ: Values = Values::AT_LEAST_0;
const UNIT_INTERVAL: Values = Values::Number(Bound::Included(0.0), Bound::Included(1.0));

const EVERY: &[&str] = &[];
const RANDMAN: &[&str] = &["randman"];
const MNIST: &[&str] = &["mnist"];
/// HDF5 files of spikes.
const SPIKES: &[&str] = &["shd", "spikes"];
const OWN_SPIKES: &[&str] = &["spikes"];
/// Recordings of words.
const SPEECH: &[&str] = &["heidelberg", "speech_commands", "speech_commands_ten_words", "fsdd", "folder"];
/// Those with a test part of their own.
const TESTED: &[&str] =
    &["heidelberg", "speech_commands", "speech_commands_ten_words", "fsdd", "folder", "shd", "spikes"];
const VALIDATED: &[&str] = &[
    "mnist",
    "heidelberg",
    "speech_commands",
    "speech_commands_ten_words",
    "fsdd",
    "folder",
    "shd",
    "spikes",
];
const IN_A_FOLDER: &[&str] =
    &["mnist", "shd", "heidelberg", "speech_commands", "speech_commands_ten_words", "fsdd", "folder"];

pub(super) const KEYS: &[Key] = &[
    key(EVERY, "data.name", Values::Choice(Data::NAMES), "", "The data set."),
    key(
        IN_A_FOLDER,
        "data.directory",
        Values::Text,
        "",
        "The folder that holds the data set; empty for the one where `cargo xtask fetch-data` puts it.",
    ),
    key(OWN_SPIKES, "data.train_file", Values::Text, "", "HDF5 file of spikes, laid out as shd_train.h5."),
    key(
        OWN_SPIKES,
        "data.test_file",
        Values::Text,
        "",
        "Another one, the official test part; empty for none.",
    ),
    key(EVERY, "data.steps", U32, "steps", "Time steps of a sample."),
    key(EVERY, "data.dt", Values::POSITIVE, "ms", "Length of a time step."),
    // Random manifolds.
    key(RANDMAN, "data.classes", UNITS, "classes", "Number of classes, each a manifold of its own."),
    key(RANDMAN, "data.dim", Values::Integer(1, 16), "", "Dimension D of the manifolds; more is harder."),
    key(RANDMAN, "data.alpha", Values::AT_LEAST_0, "", "Smoothness: amplitude k^-alpha of term k."),
    key(RANDMAN, "data.inputs", UNITS, "units", "Input units M; each spikes once in a sample."),
    key(RANDMAN, "data.n_cutoff", Values::Integer(1, 1_000_000), "terms", "Terms of the Fourier series."),
    key(RANDMAN, "data.tolerance", Values::BELOW_1, "", "Amplitude at which the series ends early."),
    key(RANDMAN, "data.samples_per_class", U32, "samples", "Samples of a class, all splits together."),
    key(RANDMAN, "data.valid", Values::Portion, "", "Samples of each class held out for validation."),
    key(RANDMAN, "data.test", Values::Portion, "", "Samples of each class held out for the test."),
    key(RANDMAN, "data.tau_randman", Values::POSITIVE, "ms", "Time within which all inputs spike."),
    key(RANDMAN, "data.seed", Values::SEED, "", "Seed of the manifolds and of the points on them."),
    // MNIST.
    key(MNIST, "data.threshold", Values::BELOW_1, "", "Brightness up to which a pixel never spikes."),
    key(MNIST, "data.tau_eff", Values::POSITIVE, "ms", "Time constant of the latency code."),
    key(MNIST, "data.train", U32, "samples", "Images to train on, of those that the validation leaves."),
    // Files of spikes.
    key(SPIKES, "data.inputs", UNITS, "units", "Input units."),
    key(
        SPIKES,
        "data.time_unit",
        Values::Choice(&["s", "ms", "us"]),
        "",
        "The unit of the times in the files: seconds, milliseconds or microseconds.",
    ),
    key(
        SPIKES,
        "data.late",
        Values::Choice(&["drop", "clamp", "crop"]),
        "",
        "Spikes behind the last step; `drop` and `clamp` refuse a file that has most of its spikes there, `crop` drops \
         them all the same.",
    ),
    key(
        SPIKES,
        "data.coincident",
        Values::Choice(&["binary", "sum"]),
        "",
        "Several spikes of a unit in one step: they count once, or each.",
    ),
    key(
        SPIKES,
        "data.unsorted",
        Values::Choice(&["refuse", "sort"]),
        "",
        "Samples whose spikes are not in the order of time: an error, or to be sorted.",
    ),
    // Recordings.
    key(SPEECH, "data.words", Values::Words, "", "Words to load, which become the classes; none loads all."),
    key(
        SPEECH,
        "data.skip_broken",
        Values::Switch,
        "",
        "Whether recordings that cannot be read are left out and counted; otherwise the data set is refused.",
    ),
    key(
        SPEECH,
        "data.remove_mean",
        Values::Switch,
        "",
        "Whether each recording loses the mean of every channel.",
    ),
    key(
        SPEECH,
        "data.standardize",
        Values::Switch,
        "",
        "Whether channels are brought to mean 0 and deviation 1, with statistics of the training part.",
    ),
    key(
        SPEECH,
        "data.mel.sample_rate",
        Values::Integer(1000, 768_000),
        "Hz",
        "Rate that all recordings are brought to.",
    ),
    key(SPEECH, "data.mel.pre_emphasis", UNIT_INTERVAL, "", "Coefficient c of y[n] = x[n] - c x[n - 1]."),
    key(SPEECH, "data.mel.frame", Values::POSITIVE, "ms", "Length of a frame of sound."),
    key(SPEECH, "data.mel.hop", Values::POSITIVE, "ms", "Time from one frame of sound to the next."),
    key(
        SPEECH,
        "data.mel.tail",
        Values::Choice(&["pad", "drop"]),
        "",
        "Samples behind the last whole frame: padded with zeros to a frame, or dropped.",
    ),
    key(SPEECH, "data.mel.fft", Values::Integer(2, 65_536), "points", "Points of the Fourier transform."),
    key(SPEECH, "data.mel.channels", Values::Integer(1, 4096), "units", "Mel filters, the input units."),
    key(SPEECH, "data.mel.low", HZ, "Hz", "Where the lowest filter begins."),
    key(
        SPEECH,
        "data.mel.high",
        HZ,
        "Hz",
        "Where the highest filter ends; by default at half the sample rate.",
    ),
    key(SPEECH, "data.mel.scale", Values::Choice(&["htk", "slaney"]), "", "Formula of the Mel scale."),
    key(SPEECH, "data.mel.norm", Values::Choice(&["peak", "area"]), "", "What all filters have in common."),
    key(
        SPEECH,
        "data.mel.edges",
        Values::Choice(&["exact", "rounded"]),
        "",
        "Filters begin and end at exact frequencies, or at points of the transform.",
    ),
    key(
        SPEECH,
        "data.mel.compression",
        Values::Choice(&["log", "decibel", "power"]),
        "",
        "What becomes of the energies; `power` leaves them.",
    ),
    key(SPEECH, "data.mel.floor", Values::POSITIVE, "", "Smallest energy that the logarithm sees."),
    // How they are divided.
    key(TESTED, "data.test", Values::SplitRule, "", "The test part, chosen first."),
    key(VALIDATED, "data.valid", Values::SplitRule, "", "The validation part, of what the test leaves."),
];

const fn key(
    data_sets: &'static [&'static str],
    path: &'static str,
    values: Values,
    unit: &'static str,
    help: &'static str,
) -> Key {
    Key { path, values, unit, help, data_sets }
}
