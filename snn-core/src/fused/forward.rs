//! The time loop forward, sample by sample, all layers in step.

use super::{
    kernels::{
        lanes::{Kernel, Lanes, WIDTH},
        product::{Columns, Term, product},
        rows::add_rows,
    },
    plan::{LayerPlan, Plan, Prepared},
    trace::{Block, SpikeList},
};
use crate::{Input, Readout};

/// Runs one block of samples, `first ..`, and fills its traces.
pub(super) struct ForwardBlock<'a> {
    pub(super) plan: &'a Plan,
    pub(super) weights: &'a Prepared,
    pub(super) input: &'a Input<f32>,
    pub(super) first: usize,
    pub(super) samples: usize,
    /// Whether the traces of all samples are kept; else each sample overwrites the one before.
    pub(super) keep: bool,
    pub(super) block: &'a mut Block,
    /// `[samples, outputs]`.
    pub(super) logits: &'a mut [f32],
    /// `[samples, units]` of each hidden layer.
    pub(super) counts: Vec<&'a mut [f32]>,
    /// Readout potentials, `[samples, steps, outputs]`, if they are to be recorded.
    pub(super) readout: Option<&'a mut [f32]>,
}

/// LayerState of one layer, one value a unit.
///
/// In `f64`: this is where rounding errors would pile up over hundreds of steps, and steep surrogates amplify them. The rest
/// (weights, what spikes add up to in one step, traces, adjoints) can be `f32` without harm: see CHANGELOG.
struct LayerState {
    /// `U[n] - threshold`.
    x: Vec<f64>,
    /// `I[n]` but for `drive`.
    i: Vec<f64>,
    /// What the spikes of the step before add to `I[n]`; all zero unless `driven`.
    drive: Vec<f32>,
    driven: bool,
}

impl LayerState {
    fn new(width: usize) -> Self {
        LayerState { x: vec![0.0; width], i: vec![0.0; width], drive: vec![0.0; width], driven: false }
    }

    fn rest(&mut self, x: f64) {
        self.x.fill(x);
        self.i.fill(0.0);
        self.drive.fill(0.0);
        self.driven = false;
    }

    /// One row of `weights` for every spike.
    #[inline(always)]
    fn receive<L: Lanes>(&mut self, lanes: L, weights: &[f32], spikes: &[u16]) {
        add_rows(lanes, &mut self.drive, weights, self.x.len(), 0, spikes);
        self.driven |= !spikes.is_empty();
    }
}

impl Kernel for ForwardBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, lanes: L) {
        let plan = self.plan;
        self.block.reshape(plan, if self.keep { self.samples } else { 1 });
        let mut states: Vec<LayerState> = plan.hidden.iter().map(|l| LayerState::new(l.width)).collect();
        let mut out = Output::new(plan, matches!(self.input, Input::Frames(_)));
        for sample in 0..self.samples {
            for (state, layer) in states.iter_mut().zip(&plan.hidden) {
                state.rest(-layer.threshold);
            }
            self.sample(lanes, sample, &mut states, &mut out);
        }
    }
}

impl ForwardBlock<'_> {
    #[inline(always)]
    fn sample<L: Lanes>(&mut self, lanes: L, sample: usize, states: &mut [LayerState], out: &mut Output) {
        let plan = self.plan;
        // without a trace to keep, each sample overwrites the one before
        let slot = if self.keep { sample } else { 0 };
        let events = match self.input {
            Input::Events(events) => Some(events.as_ref()),
            Input::Frames(_) => None,
        };
        for layer in &mut self.block.layers {
            layer.spikes[slot].clear();
        }
        for (counts, layer) in self.counts.iter_mut().zip(&plan.hidden) {
            counts[sample * layer.units..(sample + 1) * layer.units].fill(0.0);
        }
        self.project_frames(lanes, sample, slot, out);
        out.rest(plan);

        for n in 0..plan.steps {
            let input_row = events.map_or(&[][..], |events| events.row(self.first + sample, n));
            let (mut below, mut above) = self.block.layers.split_at_mut(0);
            for (l, shape) in plan.hidden.iter().enumerate() {
                let layer = &mut above[0];
                let at = (slot * plan.steps + n) * shape.width;
                let step = Step {
                    layer: *shape,
                    state: &mut states[l],
                    trace: &mut layer.x[at..at + shape.width],
                    spikes: &mut layer.spikes[slot],
                    counts: &mut self.counts[l][sample * shape.units..(sample + 1) * shape.units],
                };
                let framed = l == 0 && n > 0 && events.is_none();
                step.lif_forward_with(lanes, framed, plan.differentiable_reset);
                if n + 1 < plan.steps {
                    let (state, weights) = (&mut states[l], &self.weights.hidden[l]);
                    let spikes = below.last().map_or(input_row, |below| below.spikes[slot].row(n));
                    state.receive(lanes, &weights.input, spikes);
                    if let Some(v) = &weights.recurrent {
                        state.receive(lanes, v, layer.spikes[slot].row(n));
                    }
                }
                (below, above) = self.block.layers.split_at_mut(l + 1);
            }
            if let Some(trace) = &mut self.readout {
                let at = (sample * plan.steps + n) * plan.outputs;
                narrow(&out.state.x, &mut trace[at..at + plan.outputs]);
            }
            out.step(lanes, plan, n);
            let spikes = below.last().map_or(input_row, |top| top.spikes[slot].row(n));
            out.state.receive(lanes, &self.weights.readout, spikes);
        }
        narrow(&out.best, &mut self.logits[sample * plan.outputs..(sample + 1) * plan.outputs]);
        narrow(
            &out.argmax_step,
            &mut self.block.argmax_step[slot * plan.out_width..(slot + 1) * plan.out_width],
        );
    }

    /// Analog input: `x[n] W` of all steps but the last at once. It waits in row `n + 1` of the trace of the first layer,
    /// which is read just before `U[n + 1]` takes its place.
    #[inline(always)]
    fn project_frames<L: Lanes>(&mut self, lanes: L, sample: usize, slot: usize, out: &mut Output) {
        let Input::Frames(frames) = self.input else { return };
        let Plan { steps, inputs, .. } = *self.plan;
        let from = (self.first + sample) * steps * inputs;
        let a = &frames.values()[from..from + steps * inputs];
        let (weights, width, drive) = match (self.block.layers.first_mut(), self.plan.hidden.first()) {
            (Some(layer), Some(shape)) => {
                let width = shape.width;
                (&self.weights.hidden[0].input, width, layer.x.get_mut((slot * steps + 1) * width..))
            }
            _ => {
                let width = self.plan.out_width;
                (&self.weights.readout, width, out.analog.get_mut(width..))
            }
        };
        let term = Term { a, a_row: inputs, a_depth: 1, b: Columns::rows(weights, width), depth: inputs };
        product(lanes, steps - 1, width, &[term], drive.unwrap_or_default(), false);
    }
}

fn narrow(from: &[f64], to: &mut [f32]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = from as f32;
    }
}

/// One step of one hidden layer of one sample.
struct Step<'a> {
    layer: LayerPlan,
    state: &'a mut LayerState,
    /// Row `n` of the trace.
    trace: &'a mut [f32],
    spikes: &'a mut SpikeList,
    counts: &'a mut [f32],
}

impl Step<'_> {
    #[inline(always)]
    fn lif_forward_with<L: Lanes>(self, lanes: L, framed: bool, pre_reset: bool) {
        match (self.state.driven, framed, pre_reset) {
            (false, false, false) => self.lif_forward::<L, false, false, false>(lanes),
            (false, false, true) => self.lif_forward::<L, false, false, true>(lanes),
            (false, true, false) => self.lif_forward::<L, false, true, false>(lanes),
            (false, true, true) => self.lif_forward::<L, false, true, true>(lanes),
            (true, false, false) => self.lif_forward::<L, true, false, false>(lanes),
            (true, false, true) => self.lif_forward::<L, true, false, true>(lanes),
            (true, true, false) => self.lif_forward::<L, true, true, false>(lanes),
            (true, true, true) => self.lif_forward::<L, true, true, true>(lanes),
        }
    }

    /// Notes `x[n]` and the spikes, and moves the state to `n + 1`, all but what the spikes of step `n` add to it:
    ///
    /// ```text
    /// S[n]   = x[n] > 0
    /// x[n+1] = x[n] + leak_mem (I[n] - threshold - x[n])    or -threshold after a spike
    /// I[n+1] = I[n] - leak_syn I[n]
    /// ```
    ///
    /// `DRIVEN`: spikes of the step before are still to be added to `I[n]`. `FRAMED`: so is what waits in the trace. `PRE_RESET`:
    /// note what a reset wipes out.
    #[inline(always)]
    fn lif_forward<L: Lanes, const DRIVEN: bool, const FRAMED: bool, const PRE_RESET: bool>(self, lanes: L) {
        let LayerPlan { threshold, leak_mem, leak_syn, .. } = self.layer;
        let (theta, rest) = (lanes.wide_splat(threshold), lanes.wide_splat(-threshold));
        let (leak_mem, minus_leak_syn) = (lanes.wide_splat(leak_mem), lanes.wide_splat(-leak_syn));
        let zero = lanes.wide_splat(0.0);
        let LayerState { x, i, drive, driven } = self.state;
        *driven = false;
        let states = L::wide_chunks_mut(x).iter_mut().zip(L::wide_chunks_mut(i));
        let rows = L::chunks_mut(drive).iter_mut().zip(L::chunks_mut(self.trace));
        for (k, ((x, i), (drive, trace))) in states.zip(rows).enumerate() {
            let (x_n, mut i_n) = (lanes.wide_load(x), lanes.wide_load(i));
            if DRIVEN {
                i_n = lanes.wide_add(i_n, lanes.widen(lanes.load(drive)));
                lanes.store(drive, lanes.splat(0.0));
            }
            if FRAMED {
                i_n = lanes.wide_add(i_n, lanes.widen(lanes.load(trace)));
            }
            lanes.store(trace, lanes.narrow(x_n));
            lanes.wide_store(i, lanes.wide_mul_add(minus_leak_syn, i_n, i_n));
            let next = lanes.wide_mul_add(leak_mem, lanes.wide_sub(lanes.wide_sub(i_n, theta), x_n), x_n);
            let spiking = lanes.wide_greater(x_n, zero);
            lanes.wide_store(x, lanes.wide_select(spiking, rest, next));
            let mut bits = lanes.bits(spiking);
            if bits != 0 {
                let mut pre_reset = [0.0; WIDTH];
                if PRE_RESET {
                    let [first, ..] = L::chunks_mut(&mut pre_reset) else { return };
                    lanes.store(first, lanes.narrow(lanes.wide_add(next, theta)));
                }
                while bits != 0 {
                    let lane = bits.trailing_zeros() as usize;
                    let unit = k * L::LANES + lane;
                    self.spikes.units.push(unit as u16);
                    self.counts[unit] += 1.0;
                    if PRE_RESET {
                        self.spikes.pre_reset.push(pre_reset[lane]);
                    }
                    bits &= bits - 1;
                }
            }
        }
        self.spikes.offsets.push(self.spikes.units.len() as u32);
    }
}

/// The readout of one sample, and what its head has seen so far.
struct Output {
    /// `x` is `U_out[n]` here.
    state: LayerState,
    /// Running maximum or sum.
    best: Vec<f64>,
    /// Step of the first maximum.
    argmax_step: Vec<f64>,
    /// Input projection of step `n` in row `n + 1`, `[steps, out_width]`, where analog input feeds the readout, else empty.
    analog: Vec<f32>,
}

impl Output {
    fn new(plan: &Plan, analog: bool) -> Self {
        let width = plan.out_width;
        Output {
            state: LayerState::new(width),
            best: vec![0.0; width],
            argmax_step: vec![0.0; width],
            analog: vec![0.0; if analog && plan.hidden.is_empty() { plan.steps * width } else { 0 }],
        }
    }

    fn rest(&mut self, plan: &Plan) {
        self.state.rest(plan.constants.readout_start);
        self.best.fill(match plan.readout {
            Readout::Max => f64::NEG_INFINITY,
            Readout::Sum => 0.0,
        });
        self.argmax_step.fill(0.0);
    }

    /// ```text
    /// U_out[n+1] = U_out[n] + leak_out (I_out[n] - U_out[n])
    /// I_out[n+1] = I_out[n] - leak_syn I_out[n]
    /// ```
    #[inline(always)]
    fn step<L: Lanes>(&mut self, lanes: L, plan: &Plan, n: usize) {
        let leak_out = lanes.wide_splat(plan.constants.leak_out);
        let minus_leak_syn = lanes.wide_splat(-plan.constants.leak_syn);
        let now = lanes.wide_splat(n as f64);
        let LayerState { x, i, drive, driven } = &mut self.state;
        if let Some(analog) = self.analog.get(n * plan.out_width..(n + 1) * plan.out_width) {
            drive.copy_from_slice(analog);
            *driven = n > 0;
        }
        let states = L::wide_chunks_mut(x).iter_mut().zip(L::wide_chunks_mut(i));
        let heads =
            L::wide_chunks_mut(&mut self.best).iter_mut().zip(L::wide_chunks_mut(&mut self.argmax_step));
        for (((u, i), (best, argmax_step)), drive) in states.zip(heads).zip(L::chunks_mut(drive)) {
            let (u_n, mut i_n, b) = (lanes.wide_load(u), lanes.wide_load(i), lanes.wide_load(best));
            if *driven {
                i_n = lanes.wide_add(i_n, lanes.widen(lanes.load(drive)));
                lanes.store(drive, lanes.splat(0.0));
            }
            match plan.readout {
                Readout::Max => {
                    let higher = lanes.wide_greater(u_n, b);
                    let p = lanes.wide_load(argmax_step);
                    lanes.wide_store(best, lanes.wide_select(higher, u_n, b));
                    lanes.wide_store(argmax_step, lanes.wide_select(higher, now, p));
                }
                Readout::Sum => lanes.wide_store(best, lanes.wide_add(b, u_n)),
            }
            lanes.wide_store(u, lanes.wide_mul_add(leak_out, lanes.wide_sub(i_n, u_n), u_n));
            lanes.wide_store(i, lanes.wide_mul_add(minus_leak_syn, i_n, i_n));
        }
        *driven = false;
    }
}
