//! Time and memory for a list of ten thousand runs: `cargo bench -p snn-tui`.
//!
//! The runs, of fifty epochs each, are written to a temporary directory. Times are of the whole process, medians of five.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark is a program that prints its results, and fails as tests do"
)]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const RUNS: usize = 10_000;
const EPOCHS: usize = 50;

fn main() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    write_runs(directory.path());
    println!("{RUNS} runs of {EPOCHS} epochs, a screen of 80x24, written once:");
    for (what, options) in [
        ("list", &["--once", "--size", "80x24"][..]),
        ("list, sorted by learning rate", &["--once", "--size", "80x24", "--sort", "lr"]),
        (
            "curves of 100 runs",
            &["--once", "--size", "80x24", "--screen", "curves", "--filter", "run-00", "--mark", "all"],
        ),
    ] {
        let mut laps: Vec<_> = (0..5).map(|_| measure(directory.path(), options)).collect();
        laps.sort_by(|a, b| a.0.total_cmp(&b.0));
        let peak = laps.iter().map(|lap| lap.1).max().unwrap_or_default();
        println!("{what:<32} {:6.2} s   {:5.0} MB at most", laps[2].0, peak as f64 / 1e3);
    }
}

/// Seconds, and the observed peak memory (kB).
fn measure(runs: &Path, options: &[&str]) -> (f64, u64) {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_snn-tui"))
        .arg(runs)
        .args(options)
        .stdout(Stdio::null())
        .spawn()
        .expect("snn-tui starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        // Without /proc, the memory is unknown.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(peak).max(peak);
        if child.try_wait().expect("a child").is_some() {
            return (start.elapsed().as_secs_f64(), peak);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn write_runs(directory: &Path) {
    let epoch = |epoch: usize| {
        format!(
            "{{\"version\":1,\"kind\":\"epoch\",\"epoch\":{epoch},\"step\":{0},\"time\":1.8e9,\"train\":{{\"loss\":{1},\
             \"cross_entropy\":{1},\"regularization\":0.0,\"accuracy\":0.9}},\"valid\":{{\"loss\":{1},\"cross_entropy\":{1},\
             \"regularization\":0.0,\"accuracy\":0.9}},\"best\":false,\"layers\":[{{\"spikes\":300.0,\"silent\":0.1,\
             \"saturated\":0.0}}],\"gradient_norms\":{{\"W1\":0.1,\"Wout\":0.2}},\"seconds\":{{\"data\":0.01,\"forward\":0.1,\
             \"backward\":0.2,\"update\":0.01,\"validation\":0.02,\"checkpoint\":0.01}}}}\n",
            32 * epoch,
            2.3 / epoch as f64,
        )
    };
    let metrics: String = (1..=EPOCHS).map(epoch).collect();
    let status = format!(
        "{{\"version\":1,\"state\":\"done\",\"epoch\":{EPOCHS},\"epochs\":{EPOCHS},\"best\":{{\"epoch\":40,\"accuracy\":0.95,\
         \"loss\":0.1}},\"test_accuracy\":0.94}}"
    );
    for run in 0..RUNS {
        let path = directory.join(format!("run-{run:05}"));
        fs::create_dir(&path).expect("a directory");
        let config = format!(
            "[data]\nname = \"randman\"\n[network]\nhidden = [100]\nrecurrent = false\n[surrogate]\nshape = \"super-spike\"\n\
             beta = 10.0\n[optimizer]\nlearning_rate = {}\n[initialization]\nseed = {run}\n[training]\nseed = {run}\n",
            1e-3 * (1 + run % 100) as f64
        );
        for (name, content) in
            [("config.toml", &config), ("status.json", &status), ("metrics.jsonl", &metrics)]
        {
            fs::write(path.join(name), content).expect("a file");
        }
    }
}
