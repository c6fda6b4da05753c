//! Runs and a sweep from commit 770df81 work in every command, and resume.

#![allow(clippy::unwrap_used, reason = "test helpers fail as tests do")]

mod common;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

use common::Snn;
use serde_json::Value;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snn-run/tests/fixtures")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// A copy of the fixture runs, with old modification times.
fn runs() -> Snn {
    let snn = Snn::new();
    copy(&fixtures().join("runs"), &snn.path("runs"));
    for run in fs::read_dir(snn.path("runs")).unwrap() {
        let status = File::options().write(true).open(run.unwrap().path().join("status.json")).unwrap();
        status.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    snn
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn old_runs_are_listed_evaluated_and_exported() {
    let snn = runs();
    let listed = json(&snn.run(&["runs", "--json"]).expect(0).stdout);
    let states: BTreeMap<_, _> = listed["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["id"].as_str().unwrap(), run["state"].as_str().unwrap()))
        .collect();
    let expected = [("done", "done"), ("failed", "failed"), ("killed", "stalled"), ("stopped", "stopped")];
    assert_eq!(states, expected.into());

    let test = json(&snn.run(&["eval", "runs/done", "--json"]).expect(0).stdout);
    let status = json(&fs::read_to_string(snn.path("runs/done/status.json")).unwrap());
    assert_eq!(test["accuracy"], status["test_accuracy"]);
    let csv = snn.run(&["export", "runs/done", "--format", "csv"]).expect(0).stdout;
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(csv.starts_with("epoch,step,time,best,gradient_norms.V1,"), "{csv}");
    let all = json(&snn.run(&["export", "runs/done", "--format", "json"]).expect(0).stdout);
    assert_eq!(all["records"].as_array().unwrap().iter().filter(|it| it["kind"] == "epoch").count(), 3);
    snn.run(&["export", "runs/done", "--format", "safetensors", "--out", "weights"]).expect(0);
}

#[test]
fn unfinished_old_runs_resume() {
    let snn = runs();
    for run in ["runs/killed", "runs/stopped"] {
        snn.run(&["train", "--resume", "--run-dir", run, "--set", "training.epochs=4", "--quiet"]).expect(0);
        let status = json(&fs::read_to_string(snn.path(run).join("status.json")).unwrap());
        assert_eq!((&status["state"], &status["epoch"]), (&"done".into(), &4.into()), "{run}");
    }
}

#[test]
fn an_old_sweep_is_done_and_its_file_plans_the_same_runs() {
    let snn = Snn::new();
    copy(&fixtures().join("sweep"), &snn.path("sweeps/slopes"));
    // The preset's initial weights have changed since; the printed gain gives the old ones.
    let file = fs::read_to_string(fixtures().join("slopes.toml")).unwrap();
    let file = file.replace("[set]\n", "[set]\ninitialization.gain = 1.0\n");
    fs::write(snn.path("slopes.toml"), file).unwrap();
    let status = json(&snn.run(&["sweep", "status", "sweeps/slopes", "--json"]).expect(0).stdout);
    assert_eq!((&status["runs"], &status["done"]), (&2.into(), &2.into()));
    let ended = snn.run(&["sweep", "run", "slopes.toml", "--json", "--quiet"]).expect(0).stdout;
    let ended = json(ended.lines().last().unwrap());
    assert_eq!((&ended["done"], &ended["reused"]), (&2.into(), &2.into()), "nothing is trained again");
}

/// The name of a run is derived from its settings: with other names, a sweep would not find its existing runs. All initial
/// weights use the printed gain, which presets may change.
#[test]
fn runs_on_every_data_set_keep_their_names() {
    let snn = Snn::new();
    for (base, id) in [
        ("\"randman\"", "randman-ec3dd1bca299"),
        ("\"randman-recurrent\"", "randman-fb5418939e0d"),
        ("\"mnist\"", "mnist-33b3d08c84e3"),
        ("\"shd\"", "shd-3ba4d648d0b1"),
        ("\"rawhd\"", "heidelberg-c52c4e82b09f"),
        ("\"rawsc-recurrent\"", "speech_commands-54d743e8bf1a"),
        ("\"fsdd\"", "fsdd-c52c4e82b09f"),
        ("\"speech_commands_ten_words\"", "speech_commands_ten_words-c52c4e82b09f"),
        ("{ data = { name = \"folder\" } }", "folder-6fa970e82c8a"),
        ("{ data = { name = \"spikes\" } }", "spikes-6fa970e82c8a"),
    ] {
        let steps = if base.starts_with('"') { "data.steps = [33]\n" } else { "" };
        let text = format!(
            "base = {base}\n[[grid]]\nsurrogate.beta = [5.0]\n{steps}data.dt = [3.0]\ninitialization.gain = [1.0]\n"
        );
        fs::write(snn.path("sweep.toml"), text).unwrap();
        snn.run(&["sweep", "plan", "sweep.toml", "--no-measure", "--dir", "plan"]).expect(0);
        let plan = json(&fs::read_to_string(snn.path("plan/manifest.json")).unwrap());
        assert_eq!(plan["points"][0]["id"], id, "{base}");
    }
}
