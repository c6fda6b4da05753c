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

/// Replaces `path` by the file at `source`: with a hard link if the file system supports it, otherwise with a copy. Files
/// written by [`replace`] are never modified in place, so they can share their content.
pub(crate) fn replace_by_link(path: &Path, source: &Path) -> io::Result<()> {
    through(&temporary(path), path, |temporary| {
        fs::hard_link(source, temporary).or_else(|_| {
            let mut copy = File::create_new(temporary)?;
            io::copy(&mut regular::open(source)?, &mut copy)?;
            copy.sync_all()
        })
    })?;
    sync_directory(path)
}

fn through(temporary: &Path, path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    // The leftover of a killed process would prevent creating a link.
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
        let link = directory.path().join("link");
        fs::write(temporary(&link), "left behind").unwrap();
        replace_by_link(&link, &path).unwrap();
        replace(&path, b"newest", Durability::Process).unwrap();
        assert_eq!(fs::read(&link).unwrap(), b"new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn several_writers_do_not_take_each_others_files_away() {
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
