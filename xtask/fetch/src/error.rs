//! Errors of fetching data sets.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use snn_terminal::escape;

/// Every failure of `fetch-data`. Each states the problem, its place and the remedy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// A file system error.
    #[error("cannot {action} {}: {source}{}", path.display(), remedy(source.kind()))]
    Io { action: &'static str, path: PathBuf, source: io::Error },

    /// Content that differs from the published one, or from that of the first use.
    #[error(transparent)]
    Checksum(Box<WrongChecksum>),

    /// A damaged or malicious packed file.
    #[error("{}, {place}: {problem}", path.display())]
    Archive { path: PathBuf, place: String, problem: String },

    /// No source provided the file.
    #[error("{file} is unavailable{}{}", Tried(tried), if *offline { OFFLINE } else { "" })]
    NoSource { file: String, tried: Vec<(String, String)>, offline: bool },

    /// Only mirrors have the data set.
    #[error("no server has it: specify a mirror that does, with --mirror URL_OR_DIR")]
    MirrorOnly,

    /// Other content in the place of the data set.
    #[error("{} exists, but does not contain the data set: move it away, or choose another folder with --dir", path.display())]
    InTheWay { path: PathBuf },

    /// A data set on disk differs from what was fetched.
    #[error("{}", problems.join("; "))]
    Damaged { problems: Vec<String> },
}

const OFFLINE: &str = "\n  No server is reachable. Is there a network? Behind a proxy, set HTTPS_PROXY; without a network, \
                       name a folder that has the files with --mirror DIR.";

/// A checksum that differs from the published one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) kind: &'static str,
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// A checksum mismatch: both values, and where the file is kept for inspection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrongChecksum {
    pub(crate) kind: &'static str,
    pub(crate) what: String,
    pub(crate) expected: String,
    /// The source of the expected value.
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

    /// Whether the next source may help: not if the local disk is the problem.
    pub(crate) fn is_of_the_source(&self) -> bool {
        matches!(self, Self::Checksum(_) | Self::Archive { .. } | Self::NoSource { .. })
    }
}

/// The remedies for the most common file system errors.
fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "\n  Free some space, or choose another folder with --dir. Downloaded parts are kept: the same command resumes."
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "\n  Choose a writable folder with --dir or the environment variable SNN_DATA_DIR."
        }
        _ => "",
    }
}

/// A list of sources and their errors.
struct Tried<'a>(&'a [(String, String)]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(place, problem)| write!(f, "\n  {}: {}", escape(place), escape(problem)))
    }
}
