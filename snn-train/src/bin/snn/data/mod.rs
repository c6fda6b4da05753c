//! `snn data`: looking at data sets.

mod cache;
mod info;
mod preview;
mod selection;

use std::process::ExitCode;

use clap::{Args, Subcommand};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what is in a data set: parts, classes, speakers, spikes, durations.
    Info(info::Arguments),
    /// Show samples: spikes as a raster, sound as a spectrogram, in the terminal and as SVG or PNG.
    Preview(preview::Arguments),
    /// Say what the features of recordings take on the disk, or remove them.
    Cache(cache::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Info(arguments) => info::run(arguments),
        Command::Preview(arguments) => preview::run(arguments),
        Command::Cache(arguments) => cache::run(arguments),
    }
}
