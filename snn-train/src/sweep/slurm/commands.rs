//! The Slurm commands `sbatch`, `squeue` and `scontrol`.

use std::{
    env, io,
    path::Path,
    process::{Command, Stdio},
    str::FromStr,
};

use crate::error::Error;

/// An array element, as seen by its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Task {
    /// The job of the whole array.
    pub job: u64,
    /// The index in the array, from 0.
    pub element: usize,
    /// How often it was requeued.
    pub restarts: u32,
    /// Allocated cores, if known.
    pub cpus: Option<usize>,
}

impl Task {
    /// The element of this process, from Slurm's environment variables; `None` outside of arrays.
    #[must_use]
    pub fn current() -> Option<Self> {
        fn variable<T: FromStr>(name: &str) -> Option<T> {
            env::var(name).ok()?.parse().ok()
        }
        Some(Self {
            job: variable("SLURM_ARRAY_JOB_ID")?,
            element: variable("SLURM_ARRAY_TASK_ID")?,
            restarts: variable("SLURM_RESTART_COUNT").unwrap_or(0),
            cpus: variable("SLURM_CPUS_PER_TASK"),
        })
    }

    /// Requeues the element. Slurm then ends this process, and restarts the element later.
    ///
    /// # Errors
    /// [`Error::NoSlurm`] and [`Error::Slurm`].
    pub fn requeue(&self) -> Result<(), Error> {
        // By its index in the array: for one of the elements, the job number alone denotes the whole array.
        call("scontrol", &["requeue".as_ref(), format!("{}_{}", self.job, self.element).as_ref()]).map(drop)
    }
}

/// Submits a script, and returns the job number.
pub(super) fn sbatch(script: &Path) -> Result<u64, Error> {
    let answer = call("sbatch", &["--parsable".as_ref(), script])?;
    // `12;cluster` with several clusters.
    let number = answer.trim().split(';').next().and_then(|number| number.parse().ok());
    number.ok_or_else(|| misunderstood("sbatch", &answer))
}

/// The maximum number of elements of an array.
pub(super) fn max_array_size() -> Result<usize, Error> {
    let configuration = call("scontrol", &["show".as_ref(), "config".as_ref()])?;
    let settings = configuration.lines().filter_map(|line| line.split_once('='));
    let size = settings.into_iter().find(|(name, _)| name.trim() == "MaxArraySize");
    size.and_then(|(_, size)| size.trim().parse().ok())
        .ok_or_else(|| misunderstood("scontrol", "no MaxArraySize in its configuration"))
}

/// The columns of [`squeue`]: job of the array, index in it, state, restarts, node, reason for waiting.
const COLUMNS: &str = "ArrayJobID:|,ArrayTaskID:|,State:|,RestartCnt:|,NodeList:|,Reason:|";

/// All array elements of this user, one per line, with columns separated by `|`.
pub(super) fn squeue() -> Result<String, Error> {
    let options = ["--noheader", "--array", "--me", "--states=all", "--Format"];
    call("squeue", &options.map(Path::new).into_iter().chain([Path::new(COLUMNS)]).collect::<Vec<_>>())
}

fn call(program: &'static str, arguments: &[&Path]) -> Result<String, Error> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::NoSlurm { program }),
        Err(error) => return Err(Error::io("start a program of Slurm", program)(error)),
    };
    if !output.status.success() {
        return Err(Error::Slurm { program, message: complaint(&String::from_utf8_lossy(&output.stderr)) });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `sbatch: error: one` and `sbatch: error: two` in one line, `one; two`.
fn complaint(text: &str) -> String {
    const MARKS: [&str; 5] = ["sbatch: ", "squeue: ", "scontrol: ", "error: ", "fatal: "];
    let bare = |line: &str| {
        let mut rest = line.trim();
        while let Some(more) = MARKS.iter().find_map(|mark| rest.strip_prefix(mark)) {
            rest = more.trim_start();
        }
        rest.to_owned()
    };
    let lines: Vec<_> = text.lines().map(bare).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() { "no reason given".to_owned() } else { lines.join("; ") }
}

fn misunderstood(program: &'static str, answer: &str) -> Error {
    Error::Slurm { program, message: format!("unexpected output: {}", answer.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_one_line() {
        let text = "sbatch: error: invalid partition specified: nope\nsbatch: error: Batch job submission failed: Invalid \
                    partition name specified\n";
        assert_eq!(
            complaint(text),
            "invalid partition specified: nope; Batch job submission failed: Invalid partition name specified"
        );
        assert_eq!(complaint(" \n"), "no reason given");
    }
}
