//! Signals, memory limits, locks and advice: the protections of a run, and their messages.
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::{Ended, Snn, assert_same, metrics, status};
use snn_test_support::signals::listening;

/// Data that take minutes to generate.
const SLOW_DATA: &[&str] = &["data.samples_per_class=20000", "data.inputs=200", "data.dim=3"];
const ENDLESS: &[&str] = &["training.epochs=100000"];

fn start(snn: &Snn, arguments: &[&str]) -> Child {
    snn.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, signal: &str) {
    Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
}

#[track_caller]
fn wait_for(what: impl Fn() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(begin.elapsed() < Duration::from_secs(60), "timed out");
        sleep(Duration::from_millis(5));
    }
}

fn wait_for_epochs(run: &Path) {
    let lines =
        || fs::read(run.join("metrics.jsonl")).map_or(0, |text| text.iter().filter(|&&b| b == b'\n').count());
    wait_for(|| lines() >= 2);
}

fn end(child: Child) -> Ended {
    child.wait_with_output().unwrap().into()
}

/// Runs `snn` under `ulimit`.
fn limited(snn: &Snn, limit: &str, arguments: &[&str]) -> Ended {
    let script = format!("ulimit {limit}; exec \"$@\"");
    let mut command = listening("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_snn")]).args(arguments);
    command.current_dir(snn.directory.path()).output().unwrap().into()
}

#[test]
fn signals_stop_training_with_a_checkpoint() {
    let snn = Snn::new();
    for name in ["HUP", "USR1", "TERM"] {
        let child = start(&snn, &Snn::train(ENDLESS, &["--run-dir", name, "--quiet"]));
        wait_for_epochs(&snn.path(name));
        signal(&child, &format!("-{name}"));
        // A closing terminal sends more than one signal.
        signal(&child, "-HUP");
        signal(&child, "-USR1");
        end(child).expect(3);
        let run = snn.path(name);
        assert_eq!(status(&run)["state"], "stopped", "{name}");
        let (epochs, recorded) = (status(&run)["epoch"].as_u64().unwrap().to_string(), metrics(&run).len());
        snn.run(&[
            "train",
            "--resume",
            "--quiet",
            "--run-dir",
            name,
            "--set",
            &format!("training.epochs={epochs}"),
        ])
        .expect(0);
        assert!(metrics(&run).len() >= recorded, "{name}");
    }
    // A process started to outlive the terminal continues.
    let mut command = listening("nohup");
    command.arg(env!("CARGO_BIN_EXE_snn")).args(Snn::train(ENDLESS, &["--run-dir", "nohup", "--quiet"]));
    command
        .current_dir(snn.directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    wait_for_epochs(&snn.path("nohup"));
    signal(&child, "-HUP");
    sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it ignores SIGHUP");
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[test]
fn signals_stop_a_sweep_with_checkpoints() {
    let snn = Snn::new();
    let sweep = "base = \"randman\"\n[set]\ndata.samples_per_class = 100\nnetwork.hidden = [30]\ntraining.epochs = 100000\n\
                 [[grid]]\nsurrogate.beta = [5, 10]\n";
    fs::write(snn.path("s.toml"), sweep).unwrap();
    for name in ["-HUP", "-USR1"] {
        let _ = fs::remove_dir_all(snn.path("sweeps"));
        let child = start(&snn, &["sweep", "run", "s.toml", "--quiet"]);
        let runs = || {
            fs::read_dir(snn.path("sweeps/s/runs")).map(|runs| runs.map(|run| run.unwrap().path()).collect())
        };
        wait_for(|| {
            runs().is_ok_and(|runs: Vec<_>| {
                runs.iter().any(|run| run.join("checkpoints/last.safetensors").exists())
            })
        });
        signal(&child, name);
        end(child).expect(3);
        for run in runs().unwrap().iter().filter(|run| run.join("status.json").exists()) {
            assert_eq!(status(run)["state"], "stopped", "{name}");
        }
    }
}

#[test]
fn loading_stops_immediately() {
    let snn = Snn::new();
    for (name, code) in [("-TERM", 143), ("-INT", 130), ("-HUP", 129), ("-USR1", 138)] {
        let child = start(&snn, &Snn::train(SLOW_DATA, &["--run-dir", "run", "--quiet"]));
        sleep(Duration::from_millis(400));
        let begin = Instant::now();
        signal(&child, name);
        end(child).fails(code, &["stopped while loading the data", "nothing was trained"]);
        assert!(begin.elapsed() < Duration::from_secs(1), "{name}: {:?}", begin.elapsed());
        assert!(!snn.path("run").exists(), "nothing is left");
    }
    let sweep = "base = \"randman\"\n[set]\ndata.samples_per_class = 20000\ndata.inputs = 200\ndata.dim = 3\n\
                 [[grid]]\nsurrogate.beta = [5, 10]\n";
    fs::write(snn.path("s.toml"), sweep).unwrap();
    let child = start(&snn, &["sweep", "run", "s.toml", "--quiet"]);
    wait_for(|| snn.path("sweeps/s/runs").exists());
    sleep(Duration::from_millis(400));
    let begin = Instant::now();
    signal(&child, "-TERM");
    let ended = end(child).expect(3);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert!(ended.stdout.contains("2 pending"), "{}", ended.stdout);
}

#[test]
fn a_stop_during_a_long_batch_is_confirmed() {
    let snn = Snn::new();
    let long = [
        "data.classes=2000",
        "data.samples_per_class=10",
        "data.inputs=2",
        "data.n_cutoff=2",
        "network.hidden=[100]",
        "training.batch_size=20000",
    ];
    let train = Snn::train(&long, &["--run-dir", "run", "--quiet", "--threads", "1"]);
    let child = start(&snn, &train);
    wait_for(|| snn.path("run/status.json").exists());
    sleep(Duration::from_millis(300));
    signal(&child, "-TERM");
    let ended = end(child).expect(3);
    assert!(ended.stderr.contains("stopping after this batch, with a checkpoint"), "{}", ended.stderr);
    assert_eq!(status(&snn.path("run"))["batch"], 1);
}

/// Read-only commands load data as long, and end as cleanly.
#[test]
fn inspection_stops_immediately() {
    let snn = Snn::new();
    for (name, code) in [("-TERM", 143), ("-INT", 130), ("-HUP", 129)] {
        let changes = SLOW_DATA.iter().flat_map(|&change| ["--set", change]);
        let arguments: Vec<_> = ["data", "info", "randman"].into_iter().chain(changes).collect();
        let child = start(&snn, &arguments);
        sleep(Duration::from_millis(400));
        let begin = Instant::now();
        signal(&child, name);
        end(child).fails(code, &["stopped while loading the data"]);
        assert!(begin.elapsed() < Duration::from_secs(1), "{name}: {:?}", begin.elapsed());
    }
}

#[test]
fn a_limit_on_files_is_an_error() {
    let snn = Snn::new();
    let arguments =
        Snn::train(&["training.epochs=4", "network.hidden=[60]"], &["--run-dir", "run", "--quiet"]);
    limited(&snn, "-f 20", &arguments).fails(1, &["cannot write the checkpoint", "File too large"]);
    assert_eq!(status(&snn.path("run"))["state"], "failed");
}

#[test]
fn a_limit_on_processor_time_stops_with_a_checkpoint() {
    let snn = Snn::new();
    let told = "stopping: the limit on processor time (`ulimit -t`)";
    // The limit is a hard one, as `ulimit -t` sets it: the system would kill the process.
    let ended = limited(&snn, "-t 2", &Snn::train(ENDLESS, &["--run-dir", "run", "--quiet"])).expect(3);
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert!(ended.stdout.contains("resume    snn train --resume"), "{}", ended.stdout);
    let run = snn.path("run");
    assert_eq!(status(&run)["state"], "stopped");
    let recorded = metrics(&run).len();
    assert!(recorded > 1, "{recorded}");
    limited(&snn, "-t 2", &["train", "--resume", "--run-dir", "run", "--quiet"]).expect(3);
    assert!(metrics(&run).len() > recorded);

    limited(&snn, "-t 2", &Snn::train(SLOW_DATA, &["--run-dir", "new"]))
        .fails(152, &[told, "nothing was trained"]);
    assert!(!snn.path("new").exists());

    let sweep = "base = \"randman\"\n[set]\ndata.samples_per_class = 30\ntraining.epochs = 100000\n\
                 [[grid]]\nsurrogate.beta = [5, 10]\n";
    fs::write(snn.path("s.toml"), sweep).unwrap();
    let ended = limited(&snn, "-t 2", &["sweep", "run", "s.toml", "--jobs", "1", "--quiet"]).expect(3);
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    let runs = fs::read_dir(snn.path("sweeps/s/runs")).unwrap().map(|run| run.unwrap().path());
    let states: Vec<_> = runs.filter(|run| run.join("status.json").exists()).collect();
    assert!(!states.is_empty() && states.iter().all(|run| status(run)["state"] == "stopped"), "{states:?}");
}

/// Workers and figures stop as `snn sweep run` does, and resume.
#[test]
fn a_limit_on_processor_time_stops_workers_and_figures_with_checkpoints() {
    let snn = Snn::new();
    let told = "stopping: the limit on processor time (`ulimit -t`)";
    let stopped_runs = |runs: &str| -> Vec<PathBuf> {
        let runs = fs::read_dir(snn.path(runs)).unwrap().map(|run| run.unwrap().path());
        let begun: Vec<_> = runs.filter(|run| run.join("status.json").exists()).collect();
        assert!(
            begun.iter().all(|run| ["stopped", "done"].contains(&status(run)["state"].as_str().unwrap()))
        );
        begun.into_iter().filter(|run| status(run)["state"] == "stopped").collect()
    };
    let sweep = "base = \"randman\"\n[set]\ndata.samples_per_class = 30\ntraining.epochs = 100000\n\
                 [[grid]]\nsurrogate.beta = [5]\n";
    fs::write(snn.path("s.toml"), sweep).unwrap();
    snn.run(&["sweep", "plan", "s.toml", "--no-measure"]).expect(0);
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(snn.path("sweeps/s/manifest.json")).unwrap()).unwrap();
    let id = manifest["points"][0]["id"].as_str().unwrap();
    let mut recorded = 0;
    for _ in 0..2 {
        let ended = limited(&snn, "-t 2", &["sweep", "work", "sweeps/s", "--runs", id, "--quiet"]).expect(3);
        assert!(
            ended.stderr.contains(told) && ended.stdout.starts_with("stopped with 0 of 1 "),
            "{} {}",
            ended.stdout,
            ended.stderr
        );
        let runs = stopped_runs("sweeps/s/runs");
        let now = metrics(&runs[0]).len();
        assert!(now > recorded, "it resumes: {now} after {recorded}");
        recorded = now;
    }

    let figure = ["figure", "8", "--scale", "quick", "--out", "out", "--quiet"];
    let ended = limited(&snn, "-t 2", &figure).expect(3);
    assert!(
        ended.stderr.contains(told) && ended.stderr.contains("the same command resumes"),
        "{} {}",
        ended.stdout,
        ended.stderr
    );
    let runs = stopped_runs("out/runs");
    assert!(
        !runs.is_empty() && runs.iter().all(|run| run.join("checkpoints/last.safetensors").exists()),
        "{runs:?}"
    );
    let recorded: Vec<_> = runs.iter().map(|run| metrics(run).len()).collect();
    limited(&snn, "-t 3", &figure).expect(3);
    assert!(runs.iter().zip(recorded).any(|(run, before)| metrics(run).len() > before), "they resume");
}

#[cfg(target_os = "linux")]
#[test]
fn runs_that_exceed_memory_are_refused_with_numbers() {
    let snn = Snn::new();
    let begin = Instant::now();
    let wide = Snn::train(&["network.hidden=[60000, 60000]"], &["--run-dir", "run"]);
    snn.run(&[&wide[..], &["--set", "training.memory_limit=50"]].concat()).fails(
        2,
        &[
            "weights, moments, gradients and checkpoints 7",
            "50.0 GB (training.memory_limit)",
            "Lower network.hidden",
        ],
    );
    limited(&snn, "-v 4000000", &wide).fails(2, &["(`ulimit -v`)", "training.memory_limit"]);
    // The fused implementation needs memory for a few blocks of samples, the reference for the whole batch.
    let batch = Snn::train(
        &[
            "data.samples_per_class=1000",
            "training.batch_size=8000",
            "network.hidden=[4000]",
            "network.implementation=reference",
        ],
        &["--run-dir", "run"],
    );
    limited(&snn, "-v 4000000", &batch).fails(2, &["the traces of a batch", "Lower training.batch_size"]);
    let classes = ["train", "randman", "--set", "data.classes=65536", "--run-dir", "run"];
    limited(&snn, "-v 4000000", &classes).fails(2, &["the samples", "Lower data.classes"]);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert!(!snn.path("run").exists(), "nothing was started");
}

/// Of many classes, only the pairs that occur are written, and only the first names.
#[test]
fn many_classes_give_short_outputs() {
    let snn = Snn::new();
    let changes = [
        "data.classes=1500",
        "data.samples_per_class=2",
        "data.valid=1",
        "data.test=0",
        "data.inputs=1",
        "data.steps=1",
        "data.n_cutoff=1",
        "network.hidden=[1]",
        "training.epochs=1",
        "training.batch_size=100",
    ];
    let many = Snn::train(&changes, &["--run-dir", "run", "--quiet", "--threads", "1"]);
    snn.run(&many).expect(0);
    let evaluated = snn.run(&["eval", "run", "--split", "valid", "--json"]).expect(0).stdout;
    let evaluated: serde_json::Value = serde_json::from_str(&evaluated).unwrap();
    let counts = evaluated["confusion"]["counts"].as_array().unwrap();
    assert_eq!(counts.iter().map(|count| count[2].as_u64().unwrap()).sum::<u64>(), 1500);
    let shown = snn.run(&["data", "info", "run/config.toml"]).expect(0).stdout;
    assert!(shown.contains("and 1300 more (--json lists all)") && shown.lines().count() < 40, "{shown}");
}

/// A run that does not fit into memory is recorded as failed, and the others continue; so is a run whose data do not fit.
#[cfg(target_os = "linux")]
#[test]
fn a_sweep_continues_without_a_run_that_exceeds_memory() {
    let snn = Snn::new();
    let sweep = "base = \"randman\"\n[set]\ntraining.epochs = 1\ndata.samples_per_class = 30\ndata.classes = 2\n\
                 [[grid]]\nnetwork.hidden = [[20], [65536, 65536], [30]]\n[[grid]]\ndata.samples_per_class = [2000000000]\n";
    fs::write(snn.path("s.toml"), sweep).unwrap();
    for _ in 0..2 {
        limited(&snn, "-v 8000000", &["sweep", "run", "s.toml", "--quiet"]).fails(1, &[]);
        let told = snn.run(&["sweep", "status", "sweeps/s"]).expect(0).stdout;
        assert!(told.contains("2 done, 2 failed"), "{told}");
    }
    let told =
        limited(&snn, "-v 8000000", &["sweep", "run", "s.toml", "--retry", "--quiet"]).expect(1).stdout;
    assert!(told.contains("the samples") && told.contains("weights, moments, gradients"), "{told}");
}

#[test]
fn a_trainer_that_lost_its_lock_stops() {
    let snn = Snn::new();
    let arguments = Snn::train(ENDLESS, &["--run-dir", "run", "--resume", "--quiet"]);
    let first = start(&snn, &arguments);
    let run = snn.path("run");
    wait_for_epochs(&run);
    fs::remove_file(run.join("lock")).unwrap();
    let second = start(&snn, &arguments);
    end(first).fails(1, &["the lock of this run directory was removed", "run"]);
    wait_for(|| status(&run)["pid"] == second.id() && status(&run)["epoch"].as_u64() > Some(0));
    signal(&second, "-TERM");
    end(second).expect(3);
    assert_eq!(status(&run)["state"], "stopped", "the first one has not overwritten it");
    let epochs: Vec<_> = metrics(&run)
        .iter()
        .filter(|record| record["kind"] == "epoch")
        .map(|record| record["epoch"].as_u64().unwrap())
        .collect();
    assert!(epochs.iter().zip(1..).all(|(&epoch, expected)| epoch == expected), "each once: {epochs:?}");
}

#[test]
fn quiet_hides_progress_but_not_warnings() {
    let snn = Snn::new();
    let changes = ["training.epochs=2", "initialization.gain=0.1", "optimizer.learning_rate=1e-7"];
    let ended = snn.run(&Snn::train(&changes, &["--quiet", "--run-dir", "run"])).expect(0);
    assert!(ended.stderr.contains("warning: epoch 1: hidden layer 1 was silent"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("loss"), "{}", ended.stderr);
    // The preset enables the lower regularizer.
    assert!(
        ended.stderr.contains("lower regularizer, which is enabled")
            && !ended.stderr.contains("enable the lower"),
        "{}",
        ended.stderr
    );

    let changes = ["training.epochs=1", "data.tau_randman=1e-300"];
    let ended = snn.run(&Snn::train(&changes, &["--quiet", "--run-dir", "dense"])).expect(0);
    assert!(
        ended.stderr.contains("warning: data.tau_randman = 1e-300 ms puts all spikes into one step"),
        "{}",
        ended.stderr
    );
    assert_eq!(metrics(&snn.path("dense"))[0]["epoch"], 0, "it is recorded, before the first epoch");
}

#[test]
fn more_threads_than_cores_are_not_started() {
    let snn = Snn::new();
    let ended = snn
        .run(&Snn::train(&["training.epochs=1"], &["--threads", "5000", "--quiet", "--run-dir", "run"]))
        .expect(0);
    let cores = std::thread::available_parallelism().unwrap();
    assert!(
        ended.stderr.contains(&format!("--threads 5000 is more than the number of cores: using {cores}")),
        "{}",
        ended.stderr
    );
    let environment: serde_json::Value =
        serde_json::from_slice(&fs::read(snn.path("run/env.json")).unwrap()).unwrap();
    assert_eq!(environment["sessions"][0]["threads"], cores.get());
}

#[test]
fn failed_output_is_reported_as_such() {
    let snn = Snn::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = snn.command(&["presets", "randman"]).stdout(full).output().unwrap();
    Ended::from(output).fails(1, &["cannot write to standard output: No space left on device"]);
}

#[test]
fn invalid_settings_are_named() {
    let snn = Snn::new();
    for (change, words) in [
        ("optimizer.epsilon=1e-300", "optimizer.epsilon = 1e-300 is 0 in the 32-bit numbers"),
        ("network.threshold=1e300", "network.threshold = 1e300 is infinite"),
        ("network.tau_mem=1e300", "network.tau_mem = 1e300 ms has no effect"),
        ("training.seed=9223372036854775808", "from 0 to 9223372036854775807 (2^63 - 1); found"),
    ] {
        snn.run(&Snn::train(&[change], &["--run-dir", "run"])).fails(2, &[words]);
    }
    snn.run(&Snn::train(
        &["training.seed=9223372036854775807", "training.epochs=1"],
        &["--run-dir", "large", "-q"],
    ))
    .expect(0);
    let huge = ["initialization.gain=1e38", "readout.head=sum", "training.epochs=1"];
    let ended = snn.run(&Snn::train(&huge, &["--run-dir", "run", "-q"])).expect(1);
    assert!(
        ended.stderr.contains("lower initialization.gain") && !ended.stderr.contains("learning_rate"),
        "{}",
        ended.stderr
    );
}

/// Printed commands can be run.
#[test]
fn printed_commands_work() {
    let snn = Snn::new();
    for (run, changes) in [
        ("a b", &["data.test=0"][..]),
        ("$(touch x)", &[]),
        ("it's", &["data.test=0", "data.valid=0", "training.selection=last"]),
    ] {
        let changes = [&["training.epochs=1"], changes].concat();
        let told = snn.run(&Snn::train(&changes, &["--run-dir", run, "-q"])).expect(0).stdout;
        let command = told.lines().find_map(|line| line.strip_prefix("evaluate  snn ")).unwrap();
        let script = format!("\"$0\" {command}");
        let mut typed = Command::new("sh");
        typed.args(["-c", &script, env!("CARGO_BIN_EXE_snn")]);
        let typed = typed.current_dir(snn.directory.path()).output().unwrap();
        Ended::from(typed).expect(0);
        assert!(!snn.path("x").exists());
    }
    assert_same(&snn.path("a b"), &snn.path("a b"));
}
