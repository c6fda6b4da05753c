//! Where data sets and computed features are stored on this machine.

use std::env;
use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy, Xdg};

use crate::Error;

/// This project's folder within the user's folders.
const PROJECT: &str = "snn";

/// The folder that holds one folder per data set: the environment variable `SNN_DATA_DIR` if it is set, otherwise `snn` in the
/// user's data folder (XDG: `$XDG_DATA_HOME`, by default `~/.local/share`).
///
/// # Errors
///
/// [`Error::NoHome`] if neither the variable nor a home folder is set.
pub fn data_directory() -> Result<PathBuf, Error> {
    directory("SNN_DATA_DIR", |user| user.data_dir())
}

/// The folder for features computed from recordings: the environment variable `SNN_CACHE_DIR` if it is set, otherwise `snn` in
/// the user's cache folder (XDG: `$XDG_CACHE_HOME`, by default `~/.cache`). Everything in it may be deleted at any time.
///
/// # Errors
///
/// [`Error::NoHome`] if neither the variable nor a home folder is set.
pub fn cache_directory() -> Result<PathBuf, Error> {
    directory("SNN_CACHE_DIR", |user| user.cache_dir())
}

fn directory(variable: &'static str, of: impl Fn(&Xdg) -> PathBuf) -> Result<PathBuf, Error> {
    match env::var_os(variable) {
        Some(path) if !path.is_empty() => Ok(path.into()),
        _ => match Xdg::new() {
            Ok(user) => Ok(of(&user).join(PROJECT)),
            Err(_) => Err(Error::NoHome { variable }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_takes_precedence_over_the_user_s_folder() {
        // Every test process has a search path, and the second variable is certainly unset.
        let path = directory("PATH", |_| unreachable!()).unwrap();
        assert_eq!(Some(path.into_os_string()), env::var_os("PATH"));
        if let Ok(path) = directory("SNN_NO_SUCH_VARIABLE", |user| user.data_dir()) {
            assert!(path.is_absolute() && path.ends_with("snn"), "{}", path.display());
        }
    }
}
