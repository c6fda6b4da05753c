//! `cargo xtask gpu`: what a GPU computes against the CPU, and how fast.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::process;

#[derive(Args)]
pub(crate) struct Options {
    /// Build the program and stop: on a machine with cargo and the CUDA toolkit, for one with a GPU
    #[arg(long, conflicts_with = "binary")]
    build_only: bool,
    /// The program built elsewhere, for machines without cargo
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Let PyTorch compile its loops too, which takes minutes
    #[arg(long)]
    compiled: bool,
}

/// The same jobs in PyTorch.
const TORCH: &str = include_str!("../../tests/gpu/torch_steps.py");

pub(crate) fn gpu(options: &Options) -> Result<u8> {
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None if !options.build_only && !has_gpu() => return Ok(no_gpu()),
        None => {
            let mut build = process::cargo(["build", "--release", "--package", "snn-tests"]);
            let code = process::run(build.args(["--features", "cuda", "--bin", "snn-gpu"]))?;
            if code != 0 {
                return Ok(code);
            }
            process::target().join("release/snn-gpu")
        }
    };
    if options.build_only {
        println!("built {0}; where the GPU is: xtask gpu --binary {0}", binary.display());
        return Ok(0);
    }
    if !has_gpu() {
        return Ok(no_gpu());
    }
    let code = process::run(Command::new(&binary).arg("check"))?;
    if code != 0 {
        return Ok(code);
    }
    if process::is_installed("compute-sanitizer") {
        let mut sanitizer = Command::new("compute-sanitizer");
        let code =
            process::run(sanitizer.args(["--error-exitcode", "1"]).arg(&binary).args(["check", "--quick"]))?;
        if code != 0 {
            return Ok(code);
        }
    } else {
        println!("skipped: compute-sanitizer (not installed; it comes with the CUDA toolkit)");
    }
    let code = process::run(Command::new(&binary).arg("bench"))?;
    if code != 0 {
        return Ok(code);
    }
    if !process::succeeds(
        Command::new("python3").args(["-c", "import torch; assert torch.cuda.is_available()"]),
    ) {
        println!("skipped: the same jobs in PyTorch (python3 has no torch that sees a GPU)");
        return Ok(0);
    }
    torch(options.compiled)
}

fn has_gpu() -> bool {
    process::succeeds(Command::new("nvidia-smi").arg("--list-gpus"))
}

fn no_gpu() -> u8 {
    eprintln!(
        "error: there is no GPU here (nvidia-smi finds none); the kernels themselves are tested by `cargo xtask test`"
    );
    1
}

/// By standard input, as the program may have been carried here without the repository.
fn torch(compiled: bool) -> Result<u8> {
    let mut python = Command::new("python3");
    python.arg("-").args(compiled.then_some("--compiled")).stdin(Stdio::piped());
    process::announce(&python);
    let mut child = python.spawn().context("cannot start python3")?;
    let mut input = child.stdin.take().context("python3 has no input")?;
    input.write_all(TORCH.as_bytes()).context("cannot write to python3")?;
    drop(input);
    Ok(process::exit_code(child.wait().context("cannot wait for python3")?))
}
