//! `cargo xtask captures`: draws the dashboard screens in the README and the guide from recorded runs.
//!
//! The runs are real: `docs/dashboard/runs` (see its README) and those of the verdict tests. One of them was stopped before its end;
//! its copy claims to be running, to show the dashboard at that time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process::{self, cargo, root};

/// A question and the screen that answers it.
struct Capture {
    /// The file name of the picture in `docs/dashboard`.
    name: &'static str,
    question: &'static str,
    /// The arguments of the dashboard, in addition to [`LOOK`].
    arguments: &'static [&'static str],
}

const CAPTURES: [Capture; 5] = [
    Capture {
        name: "is-it-learning",
        question: "Is it learning?",
        arguments: &["runs", "--screen", "curves", "--run", "under-way"],
    },
    Capture {
        name: "is-something-vanishing",
        question: "Is something vanishing?",
        arguments: &["runs", "--screen", "learning", "--run", "vanishing"],
    },
    Capture {
        name: "which-settings-are-best",
        question: "Which settings are best?",
        arguments: &["best", "--screen", "sweep"],
    },
    Capture {
        name: "how-long-to-go",
        question: "How long to go?",
        arguments: &["runs", "--run", "under-way"],
    },
    Capture {
        name: "why-is-it-silent",
        question: "Why is it silent?",
        arguments: &["runs", "--run", "silent"],
    },
];

/// The format of each screen: colors, braille, the size of the smallest common terminal.
const LOOK: [&str; 8] =
    ["--once", "--size", "80x24", "--color", "256", "--theme", "dark", "--marker=braille"];

/// Builds the dashboard and draws all captures into `docs/dashboard`; with `text` it prints them.
pub(crate) fn captures(text: bool) -> Result<u8> {
    let code = process::run(&mut cargo(["build", "--release", "--bin", "snn-tui"]))?;
    if code != 0 {
        return Ok(code);
    }
    let place = tempfile::tempdir().context("cannot create a temporary directory")?;
    lay_out(place.path()).context("cannot copy the recorded runs")?;
    let viewer = process::target().join("release").join(format!("snn-tui{}", std::env::consts::EXE_SUFFIX));
    for Capture { name, question, arguments } in CAPTURES {
        let mut command = std::process::Command::new(&viewer);
        // In the directory of the copies, to keep other paths out of the pictures.
        command.current_dir(place.path()).args(arguments).args(LOOK);
        if text {
            println!("{question}");
        } else {
            command.arg("--export").arg(picture(name));
        }
        let code = process::run(&mut command)?;
        if code != 0 {
            return Ok(code);
        }
        if !text {
            // The numbers are those of the recorded runs.
            fs::remove_file(picture(name).with_extension("csv")).context("cannot remove the table")?;
        }
    }
    Ok(0)
}

fn picture(name: &str) -> PathBuf {
    root().join("docs/dashboard").join(format!("{name}.svg"))
}

/// Copies the recorded runs: `runs`, and the sweep `best`.
fn lay_out(place: &Path) -> Result<()> {
    let recorded = root().join("docs/dashboard/runs");
    copy(&root().join("snn-train/snn-run/tests/fixtures/verdicts"), &place.join("runs"))?;
    let under_way = place.join("runs/under-way");
    copy(&recorded.join("under-way"), &under_way)?;
    resume(&under_way.join("status.json"))?;
    copy(&recorded.join("best"), &place.join("best"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Makes a stopped run claim to be running.
fn resume(status: &Path) -> Result<()> {
    let mut value: Value = serde_json::from_slice(&fs::read(status)?)?;
    value["state"] = "running".into();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(io::Error::other)?;
    value["heartbeat"] = now.as_secs_f64().into();
    Ok(fs::write(status, value.to_string())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capture_is_drawn_and_shown_in_the_readme() {
        let readme = fs::read_to_string(root().join("README.md")).expect("the README");
        for Capture { name, question, .. } in CAPTURES {
            let path = format!("docs/dashboard/{name}.svg");
            assert!(readme.contains(&path) && readme.contains(question), "{question} {path}");
            let svg = fs::read_to_string(picture(name)).expect("a picture");
            assert!(svg.starts_with("<svg") && svg.len() > 1000, "{name}");
        }
        assert!(readme.lines().count() <= 150, "the README is to stay short");
    }

    #[test]
    fn recorded_runs_are_copied_and_the_stopped_one_appears_running() {
        let place = tempfile::tempdir().expect("a directory");
        lay_out(place.path()).expect("copies");
        let status = fs::read(place.path().join("runs/under-way/status.json")).expect("a status");
        let status: Value = serde_json::from_slice(&status).expect("JSON");
        assert_eq!(status["state"], "running");
        assert!(status["epoch"].as_u64() < status["epochs"].as_u64());
        assert!(
            place.path().join("best/manifest.json").exists()
                && place.path().join("runs/silent/config.toml").exists()
        );
    }
}
