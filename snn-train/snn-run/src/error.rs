//! What can go wrong while a run or a sweep is read.

use std::{
    io,
    path::{Path, PathBuf},
};

/// What can go wrong while a run or a sweep is read.
///
/// Messages end with the long part (a path), and say what helps where something does.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write a file or directory.
    #[error("cannot {action}: {source}{}: {}", remedy(source), path.display())]
    Io {
        /// What was being done, such as "read the metrics".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },

    /// An experiment that is no valid TOML.
    #[error("{}:{line}: this is not valid TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line of the mistake, counted from 1.
        line: usize,
        /// The parser's description.
        message: String,
    },

    /// A directory that is no run directory.
    #[error("no run here ({missing} is missing); runs lie one level deeper, as in runs/<id>: {}", path.display())]
    NotARun {
        /// The directory that was meant to be a run.
        path: PathBuf,
        /// The file that every run directory holds.
        missing: &'static str,
    },

    /// A directory that is no sweep.
    #[error("no sweep here (manifest.json is missing; planning a sweep writes it): {}", path.display())]
    NotASweep {
        /// The directory that was meant to be a sweep.
        path: PathBuf,
    },

    /// A file of a run directory or of a sweep that cannot be understood.
    #[error("damaged {what} ({reason}): {}", path.display())]
    DamagedFile {
        /// Which file, such as "status".
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A plan of a sweep with a run that is none of its own: its name leads elsewhere, or does not follow from its settings.
    #[error("the plan has been changed: run {id:?}: {reason}; plan the sweep anew with `snn sweep plan`: {}", path.display())]
    ForeignPoint {
        /// The plan.
        path: PathBuf,
        /// The id of the run, as the plan has it.
        id: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A file that a later version of this program wrote.
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

    /// Says where in `text`, the content of the file at `path`, the parser found its mistake.
    pub(crate) fn syntax(path: PathBuf, text: &str, error: &toml::de::Error) -> Self {
        let line = line_of(text, error.span().map_or(0, |span| span.start));
        Self::Syntax { path, line, message: error.message().to_owned() }
    }

    /// Whether what was named is no run or sweep, or its experiment was edited wrongly: a mistake of the user, not one on
    /// the way.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Syntax { .. } | Self::NotARun { .. } | Self::NotASweep { .. })
    }

    /// Whether a file is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// The lines of a text, for those who ask for many places in it.
#[derive(Debug, Clone)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// Of this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at).collect())
    }

    /// The line, counted from 1, in which the byte at `offset` stands.
    #[must_use]
    pub fn at(&self, offset: usize) -> usize {
        1 + self.0.partition_point(|&end| end < offset)
    }
}

/// The line of `text`, counted from 1, in which the byte at `offset` stands.
#[must_use]
pub fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// What went wrong, and why: an error's message and those of its causes, `: ` between them. Causes that the message holds
/// already, as those of [`Error`] do, are not told twice.
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

/// What helps against an operating system's error, for the kinds that a user can do something about.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            " (free some space, then go on with --resume)"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            " (choose a directory that you may write to)"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            " (a file stands where a directory is needed)"
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
    fn lines_are_counted_alike() {
        for text in ["", "\n", "a", "a\nbc\n\nd", "\n\n"] {
            let lines = Lines::of(text);
            for offset in 0..=text.len() + 1 {
                assert_eq!(lines.at(offset), line_of(text, offset), "{text:?} at {offset}");
            }
        }
    }

    #[test]
    fn causes_are_told_once() {
        let full = Error::io("write the metrics", "run")(io::ErrorKind::StorageFull.into());
        let told = full.to_string();
        assert_eq!(with_causes(&full), told);
        assert_eq!(with_causes(&Silent(full)), format!("cannot do it: {told}"));
    }
}
