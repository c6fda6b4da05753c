//! The adjoint of the time loop, from the last step to the first, block by block.
//!
//! With `a_y` for the derivative of the loss with respect to `y`, `h = h(U[n] - threshold)`, and everything on the right at
//! `n + 1` unless it says otherwise:
//!
//! ```text
//! a_S[n] = W_above a_I_above + V a_I + d zeta  ( - a_U (b_mem U[n] + (1 - b_mem) I[n])   differentiable reset )
//! a_U[n] = b_mem (1 - S[n]) a_U + h a_S[n]
//! a_I[n] = b_syn a_I + (1 - b_mem) (1 - S[n]) a_U
//! dW    += a_I[n + 1] S_below[n]^T,    dV += a_I[n + 1] S[n]^T
//! ```
//!
//! and for the readout, which neither spikes nor resets,
//!
//! ```text
//! a_U_out[n] = b_out a_U_out + (d logit where n is the first maximum, or at every n for Sum)
//! a_I_out[n] = b_syn a_I_out + (1 - b_out) a_U_out
//! ```
//!
//! `V a_I` is the one dense product that remains, so it is what the time goes into; it vanishes exactly in all steps after
//! the last maximum of the readout, and those are skipped.
//!
//! Time is cut into chunks whose adjoint currents stay in the second-level cache: the readout goes back through a chunk, then
//! each layer below it. Slot `n` of a layer's chunk holds `a_I[n + 1]`, which is both what the layer below needs at step `n`
//! and what is paired with the spikes of step `n` in the weight gradient. The gradient is then a sum of current_adjoints picked by the
//! spikes, and is taken unit by unit, so that each of its rows is read and written once a chunk.

use super::{
    gradient::{Rows, SpikesByUnit},
    kernels::{
        derivative::{Derivative, LEAST, WithDerivative, with},
        lanes::{Kernel, Lanes},
        product::{Term, product},
    },
    plan::{Constants, LayerPlan, Plan, Transposes},
    trace::{BLOCK, Block, LayerTrace, Pool},
};
use crate::{Input, Readout};
use std::ops::Range;

/// Weight gradients of some of the blocks, in the layout of the padded weights.
#[derive(Debug, Default)]
pub(super) struct Partial {
    pub(super) hidden: Vec<(Vec<f32>, Vec<f32>)>,
    pub(super) readout: Vec<f32>,
}

impl Partial {
    pub(super) fn clear(&mut self, plan: &Plan) {
        let zero = |v: &mut Vec<f32>, len: usize| {
            v.clear();
            v.resize(len, 0.0);
        };
        self.hidden.resize_with(plan.hidden.len(), Default::default);
        for ((w, v), layer) in self.hidden.iter_mut().zip(&plan.hidden) {
            zero(w, layer.below * layer.width);
            zero(v, if layer.recurrent { layer.units * layer.width } else { 0 });
        }
        zero(&mut self.readout, plan.below_readout() * plan.out_width);
    }
}

impl Partial {
    /// Every matrix, in the order `W1`, `V1`, `W2`, .. `Wout`.
    pub(super) fn matrices<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a [f32]> {
        let hidden = self.hidden.iter().zip(&plan.hidden);
        let hidden = hidden.flat_map(|((w, v), l)| [Some(w), l.recurrent.then_some(v)].into_iter().flatten());
        hidden.chain([&self.readout]).map(Vec::as_slice)
    }
}

/// Takes some blocks through the backward pass, in order, and sums their weight gradients.
pub(super) struct BackwardBlocks<'a> {
    pub(super) plan: &'a Plan,
    pub(super) transposes: &'a Transposes,
    pub(super) input: &'a Input<f32>,
    /// Sample that the first block starts with.
    pub(super) first: usize,
    pub(super) blocks: &'a [Block],
    /// Gradient of the logits of the whole batch, `[batch, outputs]`.
    pub(super) d_logits: &'a [f32],
    /// Gradient of the spike counts of the whole batch, `[batch, units]` of each hidden layer.
    pub(super) d_counts: &'a [&'a [f32]],
    /// Gradient of the readout potentials of the whole batch, `[batch, steps, outputs]`, if the loss may depend on them.
    pub(super) d_readout: Option<&'a [f32]>,
    pub(super) sum: &'a mut Partial,
    pub(super) scratch: &'a Pool<Scratch>,
}

impl Kernel for BackwardBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let plan = self.plan;
        let mut scratch = self.scratch.take(1);
        let [Scratch { hidden, readout, a_s, times }] = &mut scratch[..] else { return };
        hidden.resize_with(plan.hidden.len(), Adjoint::default);
        let mut first = self.first;
        for block in self.blocks {
            let samples = block.samples;
            let chunk = plan.chunk();
            let d_readout = self.d_readout.map(|d| &d[first * plan.steps * plan.outputs..]);
            let d_logits = &self.d_logits[first * plan.outputs..];
            let mut latest = readout.start_readout(plan, block, d_logits, d_readout);
            let mut end = readout.end;
            for (l, adjoint) in hidden.iter_mut().enumerate().rev() {
                let units = plan.hidden[l].units;
                let d_counts = &self.d_counts[l][first * units..(first + samples) * units];
                latest = latest.max(adjoint.start(plan, plan.hidden[l].width, d_counts, units, end));
                end = adjoint.end;
            }
            let mut n1 = latest;
            while n1 > 0 {
                let steps = n1.saturating_sub(chunk)..n1;
                n1 = steps.start;
                let pass = ChunkPass { plan, transposes: self.transposes, block, steps: steps.clone() };
                pass.readout(lanes, readout);
                for l in (0..hidden.len()).rev() {
                    let (adjoint, above) = match &mut hidden[l..] {
                        [adjoint, above, ..] => (adjoint, &*above),
                        [adjoint] => (adjoint, &*readout),
                        [] => return,
                    };
                    pass.layer(lanes, l, adjoint, above, a_s);
                }
                let below = |l: usize| match block.layers[..l].last() {
                    Some(layer) => Rows::Spikes(&layer.spikes),
                    None => Rows::Input(self.input, first),
                };
                let mut sums =
                    vec![(&*readout, below(hidden.len()), plan.below_readout(), &mut self.sum.readout)];
                for (l, (adjoint, (d_w, d_v))) in hidden.iter().zip(&mut self.sum.hidden).enumerate() {
                    sums.push((adjoint, below(l), plan.hidden[l].below, d_w));
                    if plan.hidden[l].recurrent {
                        sums.push((adjoint, below(l + 1), plan.hidden[l].units, d_v));
                    }
                }
                for (adjoint, rows, units, sum) in sums {
                    times.add_to(lanes, rows, units, adjoint.current_adjoints(samples, steps.clone()), sum);
                }
            }
            first += samples;
        }
        self.scratch.release(scratch);
    }
}

/// For each sample of a block, a number of steps.
pub(super) type Steps = [usize; BLOCK];

/// Room to work in, kept from call to call.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    hidden: Vec<Adjoint>,
    readout: Adjoint,
    a_s: Vec<f32>,
    times: SpikesByUnit,
}

/// Adjoint state of one layer, or of the readout, for the samples of a block.
#[derive(Debug, Default)]
struct Adjoint {
    width: usize,
    /// `[BLOCK, width]`.
    a_u: Vec<f32>,
    a_i: Vec<f32>,
    /// What the loss adds at every step: `d zeta` of a hidden layer, `d logit` of the readout.
    direct: Vec<f32>,
    /// What the loss adds at each step for itself, `[samples, steps, width]` of the readout; empty where it does not.
    traces: Vec<f32>,
    /// `U[n + 1]`, for a differentiable reset.
    u_next: Vec<f32>,
    /// `[BLOCK, chunk, width]`.
    current_adjoints: Vec<f32>,
    chunk: usize,
    /// Steps, from the first, in which `a_U` can be other than zero.
    live: Steps,
    /// Steps, from the first, whose current_adjoints can be other than zero.
    end: Steps,
    penalised: bool,
}

/// The current_adjoints of a chunk that can be other than zero.
#[derive(Clone, Copy)]
pub(super) struct CurrentAdjoints<'a> {
    pub(super) values: &'a [f32],
    pub(super) width: usize,
    /// Rows of a sample.
    pub(super) chunk: usize,
    pub(super) samples: usize,
    /// First step of the chunk.
    pub(super) from: usize,
    /// One past the last step of each sample.
    pub(super) to: Steps,
}

impl Adjoint {
    fn clear(&mut self, plan: &Plan, width: usize) {
        (self.width, self.chunk, self.penalised) = (width, plan.chunk(), false);
        for state in [&mut self.a_u, &mut self.a_i, &mut self.direct, &mut self.u_next] {
            state.clear();
            state.resize(BLOCK * width, 0.0);
        }
        self.current_adjoints.resize(BLOCK * self.chunk * width, 0.0);
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
        self.traces.clear();
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
                // a_U starts at `last`, a_I follows at `last - 1`, and slot `last - 2` holds it
                (self.live[sample], self.end[sample]) = (last + 1, last.saturating_sub(1));
            }
        }
        if let Some(d_readout) = d_readout {
            self.traces.resize(block.samples * plan.steps * plan.out_width, 0.0);
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

    /// Sets up a hidden layer below a layer whose current_adjoints end at `end_above`; returns the number of steps to go through.
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
                (self.live[sample], self.penalised) = (plan.steps, true);
            }
        }
        self.end = self.live.map(|live| live.saturating_sub(2));
        self.live.into_iter().max().unwrap_or(0)
    }

    /// Row of slot `n` in a chunk that starts at `from`.
    fn slot(&mut self, sample: usize, n: usize, from: usize) -> &mut [f32] {
        let at = (sample * self.chunk + n - from) * self.width;
        &mut self.current_adjoints[at..at + self.width]
    }

    fn current_adjoints(&self, samples: usize, steps: Range<usize>) -> CurrentAdjoints<'_> {
        let to = self.end.map(|end| end.min(steps.end));
        CurrentAdjoints {
            values: &self.current_adjoints,
            width: self.width,
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
        let Constants { leak_out, leak_syn, .. } = self.plan.constants;
        let (leak_out, leak_syn) = (lanes.splat(leak_out as f32), lanes.splat(leak_syn as f32));
        let width = adjoint.width;
        for sample in 0..self.block.samples {
            let row = sample * width..(sample + 1) * width;
            let current_adjoints = sample * adjoint.chunk * width..;
            let (a_us, a_is) =
                (L::chunks_mut(&mut adjoint.a_u[row.clone()]), L::chunks_mut(&mut adjoint.a_i[row.clone()]));
            let (direct, argmax_steps) =
                (L::chunks(&adjoint.direct[row.clone()]), L::chunks(&self.block.argmax_step[row]));
            let current_adjoints = L::chunks_mut(&mut adjoint.current_adjoints[current_adjoints]);
            let stride = width / L::LANES;
            let traces = adjoint.traces.get(sample * self.plan.steps * width..).filter(|it| !it.is_empty());
            let traces = traces.map(L::chunks);
            for column in 0..stride {
                let (mut a_u, mut a_i) = (lanes.load(&a_us[column]), lanes.load(&a_is[column]));
                let (d, argmax_step) = (lanes.load(&direct[column]), lanes.load(&argmax_steps[column]));
                for n in self.steps.clone().rev() {
                    lanes.store(&mut current_adjoints[(n - self.steps.start) * stride + column], a_i);
                    let direct = match self.plan.readout {
                        Readout::Sum => d,
                        Readout::Max => {
                            lanes.select(lanes.equal(argmax_step, lanes.splat(n as f32)), d, lanes.splat(0.0))
                        }
                    };
                    let direct = match traces {
                        Some(traces) => lanes.add(direct, lanes.load(&traces[n * stride + column])),
                        None => direct,
                    };
                    // padded units and samples without a gradient have d = 0 and stay at 0
                    a_i = lanes.mul_add(leak_out, a_u, lanes.sub_mul(leak_syn, a_i, a_i));
                    a_u = lanes.add(lanes.sub_mul(leak_out, a_u, a_u), direct);
                }
                lanes.store(&mut a_us[column], a_u);
                lanes.store(&mut a_is[column], a_i);
            }
        }
    }

    #[inline(always)]
    fn layer<L: Lanes>(
        &self,
        lanes: L,
        l: usize,
        adjoint: &mut Adjoint,
        above: &Adjoint,
        a_s: &mut Vec<f32>,
    ) {
        let (plan, samples) = (self.plan, self.block.samples);
        let (width, from) = (adjoint.width, self.steps.start);
        let LayerTrace { x, spikes } = &self.block.layers[l];
        let (own, from_above) = (&self.transposes.hidden[l].own, &self.transposes.hidden[l].above);
        a_s.resize(BLOCK * width, 0.0);
        for n in self.steps.clone().rev() {
            // the trace comes from main memory; a step ahead is about the time that takes
            for sample in 0..samples {
                let ahead = (sample * plan.steps + n.saturating_sub(1)) * width;
                lanes.prefetch(&x[ahead..ahead + width]);
            }
            if adjoint.live[..samples].iter().any(|&live| n < live) {
                // a_S[n] = V a_I[n+1] + W_above a_I_above[n+1]
                let (b, depth) = (own.columns(), own.depth());
                let own = Term { a: &adjoint.a_i, a_row: width, a_depth: 1, b, depth };
                let (b, depth) = (from_above.columns(), from_above.depth());
                let a = &above.current_adjoints[(n - from) * above.width..];
                let from_above = Term { a, a_row: above.chunk * above.width, a_depth: 1, b, depth };
                product(lanes, samples, width, &[own, from_above], a_s, false);
            }
            for sample in 0..samples {
                if n >= adjoint.live[sample] {
                    adjoint.slot(sample, n, from).fill(0.0);
                    continue;
                }
                let row = sample * width..(sample + 1) * width;
                if plan.differentiable_reset {
                    let spikes = &spikes[sample];
                    for (&unit, &pre_reset) in spikes.row(n).iter().zip(&spikes.pre_reset[spikes.range(n)]) {
                        adjoint.u_next[row.start + usize::from(unit)] = pre_reset;
                    }
                }
                let trace = (sample * plan.steps + n) * width;
                let slot = (sample * adjoint.chunk + n - from) * width;
                let step = Step {
                    layer: plan.hidden[l],
                    x: &x[trace..trace + width],
                    current_adjoint: &mut adjoint.current_adjoints[slot..slot + width],
                    a_u: &mut adjoint.a_u[row.clone()],
                    a_i: &mut adjoint.a_i[row.clone()],
                    a_s: &a_s[row.clone()],
                    d_count: &adjoint.direct[row.clone()],
                    u_next: &mut adjoint.u_next[row],
                };
                let (penalised, differentiable_reset) = (adjoint.penalised, plan.differentiable_reset);
                with(plan.surrogate, LifBackward { lanes, step, penalised, differentiable_reset });
            }
        }
    }
}

/// One step back of one hidden layer of one sample.
struct Step<'a> {
    layer: LayerPlan,
    /// `U[n] - threshold`.
    x: &'a [f32],
    /// Where `a_I[n + 1]` goes.
    current_adjoint: &'a mut [f32],
    a_u: &'a mut [f32],
    a_i: &'a mut [f32],
    a_s: &'a [f32],
    d_count: &'a [f32],
    /// `U[n + 1]`, or what the reset pre_reset out, and then `U[n]`.
    u_next: &'a mut [f32],
}

/// [`Step::lif_backward`] with the surrogate and the switches known to the compiler.
struct LifBackward<'a, L> {
    lanes: L,
    step: Step<'a>,
    penalised: bool,
    differentiable_reset: bool,
}

impl<L: Lanes> WithDerivative for LifBackward<'_, L> {
    #[inline(always)]
    fn run<H: Derivative>(self, h: H) {
        match (self.penalised, self.differentiable_reset) {
            (false, false) => self.step.lif_backward::<L, H, false, false>(self.lanes, h),
            (false, true) => self.step.lif_backward::<L, H, false, true>(self.lanes, h),
            (true, false) => self.step.lif_backward::<L, H, true, false>(self.lanes, h),
            (true, true) => self.step.lif_backward::<L, H, true, true>(self.lanes, h),
        }
    }
}

impl Step<'_> {
    #[inline(always)]
    fn lif_backward<L: Lanes, H: Derivative, const PENALISED: bool, const RESET: bool>(self, lanes: L, h: H) {
        let LayerPlan { threshold, leak_mem, leak_syn, .. } = self.layer;
        let (leak_mem, leak_syn) = (lanes.splat(leak_mem as f32), lanes.splat(leak_syn as f32));
        let (theta, zero) = (lanes.splat(threshold as f32), lanes.splat(0.0));
        let adjoints = L::chunks_mut(self.a_u).iter_mut().zip(L::chunks_mut(self.a_i));
        let traces = L::chunks(self.x).iter().zip(L::chunks_mut(self.u_next));
        let spikes = L::chunks(self.a_s).iter().zip(L::chunks(self.d_count));
        let current_adjoints = L::chunks_mut(self.current_adjoint);
        for ((((a_u, a_i), (x, u_next)), (a_s, d_count)), current_adjoint) in
            adjoints.zip(traces).zip(spikes).zip(current_adjoints)
        {
            let (x, i, u) = (lanes.load(x), lanes.load(a_i), lanes.load(a_u));
            let mut s = lanes.load(a_s);
            if PENALISED {
                s = lanes.add(s, lanes.load(d_count));
            }
            if RESET {
                s = lanes.sub_mul(u, lanes.load(u_next), s);
                lanes.store(u_next, lanes.add(x, theta));
            }
            let h = h.at(lanes, x);
            if H::VANISHES {
                // |s| is compared with LEAST / h, since the product itself is what must not be computed
                let least = lanes.mul(lanes.splat(LEAST), lanes.recip(lanes.abs(h)));
                s = lanes.select(lanes.greater(lanes.abs(s), least), s, zero);
            }
            lanes.store(current_adjoint, i);
            let kept = lanes.select(lanes.greater(x, zero), zero, u);
            lanes.store(a_i, lanes.mul_add(leak_mem, kept, lanes.sub_mul(leak_syn, i, i)));
            let u = lanes.sub_mul(leak_mem, kept, kept);
            lanes.store(a_u, lanes.mul_add(s, h, u));
        }
    }
}
