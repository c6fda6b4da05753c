//! HDF5 files read through a helper: the data are the same, and damage that would crash the program crashes the helper.
//!
//! The test is its own helper: called with `read PATH UNIT` it serves, called with nothing it tests.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test without the usual harness"
)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hdf5::File;
use hdf5::types::{VarLenArray, VarLenUnicode};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use snn_data::{
    DataIdentity, Dataset, Error, Shd, ShdConfig, SplitRule, TimeUnit, collate, isolate_hdf5, serve_hdf5,
};

/// Number of damaged files to try.
const ROUNDS: u64 = 40;

/// The helper may use 2 s of CPU time, which takes longer while other programs run.
const LONGEST: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match arguments.get(1).and_then(|argument| argument.to_str()) {
        Some("read") => serve_hdf5(Path::new(&arguments[2]), arguments[3].to_str().unwrap()).unwrap(),
        Some("--list") => println!("isolation: test"),
        Some("crash") => std::process::abort(),
        _ => test(),
    }
}

fn write(folder: &Path, name: &str, words: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let file = File::create(&path).unwrap();
    let spikes = file.create_group("spikes").unwrap();
    // More samples than one slice has.
    let times: Vec<VarLenArray<f32>> = (0..600)
        .map(|i| VarLenArray::from_slice(&(0..i % 7 + 1).map(|k| 0.01 * k as f32).collect::<Vec<_>>()))
        .collect();
    let units: Vec<VarLenArray<u16>> = (0..600)
        .map(|i| VarLenArray::from_slice(&(0..i % 7 + 1).map(|k| 9 * k + i % 9).collect::<Vec<u16>>()))
        .collect();
    spikes.new_dataset_builder().with_data(&times).create("times").unwrap();
    spikes.new_dataset_builder().with_data(&units).create("units").unwrap();
    let labels: Vec<u16> = (0..600).map(|i| i % 3).collect();
    file.new_dataset_builder().with_data(&labels).create("labels").unwrap();
    let extra = file.create_group("extra").unwrap();
    let words: Vec<VarLenUnicode> = words.iter().map(|word| word.parse().unwrap()).collect();
    extra.new_dataset_builder().with_data(&words).create("keys").unwrap();
    extra.new_dataset_builder().with_data(&labels).create("speaker").unwrap();
    extra
        .create_group("meta_info")
        .unwrap()
        .new_dataset_builder()
        .with_data(&[31_u8, 27, 40])
        .create("age")
        .unwrap();
    path
}

fn read(path: &Path) -> Result<Shd, Error> {
    let config =
        ShdConfig { test: SplitRule::stratified(0.1), time_unit: TimeUnit::S, ..ShdConfig::default() };
    Shd::from_files("digits", path, None, &config)
}

fn test() {
    let folder = tempfile::tempdir().unwrap();
    let good = write(folder.path(), "good.h5", &["null", "eins", "zwei"]);
    let direct = read(&good).unwrap();
    let bad_label = write(folder.path(), "bad.h5", &["null", "eins"]);
    let direct_error = read(&bad_label).unwrap_err();
    let cut = folder.path().join("cut.h5");
    std::fs::write(&cut, &std::fs::read(&good).unwrap()[..3000]).unwrap();
    let cut_error = read(&cut).unwrap_err();

    isolate_hdf5(std::env::current_exe().unwrap(), ["read".into()]);
    let helped = read(&good).unwrap();
    let all: Vec<u32> = (0..600).collect();
    assert_eq!(collate(&helped, &all), collate(&direct, &all));
    assert_eq!(DataIdentity::of(&helped), DataIdentity::of(&direct));
    assert_eq!((helped.people(), helped.speaker(7)), (direct.people(), direct.speaker(7)));
    assert_eq!(helped.people().len(), 3);
    assert_eq!((helped.class_name(1), helped.splits()), (Some("eins"), direct.splits()));
    // Errors are the same, those of the library and those of the content.
    assert_eq!(read(&bad_label).unwrap_err(), direct_error);
    assert_eq!(read(&cut).unwrap_err(), cut_error);

    // Bytes changed anywhere, including the heap of rows: read or refused promptly.
    let bytes = std::fs::read(&good).unwrap();
    let path = folder.path().join("damaged.h5");
    let (mut crashes, mut stalls) = (0, 0);
    for round in 0..ROUNDS {
        let mut rng = ChaCha8Rng::seed_from_u64(round);
        let mut damaged = bytes.clone();
        for _ in 0..rng.gen_range(1..20) {
            let at = rng.gen_range(0..damaged.len());
            damaged[at] = rng.r#gen();
        }
        std::fs::write(&path, damaged).unwrap();
        let begin = Instant::now();
        if let Err(error) = read(&path) {
            assert!(matches!(&error, Error::File { path: named, .. } if *named == path), "{error:?}");
            crashes += u32::from(error.to_string().contains("the HDF5 library crashes on it"));
            stalls += u32::from(error.to_string().contains("HDF5 library hangs"));
        }
        assert!(begin.elapsed() < LONGEST, "round {round} takes {:?}", begin.elapsed());
    }
    println!(
        "isolation: ok; {ROUNDS} damaged files: {crashes} crashed the HDF5 library, {stalls} made it hang"
    );
}
