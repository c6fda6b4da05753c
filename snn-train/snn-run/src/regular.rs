//! Opening files of directories that others may write: only regular files, of a bounded length, and nothing through a link.
//!
//! In place of a record there may lie a pipe, on which reading waits for ever, a device without an end, or a symbolic link
//! to a file of somebody else. Readers follow links, since reading harms nothing, but take only what is a regular file in
//! the end. Writers follow none.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _},
    path::Path,
};

/// The longest experiment, in bytes.
pub const MOST_CONFIG: u64 = 16 << 20;
/// The longest `status.json`.
pub const MOST_STATUS: u64 = 1 << 20;
/// The longest `env.json`, to which every resume adds.
pub const MOST_ENVIRONMENT: u64 = 64 << 20;
/// The longest probe.
pub const MOST_PROBE: u64 = 256 << 20;
/// The longest plan of a sweep.
pub const MOST_MANIFEST: u64 = 256 << 20;

/// Opens a regular file for reading; never waits for somebody at the other end of a pipe.
///
/// # Errors
/// Those of the operating system, and [`io::ErrorKind::InvalidInput`] for anything but a regular file.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    let path = path.as_ref();
    // Before it is opened, too: with some devices, opening alone does something.
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

/// Reads a text of at most `limit` bytes that the user has named: a pipe, such as `<(command)`, will do as well.
///
/// # Errors
/// Those of the operating system, [`io::ErrorKind::FileTooLarge`], and [`io::ErrorKind::InvalidData`] for what is no text.
pub fn read_text(path: impl AsRef<Path>, limit: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_long(limit));
    }
    to_text(bytes)
}

/// As [`read`], for a text in UTF-8.
///
/// # Errors
/// Those of [`read`], and [`io::ErrorKind::InvalidData`] for what is no text.
pub fn read_to_string(path: impl AsRef<Path>, limit: u64) -> io::Result<String> {
    to_text(read(path, limit)?)
}

fn to_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8"))
}

fn too_long(limit: u64) -> io::Error {
    let reason = format!("it has more than the {limit} bytes that such a file may have");
    io::Error::new(io::ErrorKind::FileTooLarge, reason)
}

/// Opens a file for writing, as `options` say, where only a regular file may lie. A symbolic link is refused, wherever it
/// leads.
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

/// Refuses a folder that is a symbolic link: what is put into it would lie elsewhere, and what is removed from it be another's.
///
/// # Errors
/// Those of the operating system, and [`io::ErrorKind::InvalidInput`]; what is not there is no link.
pub fn check_folder(path: impl AsRef<Path>) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(found) if found.is_symlink() => Err(refuse("a symbolic link, which is not followed: remove it")),
        Ok(_) => Err(io::ErrorKind::NotADirectory.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Neither waits for the other end of a pipe nor, if `own`, follows a link that was put there a moment ago.
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
        Err(refuse("a folder, where a file is needed"))
    } else {
        Err(refuse("a pipe, a device or a socket, where a file is needed"))
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
        // A file with a hole takes no memory for it.
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
