//! The build cost: every dependency is compiled once, and there are not too many of them.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, in their helpers too")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::Command,
};

/// Maximum number of packages in Cargo.lock, including those for other systems. `cargo xtask build-times` measures their cost.
const PACKAGES: usize = 300;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace")
}

/// The features of every external package that is built when `edges` are followed from all members.
fn features(edges: &str) -> BTreeMap<String, BTreeSet<String>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args([
        "tree",
        "--workspace",
        "--edges",
        edges,
        "--prefix",
        "none",
        "--no-dedupe",
        "--format",
        "{p}|{f}",
    ]);
    let output = command.current_dir(root()).output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut features = BTreeMap::<_, BTreeSet<_>>::new();
    for line in String::from_utf8(output.stdout).expect("cargo writes UTF-8").lines() {
        let Some((package, chosen)) = line.split_once('|') else { continue };
        // Members of the workspace are shown with their folder.
        if !package.contains(" (/") {
            features.entry(package.to_owned()).or_default().insert(chosen.to_owned());
        }
    }
    features
}

/// All commands build for all members, so the only remaining difference is whether tests and benchmarks are built. A package can
/// have two sets of features in one build: for programs, and for build scripts and macros.
#[test]
fn programs_and_tests_share_features() {
    let programs = features("normal,build");
    let tests = features("normal,build,dev");
    assert!(programs.len() > 100, "only {} packages were seen", programs.len());
    for (package, chosen) in &programs {
        assert_eq!(
            Some(chosen),
            tests.get(package),
            "{package} is compiled twice: tests enable other features of it (left: programs, right: tests); make the \
             dependency that does so a normal one of snn-test-support, or turn the feature on in the workspace's Cargo.toml"
        );
    }
}

/// `cargo run`, `cargo test` and `cargo xtask` take the members by default: all of them.
#[test]
fn every_member_is_a_default_member() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    assert_eq!(manifest["workspace"]["members"], manifest["workspace"]["default-members"]);
}

#[test]
fn the_automation_selects_no_packages() {
    let mut folders = vec![root().join("xtask/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                // Programs for GPUs have features that nothing else has.
                if !path.ends_with("gpu") {
                    folders.push(path);
                }
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source file");
            for command in ["build", "run", "bench"] {
                assert!(
                    !text.contains(&format!("\"{command}\", \"--release\", \"--package\""))
                        && !text.contains(&format!("\"{command}\", \"--package\"")),
                    "{}: selecting packages resolves different features and recompiles dependencies",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_number_of_packages_is_limited() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("a lock file");
    let count = lock.lines().filter(|line| *line == "[[package]]").count();
    assert!(count <= PACKAGES, "{count} packages are locked; `cargo tree` shows their origin");
}
