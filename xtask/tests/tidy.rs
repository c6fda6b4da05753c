//! Repository rules that can be checked by a program.

#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking, in their helpers too")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use toml::{Table, Value};

/// The allowed top-level entries, besides the members of the workspace.
const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitattributes",
    ".gitignore",
    "ARCHITECTURE.md",
    "CITATION.cff",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "docs",
    "fuzz",
    "rustfmt.toml",
];

/// Maximum number of lines of a file.
const LONGEST_FILE: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifest(folder: &Path) -> Table {
    let path = folder.join("Cargo.toml");
    read(&path).parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn members() -> Vec<String> {
    let workspace = manifest(root());
    let members = workspace["workspace"]["members"].as_array().expect("a list");
    members.iter().map(|member| member.as_str().expect("a folder").to_owned()).collect()
}

/// The files with one of the `extensions` in all members.
fn sources(extensions: &[&str]) -> Vec<PathBuf> {
    let mut folders: Vec<_> = members().iter().map(|member| root().join(member)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| extensions.iter().any(|&extension| it == extension)) {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty() || extensions != ["rs"]);
    files
}

/// Documents: at the top level, in `docs`, and in every member.
fn documents() -> Vec<PathBuf> {
    let mut all = sources(&["md"]);
    let mut folders = vec![(root().to_owned(), false), (root().join("docs"), true)];
    while let Some((folder, deep)) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if deep && path.is_dir() {
                folders.push((path, true));
            } else if path.extension().is_some_and(|it| it == "md") {
                all.push(path);
            }
        }
    }
    all
}

#[test]
fn every_crate_has_metadata_and_the_workspace_lints() {
    for member in members() {
        let manifest = manifest(&root().join(&member));
        let description = manifest["package"].get("description").and_then(Value::as_str).unwrap_or_default();
        assert!(description.len() > 20, "{member} needs a description, not `{description}`");
        let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool());
        assert_eq!(lints, Some(true), "{member} must take its lints from the workspace");
    }
}

#[test]
fn versions_are_declared_once_in_the_workspace() {
    for member in members() {
        let manifest = manifest(&root().join(&member));
        let targets = manifest.get("target").and_then(Value::as_table);
        let platforms = targets.into_iter().flatten().filter_map(|(_, target)| target.as_table());
        for table in std::iter::once(&manifest).chain(platforms) {
            for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
                for (name, dependency) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
                    let shared = dependency.get("workspace").and_then(Value::as_bool);
                    assert_eq!(shared, Some(true), "{member}: `{name}` must be `{name}.workspace = true`");
                }
            }
        }
    }
}

#[test]
fn files_are_short_enough_to_read() {
    for path in sources(&["rs", "cu"]) {
        let lines = read(&path).lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines; split it", path.display());
    }
}

#[test]
fn there_are_no_leftover_markers() {
    // Concatenated, so that this file does not match itself.
    let marks = [["todo", "!("], ["unimplemented", "!("], ["#[", "ignore"], ["TO", "DO"], ["FIX", "ME"]];
    for path in sources(&["rs", "cu", "toml"]) {
        let text = read(&path);
        for mark in marks.map(|parts| parts.concat()) {
            let line = text.lines().position(|line| line.contains(&mark));
            assert_eq!(line, None, "`{mark}` in {} (lines count from 0)", path.display());
        }
    }
    let documents = documents();
    assert!(documents.iter().any(|path| path.ends_with("docs/results/README.md")), "{documents:?}");
    for path in documents {
        let text = read(&path);
        for mark in ["@@".to_owned(), marks[3].concat(), marks[4].concat()] {
            let line = text.lines().find(|line| line.contains(&mark));
            assert_eq!(line, None, "{} has an unfilled placeholder", path.display());
        }
    }
}

#[test]
fn programs_print_through_the_escaping_writer() {
    // Names are untrusted: printing without `snn_terminal` would send them to the terminal unescaped.
    let programs = ["snn-train/src/bin", "snn-tui/src", "xtask/fetch/src"].map(|folder| root().join(folder));
    // Concatenated, so that this file does not match itself.
    let raw = ["println!(", "print!(", "io::stdout()", "io::stderr()", "ProgressBar::"];
    // The painter writes cells that it has checked; bars are wrapped where they are created.
    let own = ["snn-tui/src/terminal.rs", "snn-train/src/bin/snn/bar.rs", "xtask/fetch/src/display.rs"];
    let is_look = |line: &str| ["is_terminal()", "terminal_size_of("].iter().any(|look| line.contains(look));
    for path in sources(&["rs"]) {
        if !programs.iter().any(|folder| path.starts_with(folder))
            || own.iter().any(|own| path.ends_with(own))
        {
            continue;
        }
        for (number, line) in read(&path).lines().enumerate() {
            let found = raw.iter().find(|raw| line.contains(*raw) && !is_look(line));
            assert_eq!(found, None, "{}:{}: print through snn_terminal", path.display(), number + 1);
        }
    }
}

#[test]
fn the_top_level_has_only_the_agreed_entries() {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let listed = output.ok().filter(|output| output.status.success());
    let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    // An unpacked archive has the files of the repository and build output.
    let files = listed.unwrap_or_else(|| {
        assert!(!root().join(".git").exists(), "git cannot list the files of this checkout");
        let entries = fs::read_dir(root()).expect("a folder").flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name != "target").collect::<Vec<_>>().join("\0")
    });
    let members = members();
    for file in files.split_terminator('\0') {
        let top = file.split('/').next().unwrap_or(file);
        assert!(
            TOP_LEVEL.contains(&top) || members.iter().any(|member| member == top),
            "{top} is not one of the agreed entries at the top level"
        );
    }
}

/// The fuzz targets are a separate workspace with requirements that CI lacks; this test checks without building them that they name
/// existing functions.
#[test]
fn fuzz_targets_are_declared_and_call_existing_functions() {
    let manifest = manifest(&root().join("fuzz"));
    let declared: Vec<_> = manifest["bin"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|target| target["path"].as_str().expect("a path").to_owned())
        .collect();
    let folder = root().join("fuzz/fuzz_targets");
    let files = fs::read_dir(&folder).expect("a folder").flatten();
    let mut found: Vec<_> =
        files.map(|file| format!("fuzz_targets/{}", file.file_name().to_string_lossy())).collect();
    found.sort();
    let mut sorted = declared;
    sorted.sort();
    assert_eq!(sorted, found);
    let crates = [("snn_data", "snn-data"), ("snn_run", "snn-train/snn-run"), ("snn_train", "snn-train")];
    let torture = read(&root().join("tests/src/bin/torture/targets.rs"));
    for path in found {
        let text = read(&root().join("fuzz").join(&path));
        let (name, folder) = *crates
            .iter()
            .find(|(name, _)| text.contains(&format!("{name}::fuzzing::")))
            .unwrap_or_else(|| panic!("{path} calls no parser"));
        let call = text.split(&format!("{name}::fuzzing::")).nth(1).and_then(|rest| rest.split('(').next());
        let function = call.expect("a name");
        let there = read(&root().join(folder).join("src/fuzzing.rs"));
        assert!(
            there.contains(&format!("pub fn {function}(")),
            "{path}: there is no {name}::fuzzing::{function}"
        );
        assert!(
            torture.contains(&format!("{name}::fuzzing::{function}")),
            "the torture lacks {name}::{function}"
        );
    }
}
