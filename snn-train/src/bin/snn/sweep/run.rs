//! `snn sweep run`

use std::{
    collections::HashSet,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use serde_json::json;
use snn_run::counted;
use snn_train::{
    shell_word,
    sweep::{Options, Progress, Results, RunEvent, SweepDir, Update, slurm::Queue},
};

use super::common::{counts, duration, ending, group_lines, open};
use crate::{
    bar::Bar,
    common::{FAILURE, STOPPED, UsageError, at_most_cores, parse_threads, path_text, percent},
    stop,
};

const TEMPLATE: &str = "{bar:20} {percent:>3} %, {wide_msg}";

pub(super) const EXIT_CODES: &str = "Exit codes: 0 all runs are done, 1 some have failed, 2 usage or configuration, \
                                     3 some are open: the sweep was stopped, or another process is training them; the \
                                     same command resumes.";

#[derive(Args)]
pub(crate) struct Arguments {
    /// The directory of a sweep, or a sweep file, which is planned in `sweeps/<its name>`
    #[arg(value_name = "DIR_OR_TOML")]
    sweep: PathBuf,
    /// Number of parallel runs; by default one per core, or one on a GPU
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    jobs: Option<usize>,
    /// Threads of each run; by default the cores are divided among the runs. Results do not depend on it
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    threads: Option<usize>,
    /// Device to compute on
    #[arg(long, value_name = "cpu|cuda[:N]", default_value = "cpu")]
    device: String,
    /// Retry runs that have failed
    #[arg(long)]
    retry: bool,
    /// Write the events of each run, and finally the outcome, as lines of JSON to standard output
    #[arg(long)]
    json: bool,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let device = arguments.device.parse().map_err(UsageError)?;
    let sweep = open(&arguments.sweep)?;
    // Before training starts, so that no signal is lost.
    let stop = stop::on_signals(false)?;
    let options = Options {
        jobs: at_most_cores("--jobs", arguments.jobs),
        threads: at_most_cores("--threads", arguments.threads),
        retry: arguments.retry,
        device,
        ..Options::default()
    };
    let mut screen = Screen::new(arguments.json, arguments.quiet);
    let progress = sweep.train_until(&stop.flag, &options, &mut |update| screen.show(update))?;
    screen.bar.finish_and_clear();
    if progress.stopped {
        stop.explain();
    }
    let results = sweep.write_results()?;
    let told = report(arguments, &sweep, &progress, &results, &screen.failures);
    // The terminal is closed.
    if !stop.is_hangup() {
        told?;
    }
    if stop.is_up() && progress.stopped {
        stop::leave(STOPPED);
    }
    Ok(match progress {
        _ if progress.stopped => ExitCode::from(STOPPED),
        _ if progress.failed > 0 => ExitCode::from(FAILURE),
        _ if progress.busy > 0 => ExitCode::from(STOPPED),
        _ => ExitCode::SUCCESS,
    })
}

fn report(
    arguments: &Arguments,
    sweep: &SweepDir,
    progress: &Progress,
    results: &Results,
    failures: &[(String, String)],
) -> io::Result<()> {
    let mut out = snn_terminal::stdout();
    if arguments.json {
        let result = json!({
            "version": 1,
            "kind": "sweep",
            "state": ending(progress),
            "sweep": path_text(sweep.path()),
            "runs": progress.runs,
            "done": progress.done,
            "reused": progress.reused,
            "failed": progress.failed,
            "busy": progress.busy,
            "seconds": progress.elapsed,
        });
        return writeln!(out, "{result}");
    }
    writeln!(
        out,
        "{}: {}, in {}",
        counted(progress.runs, "run", "runs"),
        counts(results, &Queue::default()),
        duration(progress.elapsed)
    )?;
    for line in group_lines(&results.groups(&sweep.manifest().selection), 10) {
        writeln!(out, "{line}")?;
    }
    for (id, message) in failed(results, failures).take(5) {
        writeln!(out, "failed    {id}: {}", snn_terminal::escape(message))?;
    }
    let directory = shell_word(sweep.path());
    if progress.stopped {
        writeln!(out, "resume    snn sweep run {directory}")?;
    }
    if progress.busy > 0 {
        let busy = progress.busy;
        writeln!(
            out,
            "busy      {busy} of them in another process; once it has ended: snn sweep run {directory}"
        )?;
    }
    if progress.failed > 0 {
        writeln!(out, "retry     snn sweep run {directory} --retry")?;
    }
    writeln!(out, "tables    {directory}/results.csv, groups.csv, results.json")
}

/// Failed runs with the reason: those recorded in their directories, then those that failed now and could not record it,
/// such as in the run of a different experiment.
fn failed<'a>(
    results: &'a Results,
    failures: &'a [(String, String)],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let written = results.rows.iter().filter(|row| row.state.has_failed());
    let known: HashSet<_> = written.clone().map(|row| row.id.as_str()).collect();
    let written = written.map(|row| (row.id.as_str(), row.message.as_deref().unwrap_or_default()));
    let told = failures.iter().map(|(id, message)| (id.as_str(), message.as_str()));
    written.chain(told.filter(move |(id, _)| !known.contains(id)))
}

/// Progress on standard error, as a bar on a terminal or a line per run elsewhere; or lines of JSON.
pub(super) struct Screen {
    pub(super) bar: Bar,
    /// The ids of failed runs, with the reason.
    failures: Vec<(String, String)>,
    lines: bool,
    json: bool,
}

impl Screen {
    pub(super) fn new(json: bool, quiet: bool) -> Self {
        let terminal = snn_terminal::stderr().is_terminal() && !quiet;
        let bar = if terminal { Bar::new(1000, TEMPLATE) } else { Bar::hidden() };
        let lines = !terminal && !quiet;
        Self { bar, failures: Vec::new(), lines, json }
    }

    pub(super) fn show(&mut self, update: &Update<'_>) {
        let progress = update.progress;
        let left = progress.remaining.map_or_else(String::new, |it| format!(", {} to go", duration(it)));
        let failed =
            if progress.failed > 0 { format!(", {} failed", progress.failed) } else { String::new() };
        let done = format!("{} of {} runs{failed}{left}", progress.done, progress.runs);
        self.bar.set_position((1000.0 * progress.fraction) as u64);
        self.bar.set_message(&done);
        let (state, message) = match &update.event {
            RunEvent::Finished(outcome) if outcome.stopped => ("stopped", None),
            RunEvent::Finished(_) => ("done", None),
            RunEvent::Failed(error) => ("failed", Some(error.to_string())),
            RunEvent::Busy => ("busy", None),
            _ => return,
        };
        self.failures.extend(message.iter().map(|message| (update.point.id.clone(), message.clone())));
        let (test, best) = match &update.event {
            RunEvent::Finished(outcome) => {
                (outcome.test.as_ref().map(|test| test.test.accuracy), outcome.best)
            }
            _ => (None, None),
        };
        // Training continues if the reader exits.
        if self.json {
            let line = json!({
                "version": 1, "kind": "run", "id": update.point.id, "settings": update.point.settings,
                "state": state, "valid_accuracy": best.map(|best| best.accuracy), "test_accuracy": test,
                "message": message,
            });
            let _ = writeln!(snn_terminal::stdout(), "{line}");
        } else if self.lines {
            let accuracy = test.map_or_else(String::new, |test| format!(", test {}", percent(test)));
            let message =
                message.map_or_else(String::new, |message| format!(": {}", snn_terminal::escape(&message)));
            let _ =
                writeln!(snn_terminal::stderr(), "{} {state}{accuracy}{message} ({done})", update.point.id);
        }
    }
}
