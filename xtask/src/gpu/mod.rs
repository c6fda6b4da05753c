//! `cargo xtask gpu`: what a GPU computes against the CPU, and how fast; and what of it can be checked without one.
//!
//! - `table`: what was measured, with its floors and ratios;
//! - `session`: what runs on a machine with a GPU, stage by stage; `timed`: programs that get so much time and no more;
//! - `link`, `toolkit`, `machine_code`: `--link-check`, on machines without GPU and CUDA toolkit.

mod link;
mod machine_code;
mod session;
mod table;
mod timed;
mod toolkit;

use std::{
    cell::Cell,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

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
    /// Without GPU and toolkit: fetch the compilers from PyPI, link the programs, assemble all kernels, and check their machine code
    #[arg(long)]
    link_check: bool,
}

/// What can be carried to a machine with a GPU, where little can be.
const LARGEST_PACK: u64 = 40_000_000;

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
            let mut build = process::cargo(["build", "--release", "--bin", "snn-gpu"]);
            build.args(["--features", "snn-tests/cuda"]).env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
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
        return pack(&binary);
    }
    let out = options.out.clone().or_else(|| env::var_os("OUT").map(PathBuf::from));
    Session::new(&binary, out.as_deref())?.run(&session::stages(&binary))
}

fn has_gpu() -> bool {
    process::succeeds(Command::new("nvidia-smi").arg("--list-gpus"))
}

/// Puts this program, `snn-gpu` and the golden cases into one folder.
fn pack(binary: &Path) -> Result<u8> {
    let folder = process::target().join("gpu");
    let golden = folder.join("golden");
    fs::create_dir_all(&golden).with_context(|| format!("cannot make {}", golden.display()))?;
    let size = Cell::new(0);
    let copy = |from: &Path, to: PathBuf| {
        let copied = fs::copy(from, &to)
            .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()));
        copied.map(|bytes| size.set(size.get() + bytes))
    };
    copy(binary, folder.join("snn-gpu"))?;
    copy(&env::current_exe().context("where is this program?")?, folder.join("xtask"))?;
    let cases = process::root().join("tests/golden/gradients");
    for entry in fs::read_dir(&cases).with_context(|| format!("cannot read {}", cases.display()))? {
        let entry = entry.context("cannot list golden cases")?;
        copy(&entry.path(), golden.join(entry.file_name()))?;
    }
    let (folder, size) = (folder.display(), size.get());
    if size > LARGEST_PACK {
        eprintln!("error: {folder} has {size} bytes, more than the {LARGEST_PACK} that can be carried");
        return Ok(1);
    }
    println!(
        "carry {folder} ({:.1} MB) to the machine with the GPU; there: ./xtask gpu --binary ./snn-gpu",
        size as f64 / 1e6
    );
    Ok(0)
}
