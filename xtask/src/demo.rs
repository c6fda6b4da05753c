//! `cargo xtask demo`: from a fresh checkout to a trained network.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    process::{self, cargo, root},
    requirements,
};

/// An accuracy that the default network reaches on the default random manifolds with some margin.
const EXPECTED_ACCURACY: f64 = 0.98;

/// Builds the program, trains the preset `randman` with `options`, and checks the outcome.
pub(crate) fn demo(options: &[OsString]) -> Result<u8> {
    eprintln!("[1/3] Checking build requirements: {}", requirements::names().join(", "));
    requirements::ensure()?;
    eprintln!("[2/3] Building the program `snn`: {}", expected_build());
    let code = process::run(&mut cargo(["build", "--release", "--bin", "snn"]))?;
    if code != 0 {
        return Ok(code);
    }

    let run_dir = process::option(options, "--run-dir").unwrap_or_else(|| unused(&root()));
    let shown = run_dir.display();
    let runs = run_dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    eprintln!("[3/3] Training a spiking network on random manifolds. To watch it from another terminal:");
    eprintln!("    cargo run --release --bin snn-tui -- {}\n", runs.display());

    let mut train = cargo(["run", "--release", "--quiet", "--bin", "snn", "--", "train", "randman"]);
    if process::option(options, "--run-dir").is_none() {
        train.arg("--run-dir").arg(&run_dir);
    }
    let start = Instant::now();
    let code = process::run(train.args(options))?;
    let seconds = start.elapsed().as_secs_f64();
    if code != 0 {
        eprintln!("Training ended with exit code {code}. If it was interrupted, resume it with:");
        eprintln!("    cargo xtask demo -- --run-dir {shown} --resume");
        return Ok(code);
    }

    let accuracy = test_accuracy(&root().join(&run_dir))?;
    println!("\nTest accuracy {:.2} % after {seconds:.0} s. The run is in {shown}.", 100.0 * accuracy);
    println!("To evaluate it again, and to train with other settings:");
    println!("    cargo run --release -- eval {shown} --split test");
    println!("    cargo run --release -- train --help");
    if accuracy <= EXPECTED_ACCURACY {
        bail!(
            "the test accuracy is {:.2} %, not above {:.0} %{}",
            100.0 * accuracy,
            100.0 * EXPECTED_ACCURACY,
            if options.is_empty() {
                "; please report this with the run directory"
            } else {
                ", with the options given"
            },
        );
    }
    Ok(0)
}

/// What to expect from the build.
fn expected_build() -> String {
    if process::target().join("release").join(format!("snn{}", std::env::consts::EXE_SUFFIX)).is_file() {
        return "built before, so only changes are compiled".to_owned();
    }
    let tree =
        ["tree", "--package", "snn-train", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let packages = cargo(tree).output().ok().filter(|output| output.status.success());
    let count = packages.map(|output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(|line| line.trim_end_matches(" (*)")).collect::<std::collections::HashSet<_>>().len()
    });
    match count {
        Some(count) => format!("about {count} packages to compile, once"),
        None => "its packages are compiled, once".to_owned(),
    }
}

/// The first of `runs/demo`, `runs/demo-2`, ... that does not exist, relative to `root`.
fn unused(root: &Path) -> PathBuf {
    let first = PathBuf::from("runs/demo");
    if !root.join(&first).exists() {
        return first;
    }
    let further = (2_u64..).map(|number| PathBuf::from(format!("runs/demo-{number}")));
    further.into_iter().find(|path| !root.join(path).exists()).unwrap_or(first)
}

/// The test accuracy, 0 to 1, recorded by the finished run in `run_dir`.
fn test_accuracy(run_dir: &Path) -> Result<f64> {
    let path = run_dir.join("status.json");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let status: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("cannot parse {}", path.display()))?;
    match status["test_accuracy"].as_f64() {
        Some(accuracy) => Ok(accuracy),
        None => bail!(
            "the run has no test accuracy (state {}); `cargo xtask demo -- --run-dir D --resume` resumes one that \
             was stopped: {}",
            status["state"],
            run_dir.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_demo_gets_a_separate_directory() {
        let root = tempfile::tempdir().expect("a temporary directory");
        for expected in ["runs/demo", "runs/demo-2", "runs/demo-3"] {
            assert_eq!(unused(root.path()), Path::new(expected));
            fs::create_dir_all(root.path().join(expected)).expect("a directory");
        }
    }

    #[test]
    fn the_accuracy_is_read_from_the_status() {
        let run = tempfile::tempdir().expect("a temporary directory");
        let outcome = |status: &str| {
            fs::write(run.path().join("status.json"), status).expect("a file");
            test_accuracy(run.path()).map_err(|error| format!("{error:#}"))
        };
        assert_eq!(outcome(r#"{"state":"done","test_accuracy":0.995}"#), Ok(0.995));
        assert!(outcome(r#"{"state":"stopped","test_accuracy":null}"#).unwrap_err().contains("stopped"));
        assert!(outcome("{").unwrap_err().contains("status.json"));
        fs::remove_file(run.path().join("status.json")).expect("a file");
        assert!(test_accuracy(run.path()).is_err());
    }
}
