//! `snn sweep retry`

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::json;
use snn_run::counted;
use snn_train::sweep::SweepDir;

use super::submit;
use crate::common::{UsageError, path_text};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The directory of the sweep
    #[arg(value_name = "DIR")]
    sweep: PathBuf,
    /// Submit them and all other missing runs with the options of the last submission
    #[arg(long)]
    slurm: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sweep = SweepDir::open(&arguments.sweep)?;
    let directory = snn_train::shell_word(sweep.path());
    let request = match sweep.submissions()?.pop().filter(|_| arguments.slurm) {
        None if arguments.slurm => {
            return Err(UsageError(format!("nothing was submitted yet: snn sweep submit {directory}")).into());
        }
        last => last.map(|submission| submission.request),
    };
    let runs = sweep.retry()?;
    let submitted = request.map(|request| sweep.submit(&request, false)).transpose()?;
    if arguments.json {
        let mut result =
            json!({ "version": 1, "kind": "retry", "sweep": path_text(sweep.path()), "runs": runs });
        if let Some(submitted) = &submitted {
            result["arrays"] = submit::arrays_to_json(&submitted.arrays);
            result["refused"] = json!(submitted.refused.as_ref().map(ToString::to_string));
        }
        writeln!(snn_terminal::stdout(), "{result}")?;
        return Ok(submitted.as_ref().map_or(ExitCode::SUCCESS, submit::exit_code));
    }
    writeln!(snn_terminal::stdout(), "{} to be retried", counted(runs.len(), "failed run", "failed runs"))?;
    if let Some(submitted) = &submitted {
        return submit::report(&sweep, submitted);
    }
    writeln!(snn_terminal::stdout(), "train     snn sweep run {directory}")?;
    if !sweep.submissions()?.is_empty() {
        writeln!(snn_terminal::stdout(), "or        snn sweep submit {directory}")?;
    }
    Ok(ExitCode::SUCCESS)
}
