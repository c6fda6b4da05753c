//! `snn sweep work`

use std::{
    collections::HashSet,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::atomic::Ordering,
};

use anyhow::bail;
use clap::Args;
use serde_json::json;
use snn_train::{
    Device, Event,
    sweep::{Options, Progress, RunEvent, SweepDir, slurm::Task},
};

use super::{common::ending, run::Screen};
use crate::{
    common::{FAILURE, STOPPED, UsageError, at_most_cores, parse_threads, use_threads},
    stop,
};

#[derive(Args)]
#[command(group(clap::ArgGroup::new("which").required(true)))]
pub(crate) struct Arguments {
    /// The directory of the sweep
    #[arg(value_name = "DIR")]
    sweep: PathBuf,
    /// Train the runs of an element of the submission with this number, as in slurm/0001.json
    #[arg(long, value_name = "NUMBER", group = "which")]
    submission: Option<u32>,
    /// The element, counted from 0; by default that of SLURM_ARRAY_TASK_ID
    #[arg(long, value_name = "N", requires = "submission")]
    element: Option<usize>,
    /// Train these runs
    #[arg(long, value_name = "ID,..", value_delimiter = ',', group = "which")]
    runs: Vec<String>,
    /// Number of cores and of parallel runs; by default those allocated by Slurm, otherwise one
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    cpus: Option<usize>,
    /// Device to compute on; runs on a GPU are trained one after another
    #[arg(long, value_name = "cpu|cuda[:N]", default_value = "cpu")]
    device: String,
    /// Write the events of each run, and finally the outcome, as lines of JSON to standard output
    #[arg(long)]
    json: bool,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let device = arguments.device.parse().map_err(UsageError)?;
    let sweep = SweepDir::open(&arguments.sweep)?;
    let task = Task::current();
    let runs = runs(arguments, &sweep, task.as_ref())?;
    // Before training starts, so that no signal is lost.
    let signals = stop::on_worker_signals()?;
    let cpus = arguments.cpus.or(task.and_then(|task| task.cpus)).unwrap_or(1);
    let cpus = at_most_cores("--cpus", Some(cpus)).unwrap_or(1);
    // The threads of the process load data.
    use_threads(Some(cpus))?;
    let jobs = if device == Device::Cpu { cpus.min(runs.len()).max(1) } else { 1 };
    let options = Options {
        jobs: Some(jobs),
        threads: Some(cpus / jobs),
        only: Some(runs),
        device,
        ..Options::default()
    };

    if let Some(Task { job, element, restarts, .. }) = task.filter(|_| !arguments.quiet) {
        // The log of all attempts is one file.
        let start = if restarts == 0 { "start".to_owned() } else { format!("restart {restarts}") };
        writeln!(snn_terminal::stderr(), "job {job}_{element}: {start}")?;
    }
    let mut screen = Screen::new(arguments.json, arguments.quiet);
    let mut advanced = false;
    let progress = sweep.train_until(&signals.stop, &options, &mut |update| {
        // Progress after the signal does not count: a start must achieve more than that.
        advanced |= matches!(update.event, RunEvent::Event(Event::BatchFinished(_)))
            && !signals.requeue.load(Ordering::Relaxed);
        screen.show(update);
    })?;
    screen.bar.finish_and_clear();
    if progress.stopped {
        signals.explain();
    }
    report(arguments, &progress)?;
    if !progress.stopped {
        return Ok(if progress.failed > 0 { ExitCode::from(FAILURE) } else { ExitCode::SUCCESS });
    }
    if let Some(task) = task.filter(|_| signals.requeue.load(Ordering::Relaxed)) {
        if !advanced {
            // Requeuing would repeat this indefinitely.
            bail!(
                "the time limit of job {}_{} was reached before anything was trained: submit with a longer --time",
                task.job,
                task.element
            );
        }
        task.requeue()?;
    }
    stop::leave(STOPPED)
}

/// The ids of the runs for this worker.
fn runs(arguments: &Arguments, sweep: &SweepDir, task: Option<&Task>) -> anyhow::Result<Vec<String>> {
    let Some(number) = arguments.submission else {
        let known: HashSet<_> = sweep.manifest().points.iter().map(|point| &point.id).collect();
        if let Some(unknown) = arguments.runs.iter().find(|id| !known.contains(id)) {
            return Err(UsageError(format!("the sweep has no run `{unknown}`")).into());
        }
        return Ok(arguments.runs.clone());
    };
    let Some(element) = arguments.element.or(task.map(|task| task.element)) else {
        return Err(UsageError(
            "which element? Slurm sets SLURM_ARRAY_TASK_ID; otherwise use --element".to_owned(),
        )
        .into());
    };
    let submission = sweep.submissions()?.into_iter().find(|submission| submission.number == number);
    let Some(submission) = submission else {
        return Err(UsageError(format!("the sweep has no submission {number}")).into());
    };
    let elements = submission.elements.len();
    match submission.elements.into_iter().nth(element) {
        Some(runs) => Ok(runs),
        None => Err(UsageError(format!(
            "submission {number} has {elements} elements, counted from 0; there is no {element}"
        ))
        .into()),
    }
}

fn report(arguments: &Arguments, progress: &Progress) -> io::Result<()> {
    if arguments.json {
        let result = json!({
            "version": 1,
            "kind": "work",
            "state": ending(progress),
            "runs": progress.runs,
            "done": progress.done,
            "reused": progress.reused,
            "failed": progress.failed,
            "busy": progress.busy,
            "seconds": progress.elapsed,
        });
        return writeln!(snn_terminal::stdout(), "{result}");
    }
    // Busy runs belong to another element: this one has finished its own.
    let state = if progress.stopped { "stopped" } else { "ended" };
    writeln!(
        snn_terminal::stdout(),
        "{state} with {} of {} runs done ({} before), {} failed, {} trained elsewhere",
        progress.done,
        progress.runs,
        progress.reused,
        progress.failed,
        progress.busy
    )
}
