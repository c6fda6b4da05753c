//! Packaging: every library and the dashboard can be packaged, with all files that users need.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, in their helpers too")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::Command,
};

use toml::{Table, Value};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace")
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().expect("cargo starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {}: {errors}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

/// The published members with their manifests, by folder.
fn published() -> BTreeMap<String, Table> {
    let read =
        |path: &Path| -> Table { fs::read_to_string(path).expect("a manifest").parse().expect("TOML") };
    let workspace = read(&root().join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().expect("a list");
    let with_manifest = members
        .iter()
        .filter_map(Value::as_str)
        .map(|folder| (folder.to_owned(), read(&root().join(folder).join("Cargo.toml"))));
    with_manifest
        .filter(|(_, manifest)| manifest["package"].get("publish").and_then(Value::as_bool) != Some(false))
        .collect()
}

fn name(manifest: &Table) -> &str {
    manifest["package"]["name"].as_str().expect("a name")
}

/// Without building them, which takes minutes and repeats the workspace build (`cargo xtask packages` does), and without a network: the lock file has everything
/// that packages need.
#[test]
fn every_library_and_the_dashboard_can_be_packaged() {
    let published = published();
    let names: BTreeSet<&str> = published.values().map(name).collect();
    let expected = ["catalog", "core", "data", "fft", "plot", "run", "terminal", "train", "tui"]
        .map(|it| format!("snn-{it}"));
    assert_eq!(names, expected.iter().map(String::as_str).collect());
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().to_str().expect("a path in UTF-8");
    let mut arguments = vec!["package", "--offline", "--no-verify", "--allow-dirty", "--target-dir", folder];
    arguments.extend(names.iter().flat_map(|name| ["--package", name]));
    cargo(&arguments);
    for name in names {
        let version = env!("CARGO_PKG_VERSION");
        let package = Path::new(folder).join(format!("package/{name}-{version}.crate"));
        assert!(package.is_file(), "{}", package.display());
        let listed = cargo(&["package", "--offline", "--allow-dirty", "--list", "--package", name]);
        for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            assert!(listed.lines().any(|line| line == file), "{name} lacks {file}");
        }
    }
}

#[test]
fn licenses_are_those_of_the_workspace_and_features_are_listed() {
    for (folder, manifest) in published() {
        for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let read = |path: &Path| fs::read(path).expect("a license");
            assert!(read(&root().join(&folder).join(file)) == read(&root().join(file)), "{folder}/{file}");
        }
        let readme = fs::read_to_string(root().join(&folder).join("README.md")).expect("a README");
        assert!(readme.starts_with(&format!("# {}\n", name(&manifest))), "{folder}/README.md");
        let features = manifest.get("features").and_then(Value::as_table);
        for feature in features.into_iter().flat_map(Table::keys).filter(|feature| *feature != "default") {
            assert!(
                readme.contains(&format!("`{feature}`")),
                "{folder}/README.md does not describe `{feature}`"
            );
        }
    }
}
