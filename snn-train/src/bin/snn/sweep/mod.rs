//! `snn sweep`

mod common;
mod plan;
mod retry;
mod run;
mod status;
mod submit;
mod work;

use std::process::ExitCode;

use clap::{Args, Subcommand};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plan the runs of a sweep file, and estimate how long they will take.
    Plan(plan::Arguments),
    /// Train all unfinished runs in parallel; can be resumed after Ctrl-C or kill -9.
    #[command(after_help = run::EXIT_CODES)]
    Run(run::Arguments),
    /// Submit all missing runs to Slurm as a job array, and return immediately.
    Submit(submit::Arguments),
    /// Show the state and results of the runs; reads files, and asks squeue about submitted ones.
    Status(status::Arguments),
    /// Clear failed runs, to be retried by the next `snn sweep run`, or resubmit them.
    Retry(retry::Arguments),
    /// Train some of the runs: used by the elements of a submitted array.
    Work(work::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Plan(arguments) => plan::run(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Status(arguments) => status::run(arguments),
        Command::Submit(arguments) => submit::run(arguments),
        Command::Retry(arguments) => retry::run(arguments),
        Command::Work(arguments) => work::run(arguments),
    }
}
