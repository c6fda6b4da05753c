//! Atomic file replacement: write a temporary file, then rename it.
//!
//! The temporary file has a fixed name if a lock ensures a single writer: the leftover of a killed process is overwritten by the
//! next. Otherwise, every writer uses a unique name. Links are not followed: one at the target is replaced, one at the temporary
//! name is removed.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use snn_run::regular;

/// What a replaced file must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A crash of this process.
    Process,
    /// A power failure.
    Disk,
}

/// Replaces `path` atomically by a file with this content.
pub(crate) fn replace(path: &Path, content: &[u8], durability: Durability) -> io::Result<()> {
    replace_through(&temporary(path), path, content, durability)
}

/// Like [`replace`], for files that several processes may write concurrently: the last one wins.
pub(crate) fn replace_shared(path: &Path, content: &[u8], durability: Durability) -> io::Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (process, number) = (process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let temporary = path.with_file_name(format!(".{name}.{process}-{number}.tmp"));
    replace_through(&temporary, path, content, durability)
}

fn replace_through(temporary: &Path, path: &Path, content: &[u8], durability: Durability) -> io::Result<()> {
    through(temporary, path, |temporary| {
        let mut file = File::create_new(temporary)?;
        file.write_all(content)?;
        if durability == Durability::Disk { file.sync_all() } else { Ok(()) }
    })?;
    if durability == Durability::Disk { sync_directory(path) } else { Ok(()) }
}

/// Replaces `path` by a copy of the file at `source`. A copy, not a hard link: damage to one must not damage the other.
pub(crate) fn replace_by_copy(path: &Path, source: &Path) -> io::Result<()> {
    through(&temporary(path), path, |temporary| {
        let mut copy = File::create_new(temporary)?;
        io::copy(&mut regular::open(source)?, &mut copy)?;
        copy.sync_all()
    })?;
    sync_directory(path)
}

fn through(temporary: &Path, path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    // A user who names a device wants to write to it, and a rename would replace it with a file.
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = fs::symlink_metadata(path).map(|found| found.file_type());
        if kind.is_ok_and(|kind| kind.is_char_device() || kind.is_block_device()) {
            return Err(io::Error::other("it is a device; a file is needed"));
        }
    }
    // The leftover of a killed process.
    let _ = fs::remove_file(temporary);
    let result = write(temporary).and_then(|()| fs::rename(temporary, path));
    if result.is_err() {
        let _ = fs::remove_file(temporary);
    }
    result
}

fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

/// The new name is on disk only after the directory is synced.
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_replacement_leaves_the_old_file_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        replace(&path, b"old", Durability::Disk).unwrap();
        let result = through(&temporary(&path), &path, |temporary| {
            fs::write(temporary, "half of the n")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(result.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        replace(&path, b"new", Durability::Process).unwrap();
        let copy = directory.path().join("copy");
        fs::write(temporary(&copy), "left behind").unwrap();
        replace_by_copy(&copy, &path).unwrap();
        // Damage in place.
        fs::OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
        assert_eq!(fs::read(&copy).unwrap(), b"new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    /// Only root can create a device, and only root could lose one.
    #[cfg(unix)]
    #[test]
    fn a_device_is_not_replaced() {
        use std::os::unix::fs::FileTypeExt as _;

        let directory = tempfile::tempdir().unwrap();
        let device = directory.path().join("null");
        let made = std::process::Command::new("mknod").arg(&device).args(["c", "1", "3"]).output();
        if !made.is_ok_and(|made| made.status.success()) {
            return snn_test_support::skip("only root can create devices");
        }
        let error = replace(&device, b"new", Durability::Process).unwrap_err();
        assert!(error.to_string().contains("a device"), "{error}");
        assert!(fs::metadata(&device).unwrap().file_type().is_char_device());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn concurrent_writers_do_not_interfere() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("plan");
        let contents: Vec<_> = (0..4_u8).map(|writer| vec![writer; 10_000]).collect();
        std::thread::scope(|scope| {
            for content in &contents {
                scope.spawn(|| {
                    for _ in 0..50 {
                        replace_shared(&path, content, Durability::Process).unwrap();
                    }
                });
            }
        });
        assert!(contents.contains(&fs::read(&path).unwrap()), "one of them, complete");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file is left");
    }
}
