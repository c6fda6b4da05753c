//! What the commands on sweeps share: finding one, and telling how it stands.

use std::{
    collections::{HashMap, HashSet},
    io::Write as _,
    path::{Path, PathBuf},
};

use snn_run::Naming;
use snn_train::{
    Error,
    run::RunDir,
    sweep::{
        Group, Progress, Results, Row, RunState, Sweep, SweepDir,
        slurm::{Queue, Wait},
    },
};

use crate::common::percent;

/// The sweep in a directory, or that of a file, planned into `sweeps/<name>`.
pub(super) fn open(path: &Path) -> Result<SweepDir, Error> {
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

    /// A note on standard error. That it cannot be written is no reason not to go on.
    pub(super) fn tell(self) {
        let Self { runs, done } = self;
        if runs > 0 {
            let _ = writeln!(
                snn_terminal::stderr(),
                "note: {runs} runs of the plan that was here before, {done} of them done, are not in this one; what they \
                 have come to is kept, and a plan that lists them again finds it"
            );
        }
    }
}

pub(super) fn directory(sweep: &Sweep) -> PathBuf {
    Path::new("sweeps").join(&sweep.name)
}

/// What has become of the runs that were asked for, as JSON has it; the count of those that failed stands beside it.
pub(super) fn ending(progress: &Progress) -> &'static str {
    match progress {
        _ if progress.stopped => "stopped",
        _ if progress.busy > 0 => "busy",
        _ => "done",
    }
}

/// "1 h 20 min" and the like.
pub(super) fn duration(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    match seconds {
        s if s < 100.0 => format!("{s:.0} s"),
        _ if minutes < 100.0 => format!("{minutes:.0} min"),
        _ => format!("{:.1} h", minutes / 60.0),
    }
}

/// `3 done, 1 failed, 8 pending`, of those that there are; runs that were submitted and wait are counted as that.
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

/// A line for each group, the best on validation first, no more than `most`, each called by what differs between them.
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
        format!("{all}: {models} of {} runs, valid {}{test}{lost}", group.runs, percent(valid(group)))
    };
    let mut lines: Vec<_> = shown.iter().take(most).map(line).collect();
    if shown.len() > most {
        lines.push(format!("and {} groups more, in groups.csv", shown.len() - most));
    }
    lines
}
