//! Locking a run directory against other trainers: with an operating system lock on the file `lock`, or, on file systems without
//! locks, with a file that only one process can create.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use snn_run::{RunDir, RunState, STALLED_AFTER, beating, files::LOCK, regular};

use super::holder::Holder;
use crate::error::Error;

/// The substitute for the lock on file systems without locks.
pub(super) const SUBSTITUTE: &str = "lock.held";

/// Two processes that take over from a dead one simultaneously detect within this time which one was later.
const SETTLE: Duration = Duration::from_millis(50);

/// Locks a run directory against other trainers. The operating system releases the lock when the process ends in any way.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
    substitute: Option<Substitute>,
}

impl Drop for Lock {
    /// Unlocks explicitly. Closing the file is not enough: a program being started by another thread briefly holds a
    /// copy of the descriptor, which would keep the lock.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Lock {
    pub(super) fn take(directory: &Path) -> Result<Self, Error> {
        let path = directory.join(LOCK);
        let fail = |error| Error::io("lock the run directory", &path)(error);
        let mut file =
            regular::open_own(File::options().read(true).write(true).create(true).truncate(false), &path)
                .map_err(fail)?;
        let substitute = match try_lock(&file) {
            Ok(()) => None,
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // The process id is helpful, but may not have been written yet.
                let _ = file.read_to_string(&mut pid);
                return Err(Error::RunLocked { path: directory.to_owned(), pid: pid.trim().parse().ok() });
            }
            Err(TryLockError::Error(error)) if has_no_locks(&error) => {
                Some(Substitute::take(directory, &error)?)
            }
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        };
        // For information only; the lock itself counts, so a full disk does not matter.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { file, path, substitute })
    }

    /// Whether this process still holds the lock: the file has not been removed or replaced.
    pub(super) fn is_held(&self) -> bool {
        is_at(&self.file, &self.path) && self.substitute.as_ref().is_none_or(Substitute::is_held)
    }

    /// Whether no other process can have locked the directory since.
    pub(super) fn is_free(&self) -> bool {
        !self.path.exists() && self.substitute.is_none()
    }

    /// A note for the user.
    pub(super) fn note(&self) -> Option<&str> {
        self.substitute.as_ref().map(|substitute| substitute.note.as_str())
    }

    #[cfg(test)]
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// Readers that check whether a dead trainer's lock is free hold it for a moment.
fn try_lock(file: &File) -> Result<(), TryLockError> {
    const TRIES: u32 = 4;
    const MOMENT: Duration = Duration::from_millis(5);

    for _ in 1..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(MOMENT),
            other => return other,
        }
    }
    file.try_lock()
}

/// Whether the file system does not support locks here: Lustre without `flock`, NFS without its lock service, some FUSE file
/// systems.
fn has_no_locks(error: &io::Error) -> bool {
    /// No locks available.
    #[cfg(target_os = "linux")]
    const ENOLCK: i32 = 37;
    #[cfg(not(target_os = "linux"))]
    const ENOLCK: i32 = 77;
    error.kind() == io::ErrorKind::Unsupported || error.raw_os_error() == Some(ENOLCK)
}

/// Whether `path` refers to this file.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let id = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
        match (file.metadata(), fs::symlink_metadata(path)) {
            (Ok(file), Ok(found)) => id(&file) == id(&found),
            // A temporarily unresponsive file system does not release a lock.
            (Err(_), _) => true,
            (_, Err(error)) => error.kind() != io::ErrorKind::NotFound,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

/// A file that only one process can create.
#[derive(Debug)]
struct Substitute {
    file: File,
    path: PathBuf,
    note: String,
}

impl Drop for Substitute {
    fn drop(&mut self) {
        if self.is_held() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Substitute {
    fn take(directory: &Path, why: &io::Error) -> Result<Self, Error> {
        let path = directory.join(SUBSTITUTE);
        let fail = |error| Error::io("lock the run directory, on a file system without locks,", &path)(error);
        let mut file = match File::options().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::remove_of_dead(directory, &path)?;
                match File::options().write(true).create_new(true).open(&path) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        return Err(Error::RunLocked { path: directory.to_owned(), pid: None });
                    }
                    file => file.map_err(fail)?,
                }
            }
            file => file.map_err(fail)?,
        };
        let holder = serde_json::to_vec(&Holder::this()).map_err(io::Error::from);
        holder.and_then(|holder| file.write_all(&holder)).map_err(fail)?;
        thread::sleep(SETTLE);
        let note = format!(
            "this file system has no locks ({why}): the run is held by the file {SUBSTITUTE} instead, which processes on other \
             machines know by the heartbeat in status.json alone"
        );
        let this = Self { file, path, note };
        if this.is_held() {
            Ok(this)
        } else {
            Err(Error::RunLocked { path: directory.to_owned(), pid: None })
        }
    }

    fn is_held(&self) -> bool {
        is_at(&self.file, &self.path)
    }

    /// Removes the file of a dead process; an error if it may be alive.
    fn remove_of_dead(directory: &Path, path: &Path) -> Result<(), Error> {
        let holder: Option<Holder> =
            fs::read(path).ok().and_then(|content| serde_json::from_slice(&content).ok());
        let lives = match holder.as_ref().and_then(Holder::lives) {
            Some(lives) => lives,
            // On another machine: it writes its status about once per second.
            None => is_fresh(path) || RunDir::open(directory).is_ok_and(|run| is_trained(&run)),
        };
        if lives {
            let pid = holder.map(|holder| holder.pid);
            return Err(Error::RunLocked { path: directory.to_owned(), pid });
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("remove the lock file of a dead process", path)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Also of one whose clocks are not ours: taken for dead, it would be trained twice.
fn is_trained(run: &RunDir) -> bool {
    run.state().is_ok_and(|state| state == RunState::Running) || beating([run]) == [true]
}

/// Whether the file is so new that its process may not have written a status yet.
fn is_fresh(path: &Path) -> bool {
    let written = fs::metadata(path).and_then(|file| file.modified());
    let age = written.ok().and_then(|written| SystemTime::now().duration_since(written).ok());
    age.is_none_or(|age| age.as_secs_f64() < STALLED_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_lock_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(LOCK);
        let lock = Lock::take(directory.path()).unwrap();
        assert!(lock.is_held() && lock.note().is_none());
        fs::remove_file(&path).unwrap();
        assert!(!lock.is_held() && lock.is_free());
        let other = Lock::take(directory.path()).unwrap();
        assert!(!lock.is_held() && !lock.is_free() && other.is_held());
        drop(lock);
        assert!(other.is_held(), "it no longer belongs to the other one");
    }

    #[test]
    fn without_file_locks_a_file_is_used() {
        let directory = tempfile::tempdir().unwrap();
        let why = io::Error::from(io::ErrorKind::Unsupported);
        let take = || Substitute::take(directory.path(), &why);
        let held = take().unwrap();
        assert!(held.is_held() && held.note.contains("no locks"), "{}", held.note);
        let error = take().unwrap_err();
        assert!(
            matches!(error, Error::RunLocked { pid: Some(pid), .. } if pid == std::process::id()),
            "{error}"
        );
        drop(held);
        let path = directory.path().join(SUBSTITUTE);
        assert!(!path.exists());

        // The leftover of a killed process, on this machine and another.
        let leave = |holder: &Holder| fs::write(&path, serde_json::to_vec(holder).unwrap()).unwrap();
        leave(&Holder { started: Some(1), ..Holder::this() });
        drop(take().unwrap());
        leave(&Holder { host: Some("elsewhere".to_owned()), ..Holder::this() });
        assert!(matches!(take(), Err(Error::RunLocked { .. })), "it may just have started");
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        let held = take().unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert!(!held.is_held());
        drop(held);
        assert!(path.exists(), "it belongs to another process");
        for (kind, none) in [(io::ErrorKind::Unsupported, true), (io::ErrorKind::PermissionDenied, false)] {
            assert_eq!(has_no_locks(&kind.into()), none);
        }
        #[cfg(target_os = "linux")]
        for (code, none) in [(37, true), (38, true), (95, true), (4, false), (9, false)] {
            assert_eq!(has_no_locks(&io::Error::from_raw_os_error(code)), none, "errno {code}");
        }
    }
}
