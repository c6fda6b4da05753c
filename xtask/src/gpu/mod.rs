//! `cargo xtask gpu`: what a GPU computes against the CPU, and how fast; and what of it can be checked without one.
//!
//! - `lines`: what is measured; `model`: what must be done at least; `table`, `kernels`: both as tables;
//! - `session`: what runs on a machine with a GPU, stage by stage; `timed`: programs that get so much time and no more;
//! - `pack`: the folder that is carried there;
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
    /// Build, put into one folder what a machine with a GPU needs, and stop: with cargo and the CUDA toolkit
    #[arg(long, conflicts_with_all = ["binary", "link_check"])]
    build_only: bool,
    /// The program `snn-gpu` built elsewhere, for machines without cargo
    #[arg(long, value_name = "FILE", conflicts_with = "link_check")]
    binary: Option<PathBuf>,
    /// Write every line that is measured to gpu.jsonl there, as soon as it comes; else to the folder that the variable OUT names
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["build_only", "link_check"])]
    out: Option<PathBuf>,
    /// End every stage after so many seconds, if it is not done sooner
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["build_only", "link_check"])]
    limit: Option<u64>,
    /// Without GPU and toolkit: fetch the compilers from PyPI, link the programs, assemble all kernels, and check their machine code
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
        // as the working directory has it, not the search path
        Some(binary) => fs::canonicalize(binary).with_context(|| format!("no {}", binary.display()))?,
        None => {
            let mut build = process::cargo(["build", "--release"]);
            build.args(pack::SNN_GPU).env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
            process::announce(&build);
            let mut target = process::target();
            if options.build_only && !link::has_toolkit() {
                // the compilers that `--link-check` fetches; the programs run on this GPU and on later ones
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
        stages.iter_mut().for_each(|stage| stage.limit = stage.limit.min(limit));
    }
    Ok(Session::new(&binary, out.as_deref()).run(&stages))
}

fn has_gpu() -> bool {
    process::succeeds(Command::new("nvidia-smi").arg("--list-gpus"))
}
