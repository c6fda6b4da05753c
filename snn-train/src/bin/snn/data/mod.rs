//! `snn data`: inspecting data sets.

mod cache;
#[cfg(feature = "hdf5")]
mod encode;
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
    /// Summarize a data set: parts, classes, speakers, spikes, durations.
    Info(info::Arguments),
    /// Show samples: spikes as a raster, sound as a spectrogram, in the terminal and as SVG or PNG.
    Preview(preview::Arguments),
    /// Encode recordings as spikes with a model of the inner ear, in HDF5 files with the layout of the Spiking Heidelberg Digits.
    #[cfg(feature = "hdf5")]
    Encode(encode::Arguments),
    /// Show the disk usage of cached features of recordings, or remove them.
    Cache(cache::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Info(arguments) => info::run(arguments),
        Command::Preview(arguments) => preview::run(arguments),
        #[cfg(feature = "hdf5")]
        Command::Encode(arguments) => encode::run(arguments),
        Command::Cache(arguments) => cache::run(arguments),
    }
}
