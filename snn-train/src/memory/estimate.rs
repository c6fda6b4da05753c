//! The peak memory of a run, by part: during training, or while its checkpoint is written.

use std::fmt;

use snn_core::{Implementation, NetworkConfig, NeuronKind, OptimizerKind};
use snn_data::{Binning, Dataset, EventDataset, InputKind, Portion};

use crate::{
    error::Error,
    experiment::{Data, Experiment},
};

/// The kernels round rows up to whole vectors and samples to whole blocks.
const VECTOR: u64 = 16;
const BLOCK: u64 = 8;

/// The program itself, including its threads.
const PROGRAM: u64 = 20_000_000;

/// Maximum number of copies of a weight matrix: the network's, the gradient, the layout for kernels, the states of last and best
/// epoch, and the bytes of a checkpoint; the same number of each optimizer state. Partial sums of gradients are extra.
const COPIES: u64 = 6;

/// Additional copies if the optimizer computes on its own copies.
const HOST_COPIES: u64 = 2;

/// Copies of a unit's state that the tape of the reference implementation keeps for each step.
const ON_TAPE: u64 = 12;
/// The same, for an adaptive unit.
const ON_ADAPTIVE_TAPE: u64 = 16;

/// Samples per batch for the evaluation of the untrained network, which keeps the potentials of all its units.
const LOOKED_AT: u64 = 10;

const BYTES: u64 = size_of::<f32>() as u64;

/// The memory of a run, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MemoryEstimate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    what: &'static str,
    bytes: u64,
    /// The keys that it depends on.
    keys: &'static str,
}

/// The memory of a data set's samples, estimated before they exist; 0 if it is known only from their files.
fn of_data(data: &Data) -> MemoryEstimate {
    let mut estimate = MemoryEstimate::default();
    if let Data::Randman(config) = data {
        let samples = product(&[config.classes, config.samples_per_class]);
        // 64-bit coordinates and spike times, a 32-bit offset per step and 16-bit units.
        let of_each = product(&[8, config.dim + config.inputs])
            .saturating_add(product(&[2, config.inputs]))
            .saturating_add(product(&[4, config.steps]))
            .saturating_add(14);
        // During generation, two more copies of the spike times of one class per thread.
        let at_once = config.classes.min(rayon::current_num_threads());
        let made = product(&[16, at_once, config.samples_per_class, config.inputs]);
        let all = samples.saturating_mul(of_each).saturating_add(made);
        estimate.add("the samples", all, "data.classes, data.samples_per_class");
    }
    estimate
}

/// The memory of training on the CPU: `config` on this number of samples and steps.
fn of_training(
    experiment: &Experiment,
    config: &NetworkConfig,
    samples: usize,
    steps: usize,
    kind: InputKind,
) -> MemoryEstimate {
    let mut estimate = MemoryEstimate::default();
    estimate.add("the program", PROGRAM, "network.hidden");
    let (mut below, mut weights, mut widths) = (config.inputs as u64, 0_u64, 0_u64);
    for layer in &config.hidden {
        let units = layer.units as u64;
        let width = units.next_multiple_of(VECTOR);
        let afferents = below.saturating_add(if layer.recurrent { units } else { 0 });
        weights = weights.saturating_add(afferents.saturating_mul(width));
        widths = widths.saturating_add(width);
        below = units;
    }
    let outputs = config.outputs as u64;
    let out_width = outputs.next_multiple_of(VECTOR);
    weights = weights.saturating_add(below.saturating_mul(out_width));
    let optimizer = experiment.optimizer.name;
    let on_host = if optimizer == OptimizerKind::Smorms3 { HOST_COPIES } else { 0 };
    let copies = COPIES * (1 + optimizer.buffers().len() as u64) + on_host;
    estimate.add(
        "weights, moments, gradients and checkpoints",
        weights.saturating_mul(copies * BYTES),
        "network.hidden",
    );

    // A batch has no more samples than there are.
    let batch = (experiment.training.batch_size.min(samples) as u64).next_multiple_of(BLOCK);
    let sample_steps = batch.saturating_mul(steps as u64);
    let all_widths = widths.saturating_add(out_width);
    let traces = if config.implementation == Implementation::Fused {
        // The potentials of the hidden units at every step, for one block of samples per thread; and partial sums of gradients, as
        // many as cost about a quarter of the time loop, a few of which the tree reduction holds per thread.
        let (blocks, threads) = (batch / BLOCK, rayon::current_num_threads() as u64);
        let of_block = product_of(&[BLOCK, steps as u64, widths, BYTES]);
        let sums = sample_steps.saturating_mul(all_widths) / weights.saturating_mul(4).max(1);
        let sums = sums.clamp(1, blocks.max(1));
        let at_once = sums.min(threads.saturating_mul(2 + u64::from(sums.ilog2())));
        // The allocator retains half as much again from earlier blocks.
        let of_blocks = of_block.saturating_mul(blocks.min(threads)) / 2 * 3;
        of_blocks.saturating_add(product_of(&[at_once, weights, BYTES]))
    } else {
        let on_tape = if config.neuron == NeuronKind::Lif { ON_TAPE } else { ON_ADAPTIVE_TAPE };
        product_of(&[sample_steps, all_widths, on_tape * BYTES])
    };
    // Spike counts and their gradients; logits, their exponentials and gradients, and those that the loss computes.
    let answers =
        product_of(&[batch, widths, 2 * BYTES]).saturating_add(product_of(&[batch, out_width, 4 * BYTES]));
    estimate.add(
        "the traces of a batch",
        traces.saturating_add(answers),
        "training.batch_size, data.steps, network.hidden",
    );
    let looked_at = LOOKED_AT.min(samples as u64);
    estimate.add(
        "the evaluation of the untrained network",
        product_of(&[looked_at, steps as u64, all_widths, BYTES]),
        "data.steps, network.hidden",
    );
    // This batch and the next one: offsets, and a few spikes per step; or a value per unit and step.
    let of_step = match kind {
        InputKind::Events => 8,
        InputKind::Frames => (config.inputs as u64).saturating_mul(BYTES),
    };
    estimate.add(
        "two batches of input",
        product_of(&[2, sample_steps, of_step]),
        "training.batch_size, data.steps",
    );
    estimate
}

fn product(factors: &[usize]) -> u64 {
    factors.iter().fold(1_u64, |product, &factor| product.saturating_mul(factor as u64))
}

fn product_of(factors: &[u64]) -> u64 {
    factors.iter().fold(1_u64, |product, &factor| product.saturating_mul(factor))
}

impl Experiment {
    /// Refuses data, and training on them, that do not fit in memory, if their size is known in advance.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn check_memory(&self) -> Result<(), Error> {
        let mut estimate = of_data(&self.data);
        if let Data::Randman(config) = &self.data {
            let binning = Binning { steps: config.steps, dt: config.dt, ..Binning::default() };
            let empty = EventDataset::new("randman", config.inputs, config.classes, binning)?;
            let held_out = |portion: Portion| portion.of(config.samples_per_class, "").unwrap_or_default();
            let held_out = held_out(config.valid).saturating_add(held_out(config.test));
            let trained = config.samples_per_class.saturating_sub(held_out);
            let samples = config.classes.saturating_mul(trained.max(held_out));
            let network = self.network_config(&empty);
            let training = of_training(self, &network, samples, config.steps, InputKind::Events);
            estimate.parts.extend(training.parts);
        }
        estimate.check(self.training.memory_limit)
    }

    /// The memory of training on `dataset`.
    pub(crate) fn training_memory(&self, dataset: &dyn Dataset) -> MemoryEstimate {
        let splits = dataset.splits();
        let samples =
            [&splits.train, &splits.valid, &splits.test].map(Vec::len).into_iter().max().unwrap_or(0);
        of_training(self, &self.network_config(dataset), samples, dataset.steps(), dataset.kind())
    }
}

impl MemoryEstimate {
    fn add(&mut self, what: &'static str, bytes: u64, keys: &'static str) {
        self.parts.push(Part { what, bytes, keys });
    }

    /// The total.
    pub(crate) fn bytes(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.bytes))
    }

    /// Refuses what does not fit in `limit` (GB, `training.memory_limit`) if set, otherwise in the available memory.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub(crate) fn check(&self, limit: f64) -> Result<(), Error> {
        let (bytes, by) = if limit > 0.0 {
            ((limit * 1e9) as u64, "training.memory_limit")
        } else {
            match snn_data::available_memory() {
                Some(available) => (available.bytes, available.by),
                None => return Ok(()),
            }
        };
        if self.bytes() <= bytes {
            return Ok(());
        }
        let largest = self.parts.iter().max_by_key(|part| part.bytes).map_or("", |part| part.keys);
        Err(Error::TooLarge {
            takes: self.to_string(),
            there_is: format!("{} ({by})", gigabytes(bytes)),
            largest,
        })
    }
}

impl fmt::Display for MemoryEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&gigabytes(self.bytes()))?;
        for (n, part) in self.parts.iter().enumerate() {
            write!(f, "{}{} {}", if n == 0 { " (" } else { ", " }, part.what, gigabytes(part.bytes))?;
        }
        f.write_str(if self.parts.is_empty() { "" } else { ")" })
    }
}

fn gigabytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes < 1e9 { format!("{:.0} MB", bytes / 1e6) } else { format!("{:.1} GB", bytes / 1e9) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(changes: &[&str]) -> MemoryEstimate {
        let mut experiment = Experiment::default();
        experiment.set(&["data.classes=2", "data.samples_per_class=10"]).unwrap();
        let dataset = experiment.data.open().unwrap();
        experiment.set(changes).unwrap();
        of_training(&experiment, &experiment.network_config(&*dataset), 10_000, 100, InputKind::Events)
    }

    #[test]
    fn parts_scale_with_their_settings() {
        let small = estimate(&["network.hidden=[64]"]);
        assert!(small.bytes() < 50 << 20, "{small}");
        let wide = estimate(&["network.hidden=[60000, 60000]"]);
        assert!(wide.bytes() > 18 * 4 * 3_600_000_000, "{wide}");
        let text = wide.to_string();
        assert!(
            text.starts_with("27")
                && text.contains(" MB, weights, moments, gradients and checkpoints 259.4 GB"),
            "{text}"
        );
        let recurrent = estimate(&["network.hidden=[1000]", "network.recurrent=true"]);
        assert!(recurrent.parts[1].bytes > 9 * estimate(&["network.hidden=[1000]"]).parts[1].bytes);
        let (one, two) = (estimate(&["training.batch_size=100"]), estimate(&["training.batch_size=1000"]));
        assert!(two.parts[4].bytes > 9 * one.parts[4].bytes && two.parts[1] == one.parts[1]);
        assert!(two.parts[2].bytes < 9 * one.parts[2].bytes, "blocks of samples, not batches");
        let on_tape = estimate(&["network.implementation=reference"]);
        assert!(on_tape.parts[2].bytes > 5 * one.parts[2].bytes, "{on_tape}");
    }

    #[test]
    fn excessive_memory_is_refused_with_numbers() {
        let mut experiment = Experiment::default();
        let estimate = estimate(&["network.hidden=[60000, 60000]"]);
        experiment.set(&["training.memory_limit=2"]).unwrap();
        let error = estimate.check(experiment.training.memory_limit).unwrap_err();
        let text = error.to_string();
        assert!(error.is_usage() && text.contains("2.0 GB (training.memory_limit)"), "{text}");
        assert!(text.contains("Lower network.hidden"), "{text}");
        experiment.set(&["training.memory_limit=1e6"]).unwrap();
        estimate.check(experiment.training.memory_limit).unwrap();
        let mut many = Experiment::default();
        many.set(&["data.classes=65536"]).unwrap();
        assert!(of_data(&many.data).bytes() > 30_000_000_000);
    }
}
