//! Reading run directories while they are being written.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::de::DeserializeOwned;

use crate::{
    environment::Environment,
    error::Error,
    files::{CONFIG, ENVIRONMENT, METRICS, STATUS, STOP},
    follow::{Follower, Tail},
    liveness::{self, silence},
    record::Record,
    regular,
    state::RunState,
    status::Status,
};

/// A run directory, opened for reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Opens the run at `path`.
    ///
    /// # Errors
    /// [`Error::NotARun`] if it has no `config.toml`.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        if path.join(CONFIG).is_file() {
            Ok(Self { path })
        } else {
            Err(Error::NotARun { path, missing: CONFIG })
        }
    }

    /// The path of the run.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the run: the last part of its path.
    #[must_use]
    pub fn id(&self) -> String {
        let name = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        name.file_name().unwrap_or(name.as_os_str()).to_string_lossy().into_owned()
    }

    /// The resolved experiment as plain TOML, which lets a reader show keys that it does not know; `Experiment::load` reads
    /// the same file as a typed value.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Syntax`].
    pub fn config(&self) -> Result<toml::Table, Error> {
        let path = self.path.join(CONFIG);
        let text = regular::read_to_string(&path, regular::MOST_CONFIG)
            .map_err(Error::io("read the experiment", &path))?;
        text.parse().map_err(|error: toml::de::Error| Error::syntax(path, &text, &error))
    }

    /// The state of the run now.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::DamagedFile`].
    pub fn status(&self) -> Result<Status, Error> {
        self.json("status", STATUS, regular::MOST_STATUS)
    }

    /// The current state of the run. A run without a status is pending.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::DamagedFile`].
    pub fn state(&self) -> Result<RunState, Error> {
        match self.status() {
            Ok(status) => Ok(self.state_by(&status)),
            Err(error) if error.is_not_found() => Ok(RunState::Pending),
            Err(error) => Err(error),
        }
    }

    /// The current state of the run, given its status.
    #[must_use]
    pub fn state_by(&self, status: &Status) -> RunState {
        self.silence_and_state(status).1
    }

    /// Seconds since the run's last sign of life, and its current state, given its status.
    #[must_use]
    pub fn silence_and_state(&self, status: &Status) -> (f64, RunState) {
        let silence = silence(SystemTime::now(), status.heartbeat, self.status_written());
        let state = match RunState::of(status, silence) {
            RunState::Running if self.is_gone(status) => RunState::Stalled,
            state => state,
        };
        (silence, state)
    }

    /// Whether the process that claims to train the run is known to have been killed on this machine.
    #[must_use]
    pub fn is_gone(&self, status: &Status) -> bool {
        liveness::is_gone(&self.path, status)
    }

    /// When the status was written, by the clock of the file system; `None` if unknown.
    #[must_use]
    pub fn status_written(&self) -> Option<SystemTime> {
        fs::metadata(self.path.join(STATUS)).and_then(|file| file.modified()).ok()
    }

    /// The environment in which the run was trained.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::DamagedFile`].
    pub fn environment(&self) -> Result<Environment, Error> {
        self.json("environment", ENVIRONMENT, regular::MOST_ENVIRONMENT)
    }

    /// All records so far; empty if the run has not recorded anything.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn records(&self) -> Result<Vec<Record>, Error> {
        let mut tail = self.tail();
        tail.poll()?;
        Ok(tail.into_records())
    }

    /// Follows the records as they are written.
    #[must_use]
    pub fn tail(&self) -> Tail {
        Tail::new(self.follow())
    }

    /// Follows the records as they are written, without keeping them.
    #[must_use]
    pub fn follow(&self) -> Follower {
        Follower::new(self.path.join(METRICS))
    }

    /// The complete records in the last `bytes` of the file: a cheap way to read the end of a long history.
    ///
    /// # Errors
    /// [`Error::Io`]; a missing file counts as empty.
    pub fn recent(&self, bytes: u64) -> Result<Vec<Record>, Error> {
        let path = self.path.join(METRICS);
        let read = || -> io::Result<Vec<u8>> {
            let mut file = regular::open(&path)?;
            let start = file.metadata()?.len().saturating_sub(bytes);
            file.seek(SeekFrom::Start(start))?;
            let mut end = Vec::new();
            file.take(bytes).read_to_end(&mut end)?;
            Ok(end)
        };
        match read() {
            Ok(end) => {
                let whole = end.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                let lines = end[..whole].split(|&byte| byte == b'\n');
                // The first line may lack its beginning: then it is not JSON.
                Ok(lines.filter_map(|line| Record::parse(std::str::from_utf8(line).ok()?)).collect())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(Error::io("read the metrics", path)(error)),
        }
    }

    /// Asks the trainer of the run to stop cleanly after the current batch. If the run is not being trained, the request
    /// remains for the next trainer.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn request_stop(&self) -> Result<(), Error> {
        let path = self.path.join(STOP);
        let file = regular::open_own(File::options().write(true).create(true).truncate(false), &path);
        file.map(drop).map_err(Error::io("request a stop", path))
    }

    fn json<T: DeserializeOwned>(&self, what: &'static str, name: &str, limit: u64) -> Result<T, Error> {
        let path = self.path.join(name);
        let bytes = regular::read(&path, limit).map_err(Error::io("read a file of the run", &path))?;
        serde_json::from_slice(&bytes).map_err(|error| Error::DamagedFile {
            what,
            path,
            reason: error.to_string(),
        })
    }
}

/// The runs in a directory such as `runs`, sorted by name and thus by time.
///
/// # Errors
/// [`Error::Io`] if the directory cannot be read.
pub fn list(directory: impl AsRef<Path>) -> Result<Vec<RunDir>, Error> {
    let directory = directory.as_ref();
    let entries = fs::read_dir(directory).map_err(Error::io("list the runs", directory))?;
    // Skip an entry that disappears meanwhile or is not a run.
    let mut runs: Vec<_> = entries.flatten().filter_map(|entry| RunDir::open(entry.path()).ok()).collect();
    runs.sort();
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::WarningRecord;

    fn line(epoch: u32) -> String {
        Record::Warning(WarningRecord { epoch, message: "quiet".to_owned() }).to_line() + "\n"
    }

    #[test]
    fn the_end_of_a_history_is_read_without_the_rest() {
        let directory = tempfile::tempdir().unwrap();
        let run = RunDir { path: directory.path().to_owned() };
        assert!(run.recent(1000).unwrap().is_empty());
        let lines: String = (0..1000).map(line).collect();
        fs::write(run.path().join(METRICS), lines.clone() + "{\"kind\":\"warn").unwrap();
        let recent = run.recent(1000).unwrap();
        assert!(recent.len() > 5 && recent.len() < 20, "{}", recent.len());
        assert_eq!(recent.last().and_then(Record::epoch), Some(999));
        assert_eq!(run.recent(1 << 30).unwrap().len(), 1000);
    }

    #[test]
    fn a_file_requests_a_stop() {
        let directory = tempfile::tempdir().unwrap();
        let run = RunDir { path: directory.path().to_owned() };
        run.request_stop().unwrap();
        assert!(directory.path().join(STOP).exists());
        drop(directory);
        assert!(run.request_stop().unwrap_err().to_string().contains("stop"));
    }

    #[test]
    fn directories_without_a_run_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let error = RunDir::open(directory.path()).unwrap_err();
        assert!(matches!(error, Error::NotARun { .. }), "{error}");
        fs::write(directory.path().join(CONFIG), "[data\n").unwrap();
        let run = RunDir::open(directory.path()).unwrap();
        let error = run.config().unwrap_err().to_string();
        assert!(error.contains("config.toml:1"), "{error}");
        fs::write(directory.path().join(STATUS), "{").unwrap();
        assert!(matches!(run.status(), Err(Error::DamagedFile { .. })));
        assert!(matches!(run.environment(), Err(Error::Io { .. })));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_killed_trainer_is_detected_by_its_lock() {
        use crate::status::RecordedState;

        let directory = tempfile::tempdir().unwrap();
        let run = RunDir { path: directory.path().to_owned() };
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        let heartbeat = crate::unix_time();
        let state = RecordedState::Running;
        let status = Status { state, pid, heartbeat, host: liveness::host(), ..Status::default() };
        assert_eq!(run.state_by(&status), RunState::Running, "without a lock, it may still run");
        let lock = File::create(directory.path().join(crate::files::LOCK)).unwrap();
        assert_eq!(run.state_by(&status), RunState::Stalled);
        lock.lock().unwrap();
        assert_eq!(run.state_by(&status), RunState::Running, "a process has locked it");
        lock.unlock().unwrap();
        let elsewhere = Status { host: Some("elsewhere".to_owned()), ..status.clone() };
        let of_old = Status { host: None, ..status.clone() };
        let alive = Status { pid: std::process::id(), ..status };
        for status in [elsewhere, of_old, alive] {
            assert_eq!(run.state_by(&status), RunState::Running);
        }
    }

    #[test]
    fn runs_are_listed_by_name() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b", "a", "no-run"] {
            fs::create_dir(directory.path().join(name)).unwrap();
            if name != "no-run" {
                fs::write(directory.path().join(name).join(CONFIG), "").unwrap();
            }
        }
        let ids: Vec<_> = list(directory.path()).unwrap().iter().map(RunDir::id).collect();
        assert_eq!(ids, ["a", "b"]);
    }
}
