//! The output of `snn` and its field names, on which scripts rely.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is a test outside of a test function")]

mod common;

use std::fs;

use common::{Snn, results};
use serde_json::Value;
use snn_train::{
    Experiment,
    run::{self, Record, RecordedState, RunDir},
};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[track_caller]
fn assert_fields(value: &Value, fields: &[&str]) {
    let mut found: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let mut fields = fields.to_vec();
    found.sort_unstable();
    fields.sort_unstable();
    assert_eq!(found, fields);
}

#[test]
fn train_prints_the_result_and_the_run_directory() {
    let snn = Snn::new();
    let ended = snn.run(&Snn::train(&["training.epochs=2"], &[])).expect(0);
    let runs = run::list(snn.path("runs")).unwrap();
    let [run] = &runs[..] else { panic!("{runs:?}") };
    assert!(run.id().starts_with("randman-2"), "{}", run.id());
    assert!(ended.stdout.starts_with("test accuracy "), "{}", ended.stdout);
    for words in
        [&format!("run       runs/{}", run.id()), "watch     snn-tui runs", "evaluate  snn eval runs/"]
    {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    // Not a terminal: one line per epoch.
    let lines: Vec<_> = ended.stderr.lines().filter(|line| line.starts_with("epoch ")).collect();
    assert_eq!(lines.len(), 2, "{}", ended.stderr);
    assert!(lines[1].starts_with("epoch 2/2 loss ") && lines[1].contains("valid "), "{}", lines[1]);

    let status = run.status().unwrap();
    assert_eq!((status.state, status.epoch, status.epochs, status.batches), (RecordedState::Done, 2, 2, 16));
    assert!((status.progress() - 1.0).abs() < 1e-12);
    let environment = run.environment().unwrap();
    assert_eq!(environment.sessions.len(), 1);
    assert!(environment.sessions[0].threads > 0 && !environment.sessions[0].instruction_set.is_empty());
    assert!(environment.sessions[0].command.contains(&"randman".to_owned()));
    let config = Experiment::load(run.path().join("config.toml")).unwrap();
    assert_eq!((config.training.epochs, &config.network.hidden[..]), (2, &[30][..]));
    assert_eq!(run.config().unwrap()["training"]["epochs"].as_integer(), Some(2));
    let kinds = run.records().unwrap();
    assert!(matches!(kinds[..], [Record::Epoch(_), Record::Epoch(_), Record::Test(_)]), "{kinds:?}");

    // The stored experiment repeats the run.
    let config = run.path().join("config.toml");
    snn.run(&["train", config.to_str().unwrap(), "--quiet", "--run-dir", "again"]).expect(0);
    assert_eq!(results(&snn.path("again")), results(run.path()));
}

#[test]
fn train_and_eval_as_json() {
    let snn = Snn::new();
    let ended =
        snn.run(&Snn::train(&["training.epochs=2"], &["--json", "--quiet", "--run-dir", "run"])).expect(0);
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
    let lines: Vec<_> = ended.stdout.lines().map(json).collect();
    assert_eq!(
        lines.iter().map(|line| line["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["epoch", "epoch", "test", "result"]
    );
    assert_fields(
        &lines[0],
        &[
            "version",
            "kind",
            "epoch",
            "step",
            "time",
            "train",
            "valid",
            "best",
            "layers",
            "learning_rate",
            "gradient_norms",
            "seconds",
        ],
    );
    assert_fields(&lines[0]["train"], &["loss", "cross_entropy", "regularization", "accuracy"]);
    assert_fields(&lines[0]["layers"][0], &["spikes", "silent", "saturated"]);
    assert_fields(
        &lines[0]["seconds"],
        &["data", "forward", "backward", "update", "validation", "checkpoint"],
    );
    assert_fields(&lines[0]["gradient_norms"], &["W1", "V1", "Wout"]);
    assert_fields(
        &lines[3],
        &[
            "version", "kind", "state", "run", "epoch", "best", "test", "verdict", "detail", "remedy",
            "command",
        ],
    );
    assert_fields(&lines[3]["best"], &["epoch", "accuracy", "loss"]);
    assert_eq!(lines[3]["state"], "done");

    let test = json(&snn.run(&["eval", "run", "--json"]).expect(0).stdout);
    assert_fields(
        &test,
        &[
            "version",
            "kind",
            "run",
            "split",
            "classes",
            "checkpoint",
            "epoch",
            "samples",
            "loss",
            "cross_entropy",
            "regularization",
            "accuracy",
            "layers",
            "confusion",
        ],
    );
    assert_eq!(test["accuracy"], lines[2]["accuracy"], "training reports the stored values");
    assert_eq!(test["loss"], lines[2]["loss"]);
    let valid = json(
        &snn.run(&["eval", "run", "--split", "valid", "--checkpoint", "last", "--json"]).expect(0).stdout,
    );
    assert_eq!(valid["loss"], lines[1]["valid"]["loss"]);
    assert_eq!(valid["accuracy"], lines[1]["valid"]["accuracy"]);
    let text = snn.run(&["eval", "run"]).expect(0).stdout;
    assert!(text.starts_with("test accuracy ") && text.contains("hidden layer 1: "), "{text}");
}

#[test]
fn presets_are_listed_shown_and_documented() {
    let snn = Snn::new();
    assert!(snn.run(&["presets"]).expect(0).stdout.starts_with("randman "));
    let shown = snn.run(&["presets", "randman"]).expect(0).stdout;
    fs::write(snn.path("shown.toml"), &shown).unwrap();
    assert_eq!(Experiment::load(snn.path("shown.toml")).unwrap(), Experiment::preset("randman").unwrap());
    let keys = snn.run(&["presets", "--keys"]).expect(0).stdout;
    assert!(
        keys.contains("[optimizer]\n  name ") && keys.contains("\n  learning_rate        Learning rate.\n"),
        "{keys}"
    );
    let keys = json(&snn.run(&["presets", "--keys", "--json"]).expect(0).stdout);
    assert_fields(&keys[0], &["key", "help", "values", "unit", "default", "data_sets"]);
    let list = json(&snn.run(&["presets", "--json"]).expect(0).stdout);
    assert_fields(&list[0], &["name", "about"]);
    let preset = json(&snn.run(&["presets", "randman", "--json"]).expect(0).stdout);
    assert_eq!(preset["training"]["epochs"], 50);
    snn.run(&["presets", "randmann"]).fails(2, &["did you mean `randman`?"]);
}

#[test]
fn silence_is_a_warning() {
    let snn = Snn::new();
    let changes = ["training.epochs=3", "regularizer.lower_strength=0", "initialization.gain=0.1"];
    let ended = snn.run(&Snn::train(&changes, &["--run-dir", "run"])).expect(0);
    assert!(ended.stderr.contains("warning: epoch 1: hidden layer 1 was silent"), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("warning").count(), 2, "before training, and once of all epochs");
    let records = RunDir::open(snn.path("run")).unwrap().records().unwrap();
    let warnings = records.iter().filter(|record| matches!(record, Record::Warning(_)));
    assert_eq!(warnings.count(), 1 + 3, "before training, and of every epoch");
}

#[test]
fn watching_needs_a_terminal() {
    let snn = Snn::new();
    snn.run(&["train", "randman", "--watch", "--run-dir", "run"])
        .fails(2, &["--watch needs a terminal", "snn-tui"]);
    assert!(!snn.path("run").exists(), "nothing was started");
    snn.run(&["train", "randman", "--watch", "--json"]).fails(2, &["--json"]);
}

#[test]
fn completions_and_man_pages_cover_every_command() {
    let snn = Snn::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = snn.run(&["completions", shell]).expect(0).stdout;
        assert!(script.contains("allow-other-data"), "{shell} has no options");
        // Escaping of control characters must not change completion scripts; fish uses `\\t` itself.
        assert!(!script.contains("\\u00") && (shell == "fish" || !script.contains("\\t")), "{shell}");
    }
    snn.run(&["man", "deep/man1"]).expect(0);
    for page in ["snn", "snn-train", "snn-sweep-run", "snn-data-info"] {
        let text = fs::read_to_string(snn.path("deep/man1").join(format!("{page}.1"))).unwrap();
        assert!(text.contains(".SH SYNOPSIS") && text.contains(&format!(".TH {page}")), "{page}: {text}");
    }
    snn.run(&["man", "deep/man1/snn.1/below"]).fails(1, &["cannot create deep/man1/snn.1/below"]);
}
