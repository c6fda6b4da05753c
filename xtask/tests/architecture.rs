//! The dependencies between crates, and forbidden transitive dependencies.

#![allow(clippy::expect_used, reason = "tests fail by panicking, in their helpers too")]

use std::{collections::BTreeMap, env, path::Path, process::Command};

use serde_json::Value;

/// The allowed dependencies; `snn-tests` may depend on all crates, and the tests of all crates on `snn-test-support`.
const ARROWS: &[(&str, &[&str])] = &[
    ("xtask", &["snn-terminal"]),
    ("snn-fetch", &["snn-catalog", "snn-terminal"]),
    ("snn-tui", &["snn-plot", "snn-run", "snn-terminal"]),
    ("snn-train", &["snn-core", "snn-data", "snn-plot", "snn-run", "snn-terminal"]),
    ("snn-plot", &[]),
    ("snn-run", &[]),
    ("snn-terminal", &[]),
    ("snn-core", &[]),
    ("snn-data", &["snn-catalog", "snn-fft"]),
    ("snn-fft", &[]),
    ("snn-catalog", &[]),
    ("snn-test-support", &[]),
];

/// Crates for files, formats, command lines and screens, which the numerics must not depend on.
const FILES_AND_SCREENS: &[&str] = &[
    "anyhow",
    "clap",
    "crossterm",
    "hdf5",
    "hdf5-metno",
    "hound",
    "indicatif",
    "memmap2",
    "ratatui",
    "safetensors",
    "serde_json",
    "tempfile",
    "toml",
    "zip",
];

fn cargo(arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).current_dir(root).output().expect("cargo starts");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

/// The members of the workspace: name -> dependencies as in the manifest, of every kind.
fn members() -> BTreeMap<String, Vec<Value>> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).expect("JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    let name = |package: &Value| package["name"].as_str().expect("a name").to_owned();
    packages.iter().map(|it| (name(it), it["dependencies"].as_array().cloned().unwrap_or_default())).collect()
}

/// Names of all crates that `package` is built from, with its default features.
fn built_from(package: &str) -> Vec<String> {
    let tree =
        cargo(&["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn dependencies_are_the_documented_ones() {
    let members = members();
    for (from, dependencies) in &members {
        if from == "snn-tests" {
            continue;
        }
        let (_, allowed) = ARROWS
            .iter()
            .find(|(name, _)| name == from)
            .unwrap_or_else(|| panic!("{from} is a new member: add it to the architecture, and here"));
        for to in dependencies.iter().filter_map(|it| it["name"].as_str()) {
            assert!(
                !members.contains_key(to) || allowed.contains(&to) || to == "snn-test-support",
                "{from} -> {to} is not allowed by the architecture; {from} may depend on {allowed:?}"
            );
        }
    }
    for (name, _) in ARROWS {
        assert!(members.contains_key(*name), "{name} is missing in the workspace");
    }
}

#[test]
fn the_numerics_are_independent_of_files_and_screens() {
    let members = members();
    let dependencies = &members["snn-core"];
    for dependency in
        dependencies.iter().filter(|it| it["kind"] != "dev").filter_map(|it| it["name"].as_str())
    {
        assert!(!FILES_AND_SCREENS.contains(&dependency), "snn-core must not depend on {dependency}");
    }
}

#[test]
fn the_data_sets_are_independent_of_networks() {
    let crates = built_from("snn-data");
    assert!(!crates.iter().any(|name| name == "dfdx" || name == "snn-core"), "{crates:?}");
}

#[test]
fn the_dashboard_does_not_include_the_trainer() {
    let crates = built_from("snn-tui");
    for trainer in ["dfdx", "snn-core", "snn-data", "snn-train", "safetensors", "rayon"] {
        assert!(!crates.iter().any(|name| name == trainer), "snn-tui is built from {trainer}: {crates:?}");
    }
}

#[test]
fn the_reader_of_runs_is_small() {
    let mut crates = built_from("snn-run");
    crates.sort_unstable();
    crates.dedup();
    assert!(crates.len() < 25, "snn-run is built from {} packages: {crates:?}", crates.len());
}
