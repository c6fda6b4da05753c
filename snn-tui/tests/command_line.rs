//! The program without a terminal: several directories, shell completions, the man page, errors in arguments.

#![allow(clippy::unwrap_used, reason = "test helpers fail like tests")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../snn-train/snn-run/tests/fixtures").join(name)
}

fn run(arguments: &[&str], paths: &[PathBuf]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_snn-tui")).args(arguments).args(paths).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn names_of_runs_in_several_directories_are_unique() {
    let paths = ["runs", "sweep", "sweep/runs", "slopes.toml"].map(fixture);
    let json: serde_json::Value = serde_json::from_str(&said(&run(&["--json"], &paths))).unwrap();
    let runs = json.as_array().unwrap();
    let names: BTreeSet<&str> = runs.iter().map(|run| run["run"].as_str().unwrap()).collect();
    assert_eq!((runs.len(), names.len()), (8, 8), "{names:?}");
    assert!(
        names.contains("fixtures/runs/done") && names.contains("sweep/runs/randman-27a595a5a833"),
        "{names:?}"
    );
    let text = said(&run(&["--once", "--size", "120x30", "--run", "fixtures/runs/failed"], &paths));
    assert!(text.contains("8 runs") && text.contains("fixtures/runs/failed"), "{text}");
}

#[test]
fn completions_and_the_man_page_are_written() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&run(&["--completions", shell], &[]));
        assert!(script.contains("notify"), "{shell}");
        assert!(!script.contains("\\u00"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("deep/man1");
    said(&run(&["--man"], std::slice::from_ref(&pages)));
    let page = fs::read_to_string(pages.join("snn-tui.1")).unwrap();
    assert!(page.contains(".TH snn-tui") && page.contains("notify"), "{page}");
}

#[test]
fn errors_in_arguments_list_the_valid_values() {
    for (arguments, words) in [
        (&["--once", "--mark", "dune"][..], &["`dune`", "known: done"][..]),
        (&["--once", "--run", "done", "--epoch", "9"], &["probes of epochs 0, 1, 2, 3"]),
        (&["--once", "--metric", "acuracy"], &["known: accuracy"]),
        (&["--once", "--filter", "best>=95"], &["best>=0.95"]),
    ] {
        let output = run(arguments, &[fixture("runs")]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty() && words.iter().all(|word| errors.contains(word)), "{errors}");
    }
}
