//! The reference implementation compared with finite differences, and with hand-computed traces.
//!
//! A step function has no useful finite differences. Therefore the hard threshold is replaced by a smooth `f` with `f' = h`: then
//! the surrogate is the true derivative of the model, and everything the tape does (through the reset, recurrence, depth, the
//! readout head and the regularizers) can be checked with `(L(w + e) - L(w - e)) / 2 e`.

use super::{AdaptiveLif, Detach, Drive, Lif, Neuron, forward_with};
use crate::{
    Cpu, Events, Frames, Implementation, Initialization, Input, Layer, Network, NetworkConfig, NeuronKind,
    Readout, RecurrentGradient, Regularizer, Reset, ResetGradient, Surrogate, SurrogateShape,
    spike::{SpikeFunction, on_cpu},
    weights::Matrix,
};
use dfdx::prelude::{
    AsArray, Backward, NoneTape, OwnedTape, Rank0, Tape, Tensor, TensorFromVec, TryMatMul,
    cross_entropy_with_logits_loss,
};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::{cell::RefCell, collections::HashMap};

type Spikes = Matrix<f64, Cpu>;

/// A network with smooth spikes, and everything that its loss depends on.
struct Problem {
    network: Network<f64>,
    input: Input<f64>,
    labels: Vec<usize>,
    regularizer: Regularizer,
}

impl Problem {
    const BATCH: usize = 3;
    const STEPS: usize = 9;

    fn new(config: NetworkConfig, events: bool, regularizer: Regularizer, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (inputs, outputs) = (config.inputs, config.outputs);
        let input = if events {
            // some units spike twice in a step
            let mut one =
                || (rng.gen_range(0..Self::BATCH), rng.gen_range(0..Self::STEPS), rng.gen_range(0..inputs));
            let spikes: Vec<_> = (0..40).map(|_| one()).collect();
            Events::from_spikes(Self::BATCH, Self::STEPS, inputs, &spikes).unwrap().into()
        } else {
            let values = (0..Self::BATCH * Self::STEPS * inputs).map(|_| rng.gen_range(-1.0..2.0)).collect();
            Frames::new(Self::BATCH, Self::STEPS, inputs, values).unwrap().into()
        };
        // f(x) = x is unbounded, and with large potentials the reset would square them in every step
        let gain = if config.surrogate.shape == SurrogateShape::Constant { 0.2 } else { 1.5 };
        let config = NetworkConfig { implementation: Implementation::Reference, ..config };
        Problem {
            network: Network::new(config, Initialization::Normal { gain }, seed).unwrap(),
            input,
            labels: (0..Self::BATCH).map(|_| rng.gen_range(0..outputs)).collect(),
            regularizer,
        }
    }

    /// Cross-entropy plus regularizer.
    fn loss<T: Tape<f64, Cpu>>(&self, tape: T, detach: Detach<'_, f64, Cpu>) -> Tensor<Rank0, f64, Cpu, T> {
        let (config, weights) = (self.network.config(), &self.network.weights);
        let smooth = SpikeFunction::Smooth(config.surrogate);
        let pass = forward_with(config, weights, &self.input, false, tape, smooth, detach).unwrap();
        let mut targets = vec![0.0; self.labels.len() * config.outputs];
        for (row, &label) in targets.chunks_exact_mut(config.outputs).zip(&self.labels) {
            row[label] = 1.0;
        }
        let targets = self.network.device().tensor_from_vec(targets, (self.labels.len(), config.outputs));
        let mut loss = cross_entropy_with_logits_loss(pass.logits, targets);
        for counts in &pass.counts {
            if let Some(penalty) = self.regularizer.penalty::<f64, Cpu, T>(counts) {
                loss = loss + penalty;
            }
        }
        loss
    }

    /// Name, backpropagated gradient and finite differences of every matrix. If a switch detaches spikes, the finite differences
    /// keep them constant at their values for the unperturbed weights.
    fn gradients(&mut self) -> Vec<(String, Vec<f64>, Vec<f64>)> {
        let spikes: RefCell<HashMap<(usize, usize), Spikes>> = RefCell::default();
        let record = |n: usize, l: usize, s: Spikes| {
            let constant = s * 1.0;
            spikes.borrow_mut().insert((n, l), constant.clone());
            constant
        };
        let loss = self.loss(OwnedTape::default(), &record);
        let found = self.network.collect(loss.backward()).unwrap();
        let differences = self.differences(&|n, l, _| spikes.borrow()[&(n, l)].clone());
        differences.into_iter().map(|(name, d)| (name.clone(), found.get(&name).unwrap(), d)).collect()
    }

    fn differences(&mut self, detach: Detach<'_, f64, Cpu>) -> Vec<(String, Vec<f64>)> {
        /// Perturbation of a weight. The third derivative of the loss causes an error of order `STEP^2`, rounding one of order
        /// `1e-16 / STEP`.
        const STEP: f64 = 1e-5;
        let mut all = Vec::new();
        for (name, _, values) in self.network.parameters().collect::<Vec<_>>() {
            let mut moved = values.clone();
            let mut differences = Vec::with_capacity(values.len());
            for (k, &value) in values.iter().enumerate() {
                let mut loss_at = |value: f64| {
                    moved[k] = value;
                    self.network.set_parameter(&name, &moved).unwrap();
                    self.loss(NoneTape, detach).array()
                };
                differences.push((loss_at(value + STEP) - loss_at(value - STEP)) / (2.0 * STEP));
                moved[k] = value;
            }
            self.network.set_parameter(&name, &values).unwrap();
            all.push((name, differences));
        }
        all
    }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// `|a - b| / |b|`; both may be zero.
fn relative_error(a: &[f64], b: &[f64]) -> f64 {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&difference) / norm(b).max(1e-3)
}

/// Maximum accepted relative error of a matrix; the largest one here is 2.4e-7.
const TOLERANCE: f64 = 1e-6;

/// Compares the gradients of one network, and returns the norm of the smallest.
fn check(problem: &mut Problem, what: &str) -> f64 {
    let mut smallest = f64::INFINITY;
    for (name, found, expected) in problem.gradients() {
        let error = relative_error(&found, &expected);
        assert!(error < TOLERANCE, "{what}: {name} is off by {error:.1e}\n{found:?}\n{expected:?}");
        smallest = smallest.min(norm(&found));
    }
    smallest
}

fn config(depth: usize, recurrent: bool) -> NetworkConfig {
    let hidden = [3, 2, 4].map(|units| Layer { units, recurrent });
    NetworkConfig {
        hidden: hidden[..depth].to_vec(),
        // short enough for nine steps to matter
        tau_mem: 4.0.into(),
        tau_syn: 3.0.into(),
        tau_readout: 6.0,
        ..NetworkConfig::new(4, 3)
    }
}

const RESETS: [ResetGradient; 2] = [ResetGradient::Detached, ResetGradient::Differentiable];
const RECURRENT: [RecurrentGradient; 2] = [RecurrentGradient::Propagate, RecurrentGradient::Detached];

fn penalties(upper_norm: u8) -> Regularizer {
    Regularizer {
        lower_strength: 0.7,
        lower_threshold: 0.31,
        upper_strength: 0.9,
        upper_threshold: 0.023,
        upper_norm,
    }
}

#[test]
fn finite_differences_through_depth_recurrence_switches_and_readouts() {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut seed = 0;
    for depth in 0..=3 {
        for (recurrent, readout) in
            [false, true].into_iter().flat_map(|r| [(r, Readout::Max), (r, Readout::Sum)])
        {
            for (reset_gradient, recurrent_gradient) in
                RESETS.into_iter().flat_map(|r| RECURRENT.map(|g| (r, g)))
            {
                for events in [false, true] {
                    seed += 1;
                    // settings not fully crossed are drawn at random (all surrogates: see the next test)
                    let config = NetworkConfig {
                        surrogate: Surrogate {
                            shape: SurrogateShape::ALL[rng.gen_range(0..5)],
                            beta: rng.gen_range(1.5..4.0),
                        },
                        threshold: [1.0, 0.4, 1.3][rng.gen_range(0..3)],
                        readout_start: [0.0, -0.2][rng.gen_range(0..2)],
                        readout,
                        reset_gradient,
                        recurrent_gradient,
                        ..config(depth, recurrent)
                    };
                    let regularizer =
                        [Regularizer::default(), penalties(1), penalties(2)][rng.gen_range(0..3)];
                    let what = format!("{config:?}, {regularizer:?}, events: {events}");
                    check(&mut Problem::new(config, events, regularizer, seed), &what);
                }
            }
        }
    }
}

#[test]
fn finite_differences_of_every_surrogate_through_both_switches() {
    for (k, &shape) in SurrogateShape::ALL.iter().enumerate() {
        for (reset_gradient, recurrent_gradient) in RESETS.into_iter().flat_map(|r| RECURRENT.map(|g| (r, g)))
        {
            // a rectangle must be wide to contain a potential
            let steep = Surrogate { shape, beta: 3.0 };
            let surrogate = if steep.jump().is_some() { Surrogate { beta: 0.3, ..steep } } else { steep };
            let config = NetworkConfig {
                surrogate,
                threshold: 0.3,
                reset_gradient,
                recurrent_gradient,
                readout: Readout::Sum,
                ..config(2, true)
            };
            let what = format!("{shape:?}, {reset_gradient:?}, {recurrent_gradient:?}");
            let smallest = check(&mut Problem::new(config, true, penalties(2), k as u64), &what);
            assert_eq!(
                smallest == 0.0,
                shape == SurrogateShape::True,
                "{what}: gradients of norm {smallest:.1e}"
            );
        }
    }
}

/// Only the regularizers: with zero readout weights, nothing else contributes a gradient.
#[test]
fn finite_differences_of_each_regularizer() {
    let off = Regularizer::default();
    let both = penalties(1);
    let lower = Regularizer { upper_strength: 0.0, ..both };
    let upper = |upper_norm| Regularizer { lower_strength: 0.0, upper_norm, ..both };
    for (regularizer, active) in
        [(off, false), (lower, true), (upper(1), true), (upper(2), true), (both, true)]
    {
        let config = NetworkConfig { threshold: 0.1, readout: Readout::Sum, ..config(1, true) };
        let mut problem = Problem::new(config, false, regularizer, 5);
        problem.network.set_parameter("Wout", &[0.0; 9]).unwrap();
        check(&mut problem, &format!("{regularizer:?}"));
        let gradients = problem.gradients();
        for (name, found, _) in gradients.iter().filter(|(name, ..)| name != "Wout") {
            assert_eq!(norm(found) > 1e-4, active, "{regularizer:?}: gradient of {name} is {found:?}");
        }
    }
}

/// Without keeping them constant, the finite differences disagree: the tests above can distinguish the switches.
#[test]
fn detached_paths_change_plain_finite_differences() {
    let open =
        NetworkConfig { threshold: 0.3, reset_gradient: ResetGradient::Differentiable, ..config(1, true) };
    let reset = NetworkConfig { reset_gradient: ResetGradient::Detached, ..open.clone() };
    let recurrent = NetworkConfig { recurrent_gradient: RecurrentGradient::Detached, ..open.clone() };
    for (config, same) in [(open, true), (reset, false), (recurrent, false)] {
        let mut problem = Problem::new(config.clone(), false, Regularizer::default(), 3);
        let gradients = problem.gradients();
        let plain = problem.differences(&|_, _, spikes| spikes);
        let worst = gradients.iter().zip(&plain).map(|((_, found, _), (_, d))| relative_error(found, d));
        let worst = worst.fold(0.0, f64::max);
        assert_eq!(worst < TOLERANCE, same, "{config:?}: {worst:.1e}");
        assert!(same || worst > 1e-3, "{config:?}: {worst:.1e}");
    }
}

/// Steps of `ln 2` with `tau_mem = 1`, `tau_syn = 1/2`, `tau_readout = 1/4`: the decays are 1/2, 1/4 and 1/16, and every
/// trace is a fraction that can be computed by hand. One unit, input 1 in every step.
fn by_hand(recurrent: bool) -> NetworkConfig {
    NetworkConfig {
        hidden: vec![Layer { units: 1, recurrent }],
        dt: std::f64::consts::LN_2,
        tau_mem: 1.0.into(),
        tau_syn: 0.5.into(),
        tau_readout: 0.25,
        implementation: Implementation::Reference,
        ..NetworkConfig::new(1, 1)
    }
}

struct Trace {
    /// Potential of the unit.
    u: Vec<f64>,
    /// Its spike steps.
    spikes: Vec<usize>,
    /// Potential of the readout.
    readout: Vec<f64>,
    logit: f64,
}

fn trace(config: NetworkConfig, weights: &[(&str, f64)], steps: usize) -> Trace {
    let mut network: Network<f64> = Network::new(config, Initialization::default(), 0).unwrap();
    for &(name, w) in weights {
        network.set_parameter(name, &[w]).unwrap();
    }
    let ones = Frames::new(1, steps, 1, vec![1.0; steps]).unwrap();
    let (output, recording) = network.record(&ones.into()).unwrap();
    let spikes: Vec<usize> = (0..steps).filter(|&n| !recording.spikes[0].row(0, n).is_empty()).collect();
    assert_eq!(output.counts[0], [spikes.len() as f64]);
    Trace { u: recording.potentials[0].clone(), spikes, readout: recording.readout, logit: output.logits[0] }
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let close = found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-14);
    assert!(close, "{found:?}, not {expected:?}");
}

/// ```text
/// n        0   1   2    3     4       5
/// I        0   4   5   21/4  85/16  341/64      I/4 + 4
/// U        0   0   2    0    21/8     0         (U + I)/2, or 0 after a spike
/// S        0   0   1    0     1       0
/// I_out    0   0   0    2    1/2    17/8        I_out/4 + 2 S
/// U_out    0   0   0    0   15/8   75/128       (U_out + 15 I_out)/16
/// ```
#[test]
fn trace_of_a_unit_that_spikes_every_second_step() {
    let config = by_hand(false);
    let max = trace(config.clone(), &[("W1", 4.0), ("Wout", 2.0)], 6);
    assert_close(&max.u, &[0.0, 0.0, 2.0, 0.0, 21.0 / 8.0, 0.0]);
    assert_eq!(max.spikes, [2, 4]);
    assert_close(&max.readout, &[0.0, 0.0, 0.0, 0.0, 15.0 / 8.0, 75.0 / 128.0]);
    assert_close(&[max.logit], &[15.0 / 8.0]);
    let sum = trace(NetworkConfig { readout: Readout::Sum, ..config }, &[("W1", 4.0), ("Wout", 2.0)], 6);
    assert_close(&[sum.logit], &[(240.0 + 75.0) / 128.0]);
}

/// Threshold 3/2, so no spike at n = 2 where U = 5/4; the spike at n = 3 is fed back with V = -8:
///
/// ```text
/// n        0   1    2      3        4         5
/// I        0  5/2  25/8  105/32  -599/128  681/512     I/4 + 5/2 - 8 S
/// U        0   0   5/4   35/16     0      -599/256
/// S        0   0    0      1       0         0
/// ```
///
/// The readout starts at -1 and gets nothing before n = 5: -1/16^n.
#[test]
fn trace_of_a_unit_that_inhibits_itself() {
    let config = NetworkConfig { threshold: 1.5, readout_start: -1.0, ..by_hand(true) };
    let found = trace(config, &[("W1", 2.5), ("V1", -8.0), ("Wout", 1.0)], 6);
    assert_close(&found.u, &[0.0, 0.0, 5.0 / 4.0, 35.0 / 16.0, 0.0, -599.0 / 256.0]);
    assert_eq!(found.spikes, [3]);
    let start: Vec<f64> = (0..5).map(|n| -(0.0625f64.powi(n))).collect();
    assert_close(&found.readout[..5], &start);
    assert_close(&found.readout[5..], &[-(0.0625f64.powi(5)) + 15.0 / 16.0]);
    assert_close(&[found.logit], &[-(0.0625f64.powi(5)) + 15.0 / 16.0]);
}

/// Two units, from U = (2, 1/2), I = (4, -1), of which the first spikes; W = (1 2), V = ((0 3) (5 0)), input 1:
/// U = ((2 + 4)/2 (1 - 1), (1/2 - 1)/2) and I = (4/4 + 1, -1/4 + 2 + 3).
#[test]
fn one_step_by_hand() {
    let device = Cpu::default();
    let matrix = |values: &[f64], rows: usize| -> Matrix<f64, Cpu> {
        device.tensor_from_vec(values.to_vec(), (rows, values.len() / rows))
    };
    let states = vec![matrix(&[2.0, 0.5], 1), matrix(&[4.0, -1.0], 1)];
    let spikes = matrix(&[1.0, 0.0], 1);
    let (w, v) = (matrix(&[1.0, 2.0], 1), matrix(&[0.0, 3.0, 5.0, 0.0], 2));
    let currents = vec![matrix(&[1.0], 1).matmul(w), spikes.clone().matmul(v)];
    let drive = Drive { spikes: spikes.clone(), reset: spikes, currents };
    let next = <Lif<f64>>::of(&by_hand(true), 0).step(states, drive);
    assert_close(&next[0].as_vec(), &[0.0, -0.25]);
    assert_close(&next[1].as_vec(), &[2.0, 4.75]);
}

/// The same with an immediate reset: U = (4/2, (1/2 - 1)/2), the first from 0.
#[test]
fn one_step_with_an_immediate_reset_by_hand() {
    let device = Cpu::default();
    let matrix = |values: &[f64]| -> Matrix<f64, Cpu> { device.tensor_from_vec(values.to_vec(), (1, 2)) };
    let config = NetworkConfig { reset: Reset::Immediate, ..by_hand(false) };
    let spikes = matrix(&[1.0, 0.0]);
    let drive = Drive { spikes: spikes.clone(), reset: spikes, currents: vec![matrix(&[1.0, 2.0])] };
    let next = <Lif<f64>>::of(&config, 0).step(vec![matrix(&[2.0, 0.5]), matrix(&[4.0, -1.0])], drive);
    assert_close(&next[0].as_vec(), &[2.0, -0.25]);
    assert_close(&next[1].as_vec(), &[2.0, 1.75]);
}

/// Adaptation 2 and `b_ada = 1/2`: what was at 1/4 is at 1/8, and 5/8 after a spike; potential 2 stands for 2 - 2 / 4.
#[test]
fn one_step_of_an_adaptive_threshold_by_hand() {
    let device = Cpu::default();
    let matrix = |values: &[f64]| -> Matrix<f64, Cpu> { device.tensor_from_vec(values.to_vec(), (1, 2)) };
    let config = NetworkConfig { tau_adaptation: 1.0, adaptation: 2.0, ..by_hand(false) };
    let neuron = <AdaptiveLif<f64>>::of(&config, 0);
    let states = vec![matrix(&[2.0, 0.5]), matrix(&[4.0, -1.0]), matrix(&[0.25, 0.25])];
    assert_close(&neuron.excitation(&states).as_vec(), &[1.5, 0.0]);
    let spikes = matrix(&[1.0, 0.0]);
    let drive = Drive { spikes: spikes.clone(), reset: spikes, currents: vec![matrix(&[1.0, 2.0])] };
    let next = neuron.step(states, drive);
    assert_close(&next[0].as_vec(), &[0.0, -0.25]);
    assert_close(&next[1].as_vec(), &[2.0, 1.75]);
    assert_close(&next[2].as_vec(), &[0.625, 0.125]);
}

#[test]
fn finite_differences_of_every_neuron_model_through_both_switches() {
    for (k, &neuron) in NeuronKind::ALL.iter().enumerate() {
        let switches = RESETS.into_iter().flat_map(|r| RECURRENT.map(|g| (r, g)));
        let switches = switches.flat_map(|s| [Reset::Delayed, Reset::Immediate].map(|reset| (reset, s)));
        for (reset, (reset_gradient, recurrent_gradient)) in switches {
            let config = NetworkConfig {
                neuron,
                reset,
                tau_adaptation: 5.0,
                surrogate: Surrogate { beta: 3.0, ..Surrogate::default() },
                threshold: 0.3,
                tau_mem: vec![4.0, 7.0].into(),
                tau_syn: vec![3.0, 1.5].into(),
                reset_gradient,
                recurrent_gradient,
                readout: Readout::Sum,
                ..config(2, true)
            };
            let what = format!("{neuron:?}, {reset:?}, {reset_gradient:?}, {recurrent_gradient:?}");
            assert!(check(&mut Problem::new(config, true, penalties(2), k as u64), &what) > 0.0);
        }
    }
}

#[test]
fn the_threshold_is_strict() {
    let threshold = 0.7;
    let u = [threshold - 1e-9, threshold, threshold + 1e-9, -3.0, 3.0];
    let potential: Matrix<f64, Cpu> = Cpu::default().tensor_from_vec(u.to_vec(), (1, u.len()));
    let spikes = on_cpu(potential, threshold, SpikeFunction::Threshold(Surrogate::default())).unwrap();
    assert_eq!(spikes.as_vec(), [0.0, 0.0, 1.0, 0.0, 1.0]);
}
