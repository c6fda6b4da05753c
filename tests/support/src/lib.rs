//! Tests that cannot run on every machine: they report the reason, and `cargo xtask test` counts them as skipped.
//!
//! ```
//! fn a_test_with_tmux() {
//!     if !std::path::Path::new("/usr/bin/tmux").exists() {
//!         return snn_test_support::skip("tmux is not installed");
//!     }
//!     // ... what the test asserts
//! }
//! # a_test_with_tmux();
//! ```

pub mod mutation;
pub mod signals;
pub mod strace;

use std::{env, fs::OpenOptions, io::Write as _, thread};

/// The environment variable with the path of the file that collects skipped tests, one `name<TAB>reason` per line.
pub const SKIPPED: &str = "SNN_SKIPPED_TESTS";

/// Reports that the current test is skipped, and the reason. Call it as `return skip("...")`.
///
/// The test harness does not support skipping at run time, so the note goes to standard output and, if [`SKIPPED`] is set,
/// to that file. Several test programs may append to it at the same time.
#[expect(clippy::print_stdout, reason = "the harness shows it with --nocapture and --show-output")]
pub fn skip(reason: &str) {
    let thread = thread::current();
    // The harness names each thread after its test.
    let test = thread.name().unwrap_or("a test");
    println!("skipped: {test}: {reason}");
    let Some(path) = env::var_os(SKIPPED) else { return };
    let line = format!("{test}\t{}\n", reason.replace(['\n', '\t'], " "));
    let file = OpenOptions::new().create(true).append(true).open(path);
    // If the note cannot be written, the skipped test still must not fail.
    let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
}
