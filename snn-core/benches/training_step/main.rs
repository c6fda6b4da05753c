//! Speed of one training step (forward, loss, backward, Adam) on four synthetic jobs.
//!
//! `cargo bench -p snn-core --bench training_step -- --help` says what can be asked for. Every variant of every job runs in a
//! process of its own, so that its peak memory is its own.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports on the terminal")]

mod jobs;
mod measure;
mod options;
mod peak;

use jobs::{Data, JOBS};
use measure::{Timing, measure};
use options::{HELP, Options};
use serde::Serialize;
use snn_core::InstructionSet;
use std::process::{Command, ExitCode};

/// The whole result, for `--json`.
#[derive(Serialize)]
struct Report {
    processor: String,
    threads: usize,
    instruction_set: String,
    version: &'static str,
    /// Multiply-adds that the cores together manage at most.
    peak_gflops: f64,
    timings: Vec<Timing>,
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

fn run(options: &Options, arguments: &[String]) -> Result<(), String> {
    let jobs = || JOBS.iter().filter(|j| options.jobs.iter().any(|name| name == j.name));
    if options.child {
        rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .build_global()
            .map_err(|e| e.to_string())?;
        for job in jobs() {
            for variant in &options.variants {
                let timing = measure(job, variant, options).map_err(|e| e.to_string())?;
                println!("{}", serde_json::to_string(&timing).map_err(|e| e.to_string())?);
            }
        }
        return Ok(());
    }
    let set = options.instruction_set.or_else(|| InstructionSet::available().last().copied());
    let mut report = Report {
        processor: processor(),
        threads: options.threads,
        instruction_set: set.map(|s| s.to_string()).unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION"),
        peak_gflops: peak::gflops(options.threads),
        timings: Vec::new(),
    };
    if !options.json {
        println!(
            "{}, {} threads, {}, snn-core {}; multiply-adds at most {:.0} GFLOP/s\n",
            report.processor, report.threads, report.instruction_set, report.version, report.peak_gflops
        );
        println!(
            "job variant   median    min    max | forward backward  Adam |  memory  spikes/unit  of fused"
        );
    }
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    for job in jobs() {
        if !options.json {
            let floor = job.dense_gflop() / report.peak_gflops * 1e3;
            println!(
                "{}: {}, batch {}, {} steps; ms. Dense products alone: {:.1} GFLOP, {floor:.1} ms at the peak",
                job.name,
                job.what,
                job.batch,
                job.steps,
                job.dense_gflop()
            );
        }
        let mut fused = None;
        for variant in &options.variants {
            if variant == "dense" && matches!(job.data, Data::Analog) {
                continue; // its input is dense as it is
            }
            let output = Command::new(&program)
                .args(arguments)
                .args(["--child", "--jobs", job.name, "--variants", variant])
                .output()
                .map_err(|e| e.to_string())?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
            let timing: Timing = serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())?;
            if variant == "fused" {
                fused = Some(timing.median_ms);
            }
            if !options.json {
                let t = &timing;
                println!(
                    "  {:<9} {:>8.2} {:>7.2} {:>7.2} | {:>7.2} {:>8.2} {:>5.2} | {:>5} MB {:>10.2} {}",
                    t.variant,
                    t.median_ms,
                    t.min_ms,
                    t.max_ms,
                    t.forward_ms,
                    t.backward_ms,
                    t.update_ms,
                    t.peak_memory_mb.map_or("?".into(), |m| format!("{m:.0}")),
                    t.hidden_spikes_per_unit,
                    fused.map_or(String::new(), |f| format!("{:>10.1} x", t.median_ms / f)),
                );
            }
            report.timings.push(timing);
        }
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report).map_err(|e| e.to_string())?);
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match Options::parse(&arguments) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    match run(&options, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
