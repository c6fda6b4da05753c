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
//! the last maximum of the readout, and those are skipped. The weight gradients are sums of rows of the trace of `a_I`,
//! picked by the spikes: computed after the loop, unit by unit, each row of the gradient is written once.

use super::{
    kernels::{
        derivative::{Derivative, WithDerivative, with},
        lanes::{Kernel, Lanes},
        product::{Columns, Term, product},
        rows::add_rows,
    },
    plan::{Constants, Plan, Transposes},
    trace::{BLOCK, Block, LayerTrace, SpikeList},
};
use crate::{Input, Readout};

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
    pub(super) blocks: &'a mut [Block],
    /// Gradient of the logits of the whole batch, `[batch, outputs]`.
    pub(super) d_logits: &'a [f32],
    /// Gradient of the spike counts of the whole batch, `[batch, units]` of each hidden layer.
    pub(super) d_counts: &'a [&'a [f32]],
    pub(super) sum: &'a mut Partial,
}

/// Adjoints of one layer of a block, `[BLOCK, width]`, and room to work in.
struct Scratch {
    a_u: Vec<f32>,
    a_i: Vec<f32>,
    a_s: Vec<f32>,
    /// `d zeta`, `[BLOCK, width]`.
    d_count: Vec<f32>,
    /// `U[n + 1]`, for a differentiable reset.
    u_next: Vec<f32>,
    /// Adjoint currents of the readout, `[BLOCK, steps, out_width]`, slot `n` holding that of `n + 1`.
    readout: Vec<f32>,
    times: Times,
}

impl Kernel for BackwardBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let plan = self.plan;
        let widest = plan.hidden.iter().map(|l| l.width).max().unwrap_or(0);
        let rows = || vec![0.0; BLOCK * widest];
        let mut scratch = Scratch {
            a_u: rows(),
            a_i: rows(),
            a_s: rows(),
            d_count: rows(),
            u_next: rows(),
            readout: vec![0.0; BLOCK * plan.steps * plan.out_width],
            times: Times::default(),
        };
        let mut first = self.first;
        for block in self.blocks {
            let pass = BlockPass {
                plan,
                transposes: self.transposes,
                input: self.input,
                first,
                d_logits: &self.d_logits[first * plan.outputs..],
                d_counts: self.d_counts,
                scratch: &mut scratch,
            };
            first += block.samples;
            pass.run(lanes, block, self.sum);
        }
    }
}

struct BlockPass<'a> {
    plan: &'a Plan,
    transposes: &'a Transposes,
    input: &'a Input<f32>,
    first: usize,
    d_logits: &'a [f32],
    d_counts: &'a [&'a [f32]],
    scratch: &'a mut Scratch,
}

/// For each sample of a block: how many slots, from the first, can be other than zero.
type Ends = [usize; BLOCK];

impl BlockPass<'_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L, block: &mut Block, sum: &mut Partial) {
        let plan = self.plan;
        let samples = block.samples;
        let mut ends = self.readout(lanes, block);
        let below = block.layers.last().map(|layer| layer.spikes.as_slice());
        let slots = Slots { values: &self.scratch.readout, width: plan.out_width, steps: plan.steps, ends };
        let times = &mut self.scratch.times;
        weight_gradient(lanes, self.input, self.first, below, plan.below_readout(), slots, samples, times, &mut sum.readout);

        for (l, shape) in plan.hidden.iter().enumerate().rev() {
            let (lower, upper) = block.layers.split_at_mut(l + 1);
            let [below @ .., layer] = lower else { return };
            let d_counts = &self.d_counts[l][self.first * shape.units..];
            ends = self.layer(lanes, l, layer, upper.first_mut(), d_counts, samples, ends);
            let slots = Slots { values: &layer.x, width: shape.width, steps: plan.steps, ends };
            let below = below.last().map(|layer| layer.spikes.as_slice());
            let (d_w, d_v) = &mut sum.hidden[l];
            let times = &mut self.scratch.times;
            weight_gradient(lanes, self.input, self.first, below, shape.below, slots, samples, times, d_w);
            if shape.recurrent {
                spike_gradient(lanes, &layer.spikes, shape.units, slots, samples, times, d_v);
            }
        }
    }

    /// Adjoint currents of the readout into the scratch.
    #[inline(always)]
    fn readout<L: Lanes>(&mut self, lanes: L, block: &Block) -> Ends {
        let plan = self.plan;
        let (width, outputs) = (plan.out_width, plan.outputs);
        let (leak_out, leak_syn) = (lanes.splat(plan.constants.leak_out as f32), lanes.splat(plan.constants.leak_syn as f32));
        let mut ends = [0; BLOCK];
        let mut padded = vec![0.0; width];
        for sample in 0..block.samples {
            let peak = &block.peak[sample * width..(sample + 1) * width];
            let d_logits = &self.d_logits[sample * outputs..(sample + 1) * outputs];
            padded[..outputs].copy_from_slice(d_logits);
            let live = d_logits.iter().zip(peak).filter(|(d, _)| **d != 0.0);
            let last = match plan.readout {
                Readout::Max => live.map(|(_, &p)| p as usize).max(),
                Readout::Sum => live.map(|_| plan.steps - 1).max(),
            };
            let Some(last) = last else { continue };
            // a_U_out starts at `last`, so a_I_out at `last - 1`, which is what slot `last - 2` holds
            ends[sample] = last.saturating_sub(1);
            let slots = &mut self.scratch.readout[sample * plan.steps * width..(sample + 1) * plan.steps * width];
            for (column, (d, peak)) in L::chunks(&padded).iter().zip(L::chunks(peak)).enumerate() {
                let (d, peak) = (lanes.load(d), lanes.load(peak));
                let (mut a_u, mut a_i) = (lanes.splat(0.0), lanes.splat(0.0));
                for n in (0..=last).rev() {
                    let slot = &mut L::chunks_mut(&mut slots[n * width..(n + 1) * width])[column];
                    lanes.store(slot, a_i);
                    let direct = match plan.readout {
                        Readout::Sum => d,
                        Readout::Max => {
                            lanes.select(lanes.equal(peak, lanes.splat(n as f32)), d, lanes.splat(0.0))
                        }
                    };
                    a_i = lanes.mul_add(leak_out, a_u, lanes.sub_mul(leak_syn, a_i, a_i));
                    a_u = lanes.add(lanes.sub_mul(leak_out, a_u, a_u), direct);
                }
            }
        }
        ends
    }

    /// Adjoint currents of hidden layer `l` over its trace.
    #[inline(always)]
    fn layer<L: Lanes>(
        &mut self,
        lanes: L,
        l: usize,
        layer: &mut LayerTrace,
        above: Option<&mut LayerTrace>,
        d_counts: &[f32],
        samples: usize,
        ends_above: Ends,
    ) -> Ends {
        let plan = self.plan;
        let (steps, shape) = (plan.steps, &plan.hidden[l]);
        let width = shape.width;
        let Scratch { a_u, a_i, a_s, d_count, u_next, readout, .. } = &mut *self.scratch;
        let size = samples * width;
        for state in [&mut *a_u, &mut *a_i, &mut *d_count, &mut *u_next] {
            state[..size].fill(0.0);
        }
        // steps from the first in which a_U can be other than zero
        let mut live = ends_above;
        for (sample, d) in d_counts.chunks_exact(shape.units).take(samples).enumerate() {
            if d.iter().any(|&d| d != 0.0) {
                live[sample] = steps;
                d_count[sample * width..sample * width + shape.units].copy_from_slice(d);
            }
        }
        let penalised = d_count[..size].iter().any(|&d| d != 0.0);
        let transposes = &self.transposes.hidden[l];
        let (above, above_width) = match above {
            Some(above) => (&mut above.x, plan.hidden[l + 1].width),
            None => (readout, plan.out_width),
        };
        // where the regulariser acts, so do the slots past the end of the layer above: they hold what was there before
        for sample in (0..samples).filter(|&sample| live[sample] > ends_above[sample]) {
            above[(sample * steps + ends_above[sample]) * above_width..(sample + 1) * steps * above_width].fill(0.0);
        }
        for n in (0..live[..samples].iter().copied().max().unwrap_or(0)).rev() {
            // a_S[n] = V a_I[n+1] + W_above a_I_above[n+1]
            let (own, from_above) = (&transposes.own, &transposes.above);
            let (b, depth) = (own.columns(), own.depth());
            let own = Term { a: &a_i[..size], a_row: width, a_depth: 1, b, depth };
            let (b, depth) = (from_above.columns(), from_above.depth());
            let a = &above[n * above_width..];
            let from_above = Term { a, a_row: steps * above_width, a_depth: 1, b, depth };
            product(lanes, samples, width, &[own, from_above], &mut a_s[..size], false);
            for sample in (0..samples).filter(|&sample| n < live[sample]) {
                let row = sample * width..(sample + 1) * width;
                let at = (sample * steps + n) * width;
                if plan.differentiable_reset {
                    let spikes = &layer.spikes[sample];
                    for (&unit, &wiped) in spikes.row(n).iter().zip(&spikes.wiped[spikes.range(n)]) {
                        u_next[row.start + usize::from(unit)] = wiped;
                    }
                }
                let step = Step {
                    constants: plan.constants,
                    trace: &mut layer.x[at..at + width],
                    a_u: &mut a_u[row.clone()],
                    a_i: &mut a_i[row.clone()],
                    a_s: &a_s[row.clone()],
                    d_count: &d_count[row.clone()],
                    u_next: &mut u_next[row],
                };
                with(
                    plan.surrogate,
                    Retreat { lanes, step, penalised, differentiable_reset: plan.differentiable_reset },
                );
            }
        }
        // a_U[live - 1] is the last, a_I[live - 2] follows from it, and that is in slot live - 3
        live.map(|live| live.saturating_sub(2))
    }
}

/// One step back of one hidden layer of one sample.
struct Step<'a> {
    constants: Constants,
    /// `x[n]`, and then the adjoint of `I[n + 1]`.
    trace: &'a mut [f32],
    a_u: &'a mut [f32],
    a_i: &'a mut [f32],
    a_s: &'a [f32],
    d_count: &'a [f32],
    /// `U[n + 1]`, or what the reset wiped out, and then `U[n]`.
    u_next: &'a mut [f32],
}

/// [`Step::retreat`] with the surrogate and the switches known to the compiler.
struct Retreat<'a, L> {
    lanes: L,
    step: Step<'a>,
    penalised: bool,
    differentiable_reset: bool,
}

impl<L: Lanes> WithDerivative for Retreat<'_, L> {
    #[inline(always)]
    fn run<H: Derivative>(self, h: H) {
        match (self.penalised, self.differentiable_reset) {
            (false, false) => self.step.retreat::<L, H, false, false>(self.lanes, h),
            (false, true) => self.step.retreat::<L, H, false, true>(self.lanes, h),
            (true, false) => self.step.retreat::<L, H, true, false>(self.lanes, h),
            (true, true) => self.step.retreat::<L, H, true, true>(self.lanes, h),
        }
    }
}

impl Step<'_> {
    #[inline(always)]
    fn retreat<L: Lanes, H: Derivative, const PENALISED: bool, const RESET: bool>(self, lanes: L, h: H) {
        let Constants { threshold, leak_mem, leak_syn, .. } = self.constants;
        let (leak_mem, leak_syn) = (lanes.splat(leak_mem as f32), lanes.splat(leak_syn as f32));
        let (theta, zero) = (lanes.splat(threshold as f32), lanes.splat(0.0));
        let adjoints = L::chunks_mut(self.a_u).iter_mut().zip(L::chunks_mut(self.a_i));
        let traces = L::chunks_mut(self.trace).iter_mut().zip(L::chunks_mut(self.u_next));
        let spikes = L::chunks(self.a_s).iter().zip(L::chunks(self.d_count));
        for (((a_u, a_i), (trace, u_next)), (a_s, d_count)) in adjoints.zip(traces).zip(spikes) {
            let (x, i, u) = (lanes.load(trace), lanes.load(a_i), lanes.load(a_u));
            let mut s = lanes.load(a_s);
            if PENALISED {
                s = lanes.add(s, lanes.load(d_count));
            }
            if RESET {
                s = lanes.sub_mul(u, lanes.load(u_next), s);
                lanes.store(u_next, lanes.add(x, theta));
            }
            lanes.store(trace, i);
            let kept = lanes.select(lanes.greater(x, zero), zero, u);
            lanes.store(a_i, lanes.mul_add(leak_mem, kept, lanes.sub_mul(leak_syn, i, i)));
            let u = lanes.sub_mul(leak_mem, kept, kept);
            lanes.store(a_u, lanes.mul_add(s, h.at(lanes, x), u));
        }
    }
}

/// Adjoint currents of a layer of a block, `[samples, steps, width]`.
#[derive(Clone, Copy)]
struct Slots<'a> {
    values: &'a [f32],
    width: usize,
    steps: usize,
    ends: Ends,
}

impl<'a> Slots<'a> {
    fn sample(&self, sample: usize) -> &'a [f32] {
        &self.values[sample * self.steps * self.width..(sample + 1) * self.steps * self.width]
    }
}

/// `dW[k] += sum over n of (input of unit k at n) slot[n]`, from the spikes of the layer below or, without one, the input.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "one call for each matrix; a struct would only rename them")]
fn weight_gradient<L: Lanes>(
    lanes: L,
    input: &Input<f32>,
    first: usize,
    below: Option<&[SpikeList]>,
    units: usize,
    slots: Slots<'_>,
    samples: usize,
    times: &mut Times,
    gradient: &mut [f32],
) {
    match (below, input) {
        (Some(spikes), _) => spike_gradient(lanes, spikes, units, slots, samples, times, gradient),
        (None, Input::Events(events)) => {
            times.collect(units, samples, |sample, n| events.row(first + sample, n), &slots.ends);
            times.add(lanes, slots, samples, gradient);
        }
        (None, Input::Frames(frames)) => {
            for sample in 0..samples {
                let from = (first + sample) * slots.steps * units;
                let a = &frames.values()[from..from + slots.steps * units];
                let b = Columns::rows(slots.sample(sample), slots.width);
                let depth = slots.ends[sample];
                product(lanes, units, slots.width, &[Term { a, a_row: 1, a_depth: units, b, depth }], gradient, true);
            }
        }
    }
}

#[inline(always)]
fn spike_gradient<L: Lanes>(
    lanes: L,
    spikes: &[SpikeList],
    units: usize,
    slots: Slots<'_>,
    samples: usize,
    times: &mut Times,
    gradient: &mut [f32],
) {
    times.collect(units, samples, |sample, n| spikes[sample].row(n), &slots.ends);
    times.add(lanes, slots, samples, gradient);
}

/// The spikes of a block, sorted by unit: at which steps each unit spiked.
#[derive(Debug, Default)]
struct Times {
    units: usize,
    /// `[samples, units + 1]`: where the steps of each unit start.
    starts: Vec<u32>,
    steps: Vec<u32>,
}

impl Times {
    /// Sorts the spikes before each sample's end by counting.
    #[inline(always)]
    fn collect<'r>(
        &mut self,
        units: usize,
        samples: usize,
        row: impl Fn(usize, usize) -> &'r [u16],
        ends: &Ends,
    ) {
        self.units = units;
        self.starts.clear();
        self.starts.resize(samples * (units + 1), 0);
        let mut total = 0u32;
        for (sample, starts) in self.starts.chunks_exact_mut(units + 1).enumerate() {
            for n in 0..ends[sample] {
                for &unit in row(sample, n) {
                    starts[usize::from(unit)] += 1;
                }
            }
            // to the end of each unit's steps; filling from the back leaves the start
            for start in starts.iter_mut() {
                total += *start;
                *start = total;
            }
        }
        self.steps.resize(total as usize, 0);
        for (sample, starts) in self.starts.chunks_exact_mut(units + 1).enumerate() {
            for n in (0..ends[sample]).rev() {
                for &unit in row(sample, n) {
                    let at = &mut starts[usize::from(unit)];
                    *at -= 1;
                    self.steps[*at as usize] = n as u32;
                }
            }
        }
    }

    /// `gradient[k] += sum of the slots at the steps of unit k`, over all samples.
    ///
    /// Columns go outermost, so many at a time that gradient and slots stay in the second-level cache.
    #[inline(always)]
    fn add<L: Lanes>(&self, lanes: L, slots: Slots<'_>, samples: usize, gradient: &mut [f32]) {
        const COLUMNS: usize = 256;
        let width = slots.width;
        for from in (0..width).step_by(COLUMNS) {
            let columns = COLUMNS.min(width - from);
            for sample in 0..samples {
                let starts = &self.starts[sample * (self.units + 1)..(sample + 1) * (self.units + 1)];
                let values = slots.sample(sample);
                for (unit, range) in starts.windows(2).enumerate() {
                    let steps = &self.steps[range[0] as usize..range[1] as usize];
                    if !steps.is_empty() {
                        let at = unit * width + from;
                        add_rows(lanes, &mut gradient[at..at + columns], values, width, from, steps);
                    }
                }
            }
        }
    }
}

