//! The state of data sets on disk: a quick check, or a complete verification.

use std::{collections::HashMap, fs, path::Path};

use snn_catalog::{Checksums, DataSet, Unpacked};

use super::{
    digest,
    display::Display,
    error::FetchError,
    store::{FileRecord, MANIFEST, Manifest, Store, modified},
};

/// The state of a data set on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    Absent,
    /// Content that was not fetched by this program, or is incomplete.
    Unrecorded,
    /// Files have been changed or lost since they were fetched.
    Changed,
    Fetched,
}

impl Presence {
    /// Its name in `--json`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Unrecorded => "unrecorded",
            Self::Changed => "changed",
            Self::Fetched => "fetched",
        }
    }
}

/// The state of a data set, judged by length and time of its files.
pub(crate) fn state(store: &Store, data_set: &DataSet) -> Presence {
    let folder = store.folder(&data_set.name);
    if !folder.exists() {
        return Presence::Absent;
    }
    let Some(manifest) = store.manifest(&data_set.name) else {
        let is_empty = fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_none());
        return if is_empty { Presence::Absent } else { Presence::Unrecorded };
    };
    if !data_set.files.iter().all(|file| manifest.fetched.iter().any(|it| it.name == file.name)) {
        return Presence::Unrecorded;
    }
    if manifest.files.iter().all(|file| is_as_recorded(&folder, file)) {
        Presence::Fetched
    } else {
        Presence::Changed
    }
}

/// Whether a file is unchanged, judged by its length and time.
pub(crate) fn is_as_recorded(folder: &Path, record: &FileRecord) -> bool {
    fs::metadata(folder.join(&record.path))
        .is_ok_and(|it| it.is_file() && it.len() == record.bytes && modified(&it) == record.modified)
}

/// The kind of content of a data set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) files: usize,
    pub(crate) bytes: u64,
}

impl Manifest {
    pub(crate) fn size(&self) -> Size {
        Size { files: self.files.len(), bytes: self.files.iter().map(|file| file.bytes).sum() }
    }
}

/// Reads every byte of a data set and compares it with the record and the published checksums.
///
/// # Errors
///
/// [`FetchError::Damaged`] with all problems; [`FetchError::Io`].
pub(crate) fn verify(store: &Store, data_set: &DataSet, display: &Display) -> Result<Size, FetchError> {
    const MOST_PROBLEMS: usize = 5;

    let folder = store.folder(&data_set.name);
    let manifest = store.manifest(&data_set.name);
    let recorded: HashMap<&str, &FileRecord> =
        manifest.iter().flat_map(|it| &it.files).map(|file| (file.path.as_str(), file)).collect();
    let present = files(&folder)?;
    let mut problems: Vec<String> = Vec::new();
    let mut size = Size::default();
    let mut found = HashMap::new();
    let total = present.iter().map(|(_, bytes)| bytes).sum();
    display.begin(&data_set.name, Some(total), 0);
    for (path, bytes) in &present {
        let digests = digest::file(&folder.join(path), display)?;
        match recorded.get(path.as_str()) {
            Some(record) if record.sha256 != digests.sha256 => {
                let (expected, found) = (&record.sha256, &digests.sha256);
                problems.push(format!("{path} has changed: SHA-256 {found}, it was {expected} when fetched"));
            }
            _ => {}
        }
        size = Size { files: size.files + 1, bytes: size.bytes + bytes };
        found.insert(path.as_str(), digests);
    }
    display.end();
    problems.extend(
        recorded.keys().filter(|path| !found.contains_key(*path)).map(|path| format!("{path} is missing")),
    );

    let mut unproven = manifest.is_none();
    for file in &data_set.files {
        let published: &Checksums = file.unpacked.checksums();
        match &file.unpacked {
            Unpacked::File { file: name, .. } => match found.get(name.as_str()) {
                None if !recorded.contains_key(name.as_str()) => problems.push(format!("{name} is missing")),
                None => {}
                Some(digests) => {
                    unproven &= published.is_empty();
                    if let Err(it) = digests.check(published) {
                        let (kind, expected, found) = (it.kind, it.expected, it.found);
                        problems.push(format!("wrong {kind} of {name}: {found}, published is {expected}"));
                    }
                }
            },
            Unpacked::Folder { holds, .. } => {
                problems.extend(
                    holds
                        .iter()
                        .filter(|name| !folder.join(name).exists())
                        .map(|name| format!("{name} is missing")),
                );
                let first = holds.first().map_or("", String::as_str);
                if let Some(expected) = &published.sha256 {
                    unproven = false;
                    let found = digest::folder(
                        found
                            .iter()
                            .filter(|(path, _)| Path::new(path).starts_with(first))
                            .map(|(path, digests)| (*path, digests.sha256.as_str())),
                    );
                    if found != *expected {
                        problems.push(format!("wrong SHA-256 of {first}: {found}, published is {expected}"));
                    }
                }
                // An added recording would be an additional sample.
                let extra = |path: &&String| manifest.is_some() && !recorded.contains_key(path.as_str());
                problems.extend(
                    present
                        .iter()
                        .map(|(path, _)| path)
                        .filter(extra)
                        .map(|path| format!("{path} has been added")),
                );
            }
        }
    }
    if unproven && problems.is_empty() {
        problems.push("it was not fetched by this program, and no checksums are published".to_owned());
    }
    if problems.is_empty() {
        return Ok(size);
    }
    problems.sort_unstable();
    problems.dedup();
    if problems.len() > MOST_PROBLEMS {
        let more = problems.len() - MOST_PROBLEMS;
        problems.truncate(MOST_PROBLEMS);
        problems.push(format!("and {more} more"));
    }
    Err(FetchError::Damaged { problems })
}

/// The files of a folder except the record, by path within it, with their lengths.
pub(crate) fn files(folder: &Path) -> Result<Vec<(String, u64)>, FetchError> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(inner) = folders.pop() {
        let path = folder.join(&inner);
        let io = |error| FetchError::io("read", &path)(error);
        for entry in fs::read_dir(&path).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = if inner.is_empty() { name } else { format!("{inner}/{name}") };
            // Follow links: users decide where the data are.
            let metadata = fs::metadata(entry.path()).map_err(FetchError::io("read", &entry.path()))?;
            if metadata.is_dir() {
                folders.push(name);
            } else if name != MANIFEST {
                files.push((name, metadata.len()));
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}
