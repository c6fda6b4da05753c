//! Damaged HDF5 files, each read by the program as a user has it read: the library may crash, the program may not.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use hdf5::{
    File,
    types::{VarLenArray, VarLenUnicode},
};
use snn_test_support::mutation::mutated;

use crate::row::Row;

/// A command may take as long as its helper is given, and a start.
const LONGEST: Duration = Duration::from_secs(20);

pub(crate) fn row(snn: &Path, folder: &Path, seed: u64, time: Duration) -> Row {
    let mut row = Row::new("mutated HDF5 files, `snn data info`");
    let begin = Instant::now();
    let data = folder.join("data/shd");
    fs::create_dir_all(&data).expect("a folder");
    let good = data.join("shd_test.h5");
    write(&good);
    let file = fs::read(&good).expect("the file");
    for seed in seed << 32.. {
        if begin.elapsed() >= time {
            break;
        }
        let bytes = mutated(&file, seed);
        fs::write(data.join("shd_train.h5"), &bytes).expect("a file");
        let start = Instant::now();
        let mut command = Command::new(snn);
        command.args(["data", "info", "shd", "--json"]).env("SNN_DATA_DIR", folder.join("data"));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("snn starts");
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
            Some(code) => {
                let _ = fs::write(folder.join(format!("failed-hdf5-{seed}")), bytes);
                row.fail(format!("seed {seed} ends with {code:?}"));
            }
            None => {
                let _ = fs::write(folder.join(format!("failed-hdf5-{seed}")), bytes);
                row.fail(format!("seed {seed} takes more than {LONGEST:?}"));
            }
        }
    }
    row
}

/// Spikes of 12 samples of 3 classes, as the Spiking Heidelberg Digits have them.
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
