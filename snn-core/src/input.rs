//! The input of a network: spike events or analog frames.

use crate::{Error, config::MAX_UNITS};
use std::{
    any::Any,
    fmt,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// Spikes of a batch as compressed rows; row `sample * steps + step` lists the units that spike in that step.
///
/// The memory is two bytes per spike and four per row. A unit listed twice in a row counts twice. There can be at most 65,536 units,
/// and fewer than 2^32 rows and spikes per batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    batch: usize,
    steps: usize,
    units: usize,
    offsets: Vec<u32>,
    indices: Vec<u16>,
    staged: Staged,
}

impl Events {
    /// Creates events from compressed rows: the spikes of row `r` are `indices[offsets[r] .. offsets[r + 1]]`.
    ///
    /// # Errors
    /// [`Error::Input`] if `offsets` does not have `batch * steps + 1` ascending entries from 0 to `indices.len()`,
    /// or an index is not below `units`.
    ///
    /// ```
    /// use snn_core::Events;
    /// // one sample of three steps: unit 4 spikes at step 0, units 0 and 2 at step 2
    /// let events = Events::new(1, 3, 5, vec![0, 1, 1, 3], vec![4, 0, 2])?;
    /// assert_eq!(events.row(0, 2), &[0, 2]);
    /// # Ok::<(), snn_core::Error>(())
    /// ```
    pub fn new(
        batch: usize,
        steps: usize,
        units: usize,
        offsets: Vec<u32>,
        indices: Vec<u16>,
    ) -> Result<Self, Error> {
        check_extent(batch, steps, units)?;
        if offsets.len() != batch * steps + 1 {
            return Err(Error::Input(format!(
                "{} row offsets for {batch} samples of {steps} steps, instead of {}",
                offsets.len(),
                batch * steps + 1
            )));
        }
        let ascending = offsets.windows(2).all(|w| w[0] <= w[1]);
        if !ascending || offsets[0] != 0 || offsets[batch * steps] as usize != indices.len() {
            return Err(Error::Input(format!(
                "row offsets must ascend from 0 to the number of spikes, {}",
                indices.len()
            )));
        }
        if let Some(at) = indices.iter().position(|&i| usize::from(i) >= units) {
            return Err(Error::Input(format!(
                "spike {at} is in unit {}, but there are {units} units",
                indices[at]
            )));
        }
        Ok(Events { batch, steps, units, offsets, indices, staged: Staged::default() })
    }

    /// Creates events from `(sample, step, unit)` triples in any order.
    ///
    /// # Errors
    /// [`Error::Input`] if a sample, step or unit is out of range.
    pub fn from_spikes(
        batch: usize,
        steps: usize,
        units: usize,
        spikes: &[(usize, usize, usize)],
    ) -> Result<Self, Error> {
        check_extent(batch, steps, units)?;
        let mut sorted = spikes.to_vec();
        sorted.sort_unstable();
        let mut offsets = vec![0u32; batch * steps + 1];
        let mut indices = Vec::with_capacity(sorted.len());
        for (sample, step, unit) in sorted {
            if sample >= batch || step >= steps || unit >= units {
                return Err(Error::Input(format!(
                    "the spike of unit {unit} at step {step} of sample {sample} is outside of {batch} samples, {steps} steps, \
                     {units} units"
                )));
            }
            offsets[sample * steps + step + 1] += 1;
            indices.push(unit as u16);
        }
        for r in 0..batch * steps {
            offsets[r + 1] += offsets[r];
        }
        Events::new(batch, steps, units, offsets, indices)
    }

    /// Number of samples.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Number of time steps of every sample.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Number of units that can spike.
    #[must_use]
    pub fn units(&self) -> usize {
        self.units
    }

    /// Number of spikes in the batch.
    #[must_use]
    pub fn spikes(&self) -> usize {
        self.indices.len()
    }

    /// Where each row starts in [`Events::indices`], and where the last one ends.
    #[cfg(any(feature = "cuda", feature = "cuda-emulation"))]
    pub(crate) fn offsets(&self) -> &[u32] {
        &self.offsets
    }

    /// The units of all spikes, row by row.
    #[cfg(any(feature = "cuda", feature = "cuda-emulation"))]
    pub(crate) fn indices(&self) -> &[u16] {
        &self.indices
    }

    /// Units that spike in `step` of `sample`.
    ///
    /// # Panics
    /// If the sample or the step is out of range, like indexing a slice.
    #[must_use]
    #[inline]
    pub fn row(&self, sample: usize, step: usize) -> &[u16] {
        assert!(step < self.steps, "step {step} of {}", self.steps);
        let r = sample * self.steps + step;
        &self.indices[self.offsets[r] as usize..self.offsets[r + 1] as usize]
    }

    /// Units that spike in some steps of a sample, step by step.
    #[inline]
    pub(crate) fn rows(&self, sample: usize, steps: Range<usize>) -> &[u16] {
        let row = sample * self.steps;
        &self.indices[self.offsets[row + steps.start] as usize..self.offsets[row + steps.end] as usize]
    }

    /// Spikes of a sample: those of step `n` are `units[offsets[n] .. offsets[n + 1]]`.
    #[inline]
    pub(crate) fn sample(&self, sample: usize) -> (&[u32], &[u16]) {
        (&self.offsets[sample * self.steps..=(sample + 1) * self.steps], &self.indices)
    }

    /// The same input as analog frames: the number of spikes of each unit and step.
    #[must_use]
    pub fn to_frames<E: crate::Float>(&self) -> Frames<E> {
        let mut values = vec![E::zero(); self.batch * self.steps * self.units];
        for (row, frame) in values.chunks_exact_mut(self.units).enumerate() {
            for &unit in self.row(row / self.steps, row % self.steps) {
                frame[usize::from(unit)] += E::one();
            }
        }
        Frames { batch: self.batch, steps: self.steps, units: self.units, values, staged: Staged::default() }
    }
}

/// Analog input, one value per sample, step and unit: shape `[batch, steps, units]`, units fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Frames<E> {
    batch: usize,
    steps: usize,
    units: usize,
    values: Vec<E>,
    staged: Staged,
}

impl<E: crate::Float> Frames<E> {
    /// Creates frames from values with shape `[batch, steps, units]`.
    ///
    /// # Errors
    /// [`Error::Input`] if there are not `batch * steps * units` of them, or one is NaN or infinite.
    pub fn new(batch: usize, steps: usize, units: usize, values: Vec<E>) -> Result<Self, Error> {
        check_extent(batch, steps, units)?;
        if values.len() != batch * steps * units {
            return Err(Error::Input(format!(
                "{} values for {batch} samples of {steps} steps and {units} units",
                values.len()
            )));
        }
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            let (row, unit) = (at / units, at % units);
            return Err(Error::Input(format!(
                "unit {unit} at step {} of sample {} is {:?}, not a finite number",
                row % steps,
                row / steps,
                values[at]
            )));
        }
        Ok(Frames { batch, steps, units, values, staged: Staged::default() })
    }
}

impl<E> Frames<E> {
    /// Number of time steps of every sample.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// All values, `[batch, steps, units]`.
    #[must_use]
    pub fn values(&self) -> &[E] {
        &self.values
    }
}

fn check_extent(batch: usize, steps: usize, units: usize) -> Result<(), Error> {
    let rows = batch.checked_mul(steps).filter(|&r| r < u32::MAX as usize);
    if batch == 0 || steps == 0 || units == 0 || units > MAX_UNITS || rows.is_none() {
        return Err(Error::Input(format!(
            "{batch} samples of {steps} steps and {units} units: each must be at least 1; units at most {MAX_UNITS}, since they \
             are numbered in 16 bits (pool neighboring units, or leave out silent ones); samples times steps below 2^32"
        )));
    }
    Ok(())
}

/// The input of a network. Cloning is cheap: the data are shared.
#[derive(Debug, Clone)]
pub enum Input<E> {
    /// Spikes.
    Events(Arc<Events>),
    /// Analog values.
    Frames(Arc<Frames<E>>),
}

impl<E> Input<E> {
    /// Its copy on a device, if any.
    #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "the CPU computes on inputs where they are"))]
    pub(crate) fn staged(&self) -> &Staged {
        match self {
            Input::Events(events) => &events.staged,
            Input::Frames(frames) => &frames.staged,
        }
    }

    /// Number of samples.
    #[must_use]
    pub fn batch(&self) -> usize {
        match self {
            Input::Events(events) => events.batch,
            Input::Frames(frames) => frames.batch,
        }
    }

    /// Number of time steps of every sample.
    #[must_use]
    pub fn steps(&self) -> usize {
        match self {
            Input::Events(events) => events.steps,
            Input::Frames(frames) => frames.steps,
        }
    }

    /// Number of input units.
    #[must_use]
    pub fn units(&self) -> usize {
        match self {
            Input::Events(events) => events.units,
            Input::Frames(frames) => frames.units,
        }
    }
}

impl<E> From<Events> for Input<E> {
    fn from(events: Events) -> Self {
        Input::Events(Arc::new(events))
    }
}

impl<E> From<Frames<E>> for Input<E> {
    fn from(frames: Frames<E>) -> Self {
        Input::Frames(Arc::new(frames))
    }
}

/// The copy of an input on a device. It is not part of the input's value, and a clone of the input starts without it.
#[derive(Default)]
pub(crate) struct Staged(pub(crate) OnceLock<Arc<dyn Any + Send + Sync>>);

impl Clone for Staged {
    fn clone(&self) -> Self {
        Staged::default()
    }
}

impl PartialEq for Staged {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Staged {}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Staged").field(&self.0.get().is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_given_spikes() {
        let events = Events::from_spikes(2, 3, 4, &[(1, 2, 3), (0, 0, 1), (1, 2, 0)]).unwrap();
        assert_eq!(events.row(0, 0), &[1]);
        assert_eq!(events.row(1, 2), &[0, 3]);
        assert_eq!(events.spikes(), 3);
        let frames = events.to_frames::<f64>();
        assert_eq!(frames.values().iter().sum::<f64>(), 3.0);
        assert_eq!(frames.values()[(3 + 2) * 4 + 3], 1.0);
    }

    #[test]
    fn units_beyond_16_bits_are_refused() {
        const WIDEST: usize = 1 << 16;
        assert!(Events::from_spikes(1, 1, WIDEST, &[(0, 0, WIDEST - 1)]).is_ok());
        let wider = WIDEST + 1;
        let refused = [
            Events::new(1, 1, wider, vec![0, 0], vec![]).map(drop),
            Events::from_spikes(1, 1, wider, &[(0, 0, WIDEST)]).map(drop),
            Frames::new(1, 1, wider, vec![0.0f32; wider]).map(drop),
        ];
        for result in refused {
            let message = result.unwrap_err().to_string();
            for part in ["65537 units", "at most 65536", "16 bits", "pool neighboring units"] {
                assert!(message.contains(part), "{message}");
            }
        }
    }

    #[test]
    fn malformed_rows_are_refused() {
        let new = |offsets: &[u32], indices: &[u16]| Events::new(1, 2, 3, offsets.to_vec(), indices.to_vec());
        assert!(new(&[0, 1, 2], &[0, 2]).is_ok());
        assert!(new(&[0, 1], &[0]).is_err(), "too few rows");
        assert!(new(&[0, 2, 1], &[0]).is_err(), "descending");
        assert!(new(&[1, 1, 1], &[0]).is_err(), "does not start at 0");
        assert!(new(&[0, 1, 1], &[0, 1]).is_err(), "superfluous spikes");
        assert!(new(&[0, 1, 1], &[3]).is_err(), "unit out of range");
        assert!(Events::new(0, 2, 3, vec![0], vec![]).is_err(), "no samples");
        assert!(Events::from_spikes(1, 2, 3, &[(0, 2, 0)]).is_err(), "step out of range");
        assert!(Frames::new(1, 1, 2, vec![0.0f32, f32::NAN]).is_err(), "NaN");
        assert!(Frames::new(1, 1, 2, vec![0.0f32]).is_err(), "too few values");
    }
}
