//! Errors while reading a run or a sweep.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Errors while reading a run or a sweep.
///
/// Messages end with the long part (a path), and include the remedy if there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or writing a file or directory failed.
    #[error("cannot {action}: {source}{}: {}", remedy(action, source), path.display())]
    Io {
        /// The attempted action, such as "read the metrics".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },

    /// An experiment is not valid TOML.
    #[error("{}:{line}: this is not valid TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line of the error, counted from 1.
        line: usize,
        /// The parser's description.
        message: String,
    },

    /// A directory is not a run directory.
    #[error("no run here ({missing} is missing); runs are one level deeper, as in runs/<id>: {}", path.display())]
    NotARun {
        /// The directory.
        path: PathBuf,
        /// The missing file that every run directory has.
        missing: &'static str,
    },

    /// A directory is not a sweep.
    #[error("no sweep here (manifest.json is missing; planning a sweep writes it): {}", path.display())]
    NotASweep {
        /// The directory.
        path: PathBuf,
    },

    /// A file of a run directory or of a sweep is damaged.
    #[error("damaged {what} ({reason}): {}", path.display())]
    DamagedFile {
        /// The kind of file, such as "status".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The problem.
        reason: String,
    },

    /// The plan of a sweep contains a foreign run: its name is a path to elsewhere, or does not match its settings.
    #[error("the plan has been changed: run {id:?}: {reason}; plan the sweep again with `snn sweep plan`: {}", path.display())]
    ForeignPoint {
        /// The plan.
        path: PathBuf,
        /// The id of the run in the plan.
        id: String,
        /// The problem.
        reason: String,
    },

    /// A file was written by a later version of this program.
    #[error("format version {found} is newer than this program's ({known}); use a newer `snn`: {}", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest version that this program reads.
        known: u32,
    },
}

impl Error {
    /// Wraps an operating system's error: `fs::read(path).map_err(Error::io("read the metrics", path))`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.as_ref().to_owned(), source }
    }

    /// Adds the position of a parser error in `text`, the content of the file at `path`.
    pub(crate) fn syntax(path: PathBuf, text: &str, error: &toml::de::Error) -> Self {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        Self::Syntax { path, line, message: error.message().to_owned() }
    }

    /// Whether this is a user error: the path is not a run or sweep, or its experiment was edited incorrectly.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Syntax { .. } | Self::NotARun { .. } | Self::NotASweep { .. })
    }

    /// Whether a file is missing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// The lines of a text, to look up many positions.
#[derive(Debug, Clone)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// The lines of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line, counted from 1, of the byte at `offset`.
    #[must_use]
    pub fn at(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|&end| end < offset)
    }
}

/// The line of `text`, counted from 1, of the byte at `offset`.
#[must_use]
pub fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// An error's message and those of its causes, separated by `: `. Causes that are already part of the message, as in
/// [`Error`], are not repeated.
#[must_use]
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text += ": ";
            text += &reason;
        }
        cause = error.source();
    }
    text
}

/// The remedy for an operating system error, if the user can do something about it.
fn remedy(action: &str, error: &io::Error) -> &'static str {
    let is_read = ["read", "list", "find", "open"].iter().any(|word| action.starts_with(word));
    match error.kind() {
        io::ErrorKind::PermissionDenied if is_read => " (change its permissions, or ask its owner to)",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            " (free some space; a run then continues with --resume)"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            " (choose a writable directory)"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            " (there is a file instead of a directory)"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot do it")]
    struct Silent(#[source] Error);

    #[test]
    fn lines_are_counted_consistently() {
        for text in ["", "\n", "a", "a\nbc\n\nd", "\n\n"] {
            let lines = Lines::of(text);
            for offset in 0..=text.len() + 1 {
                assert_eq!(lines.at(offset), line_of(text, offset), "{text:?} at {offset}");
            }
        }
    }

    #[test]
    fn remedies_fit_the_action() {
        let told = |action, kind: io::ErrorKind| Error::io(action, "run")(kind.into()).to_string();
        let read = told("read the checkpoint", io::ErrorKind::PermissionDenied);
        assert!(read.contains("(change its permissions") && !read.contains("writable"), "{read}");
        let written = told("write the checkpoint", io::ErrorKind::PermissionDenied);
        assert!(written.contains("(choose a writable directory)"), "{written}");
    }

    #[test]
    fn causes_are_reported_once() {
        let full = Error::io("write the metrics", "run")(io::ErrorKind::StorageFull.into());
        let told = full.to_string();
        assert_eq!(with_causes(&full), told);
        assert_eq!(with_causes(&Silent(full)), format!("cannot do it: {told}"));
    }
}
