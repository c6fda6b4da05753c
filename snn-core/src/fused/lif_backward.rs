//! Runs a layer of neurons backward through some steps of one sample, with the adjoints of a few vectors of units in registers.
//!
//! [`backward`](super::backward) has the equations.

use super::{
    kernels::{
        derivative::{Derivative, LEAST, WithDerivative},
        lanes::Lanes,
    },
    plan::{DELAYED, DELAYED_TRACED, IMMEDIATE, LayerPlan},
};

/// Some steps of one hidden layer of one sample, backward.
pub(super) struct Lif<'a, L: Lanes> {
    pub(super) shape: &'a LayerPlan,
    pub(super) lanes: L,
    /// The first of these steps, and their number.
    pub(super) first: usize,
    pub(super) steps: usize,
    /// The step at or before the last of these steps after which faint adjoints are set to zero: a multiple of
    /// [`faint_every`](LayerPlan::faint_every), so results do not depend on where chunks begin.
    pub(super) faint_at: usize,
    /// Vectors per row.
    pub(super) stride: usize,
    /// Vectors per slot, padding included.
    pub(super) slot_stride: usize,
    /// `U[n] - threshold`, one row per step; the next four have the same layout.
    pub(super) x: &'a [L::Chunk],
    pub(super) h: &'a [L::Chunk],
    pub(super) a_s: &'a [L::Chunk],
    /// The amount that the reset subtracted, for units that spiked.
    pub(super) reset_amount: &'a [L::Chunk],
    /// Slots for `a_I[n + 1]`.
    pub(super) current_adjoints: &'a mut [L::Chunk],
    pub(super) a_u: &'a mut [L::Chunk],
    pub(super) a_i: &'a mut [L::Chunk],
    /// `d zeta`
    pub(super) direct: &'a [L::Chunk],
    /// `U[n + 1]`
    pub(super) u_next: &'a mut [L::Chunk],
    pub(super) differentiable_reset: bool,
    pub(super) immediate_reset: bool,
}

impl<L: Lanes> WithDerivative for Lif<'_, L> {
    #[inline(always)]
    fn run<H: Derivative>(self, h: H) {
        match (self.immediate_reset, self.differentiable_reset) {
            (true, _) => self.backward::<H, IMMEDIATE>(h),
            (false, true) => self.backward::<H, DELAYED_TRACED>(h),
            (false, false) => self.backward::<H, DELAYED>(h),
        }
    }
}

impl<L: Lanes> Lif<'_, L> {
    /// Processes several vectors of units at a time, to keep the processor busy while each waits for the result of its previous
    /// step.
    #[inline(always)]
    fn backward<H: Derivative, const RESET: u8>(mut self, h: H) {
        let mut at = 0;
        while L::REGISTERS >= 32 && self.stride - at >= 4 {
            self.columns::<H, 4, RESET>(h, at);
            at += 4;
        }
        while L::REGISTERS >= 16 && self.stride - at >= 2 {
            self.columns::<H, 2, RESET>(h, at);
            at += 2;
        }
        while self.stride > at {
            self.columns::<H, 1, RESET>(h, at);
            at += 1;
        }
    }

    #[inline(always)]
    fn columns<H: Derivative, const N: usize, const RESET: u8>(&mut self, h: H, at: usize) {
        let lanes = self.lanes;
        let &LayerPlan { threshold, leak_mem, leak_syn, .. } = self.shape;
        let (leak_mem, leak_syn) = (lanes.splat(leak_mem as f32), lanes.splat(leak_syn as f32));
        let (theta, zero) = (lanes.splat(threshold as f32), lanes.splat(0.0));
        let [mut a_u, mut a_i, mut direct, mut u_next] = [[zero; N]; 4];
        for c in 0..N {
            (a_u[c], a_i[c]) = (lanes.load(&self.a_u[at + c]), lanes.load(&self.a_i[at + c]));
            direct[c] = lanes.load(&self.direct[at + c]);
            if RESET == DELAYED_TRACED {
                u_next[c] = lanes.load(&self.u_next[at + c]);
            }
        }
        let (mut end, mut faint_at) = (self.first + self.steps, self.faint_at);
        while end > self.first {
            let begin = faint_at.max(self.first);
            for step in (begin - self.first..end - self.first).rev() {
                let row = step * self.stride + at;
                let (x, a_s) = (&self.x[row..][..N], &self.a_s[row..][..N]);
                let known = &self.h[row..][..N];
                let current_adjoint = &mut self.current_adjoints[step * self.slot_stride + at..][..N];
                for c in 0..N {
                    let (x, u) = (lanes.load(&x[c]), a_u[c]);
                    let spiked = lanes.greater(x, zero);
                    let mut s = lanes.add(lanes.load(&a_s[c]), direct[c]);
                    if RESET == IMMEDIATE && self.differentiable_reset {
                        // the reset subtracts b_mem U[n]
                        let potential = lanes.add(x, theta);
                        s = lanes.sub_mul(u, lanes.sub_mul(leak_mem, potential, potential), s);
                    }
                    if RESET == DELAYED_TRACED {
                        let amount = lanes.load(&self.reset_amount[row + c]);
                        s = lanes.sub_mul(u, lanes.select(spiked, amount, u_next[c]), s);
                        u_next[c] = lanes.add(x, theta);
                    }
                    let h = h.at(lanes, x, &known[c]);
                    if H::VANISHES {
                        // compare |s| with LEAST / h, because the product itself must not be computed
                        let least = lanes.mul(lanes.splat(LEAST), lanes.recip(lanes.abs(h)));
                        s = lanes.select(lanes.greater(lanes.abs(s), least), s, zero);
                    }
                    lanes.store(&mut current_adjoint[c], a_i[c]);
                    let kept = lanes.zero_where(spiked, u);
                    let driven = if RESET == IMMEDIATE { u } else { kept };
                    a_i[c] = lanes.mul_add(leak_mem, driven, lanes.sub_mul(leak_syn, a_i[c], a_i[c]));
                    a_u[c] = lanes.mul_add(s, h, lanes.sub_mul(leak_mem, kept, kept));
                }
            }
            if begin == faint_at {
                for c in 0..N {
                    (a_u[c], a_i[c]) = (lanes.without_faint(a_u[c]), lanes.without_faint(a_i[c]));
                }
            }
            end = begin;
            faint_at = faint_at.saturating_sub(self.shape.faint_every);
        }
        for c in 0..N {
            lanes.store(&mut self.a_u[at + c], a_u[c]);
            lanes.store(&mut self.a_i[at + c], a_i[c]);
            if RESET == DELAYED_TRACED {
                lanes.store(&mut self.u_next[at + c], u_next[c]);
            }
        }
    }
}
