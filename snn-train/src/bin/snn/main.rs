//! `snn`: trains spiking neural networks from the command line.
//!
//! Exit codes: 0 done; 1 failure; 2 usage or configuration; 3 stopped before the end, with a checkpoint from which `--resume`
//! continues.

mod bar;
mod claims;
mod common;
mod data;
mod eval;
mod export;
mod figure;
mod loading;
mod model;
mod predict;
mod presets;
mod progress;
mod runs;
mod shell_support;
mod stop;
mod stream;
mod sweep;
mod train;
mod watch;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser, Subcommand};
use common::{FAILURE, USAGE, UsageError};

/// Trains spiking neural networks with surrogate gradients.
#[derive(Parser)]
#[command(name = "snn", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failure, 2 usage or configuration, 3 stopped before the end (Ctrl-C, \
                          SIGTERM, SIGHUP, SIGUSR1, SIGXCPU or a file `stop` in the run directory) with a checkpoint: resume with \
                          --resume; 128 + signal: stopped by it while loading the data of a new run.";

#[derive(Subcommand)]
enum Command {
    /// Train a preset or your own experiment; prints the run directory and the result.
    Train(train::Arguments),
    /// Evaluate the model of a run on a part of its data.
    Eval(eval::Arguments),
    /// Write the predictions of a run's model for each sample, of its data or of others.
    Predict(predict::Arguments),
    /// Classify sound from a file or a pipe as it arrives; decisions are lines of JSON.
    Stream(stream::Arguments),
    /// Export the records or the weights of a run to other formats.
    Export(export::Arguments),
    /// Train many variants of an experiment, and summarize the results.
    Sweep(sweep::Arguments),
    /// List, compare and export the runs in a directory.
    Runs(runs::Arguments),
    /// Inspect a data set.
    Data(data::Arguments),
    /// Reproduce figures of the paper: runs, drawings (SVG and PNG) and numbers (CSV).
    Figure(figure::Arguments),
    /// Check the claims of the paper against the runs of the figures.
    Claims(claims::Arguments),
    /// List the presets, show one as TOML, or document every key.
    Presets(presets::Arguments),
    /// Write the completion script for a shell to standard output.
    Completions(shell_support::CompletionArguments),
    /// Write the man pages of all commands.
    Man(shell_support::ManualArguments),
}

/// The hidden subcommand by which the program starts itself to read an HDF5 file.
#[cfg(feature = "hdf5")]
const READ_HDF5: &str = "__read-hdf5";

/// Reads HDF5 files in a separate process, which may crash; in that process, reads the file and returns the result.
#[cfg(feature = "hdf5")]
fn isolate_hdf5() -> Option<ExitCode> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let [command, path, unit] = arguments.as_slice()
        && command == READ_HDF5
    {
        let path = std::path::Path::new(path);
        #[cfg(feature = "nir")]
        if unit == snn_train::nir::LAYOUT {
            return Some(ExitCode::from(if snn_train::nir::serve(path).is_ok() { 0 } else { FAILURE }));
        }
        let served = snn_data::serve_hdf5(path, &unit.to_string_lossy());
        return Some(ExitCode::from(if served.is_ok() { 0 } else { FAILURE }));
    }
    // The link leads to this program even if its file has been replaced or moved.
    let link = std::path::Path::new("/proc/self/exe");
    let program = if link.exists() { Some(link.to_owned()) } else { std::env::current_exe().ok() };
    if let Some(program) = program {
        snn_data::isolate_hdf5(program, [READ_HDF5.into()]);
    }
    None
}

/// Parses the command line. Errors are printed with colors, unless they quote unsafe characters.
fn parse() -> Arguments {
    Arguments::try_parse().unwrap_or_else(|error| {
        if snn_terminal::arguments_are_safe() {
            error.exit();
        }
        snn_terminal::print_error!("{}", error.to_string().trim_end());
        std::process::exit(error.exit_code())
    })
}

fn main() -> ExitCode {
    stop::survive_file_limits();
    #[cfg(feature = "hdf5")]
    if let Some(code) = isolate_hdf5() {
        return code;
    }
    let result = match parse().command {
        Command::Train(arguments) => train::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Stream(arguments) => stream::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Sweep(arguments) => sweep::run(&arguments),
        Command::Runs(arguments) => runs::run(&arguments),
        Command::Data(arguments) => data::run(&arguments),
        Command::Figure(arguments) => figure::run(&arguments),
        Command::Claims(arguments) => claims::run(&arguments),
        Command::Presets(arguments) => presets::run(&arguments),
        Command::Completions(arguments) => shell_support::completions(&arguments, Arguments::command()),
        Command::Man(arguments) => shell_support::manual(&arguments, Arguments::command()),
    };
    result.unwrap_or_else(|error| {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            // The reader of our output, such as `head`, has exited.
            return ExitCode::SUCCESS;
        }
        // All other write errors name their file.
        let is_output = error.chain().next().is_some_and(|error| error.is::<io::Error>());
        let what = if is_output { "cannot write to standard output: " } else { "" };
        // If this fails as well, there is nowhere left to report it. Escaped, since it quotes names.
        let told = snn_train::with_causes(&*error);
        let _ = writeln!(snn_terminal::stderr(), "error: {what}{}", snn_terminal::escape(&told));
        let usage = error.is::<UsageError>()
            || error.downcast_ref().is_some_and(snn_train::Error::is_usage)
            || error.downcast_ref().is_some_and(snn_run::Error::is_usage);
        ExitCode::from(if usage { USAGE } else { FAILURE })
    })
}
