//! The launches of the backward pass, from the readout down.

use super::{
    arguments::{self as kernel, Address, Gather, Kernel, LifBackward, Transpose},
    forward::{Below, Feed, MAX_THREADS, Matrices, Step, Trace, product, words},
    kernel_device::{DeviceBuffer, Failure, KernelDevice, Launch, WARP},
    occupancy::{LARGEST_SHARED, PARTIAL_FLOATS, by_sample, places},
};
use crate::{
    Readout,
    fused::plan::{LayerPlan, Plan},
    weights::Buffer,
};

/// Target number of blocks when a dense product is split.
const BLOCKS: usize = 1024;

/// Maximum units of the `tile` kernels of the recurrent time loop.
const TILE_UNITS: usize = 256;

/// Maximum warps per block of the gather kernels.
const GATHER_WARPS: usize = 16;

/// Addresses of the gradients of logits, spike counts of each hidden layer, and readout potentials.
pub(super) struct FromAbove {
    pub(super) d_logits: Address,
    /// 0 if the gradient is 0 everywhere.
    pub(super) d_counts: Vec<Address>,
    /// Of the readout potentials, if the loss may depend on them.
    pub(super) d_readout: Option<Address>,
}

/// The gradient of one matrix as partial sums, `[parts, values]`.
#[derive(Debug)]
pub(super) struct Partials<M: KernelDevice> {
    pub(super) sums: DeviceBuffer<M, f32>,
    pub(super) parts: usize,
}

/// Queues the backward pass. Returns the gradients of the weights in the order `W1`, `V1`, `W2`, .. `Wout`, without those for which
/// `frozen` is true. All addresses must be valid, in the shapes of the plan.
pub(super) fn run<M: KernelDevice>(
    machine: &M,
    plan: &Plan,
    matrices: &Matrices<Buffer<f32, M::Device>>,
    trace: Trace<M>,
    from: &FromAbove,
    frozen: &[bool],
) -> Result<Vec<Option<Partials<M>>>, Failure<M>> {
    let step = Step { machine, plan };
    let Trace { input, layers, argmax_steps, readout } = trace;
    step.readout_adjoint(&readout, &argmax_steps, from)?;
    // from the readout down
    let mut gradients = Vec::new();
    let mut wanted = frozen.iter().rev().map(|is_frozen| !is_frozen);
    let mut is_wanted = || wanted.next().unwrap_or(true);
    let mut above =
        Adjoint { current_adjoints: readout, units: plan.outputs, weights: M::buffer(&matrices.readout) };
    let hidden = plan.hidden.iter().zip(&layers).zip(&matrices.hidden).zip(&from.d_counts);
    // without other gradients, those after the last maximum of the readout are 0
    let maxima = plan.readout == Readout::Max
        && from.d_readout.is_none()
        && from.d_counts.iter().all(|&d_counts| d_counts == 0);
    let (argmax_steps, outputs) = if maxima { (argmax_steps.address(), plan.outputs as u32) } else { (0, 0) };
    for (((shape, layer), (w, v)), &d_counts) in hidden.rev() {
        let rows = plan.batch * plan.steps;
        let current_adjoints = DeviceBuffer::new(machine, rows * shape.units)?;
        // the sum over the units above; strides transpose their weights
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
        let mut gradient = |adjoints: &DeviceBuffer<M, f32>, columns: usize| {
            let spikes = || Below::Spikes(&layer.spikes);
            is_wanted().then(|| step.gradient(spikes(), shape.units, adjoints, columns)).transpose()
        };
        gradients.push(gradient(&above.current_adjoints, above.units)?);
        let propagated = v.as_ref().filter(|_| shape.propagate).map(|v| M::buffer(v));
        let arguments = LifBackward {
            trace: layer.potentials.address(),
            masks: layer.spikes.address(),
            current_adjoints: current_adjoints.address(),
            d_counts,
            argmax_steps,
            outputs,
            ..step.lif_backward(shape)
        };
        step.lif_backward_layer(shape, arguments, propagated)?;
        if v.is_some() {
            gradients.push(gradient(&current_adjoints, shape.units)?);
        }
        above = Adjoint { current_adjoints, units: shape.units, weights: M::buffer(w) };
    }
    let input = is_wanted()
        .then(|| step.gradient(Below::Input(&input), plan.inputs, &above.current_adjoints, above.units))
        .transpose()?;
    gradients.push(input);
    gradients.reverse();
    Ok(gradients)
}

/// The adjoint currents of a layer, and its afferents.
struct Adjoint<M: KernelDevice> {
    /// `a_I[n + 1]` in row `n`, `[batch, steps, units]`.
    current_adjoints: DeviceBuffer<M, f32>,
    units: usize,
    weights: Address,
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

    /// Arguments of the time loop of a layer, without addresses.
    pub(super) fn lif_backward(&self, shape: &LayerPlan) -> LifBackward {
        let plan = self.plan;
        LifBackward {
            batch: plan.batch as u32,
            steps: plan.steps as u32,
            units: shape.units as u32,
            words: words(shape.units) as u32,
            surrogate: plan.surrogate.shape.code(),
            differentiable: u32::from(plan.differentiable_reset),
            immediate: u32::from(plan.immediate_reset),
            beta: plan.surrogate.beta as f32,
            threshold: shape.threshold as f32,
            leak_mem: shape.leak_mem as f32,
            leak_syn: shape.leak_syn as f32,
            ..LifBackward::default()
        }
    }

    /// Queues the time loop of one layer; `recurrent` is V, if gradients propagate through it.
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
        let Blocks { kernel, launch, on_chip, depth, transposed: [height, width] } = self.blocks(shape);
        let transposed: DeviceBuffer<M, f32> = DeviceBuffer::new(self.machine, height * width)?;
        let side = shape.units as u32;
        let (from, to) = (v, transposed.address());
        let transposition =
            Transpose { from, to, rows: side, columns: side, height: height as u32, width: width as u32 };
        let arguments =
            LifBackward { transposed: to, on_chip: on_chip as u32, depth: depth as u32, ..arguments };
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: as above; V is [units, units] and its transpose [height, width], not smaller; `launch` has on chip what `blocks`
        // says.
        unsafe {
            self.machine.launch(&kernel::TRANSPOSE, Launch::by_element(height * width), &transposition)?;
            self.machine.launch(&kernel, launch, &arguments)
        }
    }

    /// The blocks of the recurrent time loop. Up to [`TILE_UNITS`] units, two or four samples share a block, whichever is faster;
    /// beyond, at most two, as the number of threads permits. As many rows of V are on chip as fit in addition to the adjoint currents
    /// and the partial sums. Sums do not depend on this within a kernel, and both `tile` kernels compute the same sums.
    fn blocks(&self, shape: &LayerPlan) -> Blocks {
        let shared = self.machine.largest_shared();
        let width = shape.units.next_multiple_of(WARP);
        if shape.units <= TILE_UNITS {
            return self.tiles(shape, shared);
        }
        let (samples, kernel) = match MAX_THREADS / width {
            0 => (1, kernel::LIF_BACKWARD_RECURRENT_WIDE),
            1 => (1, kernel::LIF_BACKWARD_RECURRENT_1),
            _ => (2, kernel::LIF_BACKWARD_RECURRENT_2),
        };
        let row = shape.units * size_of::<f32>();
        let least = (samples + samples * samples) * row;
        let on_chip = (shared.saturating_sub(least) / row).min(shape.units);
        let launch = Launch {
            blocks: [self.plan.batch.div_ceil(samples), 1, 1],
            threads: [width.min(MAX_THREADS), samples],
            shared: least + on_chip * row,
        };
        Blocks { kernel, launch, on_chip, depth: 0, transposed: [shape.units, shape.units] }
    }

    fn tiles(&self, shape: &LayerPlan, largest_shared: usize) -> Blocks {
        let groups = shape.units.div_ceil(4).next_multiple_of(WARP);
        let width = 4 * groups;
        // independent of the number of samples, for identical sums
        let depth = shape.units.div_ceil(kernel::PARTS).next_multiple_of(4).max(kernel::HELD[0].0);
        let processors = places(kernel::PARTS * groups, 128, 0);
        let waves = |samples: usize| self.plan.batch.div_ceil(samples).div_ceil(processors);
        // a step of four samples takes 1.6 times as long as one of two (docs/gpu.md)
        let four = 5 * waves(2) > 8 * waves(4);
        let (samples, kernel) = if four {
            (4, kernel::LIF_BACKWARD_RECURRENT_TILE_4)
        } else {
            (2, kernel::LIF_BACKWARD_RECURRENT_TILE_2)
        };
        let (held, fetched) = kernel::HELD[usize::from(four)];
        let least = kernel::PARTS * samples * (depth + width) * size_of::<f32>();
        let row = kernel::PARTS * width * size_of::<f32>();
        let room = largest_shared.saturating_sub(least) / row / fetched * fetched;
        let on_chip = room.min(depth - held);
        let launch = Launch {
            blocks: [self.plan.batch.div_ceil(samples), 1, 1],
            threads: [groups, kernel::PARTS],
            shared: least + on_chip * row,
        };
        Blocks { kernel, launch, on_chip, depth, transposed: [kernel::PARTS * depth, width] }
    }

    /// `gradient[k] = sum over samples and n of (input of unit k at step n) slot[n]`, for `[units, columns]` weights.
    fn gradient(
        &self,
        below: Below<'_, M>,
        units: usize,
        current_adjoints: &DeviceBuffer<M, f32>,
        columns: usize,
    ) -> Result<Partials<M>, Failure<M>> {
        let (machine, Plan { batch, steps, .. }) = (self.machine, self.plan);
        let size = units * columns;
        let most = (PARTIAL_FLOATS / size).max(1);
        let by_sample = by_sample(self.plan).is_some();
        let (gather, offsets, indices, masks) = match below {
            Below::Input(Feed::Events { offsets, indices }) => {
                (kernel::GATHER_EVENTS, offsets.address(), indices.address(), 0)
            }
            Below::Spikes(spikes) => (kernel::GATHER_SPIKES, 0, 0, spikes.address()),
            Below::Input(Feed::Frames(frames)) => {
                let depth = batch * steps;
                let tiles = units.div_ceil(kernel::SIDE) * columns.div_ceil(kernel::SIDE);
                let splits = (BLOCKS / tiles).clamp(1, depth.div_ceil(256)).min(most);
                let splits = if by_sample { *batch } else { splits };
                let arguments = product(units, columns, depth, splits);
                let parts = arguments.depth.div_ceil(arguments.split) as usize;
                let sums = DeviceBuffer::new(machine, parts * size)?;
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
                return Ok(Partials { sums, parts });
            }
        };
        let stage = if masks == 0 { kernel::STAGE_BYTES } else { 0 };
        let warps = if stage == 0 { words(units).min(GATHER_WARPS) } else { GATHER_WARPS };
        let column_tiles = columns.div_ceil(WARP);
        // the order of sums must not depend on the GPU: its memory determines tiles, but not parts
        let (tile, tiles) = unit_tiles(units, LARGEST_SHARED, stage);
        let places = places(WARP * warps, 40, tile * WARP * size_of::<f32>() + stage);
        let groups = (places / (tiles * column_tiles)).clamp(1, *batch).min(most);
        let samples = if by_sample { 1 } else { batch.div_ceil(groups) };
        let parts = batch.div_ceil(samples);
        let (tile, tiles) = unit_tiles(units, machine.largest_shared(), stage);
        let sums = DeviceBuffer::new(machine, parts * size)?;
        let launch = Launch {
            blocks: [tiles, column_tiles, parts],
            threads: [WARP, warps],
            shared: tile * WARP * size_of::<f32>() + stage,
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
            tile: tile as u32,
            padding: 0,
        };
        #[expect(unsafe_code, reason = "kernels trust their arguments")]
        // SAFETY: current_adjoints are [batch, steps, columns], sums [parts, units, columns], and spikes as in `Step::project`.
        unsafe {
            machine.launch(&gather, launch, &arguments)?;
        }
        Ok(Partials { sums, parts })
    }
}

struct Blocks {
    kernel: Kernel<LifBackward>,
    launch: Launch,
    /// Rows of V on chip (per part, if there are parts), and rows per part.
    on_chip: usize,
    depth: usize,
    /// Rows and columns.
    transposed: [usize; 2],
}

/// Units per tile of the gather kernels, with `stage` bytes of other on-chip memory, and the number of tiles.
fn unit_tiles(units: usize, largest_shared: usize, stage: usize) -> (usize, usize) {
    let most = (largest_shared.saturating_sub(stage) / (WARP * WARP * size_of::<f32>())).max(1);
    let words = words(units);
    let tile = words.div_ceil(words.div_ceil(most));
    (WARP * tile, words.div_ceil(tile))
}
