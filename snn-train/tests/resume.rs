//! Interrupted runs end with the same bits as uninterrupted ones.
#![cfg(all(unix, feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]

mod common;

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant, SystemTime},
};

use common::{Snn, assert_same, metrics, status};

/// Long enough to be interrupted in the middle, with checkpoints within epochs.
const LONG: &[&str] = &["training.epochs=60", "training.checkpoint_interval=0.01"];

fn start(snn: &Snn, arguments: &[&str]) -> Child {
    snn.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until the run has completed an epoch, but not all.
fn wait_until_training(run: &Path) {
    let begin = Instant::now();
    let lines =
        || fs::read(run.join("metrics.jsonl")).map_or(0, |text| text.iter().filter(|&&b| b == b'\n').count());
    while lines() < 2 {
        assert!(begin.elapsed() < Duration::from_secs(60), "the run does not start");
        sleep(Duration::from_millis(2));
    }
}

#[test]
fn killed_at_random_moments() {
    let snn = Snn::new();
    snn.run(&Snn::train(LONG, &["--run-dir", "whole"])).expect(0);

    let mut random = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    println!("delays from seed {random}");
    let resume = Snn::train(LONG, &["--run-dir", "killed", "--resume"]);
    let mut kills = 0;
    loop {
        let mut child = start(&snn, &resume);
        // Later sessions may run longer: with delays too short for progress, the run would never end.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let delay = Duration::from_millis(if kills < 25 { (random >> 33) % 120 } else { 60_000 });
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
    assert_same(&snn.path("killed"), &snn.path("whole"));
    assert_eq!(status(&snn.path("killed"))["state"], "done");
}

#[test]
fn stopped_by_signals_and_by_the_stop_file() {
    let snn = Snn::new();
    snn.run(&Snn::train(LONG, &["--run-dir", "whole"])).expect(0);
    let run = snn.path("run");
    for way in ["-INT", "-TERM", "file"] {
        let resume = Snn::train(LONG, &["--run-dir", "run", "--resume"]);
        let _ = fs::remove_dir_all(&run);
        let mut child = start(&snn, &resume);
        wait_until_training(&run);
        if way == "file" {
            fs::write(run.join("stop"), "").unwrap();
        } else {
            Command::new("kill").args([way, &child.id().to_string()]).status().unwrap();
        }
        assert_eq!(child.wait().unwrap().code(), Some(3), "{way}");
        assert_eq!(status(&run)["state"], "stopped", "{way}");
        assert!(!run.join("stop").exists());
        let epochs = metrics(&run).len();
        assert!((1..60).contains(&epochs), "{way}: {epochs} epochs");

        // Without naming the experiment again.
        snn.run(&["train", "--resume", "--run-dir", "run"]).expect(0);
        assert_same(&run, &snn.path("whole"));
        assert_eq!(status(&run)["state"], "done", "{way}");
    }
}

#[test]
fn a_finished_run_can_be_resumed_and_extended() {
    let snn = Snn::new();
    let train =
        |epochs: &'static str, run: &'static str| Snn::train(&[epochs], &["--run-dir", run, "--resume"]);
    snn.run(&train("training.epochs=6", "whole")).expect(0);
    snn.run(&train("training.epochs=4", "run")).expect(0);
    snn.run(&train("training.epochs=4", "run")).expect(0);
    assert_eq!(metrics(&snn.path("run")).len(), 4 + 1, "four epochs, one test");
    snn.run(&["train", "--resume", "--run-dir", "run", "--set", "training.epochs=6"]).expect(0);
    assert_eq!(metrics(&snn.path("run")), metrics(&snn.path("whole")));
    let config = |run: &str| fs::read_to_string(snn.path(run).join("config.toml")).unwrap();
    assert_eq!(config("run"), config("whole"));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let snn = Snn::new();
    let changes = ["training.epochs=3", "network.hidden=[40, 30]"];
    for threads in ["1", "2", "4"] {
        // Not by --threads, which is limited to the number of cores.
        let mut command = snn.command(&Snn::train(&changes, &["--run-dir", threads]));
        common::Ended::from(command.env("RAYON_NUM_THREADS", threads).output().unwrap()).expect(0);
        assert_same(&snn.path(threads), &snn.path("1"));
    }
}

#[test]
fn only_one_process_trains_in_a_directory() {
    let snn = Snn::new();
    let endless = Snn::train(&["training.epochs=100000"], &["--run-dir", "run", "--resume"]);
    let mut child = start(&snn, &endless);
    wait_until_training(&snn.path("run"));
    snn.run(&endless)
        .fails(1, &["another process", &child.id().to_string(), "is training in this run directory"]);
    child.kill().unwrap();
    child.wait().unwrap();
}
