//! Where data sets and computed features are stored on this machine, with the errors of this crate.

use std::path::PathBuf;

use crate::Error;

/// The folder that holds one folder per data set: the environment variable `SNN_DATA_DIR` if it is set, otherwise `snn` in the
/// user's data folder (XDG: `$XDG_DATA_HOME`, by default `~/.local/share`).
///
/// # Errors
///
/// [`Error::NoHome`] if neither the variable nor a home folder is set.
pub fn data_directory() -> Result<PathBuf, Error> {
    snn_catalog::data_directory().map_err(no_home)
}

/// The folder for features computed from recordings: the environment variable `SNN_CACHE_DIR` if it is set, otherwise `snn` in
/// the user's cache folder (XDG: `$XDG_CACHE_HOME`, by default `~/.cache`). Everything in it may be deleted at any time.
///
/// # Errors
///
/// [`Error::NoHome`] if neither the variable nor a home folder is set.
pub fn cache_directory() -> Result<PathBuf, Error> {
    snn_catalog::cache_directory().map_err(no_home)
}

fn no_home(error: snn_catalog::Error) -> Error {
    match error {
        snn_catalog::Error::NoHome { variable } => Error::NoHome { variable },
        other => Error::format("catalog", other.to_string()),
    }
}
