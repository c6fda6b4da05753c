//! Opening files in directories that others may write to: only regular files of limited length, without following links.
//!
//! A file may be replaced by a pipe, which blocks forever, an endless device, or a symbolic link to another user's file.
//! Readers follow links, since reading does no harm, but accept only regular files. Writers do not follow links.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _},
    path::Path,
};

/// Maximum size of an experiment, in bytes.
pub const MOST_CONFIG: u64 = 16 << 20;
/// Maximum size of `status.json`.
pub const MOST_STATUS: u64 = 1 << 20;
/// Maximum size of `env.json`, which grows with every resume.
pub const MOST_ENVIRONMENT: u64 = 64 << 20;
/// Maximum size of a probe.
pub const MOST_PROBE: u64 = 256 << 20;
/// Maximum size of a sweep's plan.
pub const MOST_MANIFEST: u64 = 256 << 20;

/// Opens a regular file for reading; never blocks on a pipe.
///
/// # Errors
/// Those of the operating system, and [`io::ErrorKind::InvalidInput`] for anything but a regular file.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    // Before opening, too: opening some devices has side effects.
    check(&fs::metadata(path)?)?;
    let file = without_waiting(File::options().read(true), false).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// Those of [`open`], and [`io::ErrorKind::FileTooLarge`].
pub fn read(path: impl AsRef<Path>, limit: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    if length > limit {
        return Err(too_long(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // It may grow meanwhile.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(too_long(limit)) } else { Ok(bytes) }
}

/// Reads a text of at most `limit` bytes named by the user: a pipe, such as `<(command)`, is accepted.
///
/// # Errors
/// Those of the operating system, [`io::ErrorKind::FileTooLarge`], and [`io::ErrorKind::InvalidData`] if it is not text.
pub fn read_text(path: impl AsRef<Path>, limit: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_long(limit));
    }
    to_text(bytes)
}

/// Like [`read`], for UTF-8 text.
///
/// # Errors
/// Those of [`read`], and [`io::ErrorKind::InvalidData`] if it is not text.
pub fn read_to_string(path: impl AsRef<Path>, limit: u64) -> io::Result<String> {
    to_text(read(path, limit)?)
}

fn to_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn too_long(limit: u64) -> io::Error {
    let reason = format!("it exceeds the limit of {limit} bytes");
    io::Error::new(io::ErrorKind::FileTooLarge, reason)
}

/// Opens a regular file for writing with `options`. Symbolic links are refused.
///
/// # Errors
/// Those of the operating system, and [`io::ErrorKind::InvalidInput`] for a link and for anything but a regular file.
pub fn open_own(options: &mut OpenOptions, path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    match fs::symlink_metadata(path) {
        Ok(found) => check(&found)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = without_waiting(options, true).open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// Refuses a folder that is a symbolic link: files would be written, and removed, elsewhere.
///
/// # Errors
/// Those of the operating system, and [`io::ErrorKind::InvalidInput`]; a missing folder is accepted.
pub fn check_folder(path: impl AsRef<Path>) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(found) if found.is_symlink() => Err(refuse("a symbolic link, which is not followed: remove it")),
        Ok(_) => Err(io::ErrorKind::NotADirectory.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Does not block on a pipe and, if `own`, does not follow a link, even one that has just been created.
fn without_waiting(options: &mut OpenOptions, own: bool) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        let follow = if own { libc::O_NOFOLLOW } else { 0 };
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK | follow);
    }
    #[cfg(not(unix))]
    let _ = own;
    options
}

fn check(found: &Metadata) -> io::Result<()> {
    if found.is_file() {
        Ok(())
    } else if found.is_symlink() {
        Err(refuse("a symbolic link, which is not followed: remove it"))
    } else if found.is_dir() {
        Err(refuse("a folder instead of a file"))
    } else {
        Err(refuse("a pipe, a device or a socket instead of a file"))
    }
}

fn refuse(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::{os::unix::fs::symlink, process::Command};

    use super::*;

    #[test]
    fn only_regular_files_of_a_bounded_length_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "12345").unwrap();
        symlink("file", path("link")).unwrap();
        symlink("/dev/zero", path("endless")).unwrap();
        let pipe = Command::new("mkfifo").arg(path("pipe")).status().unwrap();
        assert!(pipe.success());
        assert_eq!(read(path("file"), 5).unwrap(), b"12345");
        assert_eq!(read_to_string(path("link"), 5).unwrap(), "12345");
        assert_eq!(read(path("file"), 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read(path("none"), 4).unwrap_err().kind(), io::ErrorKind::NotFound);
        for name in ["pipe", "endless", "."] {
            let error = read(path(name), 1 << 40).unwrap_err();
            assert!(error.kind() == io::ErrorKind::InvalidInput, "{name}: {error}");
        }
        // A sparse file needs no memory for its hole.
        File::create(path("hole")).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(path("hole"), 1 << 20).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "mine").unwrap();
        symlink("file", path("link")).unwrap();
        symlink("nowhere", path("broken")).unwrap();
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        let open = |name: &str| open_own(File::options().append(true).create(true), path(name));
        for name in ["link", "broken", "pipe", "."] {
            assert_eq!(open(name).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
        }
        assert!(!path("nowhere").exists());
        assert!(open("file").is_ok() && open("new").is_ok());
        fs::create_dir(path("folder")).unwrap();
        symlink("folder", path("other")).unwrap();
        assert!(check_folder(path("folder")).is_ok() && check_folder(path("none")).is_ok());
        assert!(check_folder(path("other")).is_err() && check_folder(path("file")).is_err());
    }
}
