//! The launches of the forward pass.

use super::{
    arguments::{self as kernel, Address, LifForward, Product, Project},
    kernel_device::{Ahead, DeviceBuffer, Failure, KernelDevice, Launch, Plain, WARP},
    occupancy::places,
};
use crate::{
    Input, Readout,
    fused::plan::{LayerPlan, Plan},
    weights::Buffer,
};
use std::{any::Any, sync::Arc};

/// Maximum threads per block.
pub(super) const MAX_THREADS: usize = 1024;

/// Maximum units per thread of the `wide` kernels.
const PER_THREAD: usize = 4;

/// Maximum units of a recurrent layer, all of which are in one block.
pub(super) const MAX_RECURRENT: usize = MAX_THREADS * PER_THREAD;

/// The weights of a network in buffers, `[pre, post]`.
#[derive(Debug)]
pub(super) struct Matrices<B> {
    pub(super) hidden: Vec<(B, Option<B>)>,
    pub(super) readout: B,
}

impl<B> Matrices<B> {
    /// In the order `W1`, `V1`, `W2`, .. `Wout`.
    pub(super) fn iter(&self) -> impl Iterator<Item = &B> {
        let hidden = self.hidden.iter().flat_map(|(w, v)| [Some(w), v.as_ref()]);
        hidden.flatten().chain([&self.readout])
    }

    /// [`Matrices::iter`] with mutable access.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut B> {
        let hidden = self.hidden.iter_mut().flat_map(|(w, v)| [Some(w), v.as_mut()]);
        hidden.flatten().chain([&mut self.readout])
    }
}

/// The input of a network on a machine.
#[derive(Debug)]
pub(super) enum Feed<M: KernelDevice> {
    Events { offsets: Fed<M, u32>, indices: Fed<M, u16> },
    Frames(Fed<M, f32>),
}

/// Part of an input.
#[derive(Debug)]
pub(super) enum Fed<M: KernelDevice, T> {
    Now(DeviceBuffer<M, T>),
    /// Staged.
    Ahead(Address, #[expect(dead_code, reason = "keeps the copy allocated")] Arc<dyn Any + Send + Sync>),
}

impl<M: KernelDevice, T: Plain> Fed<M, T> {
    fn upload(machine: &M, values: &[T]) -> Result<Self, Failure<M>> {
        DeviceBuffer::of(machine, values).map(Fed::Now)
    }

    pub(super) fn address(&self) -> Address {
        match self {
            Fed::Now(buffer) => buffer.address(),
            Fed::Ahead(address, _) => *address,
        }
    }
}

impl<M: KernelDevice> Feed<M> {
    pub(super) fn upload(machine: &M, input: &Input<f32>) -> Result<Self, Failure<M>> {
        if let Some(Ahead { parts: [first, second], kept }) = machine.ahead(input)? {
            return Ok(match input {
                Input::Events(_) => Feed::Events {
                    offsets: Fed::Ahead(first, Arc::clone(&kept)),
                    indices: Fed::Ahead(second, kept),
                },
                Input::Frames(_) => Feed::Frames(Fed::Ahead(first, kept)),
            });
        }
        Ok(match input {
            Input::Events(events) => Feed::Events {
                offsets: Fed::upload(machine, events.offsets())?,
                indices: Fed::upload(machine, events.indices())?,
            },
            Input::Frames(frames) => Feed::Frames(Fed::upload(machine, frames.values())?),
        })
    }
}

/// The input of a weight matrix.
#[derive(Debug)]
pub(super) enum Below<'a, M: KernelDevice> {
    Input(&'a Feed<M>),
    Spikes(&'a DeviceBuffer<M, u32>),
}

/// Number of words for one bit per unit.
pub(super) fn words(units: usize) -> usize {
    units.div_ceil(WARP)
}

/// The trace of one hidden layer.
#[derive(Debug)]
pub(super) struct LayerTrace<M: KernelDevice> {
    /// `U[n] - threshold` before the reset, `[batch, steps, units]`.
    pub(super) potentials: DeviceBuffer<M, f32>,
    /// Spikes as bits, `[batch, steps, words]`.
    pub(super) spikes: DeviceBuffer<M, u32>,
}

/// The trace of a forward pass, for the backward pass.
#[derive(Debug)]
pub(super) struct Trace<M: KernelDevice> {
    pub(super) input: Feed<M>,
    pub(super) layers: Vec<LayerTrace<M>>,
    /// Step of the first maximum of the readout, `[batch, outputs]`.
    pub(super) argmax_steps: DeviceBuffer<M, u32>,
    /// `[batch, steps, outputs]`: the drive, which the backward pass overwrites.
    pub(super) readout: DeviceBuffer<M, f32>,
}

/// Addresses for the results of a forward pass.
#[derive(Debug)]
pub(super) struct Results {
    /// `[batch, outputs]`.
    pub(super) logits: Address,
    /// Of every hidden layer, `[batch, units]`.
    pub(super) counts: Vec<Address>,
    /// Readout potentials, `[batch, steps, outputs]`; 0 if not requested.
    pub(super) readout: Address,
}

impl<M: KernelDevice> Trace<M> {
    /// Queues the forward pass; all addresses in `results` must be valid.
    pub(super) fn forward(
        machine: &M,
        plan: &Plan,
        matrices: &Matrices<Buffer<f32, M::Device>>,
        input: &Input<f32>,
        results: &Results,
    ) -> Result<Self, Failure<M>> {
        let step = Step { machine, plan };
        let input = Feed::upload(machine, input)?;
        let mut layers: Vec<LayerTrace<M>> = Vec::with_capacity(plan.hidden.len());
        let shapes = plan.hidden.iter().zip(&matrices.hidden).zip(&results.counts);
        for ((shape, (weights, recurrent)), &counts) in shapes {
            let below = layers.last().map_or(Below::Input(&input), |below| Below::Spikes(&below.spikes));
            let framed = matches!(below, Below::Input(Feed::Frames(_)));
            let potentials = step.project(below, shape.below, M::buffer(weights), shape.units)?;
            let recurrent = recurrent.as_ref().map(|v| M::buffer(v));
            layers.push(step.lif_forward(shape, potentials, recurrent, counts, framed)?);
        }
        let below = layers.last().map_or(Below::Input(&input), |below| Below::Spikes(&below.spikes));
        let weights = M::buffer(&matrices.readout);
        let drive = step.project(below, plan.below_readout(), weights, plan.outputs)?;
        let argmax_steps = DeviceBuffer::new(machine, plan.batch * plan.outputs)?;
        let arguments = kernel::Readout {
            trace: drive.address(),
            logits: results.logits,
            d_logits: 0,
            argmax_steps: argmax_steps.address(),
            potentials: results.readout,
            ..step.readout()
        };
        let launch = Launch::by_column(plan.batch, plan.outputs);
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: every buffer has its shape in `readout.cuh`, and is kept by the result or by the caller.
        unsafe {
            machine.launch(&kernel::READOUT, launch, &arguments)?;
        }
        Ok(Trace { input, layers, argmax_steps, readout: drive })
    }
}

/// The launches of one pass.
pub(super) struct Step<'a, M: KernelDevice> {
    pub(super) machine: &'a M,
    pub(super) plan: &'a Plan,
}

impl<M: KernelDevice> Step<'_, M> {
    /// Arguments of the readout's kernels, without addresses.
    pub(super) fn readout(&self) -> kernel::Readout {
        let plan = self.plan;
        kernel::Readout {
            trace: 0,
            logits: 0,
            d_logits: 0,
            argmax_steps: 0,
            potentials: 0,
            leak_out: plan.constants.leak_out,
            leak_syn: plan.constants.leak_syn,
            start: plan.constants.readout_start,
            batch: plan.batch as u32,
            steps: plan.steps as u32,
            outputs: plan.outputs as u32,
            maximum: u32::from(plan.readout == Readout::Max),
        }
    }

    /// The drive of a layer of `columns` units through `weights`, `[units, columns]`, from the layer below.
    fn project(
        &self,
        below: Below<'_, M>,
        units: usize,
        weights: Address,
        columns: usize,
    ) -> Result<DeviceBuffer<M, f32>, Failure<M>> {
        let (machine, Plan { batch, steps, .. }) = (self.machine, self.plan);
        let rows = batch * steps;
        let drive = DeviceBuffer::new(machine, rows * columns)?;
        let launch = Launch::by_column(rows, columns);
        let mut arguments = Project {
            drive: drive.address(),
            weights,
            offsets: 0,
            indices: 0,
            masks: 0,
            rows: rows as u64,
            steps: *steps as u32,
            columns: columns as u32,
            words: words(units) as u32,
            units: units as u32,
            chunk: 0,
            padding: 0,
        };
        match below {
            Below::Input(Feed::Events { offsets, indices }) => {
                (arguments.offsets, arguments.indices) = (offsets.address(), indices.address());
                let shared = units * WARP * size_of::<f32>();
                let (kernel, launch) = if shared <= machine.largest_shared() {
                    // registers as reported by `cargo xtask gpu --link-check`
                    let (threads, tiles) = ([WARP, 16], columns.div_ceil(WARP));
                    let chunks = (places(threads[0] * threads[1], 48, shared) / tiles).max(1);
                    let chunk = rows.div_ceil(chunks).max(64);
                    arguments.chunk = chunk as u32;
                    let launch = Launch { blocks: [tiles, rows.div_ceil(chunk), 1], threads, shared };
                    (&kernel::PROJECT_EVENTS_ON_CHIP, launch)
                } else {
                    (&kernel::PROJECT_EVENTS, launch)
                };
                #[expect(unsafe_code, reason = "kernels trust their arguments")]
                // SAFETY: `drive` is [rows, columns]; `Events` has rows + 1 offsets, and indices below `units`; on chip, there is a row
                // of the weights for each.
                unsafe {
                    machine.launch(kernel, launch, &arguments)?;
                }
            }
            Below::Spikes(spikes) => {
                arguments.masks = spikes.address();
                #[expect(unsafe_code, reason = "kernels trust their arguments")]
                // SAFETY: `drive` is [rows, columns] and `spikes` [rows, words]; no bit past the last unit is ever set.
                unsafe {
                    machine.launch(&kernel::PROJECT_SPIKES, launch, &arguments)?;
                }
            }
            Below::Input(Feed::Frames(frames)) => {
                let arguments = Product {
                    a: frames.address(),
                    b: weights,
                    c: drive.address(),
                    a_row: units as u64,
                    a_depth: 1,
                    b_depth: columns as u64,
                    b_column: 1,
                    steps: *steps as u32,
                    ..product(rows, columns, units, 1)
                };
                self.product(&arguments)?;
            }
        }
        Ok(drive)
    }

    /// The operands in `arguments` must be valid, and the result must have room for every split.
    pub(super) fn product(&self, arguments: &Product) -> Result<(), Failure<M>> {
        let tiles = |extent: u64| (extent as usize).div_ceil(kernel::SIDE);
        let splits = arguments.depth.div_ceil(arguments.split) as usize;
        let launch = Launch {
            blocks: [tiles(arguments.rows), tiles(arguments.columns), splits],
            threads: [256, 1],
            shared: kernel::PRODUCT_BYTES,
        };
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: the callers, here and in `backward`, derive sizes and strides from the shapes of their buffers.
        unsafe {
            self.machine.launch(&kernel::PRODUCT, launch, arguments)
        }
    }

    /// Arguments of the time loop of a layer, without addresses.
    pub(super) fn lif_forward_arguments(&self, shape: &LayerPlan) -> LifForward {
        let plan = self.plan;
        LifForward {
            trace: 0,
            masks: 0,
            counts: 0,
            recurrent: 0,
            threshold: shape.threshold,
            leak_mem: shape.leak_mem,
            leak_syn: shape.leak_syn,
            batch: plan.batch as u32,
            steps: plan.steps as u32,
            units: shape.units as u32,
            words: words(shape.units) as u32,
            framed: 0,
            immediate: u32::from(plan.immediate_reset),
        }
    }

    /// Queues the time loop of one layer; `potentials` contains the drive.
    fn lif_forward(
        &self,
        shape: &LayerPlan,
        potentials: DeviceBuffer<M, f32>,
        recurrent: Option<Address>,
        counts: Address,
        framed: bool,
    ) -> Result<LayerTrace<M>, Failure<M>> {
        let (machine, plan) = (self.machine, self.plan);
        let words = words(shape.units);
        let spikes = DeviceBuffer::new(machine, plan.batch * plan.steps * words)?;
        let arguments = LifForward {
            trace: potentials.address(),
            masks: spikes.address(),
            counts,
            recurrent: recurrent.unwrap_or(0),
            framed: u32::from(framed),
            ..self.lif_forward_arguments(shape)
        };
        let width = shape.units.next_multiple_of(WARP);
        let (kernel, launch) = match recurrent {
            None => (kernel::LIF_FORWARD, Launch::by_column(plan.batch, shape.units)),
            Some(_) => {
                let kernel = if width > MAX_THREADS {
                    kernel::LIF_FORWARD_RECURRENT_WIDE
                } else {
                    kernel::LIF_FORWARD_RECURRENT
                };
                let threads = [width.min(MAX_THREADS), 1];
                (kernel, Launch { blocks: [plan.batch, 1, 1], threads, shared: 2 * words * size_of::<u32>() })
            }
        };
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: trace [batch, steps, units], masks [batch, steps, words], counts [batch, units] and V [units, units] are
        // valid; two buffers of words are on chip; a recurrent layer has at most `MAX_RECURRENT` units (`super::forward`).
        unsafe {
            machine.launch(&kernel, launch, &arguments)?;
        }
        Ok(LayerTrace { potentials, spikes })
    }
}

/// Arguments of a product in at most `splits` parts, without operands and strides.
pub(super) fn product(rows: usize, columns: usize, depth: usize, splits: usize) -> Product {
    Product {
        a: 0,
        b: 0,
        c: 0,
        rows: rows as u64,
        columns: columns as u64,
        depth: depth as u64,
        a_row: 0,
        a_depth: 0,
        b_depth: 0,
        b_column: 0,
        split: depth.div_ceil(splits) as u64,
        steps: 0,
        padding: 0,
    }
}
