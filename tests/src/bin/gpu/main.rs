//! Checks a GPU with golden cases and random problems, and measures training on it.
//!
//! - `snn-gpu check [--quick]` compares with the CPU;
//! - `snn-gpu machine` reports the GPU and its limits;
//! - `snn-gpu bench JOB TIMES` and `snn-gpu bench randman` measure training, `snn-gpu calls JOB` every kernel of a step;
//! - `snn-gpu step JOB` runs one step, for profilers;
//! - `snn-gpu launches BYTES` lists, without a GPU, the kernels that a step launches with this on-chip memory per block.
//!
//! A job is one of R, M, S and A, with TIMES x 256 samples per batch. All except `check` print lines of JSON, from which
//! `cargo xtask gpu` makes tables.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test program fails like a test"
)]

mod bench;
mod calls;
mod check;
mod jobs;
mod launches;
mod machine;
mod moved;

use snn_core::{Cuda, cuda};
use std::process::ExitCode;

const USAGE: &str = "usage: snn-gpu check [--quick] | machine | bench R|M|S|A TIMES | bench randman | calls R|M|S|A | \
                     step R|M|S|A | launches BYTES";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let work: &dyn Fn(&Cuda) -> bool = match words[..] {
        ["check"] => &|gpu| check::check(gpu, false),
        ["check", "--quick"] => &|gpu| check::check(gpu, true),
        ["machine"] => &machine::measure,
        ["bench", "randman"] => &|gpu| {
            bench::randman(gpu);
            true
        },
        ["bench", job, times] => &move |gpu| times.parse().is_ok_and(|times| bench::bench(gpu, job, times)),
        ["calls", job] => &move |gpu| calls::measure(gpu, job),
        ["step", job] => &move |gpu| bench::one_step(gpu, job),
        ["launches", bytes] => {
            return bytes.parse().map_or(ExitCode::from(2), |bytes| {
                launches::list(bytes);
                ExitCode::SUCCESS
            });
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match cuda(0) {
        Ok(gpu) if work(&gpu) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
