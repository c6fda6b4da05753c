//! Whole training steps in one queue, compared with separate passes and updates, and with dfdx's updates on the CPU.

use super::CudaEmulation;
use crate::{
    CrossEntropy, Events, Initialization, Input, Layer, Network, NetworkConfig, Optimizer, OptimizerKind,
    OptimizerSettings, QueuedStep, Regularizer,
};
use dfdx::prelude::OwnedTape;

const LABELS: [u16; 3] = [1, 4, 0];

fn regularizer() -> Regularizer {
    Regularizer { upper_strength: 0.1, upper_threshold: 0.5, ..Regularizer::default() }
}

fn network() -> Network {
    of_layers(vec![Layer::recurrent(40), Layer::feed_forward(33)])
}

/// A step of a sample of this network runs in one block.
fn small_network() -> Network {
    of_layers(vec![Layer::feed_forward(33)])
}

fn of_layers(hidden: Vec<Layer>) -> Network {
    let config = NetworkConfig { hidden, ..NetworkConfig::new(12, 5) };
    Network::new(config, Initialization::Normal { gain: 7.0 }, 1).unwrap()
}

fn emulated(gpu: CudaEmulation) -> Network {
    on(network(), gpu)
}

fn on(mut network: Network, gpu: CudaEmulation) -> Network {
    network.emulate_cuda(gpu);
    network
}

fn input(seed: usize) -> Input<f32> {
    let spikes: Vec<_> =
        (0..3).flat_map(|b| (0..15).map(move |n| (b, n, ((7 + seed) * n + 5 * b + seed) % 12))).collect();
    Events::from_spikes(3, 15, 12, &spikes).unwrap().into()
}

fn optimizer(kind: OptimizerKind, network: &Network, frozen: &[String]) -> Box<dyn Optimizer> {
    let settings = OptimizerSettings { weight_decay: 0.03, learning_rate: 0.01, ..Default::default() };
    let mut optimizer = kind.fit(&settings, network, None).unwrap();
    optimizer.freeze(frozen).unwrap();
    optimizer
}

fn bits(network: &Network) -> Vec<Vec<u32>> {
    network.parameters().map(|(_, _, values)| values.iter().map(|v| v.to_bits()).collect()).collect()
}

fn queue(
    network: &mut Network,
    optimizer: &mut dyn Optimizer,
    seed: usize,
    clip: Option<f64>,
) -> QueuedStep<f32> {
    let loss = CrossEntropy::default();
    let queued = network.queue_step(&loss, &input(seed), &LABELS, &regularizer(), optimizer, clip);
    queued.unwrap().expect("the emulation queues steps")
}

fn same_training(network: fn() -> Network, kind: OptimizerKind, clip: Option<f64>, frozen: &[String]) {
    let what = format!("{kind:?}, clipped to {clip:?}, without {frozen:?}");
    let mut queued = on(network(), CudaEmulation::default().shuffled(5));
    let mut separate = on(network(), CudaEmulation::default().layer_by_layer());
    let mut on_cpu = network();
    let [mut of_queued, mut of_separate, mut of_cpu] =
        [&queued, &separate, &on_cpu].map(|network| optimizer(kind, network, frozen));
    let mut unread = None;
    let mut expected = None;
    for step in 0..4 {
        let before = bits(&queued);
        let this = queue(&mut queued, &mut *of_queued, step, clip);
        let (values, mut gradients) =
            separate.loss_and_gradients(&input(step), &LABELS, &regularizer()).unwrap();
        frozen.iter().for_each(|name| gradients.clear(name).unwrap());
        let norms: Vec<_> =
            gradients.norms().unwrap().into_iter().map(|(name, norm)| (name.to_owned(), norm)).collect();
        if let Some(limit) = clip {
            assert!(gradients.clip_norm(limit).unwrap() > limit, "{what}: nothing is clipped");
        }
        of_separate.update(&mut separate, &gradients).unwrap();
        of_cpu.update(&mut on_cpu, &gradients).unwrap();
        assert!(bits(&queued) != before && bits(&queued) == bits(&separate), "{what}: step {step}");
        assert!(bits(&queued) == bits(&on_cpu), "{what}: step {step}, dfdx");
        assert_eq!(of_queued.state(), of_cpu.state(), "{what}: step {step}");
        assert_eq!(of_separate.state(), of_cpu.state(), "{what}: step {step}");
        // as a trainer does, one step late
        let last: Option<QueuedStep<f32>> = unread.replace(this);
        if let Some((found, expected)) = last.map(|last| last.read().unwrap()).zip(expected) {
            let ((found, norms), (expected, expected_norms)): (_, (_, Vec<(String, f64)>)) =
                (found, expected);
            assert_eq!(found, expected, "{what}: step {step}");
            // the device sums squares in blocks, the host one after the other
            for ((name, norm), (of, expected)) in norms.iter().zip(&expected_norms) {
                let same: bool = name == of && (norm - expected).abs() <= 1e-12 * expected;
                assert!(same, "{what}: {norm} of {name}, not {expected} of {of}");
            }
        }
        expected = Some((values, norms));
    }
    for (index, (name, ..)) in queued.parameters().enumerate() {
        let same = bits(&queued)[index] == bits(&network())[index];
        assert_eq!(same, frozen.contains(&name), "{what}: {name}");
    }
}

#[test]
fn queued_steps_are_those_of_separate_passes_and_updates() {
    for kind in [OptimizerKind::Adam, OptimizerKind::AdamW, OptimizerKind::Sgd] {
        same_training(network, kind, None, &[]);
        same_training(network, kind, Some(0.01), &["V1".to_owned(), "Wout".to_owned()]);
    }
    for frozen in [&[][..], &["W1".to_owned()], &["Wout".to_owned()]] {
        same_training(small_network, OptimizerKind::Adam, Some(0.01), frozen);
    }
}

#[test]
fn accesses_of_a_queued_step_are_checked() {
    for network in [network(), small_network()] {
        let mut network = on(network, CudaEmulation::default().shuffled(2).checked());
        let mut adam = optimizer(OptimizerKind::Adam, &network, &[]);
        let (values, norms) = queue(&mut network, &mut *adam, 0, Some(0.1)).read().unwrap();
        assert!(values.regularization > 0.0 && norms.iter().all(|(_, norm)| *norm > 0.0), "{norms:?}");
        let (_, gradients) = network.loss_and_gradients(&input(1), &LABELS, &regularizer()).unwrap();
        adam.update(&mut network, &gradients).unwrap();
    }
}

#[test]
fn what_the_device_does_not_support_is_left_alone() {
    let mut network = network();
    let mut adam = optimizer(OptimizerKind::Adam, &network, &[]);
    let before = (bits(&network), adam.state());
    let loss = CrossEntropy::default();
    let step = |network: &mut Network, optimizer: &mut dyn Optimizer| {
        network.queue_step(&loss, &input(0), &LABELS, &regularizer(), optimizer, None).unwrap()
    };
    assert!(step(&mut network, &mut *adam).is_none(), "the CPU queues nothing");
    assert!((bits(&network), adam.state()) == before);
    let mut network = emulated(CudaEmulation::default());
    let mut other = optimizer(OptimizerKind::Smorms3, &network, &[]);
    assert!(step(&mut network, &mut *other).is_none());
    // it updates the tensors instead
    let (_, gradients) = network.loss_and_gradients(&input(0), &LABELS, &regularizer()).unwrap();
    other.update(&mut network, &gradients).unwrap();
    assert!(bits(&network) != before.0);
    let error = network.queue_step(&loss, &input(0), &LABELS, &regularizer(), &mut *adam, Some(0.0));
    assert!(error.unwrap_err().to_string().contains("limit"));
}

#[test]
fn clones_and_pending_passes_keep_their_weights() {
    let mut trained = emulated(CudaEmulation::default());
    let mut adam = optimizer(OptimizerKind::Adam, &trained, &[]);
    queue(&mut trained, &mut *adam, 0, None).read().unwrap();
    let (clone, weights) = (trained.clone(), bits(&trained));
    let expected = clone.loss(&input(1), &LABELS, &regularizer()).unwrap().backward().unwrap();
    let pass = trained.forward_on(&input(1), OwnedTape::default()).unwrap();
    let output = clone.forward(&input(1)).unwrap();
    let loss = clone.loss(&input(1), &LABELS, &regularizer()).unwrap();
    queue(&mut trained, &mut *adam, 1, None).read().unwrap();
    assert!(bits(&trained) != weights && bits(&clone) == weights);
    assert!(trained.forward(&input(1)).unwrap() != output && clone.forward(&input(1)).unwrap() == output);
    drop(pass);
    let found = loss.backward().unwrap();
    for (name, ..) in clone.parameters() {
        assert_eq!(found.get(&name), expected.get(&name), "{name}");
    }
    // on the CPU, and after a change of a tensor
    let cpu = trained.to_cpu().unwrap();
    assert!(bits(&cpu) == bits(&trained));
    let mut changed = bits(&trained);
    let values = vec![0.25; changed[0].len()];
    trained.set_parameter("W1", &values).unwrap();
    changed[0] = values.iter().map(|v: &f32| v.to_bits()).collect();
    assert!(bits(&trained) == changed);
    let mut cpu = cpu;
    cpu.set_parameter("W1", &values).unwrap();
    assert_eq!(trained.forward(&input(1)).unwrap().counts, cpu.forward(&input(1)).unwrap().counts);
}

#[test]
fn a_step_that_is_not_finite_changes_no_weight() {
    let mut network = emulated(CudaEmulation::default());
    let values = vec![f32::MAX; 33 * 5];
    network.set_parameter("Wout", &values).unwrap();
    let mut adam = optimizer(OptimizerKind::AdamW, &network, &[]);
    let before = bits(&network);
    let (values, norms) = queue(&mut network, &mut *adam, 0, None).read().unwrap();
    assert!(!values.total().is_finite() || norms.iter().any(|(_, norm)| !norm.is_finite()), "{values:?}");
    assert!(bits(&network) == before);
    assert!(
        adam.state().matrices.iter().flat_map(|it| &it.buffers).all(|(_, v)| v.iter().all(|&v| v == 0.0))
    );
}
