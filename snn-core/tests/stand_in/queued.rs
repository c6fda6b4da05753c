//! Queued steps, as CUDA graphs and kernel by kernel, compared with separate passes and updates.

use super::*;

#[test]
fn steps_in_graphs_are_those_of_separate_passes() {
    check("queued::steps_in_graphs_are_those_of_separate_passes", scenario_graphs, Libraries::All, &[]);
}

#[test]
fn without_graphs_kernels_are_launched_one_by_one() {
    check(
        "queued::without_graphs_kernels_are_launched_one_by_one",
        scenario_no_graphs,
        Libraries::All,
        &[("SNN_STAND_IN_NO_GRAPHS", "1")],
    );
}

fn scenario_graphs() {
    for hidden in networks() {
        assert!(train(hidden) > 10, "too few graphs were launched");
    }
}

fn scenario_no_graphs() {
    for hidden in networks() {
        assert_eq!(train(hidden), 0);
    }
}

/// Layer by layer, and in one block per sample.
fn networks() -> [Vec<Layer>; 2] {
    [vec![Layer::recurrent(30), Layer::feed_forward(20)], vec![Layer::feed_forward(30)]]
}

/// Random events for `batch` samples.
fn events(seed: usize, batch: usize) -> Input<f32> {
    let spikes =
        (0..batch).flat_map(|b| (0..20).map(move |n| (b, n, ((seed % 5 + 2) * n + 5 * b + seed) % 12)));
    Events::from_spikes(batch, 20, 12, &spikes.collect::<Vec<_>>()).unwrap().into()
}

fn weights(network: &Network<f32, Cuda>) -> Vec<Vec<u32>> {
    network.parameters().map(|(_, _, values)| values.iter().map(|v| v.to_bits()).collect()).collect()
}

/// Trains one network with queued steps and another with separate passes and updates: staged batches of two sizes, forward passes
/// in between, and a learning rate that changes. Returns the number of launched graphs.
fn train(hidden: Vec<Layer>) -> usize {
    let config = NetworkConfig { hidden, ..NetworkConfig::new(12, 5) };
    let device = cuda(0).unwrap();
    let mut queued: Network<f32, Cuda> =
        Network::on(device, config, Initialization::Normal { gain: 7.0 }, 1).unwrap();
    let mut separate = queued.clone();
    let [mut of_queued, mut of_separate] =
        [&queued, &separate].map(|network| Adam::new(AdamConfig::default(), network).unwrap());
    let (loss, regularizer) = (CrossEntropy::default(), Regularizer::default());
    let stager = queued.stager().unwrap();
    let (mut graphs, mut unread, mut expected) = (0, None, None);
    for step in 0..40 {
        let (batch, labels) = if step % 5 == 4 { (2, &[3, 1][..]) } else { (3, &[0, 1, 2][..]) };
        let input = events(step, batch);
        stager.stage(&input);
        let rate = 1e-3 / (1.0 + step as f64);
        of_queued.set_learning_rate(rate).unwrap();
        of_separate.set_learning_rate(rate).unwrap();
        let (this, calls) = cuda_calls(false, || {
            queued
                .queue_step(&loss, &input, labels, &regularizer, &mut of_queued, Some(0.5))
                .unwrap()
                .unwrap()
        })
        .unwrap();
        graphs += calls.iter().filter(|call| call.work == CudaWork::Graph).count();
        assert!(calls.iter().all(|call| call.work != CudaWork::Wait && call.work != CudaWork::WaitForEvent));
        let (values, mut gradients) = separate.loss_and_gradients(&input, labels, &regularizer).unwrap();
        let norms: Vec<_> =
            gradients.norms().unwrap().into_iter().map(|(name, norm)| (name.to_owned(), norm)).collect();
        gradients.clip_norm(0.5).unwrap();
        of_separate.update(&mut separate, &gradients).unwrap();
        if step % 7 == 0 {
            assert_eq!(queued.forward(&events(0, 3)).unwrap(), separate.forward(&events(0, 3)).unwrap());
            assert!(weights(&queued) == weights(&separate), "step {step}");
        }
        let last: Option<QueuedStep<f32>> = unread.replace(this);
        assert_eq!(last.map(|last| last.read().unwrap()), expected, "before step {step}");
        expected = Some((values, norms));
    }
    assert!(weights(&queued) == weights(&separate));
    assert_eq!(of_queued.state(), of_separate.state());
    // a copy on the CPU has the same weights
    let cpu = queued.to_cpu().unwrap();
    assert!(cpu.parameters().zip(queued.parameters()).all(|(here, there)| here == there));
    graphs
}

#[test]
fn memory_of_steps_is_released_when_there_is_none_left() {
    check(
        "queued::memory_of_steps_is_released_when_there_is_none_left",
        scenario_release,
        Libraries::All,
        &[("SNN_STAND_IN_MEMORY", "6000000")],
    );
}

fn scenario_release() {
    let mut network = small_network(&cuda(0).unwrap());
    let mut adam = Adam::new(AdamConfig::default(), &network).unwrap();
    let (loss, regularizer) = (CrossEntropy::default(), Regularizer::default());
    let long: Input<f32> = Events::from_spikes(2, 5_000, 12, &[(0, 3, 1), (1, 4, 2)]).unwrap().into();
    for _ in 0..3 {
        let step = network.queue_step(&loss, &long, &[0, 1], &regularizer, &mut adam, None).unwrap().unwrap();
        step.read().unwrap();
    }
    // more than is free while the steps keep their memory: 2 x 12,000 steps x 30 units of 4 bytes, plus spikes
    let longer: Input<f32> = Events::from_spikes(2, 12_000, 12, &[(0, 3, 1)]).unwrap().into();
    network.forward(&longer).unwrap();
    let step = network.queue_step(&loss, &long, &[0, 1], &regularizer, &mut adam, None).unwrap().unwrap();
    assert!(step.read().unwrap().0.total() > 0.0);
}
