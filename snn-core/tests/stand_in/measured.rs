//! Measurements of driver calls, and the expected calls.

use super::*;

#[test]
fn every_call_of_the_driver_is_told_to_programs_that_measure() {
    check(
        "measured::every_call_of_the_driver_is_told_to_programs_that_measure",
        scenario_profile,
        Libraries::All,
        &[],
    );
}

/// A training step like that of the trainer: loss, gradients, their norms, Adam.
fn training_step(network: &mut Network<f32, Cuda>, input: &Input<f32>) -> impl FnMut() {
    let mut adam = Adam::new(AdamConfig::default(), network).unwrap();
    move || {
        let (_, gradients) = network.loss_and_gradients(input, &[0, 1], &Regularizer::default()).unwrap();
        gradients.norms().unwrap();
        adam.update(network, &gradients).unwrap();
    }
}

fn scenario_profile() {
    let mut network = small_network(&cuda(0).unwrap());
    let input: Input<f32> = Events::from_spikes(2, 20, 12, &[(0, 3, 1), (1, 4, 2)]).unwrap().into();
    let mut step = training_step(&mut network, &input);
    step();
    let ((), calls) = cuda_calls(true, &mut step).unwrap();
    let kernels: Vec<_> = calls
        .iter()
        .filter_map(|call| match &call.work {
            CudaWork::Kernel(kernel) => Some((kernel, call.gpu.unwrap())),
            _ => None,
        })
        .collect();
    let names: Vec<_> = kernels.iter().map(|(kernel, _)| kernel.name.as_str()).collect();
    for name in ["project_events_on_chip", "lif_backward_recurrent_tile_2", "gather_events", "update_weights"]
    {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    assert!(kernels.iter().all(|(kernel, gpu)| kernel.registers == 40 && *gpu >= 0.0));
    let (tile, _) =
        kernels.iter().find(|(kernel, _)| kernel.name == "lif_backward_recurrent_tile_2").unwrap();
    assert_eq!((tile.blocks, tile.threads, tile.blocks_per_processor), ([1, 1, 1], [32, 8, 1], 8));
    let of = |work: &CudaWork| calls.iter().filter(|call| call.work == *work).collect::<Vec<_>>();
    // labels, offsets, indices and the settings of the update
    let uploads: Vec<_> = of(&CudaWork::Upload).iter().map(|call| call.bytes).collect();
    assert_eq!(uploads, [2 * 2, 4 * 41, 2 * 2, 56]);
    // one download for all values that the host reads
    assert_eq!((of(&CudaWork::Wait).len(), of(&CudaWork::Download).len()), (1, 1));
    // without timing, the calls are the same
    let ((), untimed) = cuda_calls(false, &mut step).unwrap();
    let works = |calls: &[CudaCall]| calls.iter().map(|call| call.work.clone()).collect::<Vec<_>>();
    assert_eq!(works(&untimed), works(&calls));
    assert!(untimed.iter().all(|call| call.gpu.is_none()));
}

#[test]
fn operations_of_a_step_are_counted() {
    check("measured::operations_of_a_step_are_counted", scenario_operations, Libraries::All, &[]);
}

/// Job R of the benchmarks, whose time is dominated by launches: a layer without recurrence, with events as input.
fn scenario_operations() {
    let config = NetworkConfig { hidden: vec![Layer::feed_forward(100)], ..NetworkConfig::new(20, 10) };
    let mut network: Network<f32, Cuda> =
        Network::on(cuda(0).unwrap(), config, Initialization::default(), 1).unwrap();
    let input: Input<f32> = Events::from_spikes(2, 20, 20, &[(0, 3, 1), (1, 4, 2)]).unwrap().into();
    let mut step = training_step(&mut network, &input);
    step();
    let ((), calls) = cuda_calls(false, &mut step).unwrap();
    // docs/gpu.md states these numbers
    assert_eq!(counted(&calls), [4, 5, 2, 4, 0, 1, 0]);

    drop(step);

    // as in the trainer: the next input is copied during the step, and values are read one step late
    let stager = network.stager().unwrap();
    let mut adam = Adam::new(AdamConfig::default(), &network).unwrap();
    let mut queue = |input: &Input<f32>| {
        let (loss, regularizer) = (CrossEntropy::default(), Regularizer::default());
        network.queue_step(&loss, input, &[0, 1], &regularizer, &mut adam, Some(1.0)).unwrap().unwrap()
    };
    let staged = || {
        let input: Input<f32> = Events::from_spikes(2, 20, 20, &[(0, 3, 1), (1, 4, 2)]).unwrap().into();
        stager.stage(&input);
        input
    };
    let mut last = None;
    for step in 0..8 {
        let (input, before) = cuda_calls(false, staged).unwrap();
        let (queued, calls) = cuda_calls(false, || queue(&input)).unwrap();
        let ((), after) = cuda_calls(false, || {
            drop(input);
            if let Some(last) = last.replace(queued) {
                QueuedStep::read(last).unwrap();
            }
        })
        .unwrap();
        // the memory pool and the graph need a few steps
        if step < 4 {
            continue;
        }
        // nothing waits while a step is queued; afterward, the host waits for the event of the previous step
        assert_eq!(counted(&before), [0, 1, 0, 0, 2, 0, 1], "staging in step {step}");
        // a graph, settings and labels, results, and the events of the input and the results
        assert_eq!(counted(&calls), [0, 2, 0, 0, 2, 0, 0], "step {step}");
        assert_eq!(calls.iter().filter(|call| call.work == CudaWork::Graph).count(), 1, "step {step}");
        assert_eq!(counted(&after), [0, 0, 0, 0, 1, 0, 1], "after step {step}");
    }
}

/// Numbers of kernels, copies, fills, memory operations, events, full synchronizations, and waits for an event.
fn counted(calls: &[CudaCall]) -> [usize; 7] {
    let count = |is: &dyn Fn(&CudaWork) -> bool| calls.iter().filter(|call| is(&call.work)).count();
    [
        count(&|work| matches!(work, CudaWork::Kernel(_))),
        count(&|work| matches!(work, CudaWork::Upload | CudaWork::Download | CudaWork::Copy)),
        count(&|work| *work == CudaWork::Fill),
        count(&|work| matches!(work, CudaWork::Allocate | CudaWork::Free)),
        count(&|work| *work == CudaWork::Event),
        count(&|work| *work == CudaWork::Wait),
        count(&|work| *work == CudaWork::WaitForEvent),
    ]
}

#[test]
fn batches_copied_ahead_are_those_that_were_asked_for() {
    check(
        "measured::batches_copied_ahead_are_those_that_were_asked_for",
        scenario_staging,
        Libraries::All,
        &[("SNN_STAND_IN_MEMORY", "4000000")],
    );
}

/// Different batches of events and of analog values.
fn batches() -> Vec<Input<f32>> {
    let events = |k: usize| {
        let spikes: Vec<_> = (0..40 + 90 * k).map(|n| (n % 2, 7 * n % 20, (n * n + k) % 12)).collect();
        Events::from_spikes(2, 20, 12, &spikes).unwrap().into()
    };
    let frames = |k: usize| {
        Frames::new(2, 20, 12, (0..480).map(|n| ((n + 31 * k) as f32 * 0.7).sin().abs()).collect()).unwrap()
    };
    (0..12).map(|k| if k % 3 == 2 { frames(k).into() } else { events(k) }).collect()
}

fn scenario_staging() {
    let config = NetworkConfig { hidden: vec![Layer::recurrent(30)], ..NetworkConfig::new(12, 5) };
    let network: Network<f32, Cuda> =
        Network::on(cuda(0).unwrap(), config, Initialization::Normal { gain: 7.0 }, 1).unwrap();
    let step = |input: &Input<f32>| {
        let (values, gradients) =
            network.loss_and_gradients(input, &[0, 1], &Regularizer::default()).unwrap();
        (values, gradients.get("W1").unwrap())
    };
    let expected: Vec<_> = batches().iter().map(step).collect();
    assert!(expected.windows(2).all(|pair| pair[0] != pair[1]));

    // as in the trainer: another thread copies the next batch during a step
    let stager = network.stager().unwrap();
    let mut waiting = batches().into_iter();
    let mut next = waiting.next();
    let mut found = Vec::new();
    while let Some(input) = next.take() {
        let ((values, calls), after) = std::thread::scope(|scope| {
            let after = scope.spawn(|| {
                let after = waiting.next();
                after.iter().for_each(|input| stager.stage(input));
                after
            });
            (cuda_calls(false, || step(&input)).unwrap(), after.join().unwrap())
        });
        next = after;
        found.push(values);
        let labels = 2 * 2;
        let uploads: Vec<_> =
            calls.iter().filter(|call| call.work == CudaWork::Upload).map(|it| it.bytes).collect();
        assert!(
            found.len() == 1 || uploads.iter().filter(|&&bytes| bytes != labels).count() <= 1,
            "{uploads:?}"
        );
    }
    assert!(found == expected);

    // one batch is dropped unused, another is staged twice and used twice
    let [dropped, twice, other] = [0, 4, 8].map(|k| batches().swap_remove(k));
    stager.stage(&dropped);
    drop(dropped);
    stager.stage(&twice);
    stager.stage(&twice.clone());
    stager.stage(&other);
    assert!(step(&twice) == expected[4] && step(&other) == expected[8] && step(&twice) == expected[4]);
    let scores = network.forward(&twice).unwrap();
    assert_eq!(scores, network.forward(&batches()[4]).unwrap());

    // a batch that does not fit is copied without staging, and the error is reported
    let large: Input<f32> = Frames::new(2, 40_000, 12, vec![0.5; 960_000]).unwrap().into();
    stager.stage(&large);
    let message = network.forward(&large).unwrap_err().to_string();
    assert!(message.contains("no memory left"), "{message}");
    assert!(step(&other) == expected[8]);
}

#[test]
fn ceilings_are_measured() {
    check("measured::ceilings_are_measured", scenario_ceilings, Libraries::All, &[]);
}

fn scenario_ceilings() {
    let found = cuda_ceilings(&cuda(0).unwrap(), 1 << 20, 10).unwrap();
    assert_eq!(found.copied, 1 << 20);
    // plausible values for any host
    for speed in [found.gflop_per_s, found.gb_per_s] {
        assert!(speed > 1e-4 && speed < 1e6, "{found:?}");
    }
}
