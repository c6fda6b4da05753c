//! The recordings of a data set, before any of them is read.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::events::MAX_U16;
use crate::{Error, Split};

/// Which recordings there are, and what is said in each.
#[derive(Clone, Debug, Default)]
pub(super) struct Corpus {
    /// The word of each class.
    pub(super) classes: Vec<String>,
    pub(super) recordings: Vec<Recording>,
    /// The class of each recording.
    pub(super) labels: Vec<u16>,
}

/// One recording.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    /// Path within the data set, with `/` between its parts: the name that lists have for it.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) speaker: Option<String>,
    /// The part to which the data set itself assigns it.
    pub(super) official: Option<Split>,
}

impl Corpus {
    /// Adds a recording of class `label`.
    pub(super) fn push(&mut self, label: usize, recording: Recording) {
        // `check` refuses more classes than fit, so that no label is cut off.
        self.labels.push(label as u16);
        self.recordings.push(recording);
    }

    /// That there is something to learn from.
    pub(super) fn check(self, folder: &Path) -> Result<Self, Error> {
        if self.recordings.is_empty() {
            return Err(Error::Missing { what: "recording (.wav or .flac)".into(), path: folder.to_owned() });
        }
        let too_many = |what| Error::TooMany { what, remedy: "divide the data set" };
        u32::try_from(self.recordings.len()).map_err(|_| too_many("recordings"))?;
        if self.classes.len() > MAX_U16 {
            return Err(Error::setting("words", self.classes.len(), "at most 65536 different ones"));
        }
        Ok(self)
    }
}

/// An entry of a folder.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

impl Entry {
    /// The name without `.wav` or `.flac`, if it is one of a recording.
    pub(super) fn recording_stem(&self) -> Option<&str> {
        let path = Path::new(&self.name);
        let extension = path.extension()?;
        let known = ["wav", "flac"].iter().any(|known| extension.eq_ignore_ascii_case(known));
        if known { path.file_stem().and_then(OsStr::to_str) } else { None }
    }
}

/// What a folder holds, by name, without hidden files.
pub(super) fn entries(folder: &Path) -> Result<Vec<Entry>, Error> {
    let io = |error| Error::io("read the folder", folder, &error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(Error::format("name of a file", "it is not UTF-8").in_file(&path, "name"));
        };
        if !name.starts_with('.') {
            entries.push(Entry { name, path });
        }
    }
    // The file system has an order of its own, which may differ from machine to machine.
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}
