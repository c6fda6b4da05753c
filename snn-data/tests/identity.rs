//! The data identity of a run: the same data again, different data, added and removed files, reordered classes.
#![cfg(feature = "audio")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers fail as tests do")]

mod common;

use std::fs;
use std::path::Path;

use common::wav::{Pcm, wav};
use snn_data::{
    Binning, ClassOrder, DataIdentity, Dataset, Difference, Error, EventDataset, Membership, Reason,
    Recorded, Relabeled, SpeechConfig, SpeechDataset, SpeechLayout, Split, SplitRule, Splits,
};
use tempfile::TempDir;

fn write(folder: &Path, name: &str, k: usize) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let tone: Vec<f64> = (0..2000).map(|n| 0.3 * (n as f64 * (0.1 + 0.01 * k as f64)).sin()).collect();
    fs::write(path, wav(Pcm::Int(16), 1, 16_000, &tone)).unwrap();
}

/// Two words, ten recordings each.
fn words() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..20 {
        write(folder.path(), &format!("{}/take{}.wav", ["no", "yes"][k % 2], k / 2), k);
    }
    folder
}

fn config() -> SpeechConfig {
    SpeechConfig { steps: 8, test: SplitRule::stratified(0.2), ..SpeechConfig::of(SpeechLayout::Folder) }
}

fn open(folder: &Path, config: &SpeechConfig, recorded: Recorded<'_>) -> Result<SpeechDataset, Error> {
    SpeechDataset::open_recorded(SpeechLayout::Folder, folder, config, None, &|_| {}, recorded)
}

fn plain(folder: &Path) -> SpeechDataset {
    open(folder, &config(), Recorded::default()).unwrap()
}

fn identity(data: &dyn Dataset) -> DataIdentity {
    DataIdentity::of(data).unwrap()
}

#[test]
fn equal_data_are_equal_anywhere() {
    let (here, there) = (words(), words());
    let recorded = identity(&plain(here.path()));
    assert!(recorded.compare(&identity(&plain(there.path()))).is_same());
    let text = toml::to_string(&recorded).unwrap();
    assert_eq!(toml::from_str::<DataIdentity>(&text).unwrap(), recorded);
}

#[test]
fn different_content_is_reported_by_part() {
    let folder = words();
    let data = plain(folder.path());
    let recorded = identity(&data);
    let changed = data.recording(data.splits().test[1] as usize).to_owned();
    write(folder.path(), &changed, 99);
    let comparison = recorded.compare(&identity(&plain(folder.path())));
    assert_eq!(comparison.to_string(), "the content of the test part (4 samples) differs");
    assert!(comparison.of_part(Split::Train).is_same());
    assert!(!comparison.of_part(Split::Test).is_same());

    // A training sample changes the statistics as well.
    let changed = data.recording(data.splits().train[0] as usize).to_owned();
    write(folder.path(), &changed, 99);
    let comparison = recorded.compare(&identity(&plain(folder.path())));
    assert!(comparison.differences.contains(&Difference::Statistics));
}

#[test]
fn classes_in_another_order_are_mapped_by_name() {
    let folder = words();
    let run = plain(folder.path());
    // Random splits depend on the labels: the parts are those of the run only because it has recorded them.
    let recorded = parts(&run);
    let found = open(
        folder.path(),
        &SpeechConfig { words: vec!["yes".into(), "no".into()], ..config() },
        Recorded { membership: Some(&recorded), ..Recorded::default() },
    )
    .unwrap();
    let comparison = identity(&run).compare(&identity(&found));
    assert_eq!(comparison.classes, ClassOrder::Permuted(vec![1, 0]));
    assert_eq!(comparison.to_string(), "the classes are in a different order");
    let ClassOrder::Permuted(map) = comparison.classes else { panic!("they are permuted") };
    let mapped = Relabeled::new(Box::new(found) as Box<dyn Dataset>, map).unwrap();
    assert!(identity(&run).compare(&identity(&mapped)).is_same());
    for index in 0..run.len() {
        assert_eq!(mapped.label(index), run.label(index));
        assert_eq!(mapped.class_name(mapped.label(index)), run.class_name(run.label(index)));
    }
    for wrong in [vec![0], vec![0, 0], vec![0, 2]] {
        assert!(Relabeled::new(Box::new(plain(folder.path())) as Box<dyn Dataset>, wrong).is_err());
    }
}

#[test]
fn other_classes_are_named() {
    let folder = words();
    let recorded = identity(&plain(folder.path()));
    fs::rename(folder.path().join("no"), folder.path().join("zz_no")).unwrap();
    let comparison = recorded.compare(&identity(&plain(folder.path())));
    assert_eq!(comparison.classes, ClassOrder::Different);
    let message = comparison.to_string();
    assert!(message.starts_with("the classes differ: `zz_no` instead of `no`; "), "{message}");
    // Names that occur twice cannot be mapped.
    let names = |names: [&str; 2]| names.map(str::to_owned);
    assert_eq!(ClassOrder::of(&names(["a", "a"]), &names(["a", "b"])), ClassOrder::Different);
    assert_eq!(ClassOrder::of(&names(["a", "b"]), &names(["b", "b"])), ClassOrder::Different);
}

/// Names of the samples of each part.
fn parts(data: &SpeechDataset) -> Membership {
    Membership::of(data).unwrap()
}

#[test]
fn an_added_file_does_not_change_a_split() {
    let folder = words();
    let data = plain(folder.path());
    let recorded = parts(&data);
    assert_eq!((recorded.train.len(), recorded.valid.len(), recorded.test.len()), (14, 2, 4));
    let text = toml::to_string(&recorded).unwrap();
    assert_eq!(toml::from_str::<Membership>(&text).unwrap(), recorded);

    for k in 0..5 {
        write(folder.path(), &format!("no/a{k}.wav"), 40 + k);
    }
    assert_ne!(parts(&plain(folder.path())), recorded, "the random split differs");
    let again = Recorded { membership: Some(&recorded), ..Recorded::default() };
    let opened = open(folder.path(), &config(), again).unwrap();
    assert_eq!(parts(&opened), recorded);
    assert!(identity(&data).compare(&identity(&opened)).is_same());
    let left_out = &opened.intake().unwrap().left_out[0];
    assert_eq!((left_out.reason, left_out.count), (Reason::NewSinceRun, 5));

    // Missing samples are refused, or counted.
    fs::remove_file(folder.path().join(&recorded.test[0])).unwrap();
    let message = open(folder.path(), &config(), again).unwrap_err().to_string();
    let expected = format!("1 of the 20 samples recorded by the run are missing: {}", recorded.test[0]);
    assert_eq!(message, expected);
    let opened = open(folder.path(), &config(), Recorded { incomplete: true, ..again }).unwrap();
    assert_eq!(parts(&opened).test, recorded.test[1..]);
    let comparison = identity(&data).compare(&identity(&opened));
    assert_eq!(comparison.to_string(), "the test part has 3 samples, but 4 in the run");
}

#[test]
fn recorded_statistics_are_those_of_the_run() {
    let (folder, other) = (words(), words());
    let run = plain(folder.path());
    for k in 0..20 {
        write(other.path(), &format!("{}/take{}.wav", ["no", "yes"][k % 2], k / 2), 3 * k + 1);
    }
    let recorded = Recorded { statistics: run.statistics(), ..Recorded::default() };
    let opened = open(other.path(), &config(), recorded).unwrap();
    assert_eq!(opened.statistics(), run.statistics());
    assert_ne!(plain(other.path()).statistics(), run.statistics());
}

#[test]
fn data_without_fingerprints_are_hashed_as_loaded() {
    let data = |late: f64| {
        let mut data = EventDataset::new("taps", 3, 2, Binning::default()).unwrap();
        data.push(0, [(3.0, 0), (41.5, 2)]).unwrap();
        data.push(1, [(late, 1)]).unwrap();
        data.set_splits(Splits { train: vec![0], valid: vec![], test: vec![1] }).unwrap();
        data
    };
    let recorded = identity(&data(20.0));
    assert_eq!(Membership::of(&data(20.0)), None, "samples without names");
    assert!(recorded.compare(&identity(&data(20.9))).is_same());
    let message = recorded.compare(&identity(&data(21.0))).to_string();
    assert_eq!(message, "the content of the test part (1 sample) differs");
}
