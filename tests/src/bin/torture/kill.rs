//! Trainers that are killed, resumed, and compared with an uninterrupted one, bit by bit.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

use snn_test_support::strace::{calls, traced};

use crate::{random::random, row::Row};

const SETTINGS: &[&str] = &[
    "data.samples_per_class=20",
    "data.n_cutoff=20",
    "network.hidden=[20]",
    "training.epochs=3",
    "training.batch_size=20",
    "training.checkpoint_interval=0.001",
];

pub(crate) fn rows(snn: &Path, folder: &Path, kills: u32) -> Vec<Row> {
    vec![at_calls(snn, folder, kills / 2), at_moments(snn, folder, kills - kills / 2)]
}

fn arguments(run: &Path) -> Vec<String> {
    let mut words =
        vec!["train".to_owned(), "randman".to_owned(), "--quiet".to_owned(), "--resume".to_owned()];
    words.extend(["--threads".to_owned(), "1".to_owned(), "--run-dir".to_owned(), run.display().to_string()]);
    words.extend(SETTINGS.iter().flat_map(|setting| ["--set".to_owned(), (*setting).to_owned()]));
    words
}

fn quiet(mut command: Command, words: &[String], folder: &Path) -> Command {
    command.args(words).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Runs a trainer without interruption.
fn whole(snn: &Path, folder: &Path) -> PathBuf {
    let run = folder.join("whole");
    let status = quiet(Command::new(snn), &arguments(&run), folder).status().expect("snn starts");
    assert!(status.success(), "an uninterrupted run succeeds");
    run
}

fn killed(snn: &Path, folder: &Path, run: &Path, kill_at: Option<(&str, u32)>) -> Option<ExitStatus> {
    quiet(traced(snn, kill_at), &arguments(run), folder).status().ok()
}

/// Kills the trainer at every system call, or at an evenly spaced selection of them.
fn at_calls(snn: &Path, folder: &Path, kills: u32) -> Row {
    let mut row = Row::new("`snn train` killed at a system call");
    let whole = whole(snn, folder);
    let run = folder.join("killed");
    if !killed(snn, folder, &run, None).is_some_and(|status| status.success()) {
        row.skipped = Some("strace is not installed or not permitted".to_owned());
        return row;
    }
    let trace = fs::read_to_string(folder.join("trace")).expect("the trace");
    let calls = calls(&trace);
    println!("`snn train` changes its files in {} system calls", calls.len());
    let step = (calls.len() as f64 / f64::from(kills.max(1))).max(1.0);
    for n in 0..(kills as usize).min(calls.len()) {
        let (name, number) = calls[((n as f64 * step) as usize).min(calls.len() - 1)];
        fs::remove_dir_all(&run).expect("the run before");
        let status = killed(snn, folder, &run, Some((name, number))).expect("strace starts");
        if status.success() {
            // the number of heartbeats varies: this run made fewer calls
            continue;
        }
        row.tried += 1;
        finish(snn, folder, &run, &whole, &format!("{name} {number}"), &mut row);
    }
    row
}

/// Kills the trainer of one run repeatedly, at random times.
fn at_moments(snn: &Path, folder: &Path, kills: u32) -> Row {
    let mut row = Row::new("`snn train` killed at a random moment");
    let whole = folder.join("whole");
    let begin = Instant::now();
    let run = folder.join("undisturbed");
    assert!(quiet(Command::new(snn), &arguments(&run), folder).status().expect("snn starts").success());
    let length = begin.elapsed();
    let run = folder.join("struck");
    while row.tried < u64::from(kills) {
        let _ = fs::remove_dir_all(&run);
        let mut blows = 0;
        // At most five kills per run: with delays shorter than startup, it would never finish.
        while blows < 5 && row.tried < u64::from(kills) {
            let child = quiet(Command::new(snn), &arguments(&run), folder).spawn().expect("snn starts");
            let delay = length.mul_f64((random() % 1000) as f64 / 1000.0);
            if strike(child, delay).is_some() {
                break;
            }
            blows += 1;
            row.tried += 1;
        }
        finish(snn, folder, &run, &whole, &format!("{blows} blows"), &mut row);
    }
    row
}

/// Kills the process after a delay; returns its exit status if it ended first.
fn strike(mut child: Child, delay: Duration) -> Option<ExitStatus> {
    sleep(delay);
    if let Some(status) = child.try_wait().expect("its state") {
        return Some(status);
    }
    child.kill().expect("a kill");
    child.wait().expect("its end");
    None
}

/// Resumes the run to its end, and compares.
fn finish(snn: &Path, folder: &Path, run: &Path, whole: &Path, what: &str, row: &mut Row) {
    let begin = Instant::now();
    let status = quiet(Command::new(snn), &arguments(run), folder).status().expect("snn starts");
    row.slowest = row.slowest.max(begin.elapsed());
    if !status.success() {
        return row.fail(format!("{what}: --resume exits with {status}"));
    }
    for name in ["last.safetensors", "best.safetensors"] {
        let read = |run: &Path| fs::read(run.join("checkpoints").join(name)).expect("a checkpoint");
        if read(run) != read(whole) {
            return row.fail(format!("{what}: {name} differs"));
        }
    }
    if metrics(run) != metrics(whole) {
        row.fail(format!("{what}: the records differ"));
    }
}

/// The records, without times.
fn metrics(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).expect("the metrics");
    let record = |line: &str| {
        let mut record: Value = serde_json::from_str(line).expect("a record");
        record.as_object_mut().expect("an object").retain(|name, _| name != "time" && name != "seconds");
        record
    };
    text.lines().map(record).collect()
}
