//! The samples of each part, by name, to keep the parts unchanged when files are added.

use serde::{Deserialize, Serialize};

use crate::{ChannelStatistics, Dataset, Split};

/// The parts of a data set by the names of their samples.
///
/// A random split depends on the number of samples: one more file moves others from the training part to the test part. A run
/// therefore records its parts, and reopens its data with them ([`Recorded`]): samples added later belong to no part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Names of the training samples, in order.
    pub train: Vec<String>,
    /// Names of the validation samples.
    pub valid: Vec<String>,
    /// Names of the test samples.
    pub test: Vec<String>,
}

impl Membership {
    /// The parts of a data set; `None` if its samples have no names, such as generated samples or those of files with fixed
    /// content: their parts follow from the settings.
    pub fn of(dataset: &dyn Dataset) -> Option<Self> {
        let names = |split| {
            let indices = dataset.splits().get(split).iter();
            indices
                .map(|&index| dataset.sample_name(index as usize).map(Into::into))
                .collect::<Option<Vec<String>>>()
        };
        let membership =
            Self { train: names(Split::Train)?, valid: names(Split::Valid)?, test: names(Split::Test)? };
        (!membership.is_empty()).then_some(membership)
    }

    /// The names of one part.
    pub fn get(&self, split: Split) -> &[String] {
        match split {
            Split::Train => &self.train,
            Split::Valid => &self.valid,
            Split::Test => &self.test,
        }
    }

    /// Number of samples in all parts.
    pub fn len(&self) -> usize {
        self.train.len() + self.valid.len() + self.test.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part and the index in it of each name.
    #[cfg(any(feature = "audio", feature = "events", feature = "hdf5"))]
    pub(crate) fn places(&self) -> std::collections::HashMap<&str, (Split, usize)> {
        let part = |split| {
            self.get(split).iter().enumerate().map(move |(place, name)| (name.as_str(), (split, place)))
        };
        [Split::Train, Split::Valid, Split::Test].into_iter().flat_map(part).collect()
    }
}

/// The records of a run for reopening its data unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recorded<'a> {
    /// The parts, instead of those chosen by the settings.
    pub membership: Option<&'a Membership>,
    /// The statistics to standardize channels by, instead of those of the current training part. Used only if the settings
    /// standardize channels.
    pub statistics: Option<&'a ChannelStatistics>,
    /// Whether missing samples are counted instead of refused.
    pub incomplete: bool,
}
