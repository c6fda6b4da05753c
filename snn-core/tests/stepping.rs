//! Networks step by step: bit-identical to a batch, saved states, and no allocation within a step.
#![allow(clippy::unwrap_used, reason = "this is a test outside of a test function")]
#![allow(unsafe_code, reason = "a counting allocator")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use rand::Rng as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use snn_core::{
    Adam, AdamConfig, Error, Events, Frames, Implementation, Initialization, Input, InstructionSet, Layer,
    Network, NetworkConfig, Readout, Regularizer, Reset, ResetGradient, State, StepInput,
};

/// Counts the allocations of this thread.
struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all calls are forwarded to the system's allocator; the counter is a plain number that does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn asked() -> u64 {
    ASKED.with(Cell::get)
}

const BATCH: usize = 3;
const STEPS: usize = 90;

/// Networks that cover every path of a step.
fn networks() -> Vec<Network> {
    let config = |hidden: &[Layer]| NetworkConfig { hidden: hidden.to_vec(), ..NetworkConfig::new(20, 5) };
    let configs = [
        config(&[]),
        config(&[Layer::feed_forward(100)]),
        config(&[Layer::recurrent(64)]),
        NetworkConfig {
            readout: Readout::Sum,
            readout_start: -0.01,
            reset_gradient: ResetGradient::Differentiable,
            tau_mem: vec![10.0, 20.0, 5.0].into(),
            ..config(&[Layer::recurrent(37), Layer::feed_forward(50), Layer::recurrent(16)])
        },
        NetworkConfig {
            reset: Reset::Immediate,
            reset_gradient: ResetGradient::Differentiable,
            ..config(&[Layer::recurrent(33), Layer::feed_forward(20)])
        },
    ];
    configs.map(|config| Network::new(config, Initialization::Normal { gain: 5.0 }, 3).unwrap()).into()
}

fn spikes(rng: &mut ChaCha8Rng) -> Input<f32> {
    let mut all = Vec::new();
    for sample in 0..BATCH {
        for step in 0..STEPS {
            (0..20).filter(|_| rng.gen_bool(0.2)).for_each(|unit| all.push((sample, step, unit)));
        }
    }
    all.push((0, 0, 7));
    all.push((0, 0, 7));
    Events::from_spikes(BATCH, STEPS, 20, &all).unwrap().into()
}

fn frames(rng: &mut ChaCha8Rng) -> Input<f32> {
    let values = (0..BATCH * STEPS * 20).map(|_| rng.gen_range(-1.0..2.0)).collect();
    Frames::new(BATCH, STEPS, 20, values).unwrap().into()
}

/// One step for all samples.
fn feed<'s>(network: &Network, state: &'s mut State, input: &Input<f32>, step: usize) -> &'s [f32] {
    match input {
        Input::Events(events) => {
            let rows: Vec<&[u16]> = (0..BATCH).map(|sample| events.row(sample, step)).collect();
            let mut offsets = vec![0];
            rows.iter().for_each(|row| offsets.push(offsets[offsets.len() - 1] + row.len() as u32));
            let input = StepInput::Rows { offsets: &offsets, units: &rows.concat() };
            network.step(state, input).unwrap()
        }
        Input::Frames(frames) => {
            let of = |sample: usize| &frames.values()[(sample * STEPS + step) * 20..][..20];
            let values: Vec<f32> = (0..BATCH).flat_map(|sample| of(sample).to_vec()).collect();
            network.step(state, values.as_slice()).unwrap()
        }
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Readout, spikes, counts and logits all match, with every instruction set.
#[test]
fn steps_equal_a_batch_bit_for_bit() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut fired, mut compared) = (0, 0);
    for mut network in networks() {
        for input in [spikes(&mut rng), frames(&mut rng)] {
            for set in InstructionSet::available() {
                network.set_instruction_set(set).unwrap();
                let (output, recording) = network.record(&input).unwrap();
                let mut state = network.state(BATCH).unwrap();
                let outputs = network.config().outputs;
                for step in 0..STEPS {
                    let readout = feed(&network, &mut state, &input, step).to_vec();
                    for sample in 0..BATCH {
                        let expected = &recording.readout[(sample * STEPS + step) * outputs..][..outputs];
                        assert_eq!(
                            bits(&readout[sample * outputs..][..outputs]),
                            bits(expected),
                            "{set}, {step}"
                        );
                        for (layer, spikes) in recording.spikes.iter().enumerate() {
                            assert_eq!(
                                state.spikes(layer, sample),
                                spikes.row(sample, step),
                                "{set}, {step}"
                            );
                            fired += spikes.row(sample, step).len();
                        }
                        compared += 1;
                    }
                }
                assert_eq!(bits(state.logits()), bits(&output.logits), "{set}");
                for (layer, counts) in output.counts.iter().enumerate() {
                    let units = counts.len() / BATCH;
                    for sample in 0..BATCH {
                        assert_eq!(state.counts(layer, sample), &counts[sample * units..][..units]);
                    }
                }
                assert_eq!(state.steps(), STEPS as u64);
            }
        }
    }
    assert!(compared >= 4 * 2 * BATCH * STEPS && fired > 10_000, "{compared}, {fired}");
}

/// A state is saved in the middle, resumed elsewhere, and reused after a reset.
#[test]
fn states_are_saved_and_restored() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for network in networks() {
        for input in [spikes(&mut rng), frames(&mut rng)] {
            let expected = network.forward(&input).unwrap();
            let mut state = network.state(BATCH).unwrap();
            (0..STEPS / 3).for_each(|step| drop(feed(&network, &mut state, &input, step).to_vec()));
            let bytes = state.to_bytes();
            let mut restored = network.clone().restore_state(&bytes).unwrap();
            assert_eq!(restored.to_bytes(), bytes);
            assert_eq!((restored.readout(), restored.logits()), (state.readout(), state.logits()));
            for state in [&mut state, &mut restored] {
                (STEPS / 3..STEPS).for_each(|step| drop(feed(&network, state, &input, step).to_vec()));
                assert_eq!(bits(state.logits()), bits(&expected.logits));
            }
            network.reset(&mut restored).unwrap();
            assert_eq!(restored.to_bytes(), network.state(BATCH).unwrap().to_bytes());
            (0..STEPS).for_each(|step| drop(feed(&network, &mut restored, &input, step).to_vec()));
            assert_eq!(bits(restored.logits()), bits(&expected.logits));

            for cut in [0, 7, 11, 40, bytes.len() / 2, bytes.len() - 1] {
                assert!(matches!(network.restore_state(&bytes[..cut]), Err(Error::Input(_))), "{cut}");
            }
            for at in (0..100).step_by(3) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x80;
                let _ = network.restore_state(&damaged);
            }
            assert!(network.restore_state(&[bytes.as_slice(), &[0]].concat()).is_err());
        }
    }
}

#[test]
fn a_step_allocates_no_memory() {
    for network in networks() {
        let values = vec![0.7; 20];
        let mut state = network.state(1).unwrap();
        network.step(&mut state, [1_u16, 2].as_slice()).unwrap();
        let before = asked();
        let mut spikes = 0;
        for step in 0..500_u16 {
            network.step(&mut state, [step % 20, 3, 4, 5, 6].as_slice()).unwrap();
            network.step(&mut state, values.as_slice()).unwrap();
            spikes += state.spikes(0, 0).len();
        }
        network.reset(&mut state).unwrap();
        assert_eq!(asked(), before, "{:?}", network.config().hidden);
        assert!(spikes > 100 || network.config().hidden.is_empty());
        drop(vec![1]);
        assert!(asked() > before, "the counter counts");
    }
}

#[test]
fn steps_use_changed_weights() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let input = spikes(&mut rng);
    let mut network = networks().remove(2);
    let run = |network: &Network| {
        let mut state = network.state(BATCH).unwrap();
        (0..STEPS).for_each(|step| drop(feed(network, &mut state, &input, step).to_vec()));
        bits(state.logits())
    };
    let before = run(&network);
    let gradients = network.loss(&input, &[0, 1, 2], &Regularizer::default()).unwrap().backward().unwrap();
    Adam::new(AdamConfig::default(), &network).unwrap().update(&mut network, &gradients).unwrap();
    let after = run(&network);
    assert_ne!(before, after);
    assert_eq!(after, bits(&network.forward(&input).unwrap().logits));
    network.set_parameter("Wout", &[0.25; 64 * 5]).unwrap();
    assert_eq!(run(&network), bits(&network.forward(&input).unwrap().logits));
}

#[test]
fn mismatched_states_and_inputs_are_refused() {
    let mut networks = networks();
    let network = networks.remove(2);
    let mut state = network.state(2).unwrap();
    let fails = |state: &mut State, input: StepInput<'_>, words: &str| {
        let before = state.to_bytes();
        let error = network.step(state, input).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(state.to_bytes(), before);
    };
    fails(&mut state, StepInput::Spikes(&[1]), "for a state of 2");
    fails(&mut state, StepInput::Rows { offsets: &[0, 1, 2], units: &[1, 20] }, "spike 1 is in unit 20");
    fails(&mut state, StepInput::Rows { offsets: &[0, 2], units: &[1, 2] }, "must be 3 numbers that ascend");
    fails(&mut state, StepInput::Frame(&[0.0; 39]), "39 values for a step of 2 samples and 20 units");
    let mut values = [0.0; 40];
    values[25] = f32::NAN;
    fails(&mut state, StepInput::Frame(&values), "unit 5 of sample 1 is NaN");
    let mut other = networks[0].state(1).unwrap();
    fails(&mut other, StepInput::Spikes(&[1]), "a network of a different shape");
    assert!(network.state(0).is_err());
    let error = network.restore_state(&networks[1].state(1).unwrap().to_bytes()).unwrap_err();
    assert!(error.to_string().contains("a different shape"), "{error}");
    let config = NetworkConfig { implementation: Implementation::Reference, ..network.config().clone() };
    let reference: Network = Network::new(config, Initialization::default(), 1).unwrap();
    assert!(matches!(reference.state(1), Err(Error::Unsupported(_))));
}
