//! What the commands share: exit codes, mistakes of the user, and how values are written.

use std::{
    borrow::Cow,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process, thread,
};

use anyhow::Context as _;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use snn_data::Split;

pub(crate) const FAILURE: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const STOPPED: u8 = 3;

/// A mistake in the arguments that clap cannot see.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Limits the threads that compute; all cores by default.
pub(crate) fn use_threads(threads: Option<usize>) -> anyhow::Result<()> {
    let Some(threads) = at_most_cores("--threads", threads) else { return Ok(()) };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start the threads")
}

/// No more threads than the machine has cores for: thousands bring it to its knees, and results do not depend on their number.
pub(crate) fn at_most_cores(option: &str, threads: Option<usize>) -> Option<usize> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    threads.map(|threads| {
        if threads > cores {
            warn(&format!("{option} {threads} is more than this machine has cores: it is {cores}"));
        }
        threads.min(cores)
    })
}

/// Writes a file that the user has named: whole or not at all, through a link, and into a pipe or a device as they are.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        let target = match fs::metadata(path) {
            Ok(found) if !found.is_file() => return fs::write(path, bytes),
            Ok(_) => fs::canonicalize(path)?,
            Err(_) => PathBuf::from(path),
        };
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.tmp", process::id()));
        let beside = target.with_file_name(name);
        // One that a killed process of the same number has left.
        let _ = fs::remove_file(&beside);
        let file = match File::create_new(&beside) {
            // A file that may be written in a folder that may not.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return fs::write(&target, bytes);
            }
            created => created,
        };
        let written =
            file.and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&beside, &target));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// A word that --quiet does not hide. That it cannot be written is no reason to end.
pub(crate) fn warn(message: &str) {
    let _ = writeln!(snn_terminal::stderr(), "warning: {}", snn_terminal::escape(message));
}

/// Threads on the command line: at least one.
pub(crate) fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..) => Ok(threads),
        _ => Err("a whole number of at least 1".to_owned()),
    }
}

/// A part of the data on the command line.
pub(crate) fn split_parser() -> impl TypedValueParser<Value = Split> {
    const WORDS: [(&str, Split); 3] =
        [("train", Split::Train), ("valid", Split::Valid), ("test", Split::Test)];
    let named = |word: String| WORDS.into_iter().find(|(it, _)| *it == word);
    PossibleValuesParser::new(WORDS.map(|(word, _)| word))
        .map(move |word| named(word).map_or(Split::Test, |(_, split)| split))
}

/// A path for JSON, whose texts are Unicode: bytes that are none are replaced, as they are where people read the path.
/// `json!` panics on a path itself that is not UTF-8, at the end of a long training in the worst case.
pub(crate) fn path_text(path: &Path) -> Cow<'_, str> {
    path.to_string_lossy()
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
