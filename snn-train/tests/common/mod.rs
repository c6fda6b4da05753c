//! Runs the built `snn` and examines its output files.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A quick experiment: 16 updates per epoch.
pub(crate) const QUICK: &[&str] = &[
    "data.samples_per_class=100",
    "data.n_cutoff=50",
    "network.hidden=[30]",
    "network.recurrent=true",
    "training.batch_size=50",
    // Few samples and small layers: these weights cause no warnings, and the records are only those of epochs and the test.
    "initialization.gain=12.0",
];

/// `snn` in its own empty directory, to which relative paths in its arguments refer.
pub(crate) struct Snn {
    pub(crate) directory: TempDir,
}

pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Snn {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = snn_test_support::signals::listening(env!("CARGO_BIN_EXE_snn"));
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null());
        // A program started by another test while this one writes an HDF5 file inherits the file and its lock.
        command.env("HDF5_USE_FILE_LOCKING", "FALSE");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// Arguments that train the quick experiment with more changes.
    pub(crate) fn train<'a>(changes: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        let changes = QUICK.iter().chain(changes).flat_map(|&change| ["--set", change]);
        ["train", "randman"].into_iter().chain(changes).chain(more.iter().copied()).collect()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        let Self { code: found, stdout, stderr } = &self;
        assert_eq!(*found, Some(code), "stdout:\n{stdout}\nstderr:\n{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        self
    }

    /// Fails unless the command exited with this code and wrote all these strings to standard error.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, words: &[&str]) {
        let ended = self.expect(code);
        for word in words {
            assert!(ended.stderr.contains(word), "`{word}` is not in: {}", ended.stderr);
        }
    }
}

/// Everything that must be the same in an uninterrupted and an interrupted run: the bytes of both checkpoints, and the metrics
/// without times.
pub(crate) fn results(run: &Path) -> (Vec<u8>, Vec<u8>, Vec<Value>) {
    let checkpoint = |name: &str| fs::read(run.join("checkpoints").join(name)).unwrap();
    (checkpoint("last.safetensors"), checkpoint("best.safetensors"), metrics(run))
}

pub(crate) fn metrics(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let without_times = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let fields = record.as_object_mut().unwrap();
        fields.retain(|name, _| name != "time" && name != "seconds");
        record
    };
    text.lines().map(without_times).collect()
}

pub(crate) fn status(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("status.json")).unwrap()).unwrap()
}

#[track_caller]
pub(crate) fn assert_same(run: &Path, expected: &Path) {
    let (run, expected) = (results(run), results(expected));
    assert_eq!(run.2, expected.2, "metrics differ");
    assert!(run.0 == expected.0, "the last checkpoints differ");
    assert!(run.1 == expected.1, "the best checkpoints differ");
}
