//! `snn sweep submit`

use std::{env, io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use snn_run::counted;
use snn_train::sweep::{
    SweepDir, measure,
    slurm::{Queue, Request, Submission, Submitted},
};

use super::common::{counts, duration, open};
use crate::common::{FAILURE, UsageError, parse_threads, path_text};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The directory of a sweep, or a sweep file, which is planned in `sweeps/<its name>`
    #[arg(value_name = "DIR_OR_TOML")]
    sweep: PathBuf,
    /// The partition
    #[arg(long, short, value_name = "NAME")]
    partition: Option<String>,
    /// The account to charge
    #[arg(long, short = 'A', value_name = "NAME")]
    account: Option<String>,
    /// Time limit of each element, in the format of sbatch; unfinished elements are requeued [default: twice the expected time
    /// plus ten minutes]
    #[arg(long, short, value_name = "TIME")]
    time: Option<String>,
    /// Memory of each element, in the format of sbatch
    #[arg(long, value_name = "SIZE")]
    mem: Option<String>,
    /// Cores of each element, which trains this many runs in parallel
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_threads)]
    cpus: usize,
    /// Pack runs into elements of about this many minutes
    #[arg(long, value_name = "MINUTES", default_value = "30", value_parser = parse_minutes)]
    minutes: f64,
    /// Maximum number of array elements that compute at the same time
    #[arg(long, value_name = "N", value_parser = parse_at_once)]
    at_once: Option<usize>,
    /// Device to compute on; request a GPU for each element with `-- --gpus-per-task=1`
    #[arg(long, value_name = "cpu|cuda[:N]", default_value = "cpu")]
    device: String,
    /// Do not train an epoch of each kind of run without a time measurement; then each run is an element
    #[arg(long)]
    no_measure: bool,
    /// Write the scripts without submitting them
    #[arg(long)]
    dry_run: bool,
    /// Write the submission as JSON
    #[arg(long)]
    json: bool,
    /// Further options for sbatch, such as `-- --qos=long --constraint=avx512`
    #[arg(last = true, value_name = "SBATCH_OPTIONS")]
    options: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let device = arguments.device.parse().map_err(UsageError)?;
    let mut sweep = open(&arguments.sweep)?;
    if !arguments.no_measure && sweep.manifest().points.iter().any(|point| point.seconds.is_none()) {
        let mut manifest = sweep.manifest().clone();
        measure(&mut manifest)?;
        sweep = SweepDir::create(sweep.path(), manifest)?;
    }
    let request = Request {
        program: env::current_exe().context("cannot locate the running program")?,
        minutes: arguments.minutes,
        cpus: arguments.cpus,
        at_once: arguments.at_once,
        time: arguments.time.clone(),
        memory: arguments.mem.clone(),
        partition: arguments.partition.clone(),
        account: arguments.account.clone(),
        device,
        options: arguments.options.clone(),
    };
    let submitted = sweep.submit(&request, arguments.dry_run)?;
    if arguments.json {
        let mut result = json!({
            "version": 1,
            "kind": "submit",
            "sweep": path_text(sweep.path()),
            "under_way": submitted.under_way,
        });
        result["arrays"] = arrays_to_json(&submitted.arrays);
        result["refused"] = json!(submitted.refused.as_ref().map(ToString::to_string));
        writeln!(snn_terminal::stdout(), "{result}")?;
        return Ok(exit_code(&submitted));
    }
    report(&sweep, &submitted)
}

/// `[{"number","job","elements","runs"}]`
pub(super) fn arrays_to_json(arrays: &[Submission]) -> Value {
    let array = |it: &Submission| json!({ "number": it.number, "job": it.job, "elements": it.elements.len(), "runs": it.runs() });
    arrays.iter().map(array).collect()
}

/// Prints what was submitted, and whether it was everything.
pub(super) fn report(sweep: &SweepDir, submitted: &Submitted) -> anyhow::Result<ExitCode> {
    let directory = snn_train::shell_word(sweep.path());
    let mut out = snn_terminal::stdout();
    if submitted.arrays.is_empty() {
        writeln!(
            out,
            "nothing to submit: {}",
            counts(&sweep.results(), &sweep.queue().unwrap_or_else(|_| Queue::default()))
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let longest =
        submitted.longest.map_or_else(String::new, |longest| format!(" of at most {}", duration(longest)));
    for array in &submitted.arrays {
        let (runs, elements) = (array.runs(), array.elements.len());
        let script = format!("{directory}/slurm/{:04}.sh", array.number);
        let (runs, elements) = (counted(runs, "run", "runs"), counted(elements, "element", "elements"));
        let packed = format!("{runs} in {elements}{longest}");
        match array.job {
            Some(job) => writeln!(out, "job {job:<5} {packed}: {script}")?,
            None => writeln!(out, "written   {packed}, not submitted: {script}")?,
        }
    }
    if submitted.under_way > 0 {
        writeln!(out, "left      {}, queued or being trained", counted(submitted.under_way, "run", "runs"))?;
    }
    writeln!(out, "watch     snn sweep status {directory}")?;
    if let Some(error) = &submitted.refused {
        drop(out);
        writeln!(
            snn_terminal::stderr(),
            "error: {error}; once Slurm accepts more, submit the rest with the same command"
        )?;
    }
    Ok(exit_code(submitted))
}

pub(super) fn exit_code(submitted: &Submitted) -> ExitCode {
    if submitted.refused.is_some() { ExitCode::from(FAILURE) } else { ExitCode::SUCCESS }
}

fn parse_minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if minutes > 0.0 && minutes <= 1e5 => Ok(minutes),
        _ => Err("a number of minutes above 0".to_owned()),
    }
}

fn parse_at_once(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(elements) if elements > 0 => Ok(elements),
        _ => Err("a whole number, at least 1".to_owned()),
    }
}
