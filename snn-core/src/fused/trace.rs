//! Results of the forward pass that the backward pass needs, one block of samples at a time.

use super::{kernels::lanes::Aligned, plan::Plan};
use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

/// Spikes of one layer in one sample, as compressed rows.
#[derive(Debug, Clone, Default)]
pub(super) struct SpikeList {
    pub(super) units: Vec<u16>,
    /// `steps + 1` entries.
    pub(super) offsets: Vec<u32>,
    /// `b_mem U[n] + (1 - b_mem) I[n]` at every spike: the amount that the reset subtracted. Kept only for a differentiable reset.
    pub(super) pre_reset: Vec<f32>,
}

impl SpikeList {
    /// Reserves space for the spikes of one step of `width` units, so that storing them does not allocate.
    pub(super) fn reserve_step(&mut self, width: usize) {
        self.units.reserve(width);
        self.offsets.reserve(2);
        self.clear();
    }

    pub(super) fn clear(&mut self) {
        self.units.clear();
        self.pre_reset.clear();
        self.offsets.clear();
        self.offsets.push(0);
    }

    #[inline(always)]
    pub(super) fn row(&self, step: usize) -> &[u16] {
        &self.units[self.range(step)]
    }

    /// Units that spike in some steps, step by step.
    #[inline(always)]
    pub(super) fn rows(&self, steps: Range<usize>) -> &[u16] {
        &self.units[self.offsets[steps.start] as usize..self.offsets[steps.end] as usize]
    }

    #[inline(always)]
    pub(super) fn range(&self, step: usize) -> Range<usize> {
        self.offsets[step] as usize..self.offsets[step + 1] as usize
    }
}

/// One hidden layer of a block.
#[derive(Debug, Default)]
pub(super) struct LayerTrace {
    /// `U[n] - threshold`, `[samples, steps, width]`.
    pub(super) x: Aligned<f32>,
    /// One per sample.
    pub(super) spikes: Vec<SpikeList>,
}

/// The traces of up to [`BLOCK`](super::plan::BLOCK) samples.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) samples: usize,
    pub(super) layers: Vec<LayerTrace>,
    /// Step of the first maximum of the readout, `[samples, out_width]`, exact in `f32` up to 2^24 steps.
    pub(super) argmax_step: Aligned<f32>,
}

impl Block {
    /// Makes space for `samples` samples, with arbitrary content.
    pub(super) fn reshape(&mut self, plan: &Plan, samples: usize) {
        self.samples = samples;
        self.layers.resize_with(plan.hidden.len(), LayerTrace::default);
        for (layer, shape) in self.layers.iter_mut().zip(&plan.hidden) {
            layer.x.resize(samples * plan.steps * shape.width);
            layer.spikes.resize_with(samples, SpikeList::default);
        }
        self.argmax_step.resize(samples * plan.out_width);
    }
}

/// Memory to reuse: fresh pages cost more than the arithmetic that fills them.
#[derive(Debug)]
pub(super) struct Pool<T>(Arc<Mutex<Vec<T>>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool(Arc::default())
    }
}

impl<T> Clone for Pool<T> {
    fn clone(&self) -> Self {
        Pool(Arc::clone(&self.0))
    }
}

impl<T: Default> Pool<T> {
    pub(super) fn take(&self, count: usize) -> Vec<T> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = free.len().saturating_sub(count);
        let mut taken = free.split_off(kept);
        taken.resize_with(count, T::default);
        taken
    }

    pub(super) fn take_one(&self) -> T {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    pub(super) fn release(&self, items: impl IntoIterator<Item = T>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(items);
    }
}
