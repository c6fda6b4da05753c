//! The fused implementation compared with the reference in `f64`, on random networks and at the limits of the valid range.
//!
//! Both get the same `f32` weights and the same input. Spikes must be identical, all else within
//! [`Tolerance`](snn_tests::random::Tolerance). The random draws are the same in every run; to test more:
//!
//! `PROPTEST_CASES=10000 PROPTEST_RNG_SEED=7 cargo test --release -p snn-tests --test properties -- --nocapture`

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "test helpers fail like tests")]

use snn_core::{
    Input, Layer, Network, NetworkConfig, Readout, RecurrentGradient, Regularizer, Reset, ResetGradient,
    Surrogate, SurrogateShape,
};
use snn_tests::{
    measure::norm,
    problem::{Problem, Signal, reference},
    random::{FUSED, REFERENCE_F32, compare, random_problems, random_problems_with},
    run::Run,
};

/// Runs the fused implementation on the first seed for which rounding does not decide the result; returns the run.
fn agree(problem: &Problem) -> Run {
    let fused = |network: &Network, problem: &Problem| Some(problem.run(network));
    let clear = (0..8).find_map(|seed| compare(&Problem { seed, ..problem.clone() }, &FUSED, &fused));
    clear.unwrap_or_else(|| panic!("no clear case of {problem:?}")).expected
}

#[test]
fn fused_equals_reference() {
    random_problems(1500, &FUSED, &|network, problem| Some(problem.run(network)));
}

#[test]
fn fused_equals_reference_with_an_immediate_reset() {
    let run = |network: &Network, problem: &Problem| Some(problem.run(network));
    random_problems_with(700, &FUSED, &Problem::reset_at_once, &run);
}

#[test]
fn reference_in_f32_equals_reference_in_f64() {
    // An adjoint that overflows times an input of 0 is NaN here; the fused implementation skips inputs of 0.
    let finite = |run: &Run| run.gradients.iter().flat_map(|(_, gradient)| gradient).all(|g| g.is_finite());
    random_problems(500, &REFERENCE_F32, &|network, problem| {
        Some(problem.run(&reference::<f32>(network))).filter(finite)
    });
}

/// A network with two hidden layers, the second recurrent.
fn two_layers(widths: [usize; 2]) -> NetworkConfig {
    let hidden = vec![Layer::feed_forward(widths[0]), Layer::recurrent(widths[1])];
    NetworkConfig { hidden, ..NetworkConfig::new(12, 5) }
}

const RESETS: [ResetGradient; 2] = [ResetGradient::Detached, ResetGradient::Differentiable];
const PROPAGATION: [RecurrentGradient; 2] = [RecurrentGradient::Propagate, RecurrentGradient::Detached];
const READOUTS: [Readout; 2] = [Readout::Max, Readout::Sum];

/// Sizes of inputs, layers and readout around multiples of the vector lengths, 8 and 16.
#[test]
fn widths_that_fill_no_vector() {
    for width in (1..=34).chain([47, 48, 49, 63, 64, 65, 127, 128, 129, 255, 257]) {
        for recurrent in [false, true] {
            let hidden = vec![Layer { units: width, recurrent }];
            for config in [
                NetworkConfig { hidden: hidden.clone(), ..NetworkConfig::new(12, 5) },
                NetworkConfig { hidden, ..NetworkConfig::new(width.min(100), width.min(100)) },
            ] {
                agree(&Problem::new(config, 3, 20));
            }
        }
    }
}

/// Feed-forward layers above 512 units process one panel of columns at a time over all steps, unless the gradient goes through
/// resets.
#[test]
fn layers_wider_than_a_panel() {
    for units in [513, 528, 600] {
        let hidden = vec![Layer::feed_forward(units), Layer::recurrent(9)];
        let base = NetworkConfig { hidden, ..NetworkConfig::new(12, 5) };
        for config in [
            base.clone(),
            NetworkConfig { reset: Reset::Immediate, ..base.clone() },
            NetworkConfig { reset_gradient: ResetGradient::Differentiable, ..base },
        ] {
            agree(&Problem { gain: 4.0, ..Problem::new(config, 2, 30) });
        }
    }
}

#[test]
fn every_depth_and_pattern_of_recurrence() {
    for depth in 0..=3 {
        for pattern in 0..1 << depth {
            let layer = |l: usize| Layer { units: 9 + 8 * l, recurrent: pattern & (1 << l) != 0 };
            let hidden: Vec<Layer> = (0..depth).map(layer).collect();
            for (readout, signal) in READOUTS.into_iter().zip([Signal::Spikes(0.2), Signal::Frames]) {
                let config = NetworkConfig { hidden: hidden.clone(), readout, ..NetworkConfig::new(12, 5) };
                let run = agree(&Problem { signal, gain: 8.0, ..Problem::new(config, 9, 40) });
                let alive = run.spikes.iter().all(|layer| layer.spikes() > 0);
                assert!(alive, "a layer of {:?} is silent", run.config);
            }
        }
    }
}

#[test]
fn every_surrogate_through_every_switch() {
    for &shape in SurrogateShape::ALL {
        for (reset_gradient, recurrent_gradient) in
            RESETS.into_iter().flat_map(|r| PROPAGATION.map(|g| (r, g)))
        {
            for (readout, beta) in [(Readout::Max, 10.0), (Readout::Sum, 100.0)] {
                let surrogate = Surrogate { shape, beta };
                let switches = NetworkConfig {
                    surrogate,
                    reset_gradient,
                    recurrent_gradient,
                    readout,
                    ..two_layers([17, 20])
                };
                agree(&Problem::new(switches, 9, 12));
            }
        }
    }
}

/// The surrogate depends on `U - threshold`; thresholds and weights grow together, to keep the spikes the same.
#[test]
fn other_thresholds() {
    for threshold in [0.01, 0.5, 3.0, 100.0] {
        for reset_gradient in RESETS {
            let config = NetworkConfig { threshold, reset_gradient, ..two_layers([17, 20]) };
            let run = agree(&Problem { gain: 6.0 * threshold, ..Problem::new(config, 9, 30) });
            assert!(run.hidden_spikes() > 0, "threshold {threshold}");
        }
    }
}

#[test]
fn a_readout_that_does_not_start_at_zero() {
    for readout_start in [-1e-3, 0.7, -2.0] {
        for (readout, gain) in READOUTS.into_iter().flat_map(|r| [(r, 0.1), (r, 6.0)]) {
            let config = NetworkConfig { readout_start, readout, ..two_layers([17, 20]) };
            let run = agree(&Problem { gain, ..Problem::new(config, 9, 30) });
            assert_eq!(run.hidden_spikes() > 0, gain > 1.0);
        }
    }
}

#[test]
fn regularizers_of_both_norms() {
    let both = Regularizer {
        lower_strength: 1.5,
        lower_threshold: 2.3,
        upper_strength: 0.6,
        upper_threshold: 0.31,
        upper_norm: 1,
    };
    let lower = Regularizer { upper_strength: 0.0, ..both };
    let upper = Regularizer { lower_strength: 0.0, ..both };
    for regularizer in
        [both, lower, upper].into_iter().flat_map(|r| [1, 2].map(|n| Regularizer { upper_norm: n, ..r }))
    {
        for reset_gradient in RESETS {
            let config = NetworkConfig { reset_gradient, ..two_layers([17, 20]) };
            let run = agree(&Problem { regularizer, gain: 7.0, ..Problem::new(config, 13, 30) });
            assert!(run.regularization > 0.0, "{regularizer:?} has no effect");
        }
    }
}

#[test]
fn input_without_a_single_spike() {
    for (readout, readout_start) in READOUTS.into_iter().flat_map(|r| [(r, 0.0), (r, -1e-3)]) {
        for hidden in
            [vec![], vec![Layer::feed_forward(17)], vec![Layer::recurrent(20), Layer::feed_forward(3)]]
        {
            let config = NetworkConfig { readout, readout_start, hidden, ..NetworkConfig::new(12, 5) };
            let lower =
                Regularizer { lower_strength: 100.0, lower_threshold: 1e-3, ..Regularizer::default() };
            let run =
                agree(&Problem { signal: Signal::Empty, regularizer: lower, ..Problem::new(config, 9, 20) });
            assert_eq!(run.hidden_spikes(), 0);
            assert!(run.gradients.iter().all(|(_, gradient)| norm(gradient) == 0.0), "nothing to learn from");
        }
    }
}

#[test]
fn silent_networks() {
    let lower = Regularizer { lower_strength: 100.0, lower_threshold: 1e-3, ..Regularizer::default() };
    for (regularizer, learns) in [(Regularizer::default(), false), (lower, true)] {
        for signal in [Signal::Spikes(0.3), Signal::Frames] {
            let problem =
                Problem { gain: 0.1, signal, regularizer, ..Problem::new(two_layers([17, 20]), 9, 30) };
            let run = agree(&problem);
            assert_eq!(run.hidden_spikes(), 0);
            assert_eq!(
                run.gradients.iter().any(|(_, gradient)| norm(gradient) > 0.0),
                learns,
                "{regularizer:?}"
            );
        }
    }
}

/// Far below the threshold, a steep Sigmoid' times a small gradient is subnormal in `f32`, and processors take a hundred
/// times as long for subnormal numbers.
#[test]
fn steep_slopes_leave_no_subnormal_gradients() {
    let regularizer = Regularizer { lower_strength: 100.0, lower_threshold: 1e-3, ..Regularizer::default() };
    for shape in [SurrogateShape::Sigmoid, SurrogateShape::SigmoidRescaled] {
        for beta in [1.0, 10.0, 30.0, 45.0, 60.0, 80.0, 100.0, 1000.0] {
            let config = NetworkConfig { surrogate: Surrogate { shape, beta }, ..two_layers([17, 20]) };
            let problem = Problem { gain: 0.1, regularizer, ..Problem::new(config, 9, 30) };
            let run = problem.run(&problem.network());
            let gradients = run.gradients.iter().flat_map(|(_, gradient)| gradient);
            let least = gradients.filter(|&&g| g != 0.0).fold(f64::INFINITY, |least, g| least.min(g.abs()));
            assert!(least >= f64::from(f32::MIN_POSITIVE), "{shape:?} with slope {beta}: {least:e}");
        }
    }
}

/// A unit spikes at most in every second step; here half of the units do, and the other half is always inhibited.
#[test]
fn saturated_networks() {
    for signal in [Signal::Spikes(0.5), Signal::Frames] {
        for config in [
            two_layers([17, 20]),
            NetworkConfig { hidden: vec![Layer::feed_forward(33)], ..two_layers([1, 1]) },
        ] {
            let units: usize = config.hidden.iter().map(|layer| layer.units).sum();
            let run = agree(&Problem { gain: 1e4, signal, ..Problem::new(config, 9, 30) });
            let rate = run.hidden_spikes() as f64 / (units * 9 * 30) as f64;
            assert!(rate > 0.15, "{rate:.2} spikes per step");
        }
    }
}

#[test]
fn last_partial_batches() {
    for batch in (1..=17).chain([23, 24, 25, 63, 64, 65]) {
        agree(&Problem::new(two_layers([9, 10]), batch, 20));
    }
}

#[test]
fn one_two_and_three_steps() {
    for steps in 1..=3 {
        for (signal, readout) in
            [Signal::Repeated(0.5), Signal::Frames].into_iter().flat_map(|s| READOUTS.map(|r| (s, r)))
        {
            for hidden in
                [vec![], vec![Layer::recurrent(20)], vec![Layer::recurrent(20), Layer::feed_forward(3)]]
            {
                let config = NetworkConfig { readout, hidden, ..NetworkConfig::new(12, 5) };
                agree(&Problem { signal, gain: 50.0, ..Problem::new(config, 9, steps) });
            }
        }
    }
}

#[test]
fn inputs_that_spike_several_times_in_a_step() {
    for hidden in [vec![], vec![Layer::feed_forward(17)], vec![Layer::recurrent(33)]] {
        let config = NetworkConfig { hidden, ..NetworkConfig::new(12, 5) };
        let problem = Problem { signal: Signal::Repeated(0.4), ..Problem::new(config, 9, 30) };
        let Input::Events(events) = problem.input::<f32>() else { unreachable!("spikes are events") };
        assert!((0..30).any(|step| events.row(0, step).windows(2).any(|pair| pair[0] == pair[1])));
        agree(&problem);
    }
}

#[test]
fn analog_frames() {
    for width in [1, 7, 16, 33, 100] {
        for hidden in
            [vec![], vec![Layer::feed_forward(width)], vec![Layer::recurrent(width), Layer::recurrent(3)]]
        {
            let config = NetworkConfig { hidden, ..NetworkConfig::new(40, 17) };
            agree(&Problem { signal: Signal::Frames, ..Problem::new(config, 9, 30) });
        }
    }
}

/// The backward pass processes steps in chunks that fit a cache: problems wide or long enough for several chunks, the last
/// one shorter.
#[test]
fn more_steps_than_the_backward_pass_takes_at_once() {
    let wide = NetworkConfig { hidden: vec![Layer::feed_forward(1000)], ..NetworkConfig::new(12, 5) };
    let deep = NetworkConfig {
        hidden: vec![Layer::recurrent(500), Layer::feed_forward(9)],
        ..NetworkConfig::new(12, 5)
    };
    let long = two_layers([9, 10]);
    for (config, steps) in [(wide, 53), (deep, 70), (long, 2500)] {
        for (readout, reset_gradient) in READOUTS.into_iter().zip(RESETS) {
            let config = NetworkConfig { readout, reset_gradient, ..config.clone() };
            agree(&Problem::new(config, 2, steps));
        }
    }
}

/// Events and equivalent frames are the same input.
#[test]
fn events_equal_frames() {
    for hidden in [vec![], vec![Layer::recurrent(33)], vec![Layer::feed_forward(7), Layer::recurrent(16)]] {
        let config = NetworkConfig { hidden, ..NetworkConfig::new(12, 5) };
        let problem = Problem { signal: Signal::Repeated(0.3), ..Problem::new(config, 9, 30) };
        agree(&problem);
        let (network, labels) = (problem.network(), problem.labels());
        let Input::Events(events) = problem.input::<f32>() else { unreachable!("spikes are events") };
        let dense = Run::new(&network, &events.to_frames::<f32>().into(), &labels, &problem.regularizer);
        let sparse = problem.run(&network);
        dense.assert_same_spikes(&sparse, "frames");
        assert!(dense.forward_error(&sparse) < FUSED.forward);
        assert!(dense.gradient_error(&sparse) < FUSED.gradient(&sparse));
    }
}
