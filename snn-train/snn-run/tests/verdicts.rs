//! Verdicts of real runs: `make.sh` in `fixtures/verdicts` made one run for each verdict.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test helpers fail as tests do")]

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::{Value, json};
use snn_run::{Diagnosis, Evidence, Record, RunDir, Verdict, unix_time};
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/verdicts").join(name)
}

/// A copy of a real run as it was after this many epochs, with these fields of its status.
struct Copy(TempDir);

impl Copy {
    fn of(name: &str, epochs: usize, fields: Value) -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        for file in ["config.toml", "data.json"] {
            fs::copy(fixture(name).join(file), copy.path().join(file)).unwrap();
        }
        let metrics = fs::read_to_string(fixture(name).join("metrics.jsonl")).unwrap();
        let epoch = |line: &&str| serde_json::from_str::<Value>(line).unwrap()["kind"] == "epoch";
        let kept: Vec<_> = metrics.lines().filter(epoch).take(epochs).collect();
        fs::write(copy.path().join("metrics.jsonl"), kept.join("\n") + "\n").unwrap();
        let status = fs::read(fixture(name).join("status.json")).unwrap();
        let mut status: Value = serde_json::from_slice(&status).unwrap();
        status["epoch"] = kept.len().into();
        status["heartbeat"] = unix_time().into();
        status.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        fs::write(copy.path().join("status.json"), status.to_string()).unwrap();
        copy
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn diagnosis(&self) -> Diagnosis {
        RunDir::open(self.path()).unwrap().diagnosis()
    }
}

#[test]
fn each_recorded_run_has_its_expected_verdict() {
    for (name, verdict, detail, change) in [
        ("learned", Verdict::Learned, "test 75.0 %, valid 87.5 % in epoch 19", None),
        (
            "diverged",
            Verdict::Diverged,
            "epoch 1, loss 7489; only guesses since",
            Some("optimizer.learning_rate=0.001"),
        ),
        (
            "not_finite",
            Verdict::Diverged,
            "the loss is NaN in epoch 1 after 1 batches",
            Some("optimizer.learning_rate=0.001"),
        ),
        (
            "chance",
            Verdict::Chance,
            "33.3 % after 8 epochs, loss 1.39 (ln 4 = 1.39)",
            Some("surrogate.beta=10.0"),
        ),
        (
            "silent",
            Verdict::Silent,
            "layer 1 since epoch 1, potential up to 0.021 of 1.00",
            Some("initialization.gain=7.2"),
        ),
        (
            "saturated",
            Verdict::Saturated,
            "layer 1 since epoch 2: every unit spikes in every second step",
            Some("optimizer.learning_rate=0.001"),
        ),
        ("lost_classes", Verdict::LostClasses, "1 of 4 never predicted: 1", Some("readout.head=sum")),
        (
            "overfitting",
            Verdict::Overfitting,
            "train 100.0 %, valid 50.0 %, loss rising since epoch 18",
            Some("training.patience=10"),
        ),
        (
            "vanishing",
            Verdict::Vanishing,
            "W2: gradient 8.5e-8, 1/2e5 of the largest",
            Some("surrogate.beta=10.0"),
        ),
        ("exploding", Verdict::Exploding, "W1: gradient 1.4e5, above 100", Some("training.clip_norm=1.0")),
    ] {
        let diagnosis = RunDir::open(fixture(name)).unwrap().diagnosis();
        assert_eq!((diagnosis.verdict, diagnosis.detail.as_str()), (verdict, detail), "{name}");
        assert_eq!(diagnosis.headline(), format!("{verdict} {detail}"));
        assert!(!diagnosis.remedy.is_empty());
        let command = diagnosis.command.unwrap_or_default();
        match change {
            Some(change) => {
                assert!(command.contains(change) && command.contains("config.toml"), "{name}: {command}")
            }
            None => assert!(command.starts_with("snn eval "), "{command}"),
        }
    }
}

#[test]
fn an_unfinished_run_is_learning_or_starting() {
    let running =
        |epochs| Copy::of("learned", epochs, json!({"state": "running", "test_accuracy": null})).diagnosis();
    assert_eq!((running(0).verdict, running(0).detail.as_str()), (Verdict::Starting, "in its first epoch"));
    assert_eq!(running(1).verdict, Verdict::Starting);
    let later = running(10);
    assert_eq!(later.verdict, Verdict::Learning, "{later:?}");
    assert!(
        later.detail.contains(" points per epoch, ") && later.detail.ends_with(" s to go"),
        "{}",
        later.detail
    );
    // A verdict on a finished run must not appear too early in an unfinished one.
    let chance = |epochs| Copy::of("chance", epochs, json!({"state": "running"})).diagnosis().verdict;
    assert_eq!([chance(3), chance(8)], [Verdict::Starting, Verdict::Chance]);
    let stopped = Copy::of("learned", 10, json!({"state": "stopped"})).diagnosis();
    assert!(
        stopped.headline().starts_with("STOPPED after 10 epochs of 20, valid "),
        "{}",
        stopped.headline()
    );
    assert!(stopped.command.unwrap().starts_with("snn train --resume --run-dir "));
}

#[test]
fn a_killed_run_is_dead_on_its_machine_and_stalled_on_others() {
    let copy = Copy::of(
        "learned",
        10,
        json!({"state": "running", "heartbeat": unix_time() - 600.0, "pid": 4_194_305}),
    );
    let status = File::options().write(true).open(copy.path().join("status.json")).unwrap();
    status.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let stalled = copy.diagnosis();
    assert_eq!(stalled.headline(), "STALLED after 10 epochs, no update for 10 min");
    let on = |host: &str| {
        let sessions = json!({"version": 1, "sessions": [{"host": host}]});
        fs::write(copy.path().join("env.json"), sessions.to_string()).unwrap();
        copy.diagnosis()
    };
    assert_eq!(on("elsewhere").verdict, Verdict::Stalled);
    let Ok(here) = fs::read_to_string("/proc/sys/kernel/hostname") else {
        return snn_test_support::skip("the system has no host name in /proc");
    };
    let dead = on(here.trim());
    assert_eq!(dead.headline(), "DEAD process 4194305 ended after 10 epochs, no update for 10 min");
    assert!(dead.command.unwrap().starts_with("snn train --resume"));
}

/// Epochs of a network that learns, then of one that guesses.
#[test]
fn losing_what_was_learned_is_divergence() {
    let copy = Copy::of("learned", 15, json!({"state": "done", "epoch": 18}));
    let metrics = copy.path().join("metrics.jsonl");
    let guesses = fs::read_to_string(fixture("diverged/metrics.jsonl")).unwrap();
    let guesses = guesses.lines().skip(2).filter(|line| line.contains("\"epoch\":")).take(3).enumerate();
    let guesses = guesses.map(|(k, line)| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line["epoch"] = (16 + k).into();
        line.to_string() + "\n"
    });
    fs::write(&metrics, fs::read_to_string(&metrics).unwrap() + &guesses.collect::<String>()).unwrap();
    let lost = copy.diagnosis();
    assert_eq!(lost.headline(), "DIVERGED after epoch 15: from 87.5 % to 25.0 %, loss 1.39");
}

/// A remedy names the key that determined the initial weights, and its command sets that key.
#[test]
fn remedies_name_the_key_of_the_initialization() {
    for (name, drawn) in [("silent", "1.5"), ("vanishing", "1.0")] {
        let epochs = fs::read_to_string(fixture(name).join("metrics.jsonl")).unwrap().lines().count();
        let copy = Copy::of(name, epochs, json!({}));
        let config = copy.path().join("config.toml");
        let text = fs::read_to_string(&config).unwrap();
        let uniform = "distribution = \"uniform\"";
        let driven = text.replace(uniform, "distribution = \"fluctuation-driven\"\ndeviation = 0.5");
        assert_ne!(driven, text);
        // With a steep surrogate, that is what is changed.
        fs::write(&config, driven.replace("beta = 1000.0", "beta = 10.0")).unwrap();
        let Diagnosis { command, remedy, .. } = copy.diagnosis();
        let command = command.unwrap();
        let change = format!("initialization.deviation={drawn}");
        assert!(command.contains(&change) && !command.contains("gain"), "{name}: {command}");
        assert!(remedy.contains("initialization.deviation") && !remedy.contains("gain"), "{name}: {remedy}");
    }
}

/// Skimmed, the records of every run say what they say when they are read, also with odd lines among them.
#[test]
fn skimming_equals_reading() {
    let mut epochs = 0;
    for run in snn_run::list(fixture("")).unwrap() {
        let metrics = fs::read_to_string(run.path().join("metrics.jsonl")).unwrap();
        let odd = metrics.replacen("\"valid\":{", "\"step\":null,\"valid\":{", 1).replacen(
            "\"kind\":\"epoch\"",
            "\"kind\":\"future\"",
            1,
        );
        let spaced = metrics.replace("\"version\":1,", "\"version\": 1, ");
        for text in [
            metrics.clone() + "{\"version\":1,\"kind\":\"epoch\",",
            odd,
            spaced,
            format!("\n{metrics}no json\n"),
        ] {
            let lines: Vec<_> = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).collect();
            let records: Vec<_> = lines.iter().filter_map(|line| Record::parse(line)).collect();
            assert_eq!(Evidence::skim(text.as_bytes()), Evidence::of(&records), "{}", run.id());
            epochs += Evidence::of(&records).epochs();
        }
    }
    assert!(epochs > 100, "{epochs}");
}

#[test]
fn resolved_warnings_are_marked() {
    let diagnosis = RunDir::open(fixture("chance")).unwrap().diagnosis();
    let [guesses, silent] = &diagnosis.warnings[..] else { panic!("{:?}", diagnosis.warnings) };
    assert!(guesses.message.contains("no better than guessing") && !guesses.over, "{guesses:?}");
    assert!(silent.message.contains("layer 3 was silent") && silent.over, "{silent:?}");
    assert_eq!((silent.first, silent.last), (1, 1));
}

#[test]
fn unreadable_runs_are_damaged_and_unstarted_ones_pending() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("chance/config.toml"), folder.path().join("config.toml")).unwrap();
    let run = RunDir::open(folder.path()).unwrap();
    assert_eq!(run.diagnosis().verdict, Verdict::Pending);
    fs::write(folder.path().join("status.json"), "{").unwrap();
    assert_eq!(run.diagnosis().verdict, Verdict::Damaged);
    assert!(run.diagnosis().detail.contains("damaged status"));
}

/// A remedy does not recommend what is enabled already, and its commands fit the run.
#[test]
fn remedies_fit_the_settings_and_parts_of_the_run() {
    let with = |name: &str, key: &str, value: f64| {
        let copy = Copy::of(name, 5, json!({}));
        let config = copy.path().join("config.toml");
        let mut table: toml::Table = fs::read_to_string(&config).unwrap().parse().unwrap();
        table["regularizer"][key] = value.into();
        fs::write(&config, table.to_string()).unwrap();
        copy.diagnosis()
    };
    for (name, key, verdict) in
        [("silent", "lower_strength", Verdict::Silent), ("saturated", "upper_strength", Verdict::Saturated)]
    {
        let (off, on) = (with(name, key, 0.0), with(name, key, 3.0));
        assert_eq!([off.verdict, on.verdict], [verdict; 2]);
        let recommended = format!("enable the {}", key.replace("_strength", " regularizer"));
        assert!(off.remedy.contains(&recommended), "{}", off.remedy);
        assert!(
            !on.remedy.contains("enable") && on.remedy.contains(&format!("regularizer.{key}")),
            "{}",
            on.remedy
        );
    }

    // Without input, larger weights are no remedy.
    let copy = Copy::of("silent", 5, json!({}));
    let probe = copy.path().join("probes/0000005.json");
    fs::create_dir(probe.parent().unwrap()).unwrap();
    let flat = json!({"version": 1, "epoch": 5, "samples": [{"potentials": [{"values": [[0.0, 0.0]]}]}]});
    fs::write(probe, flat.to_string()).unwrap();
    let Diagnosis { verdict, detail, remedy, command, .. } = copy.diagnosis();
    assert_eq!((verdict, detail.contains("potential up to 0")), (Verdict::Silent, true), "{detail}");
    assert!(remedy.contains("its input has spikes"), "{remedy}");
    assert!(command.unwrap().starts_with("snn data info "));

    let of = |change: fn(&mut Value)| {
        let copy = Copy::of("learned", 20, json!({"state": "done"}));
        let metrics = copy.path().join("metrics.jsonl");
        let lines = fs::read_to_string(&metrics).unwrap();
        let lines = lines.lines().map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            change(&mut line);
            line.to_string() + "\n"
        });
        fs::write(&metrics, lines.collect::<String>()).unwrap();
        let diagnosis = copy.diagnosis();
        assert_eq!(diagnosis.verdict, Verdict::Learned, "{}", diagnosis.detail);
        diagnosis.command.unwrap()
    };
    assert!(of(|_| ()).ends_with(" --split valid"), "there is no record of a test");
    assert!(of(|line| line["valid"] = Value::Null).ends_with(" --split train"));
}
