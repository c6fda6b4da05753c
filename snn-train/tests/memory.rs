//! The memory estimate of a run, and its actual memory.
#![cfg(all(target_os = "linux", feature = "cli"))]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "this is a test")]

mod common;

use std::{fs, process::Stdio, thread::sleep, time::Duration};

use common::{Ended, Snn};

/// Shapes of runs, each with a different part that dominates the memory.
const SHAPES: &[(&str, &[&str])] = &[
    ("a small network", &["data.samples_per_class=20", "network.hidden=[8]"]),
    ("the preset", &["data.samples_per_class=1000", "network.hidden=[100]"]),
    (
        "inputs and steps",
        &[
            "data.inputs=700",
            "data.steps=500",
            "network.hidden=[256]",
            "network.recurrent=true",
            "training.batch_size=256",
        ],
    ),
    (
        "two recurrent layers",
        &[
            "data.inputs=200",
            "data.steps=500",
            "network.hidden=[700, 500]",
            "network.recurrent=true",
            "training.batch_size=128",
        ],
    ),
    ("layers", &["network.hidden=[200, 200, 200, 200]", "training.batch_size=100"]),
    (
        "a wide layer",
        &[
            "data.samples_per_class=20",
            "network.hidden=[2000]",
            "network.recurrent=true",
            "training.batch_size=50",
        ],
    ),
    (
        "steps",
        &["data.samples_per_class=20", "data.steps=5000", "network.hidden=[100]", "training.batch_size=50"],
    ),
    (
        "samples",
        &[
            "data.samples_per_class=20000",
            "data.inputs=50",
            "data.n_cutoff=2",
            "network.hidden=[20]",
            "training.batch_size=1000",
        ],
    ),
    (
        "classes",
        &[
            "data.classes=4000",
            "data.samples_per_class=5",
            "data.inputs=5",
            "data.steps=20",
            "network.hidden=[20]",
        ],
    ),
    (
        "the tape",
        &["data.samples_per_class=40", "network.hidden=[100, 100]", "network.implementation=reference"],
    ),
    (
        "the tape of adaptive units",
        &[
            "data.samples_per_class=40",
            "network.hidden=[200]",
            "network.implementation=reference",
            "network.neuron=adaptive-lif",
        ],
    ),
    (
        "a batch",
        &[
            "data.samples_per_class=700",
            "data.n_cutoff=2",
            "network.hidden=[300]",
            "training.batch_size=5000",
        ],
    ),
    (
        "momentum",
        &[
            "data.samples_per_class=20",
            "network.hidden=[2000]",
            "network.recurrent=true",
            "optimizer.name=sgd",
        ],
    ),
    (
        "three moments",
        &[
            "data.samples_per_class=20",
            "network.hidden=[1500]",
            "network.recurrent=true",
            "optimizer.name=smorms3",
        ],
    ),
    (
        "a wide input",
        &["data.inputs=20000", "data.samples_per_class=20", "data.n_cutoff=2", "network.hidden=[100]"],
    ),
    ("a wide readout", &["data.classes=500", "data.samples_per_class=20", "network.hidden=[1000]"]),
];

/// The estimate before a run is between 0.9 and 1.3 of the peak: the allocator retains memory, and pages of the program file may or may
/// not be resident.
#[test]
fn the_estimate_matches_the_memory_of_a_run() {
    let snn = Snn::new();
    let mut wrong = Vec::new();
    for (number, (name, changes)) in SHAPES.iter().enumerate() {
        let run = number.to_string();
        let changes =
            ["data.samples_per_class=100", "data.n_cutoff=20", "training.epochs=1"].iter().chain(*changes);
        let changes = changes.flat_map(|&change| ["--set", change]);
        let arguments: Vec<_> = ["train", "randman", "--threads", "2", "--quiet", "--run-dir", &run]
            .into_iter()
            .chain(changes)
            .collect();
        let small = [arguments.as_slice(), &["--set", "training.memory_limit=1e-6"]].concat();
        let told = snn.run(&small).expect(2).stderr;
        let mut words = told.split("needs about ").nth(1).unwrap().split_whitespace();
        let (value, unit) = (words.next().unwrap(), words.next().unwrap());
        let estimate = value.parse::<f64>().unwrap() * if unit == "GB" { 1000.0 } else { 1.0 };

        let mut child =
            snn.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut peak = 0.0_f64;
        while child.try_wait().unwrap().is_none() {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            peak = peak.max(kilobytes.unwrap_or_default() * 1.024e-3);
            sleep(Duration::from_millis(1));
        }
        Ended::from(child.wait_with_output().unwrap()).expect(0);
        let line = format!("{name}: estimate {estimate} MB, measured {peak:.1} MB, {:.2}", estimate / peak);
        println!("{line}");
        if !(0.9..1.3).contains(&(estimate / peak)) {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
