//! The parent process, which watches the workers.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use snn_test_support::mutation::mutated;

use crate::{
    row::Row,
    targets::{TARGETS, Target},
    worker::{WORD, corpus},
};

/// Memory limit of a worker: exceeding it aborts the worker, as on a machine that runs out of memory.
const KILOBYTES: u64 = 4 << 20;

/// Time without output after which a worker is considered hung.
const SILENCE: Duration = Duration::from_secs(60);

/// Gives each target an equal share of the time, round-robin.
pub(crate) fn rows(folder: &Path, seed: u64, time: Duration) -> Vec<Row> {
    let begin = Instant::now();
    let mut rows: Vec<_> =
        TARGETS.iter().map(|target| Row::new(format!("mutated {}", target.name))).collect();
    let slice = (time.as_secs() / TARGETS.len() as u64).clamp(1, 30);
    let mut first = vec![seed << 32; TARGETS.len()];
    while begin.elapsed() < time {
        for ((target, row), first) in TARGETS.iter().zip(&mut rows).zip(&mut first) {
            *first += run(target, folder, *first, slice, row);
        }
    }
    rows
}

/// Runs a worker for some seconds; returns the number of seeds it used.
fn run(target: &Target, folder: &Path, first: u64, seconds: u64, row: &mut Row) -> u64 {
    let program = env::current_exe().expect("this program");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {KILOBYTES}; exec \"$0\" \"$@\"")]).arg(program);
    command.args([WORD, target.name]).arg(folder).args([first.to_string(), seconds.to_string()]);
    command.current_dir(folder);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a worker");
    let output = child.stdout.take().expect("a pipe");
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
    });
    let (mut tried, mut accepted, mut hangs) = (0, 0, false);
    loop {
        match lines.recv_timeout(SILENCE) {
            Ok(line) => {
                let words: Vec<&str> = line.splitn(4, ' ').collect();
                let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
                match words[0] {
                    "done" => {
                        (tried, accepted) = (number(1), number(2));
                        row.slowest = row.slowest.max(Duration::from_nanos(number(3)));
                    }
                    _ => {
                        keep(target, folder, number(1));
                        row.fail(line);
                    }
                }
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {
                hangs = true;
                let _ = child.kill();
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait().expect("its end");
    row.tried += tried;
    row.accepted += accepted;
    if !status.success() {
        let what = if hangs { "hangs".to_owned() } else { format!("exits with {status}") };
        let (from, to) = (first + tried, first + tried + 200);
        (from..to).for_each(|seed| keep(target, folder, seed));
        row.fail(format!("{what} at a seed from {from} to {to}"));
        return tried + 200;
    }
    tried
}

/// Keeps the damaged file for inspection.
fn keep(target: &Target, folder: &Path, seed: u64) {
    let files = corpus(&folder.join(target.name));
    let bytes = mutated(&files[(seed % files.len() as u64) as usize], seed);
    let _ = fs::write(folder.join(format!("failed-{}-{seed}", target.name)), bytes);
}
