//! `snn sweep status`

use std::{collections::BTreeSet, io::Write as _, path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::{Value, json};
use snn_run::{Naming, Verdict, counted};
use snn_terminal::escape;
use snn_train::{
    Error,
    sweep::{
        Results, Row, RunState, SweepDir,
        slurm::{Element, ElementState, Queue, Wait},
    },
};

use super::common::{counts, group_lines};
use crate::common::path_text;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The directory of the sweep
    #[arg(value_name = "DIR")]
    sweep: PathBuf,
    /// Write results.csv, groups.csv and results.json
    #[arg(long)]
    tables: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sweep = SweepDir::open(&arguments.sweep)?;
    // Query the queue before the runs: a run that leaves it in between is seen with its new state, not as lost.
    let queue = match sweep.queue() {
        Err(error @ (Error::NoSlurm { .. } | Error::Slurm { .. })) => Err(error),
        other => Ok(other?),
    };
    let results = if arguments.tables { sweep.write_results()? } else { sweep.results() };
    if arguments.json {
        let status = to_json(&sweep, &results, queue.as_ref());
        writeln!(snn_terminal::stdout(), "{status}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let known = queue.as_ref().ok().cloned().unwrap_or_default();
    let mut out = snn_terminal::stdout();
    writeln!(out, "{}: {}", counted(results.rows.len(), "run", "runs"), counts(&results, &known))?;
    for line in group_lines(&results.groups(&sweep.manifest().selection), 10) {
        writeln!(out, "{line}")?;
    }
    let verdicts = verdicts(&results);
    if !verdicts.is_empty() {
        writeln!(out, "verdicts  {verdicts}")?;
    }
    let naming = Naming::of(results.rows.iter().map(|row| (row.id.as_str(), &row.settings)));
    for row in results.rows.iter().filter(|row| row.verdict.is_some_and(Verdict::is_bad)) {
        let why = row.message.as_ref().or(row.detail.as_ref());
        let (verdict, why) = (row.verdict.unwrap_or(Verdict::Unknown), escape(why.map_or("", |why| why)));
        let name = naming.name(&row.id, &row.settings);
        // The id names its directory.
        let id = if name.contains(&row.id) { String::new() } else { format!(" ({})", row.id) };
        writeln!(out, "{verdict:<12} {}: {why}", escape(&(name + &id)))?;
    }
    let waits = |row: &Row| row.state == RunState::Pending || row.state.is_interrupted();
    if let Err(error) = &queue
        && results.rows.iter().any(waits)
    {
        writeln!(out, "slurm     submitted runs may be queued or lost: {error}")?;
    }
    for line in queue_lines(&known) {
        writeln!(out, "slurm     {line}")?;
    }
    let directory = snn_train::shell_word(sweep.path());
    if lost(&results, &known).next().is_some() {
        writeln!(out, "resume    snn sweep submit {directory}, or retry --slurm")?;
    }
    if arguments.tables {
        writeln!(out, "tables    {directory}/results.csv, groups.csv, results.json")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `2 DIVERGED, 10 LEARNED`, those that need attention first.
fn verdicts(results: &Results) -> String {
    let count = |verdict: Verdict| results.rows.iter().filter(|row| row.verdict == Some(verdict)).count();
    let counts = Verdict::ALL.into_iter().map(|verdict| (count(verdict), verdict)).filter(|it| it.0 > 0);
    counts.map(|(number, verdict)| format!("{number} {verdict}")).collect::<Vec<_>>().join(", ")
}

fn to_json(sweep: &SweepDir, results: &Results, queue: Result<&Queue, &Error>) -> Value {
    let known = queue.ok().cloned().unwrap_or_default();
    let count = |wait| results.rows.iter().filter(|row| known.wait(row) == Some(wait)).count();
    let mut status = json!({
        "version": 1,
        "kind": "status",
        "sweep": path_text(sweep.path()),
        "runs": results.rows.len(),
        "slurm": {
            "error": queue.err().map(ToString::to_string),
            "queued": count(Wait::Queued),
            "requeued": count(Wait::Requeued),
            "lost": lost(results, &known).collect::<Vec<_>>(),
            "elements": known.elements,
        },
        "rows": results.rows,
        "groups": results.groups(&sweep.manifest().selection),
    });
    // Every run in one of them: the words are those of the rows.
    for state in RunState::ALL {
        status[state.name()] = results.count(state).into();
    }
    status
}

fn lost<'a>(results: &'a Results, queue: &'a Queue) -> impl Iterator<Item = &'a str> {
    let lost = results.rows.iter().filter(|row| queue.wait(row) == Some(Wait::Lost));
    lost.map(|row| row.id.as_str())
}

/// A line for each job: `job 12: 3 elements running on node1, node2; 30 queued (Priority); 1 requeued (BeginTime)`.
fn queue_lines(queue: &Queue) -> Vec<String> {
    let jobs: BTreeSet<u64> = queue.elements.iter().map(|element| element.job).collect();
    let line = |job: u64| {
        let states = [
            (ElementState::Running, "running"),
            (ElementState::Queued, "queued"),
            (ElementState::Requeued, "requeued"),
        ];
        let part = |(state, name): (ElementState, &str)| {
            let of = |it: &&Element| it.job == job && it.state == state;
            let elements: Vec<_> = queue.elements.iter().filter(of).collect();
            let details: BTreeSet<_> =
                elements.iter().filter_map(|it| it.node.as_deref().or(it.reason.as_deref())).collect();
            let details = details.into_iter().collect::<Vec<_>>().join(", ");
            let details = match state {
                _ if details.is_empty() => String::new(),
                ElementState::Running => format!(" on {details}"),
                _ => format!(" ({details})"),
            };
            (!elements.is_empty()).then(|| format!("{} {name}{details}", elements.len()))
        };
        let parts: Vec<_> = states.into_iter().filter_map(part).collect();
        format!("job {job}: elements: {}", parts.join("; "))
    };
    jobs.into_iter().map(line).collect()
}
