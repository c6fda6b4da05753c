//! The forward time loop, sample by sample and layer by layer.
//!
//! The drive of a layer (the weighted sum of the spikes or frames of the previous step) is computed for a chunk of steps first, in
//! the rows of the trace that then receive the potentials of those steps. Units of a layer do not depend on one another within a
//! step, so the state of a few vectors of units stays in registers over many steps. A recurrent layer advances one step at a time,
//! because its spikes drive it in the next step.

use super::{
    kernels::{
        lanes::{Aligned, Kernel, Lanes},
        product::{Columns, Target, Term, product},
        rows::{Picked, add_rows, sum_columns, sum_rows},
        spikes::{WORD, list_units},
    },
    lif_forward::{Layer, forget_faint, words},
    plan::{DELAYED_TRACED, Plan, Prepared},
    trace::{Block, LayerTrace, SpikeList},
};
use crate::{Input, Readout};
use std::ops::Range;

/// Runs one block of samples, starting at `first`, and fills its traces.
pub(super) struct ForwardBlock<'a, 'c> {
    pub(super) plan: &'a Plan,
    pub(super) weights: &'a Prepared,
    pub(super) input: &'a Input<f32>,
    pub(super) first: usize,
    pub(super) samples: usize,
    /// Whether to keep the traces of all samples; otherwise, each sample overwrites the previous one.
    pub(super) keep: bool,
    pub(super) block: &'a mut Block,
    /// `[samples, outputs]`.
    pub(super) logits: &'a mut [f32],
    /// One `[samples, units]` per hidden layer.
    pub(super) counts: &'a mut [&'c mut [f32]],
    /// Readout potentials, `[samples, steps, outputs]`, if they are to be recorded.
    pub(super) readout: Option<&'a mut [f32]>,
}

impl Kernel for ForwardBlock<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        let plan = self.plan;
        self.block.reshape(plan, if self.keep { self.samples } else { 1 });
        let mut layers: Vec<Layer> =
            plan.hidden.iter().map(|plan| Layer::new(plan, chunk(plan.width))).collect();
        let mut out = Output::new(plan, chunk(plan.out_width));
        // without a trace to keep, each sample overwrites the previous one
        let together = if self.keep { self.samples.max(1) } else { 1 };
        for first in (0..self.samples).step_by(together) {
            for (l, layer) in layers.iter_mut().enumerate() {
                if self.is_wide(l) {
                    self.wide_layer(lanes, first..first + together, l, layer);
                    continue;
                }
                for sample in first..first + together {
                    self.layer(lanes, sample, l, layer);
                }
            }
            for sample in first..first + together {
                self.output(lanes, sample, &mut out);
            }
        }
    }
}

/// The source of a layer's drive.
#[derive(Clone, Copy)]
enum Below<'a> {
    /// Spikes of the input or of the layer below; those of step `n` are `units[offsets[n] .. offsets[n + 1]]`.
    Spikes { offsets: &'a [u32], units: &'a [u16] },
    /// Analog input of the sample, `[steps, inputs]`.
    Frames(&'a [f32], usize),
}

impl<'a> Below<'a> {
    #[inline(always)]
    fn new(input: &'a Input<f32>, sample: usize) -> Self {
        match input {
            Input::Events(events) => {
                let (offsets, units) = events.sample(sample);
                Below::Spikes { offsets, units }
            }
            Input::Frames(frames) => {
                let size = frames.values().len() / input.batch();
                Below::Frames(&frames.values()[sample * size..(sample + 1) * size], input.units())
            }
        }
    }

    #[inline(always)]
    fn of(spikes: &'a SpikeList) -> Self {
        Below::Spikes { offsets: &spikes.offsets, units: &spikes.units }
    }

    /// `drive[n] = (spikes or values at n - 1) weights` for the given steps; nothing drives step 0. Rows have `width` floats.
    #[inline(always)]
    fn drive<L: Lanes>(
        self,
        lanes: L,
        weights: &[f32],
        width: usize,
        steps: Range<usize>,
        drive: &mut [f32],
    ) {
        if let Below::Frames(values, inputs) = self {
            let (idle, drive) = drive.split_at_mut(if steps.start == 0 { width } else { 0 });
            idle.fill(0.0);
            let (from, to) = (steps.start.saturating_sub(1), steps.end - 1);
            let a = &values[from * inputs..to * inputs];
            let b = Columns::rows(weights, width);
            let term = Term { a, a_row: inputs, a_depth: 1, b, depth: inputs };
            product(lanes, to - from, &[term], Target::rows(drive, width));
            return;
        }
        for (n, drive) in steps.zip(drive.chunks_exact_mut(width)) {
            sum_rows(lanes, drive, [Picked { matrix: weights, rows: self.spikes_before(n) }]);
        }
    }

    /// Spikes of step `n - 1`; empty for analog input.
    #[inline(always)]
    fn spikes_before(self, n: usize) -> &'a [u16] {
        match (self, n.checked_sub(1)) {
            (Below::Spikes { offsets, units }, Some(before)) => {
                &units[offsets[before] as usize..offsets[n] as usize]
            }
            _ => &[],
        }
    }
}

/// Number of columns of a wide layer that are processed together over all steps: with a thousand inputs, their weights occupy half
/// of a second-level cache.
const COLUMNS: usize = 256;

/// Number of steps whose rows of `width` floats occupy half of the first-level cache.
fn chunk(width: usize) -> usize {
    const FLOATS: usize = 6 << 10;
    (FLOATS / width).max(1)
}

impl ForwardBlock<'_, '_> {
    #[inline(always)]
    fn layer<L: Lanes>(&mut self, lanes: L, sample: usize, l: usize, layer: &mut Layer) {
        let (plan, weights) = (self.plan, &self.weights.hidden[l]);
        let shape = &plan.hidden[l];
        let width = shape.width;
        // without a trace to keep, each sample overwrites the previous one
        let slot = if self.keep { sample } else { 0 };
        let (lower, upper) = self.block.layers.split_at_mut(l);
        let below = match lower.last() {
            Some(below) => Below::of(&below.spikes[slot]),
            None => Below::new(self.input, self.first + sample),
        };
        let LayerTrace { x: trace, spikes } = &mut upper[0];
        let trace = &mut trace[slot * plan.steps * width..(slot + 1) * plan.steps * width];
        let spikes = &mut spikes[slot];
        spikes.clear();
        layer.rest();
        for from in (0..plan.steps).step_by(layer.chunk) {
            let steps = from..plan.steps.min(from + layer.chunk);
            layer.forget_faint();
            let trace = &mut trace[from * width..steps.end * width];
            let frames = matches!(below, Below::Frames(..));
            if frames || weights.recurrent.is_none() {
                below.drive(lanes, &weights.input, width, steps.clone(), trace);
            }
            let Some(v) = &weights.recurrent else {
                layer.advance(lanes, shape, plan.reset(true), steps.len(), trace, spikes);
                continue;
            };
            for (n, trace) in steps.zip(trace.chunks_exact_mut(width)) {
                let own = n.checked_sub(1).map_or(&[][..], |before| spikes.row(before));
                if frames {
                    add_rows(lanes, trace, v, width, 0, own);
                } else {
                    let below = Picked { matrix: &weights.input, rows: below.spikes_before(n) };
                    sum_rows(lanes, trace, [below, Picked { matrix: v, rows: own }]);
                }
                layer.advance(lanes, shape, plan.reset(true), 1, trace, spikes);
            }
        }
        count_spikes(spikes, &mut self.counts[l][sample * shape.units..(sample + 1) * shape.units]);
    }

    /// Whether [`wide_layer`](Self::wide_layer) processes a layer. Layers that need the amounts of their resets are excluded: these
    /// would have to be kept for all steps.
    #[inline(always)]
    fn is_wide(&self, l: usize) -> bool {
        self.plan.hidden[l].is_wide()
            && (l > 0 || matches!(self.input, Input::Events(_)))
            && self.plan.reset(true) != DELAYED_TRACED
    }

    /// Runs some samples of a layer whose weights exceed the second-level cache, one panel of columns at a time: the weights of a
    /// panel stay in the cache for all steps of all samples.
    #[inline(always)]
    fn wide_layer<L: Lanes>(&mut self, lanes: L, samples: Range<usize>, l: usize, layer: &mut Layer) {
        let (plan, weights) = (self.plan, &self.weights.hidden[l]);
        let shape = &plan.hidden[l];
        let width = shape.width;
        let words = words(width);
        let (lower, upper) = self.block.layers.split_at_mut(l);
        let LayerTrace { x: traces, spikes: lists } = &mut upper[0];
        let slot = |sample: usize| if self.keep { sample } else { 0 };
        let mut bits = std::mem::take(&mut layer.bits);
        bits.resize(samples.len() * plan.steps * words, [0; WORD]);
        let chunk = chunk(COLUMNS);
        for from in (0..width).step_by(COLUMNS) {
            let columns = from..width.min(from + COLUMNS);
            for (k, sample) in samples.clone().enumerate() {
                let below = match lower.last() {
                    Some(below) => Below::of(&below.spikes[slot(sample)]),
                    None => Below::new(self.input, self.first + sample),
                };
                layer.u[columns.clone()].fill(0.0);
                layer.i[columns.clone()].fill(0.0);
                let trace = &mut traces[slot(sample) * plan.steps * width..][..plan.steps * width];
                for first in (0..plan.steps).step_by(chunk) {
                    let steps = first..plan.steps.min(first + chunk);
                    forget_faint(&mut layer.u[columns.clone()]);
                    forget_faint(&mut layer.i[columns.clone()]);
                    let trace = &mut trace[first * width..steps.end * width];
                    for (n, row) in steps.clone().zip(trace.chunks_exact_mut(width)) {
                        let picked = Picked { matrix: &weights.input, rows: below.spikes_before(n) };
                        sum_columns(lanes, &mut row[columns.clone()], width, from, picked);
                    }
                    let bits = &mut bits[(k * plan.steps + first) * words..][..steps.len() * words];
                    let columns = columns.start / L::LANES..columns.end / L::LANES;
                    layer.potentials(lanes, shape, plan.reset(true), columns, trace, bits);
                }
            }
        }
        for (k, sample) in samples.enumerate() {
            let spikes = &mut lists[slot(sample)];
            spikes.clear();
            for bits in bits[k * plan.steps * words..][..plan.steps * words].chunks_exact(words) {
                let count = list_units(bits, &mut layer.room);
                spikes.units.extend_from_slice(&layer.room[..count]);
                spikes.offsets.push(spikes.units.len() as u32);
            }
            count_spikes(spikes, &mut self.counts[l][sample * shape.units..(sample + 1) * shape.units]);
        }
        layer.bits = bits;
    }

    #[inline(always)]
    fn output<L: Lanes>(&mut self, lanes: L, sample: usize, out: &mut Output) {
        let plan = self.plan;
        let slot = if self.keep { sample } else { 0 };
        let below = match self.block.layers.last() {
            Some(below) => Below::of(&below.spikes[slot]),
            None => Below::new(self.input, self.first + sample),
        };
        out.rest(plan);
        for from in (0..plan.steps).step_by(out.chunk) {
            let steps = from..plan.steps.min(from + out.chunk);
            out.forget_faint();
            let trace = &mut out.trace[..steps.len() * plan.out_width];
            below.drive(lanes, &self.weights.readout, plan.out_width, steps.clone(), trace);
            out.advance(lanes, plan, steps.clone());
            if let Some(record) = &mut self.readout {
                let record = &mut record[(sample * plan.steps + from) * plan.outputs..];
                let rows = record.chunks_exact_mut(plan.outputs).zip(out.trace.chunks_exact(plan.out_width));
                for (record, row) in rows.take(steps.len()) {
                    record.copy_from_slice(&row[..plan.outputs]);
                }
            }
        }
        narrow(&out.best, &mut self.logits[sample * plan.outputs..(sample + 1) * plan.outputs]);
        narrow(
            &out.argmax_step,
            &mut self.block.argmax_step[slot * plan.out_width..(slot + 1) * plan.out_width],
        );
    }
}

/// Spike count of each unit.
fn count_spikes(spikes: &SpikeList, counts: &mut [f32]) {
    counts.fill(0.0);
    for &unit in &spikes.units {
        counts[usize::from(unit)] += 1.0;
    }
}

pub(super) fn narrow(from: &[f64], to: &mut [f32]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = from as f32;
    }
}

/// The readout of one sample, and the state of its head.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) u: Aligned<f64>,
    pub(super) i: Aligned<f64>,
    /// Running maximum or sum.
    pub(super) best: Aligned<f64>,
    /// Step of the first maximum.
    argmax_step: Aligned<f64>,
    /// Number of steps whose drive is computed at once.
    chunk: usize,
    /// The drive of the readout at each step of a chunk, later its potentials, `[chunk, out_width]`.
    pub(super) trace: Aligned<f32>,
}

impl Output {
    /// A readout at rest, with space for `chunk` steps at once.
    pub(super) fn new(plan: &Plan, chunk: usize) -> Self {
        let width = plan.out_width;
        Output {
            u: Aligned::zeros(width),
            i: Aligned::zeros(width),
            best: Aligned::zeros(width),
            argmax_step: Aligned::zeros(width),
            chunk,
            trace: Aligned::zeros(chunk * width),
        }
    }

    /// Flushes negligible state to zero. Once in many steps is enough.
    #[inline(always)]
    pub(super) fn forget_faint(&mut self) {
        forget_faint(&mut self.u);
        forget_faint(&mut self.i);
    }

    pub(super) fn rest(&mut self, plan: &Plan) {
        self.u.fill(plan.constants.readout_start);
        self.i.fill(0.0);
        self.best.fill(match plan.readout {
            Readout::Max => f64::NEG_INFINITY,
            Readout::Sum => 0.0,
        });
        self.argmax_step.fill(0.0);
    }

    #[inline(always)]
    pub(super) fn advance<L: Lanes>(&mut self, lanes: L, plan: &Plan, steps: Range<usize>) {
        let vectors = plan.out_width / L::LANES;
        let mut at = 0;
        while L::REGISTERS >= 16 && vectors - at >= 2 {
            self.columns::<L, 2>(lanes, plan, steps.clone(), at);
            at += 2;
        }
        while vectors > at {
            self.columns::<L, 1>(lanes, plan, steps.clone(), at);
            at += 1;
        }
    }

    /// ```text
    /// U_out[n+1] = U_out[n] + leak_out (I_out[n] - U_out[n])
    /// I_out[n+1] = I_out[n] - leak_syn I_out[n] + drive[n+1]
    /// ```
    #[inline(always)]
    fn columns<L: Lanes, const N: usize>(&mut self, lanes: L, plan: &Plan, steps: Range<usize>, at: usize) {
        let leak_out = lanes.wide_splat(plan.constants.leak_out);
        let minus_leak_syn = lanes.wide_splat(-plan.constants.leak_syn);
        let states = [&mut self.u, &mut self.i, &mut self.best, &mut self.argmax_step];
        let [us, is, bests, argmax_steps] = states.map(|state| &mut L::wide_chunks_mut(state)[at..at + N]);
        let zero = lanes.wide_splat(0.0);
        let [mut u, mut i, mut best, mut argmax_step] = [[zero; N]; 4];
        for c in 0..N {
            (u[c], i[c]) = (lanes.wide_load(&us[c]), lanes.wide_load(&is[c]));
            (best[c], argmax_step[c]) = (lanes.wide_load(&bests[c]), lanes.wide_load(&argmax_steps[c]));
        }
        let rows = L::chunks_mut(&mut self.trace).chunks_exact_mut(plan.out_width / L::LANES);
        for (n, row) in steps.zip(rows) {
            let row = &mut row[at..at + N];
            let now = lanes.wide_splat(n as f64);
            for c in 0..N {
                let u_n = u[c];
                let i_n = lanes.wide_add(i[c], lanes.load_widened(&row[c]));
                lanes.store_narrowed(&mut row[c], u_n);
                match plan.readout {
                    Readout::Max => {
                        let higher = lanes.wide_greater(u_n, best[c]);
                        best[c] = lanes.wide_select(higher, u_n, best[c]);
                        argmax_step[c] = lanes.wide_select(higher, now, argmax_step[c]);
                    }
                    Readout::Sum => best[c] = lanes.wide_add(best[c], u_n),
                }
                u[c] = lanes.wide_mul_add(leak_out, lanes.wide_sub(i_n, u_n), u_n);
                i[c] = lanes.wide_mul_add(minus_leak_syn, i_n, i_n);
            }
        }
        for c in 0..N {
            lanes.wide_store(&mut us[c], u[c]);
            lanes.wide_store(&mut is[c], i[c]);
            lanes.wide_store(&mut bests[c], best[c]);
            lanes.wide_store(&mut argmax_steps[c], argmax_step[c]);
        }
    }
}
