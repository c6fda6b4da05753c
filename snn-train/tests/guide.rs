//! The commands in the README and the guide in `docs/`: those in `sh` blocks are run, each page in its own folder; every
//! flag, key, subcommand and link that a page names exists.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "test helpers fail as tests do")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The repository; a package outside it has no guide.
fn root() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    root.join("docs/SUMMARY.md").exists().then(|| root.to_owned())
}

/// Path and text of every page.
fn pages(root: &Path) -> Vec<(PathBuf, String)> {
    let mut paths: Vec<_> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|it| root.join(it)).into();
    for folder in ["docs", "docs/results"] {
        let entries = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        paths.extend(entries.filter(|path| path.extension().is_some_and(|it| it == "md")));
    }
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

/// Language and text of every fenced block.
fn blocks(text: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let body: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language, body.join("\n")));
        }
    }
    blocks
}

/// The folder of the programs that the workspace builds.
fn programs() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_snn")).parent().unwrap().to_owned()
}

#[test]
fn every_command_of_the_guide_runs() {
    let Some(root) = root() else { return snn_test_support::skip("the guide is only in the repository") };
    if !programs().join("snn-tui").exists() {
        return snn_test_support::skip("snn-tui is not built; `cargo xtask test` builds it");
    }
    let path = std::env::join_paths(
        [programs()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let path = path.unwrap();
    let mut run = 0;
    for (page, text) in pages(&root) {
        let folder = tempfile::tempdir().unwrap();
        for (language, body) in blocks(&text) {
            // A TOML block whose first line is `# NAME.toml` is a file that the commands after it use.
            if let Some(name) = body.lines().next().and_then(|line| line.strip_prefix("# "))
                && language == "toml"
            {
                fs::write(folder.path().join(name), &body).unwrap();
            }
            if language != "sh" {
                continue;
            }
            for line in body.lines().filter(|line| !line.is_empty()) {
                let mut shell = Command::new("sh");
                shell.args(["-c", line]).current_dir(folder.path()).env("PATH", &path).env("TERM", "xterm");
                for place in ["SNN_DATA_DIR", "SNN_CACHE_DIR"] {
                    shell.env(place, folder.path().join(place));
                }
                let output = shell.output().unwrap();
                let errors = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{}: `{line}` fails:\n{errors}", page.display());
                run += 1;
            }
        }
    }
    assert!(run >= 20, "{run} commands found; is the guide still there?");
}

/// Help texts of programs and their commands, cached.
#[derive(Default)]
struct Help(BTreeMap<Vec<String>, Option<String>>);

impl Help {
    fn of(&mut self, command: &[String]) -> Option<&str> {
        let text = self.0.entry(command.to_vec()).or_insert_with(|| {
            let program = programs().join(&command[0]);
            let output = Command::new(program).args(&command[1..]).arg("--help").output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
        });
        text.as_deref()
    }
}

#[test]
fn every_command_and_flag_exists() {
    let Some(root) = root() else { return snn_test_support::skip("the guide is only in the repository") };
    let mut help = Help::default();
    let mut flags = 0;
    for (page, text) in pages(&root) {
        let fenced = blocks(&text)
            .into_iter()
            .flat_map(|(_, body)| body.lines().map(str::to_owned).collect::<Vec<_>>());
        // Text between backticks, outside blocks.
        let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned);
        for line in fenced.chain(spans) {
            if line.starts_with(' ') {
                continue; // a drawing
            }
            let words: Vec<String> = line
                .trim_start_matches("$ ")
                .trim_start_matches("cargo run --release -- ")
                .split_whitespace()
                .take_while(|word| !["--", "#", "|", ">", "&&"].contains(word))
                .map(str::to_owned)
                .collect();
            let Some(program) = words.first().filter(|it| ["snn", "snn-tui"].contains(&it.as_str())) else {
                continue;
            };
            if program == "snn-tui" && !programs().join("snn-tui").exists() {
                continue;
            }
            let mut command = vec![program.clone()];
            for word in
                words[1..].iter().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
            {
                let deeper: Vec<_> = command.iter().chain([word]).cloned().collect();
                let listed = help.of(&command).is_some_and(|help| {
                    help.lines()
                        .any(|line| line.starts_with(&format!("  {word} ")) || line == format!("  {word}"))
                });
                if !listed {
                    break;
                }
                command = deeper;
            }
            let text =
                help.of(&command).unwrap_or_else(|| panic!("{}: no `{}`", page.display(), command.join(" ")));
            assert!(
                command.len() > 1
                    || program == "snn-tui"
                    || words.len() == 1
                    || words[1].starts_with(['-', 'N', '<']),
                "{}: `{line}` names no command of snn",
                page.display()
            );
            for word in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
                let flag: String =
                    word.chars().take_while(|&c| c == '-' || c.is_ascii_alphanumeric()).collect();
                let known = text.split(|c: char| c != '-' && !c.is_ascii_alphanumeric()).any(|it| it == flag);
                assert!(known, "{}: `{}` has no {flag}: {line}", page.display(), command.join(" "));
                flags += 1;
            }
        }
    }
    assert!(flags >= 30, "{flags} flags found; is the guide still there?");
}

#[test]
fn every_key_exists() {
    let Some(root) = root() else { return snn_test_support::skip("the guide is only in the repository") };
    let output = Command::new(env!("CARGO_BIN_EXE_snn")).args(["presets", "--keys"]).output().unwrap();
    let mut keys = Vec::new();
    let mut section = String::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some(key) =
            line.strip_prefix("  ").and_then(|it| it.split(' ').next().filter(|it| !it.is_empty()))
        {
            keys.push(format!("{section}.{key}"));
        }
    }
    assert!(keys.len() > 60, "{keys:?}");
    let sections: Vec<_> = keys.iter().filter_map(|key| key.split('.').next()).collect();
    let mut found = 0;
    for (page, mut text) in pages(&root) {
        let is_program = |(language, _): &(&str, String)| language.starts_with("rust");
        let programs: Vec<_> =
            blocks(&text).into_iter().filter(is_program).map(|(_, program)| program).collect();
        for program in programs {
            text = text.replace(&program, "");
        }
        for word in text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c)))
        {
            let word = word.trim_matches('.');
            let Some((section, rest)) = word.split_once('.') else { continue };
            // Names of files and of fields of records have a dot, too.
            let other = [
                "json", "toml", "md", "rs", "svg", "jsonl", "cuh", "sh", "loss", "accuracy", "values",
                "forward",
            ];
            if !sections.contains(&section) || other.contains(&rest) {
                continue;
            }
            let known = keys.iter().any(|key| key == word || key.starts_with(&format!("{word}.")));
            assert!(known, "{}: there is no key {word}", page.display());
            found += 1;
        }
    }
    assert!(found >= 20, "{found} keys found; is the guide still there?");
}

#[test]
fn every_link_has_a_target() {
    let Some(root) = root() else { return snn_test_support::skip("the guide is only in the repository") };
    for (page, text) in pages(&root) {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("http") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(path.exists(), "{} links to {target}", page.display());
            if anchor.is_empty() || path.extension().is_none_or(|it| it != "md") {
                continue;
            }
            let headings = fs::read_to_string(&path).unwrap();
            let found = headings.lines().filter(|line| line.starts_with('#')).any(|line| {
                let slug = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
                slug.chars().filter(|&c| c.is_alphanumeric() || c == '-' || c == '_').collect::<String>()
                    == anchor
            });
            assert!(found, "{} links to {target}, but there is no such heading", page.display());
        }
    }
    let summary = fs::read_to_string(root.join("docs/SUMMARY.md")).unwrap();
    for (page, _) in pages(&root) {
        let Ok(page) = page.strip_prefix(root.join("docs")) else { continue };
        let is_listed = summary.contains(&format!("({})", page.display()));
        assert!(is_listed || page.ends_with("SUMMARY.md"), "{} is missing from SUMMARY.md", page.display());
    }
}
