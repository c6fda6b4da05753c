//! One variant of one job, timed step by step.

use crate::{jobs::Job, options::Options, processor_time};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use snn_core::{Adam, AdamConfig, Cpu, Error, Implementation, Input, LossValues};
use std::time::{Duration, Instant};

/// The time of a variant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Timing {
    pub(crate) job: String,
    pub(crate) variant: String,
    pub(crate) steps_measured: usize,
    pub(crate) median_ms: f64,
    pub(crate) min_ms: f64,
    pub(crate) max_ms: f64,
    /// Processor time per step over all threads, if the system reports it: median and minimum.
    #[serde(default)]
    pub(crate) processor_ms: Option<f64>,
    #[serde(default)]
    pub(crate) processor_min_ms: Option<f64>,
    /// Processor times of `forward_ms` and `backward_ms`.
    #[serde(default)]
    pub(crate) processor_phases_ms: Option<[f64; 2]>,
    /// For the variant `fused`, which runs forward and backward block by block, the time of inference with the same batch.
    pub(crate) forward_ms: f64,
    pub(crate) backward_ms: f64,
    pub(crate) update_ms: f64,
    /// Spikes of each hidden layer in a batch.
    #[serde(default)]
    pub(crate) spikes: Vec<f64>,
    /// Spikes of the input in a batch.
    #[serde(default)]
    pub(crate) input_spikes: f64,
    pub(crate) peak_memory_mb: Option<f64>,
    pub(crate) hidden_spikes_per_unit: f64,
    pub(crate) loss: f64,
}

/// Runs one variant of one job in this process.
pub(crate) fn measure(job: &Job, variant: &str, options: &Options) -> Result<Timing, Error> {
    let implementation = if variant == "naive" { Implementation::Reference } else { Implementation::Fused };
    let mut network = job.network(implementation)?;
    if let Some(set) = options.instruction_set {
        network.set_instruction_set(set)?;
    }
    let initial: Vec<(String, Vec<f32>)> = network.parameters().map(|(name, _, w)| (name, w)).collect();
    let mut adam: Adam<f32, Cpu> = Adam::new(AdamConfig::default(), &network)?;
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut batches = Vec::new();
    for _ in 0..2 {
        let (input, labels) = job.batch(&mut rng)?;
        let input = match (variant, &input) {
            ("dense", Input::Events(events)) => events.to_frames::<f32>().into(),
            _ => input,
        };
        batches.push((input, labels));
    }
    forget_peak_memory();
    let mut phases: Vec<[Duration; 3]> = Vec::new();
    let (mut totals, mut processor) = (Vec::new(), Vec::new());
    let mut processor_forward = Vec::new();
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    let (mut loss_value, mut spikes, mut input_spikes) = (0.0, Vec::new(), 0.0);
    let (warm_up, budget) = match variant {
        "naive" => (0, options.seconds),
        _ => (3, options.seconds),
    };
    let started = Instant::now();
    let mut k = 0;
    while k < warm_up + 3 || (started.elapsed() < budget && k < warm_up + 2000) {
        // reset now and then: memorizing random labels would change the activity
        if k % 16 == 0 {
            for (name, w) in &initial {
                network.set_parameter(name, w)?;
            }
            adam = Adam::new(AdamConfig::default(), &network)?;
        }
        let (input, labels) = &batches[k % batches.len()];
        let p0 = processor_time::now();
        let t0 = Instant::now();
        let (values, gradients, t1) = if variant == "fused" {
            let (values, gradients) = network.loss_and_gradients(input, labels, &job.regularizer)?;
            (values, gradients, None)
        } else {
            let loss = network.loss(input, labels, &job.regularizer)?;
            let t1 = Instant::now();
            let (cross_entropy, regularization) = (loss.cross_entropy, loss.regularization);
            let output = loss.output.clone();
            let gradients = loss.backward()?;
            (LossValues { cross_entropy, regularization, output }, gradients, Some(t1))
        };
        let t3 = Instant::now();
        adam.update(&mut network, &gradients)?;
        let t4 = Instant::now();
        let p4 = processor_time::now();
        loss_value = values.total();
        let sum = |counts: &Vec<f32>| counts.iter().map(|&c| f64::from(c)).sum::<f64>();
        spikes = values.output.counts.iter().map(sum).collect();
        input_spikes = match input {
            Input::Events(events) => events.spikes() as f64,
            Input::Frames(_) => 0.0,
        };
        // backward is the rest of the step
        let forward = match t1 {
            Some(t1) => t1 - t0,
            None => {
                let started = Instant::now();
                let begin = processor_time::now();
                network.forward(input)?;
                let end = processor_time::now();
                if k >= warm_up {
                    processor_forward
                        .extend(begin.zip(end).map(|(begin, end)| ms(end.saturating_sub(begin))));
                }
                started.elapsed()
            }
        };
        let phase = [forward, (t3 - t0).saturating_sub(forward), t4 - t3];
        if k >= warm_up {
            phases.push(phase);
            totals.push(ms(t4 - t0));
            processor.extend(p0.zip(p4).map(|(p0, p4)| ms(p4.saturating_sub(p0))));
        }
        k += 1;
        if variant == "naive" && started.elapsed() > budget {
            break;
        }
    }
    let total: Vec<f64> = totals;
    let processor_ms = (!processor.is_empty()).then(|| median(processor.clone()));
    let processor_forward = (!processor_forward.is_empty()).then(|| median(processor_forward));
    let phase = |which: usize| median(phases.iter().map(|p| ms(p[which])).collect());
    Ok(Timing {
        job: job.name.into(),
        variant: variant.into(),
        steps_measured: total.len(),
        median_ms: median(total.clone()),
        min_ms: total.iter().copied().fold(f64::INFINITY, f64::min),
        max_ms: total.iter().copied().fold(0.0, f64::max),
        processor_min_ms: processor.iter().copied().reduce(f64::min),
        processor_ms,
        processor_phases_ms: processor_ms
            .zip(processor_forward)
            .map(|(step, forward)| [forward, step - forward - phase(2)]),
        forward_ms: phase(0),
        backward_ms: phase(1),
        update_ms: phase(2),
        peak_memory_mb: peak_memory_mb(),
        hidden_spikes_per_unit: spikes.first().copied().unwrap_or(0.0) / (job.batch * job.hidden[0].0) as f64,
        spikes,
        input_spikes,
        loss: loss_value,
    })
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Resets the peak resident set, to exclude the generation of the data. Does nothing if the system does not support it.
fn forget_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Peak resident set of this process since then, if the system reports it.
fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}
