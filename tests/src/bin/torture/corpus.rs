//! Small files of each kind that the programs write or read.

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use snn_data::npz::NpzWriter;

use crate::{random::random, targets::TARGETS};

const SWEEP: &str = "name = \"s\"\nbase = \"randman\"\n[set]\ntraining.epochs = 3\n[[grid]]\nsurrogate.beta = { log = [1, 100], points = 3 }\n\
                     surrogate.shape = [\"esser\"]\n[seeds]\nvalues = [0]\n[select]\nbest = 2\nby = [\"surrogate.shape\"]\n";

/// Writes a folder for each target.
pub(crate) fn write(snn: &Path, folder: &Path) {
    let put = |target: &str, name: &str, bytes: &[u8]| {
        let target = folder.join(target);
        fs::create_dir_all(&target).expect("a folder");
        fs::write(target.join(name), bytes).expect("a file");
    };
    for (name, bytes) in recordings() {
        put("recordings", name, &bytes);
    }
    put("idx", "a", &[&[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3][..], &[1, 2, 3, 4, 5, 6]].concat());
    put("idx", "b", &[0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]);
    put("lists", "a", b"no/a_nohash_0.wav\nyes/b_nohash_1.wav\n\nno/c.wav\n");
    put("contents", "a", &contents());
    put("hdf5_head", "a", &hdf5_head());
    put("catalogs", "a", include_bytes!("../../../../snn-data/catalog/src/data_sets.toml"));
    put("csv_spikes", "a", b"sample,time,unit,label\n0,1,1,yes\n0,2.5,7,yes\n1,,,no\n");
    put("csv_spikes", "b", b"sample,time,x,y,p,label\n0,1,3,4,1,2\n");
    put("aer", "a", &[1, 2, 0x80, 0, 3, 0, 240, 0, 0, 0, 33, 33, 0x7f, 0xff, 0xff]);
    put("aedat", "a", &aedat());
    put("gestures", "a", b"class,startTime_usec,endTime_usec\n2,1000,501000\n11,600000,900000\n");
    let mut npz = NpzWriter::new();
    npz.add("a", &[2, 2], &[1.0, 2.0, 3.0, 4.0_f64]).expect("an array");
    npz.add("b", &[3], &[1.0, 2.0, 3.0_f64]).expect("an array");
    put("npz", "a", &npz.finish());
    put("npz", "b", include_bytes!("../../../golden/gradients/nohidden_sum.npz"));

    let run = folder.join("corpus-run");
    let settings = [
        "data.samples_per_class=10",
        "data.inputs=4",
        "data.classes=2",
        "network.hidden=[3]",
        "training.epochs=2",
    ];
    let mut train = Command::new(snn);
    train.args(["train", "randman", "--quiet", "--tensorboard", "--run-dir"]).arg(&run);
    train.args(settings.iter().flat_map(|setting| ["--set", setting]));
    assert!(train.output().expect("snn starts").status.success(), "a run for the corpus");
    let read = |name: &str| fs::read(run.join(name)).expect("a file of the run");
    put("metrics", "a", &read("metrics.jsonl"));
    put("status", "a", &read("status.json"));
    put("environment", "a", &read("env.json"));
    put("probes", "a", &read("probes/0000001.json"));
    put("experiments", "a", &read("config.toml"));
    for preset in ["shd", "rawhd"] {
        let shown = Command::new(snn).args(["presets", preset]).output().expect("snn starts");
        put("experiments", preset, &shown.stdout);
    }
    put("changes", "a", b"optimizer.learning_rate=0.01");
    put("changes", "b", b"network.hidden=[10, 20]");
    put("data_records", "a", &read("data.json"));
    for (k, condition) in
        ["state=done", "epoch>=5", "valid_accuracy<0.9", "network.tau_mem!=10"].iter().enumerate()
    {
        put("conditions", &k.to_string(), condition.as_bytes());
    }
    for (target, format) in [("weights", "safetensors"), ("graphs", "nir")] {
        let out = folder.join(format);
        let mut export = Command::new(snn);
        export.arg("export").arg(&run).args(["--format", format, "--out"]).arg(&out);
        assert!(export.output().expect("snn starts").status.success(), "an export for the corpus");
        let bytes = match format {
            "nir" => {
                let graph = snn_train::nir::Graph::read(&out).expect("a graph");
                snn_train::fuzzing::graph_answer(&graph)
            }
            _ => fs::read(&out).expect("an export"),
        };
        put(target, "a", &bytes);
    }
    let checkpoint = read("checkpoints/last.safetensors");
    put("checkpoints", "a", &checkpoint);
    put("states", "a", state(&checkpoint).as_bytes());
    let files = fs::read_dir(&run).expect("the run").map(|entry| entry.expect("a file").path());
    let events = { files }.find(|path| path.to_string_lossy().contains("tfevents")).expect("an event file");
    put("events", "a", &fs::read(events).expect("an event file"));

    put("sweeps", "s.toml", SWEEP.as_bytes());
    let mut plan = Command::new(snn);
    plan.args(["sweep", "plan"]).arg(folder.join("sweeps/s.toml")).current_dir(&run);
    assert!(plan.output().expect("snn starts").status.success(), "a plan for the corpus");
    let plan = read("sweeps/s/manifest.json");
    put("manifests", "a", &plan);
    put("plans", "a", &plan);
}

/// Writes a folder for each target, and nothing else.
pub(crate) fn store(snn: &Path, folder: &Path) {
    let made = std::env::temp_dir().join(format!("snn-corpus-{:016x}", random()));
    fs::create_dir(&made).expect("a new folder");
    write(snn, &made);
    for target in TARGETS {
        fs::create_dir_all(folder.join(target.name)).expect("a folder of the corpus");
        for entry in fs::read_dir(made.join(target.name)).expect("a corpus") {
            let entry = entry.expect("a file");
            // The plan of the sweep is a folder beside its file.
            if entry.path().is_file() {
                fs::copy(entry.path(), folder.join(target.name).join(entry.file_name())).expect("a copy");
            }
        }
    }
    fs::remove_dir_all(made).expect("a folder of this program");
}

/// The contents of a folder with two recordings.
fn contents() -> Vec<u8> {
    let mut list = b"snn-data contents 1\n".to_vec();
    for name in ["no/1.wav", "yes/22.wav"] {
        list.extend((name.len() as u32).to_le_bytes());
        list.extend(name.as_bytes());
        list.extend([7; 32]);
    }
    list.extend([0; 4]);
    list
}

/// The first message of the HDF5 helper: labels, speakers, words, people.
fn hdf5_head() -> Vec<u8> {
    let mut head = [4_u32.to_le_bytes(), [0, 0, 1, 0], [2, 0, 0, 0], [1, 4, 0, 0]].concat();
    head.extend([0, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0]);
    head.extend([1, 2, 0, 0, 0, 2, 0, 0, 0, b'j', b'a', 4, 0, 0, 0, b'n', b'e', b'i', b'n']);
    head.extend([1, 0, 0, 0, 1, 1, 0, 0, 0, b'm', 1, 30, 0, 0, 0, 0]);
    head
}

/// The state in the metadata of a checkpoint.
fn state(checkpoint: &[u8]) -> String {
    let length = u64::from_le_bytes(checkpoint[..8].try_into().expect("8 bytes")) as usize;
    let header: Value = serde_json::from_slice(&checkpoint[8..8 + length]).expect("JSON");
    let envelope: Value =
        serde_json::from_str(header["__metadata__"]["snn"].as_str().expect("a text")).expect("JSON");
    envelope["state"].to_string()
}

/// A recording of an event camera: a packet of two events, and one of another type.
fn aedat() -> Vec<u8> {
    let mut file = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#!END-HEADER\r\n".to_vec();
    for (kind, events) in [(1_u32, 2_u32), (0, 1)] {
        for number in [kind, 8, 4, 0, events, events, events] {
            file.extend(number.to_le_bytes());
        }
        for event in 0..events {
            file.extend((127_u32 << 17 | event << 2 | 3).to_le_bytes());
            file.extend((1000 * event).to_le_bytes());
        }
    }
    file
}

/// WAV in several forms, and FLAC.
fn recordings() -> Vec<(&'static str, Vec<u8>)> {
    let chunk = |id: &[u8], bytes: &[u8]| [id, &(bytes.len() as u32).to_le_bytes(), bytes].concat();
    let fmt = |tag: u16, channels: u16, bits: u16| {
        let align = channels * bits / 8;
        let rate = 16_000_u32.to_le_bytes();
        let bytes = (16_000 * u32::from(align)).to_le_bytes();
        let head = [tag, channels].map(u16::to_le_bytes).concat();
        [head, rate.to_vec(), bytes.to_vec(), [align, bits].map(u16::to_le_bytes).concat()].concat()
    };
    let riff = |chunks: &[Vec<u8>]| {
        let content = [b"WAVE".to_vec(), chunks.concat()].concat();
        [&b"RIFF"[..], &(content.len() as u32).to_le_bytes(), &content].concat()
    };
    let data = chunk(b"data", &[1; 48]);
    vec![
        ("pcm16", riff(&[chunk(b"fmt ", &fmt(1, 1, 16)), data.clone()])),
        ("pcm24", riff(&[chunk(b"fmt ", &fmt(1, 2, 24)), data.clone(), chunk(b"LIST", b"INFO")])),
        ("float", riff(&[chunk(b"fmt ", &fmt(3, 1, 32)), data.clone()])),
        ("alaw", riff(&[chunk(b"fmt ", &fmt(6, 1, 8)), data])),
        ("flac", flac()),
    ]
}

/// A FLAC file of one constant frame.
fn flac() -> Vec<u8> {
    let mut file = b"fLaC\x80\0\0\x22".to_vec();
    file.extend([16, 0, 16, 0, 0, 0, 0, 0, 0, 0]);
    file.extend((16_000_u64 << 44 | 15 << 36 | 4096).to_be_bytes());
    file.extend([0; 16]);
    let mut frame = vec![0xff, 0xf8, 0x70, 4 << 1, 0, 0x0f, 0xff];
    frame.push(crc(&frame, 8, 0x07) as u8);
    // A constant subframe.
    frame.extend([0, 0x12, 0x34]);
    let check = crc(&frame, 16, 0x8005) as u16;
    frame.extend(check.to_be_bytes());
    file.extend(frame);
    file
}

/// A cyclic redundancy check of 8 or 16 bits, computed bit by bit.
fn crc(bytes: &[u8], bits: u32, polynomial: u32) -> u32 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte) << (bits - 8), |crc, _| {
            let shifted = crc << 1;
            (if shifted >> bits & 1 == 1 { shifted ^ polynomial } else { shifted }) & ((1 << bits) - 1)
        })
    })
}
