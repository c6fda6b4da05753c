//! `snn data encode`

use std::{io::Write as _, path::PathBuf, process::ExitCode, time::Instant};

use clap::Args;
use serde_json::json;
use snn_data::CochleaConfig;
use snn_run::counted;

use super::selection::Selection;
use crate::{
    bar::Bar,
    common::{parse_threads, path_text, use_threads},
};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// The output folder; by default that of a data set `NAME_spikes`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Number of channels of the cochlea
    #[arg(long, value_name = "N", default_value_t = CochleaConfig::default().channels)]
    channels: usize,
    /// Sample rate of the model in Hz
    #[arg(long, value_name = "HZ", default_value_t = CochleaConfig::default().rate)]
    rate: u32,
    /// Seed of the nerve fibers, which fire at random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Number of compute threads; by default all cores
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    threads: Option<usize>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

const TEMPLATE: &str = "spikes {bar:20} {pos} of {len} recordings, {per_sec}, {eta} to go";

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    use_threads(arguments.threads)?;
    let data = arguments.selection.data()?;
    let Arguments { channels, rate, seed, json, .. } = *arguments;
    let bar = if json { Bar::hidden() } else { Bar::new(0, TEMPLATE) };
    let begin = Instant::now();
    let encoded =
        data.encode(CochleaConfig { channels, rate, seed }, arguments.out.as_deref(), &|done, total| {
            bar.set_length(total as u64);
            bar.update(|state| state.set_pos(state.pos().max(done as u64)));
        });
    bar.finish_and_clear();
    let (encoded, elapsed) = (encoded?, begin.elapsed().as_secs_f64());
    let mut out = snn_terminal::stdout();
    if json {
        let files = encoded.files.iter().map(|file| {
            json!({"split": file.split, "path": path_text(&file.path), "samples": file.samples, "spikes": file.spikes})
        });
        let result = json!({
            "version": 1,
            "kind": "encoded",
            "files": files.collect::<Vec<_>>(),
            "seconds_of_sound": encoded.seconds,
            "seconds": elapsed,
            "intake": encoded.intake,
        });
        writeln!(out, "{result}")?;
        return Ok(ExitCode::SUCCESS);
    }
    for file in &encoded.files {
        let (samples, spikes, path) = (file.samples, file.spikes, file.path.display());
        writeln!(
            out,
            "{}: {}, {spikes} spikes: {path}",
            file.split,
            counted(samples, "recording", "recordings")
        )?;
    }
    let speed = encoded.seconds / elapsed.max(1e-9);
    writeln!(out, "{:.1} s of sound in {elapsed:.1} s, {speed:.1} times real time", encoded.seconds)?;
    for note in encoded.intake.notes() {
        writeln!(out, "note: {note}")?;
    }
    Ok(ExitCode::SUCCESS)
}
