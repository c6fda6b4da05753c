//! How many times faster than real time the audio front end runs on one core: `cargo xtask bench audio`.
//!
//! For each sample rate, converts ten seconds of noise to log Mel frames repeatedly for about a second and takes the median.
//! Reading the file is not included. With `--require 500`, it fails if any rate is slower than 500 times real time, the speed
//! that this crate promises.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use snn_data::audio::{MelConfig, MelSpectrogram};

const SECONDS: usize = 10;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().collect();
    let required = match words.iter().position(|word| word == "--require") {
        Some(at) => words.get(at + 1).ok_or("--require takes a number")?.parse()?,
        None => 0.0,
    };
    let mut slowest = f64::INFINITY;
    println!("{:>8}  {:>12}  {:>16}", "rate", "per second", "times real time");
    for rate in [16_000, 8_000, 44_100, 48_000] {
        // A linear congruential generator: any signal takes the same time.
        let mut state = 1_u32;
        let samples: Vec<f64> = (0..SECONDS * rate as usize)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state) / f64::from(u32::MAX) - 0.5
            })
            .collect();
        let mut mel = MelSpectrogram::new(&MelConfig::default(), rate)?;
        let mut times = Vec::new();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(1) {
            let begin = Instant::now();
            assert!(!std::hint::black_box(mel.compute(&samples)).is_empty());
            times.push(begin.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let second = times[times.len() / 2] / SECONDS as f64;
        slowest = slowest.min(1.0 / second);
        println!("{rate:>5} Hz  {:>9.3} ms  {:>16.0}", 1e3 * second, 1.0 / second);
    }
    if slowest < required {
        println!("{slowest:.0} times real time is less than {required}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
