//! `cargo xtask gpu`: what a GPU computes against the CPU, and how fast; and what of it can be checked without one.
//!
//! - `table`: what was measured, with its floors and ratios;
//! - `timed`: programs that get so much time and no more;
//! - `link`, `toolkit`: `--link-check`, on machines without GPU and CUDA toolkit.

mod link;
mod table;
mod timed;
mod toolkit;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::process;
use table::Line;
use timed::End;

#[derive(Args)]
pub(crate) struct Options {
    /// Build, put into one folder what a machine with a GPU needs, and stop: with cargo and the CUDA toolkit
    #[arg(long, conflicts_with_all = ["binary", "link_check"])]
    build_only: bool,
    /// The program `snn-gpu` built elsewhere, for machines without cargo
    #[arg(long, value_name = "FILE", conflicts_with = "link_check")]
    binary: Option<PathBuf>,
    /// Without GPU and toolkit: fetch the compilers from PyPI, link the programs, assemble all kernels, and tell what they use
    #[arg(long)]
    link_check: bool,
}

/// The same jobs in PyTorch.
const TORCH: &str = include_str!("../../../tests/gpu/torch_steps.py");

/// When each part must be done at the latest, counted from the end of the build: all of it in less than eight minutes.
const CHECKED: Duration = Duration::from_secs(120);
const SANITIZED: Duration = Duration::from_secs(210);
const MEASURED: Duration = Duration::from_secs(310);
const COMPARED: Duration = Duration::from_secs(465);

/// Where `snn-gpu` looks for its golden cases.
const GOLDEN_VARIABLE: &str = "SNN_GOLDEN_DIR";

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
    let binary = match &options.binary {
        // as the working directory has it, not the search path
        Some(binary) => fs::canonicalize(binary).with_context(|| format!("no {}", binary.display()))?,
        None => {
            let mut build = process::cargo(["build", "--release", "--bin", "snn-gpu"]);
            let code = process::run(build.args(["--features", "snn-tests/cuda"]))?;
            if code != 0 {
                return Ok(code);
            }
            process::target().join("release/snn-gpu")
        }
    };
    if options.build_only {
        return pack(&binary);
    }
    Session { binary, begin: Instant::now(), lines: Vec::new() }.run()
}

fn has_gpu() -> bool {
    process::succeeds(Command::new("nvidia-smi").arg("--list-gpus"))
}

/// Puts this program, `snn-gpu` and the golden cases into one folder.
fn pack(binary: &Path) -> Result<u8> {
    let folder = process::target().join("gpu");
    let golden = folder.join("golden");
    fs::create_dir_all(&golden).with_context(|| format!("cannot make {}", golden.display()))?;
    let copy = |from: &Path, to: PathBuf| {
        fs::copy(from, &to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
    };
    copy(binary, folder.join("snn-gpu"))?;
    copy(&env::current_exe().context("where is this program?")?, folder.join("xtask"))?;
    let cases = process::root().join("tests/golden/gradients");
    for entry in fs::read_dir(&cases).with_context(|| format!("cannot read {}", cases.display()))? {
        let entry = entry.context("cannot list golden cases")?;
        copy(&entry.path(), golden.join(entry.file_name()))?;
    }
    println!("carry {} to the machine with the GPU; there: ./xtask gpu --binary ./snn-gpu", folder.display());
    Ok(0)
}

/// All programs, one after the other, and what they have measured.
struct Session {
    binary: PathBuf,
    begin: Instant,
    lines: Vec<Line>,
}

impl Session {
    fn run(mut self) -> Result<u8> {
        println!("{}\n{}", humantime::format_rfc3339_seconds(SystemTime::now()), machine());
        if let Some(code) = self.check(Command::new(&self.binary).arg("check"), CHECKED)? {
            return Ok(code);
        }
        if process::is_installed("compute-sanitizer") {
            let mut sanitizer = Command::new("compute-sanitizer");
            sanitizer.args(["--error-exitcode", "1"]).arg(&self.binary).args(["check", "--quick"]);
            if let Some(code) = self.check(&mut sanitizer, SANITIZED)? {
                return Ok(code);
            }
        } else {
            self.skip("compute-sanitizer", "not installed; it comes with the CUDA toolkit");
        }
        let mut bench = Command::new(&self.binary);
        match self.measure(bench.arg("bench"), "", MEASURED)? {
            End::Code(0) => {}
            End::Code(code) => return Ok(code),
            End::OutOfTime => self.skip("the rest of the bench", "its time was over"),
        }
        let torch = ["-c", "import torch; assert torch.cuda.is_available()"];
        if process::succeeds(Command::new("python3").args(torch)) {
            match self.measure(Command::new("python3").arg("-"), TORCH, COMPARED)? {
                End::Code(0) => {}
                End::Code(code) => {
                    self.skip("the rest of PyTorch", &format!("it ended with exit code {code}"))
                }
                End::OutOfTime => self.skip("the rest of PyTorch", "its time was over"),
            }
        } else {
            self.skip("the same jobs in PyTorch", "python3 has no torch that sees a GPU");
        }
        println!("\n{}", table::render(&self.lines));
        println!("after {:.0} s", self.begin.elapsed().as_secs_f64());
        Ok(0)
    }

    fn skip(&mut self, what: &str, reason: &str) {
        self.lines.push(Line::Skipped { what: what.to_owned(), reason: reason.to_owned() });
    }

    /// `None` if all is well, else the exit code.
    fn check(&self, command: &mut Command, limit: Duration) -> Result<Option<u8>> {
        self.show_golden_cases(command);
        match timed::run(command, "", self.begin + limit, |line| println!("{line}"))? {
            End::Code(0) => Ok(None),
            End::Code(code) => Ok(Some(code)),
            End::OutOfTime => {
                let seconds = limit.as_secs();
                eprintln!(
                    "error: `{}` is not done, {seconds} s after the start of all",
                    process::line(command)
                );
                Ok(Some(1))
            }
        }
    }

    fn measure(&mut self, command: &mut Command, input: &str, limit: Duration) -> Result<End> {
        let lines = &mut self.lines;
        timed::run(command, input, self.begin + limit, |line| match table::parse(line) {
            Some(measured) => lines.push(measured),
            None => println!("{line}"),
        })
    }

    /// Beside a program that was carried here, where it does not know its repository.
    fn show_golden_cases(&self, command: &mut Command) {
        let golden = self.binary.with_file_name("golden");
        if env::var_os(GOLDEN_VARIABLE).is_none() && golden.join("manifest.json").is_file() {
            command.env(GOLDEN_VARIABLE, golden);
        }
    }
}

/// Name, driver and memory of every GPU that is visible.
fn machine() -> String {
    let query = ["--query-gpu=name,driver_version,memory.total,compute_cap", "--format=csv,noheader"];
    let output = Command::new("nvidia-smi").args(query).output();
    output.map_or_else(|error| error.to_string(), |it| String::from_utf8_lossy(&it.stdout).trim().to_owned())
}
