//! Which sample belongs to which part, by name, so that a part stays what it is when files are added.

use serde::{Deserialize, Serialize};

use crate::{ChannelStatistics, Dataset, Split};

/// The parts of a data set by the names of their samples.
///
/// A split that is drawn by chance depends on how many samples there are: one file more moves others from the training
/// part into the test part. A run therefore records the parts it began with, and opens its data again with them
/// ([`Recorded`]): samples that came later belong to no part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Names of the samples for training, in their order.
    pub train: Vec<String>,
    /// For validation.
    pub valid: Vec<String>,
    /// For the test.
    pub test: Vec<String>,
}

impl Membership {
    /// The parts of a data set; `None` if its samples have no names, as those that are generated or come in files of fixed
    /// content: their parts follow from the settings alone.
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

    /// Samples of all parts.
    pub fn len(&self) -> usize {
        self.train.len() + self.valid.len() + self.test.len()
    }

    /// Whether there is no sample at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part and the place in it of each name.
    #[cfg(any(feature = "audio", feature = "events", feature = "hdf5"))]
    pub(crate) fn places(&self) -> std::collections::HashMap<&str, (Split, usize)> {
        let part = |split| {
            self.get(split).iter().enumerate().map(move |(place, name)| (name.as_str(), (split, place)))
        };
        [Split::Train, Split::Valid, Split::Test].into_iter().flat_map(part).collect()
    }
}

/// What a run has recorded, for opening its data again as they were.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recorded<'a> {
    /// The parts, instead of those that the settings choose.
    pub membership: Option<&'a Membership>,
    /// What channels are standardized by, instead of the statistics of the training part at hand. They are taken only
    /// where the settings ask for standardized channels.
    pub statistics: Option<&'a ChannelStatistics>,
    /// Whether samples that are gone are counted instead of refused.
    pub incomplete: bool,
}
