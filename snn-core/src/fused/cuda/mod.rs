//! The fused implementation on a GPU: the same entry on dfdx's tape as on the CPU, and the same numbers.
//!
//! Layers run one after the other, each through all steps in one launch. Forward, the spikes of the layer below are first summed to the
//! drive of every step, for all steps at once; the time loop then runs over the drive. A layer without recurrence is an independent
//! loop for every unit. A recurrent layer is one block of threads per sample: threads exchange spikes as bits in shared memory, and read
//! rows of V through the second-level cache. Backward, the adjoint currents of the layer above are multiplied by its transposed weights
//! in one dense product; the time loop then runs backward, in recurrent layers with several samples per block, which share the rows of
//! V in on-chip memory. Weight gradients are gathered by spikes into partial sums, whose number depends only on shapes, and which are
//! added in a fixed order: no sum depends on which thread comes first, so the same seed gives the same bits on the same GPU.
//!
//! If everything that a sample needs fits on chip ([`occupancy::by_sample`]: one hidden layer without recurrence), one block per sample
//! runs forward pass, loss, backward pass and partial gradients instead ([`sample`]), with the same bits.
//!
//! A training step is queued as a whole, including norms, clipping and the update of the weights ([`queue_step`]); the host reads its
//! values later.
//!
//! States of the forward pass are `f64`, as on the CPU and for the same reason: spikes must not change. The rate of `f64` is half that of
//! `f32` on data-center GPUs and a sixty-fourth on consumer GPUs, but these are about ten operations per unit and step, compared with a
//! row of weights per spike.
//!
//! # Memory
//!
//! With B samples, T steps, H units per layer and O outputs, a step needs on the GPU, in bytes:
//!
//! - from the forward to the backward pass: potentials `4 B T H` and spikes `4 B T ceil(H / 32)` of every hidden layer, the drive of the
//!   readout `4 B T O`, and the input, `2 events + 4 B T` or `4 B T I` for I analog channels;
//! - in the backward pass: adjoint currents, `4 B T H` of two neighboring layers at a time, and the partial sums of all gradients, at
//!   most 256 MB each (46 MB together in job S).
//!
//! For one hidden layer, that is about `8 B T H`: 1.0 MB per sample in job S of the README (T 500, H 256). A network whose traces stay
//! on chip needs only the input and the partial sums, one gradient per sample. Queued steps keep this memory
//! for the next step; it is released if an allocation fails.
//!
//! # Lower bounds
//!
//! The formulas are at `Job::floor` of `cargo xtask gpu`: `2 B T H (H + O + 2 I)` operations that are dense whatever spikes (H for
//! recurrent layers, 2 I for analog input), and potentials written and read once, `8 B T H` bytes. These kernels move more: forward,
//! the drive is written and read before the potential replaces it; backward, adjoint currents are written by the product, read and
//! written by the time loop, and read for each gradient: about `40 B T H` bytes in a recurrent layer. `docs/gpu.md` has the consequences
//! for a GPU, and what to try first.
//!
//! # Files
//!
//! - `kernels/`: the kernels and their equations, in the common subset of CUDA C++ and C;
//! - [`arguments`]: their arguments; [`kernel_device`]: the interface of a device that runs them, and its memory;
//! - [`forward`], [`backward`]: the launches of both passes;
//! - [`sample`]: both passes and the loss in one launch; [`loss`]: the loss and its gradients;
//! - [`updates`]: sums of gradients, norms and updates of weights;
//! - [`resident`]: weights in buffers; [`bridge`]: copies between buffers and dfdx's tensors;
//! - [`report`]: the values of a training step for the host, in one copy;
//! - [`occupancy`]: partitions of work that determine the order of sums;
//! - `library`: NVIDIA's libraries, loaded when needed; `driver`, `device`: a GPU as a dfdx device that runs networks; `emulation`: the
//!   host as a substitute, for tests;
//! - `graphs`: queued steps as CUDA graphs; `readback`: their values on the way to the host; `staging`: copies of the next batch;
//!   `handles`: streams, events and pinned memory;
//! - `profile`: every call of the driver with its time; [`ceilings`]: measured limits of a GPU.

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
#[cfg(feature = "cuda")]
mod graphs;
#[cfg(feature = "cuda")]
mod handles;
mod kernel_device;
#[cfg(all(feature = "cuda", target_os = "linux"))]
#[allow(non_snake_case, reason = "NVIDIA's names")]
mod library;
mod loss;
mod occupancy;
#[cfg(feature = "cuda")]
mod profile;
#[cfg(feature = "cuda")]
mod readback;
mod report;
mod resident;
mod sample;
#[cfg(feature = "cuda")]
mod staging;
mod updates;

use super::plan::Plan;
use crate::{
    Error, Events, Input, NetworkConfig,
    head::Head,
    pass::{Adjoint, Answer, PassValues, PendingStep, Recording, StepValues, TrainingPass, Wanted},
    update::Update,
    weights::{Buffer, Weights},
};
use arguments::{MATRICES, MatrixRow};
#[cfg(feature = "cuda")]
pub use ceilings::{CudaCeilings, cuda_ceilings};
use dfdx::prelude::{HasShape as _, Storage};
#[cfg(feature = "cuda")]
pub use driver::cuda;
use forward::{MAX_RECURRENT, Results, Trace, words};
use kernel_device::{DeviceBuffer, Failure, KernelDevice};
use loss::{Losses, QueuedHead};
#[cfg(feature = "cuda")]
pub use profile::{CudaCall, CudaKernel, CudaWork, cuda_calls};
use report::{Report, Told};
pub(crate) use resident::Resident;
use std::time::Instant;

/// Runs the network over all steps of `input`.
pub(super) fn forward<M: KernelDevice>(
    machine: &M,
    config: &NetworkConfig,
    weights: &Weights<f32, M::Device>,
    resident: &Resident<M::Device>,
    input: &Input<f32>,
    wanted: Wanted,
) -> Result<Answer<f32, M::Device>, Error> {
    check(config)?;
    let failed = |error| explain(machine, error);
    let plan = Plan::new(config, input);
    let device = weights.readout.device().clone();
    let matrices = resident.get(weights).map_err(failed)?;
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
    let ghosts: Vec<_> = weights.named().map(|(_, w)| w.ghost()).collect();
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
        let partials = backward::run(&machine, &plan, &matrices, trace, &from, &[])?;
        let mut rows = Vec::with_capacity(ghosts.len());
        for (w, partials) in ghosts.iter().zip(&partials) {
            let into = M::buffer_mut(gradients.get_or_alloc_mut(w)?);
            let &(pre, post) = w.shape();
            rows.extend(partials.as_ref().map(|partials| updates::row(partials, into, pre * post, true)));
        }
        for rows in rows.chunks(MATRICES) {
            updates::sum(&machine, rows.to_vec(), None)?;
        }
        Ok(())
    });
    Ok(Answer { logits, counts, readout, recording, adjoint: Some(adjoint) })
}

/// Forward pass, loss, backward pass and norms, all queued before the host waits, once, for all values that it needs.
pub(super) fn training_pass<M: KernelDevice>(
    machine: &M,
    config: &NetworkConfig,
    weights: &Weights<f32, M::Device>,
    resident: &Resident<M::Device>,
    input: &Input<f32>,
    head: Head<'_>,
) -> Result<TrainingPass<f32, M::Device>, Error> {
    check(config)?;
    let failed = |error| explain(machine, error);
    let start = Instant::now();
    let plan = Plan::new(config, input);
    let device = weights.readout.device().clone();
    let matrices = resident.get(weights).map_err(failed)?;
    let frozen = vec![false; weights.named().count()];
    let order = DeviceBuffer::of(machine, head.labels).map_err(failed)?;
    let passes = Passes::queue(machine, &plan, &matrices, input, head, order.address(), &frozen);
    let Passes { report, loss, partials, forward } = passes.map_err(failed)?;
    let mut gradients = Vec::with_capacity(partials.len());
    let mut rows = Vec::with_capacity(partials.len());
    for ((_, w), partials) in weights.named().zip(&partials) {
        let &(pre, post) = w.shape();
        let mut buffer = Storage::<f32>::try_alloc_len(&device, pre * post).map_err(failed)?;
        let into = M::buffer_mut(&mut buffer);
        rows.extend(partials.as_ref().map(|partials| updates::row(partials, into, pre * post, false)));
        gradients.push(buffer);
    }
    for (k, rows) in rows.chunks(MATRICES).enumerate() {
        let loss = (k == 0).then_some((&loss, plan.batch, report.sums()));
        let summed = updates::sum(machine, rows.to_vec(), loss).map_err(failed)?;
        summed.norms(machine, report.norms() + (8 * k * MATRICES) as u64).map_err(failed)?;
    }
    let forward_share = forward / start.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
    let Told { sums, norms, output } = report.read(loss.rows).map_err(failed)?;
    let values = PassValues::OnHost { output, sums: loss::mean(&sums, plan.batch) };
    Ok(TrainingPass { values, gradients, norms: Some(norms), forward_share })
}

/// Forward pass, loss and backward pass of a training step, queued.
struct Passes<M: KernelDevice> {
    report: Report<M>,
    loss: Losses<M>,
    partials: Vec<Option<backward::Partials<M>>>,
    /// The time that the host needed to queue the forward pass, in seconds; if one launch has both passes, half of that.
    forward: f64,
}

impl<M: KernelDevice> Passes<M> {
    /// `labels` are on the device; the gradients of frozen matrices are not computed.
    fn queue(
        machine: &M,
        plan: &Plan,
        matrices: &forward::Matrices<Buffer<f32, M::Device>>,
        input: &Input<f32>,
        head: Head<'_>,
        labels: arguments::Address,
        frozen: &[bool],
    ) -> Result<Self, Failure<M>> {
        let start = Instant::now();
        let report = Report::new(machine, plan, frozen.len())?;
        let results = Results { logits: report.logits(), counts: report.counts(), readout: 0 };
        if let &[counts] = &results.counts[..] {
            let results = [results.logits, counts];
            let trained = sample::train(machine, plan, matrices, input, head, labels, results, frozen)?;
            if let Some(sample::Trained { losses, partials }) = trained {
                let forward = start.elapsed().as_secs_f64() / 2.0;
                return Ok(Passes { report, loss: losses, partials, forward });
            }
        }
        let trace = Trace::forward(machine, plan, matrices, input, &results)?;
        let forward = start.elapsed().as_secs_f64();
        let loss = QueuedHead::queue(machine, plan, head, results.logits, &results.counts, labels)?;
        let partials = backward::run(machine, plan, matrices, trace, &loss.gradients(), frozen)?;
        Ok(Passes { report, loss: loss.losses, partials, forward })
    }
}

/// Updates all weights with `gradients`; false if there are too many matrices for one launch.
pub(super) fn update<M: KernelDevice>(
    machine: &M,
    weights: &mut Weights<f32, M::Device>,
    resident: &mut Resident<M::Device>,
    update: Update<'_, f32, M::Device>,
    gradients: &[&Buffer<f32, M::Device>],
) -> Result<bool, Error> {
    if gradients.len() > MATRICES {
        return Ok(false);
    }
    let failed = |error| explain(machine, error);
    let order = updates::order(&updates::rates(&update.rule, update.limit), &[]);
    let order = DeviceBuffer::of(machine, &order).map_err(failed)?;
    let rows = gradients.iter().zip(sizes(weights));
    let rows = rows.map(|(gradient, size)| updates::complete(M::buffer(gradient), size)).collect();
    let rows = updated_rows::<M>(rows, resident.update(weights)?, update);
    updates::update(machine, rows, order.address()).map_err(failed)?;
    Ok(true)
}

/// Number of values of every matrix.
fn sizes<D: dfdx::prelude::Device<f32>>(weights: &Weights<f32, D>) -> Vec<usize> {
    weights.named().map(|(_, w)| w.shape().0 * w.shape().1).collect()
}

/// Adds weights and state of the optimizer to the rows of all gradients.
fn updated_rows<M: KernelDevice>(
    mut rows: Vec<MatrixRow>,
    matrices: &mut forward::Matrices<Buffer<f32, M::Device>>,
    update: Update<'_, f32, M::Device>,
) -> Vec<MatrixRow> {
    for ((row, w), matrix) in rows.iter_mut().zip(matrices.iter_mut()).zip(update.matrices) {
        row.weights = M::buffer_mut(w);
        let mut state = matrix.state.iter_mut().map(M::buffer_mut);
        row.first = state.next().unwrap_or(0);
        row.second = state.next().unwrap_or(0);
        row.frozen = u32::from(matrix.is_frozen);
    }
    rows
}

/// A whole training step, queued: nothing waits for the device before the result is called. `None` if there are too many matrices for
/// one launch.
pub(super) fn queue_step<M: KernelDevice>(
    machine: &M,
    config: &NetworkConfig,
    weights: &mut Weights<f32, M::Device>,
    resident: &mut Resident<M::Device>,
    input: &Input<f32>,
    head: Head<'_>,
    update: Update<'_, f32, M::Device>,
) -> Result<Option<PendingStep<f32>>, Error> {
    check(config)?;
    if update.matrices.len() > MATRICES {
        return Ok(None);
    }
    let failed = |error| explain(machine, error);
    let start = Instant::now();
    let plan = Plan::new(config, input);
    let order = updates::order(&updates::rates(&update.rule, update.limit), head.labels);
    let order = DeviceBuffer::of(machine, &order).map_err(failed)?;
    let matrices = resident.get(weights).map_err(failed)?;
    let frozen: Vec<bool> = update.matrices.iter().map(|matrix| matrix.is_frozen).collect();
    let labels = order.address() + updates::LABELS;
    let passes = Passes::queue(machine, &plan, &matrices, input, head, labels, &frozen);
    let Passes { report, loss, partials, forward } = passes.map_err(failed)?;
    drop(matrices);
    let mut gradients = Vec::with_capacity(partials.len());
    let mut rows = Vec::with_capacity(partials.len());
    for (partials, size) in partials.iter().zip(sizes(weights)) {
        let Some(partials) = partials else {
            rows.push(MatrixRow { count: size as u64, ..MatrixRow::default() });
            continue;
        };
        let gradient = DeviceBuffer::<M, f32>::new(machine, size).map_err(failed)?;
        rows.push(updates::row(partials, gradient.address(), size, false));
        gradients.push(gradient);
    }
    let rows = updated_rows::<M>(rows, resident.update(weights)?, update);
    let summed = updates::sum(machine, rows, Some((&loss, plan.batch, report.sums()))).map_err(failed)?;
    summed.update(machine, report.norms(), order.address()).map_err(failed)?;
    machine.play().map_err(failed)?;
    let told = report.fetch(summed.loss_rows).map_err(failed)?;
    let (machine, batch) = (machine.clone(), plan.batch);
    let read = Box::new(move || {
        let Told { sums, norms, output } = told().map_err(|error| explain(&machine, error))?;
        Ok(StepValues { output, sums: loss::mean(&sums, batch), norms })
    });
    let forward_share = forward / start.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
    Ok(Some(PendingStep { read, forward_share }))
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
