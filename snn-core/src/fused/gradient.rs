//! Weight gradients: each spike adds one row of the adjoint currents.

use super::{
    kernels::{
        lanes::Lanes,
        product::{Columns, Target, Term, product},
        rows::{add_rows, add_to_rows},
    },
    plan::BLOCK,
    trace::SpikeList,
};
use crate::Input;
use std::ops::Range;

/// Vectors of a row summed in one pass over a list of rows.
const VECTORS: usize = 16;

/// A number of steps for each sample of a block.
pub(super) type Steps = [usize; BLOCK];

/// The `current_adjoints` of a chunk that can be nonzero.
#[derive(Clone, Copy)]
pub(super) struct CurrentAdjoints<'a> {
    pub(super) values: &'a [f32],
    pub(super) width: usize,
    /// Floats per slot, padding included.
    pub(super) row: usize,
    /// Rows per sample.
    pub(super) chunk: usize,
    pub(super) samples: usize,
    /// First step of the chunk.
    pub(super) from: usize,
    /// One past the last step of each sample.
    pub(super) to: Steps,
}

impl CurrentAdjoints<'_> {
    /// Extends the steps of each sample to those of `other`, which belongs to the same chunk.
    pub(super) fn longer(self, other: Self) -> Self {
        let mut to = self.to;
        for (to, other) in to.iter_mut().zip(other.to) {
            *to = other.max(*to);
        }
        CurrentAdjoints { to, ..self }
    }
}

/// The input of a weight matrix.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// Spikes of a hidden layer, one list per sample of the block.
    Spikes(&'a [SpikeList]),
    /// The input of the network; the block starts at this sample.
    Input(&'a Input<f32>, usize),
}

impl<'a> Rows<'a> {
    /// Units that spike in some steps of a sample of the block, step by step; empty for analog input.
    #[inline(always)]
    fn units(self, sample: usize, steps: Range<usize>) -> &'a [u16] {
        match self {
            Rows::Spikes(lists) => lists[sample].rows(steps),
            Rows::Input(Input::Events(events), first) => events.rows(first + sample, steps),
            Rows::Input(..) => &[],
        }
    }
}

/// A matrix whose input is the sorted spikes.
pub(super) struct Sum<'a> {
    pub(super) adjoints: CurrentAdjoints<'a>,
    /// `[units, width]`
    pub(super) gradient: &'a mut [f32],
}

/// The spikes of a chunk sorted by unit: for each unit, the rows of the adjoint currents at which it spiked.
#[derive(Debug, Default)]
pub(super) struct SpikesByUnit {
    /// Start of the rows of each unit.
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl SpikesByUnit {
    /// `gradient[k] += sum over samples and n of (input of unit k at step n) slot[n]`, for each matrix whose input is `input`. All
    /// matrices use the same chunk.
    #[inline(always)]
    pub(super) fn add_to<L: Lanes>(&mut self, lanes: L, input: Rows<'_>, units: usize, sums: &mut [Sum<'_>]) {
        if let Rows::Input(Input::Frames(frames), first) = input {
            for sum in sums {
                frame_products(lanes, frames, first, units, sum);
            }
            return;
        }
        // rows past the end of one matrix, but not of all, are zero
        let Some(longest) = sums.iter().map(|sum| sum.adjoints).reduce(CurrentAdjoints::longer) else {
            return;
        };
        if few::<L>(input, units, longest, sums) {
            for sum in sums {
                add_by_arrival(lanes, input, sum);
            }
            return;
        }
        self.sort(input, units, longest);
        for sum in sums {
            self.add(lanes, sum);
        }
    }

    /// A counting sort.
    #[inline(always)]
    fn sort(&mut self, input: Rows<'_>, units: usize, adjoints: CurrentAdjoints<'_>) {
        let CurrentAdjoints { samples, chunk, from, to, .. } = adjoints;
        self.starts.clear();
        self.starts.resize(units + 1, 0);
        let mut spikes = 0;
        for (sample, &to) in to[..samples].iter().enumerate() {
            let units = input.units(sample, from..to.max(from));
            spikes += units.len();
            for &unit in units {
                self.starts[usize::from(unit)] += 1;
            }
        }
        // the ends of the rows of each unit; filling the rows from the back turns them into the starts
        let mut total = 0;
        for start in &mut self.starts {
            total += *start;
            *start = total;
        }
        self.rows.resize(spikes, 0);
        for (sample, &to) in to[..samples].iter().enumerate().rev() {
            for n in (from..to).rev() {
                let row = (sample * chunk + n - from) as u32;
                for &unit in input.units(sample, n..n + 1).iter().rev() {
                    let at = &mut self.starts[usize::from(unit)];
                    *at -= 1;
                    self.rows[*at as usize] = row;
                }
            }
        }
    }

    /// The outer loop covers a few columns at a time, so that adjoint currents and gradient share the second-level cache.
    #[inline(always)]
    fn add<L: Lanes>(&self, lanes: L, sum: &mut Sum<'_>) {
        let most = VECTORS * L::LANES;
        let CurrentAdjoints { values, width, row, .. } = sum.adjoints;
        for from in (0..width).step_by(most) {
            let columns = most.min(width - from);
            for (unit, range) in self.starts.windows(2).enumerate() {
                let rows = &self.rows[range[0] as usize..range[1] as usize];
                let at = unit * width + from;
                add_rows(lanes, &mut sum.gradient[at..at + columns], values, row, from, rows);
            }
        }
    }
}

/// Whether there are so few spikes that sorting them and visiting the list of each unit would take longer than reading and writing
/// a row of the gradient for each spike. Both ways compute the same sums in the same order.
#[inline(always)]
fn few<L: Lanes>(
    input: Rows<'_>,
    units: usize,
    CurrentAdjoints { samples, from, to, .. }: CurrentAdjoints<'_>,
    sums: &[Sum<'_>],
) -> bool {
    const SHORT: usize = 2;
    const SPARSE: usize = 16;
    let spikes = |sample: usize| input.units(sample, from..to[sample].max(from)).len();
    let spikes: usize = (0..samples).map(spikes).sum();
    let vectors = sums.iter().map(|sum| sum.adjoints.width / L::LANES).max().unwrap_or(0);
    vectors <= SHORT || spikes * vectors < SPARSE * units
}

/// Adds the adjoint currents of each step to the rows of all units that spike at it, step by step.
#[inline(always)]
fn add_by_arrival<L: Lanes>(lanes: L, input: Rows<'_>, sum: &mut Sum<'_>) {
    let CurrentAdjoints { values, width, row, chunk, samples, from, to } = sum.adjoints;
    for (sample, &to) in to[..samples].iter().enumerate() {
        for n in from..to {
            let at = (sample * chunk + n - from) * row;
            add_to_rows(lanes, sum.gradient, &values[at..at + width], input.units(sample, n..n + 1));
        }
    }
}

/// The same for analog input: one product over all steps of all samples.
#[inline(always)]
fn frame_products<L: Lanes>(
    lanes: L,
    frames: &crate::Frames<f32>,
    first: usize,
    units: usize,
    sum: &mut Sum<'_>,
) {
    let CurrentAdjoints { values, width, row, chunk, samples, from, to } = sum.adjoints;
    let mut terms = [Term { a: &[], a_row: 1, a_depth: units, b: Columns::rows(&[], row), depth: 0 }; BLOCK];
    for (sample, term) in terms[..samples].iter_mut().enumerate() {
        term.depth = to[sample].saturating_sub(from);
        term.a = &frames.values()[((first + sample) * frames.steps() + from) * units..];
        term.b = Columns::rows(&values[sample * chunk * row..], row);
    }
    product(lanes, units, &terms, Target::sum(sum.gradient, width));
}
