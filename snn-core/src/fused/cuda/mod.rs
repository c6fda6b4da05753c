//! The fused implementation on a GPU: the same entry on dfdx's tape as on the CPU, and the same numbers.
//!
//! Layers are taken one after the other, each through all steps in one launch. Forward, the spikes of the layer below are
//! first summed up to the drive of every step, all steps at once; then the time loop runs over them. A layer without recurrence
//! is a loop of every unit for itself; a recurrent one is a block of threads for each sample, which tell each other their spikes
//! as bits in on-chip memory and pick up rows of V through the second-level cache. Backward, the adjoint currents of the layer
//! above go through its transposed weights as one dense product; the time loop then runs back, in recurrent layers with some
//! samples to a block, so that the rows of V, which lie on chip as far as they fit, serve them all. Weight gradients are gathered
//! by spikes into partial sums, whose number depends on shapes alone, and which are added in their order: no sum depends on which
//! thread comes first, so the same seed gives the same bits on the same GPU.
//!
//! States of the forward pass are `f64`, as on the CPU and for its reason (spikes stay where they are). That is half of the
//! rate of `f32` on GPUs made for computing and a sixty-fourth on those made for games; even there it is about ten operations a
//! unit and step, against a row of weights for every spike.
//!
//! # Memory
//!
//! With B samples, T steps, H units in a layer, O outputs, a step takes on the GPU, in bytes:
//!
//! - from the forward to the backward pass: potentials `4 B T H` and spikes `4 B T ceil(H / 32)` of every hidden layer, the
//!   drive of the readout `4 B T O`, and the input, `2 events + 4 B T` or `4 B T I` for I analog channels;
//! - in the backward pass: adjoint currents, `4 B T H` of two neighboring layers at a time, and the partial sums of one
//!   gradient after the other, at most 256 MB.
//!
//! For one hidden layer that is about `8 B T H`: 1.0 MB a sample in job S of the README (T 500, H 256).
//!
//! # What a step takes at least
//!
//! The formulas are at `Job::floor` of `cargo xtask gpu`: `2 B T H (H + O + 2 I)` operations that no sparsity avoids (H for
//! recurrent layers, 2 I for analog input), and potentials written and read once, `8 B T H` bytes. These kernels move more:
//! forward, drive is written and read before the potential takes its place; backward, adjoint currents are written by the
//! product, read and written by the time loop, and read for each gradient: about `40 B T H` bytes in a recurrent layer. What that
//! means for a GPU, and what is to be tried on the first, is in `docs/gpu.md`.
//!
//! # Files
//!
//! - `kernels/`: the kernels and their equations, in the common subset of CUDA C++ and C;
//! - [`arguments`]: what they are given; [`kernel_device`]: what they run on, and its memory;
//! - [`forward`], [`backward`]: which kernel is launched when, on what;
//! - [`bridge`]: how values get in and out of dfdx's tensors;
//! - [`loss`], [`norm`]: the loss and the norms of gradients, without a way over the host;
//! - [`report`]: what the host reads of a training step, in one copy;
//! - [`occupancy`]: how work is cut where the cut decides the order of sums;
//! - `library`: NVIDIA's libraries, loaded when they are needed; `driver`, `device`: a GPU, as a dfdx device that networks run on;
//!   `emulation`: the host in its place, for tests;
//! - `staging`: the next batch on its way while this one is computed;
//! - `profile`: every call of the driver with its time; [`ceilings`]: what a GPU can do at most.

mod arguments;
mod backward;
mod bridge;
mod ceilings;
#[cfg(feature = "cuda")]
mod device;
#[cfg(feature = "cuda")]
mod driver;
#[cfg(feature = "cuda-emulation")]
pub(crate) mod emulation;
mod forward;
mod kernel_device;
#[cfg(all(feature = "cuda", target_os = "linux"))]
#[allow(non_snake_case, reason = "NVIDIA's names")]
mod library;
mod loss;
mod norm;
mod occupancy;
#[cfg(feature = "cuda")]
mod profile;
mod report;
#[cfg(feature = "cuda")]
mod staging;

use super::plan::Plan;
use crate::{
    Error, Events, Input, NetworkConfig,
    head::Head,
    pass::{Adjoint, Answer, PassValues, Recording, TrainingPass, Wanted},
    weights::Weights,
};
#[cfg(feature = "cuda")]
pub use ceilings::{CudaCeilings, cuda_ceilings};
use dfdx::prelude::{HasShape as _, Storage};
#[cfg(feature = "cuda")]
pub use driver::cuda;
use forward::{MAX_RECURRENT, Matrices, Results, Trace, words};
use kernel_device::{Failure, KernelDevice};
use loss::QueuedHead;
#[cfg(feature = "cuda")]
pub use profile::{CudaCall, CudaKernel, CudaWork, cuda_calls};
use report::{Report, Told};
use std::time::Instant;

/// Runs the network over all steps of `input`.
pub(super) fn forward<M: KernelDevice>(
    machine: &M,
    config: &NetworkConfig,
    weights: &Weights<f32, M::Device>,
    input: &Input<f32>,
    wanted: Wanted,
) -> Result<Answer<f32, M::Device>, Error> {
    check(config)?;
    let failed = |error| explain(machine, error);
    let plan = Plan::new(config, input);
    let device = weights.readout.device().clone();
    let matrices = matrices::<M>(weights).map_err(failed)?;
    let with_readout = wanted.recording || wanted.readout;
    let room = |values: usize| {
        let mut buffer = Storage::<f32>::try_alloc_len(&device, values).map_err(failed)?;
        M::poison(&mut buffer);
        Ok::<_, Error>(buffer)
    };
    let mut logits = room(plan.batch * plan.outputs)?;
    let mut counts = Vec::with_capacity(plan.hidden.len());
    for layer in &plan.hidden {
        counts.push(room(plan.batch * layer.units)?);
    }
    let mut readout = with_readout.then(|| room(plan.batch * plan.steps * plan.outputs)).transpose()?;
    let results = Results {
        logits: M::buffer_mut(&mut logits),
        counts: counts.iter_mut().map(M::buffer_mut).collect(),
        readout: readout.as_mut().map_or(0, M::buffer_mut),
    };
    let trace = Trace::forward(machine, &plan, &matrices, input, &results).map_err(failed)?;
    let shape = (plan.batch, plan.steps, plan.outputs);
    let readout = readout.map(|values| bridge::tensor_of(&device, shape, &values).map_err(failed));
    let readout = readout.transpose()?;
    let recording = readout.as_ref().filter(|_| wanted.recording);
    let recording = recording.map(|readout| recorded(&plan, &trace.layers, readout.as_vec())).transpose()?;
    let readout = readout.filter(|_| wanted.readout);
    let matrix = |values, columns| bridge::tensor_of(&device, (plan.batch, columns), values).map_err(failed);
    let logits = matrix(&logits, plan.outputs)?;
    let counts = counts.iter().zip(&plan.hidden).map(|(zeta, layer)| matrix(zeta, layer.units));
    let counts = counts.collect::<Result<Vec<_>, _>>()?;
    if !wanted.adjoint {
        return Ok(Answer { logits, counts, readout, recording, adjoint: None });
    }

    let head = logits.ghost();
    let zetas: Vec<_> = counts.iter().map(|zeta| zeta.ghost()).collect();
    let traces = readout.as_ref().map(|readout| readout.ghost());
    let hidden = weights.hidden.iter().map(|a| (a.input.ghost(), a.recurrent.as_ref().map(|v| v.ghost())));
    let hidden: Vec<_> = hidden.collect();
    let top = weights.readout.ghost();
    let machine = machine.clone();
    let adjoint: Adjoint<f32, M::Device> = Box::new(move |gradients| {
        // the gradients keep their memory until this ends
        let mut from = backward::FromAbove {
            d_logits: M::buffer(gradients.get_or_alloc_mut(&head)?),
            d_counts: Vec::new(),
            d_readout: match &traces {
                Some(traces) => Some(M::buffer(gradients.get_or_alloc_mut(traces)?)),
                None => None,
            },
        };
        for zeta in &zetas {
            from.d_counts.push(M::buffer(gradients.get_or_alloc_mut(zeta)?));
        }
        let mut into = backward::Into::default();
        for (w, v) in &hidden {
            let w = M::buffer_mut(gradients.get_or_alloc_mut(w)?);
            let v = match v {
                Some(v) => Some(M::buffer_mut(gradients.get_or_alloc_mut(v)?)),
                None => None,
            };
            into.hidden.push((w, v));
        }
        into.readout = M::buffer_mut(gradients.get_or_alloc_mut(&top)?);
        backward::run(&machine, &plan, &matrices, trace, &from, &into)
    });
    Ok(Answer { logits, counts, readout, recording, adjoint: Some(adjoint) })
}

/// Forward, loss, backward and norms in one go: all of it is queued before the host waits, once, for what it wants to know.
pub(super) fn training_pass<M: KernelDevice>(
    machine: &M,
    config: &NetworkConfig,
    weights: &Weights<f32, M::Device>,
    input: &Input<f32>,
    head: Head<'_>,
) -> Result<TrainingPass<f32, M::Device>, Error> {
    check(config)?;
    let failed = |error| explain(machine, error);
    let start = Instant::now();
    let plan = Plan::new(config, input);
    let device = weights.readout.device().clone();
    let matrices = matrices::<M>(weights).map_err(failed)?;
    let report = Report::new(machine, &plan, weights.named().count()).map_err(failed)?;
    let results = Results { logits: report.logits(), counts: report.counts(), readout: 0 };
    let trace = Trace::forward(machine, &plan, &matrices, input, &results).map_err(failed)?;
    let forward = start.elapsed().as_secs_f64();
    let loss = QueuedHead::queue(machine, &plan, head, results.logits, &results.counts, report.sums());
    let loss = loss.map_err(failed)?;
    // in the order of `Weights::named`: W1, V1, W2, .. Wout
    let mut gradients = Vec::new();
    let mut squared = Vec::new();
    let mut into = backward::Into::default();
    let mut room = |(rows, columns): (usize, usize)| {
        let mut buffer = Storage::<f32>::try_alloc_len(&device, rows * columns).map_err(failed)?;
        let address = M::buffer_mut(&mut buffer);
        gradients.push(buffer);
        squared.push((address, rows * columns));
        Ok::<_, Error>(address)
    };
    for layer in &weights.hidden {
        let w = room(*layer.input.shape())?;
        let v = layer.recurrent.as_ref().map(|v| room(*v.shape())).transpose()?;
        into.hidden.push((w, v));
    }
    into.readout = room(*weights.readout.shape())?;
    backward::run(machine, &plan, &matrices, trace, &loss.gradients(), &into).map_err(failed)?;
    norm::queue(machine, &squared, report.norms()).map_err(failed)?;
    let forward_share = forward / start.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
    let Told { sums, squares, output } = report.read(loss.sums).map_err(failed)?;
    let norms = Some(squares.into_iter().map(f64::sqrt).collect());
    let values = PassValues::OnHost { output, sums: loss::mean(&sums, plan.batch) };
    Ok(TrainingPass { values, gradients, norms, forward_share })
}

/// The failure with what the machine knows of it: which kernel, or how much memory.
fn explain<M: KernelDevice>(machine: &M, failure: Failure<M>) -> Error {
    match machine.note() {
        Some(note) => Error::device(format_args!("{failure}, {note}")),
        None => Error::device(failure),
    }
}

fn check(config: &NetworkConfig) -> Result<(), Error> {
    let wide = |layer: &&crate::Layer| layer.recurrent && layer.units > MAX_RECURRENT;
    match config.hidden.iter().find(wide) {
        Some(layer) => Err(Error::Unsupported(format!(
            "a recurrent layer of {} units does not fit a GPU's thread block: at most {MAX_RECURRENT} are possible there; \
             compute on the CPU",
            layer.units
        ))),
        None => Ok(()),
    }
}

type Buffers<M> = Matrices<crate::weights::Buffer<f32, <M as KernelDevice>::Device>>;

fn matrices<M: KernelDevice>(weights: &Weights<f32, M::Device>) -> Result<Buffers<M>, Failure<M>> {
    let mut hidden = Vec::with_capacity(weights.hidden.len());
    for layer in &weights.hidden {
        let recurrent = layer.recurrent.as_ref().map(bridge::buffer_of).transpose()?;
        hidden.push((bridge::buffer_of(&layer.input)?, recurrent));
    }
    Ok(Matrices { hidden, readout: bridge::buffer_of(&weights.readout)? })
}

/// Spikes and potentials out of the traces.
fn recorded<M: KernelDevice>(
    plan: &Plan,
    layers: &[forward::LayerTrace<M>],
    readout: Vec<f32>,
) -> Result<Recording<f32>, Error> {
    let (mut spikes, mut potentials) = (Vec::new(), Vec::new());
    for (shape, layer) in plan.hidden.iter().zip(layers) {
        let masks = layer.spikes.to_host().map_err(Error::device)?;
        let mut u = layer.potentials.to_host().map_err(Error::device)?;
        let words = words(shape.units);
        let spiking = |row: usize, unit: usize| masks[row * words + unit / 32] >> (unit % 32) & 1 == 1;
        let (mut offsets, mut units) = (vec![0u32], Vec::new());
        for (row, potentials) in u.chunks_exact_mut(shape.units).enumerate() {
            for (unit, u) in potentials.iter_mut().enumerate() {
                let was_reset = !plan.immediate_reset && row % plan.steps != 0 && spiking(row - 1, unit);
                *u = if was_reset { 0.0 } else { (f64::from(*u) + shape.threshold) as f32 };
                if spiking(row, unit) {
                    units.push(unit as u16);
                }
            }
            offsets.push(units.len() as u32);
        }
        spikes.push(Events::new(plan.batch, plan.steps, shape.units, offsets, units)?);
        potentials.push(u);
    }
    Ok(Recording { spikes, potentials, readout })
}
