//! What a GPU makes of the golden cases and of random problems, and how long training takes there.
//!
//! `snn-gpu check [--quick]` compares with the CPU; `snn-gpu bench` measures and writes lines of JSON, of which `cargo xtask gpu`
//! makes a table.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that is a program fails as tests do"
)]

mod bench;
mod moved;

use moved::moved;
use snn_core::{Cuda, Implementation, NeuronKind, cuda};
use snn_tests::{
    golden,
    measure::worst,
    random::{FUSED, random_problems},
    run::Run,
};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let work: fn(&Cuda) = match words[..] {
        ["check"] => |gpu| check(gpu, 400),
        ["check", "--quick"] => |gpu| check(gpu, 20),
        ["bench"] => bench::bench,
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

fn check(gpu: &Cuda, random: u32) {
    let lif = |case: &golden::Case| case.expected.config.neuron == NeuronKind::Lif;
    let extensions = golden::cases(golden::EXTENSIONS).into_iter().filter(lif);
    let cases: Vec<_> = golden::cases(golden::PAPER).into_iter().chain(extensions).collect();
    let mut largest = 0.0f64;
    for case in &cases {
        let network = moved(&case.network::<f32>(Implementation::Fused), gpu);
        let (found, again) = (case.run(&network), case.run(&network));
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
