//! Speed of one training step (forward, loss, backward, Adam) on synthetic jobs, compared with the limits of the processor.
//!
//! `cargo bench -p snn-core --bench training_step -- --help` lists the options. Every variant of every job runs in a separate process,
//! to measure its peak memory.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints to the terminal")]

mod against;
mod child;
mod custom;
mod growth;
mod jobs;
mod latency;
mod measure;
mod options;
mod peak;
mod plot;
mod processor_time;
mod roofline;
mod scale;

use child::child;
use jobs::Data;
use measure::{Timing, measure};
use options::{HELP, Options};
use peak::Peaks;
use processor_time::processor;
use roofline::Roofline;
use serde::Serialize;
use snn_core::InstructionSet;
use std::process::ExitCode;

/// The whole result, for `--json`.
#[derive(Serialize)]
struct Report {
    processor: String,
    threads: usize,
    instruction_set: String,
    version: &'static str,
    /// The maximum rates of all cores together.
    peaks: Peaks,
    timings: Vec<Timing>,
    /// One for each timing of the variant `fused`.
    roofline: Vec<Roofline>,
}

/// Measures what [`child`] requested.
fn run_here(options: &Options) -> Result<(), String> {
    let mut pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads);
    // the calling thread works, too, so that one thread means one
    pool = pool.use_current_thread();
    pool.build_global().map_err(|e| e.to_string())?;
    let jobs = match &options.custom {
        Some(custom) => vec![custom.job()],
        None => options.selected(),
    };
    for job in jobs {
        for variant in &options.variants {
            let timing = measure(&job, variant, options).map_err(|e| e.to_string())?;
            println!("{}", serde_json::to_string(&timing).map_err(|e| e.to_string())?);
        }
    }
    Ok(())
}

fn run(options: &Options, arguments: &[String]) -> Result<(), String> {
    if options.child {
        return run_here(options);
    }
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    if options.latency {
        return latency::run(options);
    }
    if options.scale {
        return scale::run(&program, options);
    }
    if let Some(other) = &options.against {
        return against::run(&program, other, options);
    }
    let set = options.instruction_set.or_else(|| InstructionSet::available().last().copied());
    let peaks = Peaks::measure(options.threads, set);
    let mut report = Report {
        processor: processor(),
        threads: options.threads,
        instruction_set: set.map(|s| s.to_string()).unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION"),
        peaks,
        timings: Vec::new(),
        roofline: Vec::new(),
    };
    if !options.json {
        println!(
            "{}, {} thread{}, {}, snn-core {}; limits: {:.0} GFLOP/s of multiply-adds, loads of {:.0} GB/s from the first-level \
             cache, {:.0} from the second, {:.0} from memory\n",
            report.processor,
            report.threads,
            if report.threads == 1 { "" } else { "s" },
            report.instruction_set,
            report.version,
            peaks.gflops,
            peaks.l1_gb,
            peaks.l2_gb,
            peaks.memory_gb
        );
        println!(
            "job variant   median    min    max | forward backward  Adam |  memory  spikes/unit  of fused"
        );
    }
    for job in options.selected() {
        if !options.json {
            println!("{}: {}, batch {}, {} steps; ms", job.name, job.what, job.batch, job.steps);
        }
        let mut fused = None;
        for variant in &options.variants {
            if variant == "dense" && matches!(job.data, Data::Analog) {
                continue; // its input is already dense
            }
            let timing = child(&program, arguments, job.name, variant)?;
            let t = &timing;
            if !options.json {
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
            if variant == "fused" {
                fused = Some(t.median_ms);
                let roofline = Roofline::new(&job, t, &peaks, options.threads);
                if !options.json {
                    print_roofline(&roofline);
                }
                report.roofline.push(roofline);
            }
            report.timings.push(timing);
        }
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report).map_err(|e| e.to_string())?);
    }
    Ok(())
}

fn print_roofline(roofline: &Roofline) {
    let Roofline { forward, backward, floor_ms, share, forward_share, backward_share, .. } = roofline;
    println!(
        "    floor {floor_ms:>7.2}, {:.0} % of it reached: forward {:.0} %, backward {:.0} %; products {:.2} GFLOP, rows {:.3} Gfloat, \
         element-wise {:.3} GFLOP, trace {:.3} GB",
        100.0 * share,
        100.0 * forward_share,
        100.0 * backward_share,
        forward.product_gflop + backward.product_gflop,
        forward.row_gfloat + backward.row_gfloat,
        forward.element_gflop + backward.element_gflop,
        forward.trace_gb + backward.trace_gb,
    );
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
