//! Writing files that the user named.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process,
};

/// Writes a file, atomically; follows links, and writes directly into pipes and devices.
///
/// # Errors
/// Those of the operating system; [`io::ErrorKind::Other`] for a named pipe from which no program reads, since opening it would wait
/// forever, or whose reader ends early. It is never [`io::ErrorKind::BrokenPipe`], by which programs recognize that the reader of
/// their standard output has ended.
pub fn write(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    let target = match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return write_into(path, bytes).map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => {
                    io::Error::other("the program that reads this pipe ended before it had everything")
                }
                _ => error,
            });
        }
        Ok(_) => fs::canonicalize(path)?,
        Err(_) => PathBuf::from(path),
    };
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", process::id()));
    let beside = target.with_file_name(name);
    // The leftover of a killed process with the same ID.
    let _ = fs::remove_file(&beside);
    let file = match File::create_new(&beside) {
        // A writable file in a read-only folder.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return fs::write(&target, bytes);
        }
        created => created,
    };
    let written = file.and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&beside, &target));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Writes into a pipe or a device that is opened once, without waiting: a second opening would wait forever if the reader ended in
/// between.
#[cfg(unix)]
fn write_into(path: &Path, mut bytes: &[u8]) -> io::Result<()> {
    use std::{os::unix::fs::OpenOptionsExt as _, thread, time::Duration};

    let opened = File::options().write(true).custom_flags(libc::O_NONBLOCK).open(path);
    let mut file = opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ENXIO) => {
            io::Error::other("it is a pipe from which no program reads: start the reader first")
        }
        _ => error,
    })?;
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            // The reader is slower.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(1))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn write_into(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)
}

#[cfg(all(test, unix))]
mod tests {
    use std::{process::Command, thread};

    use super::*;

    #[test]
    fn files_links_and_pipes_are_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        write(path("file"), b"old").unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        write(path("link"), b"new").unwrap();
        assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
        assert_eq!(fs::read(path("file")).unwrap(), b"new");
        assert_eq!(write(path("none/file"), b"").unwrap_err().kind(), io::ErrorKind::NotFound);

        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        let error = write(path("pipe"), b"text").unwrap_err();
        assert!(error.to_string().contains("start the reader first"), "{error}");
        // Longer than a pipe holds.
        let long = vec![7; 1 << 20];
        let reader = thread::spawn({
            let pipe = path("pipe");
            move || fs::read(pipe)
        });
        // Until the reader has opened it.
        while write(path("pipe"), &long).is_err() {
            thread::yield_now();
        }
        assert_eq!(reader.join().unwrap().unwrap(), long);
        // The reader ends after the first bytes.
        let reader = thread::spawn({
            let pipe = path("pipe");
            move || File::open(pipe).map(drop)
        });
        let error = loop {
            match write(path("pipe"), &long) {
                Err(error) if !error.to_string().contains("start the reader") => break error,
                _ => thread::yield_now(),
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::Other);
        assert!(error.to_string().contains("ended before it had everything"), "{error}");
        reader.join().unwrap().unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3, "no temporary file is left");
    }
}
