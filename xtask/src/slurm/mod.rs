//! `cargo xtask slurm-test`: sweeps on a real Slurm, of one node on loopback, that is gone afterwards.
//!
//! - `cluster`: starts and stops Slurm in a directory of its own;
//! - `interrupt`: the request of the user to stop;
//! - `trial`: what is tried there.

mod cluster;
mod interrupt;
mod trial;

use std::{fs, path::Path, time::Instant};

use anyhow::{Context as _, Result};

use crate::{process, requirements};
use cluster::Cluster;
use interrupt::Interrupt;
use trial::Trial;

/// Tries `snn sweep submit` and all around it. Where there can be no Slurm, it says so and succeeds.
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
        tempfile::Builder::new().prefix("snn-slurm-").tempdir().context("cannot make a directory")?;
    let begin = Instant::now();
    // The cluster is stopped before its directory goes, whatever the trial comes to.
    let outcome = Cluster::start(directory.path(), &interrupt)
        .and_then(|cluster| Trial::new(directory.path(), &cluster, &interrupt).run());
    match outcome {
        Ok(()) => {
            println!("all as it should be, after {:.0} s", begin.elapsed().as_secs_f64());
            Ok(0)
        }
        Err(error) if interrupt.is_up() => Err(error),
        Err(error) => {
            let kept = directory.keep();
            show_logs(&kept.join("log"));
            Err(error.context(format!("the trial failed; all its files are kept in {}", kept.display())))
        }
    }
}

/// The ends of what the daemons have said.
fn show_logs(folder: &Path) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        eprintln!("--- {}", path.display());
        lines.iter().skip(lines.len().saturating_sub(15)).for_each(|line| eprintln!("{line}"));
    }
}
