//! `cargo xtask slurm-test`: runs sweeps on a temporary Slurm cluster of one node on the loopback interface.
//!
//! - `cluster`: starts and stops Slurm in its own directory;
//! - `interrupt`: the user's request to stop;
//! - `trial`: the tests.

mod cluster;
mod interrupt;
mod trial;

use std::{fs, path::Path, time::Instant};

use anyhow::{Context as _, Result};

use crate::{process, requirements};
use cluster::Cluster;
use interrupt::Interrupt;
use trial::Trial;

/// Tests `snn sweep submit` and the related commands. Reports success without testing where Slurm cannot run.
pub(crate) fn slurm_test() -> Result<u8> {
    if !cfg!(target_os = "linux") {
        println!("skipped: Slurm runs on Linux");
        return Ok(0);
    }
    if let Err(reason) = requirements::ensure_slurm() {
        println!("skipped: {reason:#}");
        return Ok(0);
    }
    requirements::ensure()?;
    let code = process::run(&mut process::cargo(["build", "--release", "--bin", "snn"]))?;
    if code != 0 {
        return Ok(code);
    }

    let interrupt = Interrupt::new()?;
    let directory =
        tempfile::Builder::new().prefix("snn-slurm-").tempdir().context("cannot create a directory")?;
    let begin = Instant::now();
    // The cluster is stopped before its directory is removed, whether or not the trial passes.
    let outcome = Cluster::start(directory.path(), &interrupt)
        .and_then(|cluster| Trial::new(directory.path(), &cluster, &interrupt).run());
    match outcome {
        Ok(()) => {
            println!("all tests passed in {:.0} s", begin.elapsed().as_secs_f64());
            Ok(0)
        }
        Err(error) if interrupt.is_up() => Err(error),
        Err(error) => {
            let kept = directory.keep();
            show_logs(&kept.join("log"));
            Err(error.context(format!("the trial failed; its files are kept in {}", kept.display())))
        }
    }
}

/// The last lines of the daemons' logs.
fn show_logs(folder: &Path) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        eprintln!("--- {}", path.display());
        lines.iter().skip(lines.len().saturating_sub(15)).for_each(|line| eprintln!("{line}"));
    }
}
