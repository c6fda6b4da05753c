//! `snn data`: looking at data sets.

mod cache;
mod info;
mod preview;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use snn_train::{Experiment, experiment::Data};

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

/// Which data set to look at.
#[derive(Args)]
struct Selection {
    /// Name of a data set (`snn presets --keys` lists them under data.name), name of a preset, or path of a TOML file
    #[arg(value_name = "NAME")]
    name: String,
    /// Change a key of the data set; may be given again
    #[arg(long = "set", value_name = "data.KEY=VALUE")]
    changes: Vec<String>,
}

impl Selection {
    fn data(&self) -> Result<Data, snn_train::Error> {
        let mut experiment = match Data::named(&self.name) {
            Some(data) => Experiment { data, ..Experiment::default() },
            None => Experiment::find(&self.name)?,
        };
        experiment.set(&self.changes)?;
        Ok(experiment.data)
    }
}
