//! `snn predict`

mod table;

use std::{io::Write as _, path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, ValueEnum};
use snn_data::{Dataset, Split};
use snn_run::counted;
use snn_train::{Experiment, predict};

use crate::{
    common::{UsageError, parse_threads, percent, split_parser, use_threads, write_file},
    model::{Model, ModelArguments, check_inputs},
};
use table::Table;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// The output file: CSV with a row for each sample, NumPy arrays, or JSON, according to its extension
    #[arg(long, value_name = "FILE.csv|.npz|.json")]
    out: PathBuf,
    /// The part of the data; by default the test part, and with --data all samples
    #[arg(long, value_parser = split_parser())]
    split: Option<Split>,
    /// Other data: a preset, a TOML file, or the name of a data set (`snn presets --keys` lists them under data.name), read with
    /// the settings of the run
    #[arg(long, value_name = "DATA")]
    data: Option<String>,
    /// Change a key of --data; may be repeated
    #[arg(long = "data-set", value_name = "data.KEY=VALUE", requires = "data")]
    data_changes: Vec<String>,
    /// Include more for each sample; may be repeated. Readout and spikes need npz or JSON
    #[arg(long = "with", value_name = "WHAT", value_enum)]
    with: Vec<With>,
    /// Predict even if the data are not those that the run was trained on
    #[arg(long)]
    allow_other_data: bool,
    /// Number of compute threads; by default all cores
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    threads: Option<usize>,
}

/// What is written in addition to label, prediction and logits.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum With {
    /// Spikes of every hidden unit
    Counts,
    /// Readout potentials of every step
    Readout,
    /// Step and unit of every spike of the hidden layers
    Spikes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Npz,
    Json,
}

impl Format {
    fn of(arguments: &Arguments) -> Result<Self, UsageError> {
        let ending = arguments.out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let format = match ending.to_ascii_lowercase().as_str() {
            "csv" => Self::Csv,
            "npz" => Self::Npz,
            "json" => Self::Json,
            _ => {
                let path = arguments.out.display();
                return Err(UsageError(format!("unknown extension of {path}: use .csv, .npz or .json")));
            }
        };
        if format == Self::Csv && arguments.with.iter().any(|with| *with != With::Counts) {
            return Err(UsageError(
                "readout potentials and spikes do not fit in a table: write to .npz or .json".to_owned(),
            ));
        }
        Ok(format)
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let format = Format::of(arguments)?;
    use_threads(arguments.threads)?;
    let model = Model::of(&arguments.model)?;
    let network = model.network()?;
    let (dataset, indices) = samples(arguments, &model)?;
    check_inputs(&network, &*dataset)?;
    if indices.is_empty() {
        return Err(UsageError(format!("there are no samples in this part of {}", dataset.name())).into());
    }
    let with = |what: With| arguments.with.contains(&what);
    let mut table =
        Table::new(&*dataset, &network, &model, [With::Counts, With::Readout, With::Spikes].map(with));
    let traces = with(With::Readout) || with(With::Spikes);
    let (loss, batch_size) = (model.experiment.loss_function(), model.experiment.training.batch_size);
    predict(&network, &*dataset, &indices, &loss, (batch_size, traces), |prediction| {
        table.add(prediction);
        Ok::<_, snn_train::Error>(())
    })?;
    let bytes = match format {
        Format::Csv => table.csv()?,
        Format::Npz => table.npz()?,
        Format::Json => table.json()?,
    };
    let path = &arguments.out;
    write_file(path, &bytes)?;
    let (right, all) = (table.right(), indices.len());
    writeln!(
        snn_terminal::stderr(),
        "{}, {right} ({}) predicted as labeled",
        counted(all, "sample", "samples"),
        percent(right as f64 / all as f64)
    )?;
    Ok(ExitCode::SUCCESS)
}

/// The data, and the selected samples.
fn samples(arguments: &Arguments, model: &Model) -> anyhow::Result<(Arc<dyn Dataset>, Vec<u32>)> {
    let Some(name) = &arguments.data else {
        let part = arguments.split.unwrap_or(Split::Test);
        let dataset = model.open_data(part, arguments.allow_other_data, true)?;
        let indices = dataset.splits().get(part).to_vec();
        return Ok((dataset, indices));
    };
    let mut experiment = match model.experiment.data_like(name)? {
        Some(data) => Experiment { data, ..Experiment::default() },
        None => Experiment::find(name)?,
    };
    experiment.set(&arguments.data_changes)?;
    let dataset = model.open_other_data(&experiment.data, true)?;
    let indices = match arguments.split {
        Some(part) => dataset.splits().get(part).to_vec(),
        None => (0..dataset.len() as u32).collect(),
    };
    Ok((dataset, indices))
}
