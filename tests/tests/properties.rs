//! explore
use proptest::{prelude::*, sample::select, test_runner::{Config, RngSeed, TestRunner}};
use snn_core::*;
use snn_tests::{problem::{Problem, Signal, reference}, run::Run};

fn surrogate() -> impl Strategy<Value = Surrogate> {
    use SurrogateShape::*;
    let shape = select(vec![SuperSpike, Sigmoid, SigmoidRescaled, Esser, Asymptotic, Constant, True]);
    (shape, select(vec![1.0, 0.5, 5.0, 10.0, 30.0, 100.0])).prop_map(|(shape, beta)| Surrogate { shape, beta })
}

fn width() -> impl Strategy<Value = usize> {
    prop_oneof![
        8 => select(vec![1usize, 2, 3, 5, 7, 8, 9, 15, 16, 17, 20, 31, 32, 33]),
        1 => select(vec![63usize, 64, 65, 100, 129]),
    ]
}

fn regularizer() -> impl Strategy<Value = Regularizer> {
    (select(vec![0.0, 2.0]), select(vec![0.0, 0.7]), 1..=2u8).prop_map(|(lower_strength, upper_strength, upper_norm)| Regularizer {
        lower_strength, lower_threshold: 1.37, upper_strength, upper_threshold: 0.4142, upper_norm })
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![2 => Just(Signal::Frames), 1 => Just(Signal::Empty), 3 => (0.01..0.5).prop_map(Signal::Spikes), 2 => (0.01..0.5).prop_map(Signal::Repeated)]
}

fn config() -> impl Strategy<Value = NetworkConfig> {
    let layer = (width(), any::<bool>()).prop_map(|(units, recurrent)| Layer { units, recurrent });
    let shape = (width(), prop::collection::vec(layer, 0..=3), select(vec![2usize, 1, 3, 10, 16, 17, 20, 35]));
    let switches = (surrogate(), any::<bool>(), any::<bool>(), any::<bool>());
    let constants = (select(vec![1.0, 0.5, 2.0]), select(vec![10.0, 3.0, 30.0]), select(vec![5.0, 2.0, 15.0]), select(vec![20.0, 5.0, 50.0]),
        select(vec![1.0, 0.3, 2.5]), select(vec![0.0, -1e-3, 0.5]));
    (shape, switches, constants).prop_map(|((inputs, hidden, outputs), (surrogate, r, g, m), (dt, tau_mem, tau_syn, tau_readout, threshold, readout_start))| NetworkConfig {
        hidden, dt, tau_mem, tau_syn, tau_readout, threshold, readout_start, surrogate,
        reset_gradient: if r { ResetGradient::Differentiable } else { ResetGradient::Detached },
        recurrent_gradient: if g { RecurrentGradient::Detached } else { RecurrentGradient::Propagate },
        readout: if m { Readout::Max } else { Readout::Sum },
        ..NetworkConfig::new(inputs, outputs)
    })
}

fn problem() -> impl Strategy<Value = Problem> {
    let gain = prop_oneof![6 => 2.0..10.0, 1 => Just(0.1), 1 => Just(1000.0)];
    (config(), gain, signal(), select(vec![1usize, 2, 5, 7, 8, 9, 16, 17, 25]), select(vec![1usize, 2, 3, 10, 30, 50]), regularizer(), any::<u64>())
        .prop_map(|(config, gain, signal, batch, steps, regularizer, seed)| Problem { config, gain, signal, batch, steps, regularizer, seed })
}

#[test]
fn explore() {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if config.rng_seed == RngSeed::Random { config.rng_seed = RngSeed::Fixed(2021); }
    let mut runner = TestRunner::new(config);
    let tmin = std::cell::Cell::new(0.0);
    runner.run(&problem(), |p| {
        let t0 = std::time::Instant::now();
        let net = p.network();
        let labels = p.labels();
        let fused = Run::new(&net, &p.input(), &labels, &p.regularizer);
        let r64 = Run::new(&reference::<f64>(&net), &p.input(), &labels, &p.regularizer);
        let r32 = Run::new(&reference::<f32>(&net), &p.input(), &labels, &p.regularizer);
        let largest = r64.gradients.iter().map(|(_, g)| snn_tests::measure::norm(g)).fold(0.0, f64::max);
        let smallest = r64.gradients.iter().map(|(_, g)| snn_tests::measure::norm(g)).fold(f64::INFINITY, f64::min);
        let c = r64.clearance(&p.config, p.batch);
        tmin.set(tmin.get() + t0.elapsed().as_secs_f64());
        println!("EXP clear {c:.1e} same {} {} fwd {:.1e} {:.1e} grad {:.1e} {:.1e} size {largest:.1e} {smallest:.1e} spikes {} ms {:.0} T {:.1}| {p:?}",
            fused.spikes == r64.spikes, r32.spikes == r64.spikes, fused.forward_error(&r64), r32.forward_error(&r64), fused.gradient_error(&r64), r32.gradient_error(&r64), r64.hidden_spikes(), 1e3 * t0.elapsed().as_secs_f64(), tmin.get());
        Ok(())
    }).unwrap();
}
