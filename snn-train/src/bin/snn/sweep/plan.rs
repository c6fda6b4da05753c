//! `snn sweep plan`

use std::{io::Write as _, path::PathBuf, process::ExitCode, thread};

use clap::Args;
use serde_json::json;
use snn_run::counted;
use snn_train::sweep::{RunState, Sweep, SweepDir, measure};

use super::common::{LeftOut, directory, duration};
use crate::common::path_text;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The sweep file
    #[arg(value_name = "TOML")]
    file: PathBuf,
    /// The directory of the sweep; by default `sweeps/<name of the file>`
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The folder of the run directories, relative to the directory of the sweep; sweeps with the same folder share runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    /// Do not train an epoch of each kind of run to estimate the time
    #[arg(long)]
    no_measure: bool,
    /// Write the plan as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sweep = Sweep::load(&arguments.file)?;
    let mut manifest = sweep.plan()?;
    manifest.runs.clone_from(&arguments.runs);
    let measured = if arguments.no_measure { None } else { Some(measure(&mut manifest)?) };
    let directory = arguments.dir.clone().unwrap_or_else(|| directory(&sweep));
    let before = SweepDir::open(&directory).ok();
    let sweep = SweepDir::create(directory, manifest)?;
    let left_out = before.map_or_else(LeftOut::default, |before| LeftOut::of(&before, &sweep));
    left_out.tell();

    let results = sweep.results();
    let done = results.count(RunState::Done);
    let runs = sweep.manifest().points.len();
    let open =
        sweep.manifest().points.iter().zip(&results.rows).filter(|(_, row)| row.state != RunState::Done);
    let seconds = measured
        .filter(|found| found.measured > 0)
        .map(|_| open.filter_map(|(point, _)| point.seconds).sum::<f64>());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let here = seconds.map(|seconds| seconds / cores.min((runs - done).max(1)) as f64);
    let mut out = snn_terminal::stdout();
    if arguments.json {
        let plan = json!({
            "version": 1,
            "kind": "plan",
            "sweep": path_text(sweep.path()),
            "runs": runs,
            "done": done,
            "left_out": left_out.runs,
            "left_out_done": left_out.done,
            "computing_seconds": seconds,
            "seconds": here,
            "kinds": measured.map(|measured| measured.kinds),
            "kinds_measured": measured.map(|measured| measured.measured),
        });
        writeln!(out, "{plan}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{}, {done} done", counted(runs, "run", "runs"))?;
    if let (Some(measured), Some(seconds), Some(here)) = (measured, seconds, here) {
        writeln!(
            out,
            "about {} of compute time, {} on this machine with {} (measured on one epoch of {} of {} kinds of runs)",
            duration(seconds),
            duration(here),
            counted(cores, "core", "cores"),
            measured.measured,
            measured.kinds
        )?;
    } else if measured.is_some() {
        writeln!(out, "no time estimate: the runs tried have diverged")?;
    }
    writeln!(out, "train     snn sweep run {}", snn_train::shell_word(sweep.path()))?;
    Ok(ExitCode::SUCCESS)
}
