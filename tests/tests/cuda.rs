//! The CUDA kernels, run on the host, against the golden cases, against the reference on random problems, and against
//! themselves with the threads in another order and other amounts of on-chip memory.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

use snn_core::{
    CudaEmulation, Implementation, Layer, Network, NetworkConfig, NeuronKind, Readout, RecurrentGradient,
    ResetGradient,
};
use snn_tests::{
    golden,
    measure::{relative_error, worst},
    problem::{Problem, Signal, reference},
    random::{FUSED, compare, random_problems, random_problems_with},
};

fn emulated(network: &Network, gpu: CudaEmulation) -> Network {
    let mut network = network.clone();
    network.emulate_cuda(gpu);
    network
}

#[test]
fn golden_cases() {
    let lif = |case: &golden::Case| case.expected.config.neuron == NeuronKind::Lif;
    let extensions = golden::cases(golden::EXTENSIONS).into_iter().filter(lif);
    let cases: Vec<_> = golden::cases(golden::PAPER).into_iter().chain(extensions).collect();
    assert_eq!(cases.len(), 106 + 24);
    let mut largest = 0.0f64;
    for case in &cases {
        let network = emulated(&case.network::<f32>(Implementation::Fused), CudaEmulation::default());
        let found = case.run(&network);
        found.assert_same_spikes(&case.expected, &case.name);
        let expected = &case.expected;
        let error = worst([
            found.forward_error(expected),
            found.loss_error(expected),
            found.gradient_error(expected),
        ]);
        assert!(error <= 2e-5, "{}: off by {error:.2e}", case.name);
        largest = largest.max(error);
    }
    println!("{} cases, spikes identical; worst relative error {largest:.2e}", cases.len());
}

/// Half of them with so little on-chip memory that rows of V come from elsewhere, and threads the other way round.
#[test]
fn random_cases() {
    random_problems(400, &FUSED, &|network, problem| {
        let other = problem.seed % 2 == 1;
        let gpu = CudaEmulation::new(if other { 36 << 10 } else { 48 << 10 }, other);
        Some(problem.run(&emulated(network, gpu)))
    });
}

#[test]
fn random_cases_with_an_immediate_reset() {
    random_problems_with(250, &FUSED, &Problem::reset_at_once, &|network, problem| {
        let other = problem.seed % 2 == 1;
        let gpu = CudaEmulation::new(if other { 36 << 10 } else { 48 << 10 }, other);
        Some(problem.run(&emulated(network, gpu)))
    });
}

fn problem(hidden: Vec<Layer>, batch: usize, steps: usize) -> Problem {
    Problem::new(NetworkConfig { hidden, ..NetworkConfig::new(70, 20) }, batch, steps)
}

/// Kernels that differ by width, each at its narrowest and its widest.
#[test]
fn every_kernel_of_the_recurrent_time_loop() {
    for units in [256, 257, 512, 513, 1024, 1025, 1300] {
        let problem = Problem { gain: 20.0, ..problem(vec![Layer::recurrent(units)], 5, 7) };
        let run = |network: &Network, problem: &Problem| {
            Some(problem.run(&emulated(network, CudaEmulation::default())))
        };
        let clear = (0..8).find_map(|seed| compare(&Problem { seed, ..problem.clone() }, &FUSED, &run));
        let spikes =
            clear.unwrap_or_else(|| panic!("no clear case of {units} units")).expected.hidden_spikes();
        assert!(spikes > 0, "{units} units are silent");
    }
}

/// As on a GPU, threads go on in any order; where a barrier is missing, or two add to the same sum, the result tells.
#[test]
fn the_order_of_threads_does_not_matter() {
    for (signal, readout) in [(Signal::Repeated(0.2), Readout::Max), (Signal::Frames, Readout::Sum)] {
        let hidden = vec![Layer::recurrent(70), Layer::feed_forward(40), Layer::recurrent(300)];
        let mut problem = Problem { signal, gain: 9.0, ..problem(hidden, 7, 40) };
        problem.config.readout = readout;
        problem.config.reset_gradient = ResetGradient::Differentiable;
        let network = problem.network();
        let [forwards, backwards] = [false, true]
            .map(|reversed| problem.run(&emulated(&network, CudaEmulation::new(48 << 10, reversed))));
        assert!(forwards.hidden_spikes() > 0);
        assert!(forwards == backwards, "{signal:?}: results depend on the order of the threads");
    }
}

/// The same forward bits as the CPU: spikes, readout, logits, and potentials but for those that analog input drives.
#[test]
fn forward_passes_equal_those_of_the_cpu_bit_by_bit() {
    for signal in [Signal::Spikes(0.2), Signal::Repeated(0.2), Signal::Frames] {
        for hidden in [vec![], vec![Layer::recurrent(100), Layer::feed_forward(33), Layer::recurrent(17)]] {
            let problem = Problem { signal, gain: 9.0, ..problem(hidden, 5, 50) };
            let network = problem.network();
            let (cpu, gpu) =
                (problem.run(&network), problem.run(&emulated(&network, CudaEmulation::default())));
            assert!(problem.config.hidden.is_empty() || cpu.hidden_spikes() > 0);
            gpu.assert_same_spikes(&cpu, format_args!("{problem:?}"));
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert!(bits(&gpu.logits) == bits(&cpu.logits), "{signal:?}: logits");
            assert!(bits(&gpu.readout) == bits(&cpu.readout), "{signal:?}: readout");
            for (l, (gpu, cpu)) in gpu.potentials.iter().zip(&cpu.potentials).enumerate() {
                if l == 0 && signal == Signal::Frames {
                    // the dense product of the input adds up in another order
                    let error = relative_error(gpu, cpu);
                    assert!(error < 1e-6, "potentials above analog input: {error:.1e}");
                } else {
                    assert!(bits(gpu) == bits(cpu), "{signal:?}: potentials of layer {}", l + 1);
                }
            }
        }
    }
}

#[test]
fn gradients_that_do_not_go_through_recurrent_weights() {
    let mut problem =
        Problem { gain: 12.0, ..problem(vec![Layer::recurrent(70), Layer::recurrent(40)], 5, 30) };
    problem.config.recurrent_gradient = RecurrentGradient::Detached;
    let network = problem.network();
    let gpu = problem.run(&emulated(&network, CudaEmulation::default()));
    let expected = problem.run(&reference::<f64>(&network));
    gpu.assert_same_spikes(&expected, "detached");
    assert!(gpu.gradient_error(&expected) < FUSED.gradient(&expected));
}

#[test]
fn layers_too_wide_for_a_block_are_refused() {
    let config = NetworkConfig { hidden: vec![Layer::recurrent(4097)], ..NetworkConfig::new(2, 2) };
    let problem = Problem::new(config, 1, 2);
    let network = emulated(
        &Network::new(problem.config.clone(), snn_core::Initialization::default(), 0).unwrap(),
        CudaEmulation::default(),
    );
    let error = network.forward(&problem.input()).unwrap_err().to_string();
    assert!(error.contains("4097") && error.contains("CPU"), "{error}");
}
