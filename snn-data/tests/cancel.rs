//! Canceling the loading and generating of data: promptly, for every data set, and without leaving partially written files.
#![cfg(all(feature = "audio", feature = "mnist"))]
#![allow(clippy::unwrap_used, reason = "test helpers fail as tests do")]

mod common;

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use common::idx::idx;
use common::wav::{Pcm, wav};
use snn_data::{
    Cancel, DataIdentity, Error, Manifold, Mnist, MnistConfig, Randman, RandmanConfig, SpeechConfig,
    SpeechDataset, SpeechEvent, SpeechLayout,
};

/// Sets the flag after a while, and returns when it did.
fn later(cancel: &Cancel) -> thread::JoinHandle<Instant> {
    let cancel = cancel.clone();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        cancel.cancel();
        Instant::now()
    })
}

/// Shapes that are slow in different parts: many samples of one class, many terms, many classes, many dimensions.
#[test]
fn generating_stops_promptly() {
    let small = RandmanConfig {
        classes: 1,
        inputs: 1,
        n_cutoff: 1,
        steps: 1,
        samples_per_class: 10,
        ..Default::default()
    };
    let shapes = [
        RandmanConfig { samples_per_class: 20_000_000, n_cutoff: 100, ..small.clone() },
        RandmanConfig { n_cutoff: 1_000_000, inputs: 50, samples_per_class: 1000, ..small.clone() },
        RandmanConfig { classes: 65_536, inputs: 100, n_cutoff: 1000, ..small.clone() },
        RandmanConfig { dim: 16, inputs: 1000, n_cutoff: 1000, classes: 100, ..small },
    ];
    for shape in shapes {
        let cancel = Cancel::new();
        let cancelled = later(&cancel);
        let made = cancel.run(|| Randman::new(shape.clone()));
        assert_eq!(made.err(), Some(Error::Cancelled), "{shape:?}");
        let late = cancelled.join().unwrap().elapsed();
        assert!(late < Duration::from_secs(1), "{late:?} for {shape:?}");
    }
}

#[test]
fn every_data_set_checks_the_switch() {
    let set = Cancel::new();
    set.cancel();
    let folder = tempfile::tempdir().unwrap();
    let pixels = vec![0; 28 * 28 * 10];
    for part in ["train", "t10k"] {
        let labels: Vec<u8> = (0..10).collect();
        fs::write(folder.path().join(format!("{part}-labels-idx1-ubyte")), idx(&[10], &labels)).unwrap();
        fs::write(folder.path().join(format!("{part}-images-idx3-ubyte")), idx(&[10, 28, 28], &pixels))
            .unwrap();
    }
    let mnist = || {
        Mnist::open(
            folder.path(),
            &MnistConfig { valid: snn_data::SplitRule::stratified(0.1), ..Default::default() },
        )
    };
    assert_eq!(set.run(mnist).err(), Some(Error::Cancelled));
    let data = mnist().unwrap();
    assert_eq!(set.run(|| DataIdentity::of(&data)).err(), Some(Error::Cancelled));
    let manifold = Manifold::new(1, 1, 1.0, &[1.0], &[0.5], &[0.5]).unwrap();
    assert_eq!(set.run(|| manifold.evaluate(&[0.0])), Err(Error::Cancelled));
    assert!(manifold.evaluate(&[0.0]).is_ok());
}

#[test]
fn canceled_features_leave_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let (data, cache) = (folder.path().join("data"), folder.path().join("cache"));
    for (word, k) in ["no", "yes"].iter().flat_map(|word| (0..20).map(move |k| (word, k))) {
        let tone: Vec<f64> =
            (0..4000).map(|n| 0.3 * (f64::from(n) * (0.1 + 0.02 * f64::from(k))).sin()).collect();
        fs::create_dir_all(data.join(word)).unwrap();
        fs::write(data.join(word).join(format!("{k}.wav")), wav(Pcm::Int(16), 1, 8000, &tone)).unwrap();
    }
    let open = |cancel: &Cancel, observer: &(dyn Fn(SpeechEvent<'_>) + Sync)| {
        let config = SpeechConfig::of(SpeechLayout::Folder);
        cancel.run(|| SpeechDataset::open(SpeechLayout::Folder, &data, &config, Some(&cache), observer))
    };
    let features = || {
        let files = fs::read_dir(&cache).into_iter().flatten().flatten();
        files.filter(|file| !file.file_name().to_string_lossy().ends_with(".contents")).count()
    };

    let at_once = Cancel::new();
    at_once.cancel();
    assert_eq!(open(&at_once, &|_| ()).err(), Some(Error::Cancelled));
    let midway = Cancel::new();
    let computed = open(&midway, &|event| {
        if let SpeechEvent::Computed { done: 5.., .. } = event {
            midway.cancel();
        }
    });
    assert_eq!(computed.err(), Some(Error::Cancelled));
    assert_eq!(features(), 0);

    open(&Cancel::new(), &|_| ()).unwrap();
    assert_eq!(features(), 1);
    let read = Cancel::new();
    read.cancel();
    let from_cache =
        open(&read, &|event| assert!(!matches!(event, SpeechEvent::CacheDamaged { .. }), "{event:?}"));
    assert_eq!(from_cache.err(), Some(Error::Cancelled));
    assert_eq!(features(), 1, "the cache is unchanged");
}
