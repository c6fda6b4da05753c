//! `snn export`

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::json;
use snn_train::{
    Checkpoint,
    run::{Record, RunDir},
};

use crate::{
    common::{UsageError, write_file},
    model::Which,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The directory of the run
    #[arg(value_name = "RUN_DIR")]
    run: PathBuf,
    /// What to export, and in which format
    #[arg(long, value_enum)]
    format: Format,
    /// The output file; by default standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Which checkpoint; by default that of the model selected by the experiment (training.selection)
    #[arg(long, value_enum)]
    checkpoint: Option<Which>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A row for each epoch, with everything recorded for it
    Csv,
    /// Experiment, status and all records
    Json,
    /// The weight matrices, float32 [pre, post], without the optimizer state; experiment, classes and channel statistics as metadata
    Safetensors,
    /// The same as NumPy arrays, with the metadata as text
    Npz,
    /// The network as a NIR graph (HDF5), for other simulators and for hardware; reports known differences
    #[cfg(feature = "nir")]
    Nir,
}

impl Format {
    fn holds_weights(self) -> bool {
        !matches!(self, Self::Csv | Self::Json)
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.checkpoint.is_some() && !arguments.format.holds_weights() {
        let reason = "--checkpoint selects weights: use it with --format safetensors, npz or nir";
        return Err(UsageError(reason.to_owned()).into());
    }
    let run = RunDir::open(&arguments.run)?;
    let bytes = match arguments.format {
        Format::Csv => csv(&run.records()?)?,
        Format::Json => json(&run)?,
        #[cfg(feature = "nir")]
        Format::Nir => return graph(&run, arguments),
        format => {
            if arguments.out.is_none() && snn_terminal::stdout().is_terminal() {
                return Err(UsageError(
                    "weights are binary, not text for a terminal: use --out FILE".to_owned(),
                )
                .into());
            }
            weights(&run, arguments.checkpoint, format)?
        }
    };
    match &arguments.out {
        Some(path) => {
            write_file(path, &bytes)?;
        }
        None => snn_terminal::stdout().write_all(&bytes)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Column names are those of `metrics.jsonl`, such as `train.loss`; layers are counted from 1.
fn csv(records: &[Record]) -> anyhow::Result<Vec<u8>> {
    let mut rows = Vec::new();
    for record in records {
        if let Record::Epoch(epoch) = record {
            let mut row: BTreeMap<_, _> =
                epoch.scalars().into_iter().map(|scalar| (scalar.name, number(scalar.value))).collect();
            row.extend([
                ("epoch".to_owned(), epoch.epoch.to_string()),
                ("step".to_owned(), epoch.step.to_string()),
                ("time".to_owned(), number(epoch.time)),
                ("best".to_owned(), epoch.best.to_string()),
            ]);
            rows.push(row);
        }
    }
    let all: BTreeSet<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
    let first = ["epoch", "step", "time"];
    let others = all.into_iter().map(String::as_str).filter(|name| !first.contains(name));
    let columns: Vec<&str> = first.into_iter().chain(others).collect();
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(&columns)?;
    for row in &rows {
        csv.write_record(columns.iter().map(|&column| row.get(column).map_or("", String::as_str)))?;
    }
    csv.into_inner().context("cannot write CSV")
}

/// As in JSON, with enough digits to read back the same number. Values that are not finite are left out.
fn number(value: f64) -> String {
    serde_json::Number::from_f64(value).map_or_else(String::new, |number| number.to_string())
}

fn json(run: &RunDir) -> anyhow::Result<Vec<u8>> {
    let known = |record: &Record| *record != Record::Unknown;
    let records: Vec<_> = run.records()?.into_iter().filter(known).collect();
    let all = json!({
        "version": 1,
        "kind": "export",
        "run": run.id(),
        "config": run.config()?,
        "status": run.status()?,
        "records": records,
    });
    Ok((all.to_string() + "\n").into_bytes())
}

fn weights(run: &RunDir, which: Option<Which>, format: Format) -> anyhow::Result<Vec<u8>> {
    let checkpoint = selected(run, which)?;
    Ok(match format {
        Format::Npz => checkpoint.to_npz(&run.id())?,
        _ => checkpoint.to_safetensors(&run.id())?,
    })
}

/// Writes the graph, and reports what it cannot represent.
#[cfg(feature = "nir")]
fn graph(run: &RunDir, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(path) = &arguments.out else {
        return Err(UsageError("a graph is an HDF5 file: use --out FILE".to_owned()).into());
    };
    let graph = snn_train::nir::of_checkpoint(&run.id(), &selected(run, arguments.checkpoint)?)?;
    graph.write(path)?;
    let differences = graph.metadata.get("snn.differences").map(String::as_str).unwrap_or_default();
    for difference in differences.lines() {
        writeln!(snn_terminal::stderr(), "note: {difference}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn selected(run: &RunDir, which: Option<Which>) -> Result<Checkpoint, snn_train::Error> {
    match which {
        Some(which) => Checkpoint::of_run(run, which.into()),
        None => Ok(Checkpoint::selected(run)?.0),
    }
}
