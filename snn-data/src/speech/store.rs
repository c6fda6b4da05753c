//! The files of the cache: written atomically, removed if their writer was killed, limited in total size.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::Error;

/// The extension of temporary files while they are written.
const PART: &str = "part";

/// Without file locks to show whether it is still being written, a temporary file is kept for this long.
const ABANDONED: Duration = Duration::from_secs(86_400);

/// The disk usage of the cache of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Number of feature files.
    pub files: usize,
    /// Bytes of all files of the cache, including partially written ones.
    pub bytes: u64,
}

/// Maximum number of bytes of features to keep; beyond it, writing others removes the least recently used ones.
pub const LIMIT: u64 = 16 << 30;

/// The disk usage of the cache in `folder`; 0 for a missing folder.
///
/// # Errors
///
/// [`Error::Io`] if the folder cannot be read.
pub fn usage(folder: &Path) -> Result<Usage, Error> {
    let entries = entries(folder)?;
    let files = entries.iter().filter(|entry| entry.is("features")).count();
    Ok(Usage { files, bytes: entries.iter().map(|entry| entry.bytes).sum() })
}

/// Removes the files of the cache in `folder`, and no others; returns their disk usage.
///
/// A program reading one of them continues, and a program writing one recomputes it the next time.
///
/// # Errors
///
/// [`Error::Io`] for a file that cannot be removed.
pub fn clear(folder: &Path) -> Result<Usage, Error> {
    let used = usage(folder)?;
    entries(folder)?.iter().try_for_each(Entry::remove)?;
    Ok(used)
}

/// Removes the least recently used features until all files together take at most `bytes`; returns the number of files
/// removed.
///
/// # Errors
///
/// [`Error::Io`].
pub fn trim(folder: &Path, bytes: u64) -> Result<usize, Error> {
    let entries = entries(folder)?;
    let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let mut features: Vec<_> = entries.iter().filter(|entry| entry.is("features")).collect();
    features.sort_by_key(|entry| entry.used);
    let mut removed = 0;
    for entry in features {
        if total <= bytes {
            break;
        }
        entry.remove()?;
        total -= entry.bytes;
        removed += 1;
    }
    Ok(removed)
}

/// Removes the files of writers that were killed.
pub(super) fn sweep(folder: &Path) {
    for entry in entries(folder).unwrap_or_default().iter().filter(|entry| entry.is(PART)) {
        // A writer holds the lock.
        let abandoned = match File::open(&entry.path).map(|file| file.try_lock()) {
            Ok(Ok(())) => true,
            Ok(Err(TryLockError::WouldBlock)) | Err(_) => false,
            Ok(Err(TryLockError::Error(_))) => entry.used.elapsed().is_ok_and(|age| age > ABANDONED),
        };
        if abandoned {
            // A failure to remove it does no harm.
            let _ = entry.remove();
        }
    }
}

/// The files that this process is writing.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes this process's partially written files and prevents it from finishing them: for a program that exits immediately
/// while other threads may be writing.
pub fn abandon() {
    for path in unfinished().iter() {
        let _ = fs::remove_file(path);
    }
}

/// Opens a file of the cache, and records that it was used.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if let Ok(file) = OpenOptions::new().write(true).open(path) {
        // If this fails, the file is only removed earlier.
        let _ = file.set_modified(SystemTime::now());
    }
    File::open(path)
}

/// Writes a file under a temporary name and renames it, so it is never incomplete.
pub(super) fn write(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    /// Distinguishes the files of one process.
    static COUNT: AtomicU32 = AtomicU32::new(0);

    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{}.{PART}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let beside = path.with_file_name(name);
    unfinished().push(beside.clone());
    let written = write_to(&beside, content).and_then(|_lock| fs::rename(&beside, path));
    unfinished().retain(|path| *path != beside);
    if written.is_err() {
        // The incomplete file is useless; a failure to remove it does no harm.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Returns the file, which holds the lock until it is dropped.
fn write_to(path: &Path, content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    // Without locks, use the age of the file.
    let _ = file.try_lock();
    let mut writer = BufWriter::new(file);
    content(&mut writer)?;
    writer.flush()?;
    let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(file)
}

/// A file of the cache.
struct Entry {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Entry {
    fn is(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|found| found == extension)
    }

    fn remove(&self) -> Result<(), Error> {
        match fs::remove_file(&self.path) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.map_err(|error| Error::io("remove the cache of features", &self.path, &error)),
        }
    }
}

/// The files of the cache; nothing else in the folder is touched.
fn entries(folder: &Path) -> Result<Vec<Entry>, Error> {
    let io = |error| Error::io("read the cache of features", folder, &error);
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(io)?,
    };
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry.map_err(io)?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = [".features", ".contents"].iter().any(|end| name.ends_with(end))
            || (name.ends_with(".part") && (name.contains(".features.") || name.contains(".contents.")));
        // Not followed: a link in the cache was put there by the user.
        let Ok(metadata) = entry.metadata() else { continue };
        if ours && metadata.is_file() {
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            entries.push(Entry { path, bytes: metadata.len(), used });
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_removed_and_active_files_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::write(place("fsdd-1.features.77.part"), b"killed").unwrap();
        fs::write(place("notes.part"), b"somebody's").unwrap();
        let writing = place("fsdd-2.features.78.part");
        let file = File::create(&writing).unwrap();
        file.try_lock().unwrap();
        sweep(folder.path());
        assert!(!place("fsdd-1.features.77.part").exists());
        assert!(writing.exists() && place("notes.part").exists());
        drop(file);
        sweep(folder.path());
        assert!(!writing.exists());
    }

    #[test]
    fn a_program_that_exits_leaves_no_partial_files() {
        let folder = tempfile::tempdir().unwrap();
        let written = write(&folder.path().join("a.features"), |file| {
            file.write_all(&[0; 100])?;
            abandon();
            Ok(())
        });
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_oldest_files_of_the_cache_are_removed_first() {
        let folder = tempfile::tempdir().unwrap();
        for (age, name) in [(30, "a.features"), (20, "b.features"), (10, "c.features"), (40, "a.contents")] {
            let path = folder.path().join(name);
            write(&path, |file| file.write_all(&[0; 100])).unwrap();
            let used = SystemTime::now() - Duration::from_secs(age);
            OpenOptions::new().write(true).open(path).unwrap().set_modified(used).unwrap();
        }
        fs::write(folder.path().join("mine.txt"), b"mine").unwrap();
        assert_eq!(usage(folder.path()), Ok(Usage { files: 3, bytes: 400 }));
        // Reading makes it the most recently used.
        open(&folder.path().join("a.features")).unwrap();
        assert_eq!(trim(folder.path(), 250), Ok(2));
        assert!(folder.path().join("a.features").exists());
        assert_eq!(clear(folder.path()), Ok(Usage { files: 1, bytes: 200 }));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the user's own file stays");
        assert_eq!(usage(&folder.path().join("none")), Ok(Usage::default()));
    }
}
