//! The jobs that are measured: shapes of data sets, random weights and input.

use crate::moved::moved;
use cudarc::driver::{
    CudaDevice,
    sys::CUdevice_attribute::{
        CU_DEVICE_ATTRIBUTE_CLOCK_RATE, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH,
        CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
    },
};
use serde_json::json;
use snn_core::{Adam, AdamConfig, Cuda, Events, Frames, Input, Layer, NetworkConfig, Regularizer};
use snn_tests::problem::{Problem, Signal};
use snn_train::{Experiment, Trainer};
use std::{sync::Arc, time::Instant};

/// Samples in the base batch; larger batches repeat it.
const BASE: usize = 256;

/// One job with so many times [`BASE`] samples; whether there is such a job.
pub(super) fn bench(gpu: &Cuda, name: &str, times: usize) -> bool {
    let job = |inputs, hidden, outputs, dt| NetworkConfig {
        hidden: vec![hidden],
        dt,
        ..NetworkConfig::new(inputs, outputs)
    };
    let spikes = Signal::Spikes;
    let (config, steps, signal, gain) = match name {
        "R" => (job(20, Layer::feed_forward(100), 10, 1.0), 100, spikes(0.01), 7.0),
        "M" => (job(784, Layer::feed_forward(100), 10, 1.0), 100, spikes(0.002), 7.0),
        "S" => (job(700, Layer::recurrent(256), 20, 2.0), 500, spikes(0.0229), 2.0),
        "A" => (job(40, Layer::recurrent(256), 35, 2.0), 100, Signal::Frames, 2.0),
        other => {
            eprintln!("error: no job {other}");
            return false;
        }
    };
    limits();
    let problem = Problem { signal, gain, ..Problem::new(config, BASE, steps) };
    step(name, &problem, times.max(1), gpu);
    true
}

/// What the first GPU can do at most, by what it says of itself.
fn limits() {
    let gpu = CudaDevice::new(0).expect("a GPU");
    let ask = |attribute| f64::from(gpu.attribute(attribute).expect("an attribute"));
    let capability = (
        ask(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) as u32,
        ask(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR) as u32,
    );
    // 32-bit multiply-adds of a processor in a clock
    let width = if capability.0 < 8 || capability == (8, 0) { 64.0 } else { 128.0 };
    let kilo = 1e3;
    let clock = kilo * ask(CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
    let flop_per_s = 2.0 * width * ask(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT) * clock;
    // two transfers a clock
    let bytes = ask(CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH) / 8.0;
    let bytes_per_s = 2.0 * bytes * kilo * ask(CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE);
    println!("{}", json!({"kind": "gpu", "gflop_per_s": flop_per_s / 1e9, "gb_per_s": bytes_per_s / 1e9}));
}

fn repeated(input: &Input<f32>, times: usize) -> Input<f32> {
    let (batch, steps, units) = (input.batch(), input.steps(), input.units());
    match input {
        Input::Frames(frames) => {
            Frames::new(batch * times, steps, units, frames.values().repeat(times)).expect("frames").into()
        }
        Input::Events(events) => {
            let (mut offsets, mut indices) = (vec![0], Vec::new());
            for sample in 0..batch * times {
                for step in 0..steps {
                    indices.extend_from_slice(events.row(sample % batch, step));
                    offsets.push(indices.len() as u32);
                }
            }
            Events::new(batch * times, steps, units, offsets, indices).expect("events").into()
        }
    }
}

/// A hash of the bits of some numbers.
fn hash(values: impl Iterator<Item = u64>) -> String {
    // FNV-1a, by words
    let hash =
        values.fold(0xcbf2_9ce4_8422_2325_u64, |hash, bits| (hash ^ bits).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

/// One training step as the trainer makes it: forward, backward, what metrics need, Adam.
fn step(name: &str, problem: &Problem, times: usize, gpu: &Cuda) {
    let batch = BASE * times;
    let (input, labels) = (repeated(&problem.input(), times), problem.labels().repeat(times));
    let mut network = moved(&problem.network(), gpu);
    let mut adam = Adam::new(AdamConfig::default(), &network).expect("an optimizer");
    let hashes = [(); 2].map(|()| {
        let (values, gradients) =
            network.loss_and_gradients(&input, &labels, &Regularizer::default()).expect("a step");
        let gradients = network.parameters().flat_map(|(name, ..)| {
            gradients
                .get(&name)
                .expect("a gradient")
                .iter()
                .map(|it| u64::from(it.to_bits()))
                .collect::<Vec<_>>()
        });
        (hash([values.total().to_bits()].into_iter()), hash(gradients))
    });
    let [(loss, gradients), (other_loss, others)] = hashes;
    println!(
        "{}",
        json!({"kind": "repeat", "job": name, "loss": [loss, other_loss], "gradients": [gradients, others]})
    );
    let mut spikes = 0.0;
    let mut step = || {
        let (values, gradients) =
            network.loss_and_gradients(&input, &labels, &Regularizer::default()).expect("a step");
        let counts = values.output.counts;
        spikes = counts.iter().flatten().map(|&count| f64::from(count)).sum();
        // waits for the GPU
        gradients.norms().expect("norms");
        adam.update(&mut network, &gradients).expect("an update");
    };
    (0..3).for_each(|_| step());
    let mut laps = Vec::new();
    while laps.len() < 5 || (laps.len() < 100 && laps.iter().sum::<f64>() < 1.0) {
        let watch = Instant::now();
        step();
        laps.push(watch.elapsed().as_secs_f64());
    }
    laps.sort_by(f64::total_cmp);
    let events = match &input {
        Input::Events(events) => {
            let rows =
                (0..events.batch()).flat_map(|sample| (0..events.steps()).map(move |step| (sample, step)));
            Some(rows.map(|(sample, step)| events.row(sample, step).len()).sum::<usize>())
        }
        Input::Frames(_) => None,
    };
    let layer = problem.config.hidden[0];
    let shape = json!({
        "kind": "job", "job": name, "batch": batch, "steps": problem.steps, "inputs": problem.config.inputs,
        "hidden": layer.units, "recurrent": layer.recurrent, "outputs": problem.config.outputs, "events": events,
        "spikes_per_sample": spikes / batch as f64,
    });
    println!("{shape}");
    let ms = 1e3 * laps[laps.len() / 2];
    println!("{}", json!({"kind": "step", "job": name, "batch": batch, "program": "snn", "ms": ms}));
}

/// The preset `randman` from its first step to its test, everything there before the clock starts but the data on the GPU.
pub(super) fn randman(gpu: &Cuda) {
    let mut experiment = Experiment::preset("randman").expect("the preset");
    experiment.set(&["training.epochs=50"]).expect("its epochs");
    let epochs = experiment.training.epochs;
    let dataset = Arc::from(experiment.data.open().expect("its data"));
    let mut trainer = Trainer::on_device(gpu.clone(), experiment, dataset).expect("a trainer");
    let watch = Instant::now();
    let outcome = trainer.run(&mut []).expect("a run");
    let seconds = watch.elapsed().as_secs_f64();
    let accuracy = outcome.test.map_or(0.0, |record| record.test.accuracy);
    println!("{}", json!({"kind": "run", "epochs": epochs, "seconds": seconds, "test_accuracy": accuracy}));
}
