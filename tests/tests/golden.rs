//! Both implementations against the golden cases.
//!
//! `SNN_GOLDEN_DIR=... cargo test --release -p snn-tests golden -- --nocapture` runs the cases of another directory.

#![allow(clippy::print_stdout, clippy::panic, reason = "one line a case is what this test is asked for")]

use snn_core::{Backend, Cpu, Float, Implementation};
use snn_tests::{
    golden::{self, Case},
    measure::worst,
    run::Run,
};

/// Runs one case and returns the largest relative error of logits, losses, traces and gradients; spikes must be identical.
fn worst_error<E: Float>(case: &Case, implementation: Implementation) -> f64
where
    Cpu: Backend<E>,
{
    let network = case.network::<E>(implementation);
    let found = Run::new(&network, &case.input(), &case.labels, &case.regularizer);
    found.assert_same_spikes(&case.expected, &case.name);
    let expected = &case.expected;
    worst([found.forward_error(expected), found.loss_error(expected), found.gradient_error(expected)])
}

fn run<E: Float>(label: &str, implementation: Implementation, tolerance: f64)
where
    Cpu: Backend<E>,
{
    let directory = golden::directory();
    let cases = golden::load(&directory);
    assert!(!cases.is_empty(), "{} lists no cases", directory.display());
    let mut errors = Vec::new();
    for case in &cases {
        let error = worst_error::<E>(case, implementation);
        println!("{label:<14} {:<40} {error:.2e}", case.name);
        errors.push((error, case.name.as_str()));
    }
    // a NaN comes last
    errors.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (largest, name) = errors[errors.len() - 1];
    println!(
        "{label:<14} {} cases of {}, spikes identical; worst relative error {largest:.2e} ({name}), tolerance {tolerance:.0e}",
        cases.len(),
        directory.display(),
    );
    let failed: Vec<_> = errors.iter().filter(|(error, _)| error.is_nan() || *error > tolerance).collect();
    assert!(failed.is_empty(), "{label}: off by more than {tolerance:.0e}: {failed:.2?}");
}

#[test]
fn golden_reference_f64() {
    run::<f64>("reference f64", Implementation::Reference, 1e-10);
}

/// Step by step in `f32`, the states are rounded in every step, and steep surrogates amplify what that does to a potential.
/// The fused implementation keeps its states in `f64` and needs no such allowance.
#[test]
fn golden_reference_f32() {
    run::<f32>("reference f32", Implementation::Reference, 2e-4);
}

#[test]
fn golden_fused_f32() {
    run::<f32>("fused f32", Implementation::Fused, 2e-5);
}
