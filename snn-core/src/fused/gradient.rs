//! Weight gradients: for every spike, one row of the adjoint currents.

use super::{
    backward::Slots,
    kernels::{
        lanes::Lanes,
        product::{Columns, Term, product},
        rows::add_rows,
    },
    trace::SpikeList,
};
use crate::{Events, Input};

/// What a weight matrix gets its input from.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// Spikes of a hidden layer, one list for each sample of the block.
    Spikes(&'a [SpikeList]),
    /// The input of the network; the block starts at this sample.
    Input(&'a Input<f32>, usize),
}

/// The spikes of a chunk sorted by unit: in which rows of the slots each unit spiked.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Where the rows of each unit start.
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Times {
    /// `sum[k] += sum over samples and n of (input of unit k at step n) slot[n]`; `sum` is `[units, width]`.
    #[inline(always)]
    pub(super) fn add_to<L: Lanes>(
        &mut self,
        lanes: L,
        input: Rows<'_>,
        units: usize,
        slots: Slots<'_>,
        sum: &mut [f32],
    ) {
        match input {
            Rows::Spikes(lists) => {
                self.sort(units, slots, |sample, n| lists[sample].row(n));
                self.add(lanes, slots, sum);
            }
            Rows::Input(Input::Events(events), first) => {
                let events: &Events = events;
                self.sort(units, slots, |sample, n| events.row(first + sample, n));
                self.add(lanes, slots, sum);
            }
            Rows::Input(Input::Frames(frames), first) => {
                for (sample, &to) in slots.to[..slots.samples].iter().enumerate() {
                    let depth = to.saturating_sub(slots.from);
                    let a = &frames.values()[((first + sample) * frames.steps() + slots.from) * units..];
                    let b = Columns::rows(&slots.values[sample * slots.chunk * slots.width..], slots.width);
                    let term = Term { a, a_row: 1, a_depth: units, b, depth };
                    product(lanes, units, slots.width, &[term], sum, true);
                }
            }
        }
    }

    /// Sorts by counting.
    #[inline(always)]
    fn sort<'r>(&mut self, units: usize, slots: Slots<'_>, row: impl Fn(usize, usize) -> &'r [u16]) {
        self.starts.clear();
        self.starts.resize(units + 1, 0);
        let samples = || slots.to[..slots.samples].iter().enumerate();
        for (sample, &to) in samples() {
            for n in slots.from..to {
                for &unit in row(sample, n) {
                    self.starts[usize::from(unit)] += 1;
                }
            }
        }
        // to the end of each unit's rows; filling them from the back leaves the start
        let mut total = 0;
        for start in &mut self.starts {
            total += *start;
            *start = total;
        }
        self.rows.resize(total as usize, 0);
        for (sample, &to) in samples().rev() {
            for n in (slots.from..to).rev() {
                for &unit in row(sample, n) {
                    let at = &mut self.starts[usize::from(unit)];
                    *at -= 1;
                    self.rows[*at as usize] = (sample * slots.chunk + n - slots.from) as u32;
                }
            }
        }
    }

    /// Columns go outermost, so many at a time that slots and gradient share the second-level cache.
    #[inline(always)]
    fn add<L: Lanes>(&self, lanes: L, slots: Slots<'_>, sum: &mut [f32]) {
        const COLUMNS: usize = 128;
        for from in (0..slots.width).step_by(COLUMNS) {
            let columns = COLUMNS.min(slots.width - from);
            for (unit, range) in self.starts.windows(2).enumerate() {
                let rows = &self.rows[range[0] as usize..range[1] as usize];
                let at = unit * slots.width + from;
                add_rows(lanes, &mut sum[at..at + columns], slots.values, slots.width, from, rows);
            }
        }
    }
}
