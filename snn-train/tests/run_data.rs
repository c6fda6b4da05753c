//! A run records its data: other data, classes and parts are detected, and corrected if possible.
#![cfg(all(feature = "cli", feature = "hdf5"))]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

mod common;

use std::{f64::consts::TAU, fs, path::Path, sync::Arc};

use common::{Ended, Snn, assert_same};
use hdf5::{
    File,
    types::{VarLenArray, VarLenUnicode},
};
use snn_data::{Binning, DataIdentity, EventDataset, Splits};
use snn_train::{
    Error, Experiment, RunWriter, Trainer,
    experiment::{Data, External},
    run::Resume,
};

fn run(snn: &Snn, arguments: &[&str]) -> Ended {
    let mut command = snn.command(arguments);
    command.env("SNN_CACHE_DIR", snn.path("cache"));
    command.output().unwrap().into()
}

/// 0.1 s of a tone, as WAV.
fn tone(hertz: f64, phase: f64) -> Vec<u8> {
    let samples: Vec<u8> = (0..1600)
        .flat_map(|n| ((8000.0 * (TAU * hertz * f64::from(n) / 16_000.0 + phase).sin()) as i16).to_le_bytes())
        .collect();
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + samples.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data");
    wav.extend((samples.len() as u32).to_le_bytes());
    wav.extend(samples);
    wav
}

/// A folder with two words, and `extra` more recordings of each.
fn words(folder: &Path, extra: u32) {
    for (word, hertz) in [("no", 400.0), ("yes", 2500.0)] {
        fs::create_dir_all(folder.join(word)).unwrap();
        for n in 0..16 + extra {
            // Later recordings sort first by name.
            let name = if n < 16 { format!("s{n:02}_nohash_0.wav") } else { format!("a{n:02}_nohash_0.wav") };
            fs::write(folder.join(word).join(name), tone(hertz + 5.0 * f64::from(n), f64::from(n))).unwrap();
        }
    }
}

fn on_words<'a>(run_dir: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let changes = [
        "data.name=folder",
        "data.directory=words",
        "data.test={by=\"stratified\",portion=0.25,seed=0}",
        "data.valid={by=\"stratified\",portion=0.25,seed=0}",
        "data.steps=20",
        "network.hidden=[16]",
        "training.batch_size=8",
        "optimizer.learning_rate=0.01",
    ];
    let changes = changes.iter().chain(more).flat_map(|&change| ["--set", change]);
    ["train", "rawhd"].into_iter().chain(changes).chain(["--quiet", "--run-dir", run_dir]).collect()
}

fn json(ended: Ended) -> serde_json::Value {
    let mut result: serde_json::Value = serde_json::from_str(&ended.expect(0).stdout).unwrap();
    result.as_object_mut().unwrap().remove("run");
    result
}

#[test]
fn classes_in_another_order_are_mapped() {
    let snn = Snn::new();
    let name = |flip: bool| {
        let words = if flip { ["b", "a"] } else { ["a", "b"] };
        let label = |sample: usize| (sample % 2) as u16 ^ u16::from(flip);
        let file =
            write_samples(&snn.path("a.h5"), &(0..60).map(|n| sample(n, 0)).collect::<Vec<_>>(), label);
        let keys: Vec<VarLenUnicode> = words.map(|word| word.parse().unwrap()).into();
        let extra = file.create_group("extra").unwrap();
        extra.new_dataset_builder().with_data(&keys).create("keys").unwrap();
    };
    name(false);
    run(&snn, &on_spikes("data.train_file=a.h5", "run")).expect(0);
    run(&snn, &on_spikes("data.train_file=a.h5", "whole")).expect(0);
    let eval = ["eval", "run", "--split", "valid", "--json"];
    let before = json(run(&snn, &eval));
    let more = |run_dir| ["train", "--resume", "-q", "--run-dir", run_dir, "--set", "training.epochs=4"];
    run(&snn, &more("whole")).expect(0);
    name(true);
    let ended = run(&snn, &eval);
    assert!(ended.stderr.contains("mapped to those of the run by name"), "{}", ended.stderr);
    assert_eq!(json(ended), before);
    run(&snn, &more("run")).expect(0);
    assert_eq!(common::metrics(&snn.path("run")), common::metrics(&snn.path("whole")));
}

#[test]
fn other_classes_are_refused() {
    let snn = Snn::new();
    words(&snn.path("words"), 0);
    run(&snn, &on_words("run", &["training.epochs=4"])).expect(0);
    let before = json(run(&snn, &["eval", "run", "--json"]));
    assert!(snn.path("run/data.json").exists());

    // The word moves from first to last.
    fs::rename(snn.path("words/no"), snn.path("words/zz_no")).unwrap();
    run(&snn, &["eval", "run"]).fails(2, &["not the data that the run was trained on"]);
    run(&snn, &["train", "--resume", "--run-dir", "run"]).fails(2, &["not the data", "--allow-other-data"]);
    fs::rename(snn.path("words/zz_no"), snn.path("words/no")).unwrap();
    assert_eq!(json(run(&snn, &["eval", "run", "--json"])), before);
}

#[test]
fn added_files_do_not_change_a_split() {
    let snn = Snn::new();
    words(&snn.path("words"), 0);
    run(&snn, &on_words("whole", &["training.epochs=5"])).expect(0);
    run(&snn, &on_words("run", &["training.epochs=3"])).expect(0);
    let before = json(run(&snn, &["eval", "run", "--json"]));
    words(&snn.path("words"), 5);
    assert_eq!(json(run(&snn, &["eval", "run", "--json"])), before);
    run(&snn, &["train", "--resume", "-q", "--run-dir", "run", "--set", "training.epochs=5"]).expect(0);
    assert_same(&snn.path("run"), &snn.path("whole"));

    // A missing recording of the training part does not affect the test part, but prevents resuming.
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(snn.path("run/data.json")).unwrap()).unwrap();
    let gone = record["membership"]["train"][0].as_str().unwrap();
    fs::remove_file(snn.path("words").join(gone)).unwrap();
    let after = json(run(&snn, &["eval", "run", "--json"]));
    assert_eq!(after["samples"], before["samples"]);
    let more = ["train", "--resume", "-q", "--run-dir", "run", "--set", "training.epochs=6"];
    let refused = run(&snn, &more);
    assert!(refused.code != Some(0) && refused.stderr.contains(gone), "{}", refused.stderr);
    let allowed = run(&snn, &[&more[..], &["--allow-other-data"]].concat()).expect(0);
    assert!(allowed.stderr.contains("the train part has"), "{}", allowed.stderr);
    assert!(snn.path("run/data.1.json").exists(), "the record of the previous data is kept");
}

/// The spikes of a sample: (time in s, unit).
type Spikes = Vec<(f32, u16)>;

/// Two alternating classes; `shift` shifts the units.
fn sample(sample: usize, shift: usize) -> Spikes {
    let unit = |spike: usize| ((sample % 2) * 300 + 7 * sample + spike + shift) % 700;
    (0..40).map(|spike| (0.005 * spike as f32, unit(spike) as u16)).collect()
}

fn write_spikes(path: &Path, samples: usize, shift: usize) {
    let spikes: Vec<Spikes> = (0..samples).map(|n| sample(n, shift)).collect();
    write_samples(path, &spikes, |sample| (sample % 2) as u16);
}

/// Returns the open file: opening it again would require its lock, which a program started by another test may have
/// inherited.
fn write_samples(path: &Path, samples: &[Spikes], label: impl Fn(usize) -> u16) -> File {
    let _ = fs::remove_file(path);
    let times: Vec<VarLenArray<f32>> = samples
        .iter()
        .map(|spikes| spikes.iter().map(|&(time, _)| time).collect::<Vec<_>>()[..].into())
        .collect();
    let units: Vec<VarLenArray<u16>> = samples
        .iter()
        .map(|spikes| spikes.iter().map(|&(_, unit)| unit).collect::<Vec<_>>()[..].into())
        .collect();
    let file = File::create(path).unwrap();
    let group = file.create_group("spikes").unwrap();
    group.new_dataset_builder().with_data(&times).create("times").unwrap();
    group.new_dataset_builder().with_data(&units).create("units").unwrap();
    let labels: Vec<u16> = (0..samples.len()).map(label).collect();
    file.new_dataset_builder().with_data(&labels).create("labels").unwrap();
    file
}

fn on_spikes<'a>(file: &'a str, run_dir: &'a str) -> Vec<&'a str> {
    let changes = ["data.name=spikes", file, "data.steps=50", "network.hidden=[8]", "training.epochs=2"];
    let changes = changes.into_iter().flat_map(|change| ["--set", change]);
    ["train", "shd"].into_iter().chain(changes).chain(["--quiet", "--run-dir", run_dir]).collect()
}

#[test]
fn other_data_in_the_same_place_are_refused() {
    let snn = Snn::new();
    write_spikes(&snn.path("a.h5"), 60, 0);
    run(&snn, &on_spikes("data.train_file=a.h5", "run")).expect(0);
    let more = ["train", "--resume", "-q", "--run-dir", "run", "--set", "training.epochs=3"];
    let eval = ["eval", "run", "--split", "valid"];
    run(&snn, &eval).expect(0);
    // Additional samples are not part of the run.
    write_spikes(&snn.path("a.h5"), 80, 0);
    let told = run(&snn, &eval).expect(0).stdout;
    for (samples, shift, words) in [(60, 100, " differs"), (50, 0, "10 of the 60 samples")] {
        write_spikes(&snn.path("a.h5"), samples, shift);
        run(&snn, &more).fails(2, &["these are not the data", "--allow-other-data", words]);
        run(&snn, &eval).fails(2, &["these are not the data", "--allow-other-data"]);
        // The checkpoint records it, too.
        let record = fs::read(snn.path("run/data.json")).unwrap();
        fs::remove_file(snn.path("run/data.json")).unwrap();
        run(&snn, &more).fails(2, &["these are not the data"]);
        fs::write(snn.path("run/data.json"), record).unwrap();
        let allowed = run(&snn, &[&eval[..], &["--allow-other-data"]].concat()).expect(0);
        assert!(allowed.stderr.contains("warning: these data differ"), "{}", allowed.stderr);
    }
    write_spikes(&snn.path("a.h5"), 60, 0);
    assert_eq!(run(&snn, &eval).expect(0).stdout, told);
    write_spikes(&snn.path("a.h5"), 60, 100);
    run(&snn, &[&more[..], &["--allow-other-data"]].concat()).expect(0);
    run(&snn, &eval).expect(0);
    fs::write(snn.path("run/data.json"), "{\"version\":2}").unwrap();
    run(&snn, &eval).fails(1, &["format version 2 is newer"]);
}

#[test]
fn relative_data_paths_work_from_any_directory() {
    let snn = Snn::new();
    write_spikes(&snn.path("a.h5"), 60, 0);
    run(&snn, &on_spikes("data.train_file=a.h5", "run")).expect(0);
    let from_elsewhere = |arguments: &[&str]| {
        let mut command = snn.command(arguments);
        fs::create_dir_all(snn.path("elsewhere")).unwrap();
        Ended::from(command.current_dir(snn.path("elsewhere")).output().unwrap())
    };
    from_elsewhere(&["eval", "../run", "--split", "valid"]).expect(0);
    from_elsewhere(&["train", "--resume", "-q", "--run-dir", "../run", "--set", "training.epochs=3"])
        .expect(0);
    // The data were moved.
    fs::rename(snn.path("a.h5"), snn.path("b.h5")).unwrap();
    assert_ne!(from_elsewhere(&["eval", "../run", "--split", "valid"]).code, Some(0));
    let moved = ["eval", "../run", "--split", "valid", "--set", "data.train_file=../b.h5"];
    from_elsewhere(&moved).expect(0);
    let trained = ["eval", "../run", "--split", "valid", "--set", "network.tau_mem=5"];
    from_elsewhere(&trained).fails(2, &["--set can only change the location of the data", "network.tau_mem"]);
}

#[test]
fn an_input_without_spikes_is_noticed() {
    let snn = Snn::new();
    write_samples(&snn.path("a.h5"), &vec![Spikes::new(); 60], |sample| (sample % 2) as u16);
    let ended = run(&snn, &on_spikes("data.train_file=a.h5", "run")).expect(0);
    assert!(ended.stderr.contains("silent, because the input is"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("initialization.gain"), "{}", ended.stderr);
}

/// A custom program trains on data that no settings describe.
#[test]
fn runs_on_custom_data_are_marked() {
    let snn = Snn::new();
    let dataset_of = |shift: u16| {
        let binning = Binning { steps: 20, dt: 1.0, ..Binning::default() };
        let mut data = EventDataset::new("taps", 10, 2, binning).unwrap();
        for sample in 0..40_u16 {
            let spikes = (0..5).map(|k| (f64::from(k) * 3.0, (5 * (sample % 2) + k + shift) % 10));
            data.push(sample % 2, spikes).unwrap();
        }
        let splits = Splits { train: (0..30).collect(), valid: (30..40).collect(), test: Vec::new() };
        data.set_splits(splits).unwrap();
        Arc::new(data)
    };
    let trainer = |epochs: u32, shift| {
        let mut experiment = Experiment::default();
        experiment.training.epochs = epochs;
        experiment.training.batch_size = 10;
        Trainer::on(experiment, dataset_of(shift)).unwrap()
    };
    let directory = snn.path("run");
    let mut first = trainer(1, 0);
    let mut writer = RunWriter::create(&directory, &first).unwrap();
    first.run(&mut [&mut writer]).unwrap();
    drop(writer);

    snn.run(&["eval", "run", "--split", "valid"])
        .fails(2, &["the data of a custom program (`taps`, 10 inputs x 20 steps, 2 classes)"]);
    snn.run(&["train", "--resume", "--run-dir", "run"]).fails(2, &["the data of a custom program"]);
    // `data.json` records it, too, and names the data.
    let config = fs::read_to_string(directory.join("config.toml")).unwrap();
    let External { dataset, inputs, steps, classes, fingerprint, .. } =
        match Experiment::load(directory.join("config.toml")).unwrap().data {
            Data::External(external) => external,
            other => panic!("{other:?}"),
        };
    assert_eq!((dataset.as_str(), inputs, steps, classes), ("taps", 10, 20, 2));
    assert_eq!(fingerprint, DataIdentity::of(&*dataset_of(0)).unwrap().fingerprint().to_string());
    assert_ne!(fingerprint, DataIdentity::of(&*dataset_of(1)).unwrap().fingerprint().to_string());
    snn.run(&["train", "run/config.toml", "--run-dir", "new"]).fails(2, &["the data of a custom program"]);
    fs::rename(directory.join("data.json"), snn.path("data.json")).unwrap();
    snn.run(&["eval", "run", "--split", "valid"]).fails(2, &["the data of a custom program"]);
    fs::rename(snn.path("data.json"), directory.join("data.json")).unwrap();
    // Other data can be specified, and are compared.
    let named = ["eval", "run", "--set", "data.name=randman", "--set", "data.samples_per_class=10"];
    snn.run(&named).fails(2, &["the data set is randman, but was taps in the run"]);
    snn.run(&["export", "run", "--format", "csv"]).expect(0);
    // Old runs recorded the default data of their experiment.
    let mut of_old = Experiment::default();
    (of_old.training.epochs, of_old.training.batch_size) = (1, 10);
    fs::write(directory.join("config.toml"), of_old.to_toml().unwrap()).unwrap();
    snn.run(&["eval", "run", "--split", "valid"]).fails(2, &["the data of a custom program"]);
    drop(RunWriter::resume(&directory, &mut trainer(1, 0)).unwrap());
    assert_eq!(fs::read_to_string(directory.join("config.toml")).unwrap(), config);
    let other = RunWriter::resume(&directory, &mut trainer(2, 1)).unwrap_err();
    assert!(matches!(&other, Error::OtherData { differences } if differences.contains("content")), "{other}");
    let mut same = trainer(2, 0);
    let mut writer = RunWriter::resume(&directory, &mut same).unwrap();
    assert_eq!(same.run(&mut [&mut writer]).unwrap().epoch, 2);
    drop(writer);
    let mut how = Resume::default();
    how.allow_other_data = true;
    RunWriter::resume_with(&directory, &mut trainer(3, 1), &how).unwrap();
}
