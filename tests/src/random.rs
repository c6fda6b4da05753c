//! Random problems, and the comparison of an implementation with the reference in `f64` on them.

use crate::{
    measure::norm,
    problem::{Problem, Signal, reference},
    run::Run,
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed, TestRunner},
};
use snn_core::{
    Layer, Network, NetworkConfig, Readout, RecurrentGradient, Regularizer, ResetGradient, Surrogate,
    SurrogateShape, TimeConstant,
};
use std::cell::RefCell;

/// Allowed deviation of an implementation from the reference in `f64`. All errors are relative, in the Euclidean norm.
pub struct Tolerance {
    /// If a potential is this close to the threshold, or a maximum of the readout to its runner-up (relative to the largest
    /// one), rounding decides, and the case is not compared.
    pub margin: f64,
    /// Logits, potentials and readout traces.
    pub forward: f64,
    /// Cross-entropy and regularizer. dfdx sums the penalties of all units and samples sequentially in `f32`.
    pub loss: f64,
    /// The gradient of each matrix; see [`Tolerance::gradient`].
    pub gradient: f64,
    /// The part of [`Tolerance::gradient`] per unit of `beta U`.
    pub slope: f64,
}

/// The sum of the spikes of one step is rounded to `f32`, 6e-8; the states are `f64`. In 20,000 random cases, the errors
/// were at most 3e-6 (forward), 2e-5 (loss) and 0.6 of the tolerance (gradient); half of the gradients were within 2e-7.
pub const FUSED: Tolerance =
    Tolerance { margin: 1e-6, forward: 1e-5, loss: 1e-4, gradient: 1e-4, slope: 1e-6 };

/// This implementation rounds its states in every step.
pub const REFERENCE_F32: Tolerance = Tolerance { margin: 4e-6, gradient: 2e-4, slope: 2e-6, ..FUSED };

impl Tolerance {
    /// A potential `U` has an error of about `1e-7 U`, which changes the surrogate at the threshold by up to `2 beta` times as
    /// much. At the end of Esser's ramp, `h` is a small difference of numbers near 1, and changes by `1 / h` times that.
    /// The constant part allows for gradients of one unit or one sample, whose few terms can cancel.
    pub fn gradient(&self, expected: &Run) -> f64 {
        let slope = match expected.config.surrogate.shape {
            SurrogateShape::Constant | SurrogateShape::True => 0.0,
            _ => expected.config.surrogate.beta,
        };
        let steepest = match expected.config.surrogate.shape {
            SurrogateShape::Esser => 1.0 / expected.smallest_derivative(),
            _ => 1.0,
        };
        self.gradient + self.slope * slope * expected.largest_potential() * steepest
    }
}

/// A problem that was compared.
#[derive(Debug)]
pub struct Compared {
    /// The result of the reference.
    pub expected: Run,
    /// Largest error of a gradient.
    gradient: f64,
    /// All errors in units of their tolerance: forward, loss, gradient.
    shares: [f64; 3],
}

/// The result of an implementation; `None` if it leaves the range of `f32`.
pub type Implementation<'a> = &'a dyn Fn(&Network, &Problem) -> Option<Run>;

/// Compares `run` with the reference in `f64`; `None` if rounding decides the result, or if gradients leave the range of
/// `f32`.
pub fn compare(problem: &Problem, tolerance: &Tolerance, run: Implementation<'_>) -> Option<Compared> {
    let network = problem.network();
    let expected = problem.run(&reference::<f64>(&network));
    let largest = expected.gradients.iter().map(|(_, gradient)| norm(gradient)).fold(0.0, f64::max);
    if expected.clearance() < tolerance.margin || largest > 1e30 {
        return None;
    }
    let found = run(&network, problem)?;
    found.assert_same_spikes(&expected, format_args!("{problem:?}"));
    let gradient = found.gradient_error(&expected);
    let errors = [found.forward_error(&expected), found.loss_error(&expected), gradient];
    let tolerances = [tolerance.forward, tolerance.loss, tolerance.gradient(&expected)];
    let close = errors.iter().zip(&tolerances).all(|(error, tolerance)| error <= tolerance);
    assert!(close, "{problem:?}: forward, loss, gradient off by {errors:?}, tolerances {tolerances:?}");
    Some(Compared { expected, gradient, shares: std::array::from_fn(|k| errors[k] / tolerances[k]) })
}

/// Compares `cases` random problems, and checks that enough of them were informative.
pub fn random_problems(cases: u32, tolerance: &Tolerance, run: Implementation<'_>) {
    random_problems_with(cases, tolerance, &|problem| problem, run);
}

/// Like [`random_problems`], but changes each problem first.
pub fn random_problems_with(
    cases: u32,
    tolerance: &Tolerance,
    change: &dyn Fn(Problem) -> Problem,
    run: Implementation<'_>,
) {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(2021);
    }
    let cases = config.cases as usize;
    let compared = RefCell::new(Vec::new());
    let result = TestRunner::new(config).run(&problem(), |problem| {
        compared.borrow_mut().extend(compare(&change(problem), tolerance, run));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));

    let compared = compared.into_inner();
    let spiking = compared.iter().filter(|c| c.expected.hidden_spikes() > 0).count();
    let shares = compared
        .iter()
        .fold([0.0; 3], |worst: [f64; 3], c| std::array::from_fn(|k| worst[k].max(c.shares[k])));
    let mut gradients: Vec<f64> = compared.iter().map(|c| c.gradient).collect();
    gradients.sort_by(f64::total_cmp);
    let quantile = |p: f64| gradients[(p * (gradients.len() - 1) as f64) as usize];
    println!(
        "{} of {cases} cases compared, {spiking} of them with hidden spikes; in units of the tolerance at most {:.2} (forward), \
         {:.2} (loss), {:.2} (gradient); gradient error {:.1e} in half of the cases, {:.1e} in 90 %, {:.1e} in 99 %",
        compared.len(),
        shares[0],
        shares[1],
        shares[2],
        quantile(0.5),
        quantile(0.9),
        quantile(0.99),
    );
    assert!(compared.len() * 10 > cases * 7, "rounding decides too many cases");
    assert!(spiking * 3 > compared.len(), "too many silent networks");
    assert!(quantile(0.5) < 1e-6 && quantile(0.9) < tolerance.gradient / 4.0);
}

fn surrogate() -> impl Strategy<Value = Surrogate> {
    let beta = select(vec![10.0, 1.0, 0.5, 5.0, 30.0, 100.0]);
    (select(SurrogateShape::ALL), beta).prop_map(|(shape, beta)| Surrogate { shape, beta })
}

fn width() -> impl Strategy<Value = usize> {
    prop_oneof![
        8 => select(vec![3usize, 1, 2, 5, 7, 8, 9, 15, 16, 17, 20, 31, 32, 33]),
        2 => select(vec![100usize, 47, 48, 63, 64, 65, 129]),
    ]
}

/// One for all layers, or one for each.
fn time_constant(values: [f64; 3]) -> impl Strategy<Value = Vec<f64>> {
    let one = || select(values.to_vec());
    prop_oneof![2 => prop::collection::vec(one(), 1), 1 => prop::collection::vec(one(), 3)]
}

fn config() -> impl Strategy<Value = NetworkConfig> {
    let layer = (width(), any::<bool>()).prop_map(|(units, recurrent)| Layer { units, recurrent });
    let shape = (width(), prop::collection::vec(layer, 0..=3), select(vec![2usize, 1, 3, 10, 16, 17, 35]));
    let switches = (
        select(vec![ResetGradient::Detached, ResetGradient::Differentiable]),
        select(vec![RecurrentGradient::Propagate, RecurrentGradient::Detached]),
        select(vec![Readout::Max, Readout::Sum]),
    );
    let times = (
        select(vec![1.0, 0.5, 2.0]),
        time_constant([10.0, 3.0, 30.0]),
        time_constant([5.0, 2.0, 15.0]),
        select(vec![20.0, 5.0, 50.0]),
    );
    let levels = (select(vec![1.0, 0.3, 2.5]), select(vec![0.0, -1e-3, 0.5]));
    (shape, surrogate(), switches, times, levels).prop_map(|(shape, surrogate, switches, times, levels)| {
        let (inputs, hidden, outputs) = shape;
        let (reset_gradient, recurrent_gradient, readout) = switches;
        let (dt, tau_mem, tau_syn, tau_readout) = times;
        let (threshold, readout_start) = levels;
        // values are drawn for three layers and truncated to the number of layers
        let fit = |taus: Vec<f64>| match &taus[..] {
            [tau] => TimeConstant::from(*tau),
            taus if hidden.is_empty() => taus[0].into(),
            taus => taus[..hidden.len()].to_vec().into(),
        };
        let (tau_mem, tau_syn) = (fit(tau_mem), fit(tau_syn));
        NetworkConfig {
            hidden,
            dt,
            tau_mem,
            tau_syn,
            tau_readout,
            threshold,
            surrogate,
            reset_gradient,
            recurrent_gradient,
            readout,
            readout_start,
            ..NetworkConfig::new(inputs, outputs)
        }
    })
}

fn regularizer() -> impl Strategy<Value = Regularizer> {
    let strengths = (select(vec![0.0, 2.0]), select(vec![0.0, 0.7]), 1..=2u8);
    strengths.prop_map(|(lower_strength, upper_strength, upper_norm)| Regularizer {
        lower_strength,
        lower_threshold: 1.37,
        upper_strength,
        // not a mean of integers: norm 1 has a kink there
        upper_threshold: 0.414_213_56,
        upper_norm,
    })
}

/// A problem of any kind.
pub fn problem() -> impl Strategy<Value = Problem> {
    let gain = prop_oneof![8 => 4.0..25.0, 1 => Just(0.1), 1 => Just(1000.0)];
    let signal = prop_oneof![
        3 => (0.02..0.5).prop_map(Signal::Spikes),
        3 => (0.02..0.5).prop_map(Signal::Repeated),
        3 => Just(Signal::Frames),
        1 => Just(Signal::Empty),
    ];
    let batch = select(vec![1usize, 2, 5, 7, 8, 9, 16, 17, 25]);
    let steps = prop_oneof![6 => 8..60usize, 1 => 1..=3usize];
    (config(), gain, signal, batch, steps, regularizer(), any::<u64>()).prop_map(
        |(config, gain, signal, batch, steps, regularizer, seed)| Problem {
            config,
            gain,
            signal,
            batch,
            steps,
            regularizer,
            seed,
        },
    )
}
