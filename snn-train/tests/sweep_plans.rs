//! Modified sweep plans, and sweep files whose errors are expensive to detect.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use common::Snn;
use serde_json::{Value, json};
use snn_train::{Error, sweep::SweepDir};

const SWEEP: &str = r#"
base = "randman"
[set]
data.samples_per_class = 20
training.epochs = 1
[[grid]]
optimizer.learning_rate = [0.01, 0.03]
"#;

fn change(sweep: &Path, change: impl FnOnce(&mut Value)) {
    let path = sweep.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(path, manifest.to_string()).unwrap();
}

#[test]
fn invalid_plans_are_refused() {
    let snn = Snn::new();
    fs::write(snn.path("rates.toml"), SWEEP).unwrap();
    snn.run(&["sweep", "plan", "rates.toml"]).expect(0);
    let sweep = snn.path("sweeps/rates");
    let plan = fs::read(sweep.join("manifest.json")).unwrap();
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 7] = [
        (|plan| plan["points"][1]["id"] = json!("../../elsewhere"), "not a plain directory name"),
        (
            |plan| plan["points"][1]["id"] = json!("randman-0123456789ab"),
            "its settings are those of randman-",
        ),
        (|plan| plan["points"][1]["id"] = plan["points"][0]["id"].clone(), "it is listed twice"),
        (
            |plan| plan["points"][1]["settings"]["optimizer.learning_rate"] = json!(0.5),
            "its settings are those of",
        ),
        (
            |plan| plan["points"][1]["settings"]["optimizer.learning_rate"] = json!(-1),
            "are not a valid experiment",
        ),
        (|plan| plan["points"][1]["settings"]["optimizer.rate"] = json!(1), "are not a valid experiment"),
        // The settings of the base are checked, too.
        (|plan| plan["base"]["surrogate"]["beta"] = json!(77.0), "its settings are those of"),
    ];
    for (number, (damage, expected)) in changes.into_iter().enumerate() {
        fs::write(sweep.join("manifest.json"), &plan).unwrap();
        change(&sweep, damage);
        let error = SweepDir::open(&sweep).unwrap_err();
        assert!(matches!(error, Error::Files(snn_run::Error::ForeignPoint { .. })), "{number}: {error}");
        for command in ["run", "status", "retry", "submit"] {
            snn.run(&["sweep", command, "sweeps/rates"]).fails(1, &[expected, "plan the sweep again"]);
        }
        assert!(!snn.path("elsewhere").exists());
        assert_eq!(fs::read_dir(sweep.join("runs")).map_or(0, Iterator::count), 0, "nothing is trained");
    }
    fs::write(sweep.join("manifest.json"), &plan).unwrap();
    snn.run(&["sweep", "run", "sweeps/rates", "--quiet"]).expect(0);
}

#[test]
fn costly_mistakes_are_found_early() {
    let snn = Snn::new();
    let many = "data.seed = { linear = [0, 99], points = 100 }\ninitialization.gain = { linear = [1, 10], points = 99 }\n";
    let head = "base = \"randman\"\n[[grid]]\n";
    let cases = [
        // More runs than a sweep allows.
        format!("{head}{many}surrogate.beta = {{ linear = [1, 9], points = 10000 }}\n"),
        // The last value of the last axis is invalid.
        format!("{head}{many}surrogate.beta = [1, 2, 3, 4, -5]\n"),
        format!("{head}{many}surrogate.beta = [1, 2, 3, 4, \"x\"]\n"),
        format!("{head}{many}training.batch_size = [10, 100000000]\ndata.steps = [1, 1000]\n"),
        format!("{head}{many}surrogate.betta = [1, 2, 3, 4]\n"),
        format!("{head}{many}[select]\nby = [\"surrogate.beta\"]\n"),
        format!("{head}{many}[seeds]\nvalues = [0, 1, 2]\nkeys = [\"training.nothing\"]\n"),
    ];
    for (number, case) in cases.iter().enumerate() {
        let name = format!("{number}.toml");
        fs::write(snn.path(&name), case).unwrap();
        let begin = Instant::now();
        let ended = snn.run(&["sweep", "plan", &name]).expect(2);
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?} for {number}: {}", ended.stderr);
        assert!(!ended.stderr.is_empty());
    }
}
