//! `snn eval`

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Args;
use serde_json::json;
use snn_data::Split;
use snn_run::counted;
use snn_train::{Evaluation, Goal, evaluate, experiment::Selection};

use crate::{
    common::{parse_threads, path_text, percent, split_parser, use_threads},
    model::{Model, ModelArguments, Source, check_inputs},
};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// The part of the data
    #[arg(long, default_value_t = Split::Test, value_parser = split_parser())]
    split: Split,
    /// Evaluate even if the data are not those that the run was trained on
    #[arg(long)]
    allow_other_data: bool,
    /// Number of compute threads; by default all cores
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    threads: Option<usize>,
    /// Write the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    use_threads(arguments.threads)?;
    let model = Model::of(&arguments.model)?;
    let dataset = model.open_data(arguments.split, arguments.allow_other_data, arguments.json)?;
    let network = model.network()?;
    check_inputs(&network, &*dataset)?;
    let experiment = &model.experiment;
    let batch_size = experiment.training.batch_size;
    let (loss, regularizer) = (experiment.loss_function(), experiment.regularizer());
    let goal = Goal { loss: &loss, regularizer: &regularizer };
    let evaluation = evaluate(&network, &*dataset, arguments.split, goal, batch_size)?;
    let classes: Vec<_> = (0..dataset.classes()).map(|label| dataset.class_name(label as u16)).collect();
    if arguments.json {
        report_json(&evaluation, arguments, &model, &classes)?;
    } else {
        report(&evaluation, arguments.split, &model, &classes)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report_json(
    evaluation: &Evaluation,
    arguments: &Arguments,
    model: &Model,
    classes: &[Option<&str>],
) -> anyhow::Result<()> {
    let names = classes.iter().enumerate();
    let names = names.map(|(label, name)| name.map_or_else(|| label.to_string(), str::to_owned));
    let classes: Vec<String> = names.collect();
    let mut result =
        json!({ "version": 1, "kind": "evaluation", "split": arguments.split, "classes": classes });
    if let Some(run) = &arguments.model.run {
        result["run"] = path_text(run).into();
    }
    match &model.source {
        Source::Run(checkpoint, which) => {
            result["checkpoint"] = serde_json::to_value(which)?;
            result["epoch"] = checkpoint.epoch().into();
        }
        Source::File(weights) => result["weights"] = path_text(weights.path()).into(),
    }
    if let (Some(result), serde_json::Value::Object(numbers)) =
        (result.as_object_mut(), serde_json::to_value(evaluation)?)
    {
        result.extend(numbers);
    }
    writeln!(snn_terminal::stdout(), "{result}")?;
    Ok(())
}

fn report(evaluation: &Evaluation, split: Split, model: &Model, classes: &[Option<&str>]) -> io::Result<()> {
    let mut out = snn_terminal::stdout();
    let Evaluation { samples, losses, layers, confusion } = evaluation;
    let whose = match &model.source {
        Source::Run(checkpoint, which) => {
            let which = if *which == Selection::Best { "best on validation" } else { "last" };
            format!("epoch {} ({which})", checkpoint.epoch())
        }
        Source::File(weights) => format!("weights of {}", weights.path().display()),
    };
    writeln!(
        out,
        "{split} accuracy {} on {}, {whose}",
        percent(losses.accuracy),
        counted(samples, "sample", "samples")
    )?;
    writeln!(
        out,
        "loss {:.4} (cross-entropy {:.4}, regularization {:.4})",
        losses.loss, losses.cross_entropy, losses.regularization
    )?;
    for (layer, activity) in (1..).zip(layers) {
        writeln!(
            out,
            "hidden layer {layer}: {:.1} spikes per sample, {} of the units silent, {} saturated",
            activity.spikes,
            percent(activity.silent),
            percent(activity.saturated)
        )?;
    }
    for class in 0..confusion.classes() {
        let all = confusion.predictions(class).map(|(_, count)| count).sum::<u32>();
        let right = confusion.get(class, class);
        let confused = confusion.predictions(class).filter(|&(other, _)| other != class);
        let confused = confused.max_by_key(|&(_, count)| count);
        // Digits are their own names.
        let name = |class: usize| match classes.get(class).copied().flatten() {
            Some(name) if name != class.to_string() => format!(" ({name})"),
            _ => String::new(),
        };
        let taken_for = confused.map_or_else(String::new, |(other, count)| {
            format!(", {count} classified as {other}{}", name(other))
        });
        writeln!(out, "class {class:>2}{}: {right} of {all}{taken_for}", name(class))?;
    }
    Ok(())
}
