//! Weight gradients: for every spike, one row of the adjoint currents.

use super::{
    backward::CurrentAdjoints,
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

/// The spikes of a chunk sorted by unit: in which rows of the current_adjoints each unit spiked.
#[derive(Debug, Default)]
pub(super) struct SpikesByUnit {
    /// Where the rows of each unit start.
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl SpikesByUnit {
    /// `sum[k] += sum over samples and n of (input of unit k at step n) slot[n]`; `sum` is `[units, width]`.
    #[inline(always)]
    pub(super) fn add_to<L: Lanes>(
        &mut self,
        lanes: L,
        input: Rows<'_>,
        units: usize,
        current_adjoints: CurrentAdjoints<'_>,
        sum: &mut [f32],
    ) {
        match input {
            Rows::Spikes(lists) => {
                self.sort(units, current_adjoints, |sample, n| lists[sample].row(n));
                self.add(lanes, current_adjoints, sum);
            }
            Rows::Input(Input::Events(events), first) => {
                let events: &Events = events;
                self.sort(units, current_adjoints, |sample, n| events.row(first + sample, n));
                self.add(lanes, current_adjoints, sum);
            }
            Rows::Input(Input::Frames(frames), first) => {
                for (sample, &to) in current_adjoints.to[..current_adjoints.samples].iter().enumerate() {
                    let depth = to.saturating_sub(current_adjoints.from);
                    let a = &frames.values()
                        [((first + sample) * frames.steps() + current_adjoints.from) * units..];
                    let b = Columns::rows(
                        &current_adjoints.values[sample * current_adjoints.chunk * current_adjoints.width..],
                        current_adjoints.width,
                    );
                    let term = Term { a, a_row: 1, a_depth: units, b, depth };
                    product(lanes, units, current_adjoints.width, &[term], sum, true);
                }
            }
        }
    }

    /// Sorts by counting.
    #[inline(always)]
    fn sort<'r>(
        &mut self,
        units: usize,
        current_adjoints: CurrentAdjoints<'_>,
        row: impl Fn(usize, usize) -> &'r [u16],
    ) {
        self.starts.clear();
        self.starts.resize(units + 1, 0);
        let samples = || current_adjoints.to[..current_adjoints.samples].iter().enumerate();
        for (sample, &to) in samples() {
            for n in current_adjoints.from..to {
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
            for n in (current_adjoints.from..to).rev() {
                for &unit in row(sample, n) {
                    let at = &mut self.starts[usize::from(unit)];
                    *at -= 1;
                    self.rows[*at as usize] =
                        (sample * current_adjoints.chunk + n - current_adjoints.from) as u32;
                }
            }
        }
    }

    /// Columns go outermost, so many at a time that current_adjoints and gradient share the second-level cache.
    #[inline(always)]
    fn add<L: Lanes>(&self, lanes: L, current_adjoints: CurrentAdjoints<'_>, sum: &mut [f32]) {
        const COLUMNS: usize = 128;
        for from in (0..current_adjoints.width).step_by(COLUMNS) {
            let columns = COLUMNS.min(current_adjoints.width - from);
            for (unit, range) in self.starts.windows(2).enumerate() {
                let rows = &self.rows[range[0] as usize..range[1] as usize];
                let at = unit * current_adjoints.width + from;
                add_rows(
                    lanes,
                    &mut sum[at..at + columns],
                    current_adjoints.values,
                    current_adjoints.width,
                    from,
                    rows,
                );
            }
        }
    }
}
