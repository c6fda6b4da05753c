//! Time and memory needed to load spikes from an HDF5 file: `cargo xtask bench shd`.
//!
//! Writes a file with the layout and size of the training part of the Spiking Heidelberg Digits, 8156 samples with 70 million
//! random spikes, to the folder for temporary files (280 MB, removed at the end). Each load runs in a separate process to
//! measure its peak memory, which is that of the whole process, not just of the data set. The fastest of three loads counts,
//! because the file is in the system's cache from the second load on. With `-- --require`, it fails above 2 s or 600 MB. With
//! `-- --write DIR`, it only writes `DIR/shd/shd_train.h5` and `shd_test.h5` of the published size, to try out programs that
//! train on them: `SNN_DATA_DIR=DIR snn figure 6 --scale full --data shd`.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use half::f16;
use hdf5::types::VarLenArray;
use hdf5::{File, H5Type};
use snn_data::{Dataset, Shd, ShdConfig, SplitRule};

const SAMPLES: usize = 8156;
const SPIKES: usize = 70_000_000;
/// The test part has this many samples.
const TEST_SAMPLES: usize = 2264;
/// The digits from zero to nine in German and English.
const CLASSES: usize = 20;
const SPEAKERS: usize = 12;

/// Samples written at once.
const SLICE: usize = 256;

/// Limits for a load.
const SECONDS: f64 = 2.0;
const MEGABYTES: f64 = 600.0;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().collect();
    if let Some(at) = words.iter().position(|word| word == "--load") {
        load(Path::new(words.get(at + 1).ok_or("--load takes a file")?))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(at) = words.iter().position(|word| word == "--write") {
        let folder = Path::new(words.get(at + 1).ok_or("--write takes a folder")?).join("shd");
        std::fs::create_dir_all(&folder)?;
        write(&folder.join("shd_train.h5"), SAMPLES, SPIKES)?;
        write(&folder.join("shd_test.h5"), TEST_SAMPLES, TEST_SAMPLES * (SPIKES / SAMPLES))?;
        println!("written: {}", folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("shd_train.h5");
    write(&path, SAMPLES, SPIKES)?;
    let mut fastest = f64::INFINITY;
    let mut largest: f64 = 0.0;
    for _ in 0..3 {
        let output = Command::new(std::env::current_exe()?).arg("--load").arg(&path).output()?;
        let text = String::from_utf8(output.stdout)?;
        let problem = || format!("{text}{}", String::from_utf8_lossy(&output.stderr));
        let (seconds, megabytes) = text.trim().split_once(' ').ok_or_else(problem)?;
        fastest = fastest.min(seconds.parse()?);
        largest = largest.max(megabytes.parse()?);
    }
    println!(
        "{SAMPLES} samples, {SPIKES} spikes: {fastest:.2} s, {:.0} million spikes per second, peak memory {largest:.0} MB",
        SPIKES as f64 / fastest / 1e6
    );
    if words.iter().any(|word| word == "--require") && (fastest > SECONDS || largest > MEGABYTES) {
        println!("that is more than {SECONDS} s or {MEGABYTES} MB");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Loads the file; prints seconds and the peak memory of the process in MB (0 where the system does not report it).
fn load(path: &Path) -> Result<(), Box<dyn Error>> {
    let config = ShdConfig { test: SplitRule::stratified(0.0), ..ShdConfig::default() };
    let begin = Instant::now();
    let data = Shd::from_files("shd", path, None, &config)?;
    let seconds = begin.elapsed().as_secs_f64();
    if data.len() != SAMPLES || data.spikes(0) == 0 {
        return Err("the file does not contain what was written".into());
    }
    println!("{seconds} {}", peak_megabytes().unwrap_or(0.0));
    Ok(())
}

fn peak_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

/// Ascending half-precision times and 16-bit units, as published: 0.4 to 1.2 s of spikes, their number varying by half.
fn write(path: &Path, samples: usize, all_spikes: usize) -> Result<(), Box<dyn Error>> {
    // A linear congruential generator: the time does not depend on the spikes.
    let mut state = 1_u64;
    let mut chance = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 24)
    };
    let file = File::create(path)?;
    let group = file.create_group("spikes")?;
    let times = group.new_dataset::<VarLenArray<f16>>().shape(samples).create("times")?;
    let units = group.new_dataset::<VarLenArray<u16>>().shape(samples).create("units")?;
    let mean = all_spikes / samples;
    let (mut written, mut sample) = (0, 0);
    while sample < samples {
        let slice = sample..samples.min(sample + SLICE);
        let (mut time_rows, mut unit_rows) = (Vec::new(), Vec::new());
        for sample in slice.clone() {
            // Pairs of samples have twice the mean; the last sample has the remainder.
            let spikes = match sample {
                _ if sample == samples - 1 => all_spikes - written,
                _ if sample % 2 == 0 => mean / 2,
                _ => mean + mean / 2,
            };
            written += spikes;
            let duration = 0.4 + 0.8 * chance();
            let step = duration / spikes as f64;
            let times: Vec<f16> = (0..spikes).map(|k| f16::from_f64(k as f64 * step)).collect();
            let units: Vec<u16> = (0..spikes).map(|_| (700.0 * chance()) as u16).collect();
            time_rows.push(VarLenArray::from_slice(&times));
            unit_rows.push(VarLenArray::from_slice(&units));
        }
        write_rows(&times, &time_rows, slice.clone())?;
        write_rows(&units, &unit_rows, slice.clone())?;
        sample = slice.end;
    }
    let labels: Vec<u16> = (0..samples).map(|sample| (sample % CLASSES) as u16).collect();
    file.new_dataset_builder().with_data(&labels).create("labels")?;
    let extra = file.create_group("extra")?;
    let speakers: Vec<u16> = (0..samples).map(|sample| (sample / CLASSES % SPEAKERS) as u16).collect();
    extra.new_dataset_builder().with_data(&speakers).create("speaker")?;
    Ok(())
}

fn write_rows<T: Copy>(
    dataset: &hdf5::Dataset,
    rows: &[VarLenArray<T>],
    slice: std::ops::Range<usize>,
) -> hdf5::Result<()>
where
    VarLenArray<T>: H5Type,
{
    dataset.write_slice(rows, slice)
}
