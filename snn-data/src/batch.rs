//! Samples gathered into a batch: events in compressed rows, or dense frames.

use crate::room::reserve;
use crate::{Error, InputKind};

/// Samples of a data set, gathered for one step of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Number of samples.
    pub batch: usize,
    /// Number of time steps of every sample.
    pub steps: usize,
    /// Number of input units.
    pub inputs: usize,
    /// The class of every sample, `[batch]`.
    pub labels: Vec<u16>,
    /// The input of every sample.
    pub input: BatchInput,
}

/// The input of a [`Batch`].
#[derive(Clone, Debug, PartialEq)]
pub enum BatchInput {
    /// Spikes in compressed rows: row `sample * steps + step` is `units[offsets[row]..offsets[row + 1]]`, the
    /// units that spike in that step, ascending.
    ///
    /// A unit is listed once (binary input), or as often as it spikes if the data set was binned with
    /// [`CoincidentSpikes::Sum`](crate::CoincidentSpikes::Sum).
    Events {
        /// Where each row begins, and the end of the last, `[batch * steps + 1]`.
        offsets: Vec<u32>,
        /// The spiking units, row after row.
        units: Vec<u16>,
    },
    /// Analog values.
    Frames {
        /// `[batch, steps, inputs]`, row-major.
        values: Vec<f32>,
    },
}

/// Collects the samples of a batch one by one; [`Dataset::sample`](crate::Dataset::sample) writes to it.
///
/// Each `push_` method takes a whole sample. After an error, discard the batch.
#[derive(Debug)]
pub struct BatchBuilder {
    steps: usize,
    inputs: usize,
    pub(crate) labels: Vec<u16>,
    written: usize,
    input: BatchInput,
}

impl BatchBuilder {
    /// A builder for this many samples of this shape and kind.
    pub(crate) fn new([steps, inputs]: [usize; 2], kind: InputKind, batch: usize) -> Result<Self, Error> {
        let mut labels = Vec::new();
        reserve(&mut labels, batch, "the labels of a batch")?;
        let rows = batch.saturating_mul(steps);
        let input = match kind {
            InputKind::Events => {
                let mut offsets = Vec::new();
                reserve(&mut offsets, rows.saturating_add(1), "the rows of a batch")?;
                offsets.push(0);
                BatchInput::Events { offsets, units: Vec::new() }
            }
            InputKind::Frames => {
                let mut values = Vec::new();
                reserve(&mut values, rows.saturating_mul(inputs), "the frames of a batch")?;
                BatchInput::Frames { values }
            }
        };
        Ok(Self { steps, inputs, labels, written: 0, input })
    }

    /// Adds a sample of events in compressed rows: step `n` is `units[offsets[n]..offsets[n + 1]]`, ascending.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] unless there are `steps + 1` offsets, [`Error::RowOffsets`] if they do not describe
    /// `units`, [`Error::Unit`] for a unit that does not exist, [`Error::Unsorted`] for units out of order within
    /// a step, [`Error::Kind`] if the data set announced frames.
    pub fn push_rows(&mut self, offsets: &[u32], units: &[u16]) -> Result<(), Error> {
        let expected = self.steps + 1;
        if offsets.len() != expected {
            return Err(Error::Length { what: "row offsets [steps + 1]", found: offsets.len(), expected });
        }
        if offsets[0] != 0 || offsets[self.steps] as usize != units.len() || !offsets.is_sorted() {
            return Err(Error::RowOffsets { spikes: units.len() });
        }
        if let Some(&unit) = units.iter().find(|&&unit| usize::from(unit) >= self.inputs) {
            return Err(Error::Unit { unit, inputs: self.inputs });
        }
        for (step, row) in offsets.windows(2).enumerate() {
            let row = &units[row[0] as usize..row[1] as usize];
            if let Some(pair) = row.windows(2).find(|pair| pair[0] > pair[1]) {
                return Err(Error::Unsorted { step, unit: pair[1] });
            }
        }
        self.append_rows(offsets, units)
    }

    /// [`push_rows`](Self::push_rows) for rows that were checked when they were created, since every batch copies
    /// them again.
    pub(crate) fn append_rows(&mut self, offsets: &[u32], units: &[u16]) -> Result<(), Error> {
        let (all_offsets, all_units) = self.events()?;
        let base = all_units.len();
        check_spikes(base + units.len())?;
        all_units.extend_from_slice(units);
        all_offsets.extend(offsets[1..].iter().map(|&offset| base as u32 + offset));
        Ok(())
    }

    /// Adds a sample of `(step, unit)` spikes, sorted by step, then by unit. A unit listed twice in a step counts
    /// twice.
    ///
    /// # Errors
    ///
    /// [`Error::Step`] or [`Error::Unit`] for a spike outside the shape, [`Error::Unsorted`] for one out of order,
    /// [`Error::Kind`] if the data set announced frames, [`Error::TooMany`] if the batch is full.
    pub fn push_spikes(&mut self, spikes: impl IntoIterator<Item = (usize, u16)>) -> Result<(), Error> {
        let (steps, inputs) = (self.steps, self.inputs);
        let (offsets, units) = self.events()?;
        let first_row = offsets.len() - 1;
        let mut previous = (0, 0);
        for (step, unit) in spikes {
            if step >= steps {
                return Err(Error::Step { step, steps });
            }
            if usize::from(unit) >= inputs {
                return Err(Error::Unit { unit, inputs });
            }
            if (step, unit) < previous {
                return Err(Error::Unsorted { step, unit });
            }
            previous = (step, unit);
            // This row and any empty rows before it begin here.
            offsets.resize(first_row + step + 1, units.len() as u32);
            check_spikes(units.len() + 1)?;
            units.push(unit);
        }
        offsets.resize(first_row + steps + 1, units.len() as u32);
        Ok(())
    }

    /// Adds a sample of analog values `[steps, inputs]`, row-major.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] for another shape, [`Error::Kind`] if the data set announced events.
    pub fn push_frames(&mut self, frames: &[f32]) -> Result<(), Error> {
        let BatchInput::Frames { values } = &mut self.input else {
            return Err(Error::Kind { announced: InputKind::Events, written: InputKind::Frames });
        };
        let expected = self.steps * self.inputs;
        if frames.len() != expected {
            return Err(Error::Length { what: "frames [steps, inputs]", found: frames.len(), expected });
        }
        values.extend_from_slice(frames);
        self.written += 1;
        Ok(())
    }

    /// Offsets and units, for one more sample.
    fn events(&mut self) -> Result<(&mut Vec<u32>, &mut Vec<u16>), Error> {
        let BatchInput::Events { offsets, units } = &mut self.input else {
            return Err(Error::Kind { announced: InputKind::Frames, written: InputKind::Events });
        };
        self.written += 1;
        Ok((offsets, units))
    }

    /// Checks that every label has its input.
    pub(crate) fn check_written(&self) -> Result<(), Error> {
        match self.written + 1 - self.labels.len() {
            1 => Ok(()),
            times => Err(Error::WrittenTimes { times }),
        }
    }

    pub(crate) fn finish(self) -> Batch {
        Batch {
            batch: self.labels.len(),
            steps: self.steps,
            inputs: self.inputs,
            labels: self.labels,
            input: self.input,
        }
    }
}

/// Offsets are `u32`, which halves the memory traffic of the time loop.
fn check_spikes(spikes: usize) -> Result<(), Error> {
    match u32::try_from(spikes) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::TooMany { what: "spikes in one batch", remedy: "use a smaller batch size" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_do_not_overflow() {
        assert_eq!(check_spikes(u32::MAX as usize), Ok(()));
        let error = check_spikes(u32::MAX as usize + 1).unwrap_err();
        assert_eq!(error.to_string(), "more than 4294967295 spikes in one batch: use a smaller batch size");
    }
}
