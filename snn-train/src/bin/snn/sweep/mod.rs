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
    /// List the runs of a sweep file in a manifest, and say how long they will take.
    Plan(plan::Arguments),
    /// Train all runs that are not done, side by side; goes on after Ctrl-C or kill -9.
    #[command(after_help = run::EXIT_CODES)]
    Run(run::Arguments),
    /// Hand all runs that are missing to Slurm, as an array of jobs, and return at once.
    Submit(submit::Arguments),
    /// Say how the runs stand and what they have come to; reads files, and asks squeue about those that were submitted.
    Status(status::Arguments),
    /// Let runs that have failed be tried again by the next `snn sweep run`, or submit them anew.
    Retry(retry::Arguments),
    /// Train some of the runs: what the elements of a submitted array do.
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
