//! Weights in and predictions out: `snn train --init`, `snn eval --weights`, `snn predict`, `snn export --format npz`.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::fs;

use common::{Ended, Snn, assert_same};
use serde_json::Value;
use snn_data::npz::Npz;
use snn_train::{Checkpoint, Weights};

fn trained(changes: &[&str]) -> Snn {
    let snn = Snn::new();
    let changes = [&["training.epochs=2", "initialization.gain=5"], changes].concat();
    snn.run(&Snn::train(&changes, &["--run-dir", "run"])).expect(0);
    snn
}

fn json(ended: Ended) -> Value {
    serde_json::from_str(&ended.expect(0).stdout).unwrap()
}

#[test]
fn a_run_starts_from_weights_and_freezes_some() {
    let snn = trained(&[]);
    let last = "run/checkpoints/last.safetensors";
    let tune = ["training.epochs=1", "data.seed=3", "training.freeze=['W1', 'V1']"];
    snn.run(&Snn::train(&tune, &["--init", last, "--run-dir", "tuned"])).expect(0);
    let weights = |path: &str| Weights::load(snn.path(path)).unwrap();
    let matrix = |path: &str, name: &str| {
        let weights = weights(path);
        weights.matrices().find(|(found, ..)| *found == name).map(|(_, _, values)| values.to_vec()).unwrap()
    };
    let tuned = "tuned/checkpoints/last.safetensors";
    for name in ["W1", "V1"] {
        assert_eq!(matrix(tuned, name), matrix(last, name));
    }
    assert_ne!(matrix(tuned, "Wout"), matrix(last, "Wout"));
    let config = fs::read_to_string(snn.path("tuned/config.toml")).unwrap();
    let recorded = snn.path(last).canonicalize().unwrap();
    assert!(config.contains(&format!("weights = \"{}\"", recorded.display())), "{config}");

    // Each format gives the same result.
    for format in ["safetensors", "npz"] {
        snn.run(&["export", "run", "--format", format, "--checkpoint", "last", "--out", "w"]).expect(0);
        let run = format!("from-{format}");
        snn.run(&Snn::train(&tune, &["--init", "w", "--run-dir", &run])).expect(0);
        let found = Checkpoint::load(snn.path(&run).join("checkpoints/last.safetensors")).unwrap();
        let expected = Checkpoint::load(snn.path(tuned)).unwrap();
        assert!(found.weights().eq(expected.weights()), "{format}");
    }

    // A resumed run does not need the file; a new one does.
    let more = ["training.epochs=3", tune[1], tune[2]];
    snn.run(&Snn::train(&more, &["--init", last, "--run-dir", "whole"])).expect(0);
    fs::rename(snn.path(last), snn.path("moved")).unwrap();
    snn.run(&["train", "--resume", "--run-dir", "tuned", "--set", "training.epochs=3"]).expect(0);
    assert_same(&snn.path("tuned"), &snn.path("whole"));
    snn.run(&Snn::train(&tune, &["--init", last, "--run-dir", "new"]))
        .fails(1, &["cannot read the weights", last]);
    assert!(!snn.path("new").exists(), "nothing was started");

    snn.run(&Snn::train(&["network.hidden=[31]"], &["--init", "moved"]))
        .fails(2, &["W1 is 20 x 30 in the file but 20 x 31 here", "V1 is 30 x 30 in the file"]);
    snn.run(&Snn::train(&["training.freeze=['V2']"], &[]))
        .fails(2, &["training.freeze names `V2`", "W1, V1, Wout"]);
}

#[test]
fn weights_are_evaluated_without_their_run() {
    let snn = trained(&[]);
    let run = json(snn.run(&["eval", "run", "--json"]));
    for (format, file) in [("safetensors", "w.safetensors"), ("npz", "w.npz")] {
        snn.run(&["export", "run", "--format", format, "--out", file]).expect(0);
        let mut found = json(snn.run(&["eval", "--weights", file, "--json"]));
        assert_eq!(found["weights"], file);
        found.as_object_mut().unwrap().remove("weights");
        for key in ["run", "checkpoint", "epoch"] {
            found[key] = run[key].clone();
        }
        assert_eq!(found, run);
        let found = json(snn.run(&["eval", "run", "--weights", file, "--json"]));
        assert_eq!(found["accuracy"], run["accuracy"]);
    }
    let text = snn.run(&["eval", "--weights", "w.npz"]).expect(0).stdout;
    assert!(text.starts_with("test accuracy") && text.contains("weights of w.npz"), "{text}");

    // Another seed generates other manifolds: this is reported and intended.
    let other = snn.run(&["eval", "--weights", "w.npz", "--set", "data.seed=7"]).expect(0);
    assert!(other.stderr.contains("these data differ from those of the run"), "{}", other.stderr);
    snn.run(&["eval", "--weights", "w.npz", "--set", "network.hidden=[9]"])
        .fails(2, &["W1 is 20 x 30", "20 x 9"]);

    let mut plain = snn_data::npz::NpzWriter::new();
    for (name, shape, values) in Weights::load(snn.path("w.npz")).unwrap().matrices() {
        plain.add(name, shape, values).unwrap();
    }
    fs::write(snn.path("plain.npz"), plain.finish()).unwrap();
    snn.run(&["eval", "--weights", "plain.npz"]).fails(2, &["plain.npz", "--experiment PRESET_OR_TOML"]);
    let found =
        json(snn.run(&["eval", "--weights", "plain.npz", "--experiment", "run/config.toml", "--json"]));
    assert_eq!(found["accuracy"], run["accuracy"]);
    snn.run(&["eval"]).fails(2, &["RUN_DIR"]);
}

/// The shape of the network is that of the run, not what the file implies.
#[test]
fn weights_of_other_shapes_are_refused_with_the_shape_of_the_network() {
    let snn = trained(&[]);
    let network = "the network has W1 of 20 x 30, V1 of 30 x 30, Wout of 30 x 10, but the file has ";
    for (name, shapes, problem) in [
        ("w1", &[("W1", [20, 30])][..], "Wout of 30 x 10 is missing"),
        (
            "torch",
            &[("W1", [30, 20]), ("Wout", [10, 30])],
            "W1 is 30 x 20 in the file but 20 x 30 here: transposed",
        ),
        ("names", &[("fc1.weight", [30, 20])], "the network has no fc1.weight, which is 30 x 20 in the file"),
    ] {
        let mut npz = snn_data::npz::NpzWriter::new();
        for (matrix, [pre, post]) in shapes {
            npz.add(matrix, &[*pre, *post], &vec![0.5_f32; pre * post]).unwrap();
        }
        let file = format!("{name}.npz");
        fs::write(snn.path(&file), npz.finish()).unwrap();
        snn.run(&["eval", "run", "--weights", &file]).fails(2, &[network, problem]);
    }
}

#[test]
fn predictions_agree_with_eval() {
    let snn = trained(&[]);
    let evaluation = json(snn.run(&["eval", "run", "--json"]));
    let told = snn.run(&["predict", "run", "--out", "p.csv", "--with", "counts"]).expect(0).stderr;
    let csv = fs::read_to_string(snn.path("p.csv")).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(&rows[0][..5], ["index", "label", "prediction", "logit.0", "logit.1"]);
    assert_eq!(rows[0].len(), 3 + 10 + 30);
    assert_eq!(rows.len() - 1, evaluation["samples"].as_u64().unwrap() as usize);
    let right = rows[1..].iter().filter(|row| row[1] == row[2]).count();
    let accuracy = right as f64 / (rows.len() - 1) as f64;
    assert_eq!(evaluation["accuracy"].as_f64().unwrap(), accuracy);
    assert!(told.contains(&format!(", {right} (")), "{told}");

    let with = ["--with", "counts", "--with", "readout", "--with", "spikes"];
    snn.run(&[&["predict", "run", "--out", "p.npz"], &with[..]].concat()).expect(0);
    let mut arrays = Npz::open(snn.path("p.npz")).unwrap();
    let samples = rows.len() - 1;
    let logits = arrays.read::<f32>("logits").unwrap();
    assert_eq!(logits.shape, [samples, 10]);
    for (row, logits) in rows[1..].iter().zip(logits.rows()) {
        let found: Vec<f32> = row[3..13].iter().map(|cell| cell.parse().unwrap()).collect();
        assert_eq!(found, logits);
    }
    let readout = arrays.read::<f32>("readout").unwrap();
    assert_eq!(readout.shape[..], [samples, readout.shape[1], 10]);
    // The head is the maximum over time.
    for (readout, logits) in readout.rows().zip(logits.rows()) {
        for (class, logit) in logits.iter().enumerate() {
            let highest = readout.chunks(10).map(|step| step[class]).fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(highest, *logit);
        }
    }
    let counts = arrays.read::<f32>("counts.1").unwrap();
    let spikes = arrays.read::<u32>("spikes.1").unwrap();
    let mut counted = vec![0.0; counts.values.len()];
    spikes.rows().for_each(|spike| counted[spike[0] as usize * 30 + spike[2] as usize] += 1.0);
    assert_eq!(counted, counts.values);
    assert!(counted.iter().sum::<f32>() > 0.0);
    assert_eq!(arrays.read_texts("classes").unwrap()[9], "9");

    snn.run(&[&["predict", "run", "--split", "train", "--out", "p.json"], &with[..]].concat()).expect(0);
    let all: Value = serde_json::from_slice(&fs::read(snn.path("p.json")).unwrap()).unwrap();
    assert_eq!((all["kind"].as_str(), all["samples"].as_array().unwrap().len()), (Some("predictions"), 800));
    let first = &all["samples"][0];
    let spikes = first["spikes"][0].as_array().unwrap().len() as f64;
    assert_eq!(
        first["counts"][0].as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).sum::<f64>(),
        spikes
    );
    assert_eq!(first["readout"][0].as_array().unwrap().len(), 10);

    for (arguments, words) in [
        (&["predict", "run", "--out", "p.txt"][..], &["p.txt", ".csv, .npz or .json"][..]),
        (&["predict", "run", "--out", "p.csv", "--with", "spikes"], &["write to .npz or .json"]),
        (&["predict", "run"], &["--out"]),
        (&["predict", "run", "--out", "p.csv", "--data", "nothing"], &["`nothing` is neither"]),
    ] {
        snn.run(arguments).fails(2, words);
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_reads_is_refused() {
    use std::process::{Command, Stdio};

    let snn = Snn::new();
    snn.run(&Snn::train(&["training.epochs=1"], &["--run-dir", "run", "-q"])).expect(0);
    for name in ["p.csv", "p.npz", "p.svg"] {
        assert!(Command::new("mkfifo").arg(snn.path(name)).status().unwrap().success());
    }
    let words = ["it is a pipe from which no program reads: start the reader first"];
    snn.run(&["predict", "run", "--out", "p.csv"]).fails(1, &words);
    snn.run(&["export", "run", "--format", "npz", "--out", "p.npz"]).fails(1, &words);
    snn.run(&["data", "preview", "randman", "--out", "p.svg"]).fails(1, &words);
    // A pipe that is read has the bytes of a file.
    snn.run(&["predict", "run", "--out", "file.csv"]).expect(0);
    let mut cat = Command::new("cat");
    let cat = cat.arg(snn.path("p.csv")).stdout(Stdio::piped()).spawn().unwrap();
    // Loading takes longer than `cat` needs to open the pipe; otherwise, the next attempt finds it open.
    while snn.run(&["predict", "run", "--out", "p.csv"]).code != Some(0) {}
    let read = cat.wait_with_output().unwrap().stdout;
    assert!(!read.is_empty() && read == std::fs::read(snn.path("file.csv")).unwrap());
}

#[test]
fn other_data_are_predicted() {
    let snn = trained(&[]);
    let other = ["--data", "randman", "--data-set", "data.samples_per_class=5", "--data-set", "data.seed=8"];
    snn.run(&[&["predict", "run", "--out", "p.csv"], &other[..]].concat()).expect(0);
    let csv = fs::read_to_string(snn.path("p.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 50, "all samples of the other data");
    let classes = ["--data", "randman", "--data-set", "data.classes=2"];
    let told = snn.run(&[&["predict", "run", "--out", "p.csv"], &classes[..]].concat()).expect(0).stderr;
    assert!(told.contains("the classes of these data (0 1) differ from those of the network"), "{told}");
    let wide = ["--data", "randman", "--data-set", "data.inputs=7"];
    snn.run(&[&["predict", "run", "--out", "p.csv"], &wide[..]].concat()).fails(2, &["20 inputs", "has 7"]);
}
