//! A runner for `cargo test` that measures the time of each test.
//!
//! The test harness of stable Rust measures each test but shows the times only with an unstable flag, which requires
//! `RUSTC_BOOTSTRAP`. Set for cargo, the variable would trigger a complete rebuild, so it is set here, only for the test
//! programs. A harness that refuses the flag runs without it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{process, tally::PROGRAM};

/// The hidden command.
pub(crate) const COMMAND: &str = "run-timed";

/// The arguments for cargo that make this program the runner.
pub(crate) fn runner() -> Result<[String; 2]> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let program = program.to_str().context("the path of this program is not UTF-8")?;
    // A TOML string in single quotes can contain anything but a single quote.
    Ok(["--config".into(), format!("target.'cfg(all())'.runner = ['{program}', '{COMMAND}']")])
}

/// Runs the test program `words[0]` with the arguments that cargo gives it.
pub(crate) fn run(words: &[OsString]) -> Result<u8> {
    let (program, arguments) = words.split_first().context("no program to run")?;
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(name) = test_program(Path::new(program)) {
        println!("{PROGRAM}{name}");
        let flags = ["-Zunstable-options", "--report-time"];
        let timed = |command: &mut Command| {
            command.args(flags).env("RUSTC_BOOTSTRAP", "1");
        };
        let mut attempt = Command::new(program);
        timed(attempt.arg("--list"));
        if process::succeeds(&mut attempt) {
            timed(&mut command);
        }
    }
    let status =
        command.status().with_context(|| format!("cannot start {}", PathBuf::from(program).display()))?;
    Ok(process::exit_code(status))
}

/// The name of a test program built by cargo, without the hash; `None` for documentation tests.
fn test_program(path: &Path) -> Option<String> {
    let folder = path.parent()?.file_name()?;
    let name = path.file_stem()?.to_str()?;
    let (name, hash) = name.rsplit_once('-')?;
    let hashed = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    (folder == "deps" && hashed).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_and_documentation_tests_are_distinguished() {
        let name = |path: &str| test_program(Path::new(path));
        assert_eq!(name("target/release/deps/snn_core-d86f5cda7a94e2e1"), Some("snn_core".into()));
        assert_eq!(name("/tmp/rustdoctestX/merged_doctest_2024/rust_out"), None);
        assert_eq!(name("target/release/snn"), None);
    }
}
