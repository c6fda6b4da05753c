//! Resuming a run: it never restarts from epoch 0, never overwrites the history, and reports why it cannot resume.
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::{fs, path::Path};

use common::{Snn, assert_same, metrics, status};

/// The best epoch is one of the first: after them, the learning rate is too small to change a weight.
const ROUGH: &[&str] = &["training.epochs=8", "optimizer.learning_rate_decay=1e-6", "training.patience=0"];

fn resume<'a>(run: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["train", "--resume", "--quiet", "--run-dir", run], more].concat()
}

fn best_epoch(run: &Path) -> u64 {
    status(run)["best"]["epoch"].as_u64().unwrap()
}

#[test]
fn a_run_without_its_checkpoints_does_not_restart() {
    let snn = Snn::new();
    snn.run(&Snn::train(&["training.epochs=3"], &["--run-dir", "run"])).expect(0);
    let run = snn.path("run");
    let history = fs::read(run.join("metrics.jsonl")).unwrap();
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    for more in [&[][..], &["--set", "training.epochs=5"], &["--from-best"]] {
        snn.run(&resume("run", more)).fails(
            1,
            &["reached epoch 3", "lost", "missing", "restore it from a copy", "snn train run/config.toml"],
        );
        assert_eq!(fs::read(run.join("metrics.jsonl")).unwrap(), history);
        assert_eq!(status(&run)["state"], "done");
    }
    // Also without a record of it.
    fs::remove_file(run.join("metrics.jsonl")).unwrap();
    snn.run(&resume("run", &[])).fails(1, &["lost"]);
    // And if only checkpoints are left.
    snn.run(&Snn::train(&["training.epochs=1"], &["--run-dir", "bare"])).expect(0);
    for file in ["config.toml", "metrics.jsonl", "status.json", "env.json"] {
        fs::remove_file(snn.path("bare").join(file)).unwrap();
    }
    fs::remove_dir_all(snn.path("bare/probes")).unwrap();
    let begin = Snn::train(&["training.epochs=1"], &["--run-dir", "bare", "--resume"]);
    snn.run(&begin).fails(2, &["config.toml is missing"]);
}

#[test]
fn a_run_resumes_from_the_best_epoch_if_the_last_is_lost() {
    let snn = Snn::new();
    snn.run(&Snn::train(ROUGH, &["--run-dir", "whole"])).expect(0);
    let best = best_epoch(&snn.path("whole"));
    assert!(best < 7, "the best epoch is {best}: nothing is lost with the last one");
    let words = ["--resume --from-best --run-dir 'my run'", "snn eval 'my run' --checkpoint best", "lost"];
    for lose in ["remove", "damage"] {
        let run = snn.path("my run");
        let _ = fs::remove_dir_all(&run);
        snn.run(&Snn::train(ROUGH, &["--run-dir", "my run"])).expect(0);
        let last = run.join("checkpoints/last.safetensors");
        let bytes = fs::read(&last).unwrap();
        fs::remove_file(&last).unwrap();
        if lose == "damage" {
            fs::write(&last, &bytes[..bytes.len() / 2]).unwrap();
        }
        let history = fs::read(run.join("metrics.jsonl")).unwrap();
        snn.run(&resume("my run", &[])).fails(1, &words);
        // The model that the experiment selects is intact, so no option is needed.
        assert!(snn.run(&["eval", "my run"]).expect(0).stdout.contains(&format!("epoch {best} (best")));
        snn.run(&["export", "my run", "--format", "safetensors", "--out", "weights"]).expect(0);
        snn.run(&["eval", "my run", "--checkpoint", "last"]).expect(1);

        // The command as printed.
        snn.run(&["train", "--resume", "--from-best", "--run-dir", "my run"]).expect(0);
        assert_same(&run, &snn.path("whole"));
        assert_eq!(fs::read(run.join("metrics.1.jsonl")).unwrap(), history, "nothing is lost");
    }
}

/// If the last epoch is the best, both files have it, and neither is a hard link to the other.
#[test]
fn damage_to_one_checkpoint_leaves_the_other_intact() {
    let snn = Snn::new();
    for (damaged, other) in [("last", "best"), ("best", "last")] {
        let run = snn.path(damaged);
        snn.run(&Snn::train(&["training.epochs=1"], &["--run-dir", damaged, "-q"])).expect(0);
        let checkpoint = |name: &str| run.join(format!("checkpoints/{name}.safetensors"));
        assert_eq!(fs::read(checkpoint(damaged)).unwrap(), fs::read(checkpoint(other)).unwrap());
        let file = fs::OpenOptions::new().write(true).open(checkpoint(damaged)).unwrap();
        file.set_len(100).unwrap();
        let words = [&*format!("is intact: use --checkpoint {other}"), "damaged checkpoint"];
        for command in [&["eval"][..], &["stream"], &["export", "--format", "npz", "--out", "x"]] {
            snn.run(&[command, &[damaged, "--checkpoint", damaged]].concat()).fails(1, &words);
        }
        snn.run(&["eval", damaged, "--checkpoint", other]).expect(0);
    }
    snn.run(&["eval", "last"]).expect(0);
}

#[test]
fn without_the_best_epoch_nothing_can_be_selected() {
    let snn = Snn::new();
    snn.run(&Snn::train(ROUGH, &["--run-dir", "run"])).expect(0);
    fs::remove_file(snn.path("run/checkpoints/best.safetensors")).unwrap();
    let words = ["of epoch 8, is intact", "--checkpoint last", "best.safetensors"];
    snn.run(&resume("run", &["--set", "training.epochs=9"])).fails(1, &words);
    snn.run(&["eval", "run"]).fails(1, &words);
    assert!(snn.run(&["eval", "run", "--checkpoint", "last"]).expect(0).stdout.contains("epoch 8 (last)"));
}

#[test]
fn a_mistyped_name() {
    let snn = Snn::new();
    let train = |run: &'static str| Snn::train(&["training.epochs=1"], &["--run-dir", run, "--quiet"]);
    snn.run(&train("runs/slow-1")).expect(0);
    snn.run(&resume("runs/slow1", &[]))
        .fails(2, &["no run to resume in runs/slow1; did you mean runs/slow-1?"]);
    snn.run(&resume("elsewhere/x", &[])).fails(2, &["no run to resume in elsewhere/x"]);
    assert!(!snn.path("runs/slow1").exists() && !snn.path("elsewhere").exists());
    // A script that names the experiment starts the run the first time; a mistyped name is reported.
    let begun = snn.run(&[&train("runs/slow-2")[..], &["--resume"]].concat()).expect(0);
    assert!(
        begun.stderr.contains("there is no run in runs/slow-2 yet: starting it; did you mean runs/slow-1?")
    );
    let again = snn.run(&[&train("runs/slow-2")[..], &["--resume"]].concat()).expect(0);
    assert!(!again.stderr.contains("it begins"), "{}", again.stderr);
}

#[test]
fn missing_epochs_in_a_history_are_noticed() {
    let snn = Snn::new();
    let train = Snn::train(&["training.epochs=4"], &["--run-dir", "run"]);
    snn.run(&train).expect(0);
    let path = snn.path("run/metrics.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = whole.split_inclusive('\n').collect();
    let more = resume("run", &["--set", "training.epochs=5"]);
    for (text, words) in [
        (whole.replacen("\"kind\"", "\"kinx\"", 1), "epoch 1 is missing; line 1 cannot be parsed"),
        (lines[0].to_owned() + &lines[2..].concat(), "epoch 2 is missing"),
        (lines[..2].concat() + &lines.concat(), "epoch 1 is repeated in line 3"),
        (String::new(), "epoch 1 is missing"),
    ] {
        fs::write(&path, &text).unwrap();
        snn.run(&more).fails(1, &["checkpoint is of epoch 4", words, "--allow-gaps", "metrics.jsonl"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "nothing is changed");
    }
    fs::remove_file(&path).unwrap();
    snn.run(&more).fails(1, &["epoch 1 is missing"]);

    fs::write(&path, lines[0].to_owned() + &lines[2..].concat()).unwrap();
    snn.run(&[&more[..], &["--allow-gaps"]].concat()).expect(0);
    let epochs: Vec<_> = metrics(&snn.path("run"))
        .iter()
        .filter(|record| record["kind"] != "warning")
        .filter_map(|record| record["epoch"].as_u64())
        .collect();
    assert_eq!(epochs, [1, 3, 4, 5, 5], "three old epochs, a new one, and the test");
}
