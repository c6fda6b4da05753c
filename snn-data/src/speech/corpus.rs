//! The list of a data set's recordings, before they are read.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::binning::MAX_U16;
use crate::{Error, Intake, Reason, Split};

/// The recordings and the word spoken in each.
#[derive(Clone, Debug, Default)]
pub(super) struct Corpus {
    /// The word of each class.
    pub(super) classes: Vec<String>,
    pub(super) recordings: Vec<Recording>,
    /// The class of each recording.
    pub(super) labels: Vec<u16>,
    /// Files that were left out.
    pub(super) intake: Intake,
}

/// One recording.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    /// Path within the data set, with `/` between its parts: its name in lists.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) speaker: Option<String>,
    /// Its official part.
    pub(super) official: Option<Split>,
}

impl Corpus {
    /// Adds a recording of class `label`.
    pub(super) fn push(&mut self, label: usize, recording: Recording) {
        // `check` refuses more classes than fit, so labels are never truncated.
        self.labels.push(label as u16);
        self.recordings.push(recording);
    }

    /// Keeps only some recordings.
    pub(super) fn retain(&mut self, kept: &[bool]) {
        let mut of_recordings = kept.iter();
        self.recordings.retain(|_| of_recordings.next().copied().unwrap_or_default());
        let mut of_labels = kept.iter();
        self.labels.retain(|_| of_labels.next().copied().unwrap_or_default());
    }

    /// Checks that there are recordings and not too many of them.
    pub(super) fn check(self, folder: &Path) -> Result<Self, Error> {
        if self.recordings.is_empty() {
            return Err(Error::Missing { what: "recording (.wav or .flac)".into(), path: folder.to_owned() });
        }
        let too_many = |what| Error::TooMany { what, remedy: "split the data set" };
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
        if is_recording(path) { path.file_stem().and_then(OsStr::to_str) } else { None }
    }

    /// Whether it is a sound file in an unsupported format, judged by its name.
    pub(super) fn is_other_sound(&self) -> bool {
        const KNOWN: &[&str] = &[
            "aac", "aif", "aifc", "aiff", "amr", "au", "caf", "m4a", "mp3", "mp4", "oga", "ogg", "opus",
            "ra", "snd", "sph", "w64", "wma", "wv",
        ];
        has_extension(Path::new(&self.name), KNOWN)
    }
}

fn is_recording(path: &Path) -> bool {
    has_extension(path, &["wav", "flac"])
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    path.extension().is_some_and(|extension| known.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// The content of a folder, sorted by name. Hidden names and those that are not UTF-8 are left out; recordings among them are counted.
pub(super) fn entries(folder: &Path, intake: &mut Intake) -> Result<Vec<Entry>, Error> {
    let io = |error| Error::io("read the folder", folder, &error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        crate::cancel::check()?;
        let entry = entry.map_err(io)?;
        let path = entry.path();
        let reason = match entry.file_name().into_string() {
            Ok(name) if !name.starts_with('.') => {
                entries.push(Entry { name, path });
                continue;
            }
            Ok(_) => Reason::Hidden,
            Err(name) if name.as_encoded_bytes().starts_with(b".") => Reason::Hidden,
            Err(_) => Reason::NotUtf8,
        };
        // `._a.wav` is metadata that macOS stores next to a file, not a recording.
        let count = if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"._")) {
            0
        } else {
            recordings_in(&path)
        };
        let name = || Path::new(&entry.file_name()).to_string_lossy().into_owned();
        intake.leave_out(reason, count, name);
    }
    // The order of the file system may differ between machines.
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Number of recordings at a path: itself, or all below it. Links are not followed, so the recursion ends.
pub(super) fn recordings_in(path: &Path) -> usize {
    /// Maximum number of entries examined: beyond it, the number is too low but not 0.
    const MOST: usize = 1 << 20;

    let is_dir = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    if !is_dir {
        return usize::from(is_recording(path) && path.is_file());
    }
    let (mut count, mut seen, mut folders) = (0, 0, vec![path.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > MOST {
                return count;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => count += usize::from(is_recording(&entry.path())),
                _ => {}
            }
        }
    }
    count
}
