//! MNIST from files with its layout.
#![cfg(feature = "mnist")]
#![allow(clippy::unwrap_used, reason = "test helpers fail as tests do")]

mod common;

use std::path::Path;

use common::idx::{gzip, idx};
use snn_data::{BatchInput, Dataset, Error, Idx, Mnist, MnistConfig, Portion, SplitRule, collate};

const SIDE: usize = 28;
const PIXELS: usize = SIDE * SIDE;

/// Thirty training and ten test images: image i has the label i % 10, one pixel of full brightness at i, one of brightness
/// 52 (just above the threshold, 51) after it and one of 51.
fn write(folder: &Path, packed: bool) {
    for (part, count) in [("train", 30), ("t10k", 10)] {
        let labels: Vec<u8> = (0..count).map(|i| i % 10).collect();
        let images: Vec<u8> = (0..usize::from(count))
            .flat_map(|i| {
                let mut image = [0; PIXELS];
                image[i..i + 3].copy_from_slice(&[255, 52, 51]);
                image
            })
            .collect();
        for (name, bytes) in [
            ("labels-idx1", idx(&[u32::from(count)], &labels)),
            ("images-idx3", idx(&[u32::from(count), 28, 28], &images)),
        ] {
            let (suffix, bytes) = if packed { (".gz", gzip(&bytes)) } else { ("", bytes) };
            std::fs::write(folder.join(format!("{part}-{name}-ubyte{suffix}")), bytes).unwrap();
        }
    }
}

fn config() -> MnistConfig {
    MnistConfig {
        valid: SplitRule::Stratified { portion: Portion::Count(10), seed: 0 },
        ..MnistConfig::default()
    }
}

#[test]
fn images_become_latencies() {
    for packed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), packed);
        let data = Mnist::open(folder.path(), &config()).unwrap();
        assert_eq!((data.len(), data.inputs(), data.classes(), data.steps()), (40, PIXELS, 10, 100));
        assert_eq!(data.splits().train.len(), 20);
        assert_eq!(data.splits().test, (30..40).collect::<Vec<u32>>());
        // One per class.
        let mut valid: Vec<u16> = data.splits().valid.iter().map(|&i| data.label(i as usize)).collect();
        valid.sort_unstable();
        assert_eq!(valid, (0..10).collect::<Vec<u16>>());

        // T(1) = 50 ln(1 / 0.8) = 11.2 ms; T(52 / 255) = 50 ln(52) = 197.6 ms, too late; 51 / 255 never spikes.
        let batch = collate(&data, &[7, 33]).unwrap();
        let BatchInput::Events { offsets, units } = batch.input else { unreachable!("spikes") };
        assert_eq!((units.as_slice(), batch.labels.as_slice()), (&[7, 3][..], &[7, 3][..]));
        assert_eq!((offsets[11], offsets[12], offsets[111], offsets[112]), (0, 1, 1, 2));
        assert_eq!(data.image(7)[6..11], [0, 255, 52, 51, 0]);
        assert_eq!(data.spikes(7), 1);
    }
}

#[test]
fn the_training_part_may_be_limited() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), false);
    let data = Mnist::open(folder.path(), &MnistConfig { train: 10, ..config() }).unwrap();
    let mut train: Vec<u16> = data.splits().train.iter().map(|&i| data.label(i as usize)).collect();
    train.sort_unstable();
    assert_eq!(train, (0..10).collect::<Vec<u16>>());
    assert_eq!((data.splits().valid.len(), data.splits().test.len()), (10, 10));
}

#[test]
fn late_pixels_spike_in_a_longer_window() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), false);
    let data = Mnist::open(folder.path(), &MnistConfig { steps: 200, ..config() }).unwrap();
    assert_eq!(data.spikes(0), 2);
    assert_eq!(data.spikes(39), 2);
}

#[test]
fn the_latency_code_is_the_paper_s() {
    let config = MnistConfig::default();
    assert!((config.latency(1.0).unwrap() - 50.0 * 1.25_f64.ln()).abs() < 1e-12);
    assert!((config.latency(0.4).unwrap() - 50.0 * 2.0_f64.ln()).abs() < 1e-12);
    assert_eq!(config.latency(0.2), None);
    assert_eq!(config.latency(0.0), None);
    // Without a threshold, every pixel that is not black spikes immediately.
    let config = MnistConfig { threshold: 0.0, ..config };
    assert_eq!((config.latency(0.5), config.latency(0.0)), (Some(0.0), None));
}

#[test]
fn impossible_values_are_refused() {
    type Change = fn(&mut MnistConfig);
    let cases: &[(&str, Change)] = &[
        ("`steps = 0`", |c| c.steps = 0),
        ("`dt = 0`", |c| c.dt = 0.0),
        ("`threshold = 1`", |c| c.threshold = 1.0),
        ("`threshold = NaN`", |c| c.threshold = f64::NAN),
        ("`train = 0`", |c| c.train = 0),
        ("`tau_eff = -1`", |c| c.tau_eff = -1.0),
    ];
    for (expected, change) in cases {
        let mut config = MnistConfig::default();
        change(&mut config);
        let message = config.validate().expect_err(expected).to_string();
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn missing_and_mismatched_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Mnist::open(folder.path(), &config()).unwrap_err().to_string();
    let message = open();
    assert!(
        message.starts_with("no file `train-labels-idx1-ubyte` or `train-labels-idx1-ubyte.gz` here: "),
        "{message}"
    );

    let spoil = |name: &str, bytes: &[u8], expected: &str| {
        write(folder.path(), false);
        std::fs::write(folder.path().join(name), bytes).unwrap();
        let message = open();
        assert!(message.starts_with(expected) && message.ends_with(name), "{message}\ninstead of {expected}");
    };
    let mut labels = [0; 30];
    labels[17] = 10;
    spoil(
        "train-labels-idx1-ubyte",
        &idx(&[30], &labels),
        "label 10 is not a class: 10 classes are labeled from 0 (label 17): ",
    );
    spoil(
        "t10k-images-idx3-ubyte",
        &idx(&[9, 28, 28], &[0; 9 * PIXELS]),
        "not a valid MNIST file: images with shape [9, 28, 28] instead of [10, 28, 28] (header): ",
    );
    spoil(
        "train-labels-idx1-ubyte",
        &idx(&[3, 10], &[0; 30]),
        "not a valid MNIST file: labels with shape [3, 10] instead of one list (header): ",
    );
}

#[test]
fn an_array_is_read_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array");
    std::fs::write(&path, idx(&[2, 3], &[1, 2, 3, 4, 5, 6])).unwrap();
    assert_eq!(Idx::read(&path), Ok(Idx { shape: vec![2, 3], values: vec![1, 2, 3, 4, 5, 6] }));
    std::fs::write(&path, idx(&[0], &[])).unwrap();
    assert_eq!(Idx::read(&path), Ok(Idx { shape: vec![0], values: vec![] }));
    assert!(matches!(Idx::read(folder.path().join("none")), Err(Error::Io { .. })));
}

/// Writes one part of ten images with these labels, all pixels having this brightness.
fn write_plain(folder: &Path, part: &str, brightness: u8, labels: &[u8]) {
    let count = labels.len() as u32;
    std::fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), idx(&[count], labels)).unwrap();
    let images = vec![brightness; PIXELS * labels.len()];
    std::fs::write(folder.join(format!("{part}-images-idx3-ubyte")), idx(&[count, 28, 28], &images)).unwrap();
}

#[test]
fn two_parts_must_match() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<u8> = (0..40).map(|i| i % 10).collect();
    let open = |train: (u8, &[u8]), test: (u8, &[u8])| {
        write_plain(folder.path(), "train", train.0, train.1);
        write_plain(folder.path(), "t10k", test.0, test.1);
        let valid = SplitRule::stratified(0.25);
        Mnist::open(folder.path(), &MnistConfig { valid, ..MnistConfig::default() })
    };
    let doubts = |data: Mnist| data.intake().unwrap().doubts.clone();
    assert!(doubts(open((100, &all), (100, &all)).unwrap()).is_empty());
    let error = open((255, &all), (1, &all)).unwrap_err().to_string();
    assert!(error.contains("its brightest pixel is 1, but 255 in the training images"), "{error}");
    assert!(error.ends_with("t10k-images-idx3-ubyte"), "{error}");
    let inverted = doubts(open((20, &all), (230, &all)).unwrap());
    assert!(inverted[0].contains("is one part inverted?"), "{inverted:?}");
    let few: Vec<u8> = all.iter().map(|label| label % 5).collect();
    let unknown = doubts(open((100, &few), (100, &all)).unwrap());
    assert_eq!(unknown, ["the test part has samples of classes without any for training: 5, 6, 7, 8, 9"]);
    let other: Vec<u8> = few.iter().map(|label| label + 5).collect();
    let error = open((100, &few), (100, &other)).unwrap_err().to_string();
    assert!(
        error.starts_with("the test part does not match the training part: none of its classes (5, 6"),
        "{error}"
    );
}
