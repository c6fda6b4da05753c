//! `snn sweep`

mod plan;
mod run;
mod status;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use snn_train::{
    Error,
    sweep::{Group, Results, Standing, Sweep, SweepDir},
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
    Run(run::Arguments),
    /// Say how the runs stand and what they have come to; reads files alone.
    Status(status::Arguments),
    /// Let runs that have failed be tried again by the next `snn sweep run`.
    Retry(status::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Plan(arguments) => plan::run(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Status(arguments) => status::run(arguments),
        Command::Retry(arguments) => status::retry(arguments),
    }
}

/// The sweep in a directory, or that of a file, planned into `sweeps/<name>`.
fn open(path: &Path) -> Result<SweepDir, Error> {
    if path.is_file() {
        let sweep = Sweep::load(path)?;
        SweepDir::create(directory(&sweep), sweep.plan()?)
    } else {
        SweepDir::open(path)
    }
}

fn directory(sweep: &Sweep) -> PathBuf {
    Path::new("sweeps").join(&sweep.name)
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

/// `3 done, 1 failed, 8 pending`, of those that there are.
fn counts(results: &Results) -> String {
    let states = [
        (Standing::Done, "done"),
        (Standing::Running, "running"),
        (Standing::Interrupted, "interrupted"),
        (Standing::Failed, "failed"),
        (Standing::Pending, "pending"),
    ];
    let counts = states.iter().map(|&(state, name)| (results.count(state), name));
    let counts: Vec<_> =
        counts.filter(|(count, _)| *count > 0).map(|(n, name)| format!("{n} {name}")).collect();
    counts.join(", ")
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
        format!("{all}: {models} of {} runs, valid {}{test}", group.runs, percent(valid(group)))
    };
    let mut lines: Vec<_> = shown.iter().take(most).map(line).collect();
    if shown.len() > most {
        lines.push(format!("and {} groups more, in groups.csv", shown.len() - most));
    }
    lines
}
