//! `snn export`: the records and weights of a run, for other programs.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::fs;

use common::Snn;
use safetensors::SafeTensors;
use serde_json::Value;
use snn_train::{
    Checkpoint,
    experiment::Selection,
    run::{Record, RunDir},
};

#[test]
fn a_run_is_exported_as_recorded() {
    let snn = Snn::new();
    snn.run(&Snn::train(&["training.epochs=3"], &["--run-dir", "run"])).expect(0);
    let run = RunDir::open(snn.path("run")).unwrap();
    let records = run.records().unwrap();

    let csv = snn.run(&["export", "run", "--format", "csv"]).expect(0).stdout;
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((lines.len(), &lines[0][..3]), (1 + 3, &["epoch", "step", "time"][..]));
    let epochs = records.iter().filter_map(|record| match record {
        Record::Epoch(epoch) => Some(epoch),
        _ => None,
    });
    for (epoch, line) in epochs.zip(&lines[1..]) {
        let cell = |name: &str| {
            let column = lines[0].iter().position(|column| *column == name);
            line[column.unwrap_or_else(|| panic!("no column {name} in {:?}", lines[0]))]
                .parse::<f64>()
                .unwrap()
        };
        assert_eq!(cell("epoch"), f64::from(epoch.epoch));
        assert_eq!(cell("train.loss"), epoch.train.loss);
        assert_eq!(cell("valid.accuracy"), epoch.valid.unwrap().accuracy);
        assert_eq!(cell("layers.1.spikes"), epoch.layers[0].spikes);
        assert_eq!(cell("gradient_norms.V1"), epoch.gradient_norms["V1"]);
        assert_eq!(cell("seconds.forward"), epoch.seconds.forward);
    }

    snn.run(&["export", "run", "--format", "json", "--out", "run.json"]).expect(0);
    let json: Value = serde_json::from_slice(&fs::read(snn.path("run.json")).unwrap()).unwrap();
    assert_eq!((json["kind"].as_str(), json["run"].as_str()), (Some("export"), Some("run")));
    assert_eq!(json["config"]["training"]["epochs"], 3);
    assert_eq!(json["status"]["state"], "done");
    let exported: Vec<Record> = serde_json::from_value(json["records"].clone()).unwrap();
    assert_eq!(exported, records);

    for (which, selection, options) in [
        ("best", Selection::Best, &["--checkpoint", "best"][..]),
        ("last", Selection::Last, &["--checkpoint", "last"]),
        ("selected", Selection::Best, &[]),
    ] {
        let arguments = [&["export", "run", "--format", "safetensors", "--out", which], options].concat();
        snn.run(&arguments).expect(0);
        let bytes = fs::read(snn.path(which)).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let checkpoint = Checkpoint::of_run(&run, selection).unwrap();
        assert_eq!(tensors.len(), 3, "no moments of the optimizer");
        for (name, shape, weights) in checkpoint.weights() {
            let tensor = tensors.tensor(name).unwrap();
            assert_eq!(tensor.shape(), shape, "{which}, {name}");
            let found = tensor.data().chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
            assert_eq!(found.collect::<Vec<_>>(), weights, "{which}, {name}");
        }
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let about = header.metadata().as_ref().unwrap();
        assert_eq!(about["epoch"], checkpoint.epoch().to_string());
    }
}

#[test]
fn impossible_exports_are_refused_with_a_reason() {
    let snn = Snn::new();
    snn.run(&["export", "nowhere", "--format", "csv"]).fails(2, &["no run here", "nowhere"]);
    fs::create_dir(snn.path("begun")).unwrap();
    fs::write(snn.path("begun/config.toml"), "").unwrap();
    snn.run(&["export", "begun", "--format", "safetensors"]).fails(1, &["there is no checkpoint"]);
    snn.run(&["export", "begun", "--format", "csv", "--checkpoint", "best"])
        .fails(2, &["--format safetensors"]);
    snn.run(&["export", "begun", "--format", "csv", "--out", "no/such/folder"])
        .fails(1, &["cannot write no/such/folder"]);
    snn.run(&["export", "begun"]).fails(2, &["--format"]);
    let empty = snn.run(&["export", "begun", "--format", "csv"]).expect(0).stdout;
    assert_eq!(empty, "epoch,step,time\n");
}
