//! Code shared by the sweep commands: finding a sweep, and describing its state.

use std::{
    collections::{HashMap, HashSet},
    io::Write as _,
    path::{Path, PathBuf},
};

use snn_run::{Naming, counted};
use snn_train::{
    Error,
    run::RunDir,
    sweep::{
        Group, Progress, Results, Row, RunState, Sweep, SweepDir,
        slurm::{Queue, Wait},
    },
};

use crate::common::percent;

/// The sweep in a directory, or that of a file, planned in `sweeps/<name>`.
pub(super) fn open(path: &Path) -> Result<SweepDir, Error> {
    if !path.is_file() {
        return SweepDir::open(path);
    }
    let sweep = Sweep::load(path)?;
    let mut plan = sweep.plan()?;
    let directory = directory(&sweep);
    let before = SweepDir::open(&directory).ok();
    if let Some(before) = &before {
        // Information in an earlier plan of the same runs that the file does not have.
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

/// Warns about runs of an earlier plan that are no longer part of it: its file was edited, or another file has the same name.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LeftOut {
    pub(super) runs: usize,
    pub(super) done: usize,
}

impl LeftOut {
    pub(super) fn of(before: &SweepDir, after: &SweepDir) -> Self {
        let kept: HashSet<_> = after.manifest().points.iter().map(|point| after.run_path(point)).collect();
        let paths = before.manifest().points.iter().map(|point| before.run_path(point));
        let left: Vec<_> = paths.filter(|path| !kept.contains(path)).collect();
        let is_done = |path: &&PathBuf| {
            RunDir::open(*path).and_then(|run| run.state()).is_ok_and(|state| state == RunState::Done)
        };
        Self { runs: left.len(), done: left.iter().filter(is_done).count() }
    }

    /// Prints a note on standard error. Write errors are ignored.
    pub(super) fn tell(self) {
        let Self { runs, done } = self;
        if runs > 0 {
            let _ = writeln!(
                snn_terminal::stderr(),
                "note: not in this plan: {} of the previous one, {done} done; the results are kept for a plan that lists them again",
                counted(runs, "run", "runs")
            );
        }
    }
}

pub(super) fn directory(sweep: &Sweep) -> PathBuf {
    Path::new("sweeps").join(&sweep.name)
}

/// The outcome of the requested runs for JSON; the number of failed ones is a separate field.
pub(super) fn ending(progress: &Progress) -> &'static str {
    match progress {
        _ if progress.stopped => "stopped",
        _ if progress.busy > 0 => "busy",
        _ => "done",
    }
}

/// A duration such as "1 h 20 min".
pub(super) fn duration(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    match seconds {
        s if s < 100.0 => format!("{s:.0} s"),
        _ if minutes < 100.0 => format!("{minutes:.0} min"),
        _ => format!("{:.1} h", minutes / 60.0),
    }
}

/// `3 done, 1 failed, 8 pending`, without zero counts; submitted runs that wait count as queued.
pub(super) fn counts(results: &Results, queue: &Queue) -> String {
    let states: Vec<_> = results.rows.iter().map(|row| state(row, queue)).collect();
    let words = ["done", "running", "queued", "requeued", "lost"].into_iter();
    let others =
        RunState::ALL.map(RunState::name).into_iter().filter(|name| !["done", "running"].contains(name));
    let counts =
        words.chain(others).map(|name| (states.iter().filter(|&&state| state == name).count(), name));
    let counts = counts.filter(|(count, _)| *count > 0).map(|(n, name)| format!("{n} {name}"));
    counts.collect::<Vec<_>>().join(", ")
}

pub(super) fn state(row: &Row, queue: &Queue) -> &'static str {
    match queue.wait(row) {
        Some(Wait::Queued) => "queued",
        Some(Wait::Requeued) => "requeued",
        Some(Wait::Lost) => "lost",
        None => row.state.name(),
    }
}

/// A line per group, best on validation first, at most `most`, each named by what differs between them.
pub(super) fn group_lines(groups: &[Group], most: usize) -> Vec<String> {
    let naming = Naming::of(groups.iter().map(|group| ("", &group.settings)));
    let mut shown: Vec<_> = groups.iter().filter(|group| !group.models.is_empty()).collect();
    let valid = |group: &Group| group.valid_accuracy.map_or(0.0, |valid| valid.mean);
    shown.sort_by(|a, b| valid(b).total_cmp(&valid(a)));
    let line = |group: &&Group| {
        let name = naming.setting(&group.settings);
        let test = group.test_accuracy.map_or_else(String::new, |test| {
            let spread = test.sd.map_or_else(String::new, |sd| format!(" +- {}", percent(sd)));
            format!(", test {}{spread}", percent(test.mean))
        });
        let models = group.models.len();
        let all = if name.is_empty() { "all" } else { &name };
        let lost = group.with_lost_classes.filter(|&lost| lost > 0);
        let lost = lost.map_or_else(String::new, |lost| format!(", {lost} with classes never predicted"));
        format!(
            "{all}: {models} of {}, valid {}{test}{lost}",
            counted(group.runs, "run", "runs"),
            percent(valid(group))
        )
    };
    let mut lines: Vec<_> = shown.iter().take(most).map(line).collect();
    if shown.len() > most {
        lines
            .push(format!("and {}, in groups.csv", counted(shown.len() - most, "more group", "more groups")));
    }
    lines
}
