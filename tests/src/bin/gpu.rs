//! What a GPU makes of the golden cases and of random problems, and how long a training step takes there.
//!
//! `snn-gpu check [--quick]` compares, `snn-gpu bench` measures; `cargo xtask gpu` runs both.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that is a program fails as tests do"
)]

use snn_core::{
    Adam, AdamConfig, Cuda, Events, Implementation, Initialization, Input, Layer, Network, NetworkConfig,
    Regularizer, cuda,
};
use snn_tests::{
    golden,
    measure::worst,
    problem::{Problem, Signal},
    random::{FUSED, random_problems},
    run::Run,
};
use std::{process::ExitCode, time::Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let work: fn(&Cuda) = match words[..] {
        ["check"] => |gpu| check(gpu, 400),
        ["check", "--quick"] => |gpu| check(gpu, 20),
        ["bench"] => bench,
        _ => {
            eprintln!("usage: snn-gpu check [--quick] | bench");
            return ExitCode::from(2);
        }
    };
    match cuda(0) {
        Ok(gpu) => work(&gpu),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The same network on the GPU.
fn moved(network: &Network, gpu: &Cuda) -> Network<f32, Cuda> {
    let config = network.config().clone();
    let mut moved = Network::on(gpu.clone(), config, Initialization::default(), 0).expect("a network");
    for (name, _, values) in network.parameters() {
        moved.set_parameter(&name, &values).expect("weights of the same shape");
    }
    moved
}

fn check(gpu: &Cuda, random: u32) {
    let cases = golden::load(&golden::directory());
    let mut largest = 0.0f64;
    for case in &cases {
        let network = moved(&case.network::<f32>(Implementation::Fused), gpu);
        let found = Run::new(&network, &case.input(), &case.labels, &case.regularizer);
        let again = Run::new(&network, &case.input(), &case.labels, &case.regularizer);
        let expected = &case.expected;
        found.assert_same_spikes(expected, &case.name);
        assert!(found.gradients == again.gradients, "{}: two runs differ", case.name);
        let error = worst([
            found.forward_error(expected),
            found.loss_error(expected),
            found.gradient_error(expected),
        ]);
        assert!(error <= 2e-5, "{}: off by {error:.2e}", case.name);
        largest = largest.max(error);
    }
    println!("{} golden cases: spikes identical, worst relative error {largest:.2e}", cases.len());
    random_problems(random, &FUSED, &|network, problem| {
        let network = moved(network, gpu);
        Some(Run::new(&network, &problem.input(), &problem.labels(), &problem.regularizer))
    });
}

/// Samples of a batch of which larger ones are repetitions.
const BASE: usize = 256;

fn repeated(input: &Input<f32>, times: usize) -> Input<f32> {
    let Input::Events(events) = input else { return input.clone() };
    let (batch, steps) = (events.batch(), events.steps());
    let (mut offsets, mut indices) = (vec![0], Vec::new());
    for sample in 0..batch * times {
        for step in 0..steps {
            indices.extend_from_slice(events.row(sample % batch, step));
            offsets.push(indices.len() as u32);
        }
    }
    Events::new(batch * times, steps, events.units(), offsets, indices).expect("events").into()
}

fn bench(gpu: &Cuda) {
    let job = |inputs, hidden, outputs, dt| NetworkConfig {
        hidden: vec![hidden],
        dt,
        ..NetworkConfig::new(inputs, outputs)
    };
    let spikes = Signal::Spikes;
    let jobs = [
        ("R", job(20, Layer::feed_forward(100), 10, 1.0), 100, spikes(0.01), 7.0),
        ("M", job(784, Layer::feed_forward(100), 10, 1.0), 100, spikes(0.002), 7.0),
        ("S", job(700, Layer::recurrent(256), 20, 2.0), 500, spikes(0.0229), 2.0),
        ("A", job(40, Layer::recurrent(256), 35, 2.0), 100, Signal::Frames, 2.0),
    ];
    for (name, config, steps, signal, gain) in jobs {
        let problem = Problem { signal, gain, ..Problem::new(config, BASE, steps) };
        let (input, labels) = (problem.input::<f32>(), problem.labels());
        let start = moved(&problem.network(), gpu);
        let times: &[usize] = if matches!(input, Input::Frames(_)) { &[1] } else { &[1, 4, 16] };
        for &times in times {
            let (input, labels) = (repeated(&input, times), labels.repeat(times));
            let mut network = start.clone();
            let mut adam = Adam::new(AdamConfig::default(), &network).expect("an optimiser");
            let mut spikes = 0.0;
            let mut step = || {
                let loss = network.loss(&input, &labels, &Regularizer::default()).expect("a loss");
                spikes = loss.output.counts.iter().flatten().map(|&count| f64::from(count)).sum();
                let gradients = loss.backward().expect("gradients");
                // waits for the GPU, as the trainer does
                gradients.norms().expect("norms");
                adam.update(&mut network, &gradients).expect("an update");
            };
            (0..3).for_each(|_| step());
            let mut laps = Vec::new();
            while laps.len() < 5 || (laps.len() < 100 && laps.iter().sum::<f64>() < 1.0) {
                let watch = Instant::now();
                step();
                laps.push(watch.elapsed().as_secs_f64());
            }
            laps.sort_by(f64::total_cmp);
            let (median, batch) = (laps[laps.len() / 2], BASE * times);
            println!(
                "{name}  batch {batch:>5}  snn            {:9.2} ms a step {:>10.0} samples/s {:>8.0} hidden spikes a sample",
                1e3 * median,
                batch as f64 / median,
                spikes / batch as f64
            );
        }
    }
}
