//! `snn sweep`

mod plan;
mod retry;
mod run;
mod status;
mod submit;
mod work;

use std::{
    collections::{HashMap, HashSet},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use snn_train::{
    Error,
    run::RunDir,
    sweep::{
        Group, Progress, Results, Row, RunState, Sweep, SweepDir,
        slurm::{Queue, Wait},
    },
};

use crate::percent;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the runs of a sweep file in a manifest, and say how long they will take.
    Plan(plan::Arguments),
    /// Train all runs that are not done, side by side; goes on after Ctrl-C or kill -9.
    #[command(after_help = run::EXIT_CODES)]
    Run(run::Arguments),
    /// Hand all runs that are missing to Slurm, as an array of jobs, and return at once.
    Submit(submit::Arguments),
    /// Say how the runs stand and what they have come to; reads files, and asks squeue about those that were submitted.
    Status(status::Arguments),
    /// Let runs that have failed be tried again by the next `snn sweep run`, or submit them anew.
    Retry(retry::Arguments),
    /// Train some of the runs: what the elements of a submitted array do.
    Work(work::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Plan(arguments) => plan::run(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Status(arguments) => status::run(arguments),
        Command::Submit(arguments) => submit::run(arguments),
        Command::Retry(arguments) => retry::run(arguments),
        Command::Work(arguments) => work::run(arguments),
    }
}

/// The sweep in a directory, or that of a file, planned into `sweeps/<name>`.
fn open(path: &Path) -> Result<SweepDir, Error> {
    if !path.is_file() {
        return SweepDir::open(path);
    }
    let sweep = Sweep::load(path)?;
    let mut plan = sweep.plan()?;
    let directory = directory(&sweep);
    let before = SweepDir::open(&directory).ok();
    if let Some(before) = &before {
        // What an earlier plan of the same runs says beyond the file.
        plan.runs.clone_from(&before.manifest().runs);
        let seconds: HashMap<_, _> =
            before.manifest().points.iter().map(|point| (point.id.as_str(), point.seconds)).collect();
        for point in &mut plan.points {
            point.seconds = seconds.get(point.id.as_str()).copied().flatten();
        }
    }
    let sweep = SweepDir::create(directory, plan)?;
    if let Some(before) = &before {
        LeftOut::of(before, &sweep).tell();
    }
    Ok(sweep)
}

/// Runs of an earlier plan that are no longer part of it: its file was edited, or another file has the same name.
#[derive(Debug, Clone, Copy, Default)]
struct LeftOut {
    runs: usize,
    done: usize,
}

impl LeftOut {
    fn of(before: &SweepDir, after: &SweepDir) -> Self {
        let kept: HashSet<_> = after.manifest().points.iter().map(|point| after.run_path(point)).collect();
        let paths = before.manifest().points.iter().map(|point| before.run_path(point));
        let left: Vec<_> = paths.filter(|path| !kept.contains(path)).collect();
        let is_done = |path: &&PathBuf| {
            RunDir::open(*path).and_then(|run| run.state()).is_ok_and(|state| state == RunState::Done)
        };
        Self { runs: left.len(), done: left.iter().filter(is_done).count() }
    }

    /// A note on standard error. That it cannot be written is no reason not to go on.
    fn tell(self) {
        let Self { runs, done } = self;
        if runs > 0 {
            let _ = writeln!(
                io::stderr(),
                "note: {runs} runs of the plan that was here before, {done} of them done, are not in this one; what they \
                 have come to is kept, and a plan that lists them again finds it"
            );
        }
    }
}

fn directory(sweep: &Sweep) -> PathBuf {
    Path::new("sweeps").join(&sweep.name)
}

/// What has become of the runs that were asked for, as JSON has it; the count of those that failed stands beside it.
fn ending(progress: &Progress) -> &'static str {
    match progress {
        _ if progress.stopped => "stopped",
        _ if progress.busy > 0 => "busy",
        _ => "done",
    }
}

/// "1 h 20 min" and the like.
fn duration(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    match seconds {
        s if s < 100.0 => format!("{s:.0} s"),
        _ if minutes < 100.0 => format!("{minutes:.0} min"),
        _ => format!("{:.1} h", minutes / 60.0),
    }
}

/// `3 done, 1 failed, 8 pending`, of those that there are; runs that were submitted and wait are counted as that.
fn counts(results: &Results, queue: &Queue) -> String {
    let states: Vec<_> = results.rows.iter().map(|row| state(row, queue)).collect();
    let words = ["done", "running", "queued", "requeued", "lost"].into_iter();
    let others =
        RunState::ALL.map(RunState::name).into_iter().filter(|name| !["done", "running"].contains(name));
    let counts =
        words.chain(others).map(|name| (states.iter().filter(|&&state| state == name).count(), name));
    let counts = counts.filter(|(count, _)| *count > 0).map(|(n, name)| format!("{n} {name}"));
    counts.collect::<Vec<_>>().join(", ")
}

fn state(row: &Row, queue: &Queue) -> &'static str {
    match queue.wait(row) {
        Some(Wait::Queued) => "queued",
        Some(Wait::Requeued) => "requeued",
        Some(Wait::Lost) => "lost",
        None => row.state.name(),
    }
}

/// A line for each group, the best on validation first, no more than `most`.
fn group_lines(groups: &[Group], most: usize) -> Vec<String> {
    let mut shown: Vec<_> = groups.iter().filter(|group| !group.models.is_empty()).collect();
    let valid = |group: &Group| group.valid_accuracy.map_or(0.0, |valid| valid.mean);
    shown.sort_by(|a, b| valid(b).total_cmp(&valid(a)));
    let line = |group: &&Group| {
        let settings: Vec<_> = group.settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let test = group.test_accuracy.map_or_else(String::new, |test| {
            let spread = test.sd.map_or_else(String::new, |sd| format!(" +- {}", percent(sd)));
            format!(", test {}{spread}", percent(test.mean))
        });
        let models = group.models.len();
        let all = if settings.is_empty() { "all".to_owned() } else { settings.join(" ") };
        let lost = group.with_lost_classes.filter(|&lost| lost > 0);
        let lost = lost.map_or_else(String::new, |lost| format!(", {lost} with classes never predicted"));
        format!("{all}: {models} of {} runs, valid {}{test}{lost}", group.runs, percent(valid(group)))
    };
    let mut lines: Vec<_> = shown.iter().take(most).map(line).collect();
    if shown.len() > most {
        lines.push(format!("and {} groups more, in groups.csv", shown.len() - most));
    }
    lines
}
