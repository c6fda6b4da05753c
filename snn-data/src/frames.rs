//! Analog input in memory: one value for each unit and step.

use crate::binning::{MAX_U16, count, positive_ms};
use crate::{BatchBuilder, Dataset, Error, InputKind, Intake, Splits, parts};

/// Labeled analog samples `[steps, inputs]`, held in memory: four bytes per value.
///
/// ```
/// use snn_data::{Dataset, FrameDataset, Splits, collate};
///
/// # fn main() -> Result<(), snn_data::Error> {
/// let mut data = FrameDataset::new("ramps", 2, 2, 3, 1.0)?; // 2 inputs, 2 classes, 3 steps of 1 ms
/// data.push(0, &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5])?;
/// data.push(1, &[0.5, 0.4, 0.3, 0.2, 0.1, 0.0])?;
/// data.set_splits(Splits { train: vec![0, 1], ..Splits::default() })?;
/// assert_eq!(collate(&data, &data.splits().train)?.labels, [0, 1]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FrameDataset {
    name: String,
    inputs: usize,
    classes: usize,
    steps: usize,
    dt: f64,
    /// `[samples, steps, inputs]`
    values: Vec<f32>,
    labels: Vec<u16>,
    splits: Splits,
    /// Warnings about the splits only.
    intake: Intake,
}

impl FrameDataset {
    /// An empty data set of `inputs` units, `classes` classes and `steps` steps of `dt` ms.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] unless inputs and classes are 1 to 65536, steps 1 to 4294967295 and `dt` above 0.
    pub fn new(
        name: impl Into<String>,
        inputs: usize,
        classes: usize,
        steps: usize,
        dt: f64,
    ) -> Result<Self, Error> {
        count("inputs", inputs, MAX_U16)?;
        count("classes", classes, MAX_U16)?;
        count("steps", steps, u32::MAX as usize)?;
        positive_ms("dt", dt)?;
        let name = name.into();
        Ok(Self {
            name,
            inputs,
            classes,
            steps,
            dt,
            values: vec![],
            labels: vec![],
            splits: Splits::default(),
            intake: Intake::default(),
        })
    }

    /// Adds a sample `[steps, inputs]`, row-major. It belongs to no split yet.
    ///
    /// # Errors
    ///
    /// [`Error::Sample`] for a label that is out of range, a wrong length or a value that is not finite; the data set is
    /// then unchanged. [`Error::OutOfMemory`].
    pub fn push(&mut self, label: u16, frames: &[f32]) -> Result<(), Error> {
        self.check(label, frames).map_err(|error| error.in_sample(&self.name, self.labels.len()))?;
        self.values.try_reserve(frames.len()).map_err(|_| Error::no_memory::<f32>("frames", frames.len()))?;
        self.values.extend_from_slice(frames);
        self.labels.push(label);
        Ok(())
    }

    /// Adds many samples at once, without copying if the data set is empty.
    #[cfg(feature = "audio")]
    pub(crate) fn fill(&mut self, labels: &[u16], values: Vec<f32>) -> Result<(), Error> {
        debug_assert!(self.labels.is_empty(), "the data set is empty");
        for (index, (&label, frames)) in labels.iter().zip(values.chunks(self.sample_len())).enumerate() {
            self.check(label, frames).map_err(|error| error.in_sample(&self.name, index))?;
        }
        crate::room::reserve(&mut self.labels, labels.len(), "labels")?;
        self.labels.extend_from_slice(labels);
        self.values = values;
        Ok(())
    }

    fn check(&self, label: u16, frames: &[f32]) -> Result<(), Error> {
        if usize::from(label) >= self.classes {
            return Err(Error::Label { label, classes: self.classes });
        }
        let expected = self.sample_len();
        if frames.len() != expected {
            return Err(Error::Length { what: "frames [steps, inputs]", found: frames.len(), expected });
        }
        match frames.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(k) => Err(Error::Value { value: frames[k], step: k / self.inputs, unit: k % self.inputs }),
        }
    }

    /// Number of values of a sample.
    fn sample_len(&self) -> usize {
        self.steps * self.inputs
    }

    /// Sets the samples for training, validation and test. Classes that are evaluated and never trained on cause a warning in
    /// the [`Intake`].
    ///
    /// # Errors
    ///
    /// [`Error::Index`] or [`Error::SplitOverlap`], see [`Splits::validate`].
    pub fn set_splits(&mut self, splits: Splits) -> Result<(), Error> {
        splits.validate(self.labels.len())?;
        self.intake.doubts = parts::doubts(self, &splits);
        self.splits = splits;
        Ok(())
    }

    /// The values of a sample, `[steps, inputs]`, row-major.
    ///
    /// # Panics
    ///
    /// When `index >= len()`.
    pub fn frames(&self, index: usize) -> &[f32] {
        &self.values[index * self.sample_len()..][..self.sample_len()]
    }

    /// The values of all samples, `[samples, steps, inputs]`.
    #[cfg(feature = "audio")]
    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

impl Dataset for FrameDataset {
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
        self.steps
    }

    fn dt(&self) -> f64 {
        self.dt
    }

    fn kind(&self) -> InputKind {
        InputKind::Frames
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
        batch.push_frames(self.frames(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchInput, collate};

    #[test]
    fn frames_are_unchanged() {
        let mut data = FrameDataset::new("numbers", 2, 3, 2, 2.0).unwrap();
        data.push(2, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        data.push(0, &[5.0, 6.0, 7.0, 8.0]).unwrap();
        assert_eq!(data.frames(1), [5.0, 6.0, 7.0, 8.0]);
        let batch = collate(&data, &[1, 0]).unwrap();
        let values = vec![5.0, 6.0, 7.0, 8.0, 1.0, 2.0, 3.0, 4.0];
        assert_eq!((batch.labels, batch.input), (vec![0, 2], BatchInput::Frames { values }));
    }

    #[test]
    fn bad_samples_are_refused() {
        let mut data = FrameDataset::new("numbers", 2, 3, 2, 2.0).unwrap();
        for (label, frames, expected) in [
            (3, &[0.0; 4][..], "data set `numbers`, sample 0: label 3 is not a class"),
            (
                0,
                &[0.0; 3],
                "data set `numbers`, sample 0: frames [steps, inputs]: found 3 entries, expected 4",
            ),
            (
                0,
                &[0.0, 0.0, 0.0, f32::NAN],
                "data set `numbers`, sample 0: unit 1 has the value NaN in step 1",
            ),
        ] {
            let message = data.push(label, frames).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
        assert!(data.is_empty());
        assert!(FrameDataset::new("numbers", 2, 3, 2, 0.0).is_err());
        assert!(FrameDataset::new("numbers", 0, 3, 2, 1.0).is_err());
    }
}
