//! Damaged files and killed trainers, for minutes or hours: the program behind `cargo xtask torture`. It prints a table of
//! the tests, their number and their failures, and fails if any test failed.
//!
//! Parsers run on mutated files in separate processes, which contains aborts and hangs; the printed seeds reproduce the
//! damage (`snn_test_support::mutation::mutated(file, seed)`). Trainers are killed at each system call that changes their
//! directory, and at random times; they must resume and produce the same bits as an uninterrupted run.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test program fails like a test"
)]

mod corpus;
mod hdf5;
mod kill;
mod parent;
mod random;
mod row;
mod targets;
mod worker;

use std::{
    env,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use random::random;
use row::Row;

/// The command-line options.
struct Options {
    /// Seed of the mutations.
    minutes: f64,
    kills: u32,
    seed: u64,
    /// The program to kill and to read HDF5 files with.
    snn: PathBuf,
    /// Only write the undamaged files to this folder.
    corpus: Option<PathBuf>,
}

fn options(words: &[String]) -> Option<Options> {
    let beside = env::current_exe().ok()?.with_file_name(format!("snn{}", env::consts::EXE_SUFFIX));
    let mut options = Options { minutes: 2.0, kills: 40, seed: 0, snn: beside, corpus: None };
    for pair in words.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--minutes" => options.minutes = value.parse().ok().filter(|minutes| *minutes > 0.0)?,
            "--kills" => options.kills = value.parse().ok()?,
            "--seed" => options.seed = value.parse().ok()?,
            "--snn" => options.snn = value.into(),
            "--corpus" => options.corpus = Some(value.into()),
            _ => return None,
        }
    }
    Some(options)
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    if let [word, target, folder, first, seconds] = &words[..]
        && word == worker::WORD
    {
        let number = |text: &String| text.parse().expect("a number");
        worker::work(target, folder.as_ref(), number(first), Duration::from_secs(number(seconds)));
        return ExitCode::SUCCESS;
    }
    if let [word, kind, good, first] = &words[..]
        && word == hdf5::WORD
    {
        hdf5::work(kind, good.as_ref(), first.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    let Some(options) = options(&words) else {
        eprintln!("usage: torture [--minutes N] [--kills N] [--seed N] [--snn PATH] [--corpus DIR]");
        return ExitCode::from(2);
    };
    if let Some(folder) = &options.corpus {
        corpus::store(&options.snn, folder);
        return ExitCode::SUCCESS;
    }
    let begin = Instant::now();
    let folder = env::temp_dir().join(format!("snn-torture-{:016x}", random()));
    std::fs::create_dir(&folder).expect("a new folder");
    println!("seed {}; files that fail are kept in {}", options.seed, folder.display());

    corpus::write(&options.snn, &folder);
    let mut rows = kill::rows(&options.snn, &folder, options.kills);
    let time = Duration::from_secs_f64(60.0 * options.minutes);
    rows.extend(parent::rows(&folder, options.seed, time.mul_f64(0.9)));
    rows.extend(hdf5::rows(&options.snn, &folder, options.seed, time.mul_f64(0.1)));

    println!("\n{}", row::table(&rows));
    let failed = rows.iter().any(Row::has_failed);
    println!(
        "{} after {:.0} s",
        if failed { "FAILED" } else { "nothing failed" },
        begin.elapsed().as_secs_f64()
    );
    if failed {
        return ExitCode::FAILURE;
    }
    let _ = std::fs::remove_dir_all(&folder);
    ExitCode::SUCCESS
}
