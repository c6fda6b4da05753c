//! Spike trains in memory: binned once, then copied to batches.

use crate::binning::{MAX_U16, count};

use crate::room::reserve;
use crate::{
    BatchBuilder, Binning, CoincidentSpikes, Dataset, Error, InputKind, Intake, Splits, cancel, parts,
};

/// Labeled spike trains, held in memory as events in compressed rows: two bytes per spike, four per step.
///
/// ```
/// use snn_data::{Binning, Dataset, EventDataset, Splits, collate};
///
/// # fn main() -> Result<(), snn_data::Error> {
/// let binning = Binning { steps: 50, dt: 2.0, ..Binning::default() };
/// let mut data = EventDataset::new("taps", 3, 2, binning)?;
/// data.push(0, [(3.0, 0), (41.5, 2)])?; // (ms, unit)
/// data.push(1, [(97.0, 1), (12.0, 0), (12.9, 0)])?; // in any order; 12.0 and 12.9 ms are in the same step
/// data.set_splits(Splits { train: vec![0, 1], ..Splits::default() })?;
///
/// let batch = collate(&data, &data.splits().train)?;
/// assert_eq!((batch.batch, batch.steps, batch.inputs), (2, 50, 3));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct EventDataset {
    name: String,
    inputs: usize,
    classes: usize,
    binning: Binning,
    /// Row offsets of each sample, from 0, `[samples, steps + 1]`.
    offsets: Vec<u32>,
    /// Where each sample's units begin, and the end of the last, `[samples + 1]`.
    starts: Vec<usize>,
    units: Vec<u16>,
    labels: Vec<u16>,
    splits: Splits,
    /// Spikes of the sample being added, as `step << 16 | unit`.
    keys: Vec<u64>,
    intake: Intake,
    /// The warnings about the splits.
    of_splits: Vec<String>,
}

impl EventDataset {
    /// An empty data set of `inputs` units and `classes` classes.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] unless both are 1 to 65536 and the binning is valid.
    pub fn new(
        name: impl Into<String>,
        inputs: usize,
        classes: usize,
        binning: Binning,
    ) -> Result<Self, Error> {
        count("inputs", inputs, MAX_U16)?;
        count("classes", classes, MAX_U16)?;
        binning.validate()?;
        Ok(Self {
            name: name.into(),
            inputs,
            classes,
            binning,
            offsets: Vec::new(),
            starts: vec![0],
            units: Vec::new(),
            labels: Vec::new(),
            splits: Splits::default(),
            keys: Vec::new(),
            intake: Intake::default(),
            of_splits: Vec::new(),
        })
    }

    /// Reserves memory for this many more samples and spikes.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub fn reserve(&mut self, samples: usize, spikes: usize) -> Result<(), Error> {
        reserve(&mut self.offsets, samples.saturating_mul(self.binning.steps + 1), "rows of events")?;
        reserve(&mut self.starts, samples, "samples")?;
        reserve(&mut self.labels, samples, "labels")?;
        reserve(&mut self.units, spikes, "events")
    }

    /// Adds a sample of spikes `(ms, unit)`, in any order. It belongs to no split yet.
    ///
    /// # Errors
    ///
    /// [`Error::Sample`] for a label, unit or time that is out of range; the data set is then unchanged.
    /// [`Error::OutOfMemory`], [`Error::TooMany`]; [`Error::Cancelled`].
    pub fn push(&mut self, label: u16, spikes: impl IntoIterator<Item = (f64, u16)>) -> Result<(), Error> {
        cancel::check()?;
        let counted =
            self.bin(label, spikes).map_err(|error| error.in_sample(&self.name, self.labels.len()))?;
        self.reserve_amortized()?;
        self.intake.spikes += counted.spikes;
        self.intake.late_dropped += counted.late_dropped;
        self.intake.late_clamped += counted.late_clamped;
        self.intake.coincident += counted.coincident;

        let first = self.offsets.len();
        for (events, &key) in (0..).zip(&self.keys) {
            // Steps without a spike since the last one, and this step, begin here.
            self.offsets.resize(first + (key >> 16) as usize + 1, events);
            self.units.push(key as u16);
        }
        self.offsets.resize(first + self.binning.steps + 1, self.keys.len() as u32);
        self.starts.push(self.units.len());
        self.labels.push(label);
        Ok(())
    }

    /// Collects the spikes of a sample in `keys`: checked, binned, sorted. Returns the counts of what happened to them.
    fn bin(&mut self, label: u16, spikes: impl IntoIterator<Item = (f64, u16)>) -> Result<Intake, Error> {
        if usize::from(label) >= self.classes {
            return Err(Error::Label { label, classes: self.classes });
        }
        self.keys.clear();
        let mut counted = Intake::default();
        for (time, unit) in spikes {
            if usize::from(unit) >= self.inputs {
                return Err(Error::Unit { unit, inputs: self.inputs });
            }
            if !time.is_finite() || time < 0.0 {
                return Err(Error::SpikeTime { time, unit });
            }
            counted.spikes += 1;
            match self.binning.step(time) {
                Some(step) => {
                    // Late spikes are moved to the last step.
                    let late = step + 1 == self.binning.steps && (time / self.binning.dt) as usize > step;
                    counted.late_clamped += u64::from(late);
                    self.keys.push((step as u64) << 16 | u64::from(unit));
                }
                None => counted.late_dropped += 1,
            }
        }
        // Recordings are usually sorted by time: then only the spikes within a step are out of order.
        let step = |key: u64| key >> 16;
        if self.keys.is_sorted_by_key(|&key| step(key)) {
            self.keys.chunk_by_mut(|&a, &b| step(a) == step(b)).for_each(<[u64]>::sort_unstable);
        } else {
            self.keys.sort_unstable();
        }
        if self.binning.coincident == CoincidentSpikes::Binary {
            self.keys.dedup();
            counted.coincident = counted.spikes - counted.late_dropped - self.keys.len() as u64;
        }
        let too_many = |what| Error::TooMany { what, remedy: "split the recording" };
        u32::try_from(self.keys.len()).map_err(|_| too_many("spikes in one sample"))?;
        u32::try_from(self.labels.len()).map_err(|_| too_many("samples in one data set"))?;
        Ok(counted)
    }

    /// Reserves memory for the sample in `keys`.
    fn reserve_amortized(&mut self) -> Result<(), Error> {
        let rows = self.binning.steps + 1;
        self.offsets.try_reserve(rows).map_err(|_| Error::no_memory::<u32>("rows of events", rows))?;
        let spikes = self.keys.len();
        self.units.try_reserve(spikes).map_err(|_| Error::no_memory::<u16>("events", spikes))
    }

    /// Sets the samples for training, validation and test. Classes that are evaluated and never trained on cause a warning in
    /// the [`Intake`].
    ///
    /// # Errors
    ///
    /// [`Error::Index`] or [`Error::SplitOverlap`], see [`Splits::validate`].
    pub fn set_splits(&mut self, splits: Splits) -> Result<(), Error> {
        splits.validate(self.labels.len())?;
        let doubts = parts::doubts(self, &splits);
        self.intake.doubts.retain(|doubt| !self.of_splits.contains(doubt));
        self.intake.doubts.extend(doubts.iter().cloned());
        self.of_splits = doubts;
        self.splits = splits;
        Ok(())
    }

    /// The counts of spikes so far, for a file reader to complete.
    #[cfg(any(feature = "events", feature = "hdf5", feature = "mnist"))]
    pub(crate) fn intake_mut(&mut self) -> &mut Intake {
        &mut self.intake
    }

    /// How spike times were binned.
    pub fn binning(&self) -> &Binning {
        &self.binning
    }

    /// Number of spikes of a sample, after binning.
    ///
    /// # Panics
    ///
    /// When `index >= len()`.
    pub fn spikes(&self, index: usize) -> usize {
        self.starts[index + 1] - self.starts[index]
    }
}

impl Dataset for EventDataset {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn inputs(&self) -> usize {
        self.inputs
    }

    fn steps(&self) -> usize {
        self.binning.steps
    }

    fn dt(&self) -> f64 {
        self.binning.dt
    }

    fn kind(&self) -> InputKind {
        InputKind::Events
    }

    fn splits(&self) -> &Splits {
        &self.splits
    }

    fn label(&self, index: usize) -> u16 {
        self.labels[index]
    }

    fn intake(&self) -> Option<&Intake> {
        Some(&self.intake)
    }

    fn sample(&self, index: usize, batch: &mut BatchBuilder) -> Result<(), Error> {
        let rows = self.binning.steps + 1;
        batch.append_rows(
            &self.offsets[index * rows..(index + 1) * rows],
            &self.units[self.starts[index]..self.starts[index + 1]],
        )
    }
}
