//! `snn eval`

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use clap::{Args, ValueEnum};
use serde_json::json;
use snn_core::Network;
use snn_data::{Dataset, Split};
use snn_train::{
    Checkpoint, Error, Evaluation, Experiment, Goal, evaluate,
    experiment::Selection,
    run::{DataRecord, RunDir},
};

use crate::{
    common::{UsageError, parse_threads, path_text, percent, split_parser, use_threads, warn},
    loading,
};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The directory of the run
    #[arg(value_name = "RUN_DIR")]
    run: PathBuf,
    /// The part of the data
    #[arg(long, default_value_t = Split::Test, value_parser = split_parser())]
    split: Split,
    /// Which model; by default the one that the experiment selects (training.selection)
    #[arg(long, value_enum)]
    checkpoint: Option<Which>,
    /// Say where the data lie now, if they were moved: data.directory, data.train_file or data.test_file
    #[arg(long = "set", value_name = "data.KEY=PATH")]
    changes: Vec<String>,
    /// Evaluate though the data are not those that the run was trained on
    #[arg(long)]
    allow_other_data: bool,
    /// Threads that compute; all cores by default
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    threads: Option<usize>,
    /// Write the result as JSON
    #[arg(long)]
    json: bool,
}

/// One of the two checkpoints of a run.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Which {
    /// That of the best epoch on validation
    Best,
    /// The last one
    Last,
}

impl From<Which> for Selection {
    fn from(which: Which) -> Self {
        match which {
            Which::Best => Self::Best,
            Which::Last => Self::Last,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    use_threads(arguments.threads)?;
    let run = RunDir::open(&arguments.run)?;
    let split = arguments.split;
    let (checkpoint, which) = match arguments.checkpoint.map(Selection::from) {
        Some(which) => (Checkpoint::of_run(&run, which)?, which),
        None => Checkpoint::selected(&run)?,
    };
    // The checkpoint knows what was trained; the file in the run directory may have been edited since.
    let mut experiment = checkpoint.experiment().clone();
    experiment.set(&arguments.changes)?;
    if let Some((key, ..)) = checkpoint.experiment().difference(&experiment) {
        return Err(
            UsageError(format!("--set says where the data lie; {key} is part of what was trained")).into()
        );
    }
    let record = match DataRecord::of_run(run.path())? {
        Some(record) => Some(record),
        None => checkpoint.data().cloned().map(DataRecord::of_identity),
    };
    record.as_ref().map_or(Ok(()), DataRecord::check_described)?;
    // Only the part that is looked at must be whole.
    let known = record.as_ref().map(|record| record.parts(true)).unwrap_or_default();
    let dataset = loading::open_until(&experiment.data, arguments.json, &AtomicBool::new(false), known);
    let dataset = fitted(dataset.map_err(|error| hint(error, &experiment))?, record, split, arguments)?;
    if dataset.splits().get(split).is_empty() {
        let others = [Split::Test, Split::Valid, Split::Train].into_iter();
        let other =
            others.filter(|&other| !dataset.splits().get(other).is_empty()).map(|it| format!("--split {it}"));
        let others = other.collect::<Vec<_>>().join(" or ");
        return Err(UsageError(format!(
            "this run holds out no samples for the {split} part: {others} has some"
        ))
        .into());
    }
    let mut network: Network = Network::new(
        experiment.network_config(&*dataset),
        experiment.initialization(),
        experiment.initialization.seed,
    )?;
    checkpoint.restore(&mut network)?;
    let batch_size = experiment.training.batch_size;
    let (loss, regularizer) = (experiment.loss_function(), experiment.regularizer());
    let goal = Goal { loss: &loss, regularizer: &regularizer };
    let evaluation = evaluate(&network, &*dataset, split, goal, batch_size)?;
    if arguments.json {
        report_json(&evaluation, arguments, which, split, checkpoint.epoch())?;
    } else {
        report(&evaluation, which, split, checkpoint.epoch())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The data as those of the run, or the reason why they are not.
fn fitted(
    dataset: Arc<dyn Dataset>,
    record: Option<DataRecord>,
    split: Split,
    arguments: &Arguments,
) -> Result<Arc<dyn Dataset>, Error> {
    let Some(record) = record else {
        warn("this run has not recorded which data it was trained on: nothing was compared");
        return Ok(dataset);
    };
    let fitted = record.fit(dataset, Some(split), arguments.allow_other_data)?;
    fitted.note.iter().for_each(|note| warn(note));
    Ok(fitted.dataset)
}

/// Runs of old have recorded relative paths.
fn hint(error: Error, experiment: &Experiment) -> anyhow::Error {
    let Some(path) = experiment.data.relative_path() else { return error.into() };
    let path = path.display();
    anyhow::Error::new(error).context(format!(
        "the run was trained with `{path}` relative to the directory that `snn train` was started in: start from there, or say \
         with --set where it lies"
    ))
}

fn report_json(
    evaluation: &Evaluation,
    arguments: &Arguments,
    which: Selection,
    split: Split,
    epoch: u32,
) -> anyhow::Result<()> {
    let mut result = json!({
        "version": 1,
        "kind": "evaluation",
        "run": path_text(&arguments.run),
        "split": split,
        "checkpoint": which,
        "epoch": epoch,
    });
    if let (Some(result), serde_json::Value::Object(numbers)) =
        (result.as_object_mut(), serde_json::to_value(evaluation)?)
    {
        result.extend(numbers);
    }
    writeln!(snn_terminal::stdout(), "{result}")?;
    Ok(())
}

fn report(evaluation: &Evaluation, which: Selection, split: Split, epoch: u32) -> io::Result<()> {
    let mut out = snn_terminal::stdout();
    let Evaluation { samples, losses, layers, confusion } = evaluation;
    let which = if which == Selection::Best { "best on validation" } else { "last" };
    writeln!(
        out,
        "{split} accuracy {} on {samples} samples, epoch {epoch} ({which})",
        percent(losses.accuracy)
    )?;
    writeln!(
        out,
        "loss {:.4} (cross-entropy {:.4}, regularization {:.4})",
        losses.loss, losses.cross_entropy, losses.regularization
    )?;
    for (layer, activity) in (1..).zip(layers) {
        writeln!(
            out,
            "hidden layer {layer}: {:.1} spikes a sample, {} of the units silent, {} saturated",
            activity.spikes,
            percent(activity.silent),
            percent(activity.saturated)
        )?;
    }
    for (class, row) in confusion.iter().enumerate() {
        let (all, right) = (row.iter().sum::<u32>(), row[class]);
        let confused = row.iter().enumerate().filter(|&(other, &count)| other != class && count > 0);
        let confused = confused.max_by_key(|&(_, count)| count);
        let taken_for =
            confused.map_or_else(String::new, |(other, count)| format!(", {count} taken for {other}"));
        writeln!(out, "class {class:>2}: {right} of {all}{taken_for}")?;
    }
    Ok(())
}
