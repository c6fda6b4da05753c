//! What a GPU makes of the golden cases and of random problems, and how long training takes there.
//!
//! `snn-gpu check [--quick]` compares with the CPU; `snn-gpu bench JOB TIMES` and `snn-gpu bench randman` measure and write lines of
//! JSON, of which `cargo xtask gpu` makes a table. A job is one of R, M, S and A, with so many times 256 samples to a batch.

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
use std::{
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let work: &dyn Fn(&Cuda) -> bool = match words[..] {
        ["check"] => &|gpu| check(gpu, usize::MAX, 400),
        ["check", "--quick"] => &|gpu| check(gpu, 12, 20),
        ["bench", "randman"] => &|gpu| {
            bench::randman(gpu);
            true
        },
        ["bench", job, times] => &move |gpu| times.parse().is_ok_and(|times| bench::bench(gpu, job, times)),
        _ => {
            eprintln!("usage: snn-gpu check [--quick] | bench R|M|S|A TIMES | bench randman");
            return ExitCode::from(2);
        }
    };
    match cuda(0) {
        Ok(gpu) if work(&gpu) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Tells of every case that fails; whether none does.
fn check(gpu: &Cuda, golden: usize, random: u32) -> bool {
    let lif = |case: &golden::Case| case.expected.config.neuron == NeuronKind::Lif;
    let extensions = golden::cases(golden::EXTENSIONS).into_iter().filter(lif);
    let cases: Vec<_> = golden::cases(golden::PAPER).into_iter().chain(extensions).take(golden).collect();
    let mut largest = 0.0f64;
    let mut failures = 0;
    for case in &cases {
        let error = panic::catch_unwind(AssertUnwindSafe(|| compare(gpu, case)));
        // the panic itself has said what is wrong
        failures += usize::from(error.is_err());
        largest = largest.max(error.unwrap_or_default());
    }
    println!(
        "{} golden cases, {failures} of them wrong; of the others, worst relative error {largest:.2e}",
        cases.len()
    );
    let random = panic::catch_unwind(AssertUnwindSafe(|| {
        random_problems(random, &FUSED, &|network, problem| {
            let network = moved(network, gpu);
            Some(Run::new(&network, &problem.input(), &problem.labels(), &problem.regularizer))
        });
    }));
    failures == 0 && random.is_ok()
}

/// The error of a case.
fn compare(gpu: &Cuda, case: &golden::Case) -> f64 {
    let network = moved(&case.network::<f32>(Implementation::Fused), gpu);
    let (found, again) = (case.run(&network), case.run(&network));
    let expected = &case.expected;
    found.assert_same_spikes(expected, &case.name);
    assert!(found.gradients == again.gradients, "{}: two runs differ", case.name);
    let error =
        worst([found.forward_error(expected), found.loss_error(expected), found.gradient_error(expected)]);
    assert!(error <= 2e-5, "{}: off by {error:.2e}", case.name);
    error
}
