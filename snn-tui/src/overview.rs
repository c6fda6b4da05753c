//! What is known of the runs in a directory, read again and again while others write.

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;
use snn_train::{
    Error,
    run::{self, EpochRecord, Record, RunDir, Status, Tail},
};

/// A running trainer is heard of about once a second; after this many seconds without, something is wrong.
const PATIENCE: f64 = 10.0;

/// The runs in a directory.
pub(crate) struct Overview {
    directory: PathBuf,
    rows: Vec<Row>,
}

/// One run; serialised as documented for `--json`.
#[derive(Serialize)]
pub(crate) struct Row {
    #[serde(rename = "run")]
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) stalled: bool,
    pub(crate) status: Option<Status>,
    pub(crate) last_epoch: Option<EpochRecord>,
    pub(crate) warnings: usize,
    pub(crate) error: Option<String>,
    #[serde(skip)]
    dir: RunDir,
    #[serde(skip)]
    tail: Tail,
}

impl Overview {
    /// Nothing is read before the first [`refresh`](Self::refresh).
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), rows: Vec::new() }
    }

    /// The runs, by name.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Finds new runs, forgets those that are gone, and reads on in all others.
    pub(crate) fn refresh(&mut self) -> Result<(), Error> {
        let found = match RunDir::open(&self.directory) {
            Ok(run) => vec![run],
            Err(_) => run::list(&self.directory)?,
        };
        let mut known = std::mem::take(&mut self.rows);
        for dir in found {
            let position = known.iter().position(|row| row.dir == dir);
            let mut row = position.map_or_else(|| Row::new(dir), |position| known.swap_remove(position));
            row.refresh();
            self.rows.push(row);
        }
        Ok(())
    }
}

impl Row {
    fn new(dir: RunDir) -> Self {
        Self {
            id: dir.id(),
            path: dir.path().to_owned(),
            stalled: false,
            status: None,
            last_epoch: None,
            warnings: 0,
            error: None,
            tail: dir.tail(),
            dir,
        }
    }

    /// Reads on. A run that cannot be read says so in its row and does not keep the others from being shown.
    fn refresh(&mut self) {
        self.error = self.read().err().map(|error| error.to_string());
    }

    fn read(&mut self) -> Result<(), Error> {
        self.status = match self.dir.status() {
            Ok(status) => Some(status),
            // A run that has just been set up has none yet.
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        self.stalled = self.status.as_ref().is_some_and(|it| it.is_stalled(seconds_since_1970(), PATIENCE));
        self.tail.poll()?;
        let records = self.tail.records();
        self.warnings = records.iter().filter(|record| matches!(record, Record::Warning(_))).count();
        self.last_epoch = records.iter().rev().find_map(|record| match record {
            Record::Epoch(epoch) => Some(epoch.clone()),
            _ => None,
        });
        Ok(())
    }
}

/// The time now, as run directories state it.
pub(crate) fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;

    use super::*;

    /// Writes a run as the trainer does; `metrics` is added to what is there.
    pub(crate) fn write_run(runs: &Path, id: &str, status: &str, metrics: &str) {
        let folder = runs.join(id);
        let old = fs::read_to_string(folder.join("metrics.jsonl")).unwrap_or_default();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.toml"), "").unwrap();
        fs::write(folder.join("status.json"), status).unwrap();
        fs::write(folder.join("metrics.jsonl"), old + metrics).unwrap();
    }

    #[test]
    fn runs_come_grow_and_go() {
        let runs = tempfile::tempdir().unwrap();
        let mut overview = Overview::new(runs.path());
        overview.refresh().unwrap();
        assert!(overview.rows().is_empty());

        write_run(runs.path(), "b", r#"{"state":"running"}"#, "{\"kind\":\"epoch\",\"epoch\":1}\n");
        write_run(runs.path(), "a", r#"{"state":"done"}"#, "{\"kind\":\"warning\",\"message\":\"quiet\"}\n");
        overview.refresh().unwrap();
        let ids: Vec<_> = overview.rows().iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!((overview.rows()[0].warnings, overview.rows()[1].warnings), (1, 0));
        assert!(overview.rows()[1].stalled && !overview.rows()[0].stalled, "b has never been heard of");

        write_run(runs.path(), "b", r#"{"state":"running"}"#, "{\"kind\":\"epoch\",\"epoch\":2}\n{\"kind\":");
        fs::remove_dir_all(runs.path().join("a")).unwrap();
        overview.refresh().unwrap();
        assert_eq!(overview.rows().len(), 1);
        assert_eq!(overview.rows()[0].last_epoch.as_ref().map(|it| it.epoch), Some(2));

        let mut single = Overview::new(&runs.path().join("b"));
        single.refresh().unwrap();
        assert_eq!(single.rows()[0].id, "b");
    }

    #[test]
    fn a_damaged_run_is_told_and_the_others_are_shown() {
        let runs = tempfile::tempdir().unwrap();
        write_run(runs.path(), "a", "{", "");
        write_run(runs.path(), "b", r#"{"state":"done"}"#, "");
        let mut overview = Overview::new(runs.path());
        overview.refresh().unwrap();
        assert!(overview.rows()[0].error.as_ref().is_some_and(|error| error.contains("status")));
        assert!(overview.rows()[1].error.is_none());

        let json = serde_json::to_value(overview.rows()).unwrap();
        assert_eq!(json[1]["run"], "b");
        assert_eq!(json[1]["status"]["state"], "done");
        assert!(json[1]["last_epoch"].is_null());
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let runs = tempfile::tempdir().unwrap();
        assert!(Overview::new(&runs.path().join("none")).refresh().is_err());
    }
}
