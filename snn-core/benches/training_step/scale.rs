//! The growth of time and memory with steps, units, batch, layers, spikes and threads.

use crate::{
    child::child,
    custom::Custom,
    growth::{Growth, Point},
    measure::Timing,
    options::Options,
    plot,
    processor_time::processor,
};
use std::{fmt::Write as _, fs, path::Path};

const BASE: Custom = Custom { steps: 200, units: 128, batch: 64, layers: 1, density: 16, recurrent: 1 };

/// A quantity that grows, and its sizes.
struct Axis {
    name: &'static str,
    sizes: &'static [usize],
    /// The maximum exponents of time and memory of the work.
    expected: [f64; 2],
    set: fn(Custom, usize) -> Custom,
    /// The fixed settings.
    fixed: &'static str,
}

const AXES: [Axis; 7] = [
    Axis {
        name: "steps",
        sizes: &[100, 300, 1000, 3000, 10_000],
        expected: [1.0, 1.0],
        set: |c, steps| Custom { steps, batch: 16, ..c },
        fixed: "128 recurrent units, batch 16, 16 input spikes per step",
    },
    Axis {
        name: "units, recurrent",
        sizes: &[64, 128, 256, 512, 1024, 2048, 4096],
        expected: [2.0, 2.0],
        set: |c, units| Custom { units, steps: 50, batch: 16, ..c },
        fixed: "50 steps, batch 16, 16 input spikes per step",
    },
    Axis {
        name: "units, feed-forward",
        sizes: &[64, 128, 256, 512, 1024, 2048, 4096],
        expected: [1.0, 1.0],
        set: |c, units| Custom { units, recurrent: 0, ..c },
        fixed: "200 steps, batch 64, 16 input spikes per step",
    },
    Axis {
        name: "batch",
        sizes: &[16, 64, 256, 1024, 4096],
        expected: [1.0, 1.0],
        set: |c, batch| Custom { batch, steps: 100, ..c },
        fixed: "128 recurrent units, 100 steps, 16 input spikes per step",
    },
    Axis {
        name: "layers",
        sizes: &[1, 2, 4, 8],
        expected: [1.0, 1.0],
        set: |c, layers| Custom { layers, recurrent: 0, ..c },
        fixed: "128 units each, 200 steps, batch 64, 16 input spikes per step",
    },
    Axis {
        name: "input spikes per step",
        sizes: &[4, 16, 64, 256],
        expected: [1.0, 1.0],
        set: |c, density| Custom { density, ..c },
        fixed: "128 recurrent units, 200 steps, batch 64",
    },
    Axis {
        name: "threads",
        sizes: &[1, 2, 4, 8, 16, 32],
        expected: [0.0, 1.0],
        set: |c, _| c,
        fixed: "128 recurrent units, 200 steps, batch 64, 16 input spikes per step; the time is the sum over all threads",
    },
];

pub(crate) fn run(program: &Path, options: &Options) -> Result<(), String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let seconds = (options.seconds.as_secs_f64() / 5.0).to_string();
    let mut growths = Vec::new();
    for axis in AXES {
        if !options.json {
            println!(
                "{:<20} {:>14} {:>12} {:>10}   {}",
                axis.name, "processor ms", "clock ms", "memory", axis.fixed
            );
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
            let Timing { min_ms: least_ms, processor_min_ms, peak_memory_mb: memory_mb, .. } =
                child(program, &arguments, "S", "fused")?;
            let processor_ms = processor_min_ms.unwrap_or(least_ms);
            if !options.json {
                let memory = memory_mb.map_or("?".into(), |m| format!("{m:.0} MB"));
                println!("{size:>20} {processor_ms:>14.2} {least_ms:>12.2} {memory:>10}");
            }
            points.push(Point { size, processor_ms, least_ms, memory_mb });
        }
        let growth = Growth::new(axis.name, axis.fixed.into(), points, axis.expected);
        if !options.json {
            let [time, memory] = growth.exponents;
            let fault = if growth.fault { "   grows faster than the work" } else { "" };
            println!("{:>20} {time:>14.2} {:>12} {memory:>10.2}{fault}\n", "exponent", "");
        }
        growths.push(growth);
    }
    if let Some(folder) = &options.out {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))
        };
        write("scale.md", &page(&growths, options, cores))?;
        write("scale.svg", &plot::svg(&growths))?;
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&growths).map_err(|e| e.to_string())?);
    }
    Ok(())
}

/// The page of the documentation.
fn page(growths: &[Growth], options: &Options, cores: usize) -> String {
    let mut page = format!(
        "# How a training step scales\n\n\
         Measured by `cargo xtask bench scale` on {}, {cores} cores, {} threads unless their number varies. Each point is the minimum \
         processor time per step (over all threads; other programs on the machine do not affect it) and the peak memory of the \
         process, including its batches. Networks have 700 inputs and 20 outputs.\n\n\
         ![Growth of time and memory on each axis, relative to the smallest size](scale.svg)\n\n\
         Solid: processor time. Dotted: memory. Gray: the growth of the work.\n",
        processor(),
        options.threads,
    );
    for Growth { axis, fixed, points, exponents, expected, fault } in growths {
        let _ = write!(
            page,
            "\n## {}{}\n\nFixed: {fixed}.\n\n| {axis} | processor ms | clock ms | memory, MB |\n|---|---|---|---|\n",
            axis[..1].to_uppercase(),
            &axis[1..],
        );
        for Point { size, processor_ms, least_ms, memory_mb } in points {
            let memory = memory_mb.map_or("?".into(), |m| format!("{m:.0}"));
            let _ = writeln!(page, "| {size} | {processor_ms:.2} | {least_ms:.2} | {memory} |");
        }
        let _ = writeln!(page, "| **exponent** | **{:.2}** | | **{:.2}** |", exponents[0], exponents[1]);
        let verdict = if *fault { "grows faster than the work" } else { "no faster than the work" };
        let _ = writeln!(page, "\nThe work grows with exponent {}: {verdict}.", expected[0]);
    }
    page
}
