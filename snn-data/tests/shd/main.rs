//! HDF5 files with the layout of the Spiking Heidelberg Digits: all variants, and broken ones.
#![cfg(feature = "hdf5")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail as tests do")]

mod filters;
mod fixture;
mod parts;

use std::path::{Path, PathBuf};

use fixture::{Fixture, half, samples};
use half::f16;
use hdf5::types::{FixedAscii, VarLenArray};
use hdf5::{File, H5Type};
use num_traits::FromPrimitive;
use snn_data::{
    BatchInput, DataIdentity, Dataset, Error, LateSpikes, Membership, Person, Portion, Recorded, Shd,
    ShdConfig, SpikeParts, SplitRule, TimeUnit, UnsortedSpikes, collate,
};
use tempfile::TempDir;

fn config() -> ShdConfig {
    let valid = SplitRule::Stratified { portion: Portion::Count(3), seed: 0 };
    ShdConfig { test: SplitRule::stratified(0.0), valid, ..ShdConfig::default() }
}

fn read(path: &Path) -> Result<Shd, Error> {
    Shd::from_files("digits", path, None, &config())
}

/// Asserts that a file has the content described by `samples`.
#[track_caller]
fn assert_read(path: &Path) {
    let data = read(path).unwrap();
    assert_eq!((data.len(), data.classes(), data.inputs(), data.steps()), (12, 3, 700, 500));
    assert_eq!((data.spikes(0), data.spikes(11), data.label(5)), (0, 11, 2));
    let batch = collate(&data, &[0, 3]).unwrap();
    let BatchInput::Events { offsets, units } = batch.input else { panic!("no spikes") };
    assert_eq!(units, [3, 53, 103]);
    // At 0, 15.625 and 31.25 ms: steps 0, 7 and 15 of the second sample.
    let step = |spike: u32| offsets.iter().position(|&offset| offset > spike).unwrap() - 1 - 500;
    assert_eq!([step(0), step(1), step(2)], [0, 7, 15]);
}

#[test]
fn every_width_of_number_is_read() {
    let folder = tempfile::tempdir().unwrap();
    assert_read(&half().write(folder.path(), "f16 u16"));
    assert_read(&samples::<f32, u32>().write(folder.path(), "f32 u32"));
    assert_read(&samples::<f64, i64>().write(folder.path(), "f64 i64"));
    assert_read(&samples::<f64, u64>().write(folder.path(), "f64 u64"));
    assert_read(&samples::<f32, i16>().write(folder.path(), "f32 i16"));
    assert_read(&samples::<f32, i32>().write(folder.path(), "f32 i32"));
}

#[test]
fn chunked_and_compressed_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    assert_read(&Fixture { chunked: true, ..half() }.write(folder.path(), "chunked"));
}

/// The two files of a data set.
fn published() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let speakers = Some((0..12).map(|i| 3 * (i / 3 % 2)).collect());
    let train = Fixture { keys: Some(vec!["null", "eins", "fünf"]), speakers, ..half() };
    train.write(folder.path(), "shd_train.h5");
    Fixture { speakers: Some(vec![4; 12]), ..half() }.write(folder.path(), "shd_test.h5");
    folder
}

#[test]
fn the_second_file_is_the_test_part() {
    let folder = published();
    let data =
        Shd::open(folder.path(), &ShdConfig { valid: config().valid, ..ShdConfig::default() }).unwrap();
    let splits = data.splits();
    assert_eq!((data.len(), splits.train.len(), splits.valid.len()), (24, 9, 3));
    assert_eq!(splits.test, (12..24).collect::<Vec<u32>>());
    assert_eq!((data.class_name(2), data.class_name(3)), (Some("fünf"), None));
    assert_eq!((data.speaker(0), data.speaker(4), data.speaker(23)), (Some("0"), Some("3"), Some("4")));
    let person =
        |gender: &str, age| Person { gender: Some(gender.into()), age: Some(age), body_height: None };
    assert_eq!(data.people(), [person("male", 31), person("female", 27)]);
}

#[test]
fn speakers_are_left_out() {
    let folder = published();
    let valid = SplitRule::Speakers { speakers: vec!["3".into()] };
    let data = Shd::open(folder.path(), &ShdConfig { valid, ..ShdConfig::default() }).unwrap();
    assert_eq!(data.splits().valid, [3, 4, 5, 9, 10, 11]);
    // Speaker 4 is in the test part alone.
    let valid = SplitRule::Speakers { speakers: vec!["4".into()] };
    let message =
        Shd::open(folder.path(), &ShdConfig { valid, ..ShdConfig::default() }).unwrap_err().to_string();
    assert!(message.ends_with("speakers must be among the speakers 0, 3"), "{message}");
}

#[test]
fn missing_files_are_named() {
    let folder = published();
    std::fs::remove_file(folder.path().join("shd_test.h5")).unwrap();
    let message = Shd::open(folder.path(), &ShdConfig::default()).unwrap_err().to_string();
    assert!(message.starts_with("no file `shd_test.h5` here: "), "{message}");
    assert!(matches!(read(&folder.path().join("none")), Err(Error::Io { .. })));
}

/// Writes a damaged file and expects an error with the place.
#[track_caller]
fn assert_broken<T: Copy, U: Copy>(fixture: Fixture<T, U>, expected: &str)
where
    VarLenArray<T>: H5Type,
    VarLenArray<U>: H5Type,
{
    let folder = tempfile::tempdir().unwrap();
    let error = read(&fixture.write(folder.path(), "broken.h5")).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.starts_with(expected) && message.ends_with("broken.h5"), "{message}\nis not {expected}");
}

fn spoil<T, U>(mut fixture: Fixture<T, U>, change: impl FnOnce(&mut Fixture<T, U>)) -> Fixture<T, U> {
    change(&mut fixture);
    fixture
}

/// Recordings may have more channels than the maximum number of input units, such as the pixels of a camera, if they are pooled.
#[test]
fn channels_beyond_16_bits_are_pooled() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = spoil(samples::<f32, u32>(), |f| f.units[7][2] = 199_999);
    let path = fixture.write(folder.path(), "wide.h5");
    let pooled = |pool| ShdConfig { inputs: 200_000, pool, ..config() };
    let data = Shd::from_files("wide", &path, None, &pooled(4)).unwrap();
    assert_eq!(data.inputs(), 50_000);
    let batch = collate(&data, &[7]).unwrap();
    let BatchInput::Events { mut units, .. } = batch.input else { panic!("no spikes") };
    units.sort_unstable();
    // Channels 7, 57, 199,999 instead of 107, 157, ..
    assert_eq!(units, [1, 14, 39, 51, 64, 76, 49_999]);
    let error = Shd::from_files("wide", &path, None, &pooled(1)).unwrap_err().to_string();
    assert!(
        error.contains("pool must be 4 or more (this gives 200000 input units, and the maximum is 65536)"),
        "{error}"
    );
    let error = Shd::from_files("wide", &path, None, &ShdConfig { inputs: 700, ..config() }).unwrap_err();
    assert!(error.to_string().contains("a spike in channel 199999: there are 700 channels"), "{error}");

    // Fingerprints use 16 bits if these suffice, whatever the width in the file.
    let narrow = samples::<f32, u16>().write(folder.path(), "narrow.h5");
    let narrow = Shd::from_files("narrow", &narrow, None, &pooled(4)).unwrap();
    let same: Vec<bool> = (0..12).map(|k| data.fingerprint(k) == narrow.fingerprint(k)).collect();
    assert_eq!(same, (0..12).map(|k| k != 7).collect::<Vec<_>>());
}

#[test]
fn broken_content_is_refused() {
    let float = samples::<f32, i32>;
    assert_broken(
        spoil(float(), |f| f.units[7][2] = 700),
        "a spike in channel 700: there are 700 channels, counted from 0 (sample 7): ",
    );
    assert_broken(
        spoil(float(), |f| f.units[7][2] = -1),
        "not a valid HDF5 spike file: -1 is not a channel (sample 7, spike 2): ",
    );
    assert_broken(
        spoil(samples::<f32, u64>(), |f| f.units[7][2] = u64::MAX),
        "not a valid HDF5 spike file: 18446744073709551615 is not a channel (sample 7, spike 2): ",
    );
    assert_broken(
        spoil(float(), |f| f.times[5][0] = -0.5),
        "unit 5 spikes at -500 ms: spike times must be finite and 0 ms or later (sample 5): ",
    );
    assert_broken(spoil(half(), |f| f.times[5][1] = f16::NAN), "unit 55 spikes at NaN ms: ");
    assert_broken(spoil(half(), |f| f.times[5][4] = f16::INFINITY), "unit 205 spikes at inf ms: ");
    assert_broken(
        spoil(half(), |f| f.labels[7] = 65_535),
        "not a valid HDF5 spike file: label 65535 implies 65536 classes, but only 4 have a sample: correct it, or name \
         all classes in extra/keys if there are this many (sample 7): ",
    );
    assert_broken(
        Fixture { times: vec![], units: vec![], labels: vec![], ..half() },
        "not a valid HDF5 spike file: it contains no samples (labels): ",
    );
    assert_broken(
        spoil(float(), |f| f.times[5].swap(1, 4)),
        "not a valid HDF5 spike file: spike 2 at 0.03125 s comes after one at 0.0625 s: set `data.unsorted = \"sort\"` if \
         this is intended (sample 5): ",
    );
    assert_broken(
        spoil(float(), |f| f.units[5].truncate(4)),
        "units of a sample, one for each time: found 4 entries, expected 5 (sample 5): ",
    );
    assert_broken(
        spoil(float(), |f| f.labels.truncate(11)),
        "entries, one for each sample: found 11 entries, expected 12 (labels): ",
    );
    assert_broken(
        spoil(float(), |f| f.units.truncate(11)),
        "entries, one for each sample: found 11 entries, expected 12 (spikes/units): ",
    );
    assert_broken(
        spoil(float(), |f| f.speakers = Some(vec![1; 13])),
        "entries, one for each sample: found 13 entries, expected 12 (extra/speaker): ",
    );
    assert_broken(
        spoil(float(), |f| f.labels[3] = -1),
        "not a valid HDF5 spike file: -1 is out of range (labels, entry 3): ",
    );
    let keys = Some(vec!["null", "eins"]);
    assert_broken(
        Fixture { keys, ..half() },
        "label 2 is not a class: 2 classes are labeled from 0 (sample 2): ",
    );
    assert_broken(samples::<f64, f32>(), "not a valid HDF5 spike file: units are ");
    assert_broken(samples::<i32, i32>(), "not a valid HDF5 spike file: times are integers, not floating");
}

/// Words of fixed length, declared as ASCII in the file; `letters` are the bytes of the last one.
fn write_words(folder: &Path, letters: &[u8; 5]) -> PathBuf {
    let path = half().write(folder, "words.h5");
    let words = ["null", "eins", "?????"].map(|word| FixedAscii::<6>::from_ascii(word).unwrap());
    let file = File::open_rw(&path).unwrap();
    file.new_dataset_builder().with_data(&words).create("extra/keys").unwrap();
    drop(file);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(5).position(|bytes| bytes == b"?????").unwrap();
    bytes[at..at + 5].copy_from_slice(letters);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn words_are_utf_8_whatever_the_file_declares() {
    let folder = tempfile::tempdir().unwrap();
    let data = read(&write_words(folder.path(), b"f\xc3\xbcnf")).unwrap();
    assert_eq!(data.class_name(2), Some("fünf"));
    let message = read(&write_words(folder.path(), b"f\xfcnf\0")).unwrap_err().to_string();
    let expected = "not a valid HDF5 spike file: the word is not UTF-8 (extra/keys, entry 2): ";
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn unsorted_spikes_may_be_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let unsorted = spoil(half(), |f| {
        f.times[3].swap(0, 2);
        f.units[3].swap(0, 2);
    });
    let path = unsorted.write(folder.path(), "unsorted");
    let config = ShdConfig { unsorted: UnsortedSpikes::Sort, ..config() };
    let data = Shd::from_files("digits", &path, None, &config).unwrap();
    let BatchInput::Events { units, .. } = collate(&data, &[3]).unwrap().input else { panic!("no spikes") };
    assert_eq!(units, [3, 53, 103]);
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.h5");
    let good = std::fs::read(half().write(folder.path(), "good.h5")).unwrap();
    for bytes in [&b""[..], b"no HDF5", &good[..100], &good[..good.len() / 2]] {
        std::fs::write(&path, bytes).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.starts_with("not a valid HDF5 spike file: "), "{message}");
    }
    File::create(&path).unwrap().create_group("spikes").unwrap();
    let message = read(&path).unwrap_err().to_string();
    assert!(message.contains("(spikes/times): "), "{message}");
}

#[test]
fn impossible_values_are_refused() {
    type Change = fn(&mut ShdConfig);
    let cases: &[(&str, Change)] = &[
        ("`steps = 0`", |c| c.steps = 0),
        ("`dt = 0`", |c| c.dt = 0.0),
        ("`pool = 1` is invalid: pool must be 2 or more (this gives 65537 input units", |c| {
            c.inputs = 65_537;
        }),
    ];
    for (expected, change) in cases {
        let mut config = ShdConfig::default();
        change(&mut config);
        let message = config.validate().expect_err(expected).to_string();
        assert!(message.starts_with(expected), "{message}");
    }
    let config: ShdConfig = toml::from_str("steps = 350\nunsorted = \"sort\"").unwrap();
    assert_eq!((config.steps, config.unsorted), (350, UnsortedSpikes::Sort));
    assert_eq!(toml::from_str::<ShdConfig>(&toml::to_string(&config).unwrap()), Ok(config));
}

#[test]
fn missing_groups_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for missing in ["spikes/times", "spikes/units", "labels", "spikes"] {
        let path = half().write(folder.path(), "broken.h5");
        File::open_rw(&path).unwrap().unlink(missing).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(&error, Error::File { path: named, .. } if *named == path), "{error:?}");
        assert!(error.to_string().contains(missing), "{error}");
    }
    // A group instead of rows, and rows instead of a list.
    let path = half().write(folder.path(), "broken.h5");
    let file = File::open_rw(&path).unwrap();
    file.unlink("labels").unwrap();
    file.create_group("labels").unwrap();
    drop(file);
    assert!(matches!(read(&path), Err(Error::File { .. })));
}

/// A rectangular array, as h5py writes lists of equal length.
#[test]
fn arrays_instead_of_lists_of_spikes_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["spikes/times", "spikes/units"] {
        let path = half().write(folder.path(), "array.h5");
        let file = File::open_rw(&path).unwrap();
        file.unlink(name).unwrap();
        let (group, name) = name.split_once('/').unwrap();
        let times = [0.0_f32; 24];
        let array = file.group(group).unwrap().new_dataset::<f32>().shape([12, 2]).create(name).unwrap();
        array.write_raw(&times).unwrap();
        drop(file);
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("an array of shape [12, 2] instead of a list"), "{message}");
        assert!(message.contains(&format!("({group}/{name})")), "{message}");
    }
}

#[test]
fn names_shared_by_classes_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let doubts = |keys: &[&'static str]| {
        let fixture = Fixture { keys: Some(keys.to_vec()), ..half() };
        read(&fixture.write(folder.path(), "names.h5")).unwrap().intake().unwrap().doubts.clone()
    };
    let shared = |doubts: &[String]| doubts.iter().any(|doubt| doubt.contains("the same name: null"));
    assert!(shared(&doubts(&["null", "eins", "null"])));
    assert!(!shared(&doubts(&["null", "eins", "zwei"])));
}

/// Truncated anywhere. Bytes flipped within the global heap are not tried: version 1.10 of the HDF5 library then reads out of
/// bounds (`H5HG_read`) before any check.
#[test]
fn truncated_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.h5");
    for chunked in [false, true] {
        let good = std::fs::read(Fixture { chunked, ..half() }.write(folder.path(), "good.h5")).unwrap();
        for end in (0..good.len()).step_by(41) {
            std::fs::write(&path, &good[..end]).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(&error, Error::File { path: named, .. } if *named == path), "{error:?}");
        }
    }
}

/// Times 1, 25, 49 ms, ... in a different unit, none at the edge of a step; 12 samples of 20 spikes.
fn in_unit<T: FromPrimitive>(per_ms: f64) -> Fixture<T, u16> {
    let time = |k: usize| T::from_f64((24.0 * k as f64 + 1.0) * per_ms).unwrap();
    Fixture {
        times: (0..12).map(|_| (0..20).map(time).collect()).collect(),
        units: (0..12).map(|i| (0..20).map(|k| 30 * k + i).collect()).collect(),
        ..samples()
    }
}

#[test]
fn times_come_in_any_unit() {
    let folder = tempfile::tempdir().unwrap();
    let with = |time_unit| ShdConfig { time_unit, ..config() };
    let read = |path: &Path, config: &ShdConfig| Shd::from_files("digits", path, None, config);
    let seconds = read(&in_unit::<f32>(1e-3).write(folder.path(), "s"), &with(TimeUnit::S)).unwrap();
    let expected = collate(&seconds, &[3, 11]).unwrap();
    for (path, unit) in [
        (in_unit::<f32>(1.0).write(folder.path(), "ms"), TimeUnit::Ms),
        (in_unit::<i32>(1.0).write(folder.path(), "ms i32"), TimeUnit::Ms),
        (in_unit::<f64>(1e3).write(folder.path(), "us"), TimeUnit::Us),
        (in_unit::<u64>(1e3).write(folder.path(), "us u64"), TimeUnit::Us),
    ] {
        let data = read(&path, &with(unit)).unwrap();
        assert_eq!(collate(&data, &[3, 11]).unwrap(), expected, "{}", path.display());
        assert_eq!(data.time_unit(), Some(unit));
        assert!(data.intake().unwrap().notes().is_empty());
    }
    // The wrong unit: too coarse a unit loses nearly everything, and the error names the right one; too fine a unit causes a warning.
    for (per_ms, unit, right) in
        [(1.0, TimeUnit::S, "ms"), (1e3, TimeUnit::S, "us"), (1e3, TimeUnit::Ms, "us")]
    {
        let message =
            read(&in_unit::<f32>(per_ms).write(folder.path(), "wrong"), &with(unit)).unwrap_err().to_string();
        assert!(
            message
                .starts_with("240 of 240 spikes (100.0 %) fall after the last step, which ends at 1000 ms; ")
        );
        assert!(
            message.contains(&format!(
                ": set data.time_unit = \"{right}\" if the times are in {right}, otherwise"
            ))
        );
    }
    let data = read(&in_unit::<f32>(1e-3).write(folder.path(), "fine"), &with(TimeUnit::Ms)).unwrap();
    let notes = data.intake().unwrap().notes();
    assert!(notes[0].starts_with("all spikes are within 0.457"), "{notes:?}");
}

#[test]
fn late_spikes_are_counted_and_many_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = in_unit::<f32>(1e-3).write(folder.path(), "late.h5");
    let read = |steps, late| Shd::from_files("digits", &path, None, &ShdConfig { steps, late, ..config() });
    // Spikes every 24 ms up to 457: 3 of 20 are after 400 ms.
    let data = read(200, LateSpikes::Drop).unwrap();
    let intake = data.intake().unwrap();
    assert_eq!((intake.spikes, intake.late_dropped, intake.late_clamped), (240, 36, 0));
    assert_eq!(intake.notes(), ["36 of 240 spikes (15.0 %) fall after the last step and are dropped"]);
    let intake = read(200, LateSpikes::Clamp).unwrap().intake().unwrap().clone();
    assert_eq!((intake.spikes, intake.late_dropped, intake.late_clamped), (240, 0, 36));
    for late in [LateSpikes::Drop, LateSpikes::Clamp] {
        let Error::File { source, .. } = read(100, late).unwrap_err() else { panic!("no place") };
        assert!(matches!(&*source, Error::LateSpikes { late: 132, spikes: 240, .. }), "{source}");
    }
    assert_eq!(read(100, LateSpikes::Crop).unwrap().intake().unwrap().late_dropped, 132);
    assert!(read(125, LateSpikes::Drop).is_ok(), "less than half");
}
