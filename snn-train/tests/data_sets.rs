//! From the files of a data set in their published format to a trained network. The content is synthetic: the classes
//! differ only in their frequencies.
#![cfg(feature = "hdf5")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

mod common;
#[path = "../../snn-data/tests/common/flac.rs"]
#[allow(unreachable_pub, reason = "it belongs to the tests of another crate")]
mod flac;

use std::{
    f64::consts::TAU,
    fs,
    path::{Path, PathBuf},
};

use common::{Ended, Snn};
use hdf5::{
    File,
    types::{VarLenArray, VarLenUnicode},
};
use serde_json::Value;

/// Runs `snn` with `data` as the only folder of data sets.
fn run(snn: &Snn, arguments: &[&str]) -> Ended {
    let mut command = snn.command(arguments);
    command.env("SNN_DATA_DIR", snn.path("data")).env("SNN_CACHE_DIR", snn.path("cache"));
    command.output().unwrap().into()
}

/// Trains for a few epochs; returns the test accuracy.
fn train(snn: &Snn, preset: &str, changes: &[&str]) -> f64 {
    let mut arguments = vec!["train", preset, "--json", "--quiet"];
    arguments.extend(changes.iter().flat_map(|change| ["--set", change]));
    let ended = run(snn, &arguments).expect(0);
    let result: Value = serde_json::from_str(ended.stdout.lines().last().unwrap()).unwrap();
    result["test"]["accuracy"].as_f64().unwrap()
}

fn folder(snn: &Snn, name: &str) -> PathBuf {
    let folder = snn.path("data").join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Samples of four alternating classes; each class has 20 units, which spike in sequence.
fn write_spikes(path: &Path, samples: usize) {
    const CLASSES: usize = 4;
    let spikes = |sample: usize| {
        (0..60).map(move |spike| (spike, (sample % CLASSES) * 150 + (7 * sample + spike) % 20))
    };
    let file = File::create(path).unwrap();
    let group = file.create_group("spikes").unwrap();
    let times: Vec<VarLenArray<f32>> = (0..samples)
        .map(|sample| spikes(sample).map(|(spike, _)| 0.005 * spike as f32).collect::<Vec<_>>()[..].into())
        .collect();
    let units: Vec<VarLenArray<u16>> = (0..samples)
        .map(|sample| spikes(sample).map(|(_, unit)| unit as u16).collect::<Vec<_>>()[..].into())
        .collect();
    group.new_dataset_builder().with_data(&times).create("times").unwrap();
    group.new_dataset_builder().with_data(&units).create("units").unwrap();
    let labels: Vec<u16> = (0..samples).map(|sample| (sample % CLASSES) as u16).collect();
    file.new_dataset_builder().with_data(&labels).create("labels").unwrap();
    let extra = file.create_group("extra").unwrap();
    let speakers: Vec<u16> = (0..samples).map(|sample| (sample / CLASSES % 3) as u16).collect();
    extra.new_dataset_builder().with_data(&speakers).create("speaker").unwrap();
    let keys: Vec<VarLenUnicode> = ["zero", "one", "null", "fünf"].map(|word| word.parse().unwrap()).into();
    extra.new_dataset_builder().with_data(&keys).create("keys").unwrap();
}

#[test]
fn spiking_heidelberg_digits() {
    let snn = Snn::new();
    run(&snn, &["train", "shd"])
        .fails(1, &["the data set shd is missing", "`cargo xtask fetch-data shd` fetches it"]);
    let folder = folder(&snn, "shd");
    write_spikes(&folder.join("shd_train.h5"), 120);
    write_spikes(&folder.join("shd_test.h5"), 40);

    let info = run(&snn, &["data", "info", "shd", "--json"]).expect(0);
    let info: Value = serde_json::from_str(&info.stdout).unwrap();
    assert_eq!(
        (&info["samples"], &info["inputs"], &info["classes"][3]),
        (&160.into(), &700.into(), &"fünf".into())
    );
    assert_eq!(info["parts"][1]["samples"], 12);
    assert_eq!(info["parts"][2]["speakers"], serde_json::json!(["0", "1", "2"]));

    let short = [
        "data.steps=160",
        "network.hidden=[32]",
        "training.epochs=15",
        "readout.head=sum",
        "training.batch_size=12",
        "optimizer.learning_rate=0.01",
    ];
    let accuracy = train(&snn, "shd", &short);
    assert!(accuracy > 0.9, "{accuracy}");
    // The same file under another name, without one speaker.
    let train_file = format!("data.train_file={}", folder.join("shd_train.h5").display());
    let own = ["data.name=spikes", &train_file, "data.test={ by = 'speakers', speakers = ['2'] }"];
    let accuracy = train(&snn, "randman", &[&own[..], &short[..]].concat());
    assert!(accuracy > 0.9, "{accuracy}");
}

/// Panel c of figure 6, which needs the Spiking Heidelberg Digits: planned at full scale, trained at a small scale.
#[test]
fn figure_6_is_drawn_from_files_with_the_layout_of_shd() {
    let snn = Snn::new();
    let folder = folder(&snn, "shd");
    write_spikes(&folder.join("shd_train.h5"), 80);
    write_spikes(&folder.join("shd_test.h5"), 40);
    let figure = |scale: &str, more: &[&str]| {
        let arguments = ["figure", "6", "--scale", scale, "--data", "shd", "--json", "--quiet"];
        let ended = run(&snn, &[&arguments[..], more].concat()).expect(0);
        serde_json::from_str::<Value>(ended.stdout.lines().last().unwrap()).unwrap()
    };
    // Two readouts, with and without recurrence, seven learning rates, six seeds; 200 epochs each.
    let plan = &figure("full", &["--plan"])["all"];
    assert_eq!((&plan["runs"], &plan["epochs"]), (&168.into(), &(168 * 200).into()));
    for name in ["active", "fluctuation-driven"] {
        let drawn = figure("smoke", &["--initialization", name]);
        assert_eq!(
            (&drawn["state"], &drawn["missing"][0]["panel"]),
            (&"done".into(), &"a".into()),
            "{drawn}"
        );
        let table =
            drawn["files"].as_array().unwrap().iter().find(|it| it.as_str().unwrap().ends_with("c.csv"));
        let table = fs::read_to_string(snn.path(table.unwrap().as_str().unwrap())).unwrap();
        assert_eq!(table.lines().count(), 1 + 4 * 2, "two models for each bar: {table}");
    }
    let claims = run(&snn, &["claims", "--scale", "smoke", "--json"]).expect(0);
    let claims: Value = serde_json::from_str(&claims.stdout).unwrap();
    let claim = claims["claims"].as_array().unwrap().iter().find(|claim| claim["id"] == "7f").unwrap();
    assert_eq!(claim["data"], "SHD");
}

/// A tone of 0.3 s at 48 kHz.
fn tone(hertz: f64, phase: f64) -> Vec<u8> {
    let sample = |n: u32| 8000.0 * (TAU * hertz * f64::from(n) / 48_000.0 + phase).sin();
    flac::flac(1, 48_000, &(0..14_400).map(|n| sample(n) as i32).collect::<Vec<_>>())
}

#[test]
fn heidelberg_digits() {
    let snn = Snn::new();
    let folder = folder(&snn, "heidelberg");
    fs::create_dir(folder.join("audio")).unwrap();
    let mut lists = [String::new(), String::new()];
    for (language, base) in [("english", 300.0), ("german", 350.0)] {
        for (speaker, trial) in [("01", 0), ("01", 1), ("02", 0), ("02", 1), ("03", 0), ("11", 0)] {
            for digit in 0..10 {
                let name = format!("lang-{language}_speaker-{speaker}_trial-{trial}_digit-{digit}.flac");
                // Neighbors are a third apart.
                let hertz = base * 1.33_f64.powi(digit);
                fs::write(folder.join("audio").join(&name), tone(hertz, f64::from(trial))).unwrap();
                lists[usize::from(speaker == "11")] += &format!("{name}\n");
            }
        }
    }
    fs::write(folder.join("train_filenames.txt"), &lists[0]).unwrap();
    fs::write(folder.join("test_filenames.txt"), &lists[1]).unwrap();

    let changes = [
        "network.hidden=[48]",
        "training.epochs=40",
        "training.batch_size=20",
        "optimizer.learning_rate=0.01",
        "data.steps=30",
    ];
    let accuracy = train(&snn, "rawhd-recurrent", &changes);
    assert!(accuracy > 0.5, "{accuracy} where chance is 0.05");
    let cached = fs::read_dir(snn.path("cache").join("features")).unwrap().count();
    assert_eq!(cached, 1, "features are kept");

    let info = run(&snn, &["data", "info", "rawhd", "--json"]).expect(0);
    let info: Value = serde_json::from_str(&info.stdout).unwrap();
    assert_eq!((&info["samples"], &info["inputs"]), (&120.into(), &40.into()));
    assert_eq!(info["parts"][2]["speakers"], serde_json::json!(["11"]));
    let text = run(&snn, &["data", "preview", "rawhd", "--class", "15", "--samples", "1", "--out", "a.svg"]);
    let text = text.expect(0).stdout;
    assert!(text.contains("class 15 (fünf)"), "{text}");
    assert!(fs::read_to_string(snn.path("a.svg")).unwrap().contains("Mel"));
}

/// Encodes recordings as spikes, and trains on the resulting data set.
#[test]
fn encoded_digits() {
    let snn = Snn::new();
    run(&snn, &["train", "fsdd_spikes"])
        .fails(1, &["the data set fsdd_spikes is missing", "`snn data encode fsdd` creates it"]);
    run(&snn, &["data", "encode", "randman"])
        .fails(2, &["data.name = \"randman\" is not a data set of recordings"]);
    let recordings = folder(&snn, "fsdd").join("recordings");
    fs::create_dir(&recordings).unwrap();
    for (digit, hertz) in [(1, 500.0), (2, 1200.0), (3, 3000.0)] {
        for (speaker, phase) in [("ann", 0.0), ("bob", 1.0)] {
            for take in 0..12 {
                let name = format!("{digit}_{speaker}_{take}.flac");
                fs::write(recordings.join(name), tone(hertz + f64::from(take), phase)).unwrap();
            }
        }
    }
    let words = "data.words=['one', 'two', 'three']";
    let encoded =
        run(&snn, &["data", "encode", "fsdd", "--set", words, "--channels", "100", "--json"]).expect(0);
    let encoded: Value = serde_json::from_str(&encoded.stdout).unwrap();
    assert_eq!((&encoded["files"][0]["samples"], &encoded["files"][2]["samples"]), (&38.into(), &30.into()));
    assert!((encoded["seconds_of_sound"].as_f64().unwrap() - 21.6).abs() < 1e-9, "{encoded}");
    run(&snn, &["data", "encode", "fsdd", "--set", words])
        .fails(2, &["a folder without existing output files"]);

    let short = [
        "data.inputs=100",
        "data.pool=5",
        "data.steps=32",
        "network.hidden=[32]",
        "training.epochs=10",
        "training.batch_size=8",
    ];
    let channels = ["--set", short[0], "--set", short[1]];
    let info = run(&snn, &[&["data", "info", "fsdd_spikes", "--json"], &channels[..]].concat()).expect(0);
    let info: Value = serde_json::from_str(&info.stdout).unwrap();
    assert_eq!(
        (&info["samples"], &info["classes"]),
        (&72.into(), &serde_json::json!(["one", "two", "three"]))
    );
    assert!(info["spikes"]["mean"].as_f64().unwrap() > 50.0, "{info}");
    let accuracy = train(&snn, "fsdd_spikes", &short);
    assert!(accuracy > 0.9, "{accuracy}");
    let folder = fs::read_dir(snn.path("runs")).unwrap().next().unwrap().unwrap().path();
    let evaluate =
        |more: &[&str]| run(&snn, &[&["eval", folder.to_str().unwrap()], more].concat()).expect(0).stdout;
    assert!(evaluate(&[]).contains("class  2 (three): "), "{}", evaluate(&[]));
    let evaluation: Value = serde_json::from_str(&evaluate(&["--json"])).unwrap();
    assert_eq!(evaluation["classes"], serde_json::json!(["one", "two", "three"]));
    let preview = ["data", "preview", "fsdd_spikes", "--class", "two", "--out", "spikes.svg"];
    assert!(run(&snn, &[&preview, &channels[..]].concat()).expect(0).stdout.contains("two"));
    assert!(snn.path("spikes.svg").exists());
}
