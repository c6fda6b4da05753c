//! The data directory: a folder for each data set, and `.fetch` for work in progress.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    display::Display,
    error::FetchError,
    part::{Part, with_suffix},
};

/// The record of a data set's files, in its folder.
pub(crate) const MANIFEST: &str = "fetched.json";

/// The data directory.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    root: PathBuf,
}

/// What was fetched, its origin, and its state at that time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) data_set: String,
    pub(crate) fetched: Vec<Fetched>,
    /// The files, by their path within the folder of the data set.
    pub(crate) files: Vec<FileRecord>,
}

/// The origin of a catalog file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fetched {
    /// Its name in the catalog.
    pub(crate) name: String,
    pub(crate) from: String,
    /// How it was verified.
    pub(crate) proof: String,
    /// RFC 3339.
    pub(crate) time: String,
}

/// A file on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRecord {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// Modification time in nanoseconds since 1970: if it and the length are unchanged, so is the file.
    pub(crate) modified: u64,
}

/// The checksum of a file without a published one at its first use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FirstUse {
    pub(crate) name: String,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    pub(crate) from: String,
    pub(crate) time: String,
}

/// Locks a data set; the operating system releases the lock when the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Store {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a data set.
    pub(crate) fn folder(&self, data_set: &str) -> PathBuf {
        self.root.join(data_set)
    }

    /// The working folder of a data set: on the same file system, so that the result can be moved atomically.
    pub(crate) fn work(&self, data_set: &str) -> PathBuf {
        self.root.join(".fetch").join(data_set)
    }

    pub(crate) fn part(&self, data_set: &str, file: &str) -> Part {
        Part::new(self.work(data_set).join(format!("{file}.part")))
    }

    pub(crate) fn manifest(&self, data_set: &str) -> Option<Manifest> {
        // The information in a damaged record is determined again.
        read_json(&self.folder(data_set).join(MANIFEST)).ok().flatten()
    }

    pub(crate) fn write_manifest(&self, folder: &Path, manifest: &Manifest) -> Result<(), FetchError> {
        write_json(&folder.join(MANIFEST), manifest)
    }

    fn first_use_path(&self, data_set: &str) -> PathBuf {
        self.root.join(format!("{data_set}.first-use.json"))
    }

    /// The checksum of a file at its first use, and where it is recorded.
    pub(crate) fn first_use(
        &self,
        data_set: &str,
        file: &str,
    ) -> Result<Option<(FirstUse, PathBuf)>, FetchError> {
        let path = self.first_use_path(data_set);
        let uses: Vec<FirstUse> = read_json(&path)?.unwrap_or_default();
        Ok(uses.into_iter().find(|it| it.name == file).map(|it| (it, path)))
    }

    pub(crate) fn record_first_use(&self, data_set: &str, first: FirstUse) -> Result<PathBuf, FetchError> {
        let path = self.first_use_path(data_set);
        let mut uses: Vec<FirstUse> = read_json(&path)?.unwrap_or_default();
        uses.retain(|it| it.name != first.name);
        uses.push(first);
        write_json(&path, &uses)?;
        Ok(path)
    }

    /// Acquires the lock of a data set, waiting for the process that holds it.
    pub(crate) fn lock(&self, data_set: &str, display: &Display) -> Result<Lock, FetchError> {
        let folder = self.root.join(".fetch");
        fs::create_dir_all(&folder).map_err(FetchError::io("create the folder", &folder))?;
        let path = folder.join(format!("{data_set}.lock"));
        let io = |error| FetchError::io("lock", &path)(error);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // Some network file systems do not support locks; continue without.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => break,
                Err(TryLockError::Error(error)) => return Err(io(error)),
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        let mut holder = String::new();
                        // If a locked file is unreadable, its holder is unknown.
                        let _ = file.read_to_string(&mut holder);
                        let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() };
                        display.say(&format!("{data_set}: {holder} is working on it; waiting"));
                        told = true;
                    }
                    thread::sleep(Duration::from_millis(100));
                }
            }
        }
        let write = file.set_len(0).and_then(|()| writeln!(file, "process {}", process::id()));
        write.map_err(io)?;
        Ok(Lock { _file: file })
    }

    /// Moves a file or folder aside, without deleting it.
    pub(crate) fn set_aside(&self, path: &Path) -> Result<PathBuf, FetchError> {
        let folder = self.root.join(".fetch").join("aside");
        fs::create_dir_all(&folder).map_err(FetchError::io("create the folder", &folder))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(".part").unwrap_or(&name);
        let candidates = (1_u32..).map(|number| folder.join(format!("{name}.{number}")));
        let Some(aside) = candidates.into_iter().find(|it| fs::symlink_metadata(it).is_err()) else {
            return Ok(path.to_owned());
        };
        fs::rename(path, &aside).map_err(FetchError::io("move aside", path))?;
        Ok(aside)
    }
}

/// The record of an existing file.
pub(crate) fn record(folder: &Path, path: &str, bytes: u64, sha256: &str) -> Result<FileRecord, FetchError> {
    let full = folder.join(path);
    let metadata = fs::metadata(&full).map_err(FetchError::io("read", &full))?;
    Ok(FileRecord { path: path.to_owned(), bytes, sha256: sha256.to_owned(), modified: modified(&metadata) })
}

/// When a file was last changed, in nanoseconds since 1970.
pub(crate) fn modified(metadata: &fs::Metadata) -> u64 {
    let time = metadata.modified().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    time.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// The time in the format of records.
pub(crate) fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

/// `None` if there is no such file.
fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FetchError> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| FetchError::io("read", path)(error.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FetchError::io("read", path)(error)),
    }
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), FetchError> {
    let io = |error: io::Error| FetchError::io("write", path)(error);
    let text = serde_json::to_vec_pretty(value).map_err(|error| io(error.into()))?;
    let draft = with_suffix(path, ".new");
    let mut file = File::create(&draft).map_err(io)?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(io)?;
    fs::rename(&draft, path).map_err(io)
}
