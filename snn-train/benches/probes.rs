//! The cost of probes: `cargo bench -p snn-train --bench probes [EPOCHS]`.
//!
//! Trains the preset `randman` alternately with and without probes, each time in a new run directory, and compares the medians
//! of the whole runs. On a shared machine, compare the processor time.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints its results, and panics on failure like a test"
)]

use std::{fs, path::Path, sync::Arc, time::Instant};

use snn_train::{Experiment, RunWriter, Trainer};

const PAIRS: usize = 7;

fn main() {
    let epochs: u32 = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(20);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let experiment = |every: u32| {
        let mut experiment = Experiment::preset("randman").expect("a preset");
        (experiment.training.epochs, experiment.probe.every) = (epochs, every);
        experiment
    };
    let data: Arc<dyn snn_data::Dataset> = experiment(0).data.open().expect("data").into();
    let run = |every: u32, place: &Path| {
        let mut trainer = Trainer::on(experiment(every), Arc::clone(&data)).expect("a trainer");
        let mut writer = RunWriter::create(place, &trainer).expect("a run directory");
        let (start, before) = (Instant::now(), processor_time());
        trainer.run(&mut [&mut writer]).expect("training");
        (start.elapsed().as_secs_f64(), processor_time() - before)
    };
    run(1, &directory.path().join("warm"));
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        with.push(run(1, &directory.path().join(format!("with-{pair}"))));
        without.push(run(0, &directory.path().join(format!("without-{pair}"))));
    }
    println!("randman, {epochs} epochs, a probe after each, medians of {PAIRS}:");
    for (what, pick) in [("wall time", 0), ("processor time", 1)] {
        let median = |laps: &[(f64, f64)]| {
            let mut laps: Vec<f64> = laps.iter().map(|lap| if pick == 0 { lap.0 } else { lap.1 }).collect();
            laps.sort_by(f64::total_cmp);
            laps[laps.len() / 2]
        };
        let (with, without) = (median(&with), median(&without));
        println!(
            "{what:<15} {with:.3} s with, {without:.3} s without: {:+.2} %",
            100.0 * (with / without - 1.0)
        );
    }
}

/// Seconds of processor time of this process; 0 where there is no /proc.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may contain spaces; the fields from the state on do not.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
