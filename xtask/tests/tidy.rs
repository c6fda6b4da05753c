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
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace")
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

#[test]
fn every_crate_says_what_it_is_and_keeps_the_lints() {
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
fn files_stay_short_enough_to_read() {
    for path in sources(&["rs", "cu"]) {
        let lines = read(&path).lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines; split it", path.display());
    }
}

#[test]
fn nothing_is_left_undone() {
    // Concatenated, so that this file does not match itself.
    let marks = [["todo", "!("], ["unimplemented", "!("], ["#[", "ignore"], ["TO", "DO"], ["FIX", "ME"]];
    for path in sources(&["rs", "cu", "toml"]) {
        let text = read(&path);
        for mark in marks.map(|parts| parts.concat()) {
            let line = text.lines().position(|line| line.contains(&mark));
            assert_eq!(line, None, "`{mark}` in {} (lines count from 0)", path.display());
        }
    }
    for document in ["README.md", "CHANGELOG.md"] {
        let text = read(&root().join(document));
        let line = text.lines().find(|line| line.contains("@@"));
        assert_eq!(line, None, "{document} waits for something to be filled in");
    }
}

#[test]
fn programs_print_through_the_writer_that_escapes() {
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
fn the_top_level_holds_what_was_agreed() {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    // Without git, or outside a checkout, the repository's files are unknown.
    let Some(output) = output.ok().filter(|output| output.status.success()) else { return };
    let members = members();
    for file in String::from_utf8_lossy(&output.stdout).split_terminator('\0') {
        let top = file.split('/').next().unwrap_or(file);
        assert!(
            TOP_LEVEL.contains(&top) || members.iter().any(|member| member == top),
            "{top} is not one of the agreed entries at the top level"
        );
    }
}
