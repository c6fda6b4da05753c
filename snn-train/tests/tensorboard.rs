//! TensorBoard event files, read by a separate reader that shares no code with the writer.
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is a test outside of a test function")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread::sleep,
    time::{Duration, Instant},
};

use common::{Snn, metrics};
use snn_train::{
    Checkpoint, Trainer,
    run::{EpochRecord, Record, RecordedState, RunDir},
};

/// The value of an event.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Scalar(f32),
    /// Minimum, maximum, number of values, and the edges and counts of the bins.
    Histogram([f64; 3], Vec<f64>, Vec<f64>),
}

/// Values by tag and step.
type Values = BTreeMap<(String, u64), Value>;

/// CRC-32C bit by bit.
fn masked_crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let odd = crc % 2 == 1;
            crc /= 2;
            crc ^= if odd { 0x82f6_3b78 } else { 0 };
        }
    }
    let crc = u64::from(!crc);
    (((crc >> 15) | (crc << 17)) as u32).wrapping_add(0xa282_ead8)
}

/// Removes bytes from the front.
fn take<'a>(bytes: &mut &'a [u8], number: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(number);
    *bytes = rest;
    taken
}

fn le(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte))
}

/// The payloads of all records.
fn records(mut file: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while !file.is_empty() {
        let length = take(&mut file, 8);
        assert_eq!(le(take(&mut file, 4)), u64::from(masked_crc(length)), "checksum of a length");
        let payload = take(&mut file, le(length) as usize);
        assert_eq!(le(take(&mut file, 4)), u64::from(masked_crc(payload)), "checksum of an event");
        records.push(payload);
    }
    records
}

/// The fields of a message: field number, and value or bytes.
fn fields(mut message: &[u8]) -> Vec<(u64, u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let byte = u64::from(take(bytes, 1)[0]);
        if byte < 128 { byte } else { byte - 128 + 128 * varint(bytes) }
    }
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let (number, bytes): (u64, &[u8]) = match tag % 8 {
            0 => (varint(&mut message), &[]),
            1 => (0, take(&mut message, 8)),
            2 => {
                let length = varint(&mut message);
                (0, take(&mut message, length as usize))
            }
            5 => (0, take(&mut message, 4)),
            other => panic!("wire type {other}"),
        };
        fields.push((tag / 8, number, bytes));
    }
    fields
}

fn double(bytes: &[u8]) -> f64 {
    f64::from_le_bytes(bytes.try_into().unwrap())
}

fn doubles(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks(8).map(double).collect()
}

fn histogram(message: &[u8]) -> Value {
    let mut numbers = [0.0; 3];
    let (mut ends, mut counts) = (Vec::new(), Vec::new());
    for (field, _, bytes) in fields(message) {
        match field {
            1..=3 => numbers[field as usize - 1] = double(bytes),
            6 => ends = doubles(bytes),
            7 => counts = doubles(bytes),
            _ => {}
        }
    }
    Value::Histogram(numbers, ends, counts)
}

fn event_files(run: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
    let events = paths.filter(|path| path.to_string_lossy().contains("tfevents"));
    // A file that a later session continued is empty.
    events.filter(|path| fs::metadata(path).unwrap().len() > 0).collect()
}

/// The content of the one event file of a run. Fails on a second value of a tag at a step, and on decreasing steps.
fn read(run: &Path) -> Values {
    let files = event_files(run);
    assert_eq!(files.len(), 1, "{files:?}");
    let bytes = fs::read(&files[0]).unwrap();
    let mut values = Values::new();
    let mut latest = 0;
    for (number, event) in records(&bytes).into_iter().enumerate() {
        let fields_of = fields(event);
        assert!(double(fields_of.iter().find(|(field, ..)| *field == 1).unwrap().2) > 1e9, "wall time");
        let step = fields_of.iter().find(|(field, ..)| *field == 2).map_or(0, |(_, step, _)| *step);
        assert!(step >= latest, "{step} after {latest}");
        latest = step;
        match number {
            0 => assert!(fields_of.iter().any(|field| (field.0, field.2) == (3, b"brain.Event:2"))),
            1 => assert!(fields_of.iter().any(|field| (field.0, field.2) == (7, b"\x08\x01"))),
            _ => {}
        }
        let summaries = fields_of.iter().filter(|(field, ..)| *field == 5);
        for (_, _, value) in summaries.flat_map(|(_, _, summary)| fields(summary)) {
            let (mut tag, mut content) = (String::new(), None);
            for (field, _, bytes) in fields(value) {
                match field {
                    1 => tag = String::from_utf8(bytes.to_vec()).unwrap(),
                    2 => content = Some(Value::Scalar(f32::from_le_bytes(bytes.try_into().unwrap()))),
                    5 => content = Some(histogram(bytes)),
                    _ => panic!("field {field} of a value"),
                }
            }
            let before = values.insert((tag.clone(), step), content.unwrap());
            assert_eq!(before, None, "{tag} twice at step {step}");
        }
    }
    values
}

/// Ignores times.
fn without_times(values: Values) -> Values {
    values.into_iter().filter(|((tag, _), _)| !tag.starts_with("seconds/")).collect()
}

fn steps(values: &Values, tag: &str) -> Vec<u64> {
    values.keys().filter(|(of, _)| of == tag).map(|(_, step)| *step).collect()
}

fn epoch_records(run: &Path) -> Vec<EpochRecord> {
    let epoch = |record| if let Record::Epoch(epoch) = record { Some(epoch) } else { None };
    RunDir::open(run).unwrap().records().unwrap().into_iter().filter_map(epoch).collect()
}

#[test]
fn the_file_has_all_records_and_training_is_unaffected() {
    let snn = Snn::new();
    let changes = ["training.epochs=4", "optimizer.learning_rate_decay=0.5", "probe.every=2"];
    snn.run(&Snn::train(&changes, &["--run-dir", "with", "--tensorboard"])).expect(0);
    snn.run(&Snn::train(&changes, &["--run-dir", "without"])).expect(0);
    let (with, without) = (snn.path("with"), snn.path("without"));
    assert!(event_files(&without).is_empty());
    assert_eq!(metrics(&with), metrics(&without));
    let load = |run: &Path, which: &str| Checkpoint::load(run.join("checkpoints").join(which)).unwrap();
    let weights = |run: &Path, which: &str| {
        let checkpoint = load(run, which);
        let mut network = Trainer::new(checkpoint.experiment().clone()).unwrap().network().clone();
        checkpoint.restore(&mut network).unwrap();
        network.parameters().map(|(name, _, weights)| (name, weights)).collect::<Vec<_>>()
    };
    for which in ["last.safetensors", "best.safetensors"] {
        assert_eq!(weights(&with, which), weights(&without, which), "{which}");
    }

    let values = read(&with);
    let scalar = |tag: &str, step: u32| match values.get(&(tag.to_owned(), step.into())) {
        Some(Value::Scalar(value)) => *value,
        other => panic!("{tag} at {step}: {other:?}"),
    };
    for record in epoch_records(&with) {
        let of = |tag: &str| scalar(tag, record.epoch);
        let (valid, layer, seconds) = (record.valid.unwrap(), record.layers[0], record.seconds);
        for (tag, expected) in [
            ("loss/train", record.train.loss),
            ("cross_entropy/train", record.train.cross_entropy),
            ("regularization/train", record.train.regularization),
            ("accuracy/train", record.train.accuracy),
            ("loss/valid", valid.loss),
            ("cross_entropy/valid", valid.cross_entropy),
            ("regularization/valid", valid.regularization),
            ("accuracy/valid", valid.accuracy),
            ("spikes/layer1", layer.spikes),
            ("silent/layer1", layer.silent),
            ("saturated/layer1", layer.saturated),
            ("learning_rate", 0.03 * 0.5_f64.powi(record.epoch as i32 - 1)),
            ("seconds/data", seconds.data),
            ("seconds/forward", seconds.forward),
            ("seconds/backward", seconds.backward),
            ("seconds/update", seconds.update),
            ("seconds/validation", seconds.validation),
            ("seconds/checkpoint", seconds.checkpoint),
            ("seconds/total", seconds.total()),
        ] {
            assert_eq!(of(tag), expected as f32, "{tag} of epoch {}", record.epoch);
        }
        for (matrix, norm) in &record.gradient_norms {
            assert_eq!(of(&format!("gradient_norm/{matrix}")), *norm as f32);
            let ratio = of(&format!("update_ratio/{matrix}"));
            assert!(ratio > 0.0 && ratio < 1.0, "{matrix}: {ratio}");
        }
    }
    let run = RunDir::open(&with).unwrap();
    assert_eq!(scalar("accuracy/test", 4), run.status().unwrap().test_accuracy.unwrap() as f32);
    assert_eq!(steps(&values, "loss/test"), [4]);
    assert_eq!(steps(&values, "loss/train"), [1, 2, 3, 4]);

    for (tag, number) in [
        ("weights/W1", 20 * 30),
        ("weights/V1", 30 * 30),
        ("weights/Wout", 30 * 10),
        ("rates/layer1", 30),
        ("derivatives/layer1", 4 * 100 * 30),
    ] {
        assert_eq!(steps(&values, tag), [0, 2, 4], "{tag}: with every probe");
        for step in [0, 2, 4] {
            let Value::Histogram([least, largest, all], ends, counts) = &values[&(tag.to_owned(), step)]
            else {
                panic!("{tag} is no histogram")
            };
            assert_eq!((*all, counts.iter().sum::<f64>()), (number.into(), number.into()), "{tag}");
            assert_eq!((ends.len(), ends.last()), (counts.len(), Some(largest)), "{tag}");
            assert!(ends.is_sorted() && *least < ends[0], "{tag}: {least} {ends:?}");
        }
    }
    let (_, last) = &weights(&with, "last.safetensors")[0];
    let least = last.iter().copied().fold(f32::INFINITY, f32::min);
    let Value::Histogram([found, ..], ..) = values[&("weights/W1".to_owned(), 4)] else { panic!() };
    assert_eq!(found, f64::from(least), "the weights are those of the epoch");
    let rates = &run.probe(2).unwrap().layers[0].rates;
    let Value::Histogram(_, _, counts) = &values[&("rates/layer1".to_owned(), 2)] else { panic!() };
    assert_eq!(counts.iter().sum::<f64>(), rates.total() as f64);
}

#[test]
fn a_resumed_run_writes_every_step_once() {
    let snn = Snn::new();
    let train = |run: &'static str, epochs: &'static str| {
        snn.run(&Snn::train(&[epochs], &["--run-dir", run, "--resume", "--tensorboard"])).expect(0);
    };
    train("whole", "training.epochs=5");
    let whole = without_times(read(&snn.path("whole")));

    // Tested after three epochs, tested again, then extended.
    train("run", "training.epochs=3");
    let first = event_files(&snn.path("run"));
    train("run", "training.epochs=3");
    assert_ne!(event_files(&snn.path("run")), first, "a watching TensorBoard is given a new file");
    assert_eq!(steps(&read(&snn.path("run")), "accuracy/test"), [3]);
    // The experiment in the run directory keeps the setting.
    snn.run(&["train", "--resume", "--run-dir", "run", "--set", "training.epochs=5"]).expect(0);
    assert_eq!(without_times(read(&snn.path("run"))), whole);

    // Killed after its checkpoint: the file has epochs that will be retrained, and its end is truncated.
    let run = snn.path("killed");
    train("killed", "training.epochs=3");
    let checkpoint = fs::read(run.join("checkpoints/last.safetensors")).unwrap();
    let best = fs::read(run.join("checkpoints/best.safetensors")).unwrap();
    train("killed", "training.epochs=5");
    let file = event_files(&run).remove(0);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 20]).unwrap();
    fs::write(run.join("checkpoints/last.safetensors"), checkpoint).unwrap();
    fs::write(run.join("checkpoints/best.safetensors"), best).unwrap();
    train("killed", "training.epochs=5");
    assert_eq!(without_times(read(&run)), whole);
}

#[test]
fn a_run_killed_at_any_moment_ends_like_an_uninterrupted_one() {
    let snn = Snn::new();
    let changes = ["training.epochs=30", "training.checkpoint_interval=0.01"];
    let train = |run: &'static str| Snn::train(&changes, &["--run-dir", run, "--resume", "--tensorboard"]);
    snn.run(&train("whole")).expect(0);
    let mut kills = 0;
    loop {
        let mut child =
            snn.command(&train("run")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let delay = Duration::from_millis(if kills < 12 { 20 + 17 * kills % 90 } else { 60_000 });
        let begin = Instant::now();
        while begin.elapsed() < delay && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        if let Some(status) = child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(0), "after {kills} kills");
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    }
    println!("{kills} kills");
    let (run, whole) = (read(&snn.path("run")), read(&snn.path("whole")));
    // Values lost in a kill are restored from the records, except those computed from the network.
    let scalars = |values: &Values| {
        let all = without_times(values.clone()).into_iter();
        all.filter(|((tag, _), value)| matches!(value, Value::Scalar(_)) && !tag.starts_with("update_ratio"))
            .collect::<Values>()
    };
    assert_eq!(scalars(&run), scalars(&whole));
}

#[test]
fn epochs_without_tensorboard_come_from_the_records() {
    let snn = Snn::new();
    let train = |epochs: &'static str, more: &[&'static str]| {
        let options = [&["--run-dir", "run", "--resume"], more].concat();
        snn.run(&Snn::train(&[epochs, "optimizer.learning_rate_decay=0.5"], &options)).expect(0);
    };
    train("training.epochs=2", &[]);
    assert!(event_files(&snn.path("run")).is_empty());
    train("training.epochs=4", &["--tensorboard"]);
    train("training.epochs=5", &[]);
    train("training.epochs=6", &["--tensorboard"]);
    let values = read(&snn.path("run"));
    assert_eq!(steps(&values, "loss/valid"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(steps(&values, "update_ratio/W1"), [3, 4, 6]);
    for (record, step) in epoch_records(&snn.path("run")).iter().zip(1..) {
        assert_eq!(
            values[&("loss/train".to_owned(), step)],
            Value::Scalar(record.train.loss as f32),
            "{step}"
        );
        let rate = 0.03 * 0.5_f64.powi(step as i32 - 1);
        assert_eq!(values[&("learning_rate".to_owned(), step)], Value::Scalar(rate as f32), "{step}");
    }
}

#[test]
fn write_errors_are_reported_and_do_not_end_training() {
    let snn = Snn::new();
    let train = |epochs: &'static str| {
        Snn::train(&[epochs], &["--run-dir", "run", "--resume", "--tensorboard", "--quiet"])
    };
    let begun = snn.run(&train("training.epochs=1")).expect(0);
    assert!(begun.stderr.starts_with("warning: there is no run in run yet"), "{}", begun.stderr);
    assert_eq!(begun.stderr.lines().count(), 1, "{}", begun.stderr);
    // A folder at the path of the temporary file can be neither removed as a file nor written.
    fs::create_dir(snn.path("run/.tensorboard.tmp")).unwrap();
    let ended = snn.run(&train("training.epochs=2")).expect(0);
    assert!(
        ended.stderr.starts_with("warning: cannot write the events for TensorBoard: "),
        "{}",
        ended.stderr
    );
    let status = RunDir::open(snn.path("run")).unwrap().status().unwrap();
    assert_eq!((status.state, status.epoch), (RecordedState::Done, 2));
    assert!(status.tensorboard_error.is_some());
    let listed = snn.run(&["runs", "."]).expect(0).stdout;
    assert!(listed.contains("run: cannot write the events for TensorBoard"), "{listed}");
    assert_eq!(steps(&read(&snn.path("run")), "loss/train"), [1], "what was there stays");

    fs::remove_dir(snn.path("run/.tensorboard.tmp")).unwrap();
    let ended = snn.run(&train("training.epochs=3")).expect(0);
    assert_eq!(ended.stderr, "");
    assert_eq!(steps(&read(&snn.path("run")), "loss/train"), [1, 2, 3]);
    assert_eq!(RunDir::open(snn.path("run")).unwrap().status().unwrap().tensorboard_error, None);
}

#[test]
fn runs_of_a_sweep_write_event_files_and_keep_their_names() {
    let snn = Snn::new();
    let sweep = |name: &str, tensorboard: &str| {
        let set = ["data.samples_per_class = 40", "training.epochs = 1", tensorboard].join("\n");
        let text = format!("base = \"randman\"\n[set]\n{set}\n[[grid]]\nsurrogate.beta = [5.0, 10.0]\n");
        fs::write(snn.path(name), text).unwrap();
        snn.run(&["sweep", "run", name]).expect(0);
    };
    sweep("with.toml", "probe.tensorboard = true");
    sweep("without.toml", "");
    let names = |sweep: &str| {
        let entries = fs::read_dir(snn.path(&format!("sweeps/{sweep}/runs"))).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<BTreeSet<_>>()
    };
    assert_eq!(names("with"), names("without"), "it does not affect results");
    for run in names("with") {
        let values = read(&snn.path("sweeps/with/runs").join(&run));
        assert_eq!(steps(&values, "accuracy/test"), [1]);
        assert!(event_files(&snn.path("sweeps/without/runs").join(&run)).is_empty());
    }
}
