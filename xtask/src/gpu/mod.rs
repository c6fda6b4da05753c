//! `cargo xtask gpu`: checks of a GPU against the CPU, measurements, and checks without a GPU.
//!
//! - `lines`: measurements; `model`: lower bounds; `table`, `kernels`: tables of both;
//! - `session`: the stages on a machine with a GPU; `timed`: programs with a deadline;
//! - `pack`: the folder for that machine;
//! - `link`, `toolkit`, `machine_code`, `occupancy`: `--link-check`, on machines without GPU and CUDA toolkit.

mod kernels;
mod lines;
mod link;
mod machine_code;
mod model;
mod occupancy;
mod pack;
mod session;
mod table;
mod timed;
mod toolkit;

use std::{env, fs, path::PathBuf, process::Command, time::Duration};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::process;
use session::Session;
use toolkit::{Toolkit, Unavailable};

#[derive(Args)]
pub(crate) struct Options {
    /// Only build, and create a folder with everything that a machine with a GPU needs
    #[arg(long, conflicts_with_all = ["binary", "link_check"])]
    build_only: bool,
    /// The program `snn-gpu`, built elsewhere, for machines without cargo
    #[arg(long, value_name = "FILE", conflicts_with = "link_check")]
    binary: Option<PathBuf>,
    /// Write all measurements to gpu.jsonl in this folder, immediately; default: the environment variable OUT
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["build_only", "link_check"])]
    out: Option<PathBuf>,
    /// Deadline of every stage, instead of its own
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["build_only", "link_check"])]
    limit: Option<u64>,
    /// Without GPU and toolkit: fetch the compilers from PyPI, link the programs, and check the machine code of all kernels
    #[arg(long)]
    link_check: bool,
}

pub(crate) fn gpu(options: &Options) -> Result<u8> {
    if options.link_check {
        return link::check();
    }
    if !options.build_only && !has_gpu() {
        eprintln!(
            "error: there is no GPU here (nvidia-smi finds none). Without one, `cargo xtask test` runs the kernels on the host, \
             and `cargo xtask gpu --link-check` builds everything"
        );
        return Ok(1);
    }
    let folder = process::target().join("link-check");
    let binary = match &options.binary {
        // relative to the working directory, not on the search path
        Some(binary) => fs::canonicalize(binary).with_context(|| format!("no {}", binary.display()))?,
        None => {
            let mut build = process::cargo(["build", "--release"]);
            build.args(pack::SNN_GPU).env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
            process::announce(&build);
            let mut target = process::target();
            if options.build_only && !link::has_toolkit() {
                // the compilers of `--link-check`; the programs run on this GPU and on later ones
                match Toolkit::get(&folder.join("toolkit"), link::OLDEST_PACKED)? {
                    Ok(toolkit) => toolkit.surround(build.arg("--target-dir").arg(&folder)),
                    Err(Unavailable(reason)) => {
                        eprintln!("error: there is no CUDA toolkit here, and {reason}");
                        return Ok(1);
                    }
                }
                target = folder;
            }
            let code = process::exit_code(build.status().context("cannot start cargo")?);
            if code != 0 {
                return Ok(code);
            }
            target.join("release/snn-gpu")
        }
    };
    if options.build_only {
        return pack::pack(&binary);
    }
    let out = options.out.clone().or_else(|| env::var_os("OUT").map(PathBuf::from));
    let mut stages = session::stages(&binary);
    if let Some(limit) = options.limit.map(Duration::from_secs) {
        stages.iter_mut().for_each(|stage| stage.limit = limit);
    }
    Ok(Session::new(&binary, out.as_deref()).run(&stages))
}

fn has_gpu() -> bool {
    process::succeeds(Command::new("nvidia-smi").arg("--list-gpus"))
}
