//! Screens printed once, as text.

#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

use std::{fs, path::Path, process::Command};

fn write_run(runs: &Path, number: usize) {
    let run = runs.join(format!("randman-{number:012x}"));
    fs::create_dir_all(&run).unwrap();
    let config = format!(
        "[data]\nname = \"randman\"\n[optimizer]\nlearning_rate = {}\n[initialization]\nseed = {}\n",
        0.01 * (1 + number / 10) as f64,
        number % 10
    );
    fs::write(run.join("config.toml"), config).unwrap();
    fs::write(run.join("status.json"), r#"{"version":1,"state":"done","epoch":1,"epochs":1}"#).unwrap();
    fs::write(run.join("metrics.jsonl"), "{\"version\":1,\"kind\":\"epoch\",\"epoch\":1}\n").unwrap();
}

/// A printed list contains all runs with names and verdicts, even if a terminal would show fewer.
#[test]
fn every_run_of_a_long_list_is_named_and_diagnosed() {
    let runs = tempfile::tempdir().unwrap();
    (0..120).for_each(|number| write_run(runs.path(), number));
    let written = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_snn-tui"))
            .arg(runs.path())
            .args(["--once", "--marker", "ascii", "--color", "never"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let list = written(&[]);
    assert_eq!(list.lines().filter(|line| line.contains(" done ")).count(), 120, "{list}");
    assert!(
        !list.contains(" ... ") && list.contains(" lr .01 s0 ") && list.contains(" lr .12 s9 "),
        "{list}"
    );
    let reversed = written(&["--sort", "-lr", "--size", "80x24"]);
    assert!(reversed.lines().nth(3).unwrap().contains(" lr .12 s0 "), "{reversed}");
}
