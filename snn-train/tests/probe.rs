//! Probes are recorded without affecting training.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is a test outside of a test function")]

mod common;

use std::{fs, path::Path};

use common::{Snn, metrics, results};
use snn_train::{
    Checkpoint,
    probe::Probe,
    run::{Record, RecordedState, RunDir},
};

/// All probes of a run, without their cost.
fn probes(run: &Path) -> Vec<Probe> {
    let run = RunDir::open(run).unwrap();
    let read = |epoch| Probe { seconds: 0.0, ..run.probe(epoch).unwrap() };
    run.probed_epochs().unwrap().into_iter().map(read).collect()
}

fn epochs(run: &Path) -> Vec<u32> {
    probes(run).iter().map(|probe| probe.epoch).collect()
}

#[test]
fn training_ends_with_the_same_bits_with_and_without_probes() {
    let snn = Snn::new();
    let train = |run: &'static str, changes: &[&'static str]| {
        snn.run(&Snn::train(&[&["training.epochs=4"], changes].concat(), &["--run-dir", run])).expect(0);
    };
    train("with", &["probe.samples=[3, 500]", "probe.neurons=[0, 7]"]);
    train("without", &["probe.every=0"]);
    assert_eq!(epochs(&snn.path("with")), [0, 1, 2, 3, 4]);
    assert!(!snn.path("without/probes").exists());
    assert_eq!(metrics(&snn.path("with")), metrics(&snn.path("without")));
    let weights = |run: &str, which: &str| {
        let checkpoint = Checkpoint::load(snn.path(run).join("checkpoints").join(which)).unwrap();
        let mut network = snn_train::Trainer::new(checkpoint.experiment().clone()).unwrap().network().clone();
        checkpoint.restore(&mut network).unwrap();
        network.parameters().collect::<Vec<_>>()
    };
    for which in ["last.safetensors", "best.safetensors"] {
        assert_eq!(weights("with", which), weights("without", which), "{which}");
    }

    let last = probes(&snn.path("with")).pop().unwrap();
    assert_eq!(last.samples.iter().map(|sample| sample.index).collect::<Vec<_>>(), [3, 500]);
    assert_eq!(last.samples[0].potentials[0].units, [0, 7]);
    assert_eq!(last.update_ratios.keys().collect::<Vec<_>>(), ["V1", "W1", "Wout"]);
    assert!(last.update_ratios.values().all(|&ratio| ratio > 0.0 && ratio < 1.0), "{last:?}");
    let records = RunDir::open(snn.path("with")).unwrap().records().unwrap();
    let Record::Epoch(epoch) = &records[3] else { panic!("{records:?}") };
    let correct: u32 = (0..10).map(|class| last.confusion[class][class]).sum();
    assert_eq!(f64::from(correct) / 100.0, epoch.valid.unwrap().accuracy, "100 samples are held out");
    let silent = last.layers[0].rates.zero as f64 / 30.0;
    assert!((silent - epoch.layers[0].silent).abs() < 1e-12, "the rates are those of the epoch");
}

#[test]
fn a_resumed_run_has_all_probes_and_may_change_their_settings() {
    let snn = Snn::new();
    let few = "probe.limit=4";
    let train = |epochs: &'static str, run: &'static str| {
        snn.run(&Snn::train(&[epochs, few], &["--run-dir", run, "--resume"])).expect(0);
    };
    train("training.epochs=9", "whole");
    train("training.epochs=3", "pieces");
    train("training.epochs=9", "pieces");
    assert_eq!(epochs(&snn.path("whole")), [0, 4, 8, 9]);
    assert_eq!(probes(&snn.path("pieces")), probes(&snn.path("whole")));
    assert_eq!(results(&snn.path("pieces")), results(&snn.path("whole")));

    snn.run(&[
        "train",
        "--resume",
        "--run-dir",
        "whole",
        "--set",
        "training.epochs=10",
        "--set",
        "probe.every=5",
    ])
    .expect(0);
    assert_eq!(epochs(&snn.path("whole")), [0, 10]);
}

#[test]
fn failing_probes_are_reported_and_do_not_end_training() {
    let snn = Snn::new();
    let changes = ["training.epochs=2", "probe.samples=[100000]"];
    snn.run(&Snn::train(&changes, &[]))
        .fails(2, &["probe.samples names sample 100000, but the data set has 1000"]);

    let run = snn.path("run");
    fs::create_dir(&run).unwrap();
    let begun = snn.run(&Snn::train(&["training.epochs=1"], &["--run-dir", "run"])).expect(0);
    assert!(!begun.stderr.contains("warning"), "{}", begun.stderr);
    fs::remove_dir_all(run.join("probes")).unwrap();
    fs::write(run.join("probes"), "a file in the way").unwrap();
    snn.run(&["train", "--resume", "--run-dir", "run", "--set", "training.epochs=2"]).expect(0);
    let status = RunDir::open(&run).unwrap().status().unwrap();
    assert_eq!(status.state, RecordedState::Done);
    assert!(status.probe_error.unwrap().starts_with("cannot write the probe: "));
}
