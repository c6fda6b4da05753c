//! A partial file, which survives us and is gone on with.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::error::FetchError;

/// The partial file, and beside it where it comes from.
#[derive(Debug)]
pub(crate) struct Part {
    path: PathBuf,
}

/// Where a partial file comes from.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) address: String,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    /// Length of the whole file, if known.
    pub(super) total: Option<u64>,
}

impl Origin {
    /// What the server will recognize the file by: a weak entity tag is not enough to put pieces together.
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

    /// Bytes that are there.
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

    /// Begins anew.
    pub(crate) fn discard(&self) -> Result<(), FetchError> {
        // The origin last: without its file it means nothing, the file without it would be taken for another's.
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

/// The path with more behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
