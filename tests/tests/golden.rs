//! Both implementations compared with the golden cases, of the paper's model and of the extensions.
//!
//! `SNN_GOLDEN_DIR=... cargo test --release -p snn-tests golden -- --nocapture` runs the cases of another directory instead of the
//! paper's.

#![allow(
    clippy::print_stdout,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this test prints one line per case"
)]

use serde::Deserialize;
use snn_core::{
    Backend, Cpu, Events, Float, Implementation, Initialization, Network, NetworkConfig, NeuronKind,
    OptimizerKind, OptimizerSettings, Regularizer,
};
use snn_tests::{
    golden::{self, Case, EXTENSIONS, PAPER},
    measure::worst,
};
use std::path::Path;

/// Runs one case and returns the largest relative error of logits, losses, traces and gradients; spikes must be identical.
fn worst_error<E: Float>(case: &Case, implementation: Implementation) -> f64
where
    Cpu: Backend<E>,
{
    let found = case.run(&case.network::<E>(implementation));
    found.assert_same_spikes(&case.expected, &case.name);
    let expected = &case.expected;
    worst([found.forward_error(expected), found.loss_error(expected), found.gradient_error(expected)])
}

/// Runs the cases that the implementation supports; it must refuse exactly `refused` others, by name.
fn run<E: Float>(
    label: &str,
    implementation: Implementation,
    set: (&str, usize),
    refused: usize,
    tolerance: f64,
) where
    Cpu: Backend<E>,
{
    let (has, has_not): (Vec<_>, Vec<_>) = golden::cases(set).into_iter().partition(|case| {
        implementation == Implementation::Reference || case.expected.config.neuron == NeuronKind::Lif
    });
    assert_eq!(has_not.len(), refused, "cases that {label} refuses");
    for case in &has_not {
        let config = NetworkConfig { implementation, ..case.expected.config.clone() };
        let refused: Result<Network<f32>, _> = Network::new(config, Initialization::default(), 0);
        let message = refused.unwrap_err().to_string();
        assert!(message.contains(case.expected.config.neuron.word()), "{}: {message}", case.name);
    }
    let mut errors = Vec::new();
    for case in &has {
        let error = worst_error::<E>(case, implementation);
        println!("{label:<14} {:<40} {error:.2e}", case.name);
        errors.push((error, case.name.as_str()));
    }
    // NaN sorts last
    errors.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (largest, name) = errors[errors.len() - 1];
    println!(
        "{label:<14} {} cases of {}, spikes identical; worst relative error {largest:.2e} ({name}), tolerance {tolerance:.0e}",
        has.len(),
        set.0,
    );
    let failed: Vec<_> = errors.iter().filter(|(error, _)| error.is_nan() || *error > tolerance).collect();
    assert!(failed.is_empty(), "{label}: off by more than {tolerance:.0e}: {failed:.2?}");
}

#[test]
fn golden_reference_f64() {
    run::<f64>("reference f64", Implementation::Reference, PAPER, 0, 1e-10);
}

/// In `f32`, the reference rounds its states in every step, and steep surrogates amplify the rounding errors. The fused
/// implementation keeps its states in `f64` and needs no such allowance.
#[test]
fn golden_reference_f32() {
    run::<f32>("reference f32", Implementation::Reference, PAPER, 0, 2e-4);
}

#[test]
fn golden_fused_f32() {
    run::<f32>("fused f32", Implementation::Fused, PAPER, 0, 2e-5);
}

#[test]
fn extensions_reference_f64() {
    run::<f64>("reference f64", Implementation::Reference, EXTENSIONS, 0, 1e-10);
}

#[test]
fn extensions_reference_f32() {
    run::<f32>("reference f32", Implementation::Reference, EXTENSIONS, 0, 2e-4);
}

/// All except the six networks of adaptive units.
#[test]
fn extensions_fused_f32() {
    run::<f32>("fused f32", Implementation::Fused, EXTENSIONS, 6, 2e-5);
}

/// Paths of six weights under given gradients, from `golden/extensions/make.py`.
#[derive(Deserialize)]
struct Paths {
    start: Vec<f64>,
    gradients: Vec<Vec<f64>>,
    runs: Vec<Path1>,
}

#[derive(Deserialize)]
struct Path1 {
    name: OptimizerKind,
    settings: Settings,
    /// Weights after each step.
    path: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Settings {
    learning_rate: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    momentum: f64,
    weight_decay: f64,
}

fn follow<E: Float>(tolerance: f64)
where
    Cpu: Backend<E>,
{
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/extensions/optimizers.json");
    let paths: Paths = serde_json::from_reader(std::fs::File::open(file).unwrap()).unwrap();
    let narrow = |values: &[f64]| values.iter().map(|&v| E::of(v)).collect::<Vec<E>>();
    let config = NetworkConfig { implementation: Implementation::Reference, ..NetworkConfig::new(2, 3) };
    let input = Events::from_spikes(1, 3, 2, &[(0, 0, 1)]).unwrap().into();
    for run in &paths.runs {
        let Settings { learning_rate, beta1, beta2, epsilon, momentum, weight_decay } = run.settings;
        let settings = OptimizerSettings { learning_rate, beta1, beta2, epsilon, momentum, weight_decay };
        let mut network: Network<E> = Network::new(config.clone(), Initialization::default(), 0).unwrap();
        network.set_parameter("Wout", &narrow(&paths.start)).unwrap();
        let mut optimizer = run.name.fit(&settings, &network, None).unwrap();
        let mut before = paths.start.clone();
        for (step, (gradient, expected)) in paths.gradients.iter().zip(&run.path).enumerate() {
            let loss = network.loss(&input, &[0], &Regularizer::default()).unwrap();
            let mut gradients = loss.backward().unwrap();
            gradients.set("Wout", &narrow(gradient)).unwrap();
            // continue from a state that was saved on the host
            if step == 10 {
                optimizer = run.name.fit(&settings, &network, Some(&optimizer.state())).unwrap();
            }
            optimizer.update(&mut network, &gradients).unwrap();
            let (_, _, found) = network.parameters().next().unwrap();
            for (found, expected) in found.iter().zip(expected) {
                let error = (found.wide() - expected).abs();
                assert!(error < tolerance, "{:?}, step {step}: off by {error:.1e}", run.name);
            }
            let decoupled = |w: f64| match run.name {
                OptimizerKind::AdamW => learning_rate * weight_decay * w,
                _ => 0.0,
            };
            let moved = before.iter().zip(expected).map(|(&w, next)| (w - decoupled(w) - next).powi(2));
            let moved = moved.sum::<f64>().sqrt();
            let told = optimizer.last_update()[0].1;
            assert!((told - moved).abs() < 1e-5, "{:?}, step {step}: {told}, not {moved}", run.name);
            before.clone_from(expected);
        }
    }
    assert!(OptimizerKind::ALL.iter().all(|kind| paths.runs.iter().any(|run| run.name == *kind)));
}

#[test]
fn optimizers_follow_trajectories_of_an_independent_program() {
    follow::<f64>(1e-12);
    follow::<f32>(2e-6);
}
