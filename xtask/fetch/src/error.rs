//! What can go wrong between a server and a data set on disk.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use snn_terminal::escape;

/// Every failure of `fetch-data`. Each says what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// The file system refuses.
    #[error("cannot {action} {}: {source}{}", path.display(), remedy(source.kind()))]
    Io { action: &'static str, path: PathBuf, source: io::Error },

    /// Bytes are not those that were published, or that came the first time.
    #[error(transparent)]
    Checksum(Box<WrongChecksum>),

    /// A packed file is damaged, or made to do harm.
    #[error("{}, {place}: {problem}", path.display())]
    Archive { path: PathBuf, place: String, problem: String },

    /// None of the places that should have a file gave it.
    #[error("{file} is not to be had{}{}", Tried(tried), if *offline { OFFLINE } else { "" })]
    NoSource { file: String, tried: Vec<(String, String)>, offline: bool },

    /// Only mirrors have the data set.
    #[error("no server has it: name a mirror that does, with --mirror URL_OR_DIR")]
    MirrorOnly,

    /// Something lies where the data set belongs.
    #[error("{} is there, but holds no such data set: move it away, or choose another folder with --dir", path.display())]
    InTheWay { path: PathBuf },

    /// A data set on disk is not what was fetched.
    #[error("{}", problems.join("; "))]
    Damaged { problems: Vec<String> },
}

const OFFLINE: &str = "\n  No server can be reached. Is there a network? Behind a proxy, set HTTPS_PROXY; without a network, \
                       name a folder that has the files with --mirror DIR.";

/// A checksum that differs from the published one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) kind: &'static str,
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// A checksum that does not hold, both values, and where the file is kept for whoever wants to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrongChecksum {
    pub(crate) kind: &'static str,
    pub(crate) what: String,
    pub(crate) expected: String,
    /// Who says so.
    pub(crate) authority: String,
    pub(crate) found: String,
    pub(crate) kept: Option<PathBuf>,
}

impl fmt::Display for WrongChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, what, expected, authority, found, kept } = self;
        write!(f, "wrong {kind} of {what}:\n    expected {expected} ({authority})\n    found    {found}")?;
        if let Some(path) = kept {
            write!(f, "\n  The file is kept as {}", path.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for WrongChecksum {}

impl WrongChecksum {
    pub(crate) fn new(mismatch: Mismatch, what: String, authority: &str) -> Self {
        let Mismatch { kind, expected, found } = mismatch;
        Self { kind, what, expected, authority: authority.to_owned(), found, kept: None }
    }
}

impl From<WrongChecksum> for FetchError {
    fn from(wrong: WrongChecksum) -> Self {
        Self::Checksum(Box::new(wrong))
    }
}

impl FetchError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    pub(crate) fn archive(path: &Path, place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Archive { path: path.to_owned(), place: place.into(), problem: problem.into() }
    }

    /// Whether the next place may do better: not where our own disk is at fault.
    pub(crate) fn is_of_the_source(&self) -> bool {
        matches!(self, Self::Checksum(_) | Self::Archive { .. } | Self::NoSource { .. })
    }
}

/// What the user can do about the commonest refusals of a file system.
fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "\n  Make room, or choose another folder with --dir. What has come so far is kept: the same command goes on from there."
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "\n  Choose a folder that you may write to, with --dir or the environment variable SNN_DATA_DIR."
        }
        _ => "",
    }
}

/// A list of places and what was wrong with each.
struct Tried<'a>(&'a [(String, String)]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(place, problem)| write!(f, "\n  {}: {}", escape(place), escape(problem)))
    }
}
