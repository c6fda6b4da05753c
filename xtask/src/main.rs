//! The automation of this repository: `cargo xtask demo` and `cargo xtask test` need only a Rust toolchain.
//!
//! Exit codes: 0 for success, 2 for a usage error, otherwise that of the failed step, or 1.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program prints")]

mod bench;
mod build_times;
mod captures;
mod check;
mod demo;
mod figures;
mod gpu;
mod process;
mod requirements;
#[cfg(unix)]
mod slurm;
mod tally;
mod timed;
mod torture;
mod usage;

use std::{ffi::OsString, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

/// Automation of this repository: setup, demo, tests, checks and benchmarks.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check the build requirements, build, and train the preset `randman`
    ///
    /// Fails unless the test accuracy exceeds 98 %. The run is in runs/demo (runs/demo-2 and so on for further ones) of the
    /// repository.
    Demo {
        /// Options for `snn train randman`, such as `--set training.epochs=20` or `--run-dir D`
        #[arg(last = true)]
        options: Vec<OsString>,
    },
    /// Check the build requirements, then run every test of the workspace, including documentation tests
    Test {
        /// Options for `cargo test`, such as `-p snn-core`, a test's name, or `-- --nocapture`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// All checks required before merging: format, lints, documentation, dependencies, tests
    ///
    /// Checks whose tool is not installed are skipped with a message.
    Ci {
        /// Skip the tests
        #[arg(long)]
        no_tests: bool,
    },
    /// Check the links in the documentation of every package, in every feature set
    Docs,
    /// Build every published package from its `.crate` file, against the others (minutes)
    Packages,
    /// On a machine with an NVIDIA GPU: compare it with the CPU, and measure it and PyTorch
    Gpu(gpu::Options),
    /// Test sweeps on Slurm: start a single-node cluster, submit, requeue, kill, resubmit, compare, and stop it
    ///
    /// Takes about three minutes. If Slurm is not installed, root installs it on Debian and derivatives; otherwise the test is
    /// skipped and prints the command to run.
    #[cfg(unix)]
    SlurmTest,
    /// Fetch data sets, check them against published checksums, and unpack them: see `cargo xtask fetch-data --help`
    #[command(disable_help_flag = true)]
    FetchData {
        /// Names of data sets or `all`, and options such as `--dir D`, `--mirror URL_OR_DIR`, `--list`, `--verify-only`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Build everything from scratch in a separate directory, and show the cost of each command and package
    BuildTimes(build_times::Options),
    /// Run a test program with the time of each of its tests
    #[command(name = timed::COMMAND, hide = true, disable_help_flag = true)]
    RunTimed {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Reproduce all figures of the paper and test its claims: `snn figure all`, then `snn claims`
    ///
    /// At quick scale (minutes) unless `--scale` is given. Existing runs are reused, so after Ctrl-C the same command resumes.
    Figures {
        /// Options for `snn figure all`, such as `--scale full`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Draw the dashboard screens in the README from recorded runs, into docs/dashboard
    Captures {
        /// Print them as text instead
        #[arg(long)]
        text: bool,
    },
    /// Damage every kind of file and kill trainers, for minutes or hours; prints the number of attempts and failures
    Torture {
        /// `--minutes N` for the mutations (2), `--kills N` (40), `--seed N` (0), `--snn PATH` to kill another program
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Measure the time and memory of a training step (jobs R, M, S, A); `bench audio`, `bench shd`: of reading data
    ///
    /// `cargo xtask bench -- --help` lists the options of the benchmark itself. `audio` measures the audio front end, and fails below N
    /// times real time with `--require N`; `shd` loads a file of the size of the Spiking Heidelberg Digits, and fails above 2 s or 600
    /// MB with `--require`.
    Bench {
        /// Options for the benchmark, such as `--jobs R,S` or `--json`, after an optional `audio` or `shd`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = process::leave_interrupts_to_children().and_then(|()| match arguments.command {
        Command::Demo { options } => demo::demo(&options),
        Command::Test { options } => check::test(&options),
        Command::Gpu(options) => gpu::gpu(&options),
        #[cfg(unix)]
        Command::SlurmTest => slurm::slurm_test(),
        Command::Ci { no_tests } => check::ci(no_tests),
        Command::Docs => check::docs(),
        Command::Packages => check::packages(),
        Command::FetchData { options } => fetch_data(&options),
        Command::BuildTimes(options) => build_times::build_times(&options),
        Command::RunTimed { words } => timed::run(&words),
        Command::Figures { options } => figures::figures(&options),
        Command::Captures { text } => captures::captures(text),
        Command::Bench { options } => bench::bench(&options),
        Command::Torture { options } => torture::torture(&options),
    });
    match outcome {
        Ok(code) => code.into(),
        Err(error) => {
            snn_terminal::print_error!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `cargo xtask fetch-data`, a separate program, since nothing else here needs HTTP, TLS and archives.
fn fetch_data(options: &[OsString]) -> anyhow::Result<u8> {
    let program = ["run", "--release", "--quiet", "--bin", "snn-fetch", "--"];
    // Paths on the command line are relative to the user's directory.
    let directory = std::env::current_dir().context("the working directory no longer exists")?;
    let manifest = process::root().join("Cargo.toml");
    let mut command = process::cargo(program.iter().take(1));
    command.arg("--manifest-path").arg(manifest).args(&program[1..]).args(options).current_dir(directory);
    Ok(process::exit_code(command.status().context("cannot start cargo")?))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_of_other_programs_pass_through() {
        let parse =
            |line: &str| Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command);
        let command = parse("xtask demo -- --set training.epochs=2 --run-dir /tmp/x");
        assert!(matches!(command, Ok(Command::Demo { options }) if options.len() == 4));
        let command = parse("xtask bench --json --jobs R,M");
        assert!(matches!(command, Ok(Command::Bench { options }) if options.len() == 3));
        let command = parse("xtask figures --scale smoke");
        assert!(matches!(command, Ok(Command::Figures { options }) if options.len() == 2));
        let command = parse("xtask test -p snn-core golden -- --nocapture");
        assert!(matches!(command, Ok(Command::Test { options }) if options.len() == 5));
        assert!(parse("xtask demo --run-dir x").is_err(), "options of snn follow `--`");
    }

    #[test]
    fn every_command_named_in_the_documents_exists() {
        let commands = Arguments::command();
        let mut documents: Vec<_> =
            ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "ARCHITECTURE.md", ".ci/run"]
                .map(|document| process::root().join(document))
                .into();
        let guide = std::fs::read_dir(process::root().join("docs")).expect("the guide");
        let guide = guide.map(|entry| entry.expect("a page").path());
        documents.extend(guide.filter(|path| path.extension().is_some_and(|it| it == "md")));
        assert!(documents.len() > 10);
        for path in documents {
            let document = path.display();
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{document}: {error}"));
            for rest in text.split("cargo xtask ").skip(1) {
                let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
                assert!(
                    name.is_empty() || name.starts_with('-') || commands.find_subcommand(&name).is_some(),
                    "{document} names `cargo xtask {name}`, which does not exist"
                );
            }
        }
    }
}
