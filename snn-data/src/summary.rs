//! Summary statistics of a data set.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{BatchInput, Dataset, Error, InputKind, Intake, Split, collate};

/// Samples processed at once.
const BLOCK: usize = 256;

/// Summary statistics of a data set.
///
/// ```
/// use snn_data::{Randman, RandmanConfig, DatasetSummary};
///
/// # fn main() -> Result<(), snn_data::Error> {
/// let data = Randman::new(RandmanConfig { classes: 4, samples_per_class: 50, ..RandmanConfig::default() })?;
/// let summary = DatasetSummary::of(&data)?;
/// assert_eq!(summary.parts[0].samples, 4 * 40);
/// assert_eq!(summary.spikes.unwrap().mean, 20.0, "each input spikes exactly once");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DatasetSummary {
    /// The name of the data set.
    pub name: String,
    /// Number of samples, including those in no part.
    pub samples: usize,
    /// Whether samples are spikes or analog frames.
    pub kind: InputKind,
    /// Input units.
    pub inputs: usize,
    /// Time steps of a sample.
    pub steps: usize,
    /// Length of a step in ms.
    pub dt: f64,
    /// The name of each class: its name in the data set, or its number.
    pub classes: Vec<String>,
    /// Training, validation and test parts.
    pub parts: [PartSummary; 3],
    /// Spikes per sample, over all input units; `None` for frames.
    pub spikes: Option<Distribution>,
    /// Number of input units that never spike; 0 for frames.
    pub silent_inputs: usize,
    /// The analog values of all units and steps; `None` for spikes.
    pub values: Option<Distribution>,
    /// Durations in ms: those of the recordings, or the times of the last spikes; samples without spikes have none.
    pub durations: Option<Distribution>,
    /// Counts of the data changed or left out during loading, if the data set keeps them.
    pub intake: Option<Intake>,
}

/// One part of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartSummary {
    /// The part.
    pub split: Split,
    /// Number of samples.
    pub samples: usize,
    /// Number of samples of each class.
    pub classes: Vec<usize>,
    /// Its speakers.
    pub speakers: Vec<String>,
}

/// The distribution of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// The minimum.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The standard deviation (of the population).
    pub deviation: f64,
    /// The maximum.
    pub max: f64,
}

impl DatasetSummary {
    /// Computes the summary from every sample of a data set.
    ///
    /// # Errors
    ///
    /// [`Error::Sample`] for a sample that cannot be read; [`Error::OutOfMemory`].
    pub fn of(dataset: &dyn Dataset) -> Result<Self, Error> {
        let (steps, inputs, dt) = (dataset.steps(), dataset.inputs(), dataset.dt());
        let all: Vec<u32> = (0..dataset.len() as u32).collect();
        let (mut spikes, mut values, mut durations) =
            (Moments::default(), Moments::default(), Moments::default());
        let mut spiked = vec![false; inputs];
        for indices in all.chunks(BLOCK) {
            match collate(dataset, indices)?.input {
                BatchInput::Events { offsets, units } => {
                    for rows in offsets.windows(steps + 1).step_by(steps) {
                        spikes.add(f64::from(rows[steps] - rows[0]));
                        let last = (0..steps).rev().find(|&step| rows[step] < rows[step + 1]);
                        last.into_iter().for_each(|step| durations.add((step + 1) as f64 * dt));
                    }
                    units.iter().for_each(|&unit| spiked[usize::from(unit)] = true);
                }
                BatchInput::Frames { values: frames } => {
                    frames.iter().for_each(|&value| values.add(value.into()));
                }
            }
        }
        let recorded = || (0..dataset.len()).filter_map(|index| dataset.duration(index));
        if recorded().next().is_some() {
            durations = Moments::default();
            recorded().for_each(|duration| durations.add(duration));
        }
        let classes = dataset.classes();
        let name =
            |label: usize| dataset.class_name(label as u16).map_or_else(|| label.to_string(), str::to_owned);
        Ok(Self {
            name: dataset.name().to_owned(),
            samples: dataset.len(),
            kind: dataset.kind(),
            inputs,
            steps,
            dt,
            classes: (0..classes).map(name).collect(),
            parts: [Split::Train, Split::Valid, Split::Test].map(|split| PartSummary::of(dataset, split)),
            spikes: spikes.distribution(),
            silent_inputs: match dataset.kind() {
                InputKind::Events => spiked.iter().filter(|&&spiked| !spiked).count(),
                InputKind::Frames => 0,
            },
            values: values.distribution(),
            durations: durations.distribution(),
            intake: dataset.intake().cloned(),
        })
    }
}

impl PartSummary {
    fn of(dataset: &dyn Dataset, split: Split) -> Self {
        let indices = dataset.splits().get(split);
        let mut classes = vec![0; dataset.classes()];
        let mut speakers = BTreeSet::new();
        for &index in indices {
            classes[usize::from(dataset.label(index as usize))] += 1;
            speakers.extend(dataset.speaker(index as usize));
        }
        let speakers = speakers.into_iter().map(str::to_owned).collect();
        Self { split, samples: indices.len(), classes, speakers }
    }
}

/// Running sums for a [`Distribution`] (Welford's update, which keeps the precision of large values).
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        if self.count == 0.0 {
            (self.min, self.max) = (value, value);
        }
        self.count += 1.0;
        let difference = value - self.mean;
        self.mean += difference / self.count;
        self.squares += difference * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    fn distribution(&self) -> Option<Distribution> {
        let Self { count, mean, squares, min, max } = *self;
        (count > 0.0).then(|| Distribution { min, mean, deviation: (squares / count).sqrt(), max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Binning, CoincidentSpikes, EventDataset, FrameDataset, LateSpikes, Splits};

    #[test]
    fn spikes_are_counted() {
        let binning =
            Binning { steps: 10, dt: 2.0, late: LateSpikes::Drop, coincident: CoincidentSpikes::Binary };
        let mut data = EventDataset::new("few", 4, 2, binning).unwrap();
        data.push(0, [(0.0, 1), (5.0, 3)]).unwrap();
        data.push(1, []).unwrap();
        data.push(1, [(19.0, 1)]).unwrap();
        data.set_splits(Splits { train: vec![0, 2], valid: vec![], test: vec![1] }).unwrap();
        let summary = DatasetSummary::of(&data).unwrap();
        let spikes = summary.spikes.unwrap();
        assert_eq!((spikes.min, spikes.mean, spikes.max), (0.0, 1.0, 2.0));
        assert!((spikes.deviation - (2.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        let durations = summary.durations.unwrap();
        assert_eq!((durations.min, durations.mean, durations.max), (6.0, 13.0, 20.0));
        assert_eq!((summary.silent_inputs, summary.values), (2, None));
        assert_eq!(summary.classes, ["0", "1"]);
        assert_eq!(summary.parts[0].classes, [1, 1]);
        assert_eq!(summary.parts[2].classes, [0, 1]);
        assert_eq!(summary.parts[1].samples, 0);
    }

    #[test]
    fn values_are_summarized() {
        let mut data = FrameDataset::new("frames", 2, 1, 1, 1.0).unwrap();
        data.fill(&[0, 0], vec![1.0, 2.0, 3.0, 6.0]).unwrap();
        let summary = DatasetSummary::of(&data).unwrap();
        let values = summary.values.unwrap();
        assert_eq!((values.min, values.mean, values.max), (1.0, 3.0, 6.0));
        assert!((values.deviation - 3.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!((summary.spikes, summary.durations, summary.silent_inputs), (None, None, 0));
    }
}
