//! The accuracy of an ordinary network of the same size on the spike times of MNIST: the reference for the latency code.
//!
//! ```text
//! cargo run --release --example ordinary_network -- DIRECTORY_OF_MNIST [SEEDS [EPOCHS]]
//! ```
//!
//! 784-100-10 units, rectified linear, Adam, cross-entropy. The input of a pixel is `1 - step / steps` for its spike in `step`,
//! as in the spiking network, and 0 for a pixel without a spike. Learning rate and epoch are selected on validation; the test
//! part is used once per seed.

#![allow(clippy::print_stdout, reason = "a program that reports on the terminal")]

use std::env;

use snn_core::dfdx::optim::{Adam, AdamConfig};
use snn_core::dfdx::prelude::*;
use snn_data::{BatchInput, Dataset as _, Mnist, MnistConfig, collate, shuffled};

const BATCH: usize = 256;
const LEARNING_RATES: [f64; 3] = [1e-3, 3e-3, 1e-2];

type Network = (Linear<784, 100>, ReLU, Linear<100, 10>);
type Trained = <Network as BuildOnDevice<Cpu, f32>>::Built;

/// One part of the data: `[samples, 784]`, and labels.
struct Part {
    values: Vec<f32>,
    labels: Vec<usize>,
}

impl Part {
    fn read(data: &Mnist, indices: &[u32]) -> Result<Self, Box<dyn std::error::Error>> {
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for chunk in indices.chunks(1000) {
            let batch = collate(data, chunk)?;
            let BatchInput::Events { offsets, units } = &batch.input else { unreachable!("MNIST is events") };
            let first = values.len();
            values.resize(first + batch.batch * 784, 0.0);
            for (row, range) in offsets.windows(2).enumerate() {
                let (sample, step) = (row / batch.steps, row % batch.steps);
                for &unit in &units[range[0] as usize..range[1] as usize] {
                    values[first + sample * 784 + usize::from(unit)] = 1.0 - step as f32 / batch.steps as f32;
                }
            }
            labels.extend(batch.labels.iter().map(|&label| usize::from(label)));
        }
        Ok(Self { values, labels })
    }

    /// The samples with these indices as tensors: inputs, and labels as one-hot rows.
    fn batch(&self, device: &Cpu, places: &[usize]) -> (Tensor<(usize, Const<784>), f32, Cpu>, Vec<f32>) {
        let mut values = Vec::with_capacity(places.len() * 784);
        let mut targets = vec![0.0; places.len() * 10];
        for (row, &place) in places.iter().enumerate() {
            values.extend_from_slice(&self.values[place * 784..][..784]);
            targets[row * 10 + self.labels[place]] = 1.0;
        }
        (device.tensor_from_vec(values, (places.len(), Const::<784>)), targets)
    }
}

/// Fraction of samples whose largest output is that of their class.
fn accuracy(network: &Trained, device: &Cpu, part: &Part) -> f64 {
    let places: Vec<usize> = (0..part.labels.len()).collect();
    let mut right = 0;
    for places in places.chunks(1000) {
        let outputs = network.forward(part.batch(device, places).0).as_vec();
        right += outputs
            .chunks(10)
            .zip(places)
            .filter(|(row, place)| {
                let best = (0..10).max_by(|&a, &b| row[a].total_cmp(&row[b]));
                best == Some(part.labels[**place])
            })
            .count();
    }
    right as f64 / part.labels.len() as f64
}

/// The network of the best epoch on validation, and its validation accuracy.
fn learn(
    device: &Cpu,
    train: &Part,
    valid: &Part,
    seed: u64,
    rate: f64,
    epochs: usize,
) -> Result<(f64, Trained), Box<dyn std::error::Error>> {
    let mut network = device.build_module::<Network, f32>();
    let mut gradients = network.alloc_grads();
    let mut optimizer = Adam::new(&network, AdamConfig { lr: rate, ..AdamConfig::default() });
    let all: Vec<u32> = (0..train.labels.len() as u32).collect();
    let mut best = (0.0, network.clone());
    for epoch in 0..epochs {
        // Cosine to 0, as in the runs for comparison.
        let done = epoch as f64 / epochs as f64;
        optimizer.cfg.lr = rate * 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        let order: Vec<usize> =
            shuffled(&all, seed, epoch as u64).into_iter().map(|place| place as usize).collect();
        for places in order.chunks_exact(BATCH) {
            let (inputs, targets) = train.batch(device, places);
            let outputs = network.forward_mut(inputs.traced(gradients));
            let targets = device.tensor_from_vec(targets, (places.len(), Const::<10>));
            gradients = cross_entropy_with_logits_loss(outputs, targets).backward();
            optimizer.update(&mut network, &gradients)?;
            network.zero_grads(&mut gradients);
        }
        let reached = accuracy(&network, device, valid);
        if reached > best.0 {
            best = (reached, network.clone());
        }
    }
    Ok(best)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("usage: ordinary_network DIRECTORY_OF_MNIST [SEEDS [EPOCHS]]")?;
    let seeds: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let epochs: usize = arguments.next().map_or(Ok(60), |text| text.parse())?;

    let data = Mnist::open(folder, &MnistConfig::default())?;
    let splits = data.splits();
    let train = Part::read(&data, &splits.train)?;
    let valid = Part::read(&data, &splits.valid)?;
    let test = Part::read(&data, &splits.test)?;
    let mut tested = Vec::new();
    for seed in 0..seeds {
        let device = Cpu::seed_from_u64(seed);
        let mut best: Option<(f64, f64, Trained)> = None;
        for rate in LEARNING_RATES {
            let (reached, network) = learn(&device, &train, &valid, seed, rate, epochs)?;
            if best.as_ref().is_none_or(|(before, ..)| reached > *before) {
                best = Some((reached, rate, network));
            }
        }
        let (reached, rate, network) = best.ok_or("no learning rate")?;
        let on_test = accuracy(&network, &device, &test);
        println!(
            "seed {seed}: learning rate {rate}, validation {:.2} %, test {:.2} %",
            100.0 * reached,
            100.0 * on_test
        );
        tested.push(on_test);
    }
    let count = tested.len() as f64;
    let mean = tested.iter().sum::<f64>() / count;
    let variance = tested.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    println!("test accuracy {:.2} +- {:.2} %, {} seeds", 100.0 * mean, 100.0 * variance.sqrt(), tested.len());
    Ok(())
}
