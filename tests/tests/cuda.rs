//! The CUDA kernels, run on the host: compared with the golden cases, with the reference on random problems, and with themselves
//! for different thread orders and amounts of on-chip memory.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "test helpers fail like tests")]

use snn_core::{
    CrossEntropy, CudaEmulation, Implementation, Layer, LossFunction, Network, NetworkConfig, NeuronKind,
    Readout, RecurrentGradient, Regularizer, Reset, ResetGradient, SurrogateShape, TrainingStep,
};
use snn_tests::{
    golden,
    measure::{relative_error, worst},
    problem::{Problem, Signal, reference},
    random::{FUSED, compare, random_problems, random_problems_with},
    run::Run,
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

/// With the on-chip memory of a new GPU, of an old one, and with so little that rows of V come from global memory; each
/// with a different order of blocks and threads.
#[test]
fn random_cases() {
    random_problems(400, &FUSED, &|network, problem| {
        let shared = [48 << 10, 36 << 10, CudaEmulation::H100][(problem.seed % 3) as usize];
        let gpu = CudaEmulation::new(shared, false).shuffled(problem.seed);
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

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Asserts that two runs are identical bit by bit.
fn assert_same_bits(found: &Run, expected: &Run, what: &str) {
    found.assert_same_spikes(expected, what);
    assert!(bits(&found.logits) == bits(&expected.logits), "{what}: logits");
    assert!(bits(&found.readout) == bits(&expected.readout), "{what}: readout");
    assert_eq!(found.cross_entropy.to_bits(), expected.cross_entropy.to_bits(), "{what}: loss");
    assert_eq!(found.regularization.to_bits(), expected.regularization.to_bits(), "{what}: penalty");
    for (found, expected) in found.potentials.iter().zip(&expected.potentials) {
        assert!(bits(found) == bits(expected), "{what}: potentials");
    }
    for ((name, found), (_, expected)) in found.gradients.iter().zip(&expected.gradients) {
        assert!(bits(found) == bits(expected), "{what}: gradient of {name}");
    }
}

fn problem(hidden: Vec<Layer>, batch: usize, steps: usize) -> Problem {
    Problem::new(NetworkConfig { hidden, ..NetworkConfig::new(70, 20) }, batch, steps)
}

/// Kernels specialized by width, each at its smallest and its largest width.
#[test]
fn every_kernel_of_the_recurrent_time_loop() {
    for units in [1, 31, 128, 129, 200, 256, 257, 512, 513, 1024, 1025, 1300] {
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

/// A problem with two recurrent layers and one without recurrence, the widest of `widest` units.
fn mixed(signal: Signal, readout: Readout, widest: usize, batch: usize) -> Problem {
    let hidden = vec![Layer::recurrent(70), Layer::feed_forward(40), Layer::recurrent(widest)];
    let mut problem = Problem { signal, gain: 9.0, ..problem(hidden, batch, 40) };
    problem.config.readout = readout;
    problem.config.reset_gradient = ResetGradient::Differentiable;
    problem.regularizer = Regularizer {
        lower_strength: 0.1,
        lower_threshold: 2.0,
        upper_strength: 0.2,
        upper_threshold: 0.5,
        upper_norm: 2,
    };
    problem
}

/// Blocks and threads run in different orders, as on a GPU; a missing barrier or a race on a sum would change the result.
#[test]
fn the_order_of_threads_does_not_matter() {
    for (signal, readout) in [(Signal::Repeated(0.2), Readout::Max), (Signal::Frames, Readout::Sum)] {
        let problem = mixed(signal, readout, 300, 7);
        let network = problem.network();
        let run = |gpu: CudaEmulation| problem.run(&emulated(&network, gpu));
        let forwards = run(CudaEmulation::new(48 << 10, false));
        assert!(forwards.hidden_spikes() > 0);
        assert_same_bits(&run(CudaEmulation::new(48 << 10, true)), &forwards, "backwards");
        for seed in 0..3 {
            let shuffled = run(CudaEmulation::new(48 << 10, false).shuffled(seed));
            assert_same_bits(&shuffled, &forwards, "shuffled");
        }
    }
}

/// The results are bit-identical wherever rows of V and tiles of weights are stored.
#[test]
fn the_size_of_on_chip_memory_does_not_matter() {
    for units in [64, 130, 256, 500] {
        let problem = Problem { gain: 20.0, ..problem(vec![Layer::recurrent(units)], 3, 12) };
        let network = problem.network();
        let run = |shared: usize| problem.run(&emulated(&network, CudaEmulation::new(shared, false)));
        let expected = run(CudaEmulation::H100);
        assert!(expected.hidden_spikes() > 0, "{units} units are silent");
        for shared in [36 << 10, 48 << 10, 100 << 10] {
            assert_same_bits(&run(shared), &expected, &format!("{units} units, {shared} bytes"));
        }
    }
}

/// Every kernel with every access checked: bounds, alignment, races, undefined behavior.
#[test]
fn no_access_is_out_of_bounds_or_races() {
    let checked = |shared: usize| CudaEmulation::new(shared, false).shuffled(7).checked();
    for (signal, readout, widest, shared) in [
        (Signal::Repeated(0.2), Readout::Max, 130, 48 << 10),
        (Signal::Spikes(0.2), Readout::Sum, 300, CudaEmulation::H100),
        (Signal::Frames, Readout::Max, 550, 36 << 10),
        (Signal::Spikes(0.1), Readout::Max, 1030, 48 << 10),
    ] {
        let problem = Problem { steps: 6, ..mixed(signal, readout, widest, 3) };
        let network = problem.network();
        let expected = problem.run(&emulated(&network, CudaEmulation::new(shared, false)));
        let network = emulated(&network, checked(shared));
        assert_same_bits(&problem.run(&network), &expected, &format!("{widest} units"));
        step(&network, &problem, 0.1);
    }
    // too many inputs for the weights to fit on chip, and enough samples for four to share a block
    let config = NetworkConfig { hidden: vec![Layer::recurrent(5)], ..NetworkConfig::new(400, 3) };
    let problem = Problem { gain: 9.0, ..Problem::new(config, 1060, 3) };
    let expected = problem.run(&problem.network());
    let found = problem.run(&emulated(&problem.network(), checked(48 << 10)));
    found.assert_same_spikes(&expected, "1060 samples");
    assert!(found.gradient_error(&expected) < 2e-5);
}

fn step(network: &Network, problem: &Problem, label_smoothing: f64) -> TrainingStep {
    let (input, labels) = (problem.input(), problem.labels());
    let function = CrossEntropy { label_smoothing };
    network.training_step(&function, &input, &labels, &problem.regularizer).unwrap()
}

/// Loss and gradients computed in one pass equal those of the tape: gradients bit by bit, and the loss as computed by the
/// host.
#[test]
fn training_steps_equal_passes_on_the_tape() {
    let off = Regularizer::default();
    let upper = Regularizer { upper_strength: 0.3, upper_threshold: 0.5, ..off };
    let lower = Regularizer { lower_strength: 0.2, lower_threshold: 4.0, ..off };
    let both = Regularizer { lower_strength: 0.2, lower_threshold: 4.0, upper_norm: 2, ..upper };
    for (k, regularizer) in [off, upper, lower, both].into_iter().enumerate() {
        for readout in [Readout::Max, Readout::Sum] {
            let label_smoothing = 0.1 * k as f64;
            let mut problem = Problem { regularizer, ..mixed(Signal::Spikes(0.2), readout, 100, 9) };
            // more classes than lanes
            problem.config.outputs = 40;
            let network = emulated(&problem.network(), CudaEmulation::default());
            let (input, labels) = (problem.input(), problem.labels());
            let function = CrossEntropy { label_smoothing };
            let loss = network.loss_with(&function, &input, &labels, &regularizer).unwrap();
            let found = step(&network, &problem, label_smoothing);
            assert_eq!(found.values.output, loss.output);
            let host = function.value(&loss.output, &labels);
            let near = |a: f64, b: f64| (a - b).abs() <= 2e-6 * b.abs();
            assert!(near(found.values.cross_entropy, host), "{} {host}", found.values.cross_entropy);
            assert!(near(found.values.cross_entropy, loss.cross_entropy));
            let penalty = regularizer.value(&loss.output);
            assert!(near(found.values.regularization, penalty), "{} {penalty}", found.values.regularization);
            assert!(k == 0 || penalty > 0.0, "no penalty");
            let tape = loss.backward().unwrap();
            for (name, ..) in network.parameters() {
                let [one, other] = [&found.gradients, &tape].map(|it| it.get(&name).unwrap());
                let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                assert!(one.iter().any(|&it| it != 0.0), "no gradient of {name}");
                assert!(bits(&one) == bits(&other), "{regularizer:?}, {readout:?}: gradient of {name}");
            }
            // another order of blocks yields the same bits of the loss
            let again =
                step(&emulated(&network, CudaEmulation::default().shuffled(1)), &problem, label_smoothing);
            assert!(again.values == found.values);
        }
    }
}

/// The shapes of the benchmarks S and A with the on-chip memory of an H100: half of V in registers, half in shared memory.
#[test]
fn shapes_of_the_benchmarks() {
    for (inputs, outputs, steps, signal) in
        [(700, 20, 500, Signal::Spikes(0.0229)), (40, 35, 100, Signal::Frames)]
    {
        let config = NetworkConfig {
            hidden: vec![Layer::recurrent(256)],
            dt: 2.0,
            ..NetworkConfig::new(inputs, outputs)
        };
        let problem = Problem { signal, gain: 2.0, ..Problem::new(config, 2, steps) };
        let network = problem.network();
        let cpu = problem.run(&network);
        let gpu = CudaEmulation::new(CudaEmulation::H100, false).shuffled(5);
        let found = problem.run(&emulated(&network, gpu));
        assert!(cpu.hidden_spikes() > 0);
        found.assert_same_spikes(&cpu, format_args!("{inputs} inputs"));
        assert!(found.gradient_error(&cpu) < 2e-5, "{:.1e}", found.gradient_error(&cpu));
    }
}

/// NaN propagates: a diverged network has NaN gradients, regardless of the minimum or maximum in the surrogate.
#[test]
fn nan_goes_through() {
    for shape in [SurrogateShape::SuperSpike, SurrogateShape::Sigmoid, SurrogateShape::Esser] {
        let mut problem = Problem { gain: 9.0, ..problem(vec![Layer::feed_forward(20)], 2, 10) };
        problem.config.surrogate.shape = shape;
        let mut network = emulated(&problem.network(), CudaEmulation::default());
        let (name, _, mut weights) = network.parameters().next().unwrap();
        // two simultaneous spikes overflow to infinity, and its leak is NaN
        weights.fill(f32::MAX);
        network.set_parameter(&name, &weights).unwrap();
        let gradient = step(&network, &problem, 0.0).gradients.get(&name).unwrap();
        assert!(gradient.iter().any(|it| it.is_nan()), "{shape:?}: gradients are finite");
    }
}

/// The forward pass matches the CPU bit for bit: spikes, readout, logits, and potentials, except those driven by analog input.
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
            assert!(bits(&gpu.logits) == bits(&cpu.logits), "{signal:?}: logits");
            assert!(bits(&gpu.readout) == bits(&cpu.readout), "{signal:?}: readout");
            for (l, (gpu, cpu)) in gpu.potentials.iter().zip(&cpu.potentials).enumerate() {
                if l == 0 && signal == Signal::Frames {
                    // the dense product of the input sums in another order
                    let error = relative_error(gpu, cpu);
                    assert!(error < 1e-6, "potentials of the layer with analog input: {error:.1e}");
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

/// The kernels that a training step launches.
fn launches(gpu: CudaEmulation, problem: &Problem) -> Vec<&'static str> {
    let network = problem.network();
    let (gpu, paper) = gpu.on_paper();
    step(&emulated(&network, gpu), problem, 0.0);
    paper.take().iter().map(|it| it.kernel).collect()
}

/// A training step in one block per sample, which must have the bits of separate kernels, and of the tape.
fn in_one_block(network: &Network, problem: &Problem, gpu: CudaEmulation) -> Run {
    let kernel = if problem.signal == Signal::Frames { "train_frames" } else { "train_events" };
    assert_eq!(launches(gpu.clone(), problem), [kernel, "sum_gradients", "update_weights"], "{problem:?}");
    let one_step = |gpu: CudaEmulation| {
        Run::of_step(&emulated(network, gpu), &problem.input(), &problem.labels(), &problem.regularizer)
    };
    let (found, separate) = (one_step(gpu.clone()), one_step(gpu.clone().layer_by_layer()));
    assert_same_bits(&found, &separate, &format!("{problem:?}"));
    let tape = problem.run(&emulated(network, gpu));
    // dfdx computes the loss of the tape
    let tape = Run { cross_entropy: found.cross_entropy, regularization: found.regularization, ..tape };
    assert_same_bits(&found, &tape, &format!("{problem:?}, tape"));
    found
}

/// The problem with its first layer alone, without recurrence.
fn alone(mut problem: Problem) -> Problem {
    let config = &mut problem.config;
    config.hidden = vec![Layer::feed_forward(config.hidden.first().map_or(5, |it| it.units))];
    config.tau_mem = config.tau_mem.of(0).into();
    config.tau_syn = config.tau_syn.of(0).into();
    problem
}

#[test]
fn golden_cases_in_one_block() {
    let cases = golden::cases(golden::PAPER);
    let alone = |case: &&golden::Case| {
        let hidden = &case.expected.config.hidden;
        hidden.len() == 1 && !hidden[0].recurrent
    };
    let cases: Vec<_> = cases.iter().filter(alone).collect();
    assert!(cases.len() > 20, "{} cases", cases.len());
    for case in cases {
        let network = case.network::<f32>(Implementation::Fused);
        let network = emulated(&network, CudaEmulation::new(CudaEmulation::H100, false).shuffled(3));
        let found = Run::of_step(&network, &case.input(), &case.labels, &case.regularizer);
        let expected = &case.expected;
        found.assert_same_spikes(expected, &case.name);
        let error = worst([found.loss_error(expected), found.gradient_error(expected)]);
        assert!(error <= 2e-5, "{}: off by {error:.2e}", case.name);
    }
}

#[test]
fn random_cases_in_one_block() {
    random_problems_with(150, &FUSED, &alone, &|network, problem| {
        let gpu = CudaEmulation::new(CudaEmulation::H100, false).shuffled(problem.seed);
        Some(in_one_block(network, problem, gpu))
    });
}

/// Shapes at their limits, every access checked.
#[test]
fn every_shape_of_one_block() {
    let regularizer = mixed(Signal::Empty, Readout::Max, 1, 1).regularizer;
    for (k, (inputs, units, outputs, steps)) in [
        (1, 1, 1, 1),
        (7, 31, 2, 3),
        (20, 33, 10, 33),
        (40, 100, 33, 8),
        (5, 130, 128, 5),
        (9, 257, 20, 32),
        (3, 512, 65, 9),
    ]
    .into_iter()
    .enumerate()
    {
        for signal in [Signal::Repeated(0.3), Signal::Frames] {
            let config = NetworkConfig {
                hidden: vec![Layer::feed_forward(units)],
                reset: [Reset::default(), Reset::Immediate][k % 2],
                reset_gradient: [ResetGradient::Differentiable, ResetGradient::Detached][k / 2 % 2],
                readout: [Readout::Max, Readout::Sum][k / 3 % 2],
                ..NetworkConfig::new(inputs, outputs)
            };
            let problem = Problem { gain: 20.0, signal, regularizer, ..Problem::new(config, 3, steps) };
            let gpu = CudaEmulation::new(CudaEmulation::H100, false).shuffled(k as u64).checked();
            let found = in_one_block(&problem.network(), &problem, gpu);
            assert!(steps < 8 || found.hidden_spikes() > 0, "{problem:?}");
        }
    }
}

/// What does not fit on chip, or is recurrent, takes separate kernels; the bits are the same.
#[test]
fn one_block_only_if_it_fits() {
    let config = |layer| NetworkConfig { hidden: vec![layer], ..NetworkConfig::new(20, 10) };
    let of = |layer, batch, steps| Problem { gain: 9.0, ..Problem::new(config(layer), batch, steps) };
    let (small, large) = (CudaEmulation::default(), CudaEmulation::new(CudaEmulation::H100, false));
    let is_one = |gpu: &CudaEmulation, problem: &Problem| launches(gpu.clone(), problem).len() == 3;
    let job = of(Layer::feed_forward(100), 3, 100);
    assert!(is_one(&large, &job) && !is_one(&small, &job));
    let run = |gpu: &CudaEmulation| {
        let network = emulated(&job.network(), gpu.clone());
        Run::of_step(&network, &job.input(), &job.labels(), &job.regularizer)
    };
    assert_same_bits(&run(&large), &run(&small), "job R");
    assert!(!is_one(&large, &of(Layer::recurrent(10), 3, 10)));
    assert!(!is_one(&large, &of(Layer::feed_forward(100), 3, 300)));
    assert!(!is_one(&large, &of(Layer::feed_forward(513), 3, 2)));
    let mut wide = of(Layer::feed_forward(10), 3, 10);
    wide.config.outputs = 129;
    assert!(!is_one(&large, &wide));
}
