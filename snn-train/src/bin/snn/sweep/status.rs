//! `snn sweep status` and `snn sweep retry`

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use serde_json::json;
use snn_train::sweep::{Standing, SweepDir};

use super::{counts, group_lines};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The directory of the sweep
    #[arg(value_name = "DIR")]
    sweep: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sweep = SweepDir::open(&arguments.sweep)?;
    let results = sweep.results()?;
    let groups = results.groups(&sweep.manifest().selection);
    let mut out = io::stdout().lock();
    if arguments.json {
        let status = json!({
            "version": 1,
            "kind": "status",
            "sweep": sweep.path(),
            "runs": results.rows.len(),
            "done": results.count(Standing::Done),
            "running": results.count(Standing::Running),
            "interrupted": results.count(Standing::Interrupted),
            "failed": results.count(Standing::Failed),
            "pending": results.count(Standing::Pending),
            "rows": results.rows,
            "groups": groups,
        });
        writeln!(out, "{status}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{} runs: {}", results.rows.len(), counts(&results))?;
    for line in group_lines(&groups, 10) {
        writeln!(out, "{line}")?;
    }
    for row in results.rows.iter().filter(|row| row.state == Standing::Failed) {
        writeln!(out, "failed    {}: {}", row.id, row.message.as_deref().unwrap_or_default())?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn retry(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sweep = SweepDir::open(&arguments.sweep)?;
    let runs = sweep.retry()?;
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", json!({ "version": 1, "kind": "retry", "sweep": sweep.path(), "runs": runs }))?;
    } else {
        writeln!(out, "{} runs that had failed will be tried again", runs.len())?;
        writeln!(out, "train     snn sweep run {}", sweep.path().display())?;
    }
    Ok(ExitCode::SUCCESS)
}
