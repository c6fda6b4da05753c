//! `snn data info`

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Args;
use snn_data::{DatasetSummary, Distribution, InputKind, Intake, PartSummary};
use snn_run::counted;
use snn_terminal::escape;

use super::selection::Selection;
use crate::loading;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let data = arguments.selection.data()?;
    let dataset = loading::open(&data, arguments.json)?;
    let summary = DatasetSummary { name: data.name().to_owned(), ..DatasetSummary::of(&*dataset)? };
    let mut out = snn_terminal::stdout();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
    } else {
        write(&summary, &mut out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write(summary: &DatasetSummary, out: &mut impl Write) -> io::Result<()> {
    let DatasetSummary { name, samples, kind, inputs, steps, dt, classes, .. } = summary;
    let what = match kind {
        InputKind::Events => "spikes",
        InputKind::Frames => "analog values",
    };
    writeln!(
        out,
        "{name}: {} of {inputs} inputs x {steps} steps of {dt} ms, {what}\n",
        counted(samples, "sample", "samples")
    )?;
    writeln!(out, "part   samples  of each class  speakers")?;
    for part in &summary.parts {
        write_part(part, out)?;
    }
    writeln!(out)?;
    paragraph(out, &counted(classes.len(), "class", "classes"), classes)?;
    if let Some(spikes) = &summary.spikes {
        writeln!(out, "spikes per sample  {}", spread(spikes, ""))?;
        writeln!(out, "silent inputs      {} of {inputs}", summary.silent_inputs)?;
    }
    if let Some(values) = &summary.values {
        writeln!(out, "values             {}", spread(values, ""))?;
    }
    if let Some(durations) = &summary.durations {
        let label = if summary.spikes.is_some() { "last spike at" } else { "durations" };
        writeln!(out, "{label:<18} {}", spread(durations, " ms"))?;
    }
    if let Some(intake) = &summary.intake {
        if intake.recordings > 0 {
            let Intake { recordings, cropped, padded, resampled, .. } = intake;
            writeln!(
                out,
                "of {}, {cropped} cropped, {padded} padded, {resampled} resampled",
                counted(recordings, "recording", "recordings")
            )?;
        }
        for note in intake.notes() {
            writeln!(out, "note: {note}")?;
        }
    }
    Ok(())
}

fn write_part(part: &PartSummary, out: &mut impl Write) -> io::Result<()> {
    let PartSummary { split, samples, classes, speakers } = part;
    let (least, most) = (classes.iter().min().unwrap_or(&0), classes.iter().max().unwrap_or(&0));
    let each = if least == most { least.to_string() } else { format!("{least} to {most}") };
    // More names than this are not useful.
    let who = match speakers.len() {
        0 => "-".to_owned(),
        count @ 1..=12 => format!("{count}: {}", escape(&speakers.join(" "))),
        count => count.to_string(),
    };
    writeln!(out, "{:<6} {samples:>7}  {each:<13}  {who}", split.to_string())
}

/// More words than this fill the screen.
const MOST_WORDS: usize = 200;

/// A list of words in lines of at most 80 characters; of many, only the first.
fn paragraph(out: &mut impl Write, label: &str, words: &[String]) -> io::Result<()> {
    let mut line = format!("{label:<18}");
    let more = words.len().saturating_sub(MOST_WORDS);
    let more = (more > 0).then(|| format!("and {more} more (--json lists all)"));
    let words = words.iter().take(MOST_WORDS).map(|word| escape(word));
    for word in words.chain(more.map(Into::into)) {
        if line.chars().count() + 1 + word.chars().count() > 80 {
            writeln!(out, "{line}")?;
            line = " ".repeat(18);
        }
        line.push(' ');
        line.push_str(&word);
    }
    writeln!(out, "{line}")
}

fn spread(numbers: &Distribution, unit: &str) -> String {
    let Distribution { min, mean, deviation, max } = numbers;
    // A few digits are enough.
    let digits = if max.abs().max(min.abs()) < 100.0 { 2 } else { 0 };
    format!("{mean:.digits$} +- {deviation:.digits$}{unit}, from {min:.digits$} to {max:.digits$}{unit}")
}
