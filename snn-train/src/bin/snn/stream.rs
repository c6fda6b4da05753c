//! `snn stream`

mod spikes;

use std::{
    fs::File,
    io::{self, BufReader, Read, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, builder::PossibleValuesParser, builder::TypedValueParser as _};
use serde_json::json;
use snn_data::{
    InputKind,
    audio::{Encoding, SoundStream},
};
use snn_train::{
    Checkpoint, Weights,
    experiment::Selection,
    run::RunDir,
    stream::{Decision, Stream},
};

use crate::{common::UsageError, model::Which};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The directory of the run
    #[arg(value_name = "RUN_DIR", required_unless_present = "weights")]
    run: Option<PathBuf>,
    /// Which model; by default the one selected by the experiment (training.selection)
    #[arg(long, value_enum, conflicts_with = "weights")]
    checkpoint: Option<Which>,
    /// Use a checkpoint or an export of this program instead of a run
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    weights: Option<PathBuf>,
    /// The input: a WAV file, raw samples with --raw, or `-` for standard input. For a network trained on spikes: lines
    /// `TIME UNIT`, in ms since the start, in order of time; `TIME` alone states that there are no spikes before it
    #[arg(long, value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// The input consists of raw samples in this format
    #[arg(long, value_name = "ENCODING", value_parser = encoding(), requires = "rate")]
    raw: Option<Encoding>,
    /// Sample rate of raw samples, in Hz
    #[arg(long, value_name = "HZ", requires = "raw")]
    rate: Option<u32>,
    /// Number of interleaved channels of raw samples, which are mixed down to one
    #[arg(long, value_name = "N", requires = "raw", default_value_t = 1)]
    channels: u16,
    /// Steps between decisions within a window; 0 reports only the last decision of a window
    #[arg(long, value_name = "STEPS", default_value_t = 0)]
    every: usize,
    /// Steps after which the network is reset; by default the steps of a sample of its data, 0 for never
    #[arg(long, value_name = "STEPS")]
    window: Option<usize>,
}

fn encoding() -> impl clap::builder::TypedValueParser<Value = Encoding> {
    let words = Encoding::ALL.iter().map(|encoding| encoding.word());
    let named = |word: &str| Encoding::ALL.iter().copied().find(|encoding| encoding.word() == word);
    PossibleValuesParser::new(words).map(move |word| named(&word).unwrap_or(Encoding::S16))
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut stream = open(arguments)?;
    if let Some(window) = arguments.window {
        stream = stream.with_window(window)?;
    }
    let every = arguments.every;
    let mut failed = None;
    let mut tell = |decision: &Decision<'_>| {
        let wanted = decision.is_final || (every > 0 && decision.step.is_multiple_of(every));
        if wanted && failed.is_none() {
            failed = write(decision).err();
        }
    };
    if stream.kind() == InputKind::Events && arguments.raw.is_none() {
        spikes::read(BufReader::new(reader(&arguments.input)?), &arguments.input, &mut stream, &mut tell)?;
    } else {
        let mut sound = sound(arguments)?;
        let (rate, mut samples) = (sound.rate(), Vec::new());
        let source = arguments.input.display();
        while sound.read(&mut samples).with_context(|| format!("cannot read sound from {source}"))? {
            stream.push_samples(&samples, rate, &mut tell)?;
            samples.clear();
        }
    }
    stream.finish(&mut tell)?;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn open(arguments: &Arguments) -> anyhow::Result<Stream> {
    if let Some(path) = &arguments.weights {
        return Ok(Stream::of_weights(&Weights::load(path)?)?);
    }
    let path =
        arguments.run.as_ref().ok_or_else(|| UsageError("specify the directory of a run".to_owned()))?;
    let run = RunDir::open(path)?;
    let checkpoint = match arguments.checkpoint.map(Selection::from) {
        Some(which) => Checkpoint::of_run(&run, which)?,
        None => Checkpoint::selected(&run)?.0,
    };
    Ok(Stream::of_checkpoint(&checkpoint)?)
}

fn reader(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(File::open(path).with_context(|| format!("cannot read {}", path.display()))?))
}

fn sound(arguments: &Arguments) -> anyhow::Result<SoundStream<Box<dyn Read>>> {
    let path = &arguments.input;
    let reader = reader(path)?;
    let opened = match (arguments.raw, arguments.rate) {
        (Some(encoding), Some(rate)) => SoundStream::raw(reader, encoding, rate, arguments.channels),
        _ => SoundStream::wav(reader),
    };
    opened.with_context(|| format!("cannot read sound from {}", path.display()))
}

/// Writes and flushes a line of JSON.
fn write(decision: &Decision<'_>) -> io::Result<()> {
    let Decision { time, window, step, is_final, label, class, logits, .. } = decision;
    let line = json!({
        "version": 1,
        "kind": "decision",
        "time": time,
        "window": window,
        "step": step,
        "final": is_final,
        "label": label,
        "class": class,
        "logits": logits,
    });
    let mut out = snn_terminal::stdout();
    writeln!(out, "{line}")?;
    out.flush()
}
