//! Code shared by the commands: exit codes, usage errors, and formatting.

use std::{borrow::Cow, io::Write as _, path::Path, thread};

use anyhow::Context as _;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use snn_data::Split;
use snn_run::output;

pub(crate) const FAILURE: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const STOPPED: u8 = 3;

/// A usage error that clap cannot detect.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Limits the number of compute threads; by default, all cores are used.
pub(crate) fn use_threads(threads: Option<usize>) -> anyhow::Result<()> {
    let Some(threads) = at_most_cores("--threads", threads) else { return Ok(()) };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start the threads")
}

/// Limits threads to the number of cores: thousands would overload the machine, and results do not depend on their number.
pub(crate) fn at_most_cores(option: &str, threads: Option<usize>) -> Option<usize> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    threads.map(|threads| {
        if threads > cores {
            warn(&format!("{option} {threads} is more than the number of cores: using {cores}"));
        }
        threads.min(cores)
    })
}

/// [`output::write`], with the path in the error.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    output::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Prints a warning, even with --quiet. Write errors are ignored.
pub(crate) fn warn(message: &str) {
    let _ = writeln!(snn_terminal::stderr(), "warning: {}", snn_terminal::escape(message));
}

/// A number of threads on the command line: at least one.
pub(crate) fn parse_threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..) => Ok(threads),
        _ => Err("a whole number, at least 1".to_owned()),
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

/// A path for JSON, which is Unicode: invalid bytes are replaced, as when the path is displayed. Passing a path that is not UTF-8
/// to `json!` would panic, possibly at the end of a long training.
pub(crate) fn path_text(path: &Path) -> Cow<'_, str> {
    path.to_string_lossy()
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
