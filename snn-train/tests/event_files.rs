//! From event files, by users and by event cameras, to a trained and evaluated network, with the program alone.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

mod common;

use std::{fmt::Write as _, fs};

use common::{Ended, Snn};
use serde_json::Value;
use snn_data::npz::NpzWriter;

const SHORT: [&str; 5] = [
    "network.hidden=[32]",
    "training.epochs=15",
    "readout.head=sum",
    "training.batch_size=12",
    "optimizer.learning_rate=0.01",
];

fn run(snn: &Snn, arguments: &[&str]) -> Ended {
    snn.command(arguments).env("SNN_DATA_DIR", snn.path("data")).output().unwrap().into()
}

/// Trains a run with this name; returns its test accuracy.
fn train(snn: &Snn, name: &str, changes: &[&str]) -> f64 {
    let mut arguments = vec!["train", "randman", "--json", "--quiet", "--run-dir", name];
    arguments.extend(changes.iter().chain(&SHORT).flat_map(|change| ["--set", change]));
    let ended = run(snn, &arguments).expect(0);
    let result: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    result["test"]["accuracy"].as_f64().unwrap()
}

fn info(snn: &Snn, name: &str, changes: &[&str]) -> Value {
    let mut arguments = vec!["data", "info", name, "--json"];
    arguments.extend(changes.iter().flat_map(|change| ["--set", change]));
    serde_json::from_str(&run(snn, &arguments).expect(0).stdout).unwrap()
}

/// Time (ms) and unit of the spikes of a sample; each of the three classes has ten of the 30 units.
fn spikes(sample: usize) -> impl Iterator<Item = (f64, usize)> {
    (0..40).map(move |spike| (1.25 * spike as f64, (sample % 3) * 10 + (7 * sample + spike) % 10))
}

#[test]
fn npz_and_csv_files_train_and_are_evaluated() {
    let snn = Snn::new();
    let words = ["left", "right", "up"];
    let mut csv = "sample,time,unit,label\n".to_owned();
    for sample in 0..60 {
        for (time, unit) in spikes(sample) {
            writeln!(csv, "{sample},{time},{unit},{}", words[sample % 3]).unwrap();
        }
    }
    fs::write(snn.path("test.csv"), &csv).unwrap();
    let all: Vec<(f64, usize)> = (0..90).flat_map(spikes).collect();
    let mut npz = NpzWriter::new();
    // Microseconds, as declared in the archive.
    npz.add("times", &[all.len()], &all.iter().map(|spike| (1000.0 * spike.0) as u32).collect::<Vec<_>>())
        .unwrap();
    npz.add("units", &[all.len()], &all.iter().map(|spike| spike.1 as u16).collect::<Vec<_>>()).unwrap();
    npz.add("offsets", &[91], &(0..=90).map(|sample| 40 * sample).collect::<Vec<i64>>()).unwrap();
    npz.add("labels", &[90], &(0..90).map(|sample| sample % 3).collect::<Vec<u8>>()).unwrap();
    npz.add_texts("classes", &[3], &words).unwrap();
    npz.add_texts("time_unit", &[], &["us"]).unwrap();
    fs::write(snn.path("train.npz"), npz.finish()).unwrap();

    let files = [
        "data.name=spikes",
        "data.train_file=train.npz",
        "data.test_file=test.csv",
        "data.time_unit=ms",
        "data.inputs=30",
        "data.steps=50",
        "data.dt=1",
    ];
    let accuracy = train(&snn, "run", &files);
    assert!(accuracy > 0.9, "{accuracy}");
    let evaluated = run(&snn, &["eval", "run", "--json"]).expect(0);
    let evaluated: Value = serde_json::from_str(evaluated.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(evaluated["accuracy"].as_f64(), Some(accuracy), "{evaluated}");

    let pooled = [&files[1..], &["data.pool=2", "data.channels=[10, 29]"]].concat();
    let info = info(&snn, "spikes", &pooled);
    assert_eq!((&info["inputs"], &info["classes"][2]), (&10.into(), &"up".into()));
    assert_eq!(info["intake"]["left_out"][0]["count"], 50 * 40, "a class of three: {info}");
    let mut preview = vec!["data", "preview", "spikes", "--ascii", "--class", "right"];
    preview.extend(files[1..].iter().flat_map(|change| ["--set", change]));
    assert!(run(&snn, &preview).expect(0).stdout.contains("right"));

    let mut wide = vec!["data", "info", "spikes"];
    wide.extend(files[1..].iter().chain(&["data.inputs=100000"]).flat_map(|change| ["--set", change]));
    run(&snn, &wide)
        .fails(2, &["pool must be 2 or more (this gives 100000 input units, and the maximum is 65536)"]);
    let mut valid = vec!["data", "info", "spikes"];
    valid.extend(files[1..].iter().chain(&["data.valid_file=test.csv"]).flat_map(|change| ["--set", change]));
    run(&snn, &valid).fails(2, &["{ by = \"official\" } if there is a validation file"]);
}

/// Bars at a different position for each digit, in the layout of N-MNIST.
#[test]
fn nmnist_trains() {
    let snn = Snn::new();
    run(&snn, &["data", "info", "nmnist"])
        .fails(1, &["the data set nmnist is missing", "`cargo xtask fetch-data nmnist` fetches it"]);
    for (part, samples) in [("Train", 12_usize), ("Test", 3)] {
        for digit in 0..10_u8 {
            let folder = snn.path(&format!("data/nmnist/{part}/{digit}"));
            fs::create_dir_all(&folder).unwrap();
            for sample in 0..samples {
                let event = |k: usize| {
                    let time = (5000 * k as u32 + 97 * sample as u32).to_be_bytes();
                    [3 * digit + (k % 3) as u8, ((k + sample) % 34) as u8, time[1] | 0x80, time[2], time[3]]
                };
                let bytes: Vec<u8> = (0..60).flat_map(event).collect();
                fs::write(folder.join(format!("{sample:05}.bin")), bytes).unwrap();
            }
        }
    }
    let accuracy =
        train(&snn, "run", &["data.name=nmnist", "data.steps=60", "data.dt=5", "data.polarity=on"]);
    assert!(accuracy > 0.8, "{accuracy} where chance is 0.1");
    let info = info(&snn, "nmnist", &["data.pool=2", "data.polarity=merge"]);
    assert_eq!((&info["inputs"], &info["samples"]), (&289.into(), &150.into()));
    assert_eq!(info["parts"][2]["samples"], 30);
}
