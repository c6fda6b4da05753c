//! How time and memory grow with steps, units, batch, layers, spikes and threads.

use crate::{child::child, custom::Custom, measure::Timing, options::Options};
use serde::Serialize;
use std::path::Path;

const BASE: Custom = Custom { steps: 200, units: 128, batch: 64, layers: 1, density: 16, recurrent: 1 };

/// One quantity that grows, with what it is and the sizes that are tried.
struct Axis {
    name: &'static str,
    sizes: &'static [usize],
    /// The exponents of time and memory that the work has, at most.
    expected: [f64; 2],
    set: fn(Custom, usize) -> Custom,
}

const AXES: [Axis; 7] = [
    Axis {
        name: "steps",
        sizes: &[100, 300, 1000, 3000, 10_000],
        expected: [1.0, 1.0],
        set: |c, steps| Custom { steps, batch: 16, ..c },
    },
    Axis {
        name: "units, recurrent",
        sizes: &[64, 128, 256, 512, 1024, 2048, 4096],
        expected: [2.0, 2.0],
        set: |c, units| Custom { units, steps: 50, batch: 16, ..c },
    },
    Axis {
        name: "units, feed-forward",
        sizes: &[64, 128, 256, 512, 1024, 2048, 4096],
        expected: [1.0, 1.0],
        set: |c, units| Custom { units, recurrent: 0, ..c },
    },
    Axis {
        name: "batch",
        sizes: &[16, 64, 256, 1024, 4096],
        expected: [1.0, 1.0],
        set: |c, batch| Custom { batch, steps: 100, ..c },
    },
    Axis {
        name: "layers",
        sizes: &[1, 2, 4, 8],
        expected: [1.0, 1.0],
        set: |c, layers| Custom { layers, recurrent: 0, ..c },
    },
    Axis {
        name: "input spikes a step",
        sizes: &[4, 16, 64, 256],
        expected: [1.0, 1.0],
        set: |c, density| Custom { density, ..c },
    },
    Axis { name: "threads", sizes: &[1, 2, 4, 8, 16, 32], expected: [0.0, 1.0], set: |c, _| c },
];

/// A point of an axis.
#[derive(Serialize)]
struct Point {
    size: usize,
    least_ms: f64,
    memory_mb: Option<f64>,
}

/// An axis as measured.
#[derive(Serialize)]
struct Growth {
    axis: &'static str,
    points: Vec<Point>,
    /// Of time and memory: the slope of a line through the logarithms.
    time_exponent: f64,
    memory_exponent: f64,
    /// What the work grows with.
    expected: [f64; 2],
    /// Whether time or memory grow faster than the work.
    fault: bool,
}

/// How far a fitted exponent may lie above that of the work: caches that no longer hold what is worked on cost as much.
const MARGIN: f64 = 0.15;

pub(crate) fn run(program: &Path, options: &Options) -> Result<(), String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let seconds = (options.seconds.as_secs_f64() / 5.0).to_string();
    let mut growths = Vec::new();
    for axis in AXES {
        if !options.json {
            println!("{:<20} {:>10} {:>10}", axis.name, "ms a step", "memory");
        }
        let mut points = Vec::new();
        for &size in axis.sizes {
            let custom = (axis.set)(BASE, size);
            let threads = if axis.name == "threads" { size } else { options.threads };
            if threads > cores {
                continue;
            }
            let arguments =
                ["--threads", &threads.to_string(), "--seconds", &seconds, "--custom", &custom.to_string()]
                    .map(str::to_owned);
            let Timing { min_ms, peak_memory_mb, .. } = child(program, &arguments, "S", "fused")?;
            if !options.json {
                let memory = peak_memory_mb.map_or("?".into(), |m| format!("{m:.0} MB"));
                println!("{size:>20} {min_ms:>10.2} {memory:>10}");
            }
            points.push(Point { size, least_ms: min_ms, memory_mb: peak_memory_mb });
        }
        let of = |value: fn(&Point) -> Option<f64>| {
            exponent(points.iter().filter_map(|p| Some((p.size as f64, value(p)?))))
        };
        let (time_exponent, memory_exponent) = (of(|p| Some(p.least_ms)), of(|p| p.memory_mb));
        let fault = time_exponent > axis.expected[0] + MARGIN || memory_exponent > axis.expected[1] + MARGIN;
        if !options.json {
            println!(
                "{:>20} {time_exponent:>10.2} {memory_exponent:>10.2}{}\n",
                "exponent",
                if fault { "   grows faster than the work" } else { "" }
            );
        }
        let (axis, expected) = (axis.name, axis.expected);
        growths.push(Growth { axis, points, time_exponent, memory_exponent, expected, fault });
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&growths).map_err(|e| e.to_string())?);
    }
    Ok(())
}

/// The slope of the line of least squares through the logarithms; 0 through fewer than two points.
fn exponent(points: impl Iterator<Item = (f64, f64)>) -> f64 {
    let points: Vec<(f64, f64)> = points.map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|p| p.0), mean(|p| p.1));
    let (mut xy, mut xx) = (0.0, 0.0);
    for (x, y) in &points {
        xy += (x - x_mean) * (y - y_mean);
        xx += (x - x_mean) * (x - x_mean);
    }
    if xx > 0.0 { xy / xx } else { 0.0 }
}
