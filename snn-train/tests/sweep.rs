//! `snn sweep`: its output, and stopped or killed sweeps.
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::{
    fs::{self, File},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::{Snn, assert_same, status};
use serde_json::Value;

const SWEEP: &str = r#"
base = "randman"
[set]
data.classes = 2
data.samples_per_class = 100
network.hidden = [20]
initialization.gain = 6.0
training.batch_size = 16
training.epochs = 30
[[grid]]
optimizer.learning_rate = [0.01, 0.03]
[seeds]
values = [0, 1]
"#;

fn last(text: &str) -> Value {
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[test]
fn a_sweep_is_planned_trained_summarized_and_reused() {
    let snn = Snn::new();
    fs::write(snn.path("rates.toml"), SWEEP).unwrap();
    let plan = last(&snn.run(&["sweep", "plan", "rates.toml", "--json"]).expect(0).stdout);
    assert_eq!((plan["runs"].as_u64(), plan["done"].as_u64()), (Some(4), Some(0)));
    assert_eq!((plan["kinds"].as_u64(), plan["kinds_measured"].as_u64()), (Some(1), Some(1)));
    assert!(plan["computing_seconds"].as_f64().unwrap() > 0.0);

    let ended = snn.run(&["sweep", "run", "sweeps/rates", "--json", "--quiet"]).expect(0);
    assert_eq!(ended.stdout.lines().count(), 5, "{}", ended.stdout);
    let outcome = last(&ended.stdout);
    assert_eq!((outcome["done"].as_u64(), outcome["reused"].as_u64()), (Some(4), Some(0)));
    let again = last(&snn.run(&["sweep", "run", "rates.toml", "--json"]).expect(0).stdout);
    assert_eq!((again["done"].as_u64(), again["reused"].as_u64()), (Some(4), Some(4)));

    let status = last(&snn.run(&["sweep", "status", "sweeps/rates", "--json"]).expect(0).stdout);
    assert_eq!(status["groups"].as_array().unwrap().len(), 2);
    assert_eq!(status["groups"][0]["test_accuracy"]["n"], 2);
    let csv = fs::read_to_string(snn.path("sweeps/rates/results.csv")).unwrap();
    assert!(
        csv.starts_with("id,optimizer.learning_rate,initialization.seed,training.seed,state,epoch,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 5);
    assert_eq!(status["groups"][0]["with_lost_classes"], 0);
    assert_eq!(fs::read_to_string(snn.path("sweeps/rates/groups.csv")).unwrap().lines().count(), 3);
    let json: Value =
        serde_json::from_slice(&fs::read(snn.path("sweeps/rates/results.json")).unwrap()).unwrap();
    assert_eq!(
        (json["results"]["rows"].as_array().unwrap().len(), json["groups"].as_array().unwrap().len()),
        (4, 2)
    );
    for row in json["results"]["rows"].as_array().unwrap() {
        let (gain, valid) = (row["late_gain"].as_f64().unwrap(), row["valid_accuracy"].as_f64().unwrap());
        assert!(gain >= 0.0 && gain < valid, "{row}");
        assert_eq!(row["lost_classes"], 0, "{row}");
    }
    snn.run(&["sweep", "status", "elsewhere"]).fails(2, &["no sweep here"]);
}

#[test]
fn a_stopped_or_killed_sweep_resumes_bit_for_bit() {
    let snn = Snn::new();
    fs::write(snn.path("rates.toml"), SWEEP).unwrap();
    snn.run(&["sweep", "plan", "rates.toml", "--no-measure", "--dir", "whole"]).expect(0);
    snn.run(&["sweep", "run", "whole", "--quiet"]).expect(0);
    snn.run(&["sweep", "plan", "rates.toml", "--no-measure", "--dir", "broken"]).expect(0);
    for (signal, code) in [("-INT", Some(3)), ("-KILL", None)] {
        let mut child = snn
            .command(&["sweep", "run", "broken", "--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        let epochs = || -> usize {
            let runs = fs::read_dir(snn.path("broken/runs")).unwrap().flatten();
            runs.filter_map(|run| fs::read_to_string(run.path().join("metrics.jsonl")).ok())
                .map(|text| text.lines().count())
                .sum()
        };
        let before = epochs();
        while epochs() < before + 3 {
            assert!(begin.elapsed() < Duration::from_secs(60), "the sweep does not start");
            sleep(Duration::from_millis(2));
        }
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), code, "{signal}");
    }
    snn.run(&["sweep", "run", "broken", "--quiet"]).expect(0);
    for run in fs::read_dir(snn.path("whole/runs")).unwrap().flatten() {
        let other = snn.path("broken/runs").join(run.file_name());
        assert_same(&other, &run.path());
        assert_eq!(status(&other)["state"], "done");
    }
}

#[test]
fn a_failed_run_is_reported_and_retried() {
    let snn = Snn::new();
    fs::write(snn.path("rates.toml"), SWEEP.replace("[0.01, 0.03]", "[1e300, 0.01]")).unwrap();
    let plan = last(&snn.run(&["sweep", "plan", "rates.toml", "--json"]).expect(0).stdout);
    assert!(
        plan["computing_seconds"].as_f64().unwrap() > 0.0,
        "measured on a run that does not diverge: {plan}"
    );
    fs::write(snn.path("hopeless.toml"), SWEEP.replace("[0.01, 0.03]", "[1e300]")).unwrap();
    let plan = last(&snn.run(&["sweep", "plan", "hopeless.toml", "--json"]).expect(0).stdout);
    assert!(plan["computing_seconds"].is_null() && plan["kinds_measured"] == 0, "{plan}");
    let ended = snn.run(&["sweep", "run", "rates.toml", "--quiet"]).expect(1);
    assert!(
        ended.stdout.contains("2 done, 2 failed") && ended.stdout.contains("diverged"),
        "{}",
        ended.stdout
    );
    let retry = last(&snn.run(&["sweep", "retry", "sweeps/rates", "--json"]).expect(0).stdout);
    assert_eq!(retry["runs"].as_array().unwrap().len(), 2);
    let status = last(&snn.run(&["sweep", "status", "sweeps/rates", "--json"]).expect(0).stdout);
    assert_eq!((status["failed"].as_u64(), status["stopped"].as_u64()), (Some(0), Some(2)), "{status}");
    let words = ["running", "stalled", "pending", "failed", "damaged", "stopped", "done", "unknown"];
    let counted: u64 = words.iter().map(|word| status[word].as_u64().unwrap()).sum();
    assert_eq!(status["runs"].as_u64(), Some(counted), "every run is in one state: {status}");
    assert!(status["interrupted"].is_null(), "one word for two states");
}

/// A run that runs out of memory and ends its process, despite the memory estimate: the others finish first; after three
/// attempts, the run has failed; `retry` allows more attempts.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_always_crashes_fails_and_the_others_continue() {
    let snn = Snn::new();
    let sweep = "base = \"randman\"\n[set]\ntraining.epochs = 1\ndata.samples_per_class = 20\ndata.classes = 2\n\
                 training.memory_limit = 1e6\n[[grid]]\nnetwork.hidden = [[20], [40000, 40000], [30]]\n";
    fs::write(snn.path("s.toml"), sweep).unwrap();
    let run = |more: &str| {
        let command = format!(
            "ulimit -v 4000000; exec {} sweep run s.toml --jobs 1 --quiet {more}",
            env!("CARGO_BIN_EXE_snn")
        );
        let mut command_line = Command::new("sh");
        command_line.args(["-c", &command]).current_dir(snn.directory.path()).stdin(Stdio::null());
        command_line.output().unwrap()
    };
    let told = || snn.run(&["sweep", "status", "sweeps/s"]).expect(0).stdout;
    for death in 1..=3 {
        assert_eq!(run("").status.code(), None, "{}", told());
        if death > 1 {
            assert!(told().contains("2 done"), "the others are done first: {}", told());
        }
    }
    for _ in 0..2 {
        assert_eq!(run("").status.code(), Some(1), "{}", told());
        let told = told();
        assert!(told.contains("2 done, 1 failed") && told.contains("killed or crashed 3 times"), "{told}");
        assert!(told.contains("snn sweep retry"), "{told}");
    }
    let retry = last(&snn.run(&["sweep", "retry", "sweeps/s", "--json"]).expect(0).stdout);
    assert_eq!(retry["runs"].as_array().unwrap().len(), 1);
    assert_eq!(run("").status.code(), None, "it is tried again");
    assert!(!told().contains("failed"), "{}", told());
}

#[test]
fn a_sweep_with_runs_in_another_process_is_not_done() {
    let snn = Snn::new();
    let quick = SWEEP.replace("epochs = 30", "epochs = 1").replace("[0.01, 0.03]", "[0.01]");
    fs::write(snn.path("rates.toml"), quick).unwrap();
    snn.run(&["sweep", "plan", "rates.toml", "--no-measure"]).expect(0);
    let plan: Value =
        serde_json::from_slice(&fs::read(snn.path("sweeps/rates/manifest.json")).unwrap()).unwrap();
    let run = snn.path("sweeps/rates/runs").join(plan["points"][0]["id"].as_str().unwrap());
    fs::create_dir_all(&run).unwrap();
    let lock = File::create(run.join("lock")).unwrap();
    lock.lock().unwrap();
    let ended = last(&snn.run(&["sweep", "run", "sweeps/rates", "--json", "--quiet"]).expect(3).stdout);
    assert_eq!((&ended["state"], &ended["busy"], &ended["done"]), (&"busy".into(), &1.into(), &1.into()));
    let ended = snn.run(&["sweep", "run", "sweeps/rates", "--quiet"]).expect(3);
    assert!(ended.stdout.contains("busy      1 of them in another process"), "{}", ended.stdout);
    lock.unlock().unwrap();
    let ended = last(&snn.run(&["sweep", "run", "sweeps/rates", "--json", "--quiet"]).expect(0).stdout);
    assert_eq!((&ended["state"], &ended["done"]), (&"done".into(), &2.into()));
}

#[test]
fn a_plan_that_drops_runs_reports_it() {
    let snn = Snn::new();
    let quick = SWEEP.replace("epochs = 30", "epochs = 1").replace("[0.01, 0.03]", "[0.01]");
    for (folder, text) in [("x", &quick), ("y", &quick.replace("[0.01]", "[0.02, 0.03, 0.04]"))] {
        fs::create_dir(snn.path(folder)).unwrap();
        fs::write(snn.path(folder).join("a.toml"), text).unwrap();
    }
    let plan = |file: &str| snn.run(&["sweep", "plan", file, "--no-measure", "--json"]).expect(0);
    assert_eq!(plan("x/a.toml").stderr, "");
    snn.run(&["sweep", "run", "x/a.toml", "--quiet"]).expect(0);
    let other = plan("y/a.toml");
    assert!(
        other.stderr.starts_with("note: not in this plan: 2 runs of the previous one, 2 done"),
        "{}",
        other.stderr
    );
    let json = last(&other.stdout);
    assert_eq!((&json["runs"], &json["left_out"], &json["left_out_done"]), (&6.into(), &2.into(), &2.into()));
    // The extended plan drops no run, and finished runs are reused.
    fs::write(snn.path("x/a.toml"), quick.replace("[0.01]", "[0.01, 0.02, 0.03, 0.04]")).unwrap();
    let extended = plan("x/a.toml");
    assert_eq!((extended.stderr.as_str(), &last(&extended.stdout)["done"]), ("", &2.into()));
    fs::write(snn.path("x/a.toml"), &quick).unwrap();
    let ended = snn.run(&["sweep", "run", "x/a.toml", "--quiet"]).expect(0);
    assert!(
        ended.stderr.contains("note: not in this plan: 6 runs of the previous one, 0 done"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_run_of_another_experiment_is_named_with_the_reason() {
    let snn = Snn::new();
    fs::write(snn.path("one.toml"), "base = \"randman\"").unwrap();
    snn.run(&["sweep", "plan", "one.toml", "--no-measure"]).expect(0);
    let plan: Value =
        serde_json::from_slice(&fs::read(snn.path("sweeps/one/manifest.json")).unwrap()).unwrap();
    let run = snn.path("sweeps/one/runs").join(plan["points"][0]["id"].as_str().unwrap());
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join("config.toml"), "surrogate.beta = 3").unwrap();
    let ended = snn.run(&["sweep", "run", "sweeps/one", "--quiet"]).expect(1);
    assert!(ended.stdout.contains("but the run was started with 3.0"), "{}", ended.stdout);
    assert_eq!(fs::read_to_string(run.join("config.toml")).unwrap(), "surrogate.beta = 3");
}
