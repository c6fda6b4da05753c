//! The backward pass, launch by launch, from the readout down.

use super::{
    arguments::{self as kernel, Address, Gather, Kernel, LifBackward, ReducePartials, Transpose},
    forward::{Below, Feed, MAX_THREADS, Matrices, Step, Trace, product, words},
    kernel_device::{DeviceBuffer, Failure, KernelDevice, Launch, WARP},
};
use crate::{
    fused::plan::{LayerPlan, Plan},
    weights::Buffer,
};

/// Blocks that keep a GPU busy when work is split into as many as that.
const BLOCKS: usize = 1024;

/// Floats that the partial sums of one gradient may take, at most.
const PARTIAL_FLOATS: usize = 1 << 26;

/// Where gradients lie that come from above: of the logits, of the spike counts of each hidden layer, and of the readout potentials.
pub(super) struct FromAbove {
    pub(super) d_logits: Address,
    pub(super) d_counts: Vec<Address>,
    /// Of the readout potentials, if the loss may depend on them.
    pub(super) d_readout: Option<Address>,
}

/// Where the gradients of the weights go; they are added to.
#[derive(Debug, Default)]
pub(super) struct Into {
    pub(super) hidden: Vec<(Address, Option<Address>)>,
    pub(super) readout: Address,
}

/// Takes a trace backward. Everything that is pointed to must be there, in the shapes of the plan.
pub(super) fn run<M: KernelDevice>(
    machine: &M,
    plan: &Plan,
    matrices: &Matrices<Buffer<f32, M::Device>>,
    trace: Trace<M>,
    from: &FromAbove,
    into: &Into,
) -> Result<(), Failure<M>> {
    let step = Step { machine, plan };
    let Trace { input, layers, argmax_steps, readout } = trace;
    step.readout_adjoint(&readout, &argmax_steps, from)?;
    let mut above = Adjoint {
        current_adjoints: readout,
        units: plan.outputs,
        weights: M::buffer(&matrices.readout),
        into: into.readout,
    };
    let hidden =
        plan.hidden.iter().zip(&layers).zip(matrices.hidden.iter().zip(&into.hidden)).zip(&from.d_counts);
    for (((shape, layer), ((w, v), &(into_w, into_v))), &d_counts) in hidden.rev() {
        let rows = plan.batch * plan.steps;
        let current_adjoints = DeviceBuffer::new(machine, rows * shape.units)?;
        // the sum over the units above, whose weights are transposed by their strides
        step.product(&kernel::Product {
            a: above.current_adjoints.address(),
            b: above.weights,
            c: current_adjoints.address(),
            a_row: above.units as u64,
            a_depth: 1,
            b_depth: 1,
            b_column: above.units as u64,
            ..product(rows, shape.units, above.units, 1)
        })?;
        let spikes = Below::Spikes(&layer.spikes);
        step.gradient(spikes, shape.units, &above.current_adjoints, above.units, above.into)?;
        let propagated = v.as_ref().filter(|_| shape.propagate).map(|v| M::buffer(v));
        let arguments = LifBackward {
            trace: layer.potentials.address(),
            masks: layer.spikes.address(),
            current_adjoints: current_adjoints.address(),
            d_counts,
            ..step.lif_backward(shape)
        };
        step.lif_backward_layer(shape, arguments, propagated)?;
        if let Some(into_v) = into_v {
            step.gradient(Below::Spikes(&layer.spikes), shape.units, &current_adjoints, shape.units, into_v)?;
        }
        above = Adjoint { current_adjoints, units: shape.units, weights: M::buffer(w), into: into_w };
    }
    step.gradient(Below::Input(&input), plan.inputs, &above.current_adjoints, above.units, above.into)
}

/// The adjoint currents of a layer, and its afferents.
struct Adjoint<M: KernelDevice> {
    /// `a_I[n + 1]` in row `n`, `[batch, steps, units]`.
    current_adjoints: DeviceBuffer<M, f32>,
    units: usize,
    weights: Address,
    into: Address,
}

impl<M: KernelDevice> Step<'_, M> {
    fn readout_adjoint(
        &self,
        current_adjoints: &DeviceBuffer<M, f32>,
        argmax_steps: &DeviceBuffer<M, u32>,
        from: &FromAbove,
    ) -> Result<(), Failure<M>> {
        let arguments = kernel::Readout {
            trace: current_adjoints.address(),
            d_logits: from.d_logits,
            potentials: from.d_readout.unwrap_or(0),
            argmax_steps: argmax_steps.address(),
            ..self.readout()
        };
        let launch = Launch::by_column(self.plan.batch, self.plan.outputs);
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: trace and potentials are [batch, steps, outputs], the others are [batch, outputs].
        unsafe {
            self.machine.launch(&kernel::READOUT_ADJOINT, launch, &arguments)
        }
    }

    /// What the time loop of a layer needs to know, but for addresses.
    fn lif_backward(&self, shape: &LayerPlan) -> LifBackward {
        let plan = self.plan;
        LifBackward {
            trace: 0,
            masks: 0,
            current_adjoints: 0,
            d_counts: 0,
            transposed: 0,
            batch: plan.batch as u32,
            steps: plan.steps as u32,
            units: shape.units as u32,
            words: words(shape.units) as u32,
            on_chip: 0,
            surrogate: plan.surrogate.shape.code(),
            differentiable: u32::from(plan.differentiable_reset),
            immediate: u32::from(plan.immediate_reset),
            beta: plan.surrogate.beta as f32,
            threshold: shape.threshold as f32,
            leak_mem: shape.leak_mem as f32,
            leak_syn: shape.leak_syn as f32,
        }
    }

    /// The time loop of one layer; `recurrent` is V, where a gradient goes through it.
    fn lif_backward_layer(
        &self,
        shape: &LayerPlan,
        arguments: LifBackward,
        recurrent: Option<Address>,
    ) -> Result<(), Failure<M>> {
        let Some(v) = recurrent else {
            let launch = Launch::by_column(self.plan.batch, shape.units);
            #[expect(unsafe_code, reason = "kernels trust their arguments")]
            // SAFETY: trace and current_adjoints are [batch, steps, units], masks [batch, steps, words], d_counts [batch, units].
            return unsafe { self.machine.launch(&kernel::LIF_BACKWARD, launch, &arguments) };
        };
        let transposed: DeviceBuffer<M, f32> = DeviceBuffer::new(self.machine, shape.units * shape.units)?;
        let side = shape.units as u32;
        let transposition = Transpose { from: v, to: transposed.address(), rows: side, columns: side };
        let Blocks { kernel, launch, on_chip } = self.blocks(shape);
        let arguments =
            LifBackward { transposed: transposed.address(), on_chip: on_chip as u32, ..arguments };
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: as above; V and its transpose are [units, units], and `launch` has on chip what `blocks` says.
        unsafe {
            self.machine.launch(
                &kernel::TRANSPOSE,
                Launch::by_element(shape.units * shape.units),
                &transposition,
            )?;
            self.machine.launch(&kernel, launch, &arguments)
        }
    }

    /// How the recurrent time loop is cut into blocks: as many samples to a block as its threads are enough for, up to four;
    /// and as many rows of V on chip as fit beside the adjoint currents and the partial sums.
    fn blocks(&self, shape: &LayerPlan) -> Blocks {
        let width = shape.units.next_multiple_of(WARP);
        let (samples, kernel) = match MAX_THREADS / width {
            0 => (1, kernel::LIF_BACKWARD_RECURRENT_WIDE),
            1 => (1, kernel::LIF_BACKWARD_RECURRENT_1),
            2 | 3 => (2, kernel::LIF_BACKWARD_RECURRENT_2),
            _ => (4, kernel::LIF_BACKWARD_RECURRENT_4),
        };
        let parts = if samples > 1 { samples * samples } else { 0 };
        let row = shape.units * size_of::<f32>();
        let least = (samples + parts) * row;
        let on_chip = (self.machine.largest_shared().saturating_sub(least) / row).min(shape.units);
        let launch = Launch {
            blocks: [self.plan.batch.div_ceil(samples), 1, 1],
            threads: [width.min(MAX_THREADS), samples],
            shared: least + on_chip * row,
        };
        Blocks { kernel, launch, on_chip }
    }

    /// `into[k] += sum over samples and n of (input of unit k at step n) slot[n]`, for `[units, columns]` weights.
    fn gradient(
        &self,
        below: Below<'_, M>,
        units: usize,
        current_adjoints: &DeviceBuffer<M, f32>,
        columns: usize,
        into: Address,
    ) -> Result<(), Failure<M>> {
        let (machine, Plan { batch, steps, .. }) = (self.machine, self.plan);
        let size = units * columns;
        let most = (PARTIAL_FLOATS / size).max(1);
        let (sums, parts) = if let Below::Input(Feed::Frames(frames)) = &below {
            let depth = batch * steps;
            let tiles = units.div_ceil(kernel::SIDE) * columns.div_ceil(kernel::SIDE);
            let splits = (BLOCKS / tiles).clamp(1, depth.div_ceil(256)).min(most);
            let arguments = product(units, columns, depth, splits);
            let parts = arguments.depth.div_ceil(arguments.split) as usize;
            let sums = DeviceBuffer::<M, f32>::new(machine, parts * size)?;
            self.product(&kernel::Product {
                a: frames.address(),
                b: current_adjoints.address(),
                c: sums.address(),
                a_row: 1,
                a_depth: units as u64,
                b_depth: columns as u64,
                b_column: 1,
                ..arguments
            })?;
            (sums, parts)
        } else {
            let width = columns.next_multiple_of(WARP).min(128);
            let tiles = units.div_ceil(kernel::TILE) * columns.div_ceil(width);
            let samples = batch.div_ceil((BLOCKS / tiles).clamp(1, *batch).min(most));
            let parts = batch.div_ceil(samples);
            let sums = DeviceBuffer::new(machine, parts * size)?;
            let launch = Launch {
                blocks: [units.div_ceil(kernel::TILE), columns.div_ceil(width), parts],
                threads: [width, 1],
                shared: kernel::TILE * width * size_of::<f32>() + kernel::STAGE_BYTES,
            };
            let (gather, offsets, indices, masks) = match below {
                Below::Input(Feed::Events { offsets, indices }) => {
                    (kernel::GATHER_EVENTS, offsets.address(), indices.address(), 0)
                }
                Below::Spikes(spikes) => (kernel::GATHER_SPIKES, 0, 0, spikes.address()),
                Below::Input(Feed::Frames(_)) => return Ok(()),
            };
            let arguments = Gather {
                sums: sums.address(),
                current_adjoints: current_adjoints.address(),
                offsets,
                indices,
                masks,
                batch: *batch as u32,
                steps: *steps as u32,
                units: units as u32,
                columns: columns as u32,
                words: words(units) as u32,
                samples: samples as u32,
            };
            #[expect(unsafe_code, reason = "kernels trust their arguments")]
            // SAFETY: current_adjoints are [batch, steps, columns], sums [parts, units, columns], and spikes as in `Step::project`.
            unsafe {
                machine.launch(&gather, launch, &arguments)?;
            }
            (sums, parts)
        };
        let arguments =
            ReducePartials { sums: sums.address(), total: into, count: size as u64, parts: parts as u32 };
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: sums are [parts, units, columns], and so many floats are there to be added to.
        unsafe {
            machine.launch(&kernel::REDUCE_PARTIALS, Launch::by_element(size), &arguments)
        }
    }
}

struct Blocks {
    kernel: Kernel<LifBackward>,
    launch: Launch,
    on_chip: usize,
}
