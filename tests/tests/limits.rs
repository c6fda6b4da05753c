//! The memory of a training step, which grows with the number of threads, not with the batch; and the widest layers.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

use snn_core::{Events, Implementation, Initialization, Layer, Network, NetworkConfig, Readout, Regularizer};
use std::{
    env, fs,
    process::Command,
    sync::{Mutex, PoisonError},
};

/// Processes that measure run one at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Resident memory of this process in MB: current, and maximum since [`forget`].
fn resident() -> Option<[f64; 2]> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let read = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024.0 / 1e6)
    };
    Some([read("VmRSS:")?, read("VmHWM:")?])
}

/// Resets the maximum; false if the system does not support it.
fn forget() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// Peak memory of training steps in MB, without their events, on two threads. The network is that of the benchmark's job S: 700 inputs
/// with 16 spikes per step, 256 recurrent units, 20 outputs.
fn training_memory(batch: usize, steps: usize) -> Option<f64> {
    let rows = batch * steps;
    let offsets = (0..=rows).map(|row| 16 * row as u32).collect();
    let units = (0..16 * rows).map(|k| (k.wrapping_mul(2_654_435_761) >> 7) % 700);
    let events = Events::new(batch, steps, 700, offsets, units.map(|unit| unit as u16).collect()).unwrap();
    let input = events.into();
    let labels: Vec<u16> = (0..batch).map(|sample| (sample % 20) as u16).collect();
    let config =
        NetworkConfig { hidden: vec![Layer::recurrent(256)], dt: 2.0, ..NetworkConfig::new(700, 20) };
    let network: Network = Network::new(config, Initialization::Normal { gain: 5.0 }, 0).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    if !forget() {
        return None;
    }
    let [before, _] = resident()?;
    let spikes = pool.install(|| {
        let mut spikes = 0.0;
        for _ in 0..2 {
            let (values, _) = network.loss_and_gradients(&input, &labels, &Regularizer::default()).unwrap();
            spikes = values.output.counts[0].iter().sum::<f32>();
        }
        spikes
    });
    let per_unit = f64::from(spikes) / (batch * 256) as f64;
    assert!(per_unit > steps as f64 / 100.0, "the layer hardly spikes: {per_unit} times a unit");
    let [_, most] = resident()?;
    Some(most - before)
}

/// Set in the process that measures.
const MEASURES: &str = "SNN_TEST_MEASURES_MEMORY";

/// Fails if training takes `most` MB or more, or less than a fifth of it, the memory for the potentials of a block, since nothing
/// was measured then. The test `name` runs itself in a separate process, because memory freed by other tests may be reused
/// unnoticed.
fn assert_below(name: &str, batch: usize, steps: usize, most: f64) {
    if env::var_os(MEASURES).is_none() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut measuring = Command::new(env::current_exe().unwrap());
        let output = measuring.args(["--exact", name, "--nocapture"]).env(MEASURES, "1").output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let Some(memory) = training_memory(batch, steps) else {
        return snn_test_support::skip("this system does not report the memory of a process");
    };
    let potentials = 8.0 * steps as f64 * 256.0 * 4.0 / 1e6;
    assert!(memory < most, "{memory:.0} MB for a batch of {batch} with {steps} steps, {most} are allowed");
    assert!(memory > potentials, "{memory} MB were measured, less than the potentials of a block");
}

#[test]
fn a_step_of_job_s_stays_below_90_mb() {
    assert_below("a_step_of_job_s_stays_below_90_mb", 256, 500, 90.0);
}

#[test]
fn memory_does_not_grow_with_the_batch() {
    assert_below("memory_does_not_grow_with_the_batch", 4096, 100, 90.0);
}

#[test]
fn a_batch_of_4096_samples_stays_below_250_mb() {
    assert_below("a_batch_of_4096_samples_stays_below_250_mb", 4096, 500, 250.0);
}

/// Units have 16-bit numbers: the last of 65,536 units spikes, affects other units and learns as in the reference.
#[test]
fn the_widest_layers_agree_with_the_reference() {
    const WIDEST: usize = 1 << 16;
    for (inputs, units) in [(WIDEST, 3), (3, WIDEST)] {
        let last = inputs - 1;
        let spikes = [(0, 0, 0), (0, 0, last), (0, 3, last), (0, 5, 1)];
        let input = Events::from_spikes(1, 20, inputs, &spikes).unwrap().into();
        let run = |implementation| {
            let config = NetworkConfig {
                hidden: vec![Layer::feed_forward(units)],
                implementation,
                // with Max, outputs that never rise have no gradient
                readout: Readout::Sum,
                ..NetworkConfig::new(inputs, 2)
            };
            let mut network: Network = Network::new(config, Initialization::Normal { gain: 1.0 }, 0).unwrap();
            let weights: Vec<f32> = (0..inputs * units).map(|k| 3.0 + (k % 5) as f32).collect();
            network.set_parameter("W1", &weights).unwrap();
            let (values, gradients) =
                network.loss_and_gradients(&input, &[1], &Regularizer::default()).unwrap();
            (values.output.counts[0].clone(), gradients.get("W1").unwrap())
        };
        let (counts, gradient) = run(Implementation::Fused);
        let (expected_counts, expected) = run(Implementation::Reference);
        assert_eq!(counts, expected_counts);
        assert!(counts[units - 1] > 0.0, "the last of {units} units is silent");
        let largest = expected.iter().fold(0.0f32, |largest, g| largest.max(g.abs()));
        assert!(expected[last * units..].iter().any(|g| g.abs() > 1e-3 * largest), "the last input learns");
        for (k, (g, e)) in gradient.iter().zip(&expected).enumerate() {
            assert!(
                (g - e).abs() <= 1e-4 * largest,
                "{inputs} inputs, {units} units, weight {k}: {g}, not {e}"
            );
        }
    }
}
