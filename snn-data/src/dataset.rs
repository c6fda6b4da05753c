//! The interface that every data set implements, and its split into training, validation and test parts.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{BatchBuilder, ChannelStatistics, Error, Fingerprint, InputKind, Intake, Split, TimeUnit};

/// Labeled samples of one shape: `[steps, inputs]` of spikes or of analog values.
///
/// The trait is object safe: a trainer holds a `&dyn Dataset` and is independent of the data set's type. A sample is
/// not returned but *written* to a [`BatchBuilder`]: a data set in memory copies its events directly to the batch, one
/// that computes them (a latency code, an augmentation) needs no buffer, and one that reads them from a file can fail.
///
/// # Example: one spike per sample, computed on the fly
///
/// ```
/// use snn_data::{BatchBuilder, Dataset, Error, InputKind, Splits, collate};
///
/// /// Unit `i` spikes in step `i`; the label is the parity.
/// struct Diagonal(Splits);
///
/// impl Dataset for Diagonal {
///     fn name(&self) -> &str { "diagonal" }
///     fn len(&self) -> usize { 10 }
///     fn classes(&self) -> usize { 2 }
///     fn inputs(&self) -> usize { 10 }
///     fn steps(&self) -> usize { 10 }
///     fn dt(&self) -> f64 { 1.0 }
///     fn kind(&self) -> InputKind { InputKind::Events }
///     fn splits(&self) -> &Splits { &self.0 }
///     fn label(&self, index: usize) -> u16 { (index % 2) as u16 }
///     fn sample(&self, index: usize, batch: &mut BatchBuilder) -> Result<(), Error> {
///         batch.push_spikes([(index, index as u16)])
///     }
/// }
///
/// # fn main() -> Result<(), Error> {
/// let data = Diagonal(Splits { train: (0..10).collect(), ..Splits::default() });
/// assert_eq!(collate(&data, &[3, 8])?.labels, [1, 0]);
/// # Ok(())
/// # }
/// ```
pub trait Dataset: Send + Sync {
    /// A short name for messages and files, such as `randman`.
    fn name(&self) -> &str;

    /// Number of samples, over all splits. Samples are counted from 0.
    fn len(&self) -> usize;

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of classes; labels are `0..classes`.
    fn classes(&self) -> usize;

    /// Number of input units (at most 65536).
    fn inputs(&self) -> usize;

    /// Number of time steps of every sample.
    fn steps(&self) -> usize;

    /// Length of a step in ms.
    fn dt(&self) -> f64;

    /// Whether samples are spike events or analog frames.
    fn kind(&self) -> InputKind;

    /// Which samples are for training, validation and test.
    fn splits(&self) -> &Splits;

    /// The class of a sample.
    ///
    /// # Panics
    ///
    /// May panic when `index >= len()`; [`collate`](crate::collate) checks its indices first.
    fn label(&self, index: usize) -> u16;

    /// The name of a class, if it has one: a digit, a word.
    ///
    /// # Panics
    ///
    /// May panic when `label >= classes()`.
    fn class_name(&self, label: u16) -> Option<&str> {
        let _ = label;
        None
    }

    /// The speaker of a sample, if known.
    ///
    /// # Panics
    ///
    /// May panic when `index >= len()`.
    fn speaker(&self, index: usize) -> Option<&str> {
        let _ = index;
        None
    }

    /// The duration of a recorded sample in ms, before it was cropped or padded; `None` if it is not a recording.
    ///
    /// # Panics
    ///
    /// May panic when `index >= len()`.
    fn duration(&self, index: usize) -> Option<f64> {
        let _ = index;
        None
    }

    /// A name of the sample that does not change when others are added or removed, such as its file and its place there; `None` if
    /// it has none.
    ///
    /// # Panics
    ///
    /// May panic when `index >= len()`.
    fn sample_name(&self, index: usize) -> Option<Cow<'_, str>> {
        let _ = index;
        None
    }

    /// The original content of a sample, before it was binned, cropped or resampled; `None` if the data set does not keep it:
    /// [`DataIdentity`](crate::DataIdentity) then uses the network's input.
    ///
    /// # Panics
    ///
    /// May panic when `index >= len()`.
    fn fingerprint(&self, index: usize) -> Option<Fingerprint> {
        let _ = index;
        None
    }

    /// Counts of the data changed or left out during loading, if the data set keeps them.
    fn intake(&self) -> Option<&Intake> {
        None
    }

    /// The statistics by which the channels were standardized, if they were.
    fn statistics(&self) -> Option<&ChannelStatistics> {
        None
    }

    /// The time unit of its files, if there are files.
    fn time_unit(&self) -> Option<TimeUnit> {
        None
    }

    /// Writes the input of a sample, exactly once, with one of the `push_` methods of the builder.
    ///
    /// # Errors
    ///
    /// Errors of the builder about the sample.
    ///
    /// # Panics
    ///
    /// May panic when `index >= len()`; [`collate`](crate::collate) checks its indices first.
    fn sample(&self, index: usize, batch: &mut BatchBuilder) -> Result<(), Error>;
}

/// Sample indices of the training, validation and test parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Splits {
    /// Samples for training, in the order of the data set.
    pub train: Vec<u32>,
    /// Samples for validation.
    pub valid: Vec<u32>,
    /// Samples for the final test.
    pub test: Vec<u32>,
}

impl Splits {
    /// The indices of one part.
    pub fn get(&self, split: Split) -> &[u32] {
        match split {
            Split::Train => &self.train,
            Split::Valid => &self.valid,
            Split::Test => &self.test,
        }
    }

    /// Checks that the parts are disjoint and within a data set of `len` samples.
    ///
    /// # Errors
    ///
    /// [`Error::Index`] for a sample that does not exist, [`Error::SplitOverlap`] for a duplicate.
    pub fn validate(&self, len: usize) -> Result<(), Error> {
        let mut seen = vec![false; len];
        for index in [&self.train, &self.valid, &self.test].into_iter().flatten().map(|&index| index as usize)
        {
            match seen.get_mut(index) {
                None => return Err(Error::Index { index, len }),
                Some(true) => return Err(Error::SplitOverlap { index }),
                Some(seen) => *seen = true,
            }
        }
        Ok(())
    }
}

/// A part of a set of samples, as a number of samples or as a fraction of them.
///
/// In a configuration, an integer is a count and a number with a decimal point a fraction: `valid = 100`,
/// `valid = 0.1`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a whole number of samples, or a fraction of them such as 0.1")]
pub enum Portion {
    /// This number of samples.
    Count(u32),
    /// This fraction of the samples, 0 or more and below 1, rounded to whole samples.
    Fraction(f64),
}

impl Portion {
    /// The number of samples in this portion of `total` samples.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] with `key` for a fraction outside `[0, 1)` or a count above `total`.
    pub fn of(self, total: usize, key: &'static str) -> Result<usize, Error> {
        match self {
            Self::Count(count) if count as usize <= total => Ok(count as usize),
            Self::Count(count) => {
                Err(Error::setting(key, count, format!("at most {total}, the number of samples")))
            }
            Self::Fraction(fraction) if (0.0..1.0).contains(&fraction) => {
                Ok((total as f64 * fraction).round() as usize)
            }
            Self::Fraction(fraction) => Err(Error::setting(
                key,
                format!("{fraction:?}"),
                "a whole number of samples, or a fraction of them from 0.0 to below 1.0",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_checked() {
        let splits = |train: &[u32], test: &[u32]| Splits {
            train: train.to_vec(),
            valid: vec![],
            test: test.to_vec(),
        };
        assert_eq!(splits(&[2, 0], &[1]).validate(3), Ok(()));
        assert_eq!(splits(&[2, 0], &[3]).validate(3), Err(Error::Index { index: 3, len: 3 }));
        assert_eq!(splits(&[2, 0], &[2]).validate(3), Err(Error::SplitOverlap { index: 2 }));
        assert_eq!(splits(&[2, 0], &[1]).get(Split::Test), [1]);
    }

    #[test]
    fn portions_are_counts_or_fractions() {
        assert_eq!(Portion::Count(100).of(1000, "valid"), Ok(100));
        assert_eq!(Portion::Fraction(0.1).of(1000, "valid"), Ok(100));
        assert_eq!(Portion::Fraction(0.0).of(1000, "valid"), Ok(0));
        for bad in [
            Portion::Count(1001),
            Portion::Fraction(1.0),
            Portion::Fraction(-0.1),
            Portion::Fraction(f64::NAN),
        ] {
            let message = bad.of(1000, "valid").unwrap_err().to_string();
            assert!(message.starts_with("`valid = "), "{message}");
        }
    }

    #[test]
    fn a_portion_is_read_from_a_number() {
        #[derive(Deserialize)]
        struct Settings {
            valid: Portion,
        }
        let read = |text: &str| toml::from_str::<Settings>(text).map(|settings| settings.valid);
        assert_eq!(read("valid = 100"), Ok(Portion::Count(100)));
        assert_eq!(read("valid = 0.1"), Ok(Portion::Fraction(0.1)));
        let error = read("valid = true").unwrap_err();
        assert!(error.message().starts_with("expected a whole number of samples"), "{error}");
    }
}
