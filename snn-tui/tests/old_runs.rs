//! Every screen opens runs and a sweep written by commit 770df81.

#![allow(clippy::unwrap_used, reason = "test helpers fail like tests")]

use std::{path::PathBuf, process::Command};

use serde_json::Value;

fn look(arguments: &[&str], fixture: &str) -> String {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../snn-train/snn-run/tests/fixtures");
    let output = Command::new(env!("CARGO_BIN_EXE_snn-tui"))
        .args(arguments)
        .arg(fixtures.join(fixture))
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn as_json() {
    let runs: Value = serde_json::from_str(&look(&["--json"], "runs")).unwrap();
    let of = |id: &str| runs.as_array().unwrap().iter().find(|run| run["run"] == id).unwrap().clone();
    assert_eq!(of("done")["state"], "done");
    assert_eq!(of("stopped")["state"], "stopped");
    assert_eq!((&of("failed")["state"], &of("failed")["error"]), (&"failed".into(), &Value::Null));
    assert_eq!(of("done")["last_epoch"]["epoch"], 3);
}

#[test]
fn on_every_screen() {
    for (screen, words) in [
        ("runs", &["done", "failed", "stopped", "super-spike"][..]),
        ("curves", &["loss", "accuracy"]),
        ("activity", &["layer 1", "epoch 3"]),
        ("learning", &["W1", "V2", "Wout"]),
        ("system", &["done"]),
    ] {
        let arguments =
            ["--once", "--screen", screen, "--run", "done", "--size", "120x40", "--color", "never"];
        let text = look(&arguments, "runs");
        assert!(words.iter().all(|word| text.contains(word)), "{screen}: {words:?} in\n{text}");
    }
    let text = look(&["--once", "--screen", "sweep", "--size", "100x30", "--color", "never"], "sweep");
    assert!(text.contains("2 of 2 runs") && text.contains("beta"), "{text}");
}
