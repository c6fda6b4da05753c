//! Creating and locking run directories.

use std::{collections::hash_map::RandomState, fs, hash::BuildHasher as _, io, path::Path, time::SystemTime};

use snn_run::{
    files::{ATTEMPT, BEST_CHECKPOINT, CHECKPOINTS, CONFIG, LAST_CHECKPOINT, LOCK, TRAINER_LOG},
    regular,
};

use super::lock::{Lock, SUBSTITUTE};
use crate::error::Error;

/// A name for a new run: description, time (UTC), and four random digits, as in `randman-20261123-142501-ab12`. Names of runs
/// with the same description sort by time.
#[must_use]
pub fn new_id(name: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    // 2026-11-23T14:25:01Z
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let digits: String = now.chars().filter(char::is_ascii_digit).collect();
    let (day, time) = digits.split_at(8.min(digits.len()));
    // The standard library's hash maps have new random keys in every call.
    let random = RandomState::new().hash_one(&now) as u16;
    format!("{name}-{day}-{time}-{random:04x}")
}

/// The content of a directory for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Empty, or only files of a starting run.
    Empty,
    /// A run.
    Run,
    /// Something else.
    Other,
}

pub(super) fn look(directory: &Path) -> Result<Found, Error> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Empty),
        Err(error) => return Err(Error::io("use the run directory", directory)(error)),
    };
    let mut names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let beginning = |name: String| {
        [ATTEMPT, LOCK, SUBSTITUTE, CHECKPOINTS, TRAINER_LOG].contains(&name.as_str())
            || name.ends_with(".tmp")
    };
    // Do not overwrite checkpoints whose run is otherwise gone.
    let empty = names.all(beginning) && !holds_checkpoints(&directory.join(CHECKPOINTS));
    // Check after listing the names: a run started meanwhile by another process has its experiment before any other
    // file, and would otherwise be misclassified.
    Ok(match directory.join(CONFIG).exists() {
        true => Found::Run,
        false if empty => Found::Empty,
        false => Found::Other,
    })
}

fn holds_checkpoints(folder: &Path) -> bool {
    [LAST_CHECKPOINT, BEST_CHECKPOINT].iter().any(|name| folder.join(name).is_file())
}

/// Locks the directory and returns whether it contains a run. Other content is left alone.
///
/// The content is checked after locking: another process may have started or finished the run before.
pub(super) fn hold(directory: &Path) -> Result<(Lock, Found), Error> {
    let look = || match look(directory)? {
        Found::Other => {
            Err(Error::from(snn_run::Error::NotARun { path: directory.to_owned(), missing: CONFIG }))
        }
        found => Ok(found),
    };
    look()?;
    let lock = take(directory)?;
    Ok((lock, look()?))
}

/// Creates the directory with its subfolders, and locks it.
pub(super) fn take(directory: &Path) -> Result<Lock, Error> {
    let checkpoints = directory.join(CHECKPOINTS);
    regular::check_folder(&checkpoints).map_err(Error::io("create the checkpoints", &checkpoints))?;
    fs::create_dir_all(&checkpoints).map_err(Error::io("create the run directory", directory))?;
    Lock::take(directory)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn names_are_readable_and_unique() {
        let id = new_id("my net/1");
        let parts: Vec<_> = id.rsplitn(4, '-').collect();
        assert_eq!(parts.last(), Some(&"my net/1".replace([' ', '/'], "-").as_str()));
        assert_eq!(parts.iter().rev().skip(1).map(|part| part.len()).collect::<Vec<_>>(), [8, 6, 4], "{id}");
        assert_ne!(new_id("a"), new_id("a"));
    }

    #[test]
    fn only_one_process_holds_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let lock = take(directory.path()).unwrap();
        let error = Lock::take(directory.path()).unwrap_err();
        assert!(
            matches!(error, Error::RunLocked { pid: Some(pid), .. } if pid == std::process::id()),
            "{error}"
        );
        let as_a_starting_child_holds_it = lock.file().try_clone().unwrap();
        drop(lock);
        take(directory.path()).unwrap();
        drop(as_a_starting_child_holds_it);
        fs::write(directory.path().join(TRAINER_LOG), "starting").unwrap();
        assert_eq!(look(directory.path()).unwrap(), Found::Empty);
        fs::write(directory.path().join("letter"), "").unwrap();
        assert_eq!(look(directory.path()).unwrap(), Found::Other);
        assert!(matches!(hold(directory.path()), Err(Error::Files(snn_run::Error::NotARun { .. }))));
        fs::write(directory.path().join(CONFIG), "").unwrap();
        assert_eq!(look(directory.path()).unwrap(), Found::Run);
        assert_eq!(hold(directory.path()).unwrap().1, Found::Run);
    }

    #[test]
    fn a_run_started_by_another_process_is_recognized() {
        let directory = tempfile::tempdir().unwrap();
        let begin = |path: &Path| match hold(path) {
            Ok((_lock, Found::Empty)) => {
                for file in [CONFIG, "metrics.jsonl", "status.json"] {
                    fs::write(path.join(file), "").unwrap();
                }
                1
            }
            Ok((_, Found::Run)) | Err(Error::RunLocked { .. }) => 0,
            other => panic!("{other:?}"),
        };
        for number in 0..100 {
            let path = directory.path().join(number.to_string());
            let begun: u32 = thread::scope(|scope| {
                let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| begin(&path))).collect();
                workers.into_iter().map(|worker| worker.join().unwrap()).sum()
            });
            assert!(begun <= 1 && begin(&path) + begun == 1, "run {number} was started {begun} times");
        }
    }
}
