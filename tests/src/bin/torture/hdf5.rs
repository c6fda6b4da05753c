//! Damaged HDF5 files. Reader processes parse many files each. A file that crashes or stalls the library ends its reader
//! process and is then passed to `snn`: the library may crash, the program must not.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    panic,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread::{self, sleep},
    time::{Duration, Instant},
};

use hdf5::{
    File,
    types::{VarLenArray, VarLenUnicode},
};
use snn_data::{Shd, ShdConfig, SplitRule};
use snn_test_support::mutation::mutated;

use crate::row::Row;

/// The first argument of a reader process.
pub(crate) const WORD: &str = "--hdf5";

/// The time limit of a command. A helper process that hangs is ended after two seconds of processor time, which take longer on a busy
/// machine.
const LONGEST: Duration = Duration::from_secs(120);

/// Time after which a file is considered to have stalled the library.
const STALL: Duration = Duration::from_secs(3);

/// Files per reader process: limits how many files the corrupted library state of an earlier file can affect.
const MOST: u64 = 500;

/// Memory limit of a reader process, in kilobytes.
const MEMORY: u64 = 4 << 20;

/// The content of an HDF5 file.
#[derive(Clone, Copy)]
enum Kind {
    Spikes,
    Graph,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Spikes, Self::Graph];

    fn word(self) -> &'static str {
        match self {
            Self::Spikes => "spikes",
            Self::Graph => "NIR",
        }
    }

    /// A valid file; for graphs, the one used for the corpus.
    fn good(self, folder: &Path) -> PathBuf {
        let data = folder.join("data/shd");
        fs::create_dir_all(&data).expect("a folder");
        match self {
            Self::Spikes => {
                let good = data.join("shd_test.h5");
                write(&good);
                good
            }
            Self::Graph => folder.join("nir"),
        }
    }

    fn read(self, path: &Path) -> bool {
        match self {
            Self::Spikes => {
                let config = ShdConfig { test: SplitRule::stratified(0.1), ..ShdConfig::default() };
                Shd::from_files("shd", path, None, &config).is_ok()
            }
            Self::Graph => snn_train::Weights::load(path).is_ok(),
        }
    }

    /// The command that reads the file at the path.
    fn command(self, snn: &Path, folder: &Path) -> (PathBuf, Command) {
        let mut command = Command::new(snn);
        let path = match self {
            Self::Spikes => {
                command.args(["data", "info", "shd", "--json"]).env("SNN_DATA_DIR", folder.join("data"));
                folder.join("data/shd/shd_train.h5")
            }
            Self::Graph => {
                command.args(["eval", "--json", "--weights"]).arg(folder.join("damaged.nir"));
                folder.join("damaged.nir")
            }
        };
        (path, command)
    }
}

pub(crate) fn rows(snn: &Path, folder: &Path, seed: u64, time: Duration) -> Vec<Row> {
    Kind::ALL.into_iter().flat_map(|kind| rows_of(kind, snn, folder, seed, time / 2)).collect()
}

fn rows_of(kind: Kind, snn: &Path, folder: &Path, seed: u64, time: Duration) -> [Row; 2] {
    let command = match kind {
        Kind::Spikes => "snn data info",
        Kind::Graph => "snn eval --weights",
    };
    let mut read = Row::new(format!("mutated HDF5 files of {}", kind.word()));
    let mut told = Row::new(format!("those that crash or stall the HDF5 library, `{command}`"));
    let begin = Instant::now();
    let good = kind.good(folder);
    let file = fs::read(&good).expect("the file");
    let mut next = seed << 32;
    while begin.elapsed() < time {
        let (at, ended) = read_many(kind, &good, next, &mut read);
        next = at;
        if !ended {
            told_by_program(kind, snn, folder, at, &mutated(&file, at), &mut told);
            next += 1;
        }
    }
    [read, told]
}

/// Starts a reader process at the seed `first`; returns the next seed, or the seed that ended the process and `false`.
fn read_many(kind: Kind, good: &Path, first: u64, row: &mut Row) -> (u64, bool) {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")]);
    command.arg(env::current_exe().expect("this program")).args([WORD, kind.word()]);
    command.arg(good).arg(first.to_string());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a reader");
    let output = child.stdout.take().expect("a pipe");
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
    });
    let mut at = first;
    let ended = loop {
        let Ok(line) = lines.recv_timeout(STALL) else { break false };
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["accepted" | "refused", nanoseconds] => {
                row.tried += 1;
                row.accepted += u64::from(line.starts_with('a'));
                row.slowest = row.slowest.max(Duration::from_nanos(nanoseconds.parse().unwrap_or_default()));
                at += 1;
            }
            ["panic", ..] => row.fail(format!("seed {at}: {line}")),
            _ => break true,
        }
    };
    let _ = child.kill();
    let _ = child.wait();
    (at, ended)
}

/// The reader process: prints the result for each file, and `end` after its last file.
pub(crate) fn work(word: &str, good: &Path, first: u64) {
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word).expect("a kind");
    let file = fs::read(good).expect("the file");
    let path = good.with_file_name(format!("damaged-{}.h5", std::process::id()));
    panic::set_hook(Box::new(|_| ()));
    for seed in first..first + MOST {
        fs::write(&path, mutated(&file, seed)).expect("a file");
        let start = Instant::now();
        let read = panic::catch_unwind(|| kind.read(&path));
        let word = match read {
            Ok(true) => "accepted",
            Ok(false) => "refused",
            Err(_) => {
                println!("panic");
                "refused"
            }
        };
        println!("{word} {}", start.elapsed().as_nanos());
    }
    let _ = fs::remove_file(path);
    println!("end");
}

/// Passes a file to the program, which must survive it.
fn told_by_program(kind: Kind, snn: &Path, folder: &Path, seed: u64, bytes: &[u8], row: &mut Row) {
    let (path, mut command) = kind.command(snn, folder);
    fs::write(path, bytes).expect("a file");
    let start = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("snn starts");
    let status = loop {
        if let Some(status) = child.try_wait().expect("its state") {
            break Some(status);
        }
        if start.elapsed() > LONGEST {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        sleep(Duration::from_millis(2));
    };
    row.tried += 1;
    row.slowest = row.slowest.max(start.elapsed());
    match status.map(|status| status.code()) {
        Some(Some(0)) => row.accepted += 1,
        Some(Some(1 | 2)) => {}
        ended => {
            let _ = fs::write(folder.join(format!("failed-hdf5-{seed}")), bytes);
            row.fail(match ended {
                Some(code) => format!("seed {seed} ends with {code:?}"),
                None => format!("seed {seed} takes more than {LONGEST:?}"),
            });
        }
    }
}

/// Spikes of 12 samples of 3 classes in the format of the Spiking Heidelberg Digits.
fn write(path: &Path) {
    let file = File::create(path).expect("a file");
    let group = file.create_group("spikes").expect("a group");
    let times: Vec<VarLenArray<f32>> = (0..12).map(|n| [0.01 * n as f32, 0.2, 0.3][..].into()).collect();
    let units: Vec<VarLenArray<u16>> = (0..12).map(|n| [n, 100, 600][..].into()).collect();
    let labels: Vec<u16> = (0..12).map(|n| n % 3).collect();
    let speakers: Vec<u16> = (0..12).map(|n| n / 3).collect();
    let keys: Vec<VarLenUnicode> = ["a", "b", "c"].map(|word| word.parse().expect("a word")).into();
    group.new_dataset_builder().with_data(&times).create("times").expect("a data set");
    group.new_dataset_builder().with_data(&units).create("units").expect("a data set");
    file.new_dataset_builder().with_data(&labels).create("labels").expect("a data set");
    let extra = file.create_group("extra").expect("a group");
    extra.new_dataset_builder().with_data(&speakers).create("speaker").expect("a data set");
    extra.new_dataset_builder().with_data(&keys).create("keys").expect("a data set");
}
