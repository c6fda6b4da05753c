//! The forward time loop, sample by sample and layer by layer.
//!
//! The drive of a layer (the weighted sum of the spikes or frames of the previous step) is computed for a chunk of steps first, in
//! the rows of the trace that then receive the potentials of those steps. Units of a layer do not depend on one another within a
//! step, so the state of a few vectors of units stays in registers over many steps. A recurrent layer advances one step at a time,
//! because its spikes drive it in the next step.

use super::{
    kernels::{
        lanes::{Aligned, Kernel, LEAST_POSITIVE, Lanes},
        product::{Columns, Target, Term, product},
        rows::{Picked, add_rows, sum_columns, sum_rows},
        spikes::{OCTET, WORD, list_units},
    },
    plan::{DELAYED, DELAYED_TRACED, IMMEDIATE, LayerPlan, Plan, Prepared},
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

/// State of one layer in one sample, one value per unit.
///
/// In `f64`, because rounding errors would accumulate here over hundreds of steps and steep surrogates amplify them. The rest
/// (weights, the drive of a step, traces, adjoints) can be `f32` without harm: see CHANGELOG.
#[derive(Debug)]
pub(super) struct Layer {
    /// `U[n]`
    pub(super) u: Aligned<f64>,
    /// `I[n]` without the drive of step `n`.
    pub(super) i: Aligned<f64>,
    /// Number of steps whose drive is computed at once: their rows stay in the first-level cache.
    chunk: usize,
    /// One bit per step of a chunk and unit, set if the unit spikes; rows consist of whole words.
    bits: Vec<[u8; WORD]>,
    /// The amount that a reset at each step of a chunk would subtract, `[chunk, width]`, for a differentiable reset.
    pre_reset: Aligned<f32>,
    /// Buffer for the spikes of a chunk.
    room: Vec<u16>,
}

impl Layer {
    /// A layer at rest, with space for `chunk` steps at once.
    pub(super) fn new(plan: &LayerPlan, chunk: usize) -> Self {
        let width = plan.width;
        Layer {
            u: Aligned::zeros(width),
            i: Aligned::zeros(width),
            chunk,
            bits: vec![[0; WORD]; chunk * words(width)],
            pre_reset: Aligned::zeros(chunk * width),
            room: vec![0; chunk * width + WORD * OCTET],
        }
    }

    pub(super) fn rest(&mut self) {
        self.u.fill(0.0);
        self.i.fill(0.0);
    }

    /// Flushes negligible state to zero. Once in many steps is enough.
    #[inline(always)]
    pub(super) fn forget_faint(&mut self) {
        forget_faint(&mut self.u);
        forget_faint(&mut self.i);
    }
}

/// Replaces values too small to affect any potential by 0 before they decay into subnormal numbers, with which steps would take a
/// hundred times as long during a long silence.
#[inline(always)]
fn forget_faint(states: &mut [f64]) {
    for state in states {
        *state = if state.abs() < 1e-200 { 0.0 } else { *state };
    }
}

/// Number of columns of a wide layer that are processed together over all steps: with a thousand inputs, their weights occupy half
/// of a second-level cache.
const COLUMNS: usize = 256;

/// Number of words that hold one bit for each of `width` units.
fn words(width: usize) -> usize {
    width.div_ceil(OCTET * WORD)
}

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

impl Layer {
    /// Advances by `steps` steps. `trace` holds the drive of each step at first, and `x` afterwards.
    #[inline(always)]
    pub(super) fn advance<L: Lanes>(
        &mut self,
        lanes: L,
        shape: &LayerPlan,
        reset: u8,
        steps: usize,
        trace: &mut [f32],
        spikes: &mut SpikeList,
    ) {
        let width = self.u.len();
        let words = words(width);
        let mut bits = std::mem::take(&mut self.bits);
        let trace = &mut trace[..steps * width];
        self.potentials(lanes, shape, reset, 0..width / L::LANES, trace, &mut bits[..steps * words]);
        self.bits = bits;
        let (before, mut found) = (spikes.units.len(), 0);
        for step in 0..steps {
            let bits = &self.bits[step * words..(step + 1) * words];
            let list = &mut self.room[found..];
            let count = list_units(bits, list);
            if reset == DELAYED_TRACED {
                let reset_amount = &self.pre_reset[step * width..(step + 1) * width];
                spikes.pre_reset.extend(list[..count].iter().map(|&unit| reset_amount[usize::from(unit)]));
            }
            found += count;
            spikes.offsets.push((before + found) as u32);
        }
        spikes.units.extend_from_slice(&self.room[..found]);
    }
}

impl Layer {
    /// Advances the vectors `columns` of units by one step for each row of `trace`.
    #[inline(always)]
    fn potentials<L: Lanes>(
        &mut self,
        lanes: L,
        shape: &LayerPlan,
        reset: u8,
        columns: Range<usize>,
        trace: &mut [f32],
        bits: &mut [[u8; WORD]],
    ) {
        let size = if reset == DELAYED_TRACED { trace.len() } else { 0 };
        let lif = Lif {
            shape,
            stride: self.u.len() / L::LANES,
            steps: trace.len() / self.u.len(),
            u: L::wide_chunks_mut(&mut self.u),
            i: L::wide_chunks_mut(&mut self.i),
            trace: L::chunks_mut(trace),
            bits: bits.as_flattened_mut(),
            pre_reset: L::chunks_mut(&mut self.pre_reset[..size]),
        };
        match reset {
            IMMEDIATE => lif.forward::<IMMEDIATE>(lanes, columns),
            DELAYED_TRACED => lif.forward::<DELAYED_TRACED>(lanes, columns),
            _ => lif.forward::<DELAYED>(lanes, columns),
        }
    }
}

/// Some steps of one hidden layer of one sample, forward.
struct Lif<'a, L: Lanes> {
    shape: &'a LayerPlan,
    /// Vectors per row.
    stride: usize,
    steps: usize,
    u: &'a mut [L::WideChunk],
    i: &'a mut [L::WideChunk],
    trace: &'a mut [L::Chunk],
    bits: &'a mut [u8],
    pre_reset: &'a mut [L::Chunk],
}

impl<L: Lanes> Lif<'_, L> {
    /// Processes as many vectors of units at a time as the registers hold.
    #[inline(always)]
    fn forward<const RESET: u8>(mut self, lanes: L, columns: Range<usize>) {
        let (mut at, end) = (columns.start, columns.end);
        while L::REGISTERS >= 32 && end - at >= 4 {
            self.columns::<4, RESET>(lanes, at);
            at += 4;
        }
        while L::REGISTERS >= 16 && end - at >= 2 {
            self.columns::<2, RESET>(lanes, at);
            at += 2;
        }
        while end > at {
            self.columns::<1, RESET>(lanes, at);
            at += 1;
        }
    }

    /// ```text
    /// S[n]   = U[n] - threshold > 0, rounded to f32 first, as in the trace
    /// U[n+1] = U[n] + leak_mem (I[n] - U[n])    or 0 after a spike; with an immediate reset, U[n] is replaced by 0 after a spike
    /// I[n+1] = I[n] - leak_syn I[n] + drive[n+1]
    /// ```
    #[inline(always)]
    fn columns<const N: usize, const RESET: u8>(&mut self, lanes: L, at: usize) {
        let &LayerPlan { threshold, leak_mem, leak_syn, .. } = self.shape;
        let theta = lanes.wide_splat(threshold);
        let (leak_mem, minus_leak_syn) = (lanes.wide_splat(leak_mem), lanes.wide_splat(-leak_syn));
        let least = lanes.wide_splat(LEAST_POSITIVE);
        let [mut u, mut i] = [[theta; N]; 2];
        for c in 0..N {
            (u[c], i[c]) = (lanes.wide_load(&self.u[at + c]), lanes.wide_load(&self.i[at + c]));
        }
        let octets = L::LANES / OCTET;
        let row_of_bits = (self.stride * octets).next_multiple_of(WORD);
        for step in 0..self.steps {
            let trace = &mut self.trace[step * self.stride + at..][..N];
            let bits = &mut self.bits[step * row_of_bits + at * octets..][..N * octets];
            for c in 0..N {
                let u_n = u[c];
                let i_n = lanes.wide_add(i[c], lanes.load_widened(&trace[c]));
                i[c] = lanes.wide_mul_add(minus_leak_syn, i_n, i_n);
                let x = lanes.wide_sub(u_n, theta);
                let spiking = lanes.wide_greater(x, least);
                let set = lanes.store_narrowed_bits(&mut trace[c], x, spiking);
                for octet in 0..octets {
                    bits[c * octets + octet] = (set >> (OCTET * octet)) as u8;
                }
                let from = if RESET == IMMEDIATE { lanes.wide_zero_where(spiking, u_n) } else { u_n };
                let next = lanes.wide_mul_add(leak_mem, lanes.wide_sub(i_n, from), from);
                u[c] = if RESET == IMMEDIATE { next } else { lanes.wide_zero_where(spiking, next) };
                if RESET == DELAYED_TRACED {
                    lanes.store_narrowed(&mut self.pre_reset[step * self.stride + at + c], next);
                }
            }
        }
        for c in 0..N {
            lanes.wide_store(&mut self.u[at + c], u[c]);
            lanes.wide_store(&mut self.i[at + c], i[c]);
        }
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
