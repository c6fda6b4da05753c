//! `cargo xtask test` and `cargo xtask ci`.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use crate::{
    process::{self, cargo},
    requirements,
    tally::Tally,
    timed,
    usage::Stopwatch,
};

/// Runs every test of the workspace, including documentation tests, and summarizes the time spent and the skipped tests.
pub(crate) fn test(options: &[OsString]) -> Result<u8> {
    requirements::ensure()?;
    // With --no-fail-fast, since all failures of a run are more useful than the first one.
    let mut words: Vec<OsString> = ["test", "--release", "--no-fail-fast"].map(OsString::from).into();
    if !names_packages(options) {
        words.push("--workspace".into());
    }
    let (of_cargo, of_tests) = halves(options);

    let mut suites = vec![words];
    if options.is_empty() && cfg!(target_os = "linux") {
        suites.push(DRIVER.map(OsString::from).into());
    }

    // Built separately first, to measure the build time.
    let building = Stopwatch::start();
    for words in &suites {
        let code = process::run(cargo(words).args(of_cargo).arg("--no-run"))?;
        if code != 0 {
            return Ok(code);
        }
    }
    let building = building.stop();

    let folder = tempfile::tempdir().context("cannot create a directory for notes of the tests")?;
    let skipped = folder.path().join("skipped");
    let testing = Stopwatch::start();
    let mut tally = Tally::default();
    let mut code = 0;
    for words in &suites {
        let mut command = cargo(words);
        command.args(of_cargo);
        process::announce(command.args(of_tests));
        // Options that users would not type.
        let mut command = cargo(words);
        command.args(of_cargo).args(timed::runner()?).args(of_tests).env(SKIPPED_TESTS, &skipped);
        let of_suite = run_counted(&mut command, &mut tally)?;
        code = if code == 0 { of_suite } else { code };
    }
    // Without the file, no test was skipped.
    tally.read_skipped(&fs::read_to_string(&skipped).unwrap_or_default());
    print!("{}", tally.times(building, testing.stop()));
    println!("{tally}");
    Ok(code)
}

/// The tests of code that talks to a GPU driver, and of `cargo xtask gpu`, with a mock driver. The rest of the workspace is built
/// without that code, so they are built separately.
const DRIVER: [&str; 13] = [
    "test",
    "--release",
    "--package",
    "snn-core",
    "--package",
    "snn-tests",
    "--no-default-features",
    "--features",
    "snn-core/cuda-check,snn-tests/cuda-check",
    "--test",
    "cuda_driver",
    "--test",
    "gpu_command",
];

/// Runs tests, shows their output and counts results.
fn run_counted(command: &mut Command, tally: &mut Tally) -> Result<u8> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut screen = std::io::stdout().lock();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.context("cannot read the output of the tests")?;
        tally.read(&String::from_utf8_lossy(&line));
        // Tests continue if their output is no longer read, as in `cargo xtask test | head`.
        let _ = screen.write_all(&line).and_then(|()| screen.write_all(b"\n"));
    }
    drop(screen);
    let status = child.wait().context("cannot wait for cargo")?;
    Ok(process::exit_code(status))
}

/// The variable with the file in which tests record that they are skipped: `snn_test_support::SKIPPED`.
const SKIPPED_TESTS: &str = "SNN_SKIPPED_TESTS";

/// The options for cargo, and those for the test programs with the separating `--`.
fn halves(options: &[OsString]) -> (&[OsString], &[OsString]) {
    let end = options.iter().position(|word| word == "--").unwrap_or(options.len());
    options.split_at(end)
}

/// Whether the options for cargo select packages, which `--workspace` would override.
fn names_packages(options: &[OsString]) -> bool {
    let words = options.iter().filter_map(|option| option.to_str()).take_while(|&word| word != "--");
    words.into_iter().any(|word| word.starts_with("-p") || word.starts_with("--package"))
}

/// Runs all checks, cheap ones first, up to the first failure.
pub(crate) fn ci(no_tests: bool) -> Result<u8> {
    requirements::ensure()?;
    for check in checks() {
        if let Some(reason) = check.unavailable() {
            println!("skipped: {} ({reason})", process::line(&check.command));
            continue;
        }
        let mut command = check.command;
        let code = process::run(&mut command)?;
        if code != 0 {
            eprintln!("error: `{}` failed", process::line(&command));
            return Ok(code);
        }
    }
    if no_tests { Ok(0) } else { test(&[]) }
}

/// A check other than the tests.
struct Check {
    command: Command,
    /// The cargo subcommand that it needs and how to install it, unless it is built in.
    tool: Option<(&'static str, &'static str)>,
}

impl Check {
    fn unavailable(&self) -> Option<String> {
        let (tool, installation) = self.tool?;
        let installed = process::succeeds(&mut cargo([tool, "--version"]));
        (!installed).then(|| format!("`cargo {tool}` is not installed; install it with `{installation}`"))
    }
}

/// All checks, in the release profile like everything else here, to share build artifacts.
fn checks() -> Vec<Check> {
    const RUSTFMT: Option<(&str, &str)> = Some(("fmt", "rustup component add rustfmt"));
    const CLIPPY: Option<(&str, &str)> = Some(("clippy", "rustup component add clippy"));
    const DENY: Option<(&str, &str)> = Some(("deny", "cargo install --locked cargo-deny"));
    let clippy = ["clippy", "--release", "--all-targets"];
    let strict = ["--", "--deny", "warnings"];

    let format = cargo(["fmt", "--all", "--check"]);
    let lints = cargo(clippy.into_iter().chain(["--workspace"]).chain(strict));
    // The reader of run directories, and the trainer without its program and figures, each with minimal features.
    let alone = ["--package", "snn-run", "--package", "snn-train", "--no-default-features"];
    let reader = cargo(clippy.into_iter().chain(alone).chain(strict));
    // The GPU code, which cannot be linked without the CUDA toolkit.
    let gpu = cargo(
        ["clippy", "--release", "--package", "snn-core", "--package", "snn-train"]
            .into_iter()
            .chain(["--features", "snn-core/cuda-check,snn-train/cuda-check"])
            .chain(["--lib", "--bins", "--test", "cuda_driver"])
            .chain(strict),
    );
    let documentation = documentation_of(&["--workspace"]);
    // Not the advisories: they change independently, and fetching them needs a network.
    let dependencies = cargo(["deny", "--log-level", "error", "check", "bans", "licenses", "sources"]);

    [(format, RUSTFMT), (lints, CLIPPY), (reader, CLIPPY), (gpu, CLIPPY)]
        .into_iter()
        .chain([(documentation, None)])
        .chain([(dependencies, DENY)])
        .map(|(command, tool)| Check { command, tool })
        .collect()
}

/// Checks the links in the documentation of every package: with its default features, with none, and with each feature alone.
pub(crate) fn docs() -> Result<u8> {
    requirements::ensure()?;
    let mut commands = vec![documentation_of(&["--workspace"])];
    for (package, features) in features_of_packages()? {
        let alone = ["--package", &package, "--no-default-features"];
        commands.push(documentation_of(&alone));
        commands.extend(
            features.iter().map(|feature| documentation_of(&[&alone[..], &["--features", feature]].concat())),
        );
    }
    for mut command in commands {
        let code = process::run(&mut command)?;
        if code != 0 {
            eprintln!("error: `{}` failed", process::line(&command));
            return Ok(code);
        }
    }
    Ok(0)
}

/// Builds every published package from its `.crate` file; cargo takes the others from a temporary registry of such files. In a
/// directory of its own, without optimization, since nothing is run.
pub(crate) fn packages() -> Result<u8> {
    requirements::ensure()?;
    let mut command = cargo(["package", "--workspace", "--allow-dirty", "--target-dir", "target/packages"]);
    command.args(["--config", "profile.dev.package.\"*\".opt-level=0"]).env("CARGO_PROFILE_DEV_DEBUG", "0");
    for package in metadata()?["packages"].as_array().into_iter().flatten() {
        // `publish = false` is an empty list of registries.
        if let (Some(name), Some([])) =
            (package["name"].as_str(), package["publish"].as_array().map(Vec::as_slice))
        {
            command.args(["--exclude", name]);
        }
    }
    process::run(&mut command)
}

fn metadata() -> Result<serde_json::Value> {
    let output =
        cargo(["metadata", "--no-deps", "--format-version", "1"]).output().context("cannot start cargo")?;
    serde_json::from_slice(&output.stdout).context("cannot parse the output of `cargo metadata`")
}

/// The packages that have features, and those features, except those that do not build on every machine.
fn features_of_packages() -> Result<Vec<(String, Vec<String>)>> {
    let metadata = metadata()?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
    let features = |package: &serde_json::Value| {
        let features = package["features"].as_object()?.keys();
        // `cuda` needs the CUDA toolkit; `cuda-check` documents the same code.
        let features: Vec<_> =
            features.filter(|it| !["default", "cuda"].contains(&it.as_str())).cloned().collect();
        (!features.is_empty()).then(|| Some((package["name"].as_str()?.to_owned(), features)))?
    };
    Ok(packages.iter().filter_map(features).collect())
}

/// The documentation of some packages, in which no link may be broken.
fn documentation_of(packages: &[&str]) -> Command {
    let mut command = cargo(["doc", "--release", "--no-deps"]);
    command.args(packages).env("RUSTDOCFLAGS", "--deny warnings");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_the_tests_follow_those_of_cargo() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let options = words("-p snn-core golden -- --nocapture");
        let (of_cargo, of_tests) = halves(&options);
        assert_eq!((of_cargo, of_tests), (&words("-p snn-core golden")[..], &words("-- --nocapture")[..]));
        assert_eq!(halves(&words("golden")), (&words("golden")[..], &[][..]));
    }

    #[test]
    fn packages_and_test_options_are_separated() {
        let chosen = |line: &str| names_packages(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(chosen("-p snn-core golden") && chosen("--package=snn-core") && chosen("-psnn-core"));
        assert!(!chosen("golden -- --nocapture") && !chosen("golden -- -p"));
    }

    #[test]
    fn feature_sets_are_found() {
        let packages = features_of_packages().expect("metadata of the workspace");
        let data = packages.iter().find(|(name, _)| name == "snn-data").expect("snn-data has features");
        assert!(data.1.iter().any(|feature| feature == "hdf5"), "{packages:?}");
        assert!(
            packages.iter().all(|(_, features)| !features.iter().any(|it| it == "default" || it == "cuda"))
        );
    }
}
