//! A partial file, which is kept and resumed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::error::FetchError;

/// The partial file, and its origin in a file next to it.
#[derive(Debug)]
pub(crate) struct Part {
    path: PathBuf,
}

/// The origin of a partial file.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) address: String,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    /// Length of the whole file, if known.
    pub(super) total: Option<u64>,
}

impl Origin {
    /// The validator by which the server recognizes the file: a weak entity tag is not enough to combine pieces.
    pub(super) fn validator(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|tag| !tag.starts_with("W/"));
        strong.or(self.last_modified.as_deref())
    }
}

impl Part {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Number of bytes present.
    pub(crate) fn len(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |it| it.len())
    }

    fn origin_path(&self) -> PathBuf {
        with_suffix(&self.path, ".json")
    }

    pub(super) fn origin(&self) -> Option<Origin> {
        serde_json::from_slice(&fs::read(self.origin_path()).ok()?).ok()
    }

    pub(super) fn remember(&self, origin: &Origin) -> Result<(), FetchError> {
        let path = self.origin_path();
        let text =
            serde_json::to_vec(origin).map_err(|error| FetchError::io("write", &path)(error.into()))?;
        fs::write(&path, text).map_err(FetchError::io("write", &path))
    }

    /// Starts over.
    pub(crate) fn discard(&self) -> Result<(), FetchError> {
        // Remove the origin last: without the file it is meaningless, but a file with a wrong origin would be misused.
        for path in [self.path.clone(), self.origin_path()] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(FetchError::io("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The path with a suffix.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
