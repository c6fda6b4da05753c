//! Two builds of this benchmark, interleaved.

use crate::{
    child::child,
    measure::{Timing, median},
    options::Options,
};
use serde::Serialize;
use snn_core::InstructionSet;
use std::path::Path;

/// Number of pairs of runs.
const ROUNDS: usize = 9;

/// The comparison of two builds on one job.
#[derive(Serialize)]
struct Comparison {
    job: &'static str,
    /// The compared time: processor time if both builds report it, otherwise wall time.
    time: &'static str,
    /// Minimum milliseconds per step of this build and of the other.
    least_ms: [f64; 2],
    /// The time of the other build relative to this one: the median of the pairs, and the quartiles.
    ratio: f64,
    quartiles: [f64; 2],
    /// Peak memory in MB of this build and of the other.
    memory_mb: [Option<f64>; 2],
    /// The ratios of the pairs, in the order of measurement.
    ratios: Vec<f64>,
}

/// Runs this build and the other in pairs, alternating which one is first. The minimum processor time per step of each run counts, since
/// other programs on the machine can only add to it. A build that does not report processor time yet is compared by wall time.
pub(crate) fn run(this: &Path, other: &Path, options: &Options) -> Result<(), String> {
    let mut arguments = vec![
        "--threads".to_owned(),
        options.threads.to_string(),
        "--seconds".to_owned(),
        format!("{:.3}", options.seconds.as_secs_f64() / ROUNDS as f64),
    ];
    if let Some(set) = options.instruction_set {
        let name = match set {
            InstructionSet::Avx2 => "avx2",
            InstructionSet::Avx512 => "avx512",
            _ => "portable",
        };
        arguments.extend(["--simd".to_owned(), name.to_owned()]);
    }
    let mut comparisons = Vec::new();
    if !options.json {
        println!("job    this   other     other/this (quartiles)      memory of this, other; ms per step");
    }
    for job in options.selected() {
        let mut timings: [Vec<Timing>; 2] = Default::default();
        for round in 0..ROUNDS {
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for which in order {
                let program = [this, other][which];
                timings[which].push(child(program, &arguments, job.name, "fused")?);
            }
        }
        let [ours, theirs] = &timings;
        let by_processor = timings.iter().flatten().all(|t| t.processor_min_ms.is_some());
        let time = |t: &Timing| t.processor_min_ms.filter(|_| by_processor).unwrap_or(t.min_ms);
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| time(b) / time(a)).collect();
        let mut sorted = ratios.clone();
        sorted.sort_by(f64::total_cmp);
        let least = |timings: &[Timing]| timings.iter().map(time).fold(f64::INFINITY, f64::min);
        let comparison = Comparison {
            job: job.name,
            time: if by_processor { "processor" } else { "clock" },
            least_ms: [least(ours), least(theirs)],
            ratio: median(ratios.clone()),
            quartiles: [sorted[ROUNDS / 4], sorted[ROUNDS - 1 - ROUNDS / 4]],
            memory_mb: [ours, theirs].map(|t| t.first().and_then(|t| t.peak_memory_mb)),
            ratios,
        };
        if !options.json {
            let memory = comparison.memory_mb.map(|m| m.map_or("?".into(), |m| format!("{m:.0} MB")));
            println!(
                "{:<4} {:>7.2} {:>7.2} {:>15.2} ({:.2} to {:.2}) {:>20}, {}; {} time",
                comparison.job,
                comparison.least_ms[0],
                comparison.least_ms[1],
                comparison.ratio,
                comparison.quartiles[0],
                comparison.quartiles[1],
                memory[0],
                memory[1],
                comparison.time,
            );
        }
        comparisons.push(comparison);
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&comparisons).map_err(|e| e.to_string())?);
    }
    Ok(())
}
