//! The output of the command, for people and (`--json`) for programs.

use indicatif::DecimalBytes;
use serde::Serialize;
use snn_catalog::DataSet;

use super::{
    error::FetchError,
    fetcher::{Action, Outcome},
    inspect::{Presence, Size},
    store::Store,
};

/// A data set of the catalog and its state on disk: an element of `--list --json`.
#[derive(Debug, Serialize)]
pub(crate) struct Listed<'a> {
    name: &'a str,
    title: &'a str,
    /// Bytes to download, or null if unknown in advance.
    bytes: Option<u64>,
    /// Maximum number of bytes on disk.
    max_unpacked_bytes: u64,
    license: &'a str,
    citation: &'a str,
    homepage: &'a str,
    note: Option<&'a str>,
    /// Whether a server has it, and not only mirrors.
    has_server: bool,
    directory: String,
    /// `absent`, `unrecorded`, `changed` or `fetched`.
    state: &'static str,
    /// Bytes of unfinished downloads.
    partial_bytes: u64,
}

impl<'a> Listed<'a> {
    pub(crate) fn new(data_set: &'a DataSet, store: &Store, state: &Presence) -> Self {
        let partial = data_set.files.iter().map(|file| store.part(&data_set.name, &file.name).len());
        Self {
            name: &data_set.name,
            title: &data_set.title,
            bytes: data_set.bytes(),
            max_unpacked_bytes: data_set.max_unpacked_bytes(),
            license: &data_set.license,
            citation: &data_set.citation,
            homepage: &data_set.homepage,
            note: data_set.note.as_deref(),
            has_server: data_set.has_server(),
            directory: store.folder(&data_set.name).display().to_string(),
            state: state.name(),
            partial_bytes: partial.sum(),
        }
    }
}

impl std::fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = match self.bytes {
            Some(bytes) => format!("{} to download", DecimalBytes(bytes)),
            None => "size not published".to_owned(),
        };
        writeln!(f, "{}  {}", self.name, self.title)?;
        writeln!(f, "  size      {size}, at most {} on disk", DecimalBytes(self.max_unpacked_bytes))?;
        writeln!(f, "  license   {}", self.license)?;
        writeln!(f, "  cite      {}", self.citation)?;
        if let Some(note) = self.note {
            writeln!(f, "  note      {note}")?;
        }
        let state = match self.state {
            "absent" => "not installed",
            "unrecorded" => "incomplete, or not fetched by this command",
            "changed" => "changed since it was fetched",
            other => other,
        };
        write!(f, "  state     {state}")?;
        if self.partial_bytes > 0 {
            write!(f, ", {} downloaded", DecimalBytes(self.partial_bytes))?;
        }
        write!(f, " ({})", self.directory)
    }
}

/// The outcome for a data set: an element of `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct Done {
    name: String,
    /// `present`, `recorded`, `fetched`, `verified`, `skipped` or `failed`.
    outcome: &'static str,
    directory: String,
    files: usize,
    bytes: u64,
    /// How each file was verified.
    proofs: Vec<String>,
    /// Why it failed or was skipped.
    error: Option<String>,
}

impl Done {
    fn new(name: &str, store: &Store, outcome: &'static str) -> Self {
        let directory = store.folder(name).display().to_string();
        Self {
            name: name.to_owned(),
            outcome,
            directory,
            files: 0,
            bytes: 0,
            proofs: Vec::new(),
            error: None,
        }
    }

    pub(crate) fn fetched(name: &str, store: &Store, outcome: Outcome) -> Self {
        let word = match outcome.action {
            Action::Present => "present",
            Action::Recorded => "recorded",
            Action::Fetched => "fetched",
        };
        let Size { files, bytes } = outcome.size;
        Self { files, bytes, proofs: outcome.proofs, ..Self::new(name, store, word) }
    }

    pub(crate) fn verified(name: &str, store: &Store, size: Size) -> Self {
        Self { files: size.files, bytes: size.bytes, ..Self::new(name, store, "verified") }
    }

    pub(crate) fn skipped(name: &str, store: &Store, reason: &str) -> Self {
        Self { error: Some(reason.to_owned()), ..Self::new(name, store, "skipped") }
    }

    pub(crate) fn failed(name: &str, store: &Store, error: &FetchError) -> Self {
        Self { error: Some(error.to_string()), ..Self::new(name, store, "failed") }
    }

    pub(crate) fn is_failure(&self) -> bool {
        self.outcome == "failed"
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(error) = &self.error {
            return write!(f, "{}: {}: {error}", self.name, self.outcome);
        }
        let what = match self.outcome {
            "present" => "exists, as fetched",
            "recorded" => "existed, is correct, and is recorded now",
            other => other,
        };
        let (files, bytes) = (self.files, DecimalBytes(self.bytes));
        let noun = if files == 1 { "file" } else { "files" };
        write!(f, "{}: {what} ({files} {noun}, {bytes}): {}", self.name, self.directory)
    }
}
