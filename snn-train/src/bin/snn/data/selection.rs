//! Selection of the data set.

use clap::Args;
use snn_train::{Experiment, experiment::Data};

/// Selection of the data set.
#[derive(Args)]
pub(super) struct Selection {
    /// Name of a data set (`snn presets --keys` lists them under data.name), name of a preset, or path of a TOML file
    #[arg(value_name = "NAME")]
    name: String,
    /// Change a key of the data set; may be repeated
    #[arg(long = "set", value_name = "data.KEY=VALUE")]
    changes: Vec<String>,
}

impl Selection {
    pub(super) fn data(&self) -> Result<Data, snn_train::Error> {
        let mut experiment = match Data::named(&self.name) {
            Some(data) => Experiment { data, ..Experiment::default() },
            None => Experiment::find(&self.name)?,
        };
        experiment.set(&self.changes)?;
        Ok(experiment.data)
    }
}
