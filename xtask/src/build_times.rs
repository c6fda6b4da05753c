//! `cargo xtask build-times`: the build cost of each command and package.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    process::{self, cargo},
    requirements,
    usage::Stopwatch,
};

#[derive(Args)]
pub(crate) struct Options {
    /// Report in JSON on standard output
    #[arg(long)]
    json: bool,
    /// Where to build; emptied first [default: build-times in the target directory]
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
}

/// The builds of a new user, in sequence in the same directory: name and arguments for cargo.
const STEPS: &[(&str, &[&str])] = &[
    ("cargo xtask", &["build", "--bin", "xtask"]),
    ("demo (snn)", &["build", "--bin", "snn"]),
    ("dashboard (snn-tui)", &["build", "--bin", "snn-tui"]),
    ("fetch-data (snn-fetch)", &["build", "--bin", "snn-fetch"]),
    ("test", &["test", "--workspace", "--no-run"]),
    ("bench", &["bench", "--bench", "training_step", "--no-run"]),
];

/// Number of packages listed.
const COSTLIEST: usize = 10;

#[derive(Debug, Serialize)]
struct Step {
    command: &'static str,
    /// Units of compilation: libraries, programs, tests and build scripts.
    units: usize,
    /// User and system seconds.
    processor_seconds: Option<f64>,
    wall_seconds: f64,
}

#[derive(Debug, Serialize, PartialEq)]
struct Package {
    name: String,
    /// Total wall time of its units, each measured while others were compiled in parallel.
    seconds: f64,
    units: usize,
}

pub(crate) fn build_times(options: &Options) -> Result<u8> {
    requirements::ensure()?;
    let target = options.target_dir.clone().unwrap_or_else(|| process::target().join("build-times"));
    if target.join("release").exists() || !target.exists() {
        // Only a cargo target directory is removed.
        let _ = fs::remove_dir_all(&target);
    } else if fs::read_dir(&target).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{} is not empty, and not a cargo target directory; choose another one", target.display());
    }

    let mut steps = Vec::new();
    let mut packages = BTreeMap::<String, Package>::new();
    for &(command, words) in STEPS {
        let mut build = cargo(&words[..1]);
        if words[0] != "bench" {
            build.arg("--release");
        }
        build.args(&words[1..]).arg("--timings").arg("--target-dir").arg(&target);
        process::announce(&build);
        let stopwatch = Stopwatch::start();
        let status = build.stdout(Stdio::null()).status().context("cannot start cargo")?;
        let usage = stopwatch.stop();
        if !status.success() {
            return Ok(process::exit_code(status));
        }
        let units = units(&target)?;
        for unit in &units {
            let package = packages.entry(unit.name.clone()).or_insert_with(|| Package {
                name: unit.name.clone(),
                seconds: 0.0,
                units: 0,
            });
            package.seconds += unit.duration;
            package.units += 1;
        }
        let (processor_seconds, wall_seconds) = (usage.processor, usage.wall);
        steps.push(Step { command, units: units.len(), processor_seconds, wall_seconds });
    }
    let mut packages: Vec<_> = packages.into_values().collect();
    packages.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    packages.truncate(COSTLIEST);
    if options.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&serde_json::json!({"steps": steps, "packages": packages}))?
        );
    } else {
        print!("{}", table(&steps, &packages));
    }
    Ok(0)
}

/// Both tables in Markdown, for the developer documentation.
fn table(steps: &[Step], packages: &[Package]) -> String {
    let mut text = "| command | units | processor s | wall s |\n|---|---|---|---|\n".to_owned();
    for Step { command, units, processor_seconds, wall_seconds } in steps {
        let processor = processor_seconds.map_or_else(|| "-".to_owned(), |it| format!("{it:.0}"));
        text += &format!("| {command} | {units} | {processor} | {wall_seconds:.0} |\n");
    }
    text += "\n| package | units | s |\n|---|---|---|\n";
    for Package { name, seconds, units } in packages {
        text += &format!("| {name} | {units} | {seconds:.1} |\n");
    }
    text
}

/// A unit of compilation in cargo's timing report.
#[derive(Debug, Deserialize, PartialEq)]
struct Unit {
    name: String,
    duration: f64,
}

/// The units that the last build compiled.
fn units(target: &Path) -> Result<Vec<Unit>> {
    let path = target.join("cargo-timings/cargo-timing.html");
    let report = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    units_in(&report).with_context(|| format!("cannot parse {}", path.display()))
}

/// The report is a page with its data as JSON in a script: `const UNIT_DATA = [...];`.
fn units_in(report: &str) -> Result<Vec<Unit>> {
    let data = report.split_once("UNIT_DATA = ").context("it has no UNIT_DATA")?.1;
    let units = serde_json::Deserializer::from_str(data).into_iter().next();
    Ok(units.context("UNIT_DATA is empty")??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_from_the_report() {
        let report = r#"<script>const UNIT_DATA = [{"i":0,"name":"serde","version":"1","duration":2.5,"mode":"todo"},
            {"i":1,"name":"serde","version":"1","duration":0.5}];
            const CONCURRENCY_DATA = [];</script>"#;
        let unit = |duration| Unit { name: "serde".into(), duration };
        assert_eq!(units_in(report).expect("units"), [unit(2.5), unit(0.5)]);
        assert!(units_in("<html></html>").is_err());
    }

    #[test]
    fn the_tables_are_markdown() {
        let step = Step { command: "test", units: 12, processor_seconds: Some(61.4), wall_seconds: 33.3 };
        let package = Package { name: "clap".into(), seconds: 6.25, units: 2 };
        let text = table(&[step], &[package]);
        assert!(text.contains("| test | 12 | 61 | 33 |"), "{text}");
        assert!(text.contains("| clap | 2 | 6.2 |"), "{text}");
    }
}
