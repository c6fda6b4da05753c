//! Files that are there whole: written beside their place, then renamed into it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// What a file must survive once it has been replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The end of this process.
    Process,
    /// The end of the machine's power.
    Disk,
}

/// Replaces `path` by a file with this content. Whatever happens, `path` is the old file or the new one.
pub(crate) fn replace(path: &Path, content: &[u8], durability: Durability) -> io::Result<()> {
    through(path, |temporary| {
        let mut file = File::create(temporary)?;
        file.write_all(content)?;
        if durability == Durability::Disk { file.sync_all() } else { Ok(()) }
    })?;
    if durability == Durability::Disk { sync_directory(path) } else { Ok(()) }
}

/// Replaces `path` by the file at `source`: by a second name for it where the file system can, else by a copy. Files
/// written by [`replace`] are never changed in place, so they may share their content.
pub(crate) fn replace_by_link(path: &Path, source: &Path) -> io::Result<()> {
    through(path, |temporary| {
        fs::hard_link(source, temporary).or_else(|_| {
            fs::copy(source, temporary)?;
            File::open(temporary)?.sync_all()
        })
    })?;
    sync_directory(path)
}

fn through(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let temporary = temporary(path);
    // One left behind by a killed process would be in the way of a link.
    let _ = fs::remove_file(&temporary);
    let result = write(&temporary).and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

/// The new name is on the disk only when the directory is.
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
        let result = through(&path, |temporary| {
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
}
