//! Runs that crash their process: a run that runs out of memory or crashes must not block its sweep forever.
//!
//! A file in the run directory identifies the process that trains it, from before loading the data until the attempt has ended
//! normally. If the file exists but its process does not, the attempt crashed the process, or something else did. An attempt
//! that reached a new checkpoint does not count: the run makes progress.

use std::{
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};
use snn_run::{
    files::{ATTEMPT, CHECKPOINTS, LAST_CHECKPOINT},
    regular,
};

use crate::{
    error::Error,
    replace::{Durability, replace_shared},
    run::Holder,
};

/// Maximum number of consecutive attempts that crash their process.
pub(super) const MOST: u32 = 3;

/// The content of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    holder: Holder,
    /// Previous attempts that crashed their process without a new checkpoint.
    deaths: u32,
    /// The checkpoint at the start.
    from: Option<Stamp>,
}

/// Identifies a checkpoint: size and modification time (ns since 1970).
type Stamp = (u64, u64);

/// An attempt to train a run. It ends normally when it is dropped.
#[derive(Debug)]
pub(super) struct Attempt {
    /// `None` for a run that another process is training.
    path: Option<PathBuf>,
}

impl Attempt {
    /// Begins an attempt.
    ///
    /// # Errors
    /// [`Error::EndsProcess`] for a run that has crashed [`MOST`] processes, which resets the count; [`snn_run::Error::Io`].
    pub(super) fn begin(run: &Path) -> Result<Self, Error> {
        let path = run.join(ATTEMPT);
        let before = read(run);
        if before.as_ref().is_some_and(|before| before.holder.lives() == Some(true)) {
            // The lock decides who trains it.
            return Ok(Self { path: None });
        }
        let deaths = before.as_ref().map_or(0, |before| deaths(run, before));
        if deaths >= MOST {
            let _ = fs::remove_file(&path);
            return Err(Error::EndsProcess { tries: deaths });
        }
        let content = Content { holder: Holder::this(), deaths, from: stamp(run) };
        let write = || {
            fs::create_dir_all(run)?;
            replace_shared(&path, &serde_json::to_vec(&content)?, Durability::Disk)
        };
        write().map_err(Error::io("record the attempt", &path))?;
        Ok(Self { path: Some(path) })
    }

    /// How many consecutive attempts have crashed their process, including the last one.
    pub(super) fn deaths(run: &Path) -> u32 {
        let before = read(run).filter(|before| before.holder.lives() != Some(true));
        before.map_or(0, |before| deaths(run, &before))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // A remaining file only increases the count of the next attempt.
            let _ = fs::remove_file(path);
        }
    }
}

/// An unparsable file is ignored.
fn read(run: &Path) -> Option<Content> {
    let bytes = regular::read(run.join(ATTEMPT), regular::MOST_STATUS).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn deaths(run: &Path, before: &Content) -> u32 {
    if stamp(run) == before.from { before.deaths.saturating_add(1) } else { 0 }
}

fn stamp(run: &Path) -> Option<Stamp> {
    let file = fs::metadata(run.join(CHECKPOINTS).join(LAST_CHECKPOINT)).ok()?;
    let written = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((file.len(), u64::try_from(written.as_nanos()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Simulates an attempt whose process has crashed.
    fn die(run: &Path, attempt: Attempt) {
        let path = run.join(ATTEMPT);
        let mut content: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        content["holder"]["started"] = 1.into();
        std::mem::forget(attempt);
        fs::write(&path, content.to_string()).unwrap();
    }

    #[test]
    fn crashing_attempts_are_counted_until_the_run_progresses() {
        let directory = tempfile::tempdir().unwrap();
        let run = directory.path().join("run");
        drop(Attempt::begin(&run).unwrap());
        assert!(!run.join(ATTEMPT).exists(), "a normal end removes the file");
        for death in 1..=MOST {
            die(&run, Attempt::begin(&run).unwrap());
            assert_eq!(Attempt::deaths(&run), death);
        }
        let error = Attempt::begin(&run).unwrap_err();
        assert!(matches!(error, Error::EndsProcess { tries: MOST }), "{error}");
        assert_eq!(Attempt::deaths(&run), 0, "a retry resets the count");

        die(&run, Attempt::begin(&run).unwrap());
        die(&run, Attempt::begin(&run).unwrap());
        fs::create_dir(run.join(CHECKPOINTS)).unwrap();
        fs::write(run.join(CHECKPOINTS).join(LAST_CHECKPOINT), "new").unwrap();
        assert_eq!(Attempt::deaths(&run), 0, "it has reached a checkpoint");
        for garbage in ["", "{}", "\u{0}"] {
            fs::write(run.join(ATTEMPT), garbage).unwrap();
            assert_eq!(Attempt::deaths(&run), 0);
        }
    }

    #[test]
    fn a_run_trained_by_another_process_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let first = Attempt::begin(directory.path()).unwrap();
        drop(Attempt::begin(directory.path()).unwrap());
        assert!(directory.path().join(ATTEMPT).exists(), "it belongs to the first one");
        drop(first);
        assert!(!directory.path().join(ATTEMPT).exists());
    }
}
