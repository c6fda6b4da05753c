//! `snn sweep submit`, `work`, `status` and `retry` with mocks of the Slurm programs.
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::{Ended, Snn, assert_same, status};
use serde_json::Value;

const SWEEP: &str = r#"
base = "randman"
[set]
data.classes = 2
data.samples_per_class = 100
network.hidden = [20]
initialization.gain = 6.0
training.batch_size = 16
training.epochs = 3
[[grid]]
optimizer.learning_rate = [0.01, 0.02, 0.03]
[seeds]
values = [0, 1]
"#;

/// A sweep of six runs, and mock Slurm programs, which print prepared files and record their arguments.
struct Cluster {
    snn: Snn,
}

impl Cluster {
    /// Plans the sweep in `sweep`, with this duration of a run in seconds.
    fn new(seconds: f64) -> Self {
        let cluster = Self { snn: Snn::new() };
        fs::create_dir(cluster.path("bin")).unwrap();
        cluster.program("sbatch", "echo \"$@\" >> ../sbatch.log; echo $((100 + $(wc -l < ../sbatch.log)))");
        cluster.program("squeue", "cat ../queue");
        cluster.program("scontrol", "echo \"$@\" >> ../scontrol.log; echo 'MaxArraySize            = 1001'");
        cluster.plan(SWEEP, seconds);
        cluster
    }

    fn plan(&self, sweep: &str, seconds: f64) {
        fs::write(self.path("mine.toml"), sweep).unwrap();
        self.snn.run(&["sweep", "plan", "mine.toml", "--no-measure", "--dir", "sweep"]).expect(0);
        let manifest = self.path("sweep/manifest.json");
        let mut plan: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
        for point in plan["points"].as_array_mut().unwrap() {
            point["seconds"] = seconds.into();
        }
        fs::write(manifest, plan.to_string()).unwrap();
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.snn.path(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn queue(&self, lines: &str) {
        fs::write(self.path("queue"), lines).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.snn.command(&[&["sweep"], arguments].concat());
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        command.env("PATH", path);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.run(&[arguments, &["--json"]].concat()).expect(0);
        serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap()
    }

    /// The worker of an element of the first submission, started as by Slurm.
    fn worker(&self, element: &str) -> Command {
        let mut command = self.command(&["work", "sweep", "--submission", "1"]);
        command.envs([("SLURM_ARRAY_JOB_ID", "101"), ("SLURM_ARRAY_TASK_ID", element)]);
        command.env("SLURM_CPUS_PER_TASK", "1").stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn elements(&self, submission: &str) -> Vec<Vec<String>> {
        let submission: Value = serde_json::from_str(&self.read(submission)).unwrap();
        serde_json::from_value(submission["elements"].clone()).unwrap()
    }
}

#[test]
fn short_runs_are_packed_and_submitted_once() {
    let cluster = Cluster::new(60.0);
    let submitted =
        cluster.json(&["submit", "sweep", "--minutes", "2", "--at-once", "2", "--partition", "short"]);
    assert_eq!(
        submitted["arrays"][0],
        serde_json::json!({"number": 1, "job": 101, "elements": 3, "runs": 6})
    );
    let script = cluster.read("sweep/slurm/0001.sh");
    for line in [
        "#SBATCH --array=0-2%2\n",
        "#SBATCH --partition=short\n",
        "#SBATCH --time=14\n",
        "#SBATCH --requeue\n",
    ] {
        assert!(script.contains(line), "{script}");
    }
    assert!(cluster.read("sbatch.log").ends_with("--parsable sweep/slurm/0001.sh\n"));
    assert_eq!(cluster.elements("sweep/slurm/0001.json").iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2]);

    // All are pending: nothing to submit. Then one element disappears.
    cluster.queue("101|0|RUNNING|0|n1|None|\n101|1|PENDING|0||Priority|\n101|2|PENDING|1||BeginTime|\n");
    let again = cluster.run(&["submit", "sweep"]).expect(0);
    assert!(again.stdout.contains("nothing to submit: 4 queued, 2 requeued"), "{}", again.stdout);
    cluster.queue("101|0|RUNNING|0|n1|None|\n101|1|FAILED|0||None|\n101|2|PENDING|1||BeginTime|\n");
    let report = cluster.run(&["status", "sweep"]).expect(0).stdout;
    assert!(report.contains("6 runs: 2 queued, 2 requeued, 2 lost"), "{report}");
    assert!(report.contains("job 101: elements: 1 running on n1; 1 requeued (BeginTime)"), "{report}");
    let again = cluster.run(&["submit", "sweep"]).expect(0);
    assert!(
        again.stdout.contains("job 102") && again.stdout.contains("left      4 runs"),
        "{}",
        again.stdout
    );
    let lost = &cluster.elements("sweep/slurm/0001.json")[1..2];
    assert_eq!(cluster.elements("sweep/slurm/0002.json"), lost);
}

#[test]
fn runs_that_do_not_fit_into_an_array_go_into_the_next() {
    let cluster = Cluster::new(3600.0);
    cluster.program("scontrol", "echo 'MaxArraySize            = 4'");
    let arrays = cluster.json(&["submit", "sweep"])["arrays"].clone();
    let sizes: Vec<_> = arrays.as_array().unwrap().iter().map(|it| (&it["job"], &it["elements"])).collect();
    assert_eq!(sizes, [(&101.into(), &4.into()), (&102.into(), &2.into())]);

    // Slurm rejects the second array: the first is recorded and not submitted again.
    let cluster = Cluster::new(3600.0);
    cluster.program("scontrol", "echo 'MaxArraySize            = 4'");
    cluster.program(
        "sbatch",
        "echo x >> ../log; [ $(wc -l < ../log) = 1 ] && echo 7 && exit; echo 'sbatch: error: Too many jobs' >&2; exit 1",
    );
    let ended = cluster.run(&["submit", "sweep"]).expect(1);
    assert!(ended.stdout.contains("job 7"), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("sbatch failed: Too many jobs; once Slurm accepts more"),
        "{}",
        ended.stderr
    );
    cluster.queue("7|0|PENDING|0||None|\n7|1|PENDING|0||None|\n7|2|PENDING|0||None|\n7|3|PENDING|0||None|\n");
    assert!(cluster.run(&["status", "sweep"]).expect(0).stdout.contains("6 runs: 4 queued, 2 pending"));
}

#[test]
fn errors_of_slurm_are_reported() {
    let cluster = Cluster::new(60.0);
    cluster.program("sbatch", "echo 'sbatch: error: invalid partition specified: nope' >&2; exit 1");
    cluster
        .run(&["submit", "sweep", "-p", "nope"])
        .fails(1, &["sbatch failed: invalid partition specified: nope"]);
    assert!(!cluster.path("sweep/slurm/0001.json").exists(), "nothing was submitted");
    cluster
        .run(&["retry", "sweep", "--slurm"])
        .fails(2, &["nothing was submitted yet: snn sweep submit sweep"]);

    // Without Slurm: a clear message, a script on request, and the state of the runs from their files.
    let elsewhere = |arguments: &[&str]| -> Ended {
        cluster.command(arguments).env("PATH", cluster.path("sweep")).output().unwrap().into()
    };
    elsewhere(&["submit", "sweep"]).fails(1, &["there is no `scontrol` here"]);
    let dry = elsewhere(&["submit", "sweep", "--dry-run", "--", "--qos=long"]).expect(0);
    assert!(
        dry.stdout.contains("written   6 runs in 1 element of at most 6 min, not submitted"),
        "{}",
        dry.stdout
    );
    assert!(cluster.read("sweep/slurm/0001.sh").contains("#SBATCH --qos=long\n"));
    assert!(elsewhere(&["status", "sweep"]).expect(0).stdout.starts_with("6 runs: 6 pending\n"));
    cluster.program("scontrol", "echo 'scontrol: error: no controller' >&2; exit 1");
    cluster.run(&["submit", "sweep"]).fails(1, &["scontrol failed: no controller"]);
    cluster.run(&["submit", "sweep", "--dry-run"]).expect(0);
    cluster.program("scontrol", "echo 'MaxArraySize            = 1001'");
    cluster.program("sbatch", "echo 5");
    cluster.run(&["submit", "sweep"]).expect(0);
    let report = elsewhere(&["status", "sweep"]).expect(0).stdout;
    assert!(report.contains("6 runs: 6 pending") && report.contains("there is no `squeue` here"), "{report}");
}

#[test]
fn a_signaled_worker_is_requeued_and_ends_bit_for_bit() {
    let cluster = Cluster::new(1.0);
    let long = SWEEP.replace("epochs = 3", "epochs = 30").replace("[0.01, 0.02, 0.03]", "[0.01]");
    cluster.plan(&long, 1.0);
    cluster.snn.run(&["sweep", "plan", "mine.toml", "--no-measure", "--dir", "whole"]).expect(0);
    cluster.snn.run(&["sweep", "run", "whole", "--quiet"]).expect(0);
    cluster.run(&["submit", "sweep"]).expect(0);
    let epochs = || -> usize {
        let runs = fs::read_dir(cluster.path("sweep/runs")).unwrap().flatten();
        runs.filter_map(|run| fs::read_to_string(run.path().join("metrics.jsonl")).ok())
            .map(|text| text.lines().count())
            .sum()
    };
    // SIGUSR1 at the time limit, SIGTERM on cancellation, and SIGKILL.
    for (signal, code) in [("-USR1", Some(3)), ("-TERM", Some(3)), ("-KILL", None)] {
        let mut worker = cluster.worker("0").spawn().unwrap();
        let (begin, before) = (Instant::now(), epochs());
        while epochs() < before + 3 {
            assert!(begin.elapsed() < Duration::from_secs(60), "the worker does not start");
            sleep(Duration::from_millis(2));
        }
        Command::new("kill").args([signal, &worker.id().to_string()]).status().unwrap();
        assert_eq!(worker.wait().unwrap().code(), code, "{signal}");
    }
    let requeued = cluster.read("scontrol.log");
    assert_eq!(requeued.lines().filter(|line| *line == "requeue 101_0").count(), 1, "{requeued}");
    assert!(cluster.worker("0").status().unwrap().success());
    for run in fs::read_dir(cluster.path("whole/runs")).unwrap().flatten() {
        assert_same(&cluster.path("sweep/runs").join(run.file_name()), &run.path());
    }
    let result = cluster.json(&["work", "sweep", "--submission", "1", "--element", "0"]);
    assert_eq!((&result["reused"], &result["done"]), (&2.into(), &2.into()));
}

#[test]
fn a_worker_without_progress_is_not_requeued() {
    let cluster = Cluster::new(60.0);
    // Data that take some time to generate.
    cluster.plan(&SWEEP.replace("samples_per_class = 100", "samples_per_class = 20000"), 60.0);
    cluster.run(&["submit", "sweep"]).expect(0);
    let mut worker = cluster.worker("0").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(worker.stderr.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "job 101_0: start");
    Command::new("kill").args(["-USR1", &worker.id().to_string()]).status().unwrap();
    assert_eq!(worker.wait().unwrap().code(), Some(1));
    let last = lines.last().unwrap().unwrap();
    assert!(last.contains("reached before anything was trained: submit with a longer --time"), "{last}");
    assert!(!cluster.read("scontrol.log").contains("requeue"));
}

#[test]
fn a_worker_skips_busy_runs_and_retries_failed_ones_on_request() {
    let cluster = Cluster::new(60.0);
    cluster.plan(&SWEEP.replace("0.03]", "1e300]"), 60.0);
    cluster.run(&["submit", "sweep", "--minutes", "2"]).expect(0);
    let elements = cluster.elements("sweep/slurm/0001.json");
    let taken = cluster.path("sweep/runs").join(&elements[0][0]);
    fs::create_dir_all(&taken).unwrap();
    let lock = File::create(taken.join("lock")).unwrap();
    lock.lock().unwrap();
    for (element, code) in [("0", 0), ("1", 0), ("2", 1)] {
        assert_eq!(cluster.worker(element).status().unwrap().code(), Some(code), "element {element}");
    }
    assert!(!taken.join("status.json").exists(), "another process has locked it");
    assert_eq!(status(&cluster.path("sweep/runs").join(&elements[0][1]))["state"], "done");

    cluster.queue("");
    let now = cluster.json(&["status", "sweep"]);
    assert_eq!((&now["done"], &now["failed"]), (&3.into(), &2.into()));
    assert_eq!(now["slurm"]["lost"], serde_json::json!([elements[0][0]]));
    drop(lock);
    let retry = cluster.json(&["retry", "sweep", "--slurm"]);
    assert_eq!((retry["runs"].as_array().unwrap().len(), &retry["arrays"][0]["runs"]), (2, &3.into()));
    assert_eq!(cluster.elements("sweep/slurm/0002.json").len(), 2, "packed as before");

    cluster.run(&["work", "sweep", "--runs", "nobody"]).fails(2, &["no run `nobody`"]);
    cluster.run(&["work", "sweep", "--submission", "1"]).fails(2, &["which element?"]);
    cluster.run(&["work", "sweep", "--submission", "9", "--element", "0"]).fails(2, &["no submission 9"]);
    cluster.run(&["work", "sweep", "--submission", "1", "--element", "3"]).fails(2, &["has 3 elements"]);
}
