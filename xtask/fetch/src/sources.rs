//! The sources of a file, in the order in which they are tried.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use snn_catalog::{DataSet, RemoteFile, Unpacked};

use super::store::Store;

/// A source other than the servers of the catalog, tried before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mirror {
    Folder(PathBuf),
    /// Ends in `/`.
    Address(String),
}

impl std::str::FromStr for Mirror {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Address(format!("{}/", text.trim_end_matches('/'))));
        }
        let path = PathBuf::from(text.strip_prefix("file://").unwrap_or(text));
        match text.split_once("://") {
            Some((scheme, _)) if scheme != "file" => {
                Err(format!("a mirror must be a folder or an http or https address, not {scheme}"))
            }
            // Absolute, since records will contain it.
            _ if path.is_dir() => {
                std::path::absolute(&path).map(Self::Folder).map_err(|error| error.to_string())
            }
            _ => Err(
                "the folder does not exist (and it is not an address, which starts with http:// or https://)"
                    .to_owned(),
            ),
        }
    }
}

/// A source of a catalog file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) place: Place,
    pub(crate) form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Local(PathBuf),
    Remote(String),
}

/// The form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Packed,
    /// One file, unpacked.
    Plain,
    /// A folder, unpacked.
    Tree,
}

impl Source {
    pub(crate) fn is_within(&self, folder: &Path) -> bool {
        matches!(&self.place, Place::Local(path) if path.starts_with(folder))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Remote(address) => address.fmt(f),
        }
    }
}

/// All sources of a file: next to its destination, the mirror, the servers.
pub(crate) fn sources(
    data_set: &DataSet,
    file: &RemoteFile,
    mirror: Option<&Mirror>,
    store: &Store,
) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut local = |path: PathBuf, form: Form| {
        let found = match (form, &file.unpacked) {
            (Form::Tree, Unpacked::Folder { holds, .. }) => holds_all(&path, holds),
            (Form::Tree, Unpacked::File { .. }) => false,
            _ => path.is_file(),
        };
        if found {
            sources.push(Source { place: Place::Local(path), form });
        }
    };
    // The user may have put the packed file at its destination.
    if matches!(file.unpacked, Unpacked::File { .. }) {
        local(store.folder(&data_set.name).join(&file.name), Form::Packed);
    }
    if let Some(Mirror::Folder(root)) = mirror {
        let folder = root.join(file.mirror_folder());
        local(folder.join(&file.name), Form::Packed);
        match &file.unpacked {
            Unpacked::File { file, .. } => local(folder.join(file), Form::Plain),
            Unpacked::Folder { .. } => {
                local(root.join(&data_set.name), Form::Tree);
            }
        }
    }
    let remote = |address: String, form| Source { place: Place::Remote(address), form };
    if let Some(Mirror::Address(root)) = mirror {
        let folder = format!("{root}{}/", file.mirror_folder());
        sources.push(remote(format!("{folder}{}", file.name), Form::Packed));
        if let Unpacked::File { file, .. } = &file.unpacked {
            sources.push(remote(format!("{folder}{file}"), Form::Plain));
        }
    }
    sources.extend(file.addresses().iter().map(|address| remote(address.clone(), Form::Packed)));
    sources
}

/// Whether a folder contains all of these.
pub(crate) fn holds_all(folder: &Path, names: &[String]) -> bool {
    names.iter().all(|name| folder.join(name).exists())
}
