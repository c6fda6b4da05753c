//! Results are bit-identical for any number of threads and any previous use of a network; instruction sets give the same spikes and
//! nearly the same gradients.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "test helpers fail like tests")]

use snn_core::{
    Adam, AdamConfig, CrossEntropy, Implementation, Initialization, Input, InstructionSet, Layer, Network,
    NetworkConfig, Readout, RecurrentGradient, Regularizer, ResetGradient, Surrogate, SurrogateShape,
    TrainingStep,
};
use snn_tests::{
    problem::{Problem, Signal},
    run::Run,
};

/// Networks that reach every path of the fused implementation, with batches of several blocks and a partial one.
fn problems() -> Vec<Problem> {
    let config = |hidden: &[Layer]| NetworkConfig { hidden: hidden.to_vec(), ..NetworkConfig::new(20, 10) };
    let switched = NetworkConfig {
        readout: Readout::Sum,
        reset_gradient: ResetGradient::Differentiable,
        recurrent_gradient: RecurrentGradient::Detached,
        surrogate: Surrogate { shape: SurrogateShape::Sigmoid, beta: 5.0 },
        threshold: 0.5,
        ..config(&[Layer::recurrent(50), Layer::feed_forward(17)])
    };
    let regularizer = Regularizer {
        lower_strength: 10.0,
        lower_threshold: 1.5,
        upper_strength: 0.1,
        upper_threshold: 0.7,
        upper_norm: 2,
    };
    let plain = |hidden: &[Layer]| Problem::new(config(hidden), 100, 50);
    vec![
        plain(&[]),
        plain(&[Layer::feed_forward(100)]),
        plain(&[Layer::recurrent(64), Layer::recurrent(33), Layer::feed_forward(20)]),
        Problem { signal: Signal::Frames, ..plain(&[]) },
        Problem { signal: Signal::Frames, ..plain(&[Layer::recurrent(70)]) },
        Problem { regularizer, signal: Signal::Repeated(0.2), ..Problem::new(switched, 77, 40) },
    ]
}

/// Bits of all weights and moments after a few training steps, and of all intermediate results.
fn train(problem: &Problem, steps: usize) -> (Vec<Run>, Vec<Vec<u32>>) {
    let mut network = problem.network();
    let mut adam = Adam::new(AdamConfig { learning_rate: 0.01, ..AdamConfig::default() }, &network).unwrap();
    let mut runs = Vec::new();
    for step in 0..steps {
        let batch = Problem { seed: step as u64, ..problem.clone() };
        runs.push(batch.run(&network));
        let loss = network.loss(&batch.input(), &batch.labels(), &batch.regularizer).unwrap();
        let gradients = loss.backward().unwrap();
        adam.update(&mut network, &gradients).unwrap();
    }
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
    let weights = network.parameters().map(|(_, _, values)| bits(values));
    let buffers = adam.state().matrices.into_iter().flat_map(|matrix| matrix.buffers);
    let moments = buffers.map(|(_, values)| bits(values));
    (runs, weights.chain(moments).collect())
}

/// The combined forward and backward pass equals forward, then backward: with every instruction set, any number of threads,
/// and both implementations.
#[test]
fn loss_and_gradients_in_one_call_equal_the_tape_bit_for_bit() {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let strong = Regularizer {
        lower_strength: 3.0,
        lower_threshold: 2.5,
        upper_strength: 0.7,
        upper_threshold: 0.1,
        upper_norm: 1,
    };
    for problem in problems() {
        let regularizers = [problem.regularizer, strong, Regularizer { upper_norm: 2, ..strong }];
        let reference = NetworkConfig { implementation: Implementation::Reference, ..problem.config.clone() };
        let reference = Problem { config: reference, batch: 11, steps: 15, ..problem.clone() };
        let fused = InstructionSet::available().into_iter().map(|set| (problem.clone(), Some(set)));
        for (problem, set) in fused.chain([(reference, None)]) {
            let mut network = problem.network();
            if let Some(set) = set {
                network.set_instruction_set(set).unwrap();
            }
            let (input, labels) = (problem.input(), problem.labels());
            let smooth = CrossEntropy { label_smoothing: 0.3 };
            let losses = [CrossEntropy::default(), smooth];
            for (regularizer, loss_function) in regularizers.iter().zip(losses.iter().cycle()) {
                let loss = network.loss_with(loss_function, &input, &labels, regularizer).unwrap();
                let (cross_entropy, regularization) = (loss.cross_entropy, loss.regularization);
                let output = loss.output.clone();
                let expected = loss.backward().unwrap();
                for threads in [1, 2, 3] {
                    let step = with_threads(threads, || {
                        let network = network.clone();
                        network.training_step(loss_function, &input, &labels, regularizer).unwrap()
                    });
                    let TrainingStep { values, gradients, forward_share } = step;
                    assert!(forward_share > 0.0 && forward_share < 1.0, "{forward_share}");
                    let what = format!("{set:?}, {threads} threads, {regularizer:?}, {problem:?}");
                    assert_eq!(values.cross_entropy.to_bits(), cross_entropy.to_bits(), "{what}");
                    assert_eq!(values.regularization.to_bits(), regularization.to_bits(), "{what}");
                    assert!(values.output == output, "{what}");
                    for (name, ..) in network.parameters() {
                        let (found, expected) = (gradients.get(&name).unwrap(), expected.get(&name).unwrap());
                        assert!(bits(&found) == bits(&expected), "{name}: {what}");
                    }
                }
            }
        }
    }
}

fn with_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        assert_eq!(rayon::current_num_threads(), threads);
        work()
    })
}

#[test]
fn same_bits_for_one_two_and_four_threads() {
    for problem in problems() {
        let (runs, weights) = with_threads(1, || train(&problem, 4));
        assert!(problem.config.hidden.is_empty() || runs.iter().all(|run| run.hidden_spikes() > 0));
        for threads in [2, 3, 4] {
            for _ in 0..3 {
                let again = with_threads(threads, || train(&problem, 4));
                assert!(again.0 == runs, "{threads} threads compute other results on {problem:?}");
                assert!(again.1 == weights, "{threads} threads train other weights on {problem:?}");
            }
        }
    }
}

#[test]
fn instruction_sets_agree() {
    let available = InstructionSet::available();
    let names: Vec<String> = available.iter().map(ToString::to_string).collect();
    println!("instruction sets of this processor: {}", names.join(", "));
    assert_eq!(available[0], InstructionSet::Portable);
    for problem in problems() {
        let with = |set: InstructionSet| {
            let mut network = problem.network();
            network.set_instruction_set(set).unwrap();
            assert_eq!(network.instruction_set(), set);
            problem.run(&network)
        };
        let portable = with(InstructionSet::Portable);
        for &set in &available[1..] {
            let run = with(set);
            run.assert_same_spikes(&portable, format_args!("{set} on {problem:?}"));
            let (forward, gradient) = (run.forward_error(&portable), run.gradient_error(&portable));
            println!("{set:<8} {forward:.1e} (forward) {gradient:.1e} (gradients)");
            assert!(forward < 1e-5 && gradient < 1e-5, "{set} on {problem:?}");
        }
    }
}

#[test]
fn the_best_instruction_set_is_the_default() {
    let network = problems()[0].network();
    assert_eq!(Some(&network.instruction_set()), InstructionSet::available().last());
}

/// One network processes batches of different sizes, lengths and kinds in sequence; its reused memory holds values of earlier
/// batches.
#[test]
fn earlier_batches_have_no_effect() {
    for problem in problems() {
        let network = problem.network();
        let batches: Vec<Problem> = [(100, 50), (3, 50), (17, 1), (8, 90), (64, 7), (1, 200), (100, 50)]
            .into_iter()
            .zip(
                [Signal::Spikes(0.3), Signal::Frames, Signal::Repeated(0.4), Signal::Empty, Signal::Frames]
                    .iter()
                    .cycle(),
            )
            .map(|((batch, steps), &signal)| Problem { batch, steps, signal, ..problem.clone() })
            .collect();
        for batch in batches.iter().chain(batches.iter().rev()) {
            // `network` scales the readout to the batch: use the weights of the shared network
            let mut fresh: Network = Network::new(network.config().clone(), Default::default(), 1).unwrap();
            for (name, _, values) in network.parameters() {
                fresh.set_parameter(&name, &values).unwrap();
            }
            assert!(batch.run(&network) == batch.run(&fresh), "{batch:?} after other batches");
        }
    }
}

#[test]
fn losses_may_be_dropped_or_used_later() {
    for problem in problems() {
        let (input, labels) = (problem.input(), problem.labels());
        let loss = |network: &Network| -> Vec<Vec<f32>> {
            let gradients = network.loss(&input, &labels, &problem.regularizer).unwrap().backward().unwrap();
            network.parameters().map(|(name, ..)| gradients.get(&name).unwrap()).collect()
        };
        let network = problem.network();
        let expected = loss(&network);
        for _ in 0..3 {
            drop(network.loss(&input, &labels, &problem.regularizer).unwrap());
        }
        assert_eq!(loss(&network), expected, "after dropped losses");

        // two losses at once, with backward passes in order of creation
        let other = Problem { seed: 9, ..problem.clone() };
        let first = network.loss(&input, &labels, &problem.regularizer).unwrap();
        let second = network.loss(&other.input(), &other.labels(), &problem.regularizer).unwrap();
        let (first, second) = (first.backward().unwrap(), second.backward().unwrap());
        for ((name, ..), expected) in network.parameters().zip(&expected) {
            assert_eq!(first.get(&name).as_ref(), Some(expected), "{name}: with another loss pending");
        }
        let alone =
            network.loss(&other.input(), &other.labels(), &problem.regularizer).unwrap().backward().unwrap();
        for (name, ..) in network.parameters() {
            assert_eq!(second.get(&name), alone.get(&name), "{name}: after the other loss");
        }
    }
}

/// Several threads of the caller share one network and its cached memory.
#[test]
fn one_network_for_several_threads_of_the_caller() {
    let problem = Problem::new(
        NetworkConfig { hidden: vec![Layer::recurrent(33)], ..NetworkConfig::new(20, 10) },
        20,
        30,
    );
    let network = problem.network();
    let batches: Vec<Problem> =
        (0..4).map(|seed| Problem { seed, batch: 5 + 7 * seed as usize, ..problem.clone() }).collect();
    let expected: Vec<Run> = batches.iter().map(|batch| batch.run(&network)).collect();
    std::thread::scope(|scope| {
        for (batch, expected) in batches.iter().zip(&expected) {
            let network = &network;
            scope.spawn(move || {
                for _ in 0..20 {
                    assert!(batch.run(network) == *expected, "{batch:?} beside other threads");
                }
            });
        }
    });
}

/// [`Run::new`] compares the inference, recording and taped passes bit by bit, for both implementations.
#[test]
fn inference_equals_the_taped_pass() {
    for problem in problems() {
        for implementation in [Implementation::Fused, Implementation::Reference] {
            let config = NetworkConfig { implementation, ..problem.config.clone() };
            let small = Problem { config: config.clone(), batch: 11, steps: 15, ..problem.clone() };
            let network: Network = Network::new(config, Initialization::Normal { gain: 5.0 }, 0).unwrap();
            small.run(&network);
        }
    }
}

/// The result of a sample does not depend on its neighbors: a batch of 13 gives the same bits as its first 8 and last 5
/// samples.
#[test]
fn samples_are_independent() {
    let hidden = vec![Layer::feed_forward(17), Layer::recurrent(20)];
    let config = NetworkConfig { hidden, ..NetworkConfig::new(12, 5) };
    for signal in [Signal::Spikes(0.2), Signal::Frames] {
        let problem = Problem { signal, ..Problem::new(config.clone(), 13, 30) };
        let network = problem.network();
        let part = |samples: std::ops::Range<usize>| match problem.input::<f32>() {
            Input::Events(events) => {
                let rows = samples.clone().flat_map(|sample| (0..30).map(move |step| (sample, step)));
                let spikes: Vec<_> = rows
                    .flat_map(|(sample, step)| {
                        events.row(sample, step).iter().map(move |&u| (sample, step, usize::from(u)))
                    })
                    .map(|(sample, step, unit)| (sample - samples.start, step, unit))
                    .collect();
                snn_core::Events::from_spikes(samples.len(), 30, 12, &spikes).unwrap().into()
            }
            Input::Frames(frames) => {
                let values = frames.values()[samples.start * 30 * 12..samples.end * 30 * 12].to_vec();
                Input::from(snn_core::Frames::new(samples.len(), 30, 12, values).unwrap())
            }
        };
        let whole = network.forward(&part(0..13)).unwrap();
        let (first, last) = (network.forward(&part(0..8)).unwrap(), network.forward(&part(8..13)).unwrap());
        assert_eq!(whole.logits, [first.logits, last.logits].concat());
        for (l, whole) in whole.counts.iter().enumerate() {
            assert_eq!(*whole, [first.counts[l].as_slice(), last.counts[l].as_slice()].concat());
        }
    }
}
