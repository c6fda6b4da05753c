//! The adjoint of the time loop, from the last step to the first, block by block.
//!
//! `a_y` denotes the derivative of the loss with respect to `y`, and `h = h(U[n] - threshold)`. Quantities on the right-hand side
//! are at `n + 1` unless marked otherwise:
//!
//! ```text
//! a_S[n] = W_above a_I_above + V a_I + d zeta  ( - a_U (b_mem U[n] + (1 - b_mem) I[n])   differentiable reset )
//! a_U[n] = b_mem (1 - S[n]) a_U + h a_S[n]
//! a_I[n] = b_syn a_I + (1 - b_mem) (1 - S[n]) a_U
//!          b_syn a_I + (1 - b_mem) a_U, with only b_mem U[n] in a_S             immediate reset
//! dW    += a_I[n + 1] S_below[n]^T,    dV += a_I[n + 1] S[n]^T
//! ```
//!
//! For the readout, which neither spikes nor resets:
//!
//! ```text
//! a_U_out[n] = b_out a_U_out + (d logit where n is the first maximum, or at every n for Sum)
//! a_I_out[n] = b_syn a_I_out + (1 - b_out) a_U_out
//! ```
//!
//! `V a_I` is the only remaining dense product and dominates the run time. It is exactly zero in all steps after the last maximum
//! of the readout, so these steps are skipped.
//!
//! Time is divided into chunks whose adjoint currents fit in the second-level cache. Each chunk, starting with the last, processes
//! the readout first and then each layer below it. Slot `n` of a layer's chunk holds `a_I[n + 1]`: the layer below needs it at step
//! `n`, and the weight gradient pairs it with the spikes of step `n`.
//!
//! In a layer without recurrence, one product computes `a_S` for all steps of a chunk, and the adjoints of a few vectors of units
//! stay in registers over these steps. With recurrence, each step depends on the one after it, and the samples of the block share
//! the rows of `V`.

use super::{
    gradient::{CurrentAdjoints, Rows, SpikesByUnit, Steps, Sum},
    kernels::{
        derivative::{compute_ahead, with},
        lanes::{Aligned, Kernel, Lanes, WIDTH},
        product::{Ahead, Target, Term, product, product_ahead_of},
    },
    lif_backward::Lif,
    plan::{BLOCK, Constants, Plan, Transposes},
    trace::{Block, LayerTrace, Pool},
};
use crate::{Input, Readout};
use std::ops::Range;

/// Weight gradients summed over some of the blocks, in the layout of the padded weights.
#[derive(Debug, Default)]
pub(super) struct Partial {
    pub(super) hidden: Vec<(Aligned<f32>, Aligned<f32>)>,
    pub(super) readout: Aligned<f32>,
}

impl Partial {
    pub(super) fn clear(&mut self, plan: &Plan) {
        self.hidden.resize_with(plan.hidden.len(), Default::default);
        for ((w, v), layer) in self.hidden.iter_mut().zip(&plan.hidden) {
            w.clear(layer.below * layer.width);
            v.clear(if layer.recurrent { layer.units * layer.width } else { 0 });
        }
        self.readout.clear(plan.below_readout() * plan.out_width);
    }
}

impl Partial {
    pub(super) fn add(&mut self, other: &Partial) {
        let add = |sum: &mut [f32], other: &[f32]| {
            for (s, o) in sum.iter_mut().zip(other) {
                *s += o;
            }
        };
        for ((w, v), (other_w, other_v)) in self.hidden.iter_mut().zip(&other.hidden) {
            add(w, other_w);
            add(v, other_v);
        }
        add(&mut self.readout, &other.readout);
    }

    /// All matrices, in the order `W1`, `V1`, `W2`, .. `Wout`.
    pub(super) fn matrices<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a [f32]> {
        let hidden = self.hidden.iter().zip(&plan.hidden);
        let hidden = hidden.flat_map(|((w, v), l)| [Some(w), l.recurrent.then_some(v)].into_iter().flatten());
        hidden.chain([&self.readout]).map(|sum| &**sum)
    }
}

/// Runs the backward pass of a block and adds its weight gradients to a sum.
pub(super) struct BackwardBlock<'a> {
    pub(super) plan: &'a Plan,
    pub(super) transposes: &'a Transposes,
    pub(super) input: &'a Input<f32>,
    /// First sample of the block.
    pub(super) first: usize,
    pub(super) block: &'a Block,
    /// Gradient of the logits of the block, `[samples, outputs]`.
    pub(super) d_logits: &'a [f32],
    /// Gradient of the spike counts of the block, one `[samples, units]` per hidden layer.
    pub(super) d_counts: &'a [&'a [f32]],
    /// Gradient of the readout potentials of the block, `[samples, steps, outputs]`, if the loss may depend on them.
    pub(super) d_readout: Option<&'a [f32]>,
    pub(super) sum: &'a mut Partial,
    pub(super) scratch: &'a Pool<Scratch>,
}

impl Kernel for BackwardBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let (plan, block) = (self.plan, self.block);
        let mut scratch = self.scratch.take_one();
        let Scratch { hidden, readout, rooms, spikes } = &mut scratch;
        hidden.resize_with(plan.hidden.len(), Adjoint::default);
        let mut latest = readout.start_readout(plan, block, self.d_logits, self.d_readout);
        let mut end = readout.end;
        for ((adjoint, shape), d_counts) in hidden.iter_mut().zip(&plan.hidden).zip(self.d_counts).rev() {
            latest = latest.max(adjoint.start(plan, shape.width, d_counts, shape.units, end));
            end = adjoint.end;
        }
        let mut n1 = latest;
        while n1 > 0 {
            let steps = n1.saturating_sub(plan.chunk())..n1;
            n1 = steps.start;
            let pass = ChunkPass { plan, transposes: self.transposes, block, steps: steps.clone() };
            pass.readout(lanes, readout);
            for l in (0..hidden.len()).rev() {
                let (adjoint, above) = match &mut hidden[l..] {
                    [adjoint, above, ..] => (adjoint, &*above),
                    [adjoint] => (adjoint, &*readout),
                    [] => return,
                };
                pass.layer(lanes, l, adjoint, above, rooms);
            }
            let mut below = Rows::Input(self.input, self.first);
            let mut targets: Vec<Sum<'_>> = Vec::with_capacity(2);
            for (l, (adjoint, (d_w, d_v))) in hidden.iter().zip(&mut self.sum.hidden).enumerate() {
                let shape = &plan.hidden[l];
                let adjoints = adjoint.current_adjoints(block.samples, steps.clone());
                targets.push(Sum { adjoints, gradient: d_w });
                spikes.add_to(lanes, below, shape.below, &mut targets);
                targets.clear();
                if shape.recurrent {
                    targets.push(Sum { adjoints, gradient: d_v });
                }
                below = Rows::Spikes(&block.layers[l].spikes);
            }
            let adjoints = readout.current_adjoints(block.samples, steps);
            targets.push(Sum { adjoints, gradient: &mut self.sum.readout });
            spikes.add_to(lanes, below, plan.below_readout(), &mut targets);
        }
        self.scratch.release([scratch]);
    }
}

/// Scratch memory, reused across calls.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    hidden: Vec<Adjoint>,
    readout: Adjoint,
    rooms: Rooms,
    spikes: SpikesByUnit,
}

/// Rows for the samples of a block at one step, or for one sample at the steps of a chunk.
#[derive(Debug, Default)]
struct Rooms {
    /// `a_S`
    a_s: Aligned<f32>,
    /// The amounts that resets subtracted, at the units that spiked.
    reset_amount: Aligned<f32>,
    /// `h`, unless it is computed on the fly.
    h: Aligned<f32>,
}

/// Adjoint state of one layer, or of the readout, for the samples of a block.
#[derive(Debug, Default)]
struct Adjoint {
    width: usize,
    /// Floats per slot, padding included.
    row: usize,
    /// `[BLOCK, width]`.
    a_u: Aligned<f32>,
    a_i: Aligned<f32>,
    /// Gradient that the loss adds at every step: `d zeta` of a hidden layer, `d logit` of the readout.
    direct: Aligned<f32>,
    /// Gradient that the loss adds at individual steps of the readout, `[samples, steps, width]`; empty if there is none.
    traces: Aligned<f32>,
    /// `U[n + 1]`, for a differentiable reset.
    u_next: Aligned<f32>,
    /// `[BLOCK, chunk, row]`.
    current_adjoints: Aligned<f32>,
    chunk: usize,
    /// Number of leading steps in which `a_U` can be nonzero.
    live: Steps,
    /// Number of leading steps whose `current_adjoints` can be nonzero.
    end: Steps,
}

/// An odd number of cache lines, which spreads a column of slots over all sets of the cache.
fn slot_row(width: usize) -> usize {
    if (width / WIDTH).is_multiple_of(2) { width + WIDTH } else { width }
}

impl Adjoint {
    fn clear(&mut self, plan: &Plan, width: usize) {
        (self.width, self.row, self.chunk) = (width, slot_row(width), plan.chunk());
        for state in [&mut self.a_u, &mut self.a_i, &mut self.direct, &mut self.u_next] {
            state.clear(BLOCK * width);
        }
        self.current_adjoints.resize(BLOCK * self.chunk * self.row);
        (self.live, self.end) = ([0; BLOCK], [0; BLOCK]);
    }

    /// Sets up the readout and returns the number of steps that its adjoint spans.
    fn start_readout(
        &mut self,
        plan: &Plan,
        block: &Block,
        d_logits: &[f32],
        d_readout: Option<&[f32]>,
    ) -> usize {
        self.clear(plan, plan.out_width);
        self.traces.clear(0);
        let argmax_steps = block.argmax_step.chunks_exact(plan.out_width);
        for (sample, (d, argmax_step)) in
            d_logits.chunks_exact(plan.outputs).zip(argmax_steps).take(block.samples).enumerate()
        {
            self.direct[sample * plan.out_width..][..plan.outputs].copy_from_slice(d);
            let acting = d.iter().zip(argmax_step).filter(|(d, _)| **d != 0.0);
            let last = match plan.readout {
                Readout::Max => acting.map(|(_, &argmax_step)| argmax_step as usize).max(),
                Readout::Sum => acting.map(|_| plan.steps - 1).max(),
            };
            if let Some(last) = last {
                // `a_U` starts at `last`, `a_I` one step earlier, and slot `last - 2` holds it
                (self.live[sample], self.end[sample]) = (last + 1, last.saturating_sub(1));
            }
        }
        if let Some(d_readout) = d_readout {
            self.traces.clear(block.samples * plan.steps * plan.out_width);
            let rows = self.traces.chunks_exact_mut(plan.out_width).zip(d_readout.chunks_exact(plan.outputs));
            for (row, (trace, d)) in rows.enumerate() {
                if d.iter().any(|&d| d != 0.0) {
                    trace[..plan.outputs].copy_from_slice(d);
                    let (sample, n) = (row / plan.steps, row % plan.steps);
                    self.live[sample] = self.live[sample].max(n + 1);
                    self.end[sample] = self.end[sample].max(n.saturating_sub(1));
                }
            }
        }
        self.live.into_iter().max().unwrap_or(0)
    }

    /// Sets up a hidden layer below a layer whose `current_adjoints` end at `end_above`; returns the number of steps to process.
    fn start(
        &mut self,
        plan: &Plan,
        width: usize,
        d_counts: &[f32],
        units: usize,
        end_above: Steps,
    ) -> usize {
        self.clear(plan, width);
        self.live = end_above;
        for (sample, d) in d_counts.chunks_exact(units).enumerate() {
            if d.iter().any(|&d| d != 0.0) {
                self.direct[sample * width..][..units].copy_from_slice(d);
                self.live[sample] = plan.steps;
            }
        }
        self.end = self.live.map(|live| live.saturating_sub(2));
        self.live.into_iter().max().unwrap_or(0)
    }

    fn current_adjoints(&self, samples: usize, steps: Range<usize>) -> CurrentAdjoints<'_> {
        let to = self.end.map(|end| end.min(steps.end));
        CurrentAdjoints {
            values: &self.current_adjoints,
            width: self.width,
            row: self.row,
            chunk: self.chunk,
            samples,
            from: steps.start,
            to,
        }
    }
}

/// The steps of one chunk of one block.
struct ChunkPass<'a> {
    plan: &'a Plan,
    transposes: &'a Transposes,
    block: &'a Block,
    steps: Range<usize>,
}

impl ChunkPass<'_> {
    #[inline(always)]
    fn readout<L: Lanes>(&self, lanes: L, adjoint: &mut Adjoint) {
        let Constants { leak_out, leak_syn, faint_every, .. } = self.plan.constants;
        let (leak_out, leak_syn) = (lanes.splat(leak_out as f32), lanes.splat(leak_syn as f32));
        let width = adjoint.width;
        for sample in 0..self.block.samples {
            let row = sample * width..(sample + 1) * width;
            let current_adjoints = sample * adjoint.chunk * adjoint.row..;
            let (a_us, a_is) =
                (L::chunks_mut(&mut adjoint.a_u[row.clone()]), L::chunks_mut(&mut adjoint.a_i[row.clone()]));
            let (direct, argmax_steps) =
                (L::chunks(&adjoint.direct[row.clone()]), L::chunks(&self.block.argmax_step[row]));
            let current_adjoints = L::chunks_mut(&mut adjoint.current_adjoints[current_adjoints]);
            let (stride, slot_stride) = (width / L::LANES, adjoint.row / L::LANES);
            let traces = adjoint.traces.get(sample * self.plan.steps * width..).filter(|it| !it.is_empty());
            let traces = traces.map(L::chunks);
            for column in 0..stride {
                let (mut a_u, mut a_i) = (lanes.load(&a_us[column]), lanes.load(&a_is[column]));
                let (d, argmax_step) = (lanes.load(&direct[column]), lanes.load(&argmax_steps[column]));
                let (mut end, mut faint_at) =
                    (self.steps.end, (self.steps.end - 1) / faint_every * faint_every);
                while end > self.steps.start {
                    let begin = faint_at.max(self.steps.start);
                    for n in (begin..end).rev() {
                        lanes
                            .store(&mut current_adjoints[(n - self.steps.start) * slot_stride + column], a_i);
                        let direct = match self.plan.readout {
                            Readout::Sum => d,
                            Readout::Max => lanes.select(
                                lanes.equal(argmax_step, lanes.splat(n as f32)),
                                d,
                                lanes.splat(0.0),
                            ),
                        };
                        let direct = match traces {
                            Some(traces) => lanes.add(direct, lanes.load(&traces[n * stride + column])),
                            None => direct,
                        };
                        // padded units and samples without a gradient have d = 0 and stay at 0
                        a_i = lanes.mul_add(leak_out, a_u, lanes.sub_mul(leak_syn, a_i, a_i));
                        a_u = lanes.add(lanes.sub_mul(leak_out, a_u, a_u), direct);
                    }
                    if begin == faint_at {
                        (a_i, a_u) = (lanes.without_faint(a_i), lanes.without_faint(a_u));
                    }
                    end = begin;
                    faint_at = faint_at.saturating_sub(faint_every);
                }
                lanes.store(&mut a_us[column], a_u);
                lanes.store(&mut a_is[column], a_i);
            }
        }
    }

    #[inline(always)]
    fn layer<L: Lanes>(&self, lanes: L, l: usize, adjoint: &mut Adjoint, above: &Adjoint, rooms: &mut Rooms) {
        let (width, from) = (adjoint.width, self.steps.start);
        let propagate = self.plan.hidden[l].propagate;
        let rows = if propagate { BLOCK } else { adjoint.chunk };
        let Rooms { a_s, reset_amount, h } = rooms;
        for room in [&mut *a_s, &mut *reset_amount, &mut *h] {
            room.resize(rows * width);
        }
        for sample in 0..self.block.samples {
            let idle = self.steps.end.min(adjoint.live[sample]).max(from)..self.steps.end;
            let row = |n: usize| (sample * adjoint.chunk + n - from) * adjoint.row;
            adjoint.current_adjoints[row(idle.start)..row(idle.end)].fill(0.0);
        }
        // Units of a recurrent layer depend on one another, so all samples of the block advance one step at a time. Other units do
        // not, so each sample processes all steps at once.
        let mut end = self.steps.end;
        while end > from {
            let begin = if propagate { end - 1 } else { from };
            if propagate {
                self.own_adjoints(lanes, l, adjoint, above, begin, a_s);
            }
            for sample in 0..self.block.samples {
                let steps = begin..end.min(adjoint.live[sample]);
                if steps.is_empty() {
                    continue;
                }
                let first = if propagate { sample * width } else { 0 };
                let rows = first..first + steps.len() * width;
                if !propagate {
                    let from_above = &self.transposes.hidden[l].above;
                    let a = &above.current_adjoints[sample * above.chunk * above.row..];
                    let (b, depth) = (from_above.columns(), from_above.depth());
                    let term = Term { a, a_row: above.row, a_depth: 1, b, depth };
                    product(lanes, steps.len(), &[term], Target::rows(a_s, width));
                }
                let rooms = [&mut a_s[rows.clone()], &mut reset_amount[rows.clone()], &mut h[rows]];
                self.back(lanes, l, adjoint, sample, steps, rooms);
            }
            end = begin;
        }
    }

    /// `a_S[n] = V a_I[n + 1] + W_above a_I_above[n + 1]` for all samples of the block.
    #[inline(always)]
    fn own_adjoints<L: Lanes>(
        &self,
        lanes: L,
        l: usize,
        adjoint: &Adjoint,
        above: &Adjoint,
        n: usize,
        a_s: &mut [f32],
    ) {
        let (samples, from, width) = (self.block.samples, self.steps.start, adjoint.width);
        let x = &self.block.layers[l].x;
        if adjoint.live[..samples].iter().all(|&live| n >= live) {
            return;
        }
        let (own, from_above) = (&self.transposes.hidden[l].own, &self.transposes.hidden[l].above);
        let (b, depth) = (own.columns(), own.depth());
        let own = Term { a: &adjoint.a_i, a_row: width, a_depth: 1, b, depth };
        let (b, depth) = (from_above.columns(), from_above.depth());
        let a = &above.current_adjoints[(n - from) * above.row..];
        let from_above = Term { a, a_row: above.chunk * above.row, a_depth: 1, b, depth };
        // the trace may come from main memory: prefetching one step ahead hides about that latency
        let ahead = Ahead { values: &x[n.saturating_sub(1) * width..], row: self.plan.steps * width };
        product_ahead_of(lanes, samples, &[own, from_above], Target::rows(a_s, width), ahead);
    }

    /// Runs one sample backward through some steps, with one row of `a_s` for `a_S` of each step.
    #[inline(always)]
    fn back<L: Lanes>(
        &self,
        lanes: L,
        l: usize,
        adjoint: &mut Adjoint,
        sample: usize,
        steps: Range<usize>,
        [a_s, reset_amount, h]: [&mut [f32]; 3],
    ) {
        let (plan, width) = (self.plan, adjoint.width);
        let LayerTrace { x, spikes } = &self.block.layers[l];
        let faint_at = (steps.end - 1) / plan.hidden[l].faint_every * plan.hidden[l].faint_every;
        if plan.keeps_reset_amount() {
            let spikes = &spikes[sample];
            for (n, row) in steps.clone().zip(reset_amount.chunks_exact_mut(width)) {
                for (&unit, &value) in spikes.row(n).iter().zip(&spikes.pre_reset[spikes.range(n)]) {
                    row[usize::from(unit)] = value;
                }
            }
        }
        let size = steps.len() * width;
        let trace = (sample * plan.steps + steps.start) * width;
        let slot = (sample * adjoint.chunk + steps.start - self.steps.start) * adjoint.row;
        let slots = slot..slot + steps.len() * adjoint.row;
        let row = sample * width..(sample + 1) * width;
        let x = &x[trace..trace + size];
        compute_ahead(lanes, plan.surrogate, x, h);
        let lif = Lif {
            shape: &plan.hidden[l],
            lanes,
            first: steps.start,
            steps: steps.len(),
            faint_at,
            stride: width / L::LANES,
            slot_stride: adjoint.row / L::LANES,
            x: L::chunks(x),
            h: L::chunks(h),
            a_s: L::chunks(&a_s[..size]),
            reset_amount: L::chunks(&reset_amount[..size]),
            current_adjoints: L::chunks_mut(&mut adjoint.current_adjoints[slots]),
            a_u: L::chunks_mut(&mut adjoint.a_u[row.clone()]),
            a_i: L::chunks_mut(&mut adjoint.a_i[row.clone()]),
            direct: L::chunks(&adjoint.direct[row.clone()]),
            u_next: L::chunks_mut(&mut adjoint.u_next[row]),
            differentiable_reset: plan.differentiable_reset,
            immediate_reset: plan.immediate_reset,
        };
        with(plan.surrogate, lif);
    }
}
