//! A sweep on a real Slurm cluster: submitted, requeued, killed, submitted again, and compared with the same sweep run
//! locally.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::{
    cluster::{Cluster, MAX_ARRAY_SIZE},
    interrupt::Interrupt,
};
use crate::process;

/// Fourteen runs of a few seconds.
const SWEEP: &str = r#"
base = "randman"
[set]
training.epochs = 12
[[grid]]
surrogate.beta = { log = [1, 100], points = 7 }
[seeds]
values = [0, 1]
"#;
const RUNS: usize = 14;
const RUNS_PER_ELEMENT: usize = 2;

pub(super) struct Trial<'a> {
    cluster: &'a Cluster,
    interrupt: &'a Interrupt,
    /// The directory of the sweeps.
    directory: PathBuf,
}

impl<'a> Trial<'a> {
    /// Runs in a subdirectory of this directory.
    pub(super) fn new(directory: &Path, cluster: &'a Cluster, interrupt: &'a Interrupt) -> Self {
        // A name that Slurm scripts must quote correctly.
        Self { cluster, interrupt, directory: directory.join("it's 100%") }
    }

    pub(super) fn run(&self) -> Result<()> {
        fs::create_dir_all(&self.directory)?;
        fs::write(self.directory.join("slopes.toml"), SWEEP)?;
        self.submit()?;
        let killed = self.disturb()?;
        self.submit_what_was_lost(&killed)?;
        self.compare()
    }

    fn submit(&self) -> Result<()> {
        self.snn(&["plan", "slopes.toml", "--dir", "sweep"])?;
        let seconds = self.json_file("sweep/manifest.json")?["points"][0]["seconds"].as_f64();
        let seconds = seconds.context("the plan has no duration of a run")?;
        // An element is full once its last run has started.
        let minutes = ((RUNS_PER_ELEMENT as f64 - 0.5) * seconds / 60.0).to_string();
        let submitted = self.snn(&["submit", "sweep", "--minutes", &minutes])?;
        let sizes: Vec<_> =
            list(&submitted["arrays"]).iter().map(|array| array["elements"].as_u64()).collect();
        let elements = RUNS / RUNS_PER_ELEMENT;
        let expected = [Some(MAX_ARRAY_SIZE as u64), Some((elements - MAX_ARRAY_SIZE) as u64)];
        ensure!(sizes == expected, "the arrays have {sizes:?} elements, not {expected:?}: {submitted}");
        println!(
            "ok: {RUNS} runs submitted as {elements} elements, in two arrays since one may have {MAX_ARRAY_SIZE}"
        );

        let again = self.snn(&["submit", "sweep"])?;
        ensure!(list(&again["arrays"]).is_empty(), "runs in the queue were submitted again: {again}");
        println!("ok: nothing to submit while they are pending");
        Ok(())
    }

    /// Requeues one element and kills the worker of another, each in the middle of a run. Returns the runs that the killed
    /// worker did not finish.
    fn disturb(&self) -> Result<Vec<String>> {
        let (requeued, _) = self.element_in_the_middle_of_a_run(None)?;
        let mut signal = self.cluster.command("scancel");
        let mut signal = signal.args(["--batch", "--signal=USR1", &requeued]).spawn()?;
        self.interrupt.wait_for("the requeue", 60, || {
            let status = self.snn(&["status", "sweep"])?;
            Ok(element(&status, &requeued).filter(|it| it["state"] == "requeued").map(drop))
        })?;
        // Slurm sometimes misses that the signal has arrived and would send it again.
        let _ = signal.kill();
        signal.wait()?;
        println!("ok: element {requeued}, signalled in the middle of a run, is requeued");

        let (killed, run) = self.element_in_the_middle_of_a_run(Some(&requeued))?;
        let pid = self.json_file(&format!("sweep/runs/{run}/status.json"))?["pid"].to_string();
        ensure!(process::succeeds(Command::new("kill").args(["-KILL", &pid])), "cannot kill process {pid}");
        println!("ok: the worker of element {killed} is killed in the middle of a run");

        self.interrupt
            .wait_for("the queue to be empty", 600, || Ok(self.cluster.is_empty()?.then_some(())))?;
        // A killed run counts as alive until its record has not changed for a minute.
        let (status, lost) = self.interrupt.wait_for("the killed run to be lost", 100, || {
            let status = self.snn(&["status", "sweep"])?;
            let lost: Vec<_> =
                list(&status["slurm"]["lost"]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
            Ok(lost.contains(&run).then_some((status, lost)))
        })?;
        let done = status["done"].as_u64().unwrap_or_default() as usize;
        ensure!(
            done + lost.len() == RUNS && lost.len() <= RUNS_PER_ELEMENT,
            "{done} runs are done and {} lost: {status}",
            lost.len()
        );
        let log = self.log(&requeued)?;
        ensure!(log.contains("restart 1"), "the requeued element did not start again: {log}");
        println!(
            "ok: the requeued element resumed; the other's runs are reported as lost: {done} done, {} lost",
            lost.len()
        );
        Ok(lost)
    }

    fn submit_what_was_lost(&self, lost: &[String]) -> Result<()> {
        let retry = self.snn(&["retry", "sweep", "--slurm"])?;
        let runs: u64 = list(&retry["arrays"]).iter().filter_map(|array| array["runs"].as_u64()).sum();
        ensure!(runs as usize == lost.len(), "{runs} runs were submitted again, not {}: {retry}", lost.len());
        self.interrupt
            .wait_for("the queue to be empty", 300, || Ok(self.cluster.is_empty()?.then_some(())))?;
        let status = self.snn(&["status", "sweep", "--tables"])?;
        ensure!(status["done"] == json!(RUNS), "not all runs are done: {status}");
        println!("ok: submitted again, they are done");
        Ok(())
    }

    fn compare(&self) -> Result<()> {
        self.snn(&["plan", "slopes.toml", "--dir", "here", "--no-measure"])?;
        self.snn(&["run", "here", "--quiet"])?;
        for table in ["results.csv", "groups.csv"] {
            let [submitted, here] = ["sweep", "here"].map(|sweep| self.table(sweep, table));
            let (submitted, here) = (submitted?, here?);
            ensure!(
                submitted == here,
                "{table} differs from that of `snn sweep run`:\n{submitted:?}\n{here:?}"
            );
        }
        println!("ok: the tables are those of `snn sweep run`");
        Ok(())
    }

    /// An element, as `job_place`, that is training a run which has finished an epoch, and that run.
    fn element_in_the_middle_of_a_run(&self, but: Option<&str>) -> Result<(String, String)> {
        self.interrupt.wait_for("an element in the middle of a run", 120, || {
            let status = self.snn(&["status", "sweep"])?;
            let is_under_way = |id: &Value| {
                list(&status["rows"]).iter().any(|row| {
                    row["id"] == *id && row["state"] == "running" && row["epoch"].as_u64() > Some(0)
                })
            };
            let elements = list(&status["slurm"]["elements"]).iter().filter(|it| it["state"] == "running");
            let found = elements.filter_map(|it| {
                let run = list(&it["runs"]).iter().find(|id| is_under_way(id))?;
                Some((name(it), run.as_str()?.to_owned()))
            });
            Ok(found.into_iter().find(|(name, _)| Some(name.as_str()) != but))
        })
    }

    /// The last line of JSON that `snn sweep` writes with these arguments.
    fn snn(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = self.cluster.command(process::target().join("release/snn"));
        command.arg("sweep").args(arguments).arg("--json").current_dir(&self.directory);
        let output =
            command.output().with_context(|| format!("cannot start `{}`", process::line(&command)))?;
        if !output.status.success() {
            bail!("`{}` failed: {}", process::line(&command), String::from_utf8_lossy(&output.stderr).trim());
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(text.lines().last().unwrap_or_default()).context("snn did not write JSON")
    }

    fn json_file(&self, name: &str) -> Result<Value> {
        let path = self.directory.join(name);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("cannot parse {}", path.display()))
    }

    /// The log of an element.
    fn log(&self, element: &str) -> Result<String> {
        let logs = fs::read_dir(self.directory.join("sweep/slurm"))?.flatten().map(|entry| entry.path());
        let logs = logs.filter(|path| path.extension().is_some_and(|extension| extension == "out"));
        let mut texts = logs.filter_map(|path| fs::read_to_string(path).ok());
        let first = format!("job {element}: start");
        texts.find(|text| text.starts_with(&first)).with_context(|| format!("element {element} has no log"))
    }

    /// The lines of a table without the column of durations.
    fn table(&self, sweep: &str, name: &str) -> Result<Vec<Vec<String>>> {
        let path = self.directory.join(sweep).join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        let head = lines.next().unwrap_or_default();
        let seconds = head.iter().position(|column| column == "seconds");
        let kept = |line: Vec<String>| {
            let cells = line.into_iter().enumerate().filter(|(place, _)| Some(*place) != seconds);
            cells.map(|(_, cell)| cell).collect()
        };
        Ok([head].into_iter().chain(lines).map(kept).collect())
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn name(element: &Value) -> String {
    format!("{}_{}", element["job"], element["element"])
}

/// The element with this name, if it is pending or running.
fn element<'a>(status: &'a Value, wanted: &str) -> Option<&'a Value> {
    list(&status["slurm"]["elements"]).iter().find(|element| name(element) == wanted)
}
