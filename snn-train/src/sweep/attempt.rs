//! Runs that end their process: one that runs out of memory or crashes must not stop its sweep for ever.
//!
//! A file in the run directory says who tries to train it, from before the data are loaded until the try has ended in any orderly
//! way. Where the file is still there and its process is not, the try has ended the process, or something else has. A try
//! that came to another checkpoint is not counted: the run gets on.

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

/// So many tries in a row may end their process.
pub(super) const MOST: u32 = 3;

/// The content of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    holder: Holder,
    /// Tries before this one that have ended their process without a new checkpoint.
    deaths: u32,
    /// The checkpoint at the start.
    from: Option<Stamp>,
}

/// What tells a checkpoint from the one before it: size, and time of writing (ns since 1970).
type Stamp = (u64, u64);

/// A try to train a run. It ends in an orderly way when it is dropped.
#[derive(Debug)]
pub(super) struct Attempt {
    /// `None` for a run that another process is at.
    path: Option<PathBuf>,
}

impl Attempt {
    /// Begins a try.
    ///
    /// # Errors
    /// [`Error::EndsProcess`] for a run that has ended [`MOST`] processes, which are forgotten then; [`snn_run::Error::Io`].
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
        write().map_err(Error::io("write down that the run is tried", &path))?;
        Ok(Self { path: Some(path) })
    }

    /// How many tries in a row have ended their process, the last of them included.
    pub(super) fn deaths(run: &Path) -> u32 {
        let before = read(run).filter(|before| before.holder.lives() != Some(true));
        before.map_or(0, |before| deaths(run, &before))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // A file that stays makes the next try count one more: no harm.
            let _ = fs::remove_file(path);
        }
    }
}

/// A file that cannot be understood says nothing.
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

    /// Leaves the file of a try whose process is gone.
    fn die(run: &Path, attempt: Attempt) {
        let path = run.join(ATTEMPT);
        let mut content: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        content["holder"]["started"] = 1.into();
        std::mem::forget(attempt);
        fs::write(&path, content.to_string()).unwrap();
    }

    #[test]
    fn tries_that_end_their_process_are_counted_until_the_run_gets_on() {
        let directory = tempfile::tempdir().unwrap();
        let run = directory.path().join("run");
        drop(Attempt::begin(&run).unwrap());
        assert!(!run.join(ATTEMPT).exists(), "an orderly end leaves nothing");
        for death in 1..=MOST {
            die(&run, Attempt::begin(&run).unwrap());
            assert_eq!(Attempt::deaths(&run), death);
        }
        let error = Attempt::begin(&run).unwrap_err();
        assert!(matches!(error, Error::EndsProcess { tries: MOST }), "{error}");
        assert_eq!(Attempt::deaths(&run), 0, "whoever asks for another try gets it");

        die(&run, Attempt::begin(&run).unwrap());
        die(&run, Attempt::begin(&run).unwrap());
        fs::create_dir(run.join(CHECKPOINTS)).unwrap();
        fs::write(run.join(CHECKPOINTS).join(LAST_CHECKPOINT), "new").unwrap();
        assert_eq!(Attempt::deaths(&run), 0, "it has come to a checkpoint");
        for garbage in ["", "{}", "\u{0}"] {
            fs::write(run.join(ATTEMPT), garbage).unwrap();
            assert_eq!(Attempt::deaths(&run), 0);
        }
    }

    #[test]
    fn a_run_that_is_tried_elsewhere_is_left_to_its_lock() {
        let directory = tempfile::tempdir().unwrap();
        let first = Attempt::begin(directory.path()).unwrap();
        drop(Attempt::begin(directory.path()).unwrap());
        assert!(directory.path().join(ATTEMPT).exists(), "it is the first one's");
        drop(first);
        assert!(!directory.path().join(ATTEMPT).exists());
    }
}
