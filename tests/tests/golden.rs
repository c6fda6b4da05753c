//! Both implementations against the golden cases.
//!
//! `SNN_GOLDEN_DIR=... cargo test --release -p snn-tests golden -- --nocapture` runs the cases of another directory.

use snn_core::{Cpu, Backend, Float, Implementation, Initialization, Network, NetworkConfig};
use snn_tests::{
    golden::{self, Case},
    measure::relative_error,
};

/// Runs one case and returns the largest relative error; spikes must be identical.
fn worst_error<E: Float>(case: &Case, implementation: Implementation) -> f64
where
    Cpu: Backend<E>,
{
    let config = NetworkConfig { implementation, ..case.config.clone() };
    let mut network: Network<E> = Network::new(config, Initialization::default(), 0).unwrap();
    let of = |values: &[f64]| values.iter().map(|&v| E::of(v)).collect::<Vec<E>>();
    for (name, values) in &case.weights {
        network.set_parameter(name, &of(values)).unwrap();
    }
    let input = case.input::<E>();

    let (output, recording) = network.record(&input).unwrap();
    assert_eq!(recording.spikes.len(), case.spikes.len(), "{}", case.name);
    for (l, (spikes, expected)) in recording.spikes.iter().zip(&case.spikes).enumerate() {
        let mut found = Vec::new();
        for sample in 0..spikes.batch() {
            for step in 0..spikes.steps() {
                found.extend(spikes.row(sample, step).iter().map(|&unit| (sample, step, usize::from(unit))));
            }
        }
        assert_eq!(&found, expected, "{}: spikes of hidden layer {}", case.name, l + 1);
        let mut counts = vec![0.0; output.counts[l].len()];
        for &(sample, _, unit) in expected {
            counts[sample * spikes.units() + unit] += 1.0;
        }
        assert!(output.counts[l].iter().map(|c| c.wide()).eq(counts), "{}: spike counts", case.name);
    }

    let loss = network.loss(&input, &case.labels, &case.regularizer).unwrap();
    let wide = |values: &[E]| values.iter().map(|v| v.wide()).collect::<Vec<f64>>();
    let mut worst = relative_error(wide(&loss.output.logits), case.logits.iter().copied());
    let mut check = |what: &str, error: f64| {
        assert!(error.is_finite(), "{}: {what}", case.name);
        worst = worst.max(error);
    };
    check("inference", relative_error(wide(&output.logits), case.logits.iter().copied()));
    check("cross-entropy", relative_error([loss.cross_entropy], [case.loss.0]));
    check("regulariser", relative_error([loss.regularization], [case.loss.1]));
    check("readout", relative_error(wide(&recording.readout), case.readout.iter().copied()));
    for (found, expected) in recording.potentials.iter().zip(&case.potentials) {
        check("potentials", relative_error(wide(found), expected.iter().copied()));
    }
    let gradients = loss.backward().unwrap();
    for (name, expected) in &case.gradients {
        let found = gradients.get(name).unwrap_or_else(|| panic!("{}: no gradient of {name}", case.name));
        check(name, relative_error(wide(&found), expected.iter().copied()));
    }
    worst
}

fn run<E: Float>(label: &str, implementation: Implementation, tolerance: f64)
where
    Cpu: Backend<E>,
{
    let directory = golden::directory();
    let cases = golden::load(&directory);
    assert!(!cases.is_empty(), "{} lists no cases", directory.display());
    let mut worst = (0.0, "");
    let mut failed = Vec::new();
    for case in &cases {
        let error = worst_error::<E>(case, implementation);
        println!("{label:<14} {:<40} {error:.2e}", case.name);
        if error > tolerance {
            failed.push(format!("{} ({error:.2e})", case.name));
        }
        if error >= worst.0 {
            worst = (error, &case.name);
        }
    }
    println!(
        "{label:<14} {} cases of {}, spikes identical; worst relative error {:.2e} ({}), tolerance {tolerance:.0e}",
        cases.len(),
        directory.display(),
        worst.0,
        worst.1
    );
    assert!(failed.is_empty(), "{label}: off by more than {tolerance:.0e}: {}", failed.join(", "));
}

#[test]
fn golden_reference_f64() {
    run::<f64>("reference f64", Implementation::Reference, 1e-10);
}

#[test]
fn golden_reference_f32() {
    run::<f32>("reference f32", Implementation::Reference, 2e-5);
}

#[test]
fn golden_fused_f32() {
    run::<f32>("fused f32", Implementation::Fused, 2e-5);
}
