//! A hidden layer of one sample through the time loop, forward: its state, and the potentials and spikes of some steps.

use super::{
    kernels::{
        lanes::{Aligned, LEAST_POSITIVE, Lanes},
        spikes::{OCTET, WORD, list_units},
    },
    plan::{DELAYED, DELAYED_TRACED, IMMEDIATE, LayerPlan},
    trace::SpikeList,
};
use std::ops::Range;

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
    pub(super) chunk: usize,
    /// One bit per step of a chunk and unit, set if the unit spikes; rows consist of whole words.
    pub(super) bits: Vec<[u8; WORD]>,
    /// The amount that a reset at each step of a chunk would subtract, `[chunk, width]`, for a differentiable reset.
    pub(super) pre_reset: Aligned<f32>,
    /// Buffer for the spikes of a chunk.
    pub(super) room: Vec<u16>,
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
pub(super) fn forget_faint(states: &mut [f64]) {
    for state in states {
        *state = if state.abs() < 1e-200 { 0.0 } else { *state };
    }
}

/// Number of words that hold one bit for each of `width` units.
pub(super) fn words(width: usize) -> usize {
    width.div_ceil(OCTET * WORD)
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
    pub(super) fn potentials<L: Lanes>(
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
