//! The identity of the data that a network was trained on, and comparison with other data.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fingerprint::Hasher;
use crate::intake::counted;
use crate::{
    BatchInput, ChannelStatistics, Dataset, Error, Fingerprint, InputKind, Split, TimeUnit, collate,
};

/// Samples hashed at once if a data set has no fingerprints.
const BLOCK: usize = 256;

/// The identity of the data that a run was trained on, small enough for a checkpoint.
///
/// ```
/// use snn_data::{DataIdentity, Randman, RandmanConfig};
///
/// # fn main() -> Result<(), snn_data::Error> {
/// let config = RandmanConfig { classes: 2, samples_per_class: 50, ..RandmanConfig::default() };
/// let recorded = DataIdentity::of(&Randman::new(config.clone())?)?;
///
/// let same = DataIdentity::of(&Randman::new(config.clone())?)?;
/// assert!(recorded.compare(&same).is_same());
///
/// let other = DataIdentity::of(&Randman::new(RandmanConfig { seed: 1, ..config })?)?;
/// let comparison = recorded.compare(&other);
/// assert_eq!(comparison.to_string(), "the content of the train part (80 samples) differs; \
///     the content of the valid part (10 samples) differs; the content of the test part (10 samples) differs");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataIdentity {
    /// The name of the data set.
    pub name: String,
    /// Spikes or frames.
    pub kind: InputKind,
    /// Input units.
    pub inputs: usize,
    /// Time steps of a sample.
    pub steps: usize,
    /// Length of a step in ms.
    pub dt: f64,
    /// The time unit of its files, if there are files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_unit: Option<TimeUnit>,
    /// The name of each class, in the order of the labels: its name in the data set, or its number.
    pub classes: Vec<String>,
    /// Training, validation and test parts.
    pub parts: [PartIdentity; 3],
    /// The statistics by which the channels were standardized, if they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<ChannelStatistics>,
}

/// The samples of a part, independent of their order and the order of the classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartIdentity {
    /// Which part.
    pub split: Split,
    /// How many samples.
    pub samples: usize,
    /// Fingerprint of the sample names.
    pub names: Fingerprint,
    /// Fingerprint of the names, the classes (by name) and the original content of the samples, before it was binned, cropped or
    /// resampled.
    pub content: Fingerprint,
}

impl DataIdentity {
    /// Computes the identity of a data set. Data sets read from files know the fingerprints of their samples; otherwise, the
    /// network's input is hashed for all samples.
    ///
    /// # Errors
    ///
    /// [`Error::Sample`] for a sample that cannot be read; [`Error::Cancelled`].
    pub fn of(dataset: &dyn Dataset) -> Result<Self, Error> {
        let classes: Vec<String> = (0..dataset.classes())
            .map(|label| dataset.class_name(label as u16).map_or_else(|| label.to_string(), str::to_owned))
            .collect();
        let part = |split| PartIdentity::of(dataset, &classes, split);
        let parts = [part(Split::Train)?, part(Split::Valid)?, part(Split::Test)?];
        Ok(Self {
            name: dataset.name().to_owned(),
            kind: dataset.kind(),
            inputs: dataset.inputs(),
            steps: dataset.steps(),
            dt: dataset.dt(),
            time_unit: dataset.time_unit(),
            parts,
            statistics: dataset.statistics().cloned(),
            classes,
        })
    }

    /// A fingerprint of all parts and classes: equal for equal data, independent of the order of samples in a part.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Hasher::default();
        self.classes.iter().for_each(|class| hash.add_text(class));
        for part in &self.parts {
            hash.add(&(part.samples as u64).to_le_bytes());
            hash.add(&part.content.0);
        }
        hash.finish()
    }

    /// One part.
    pub fn part(&self, split: Split) -> &PartIdentity {
        &self.parts[match split {
            Split::Train => 0,
            Split::Valid => 1,
            Split::Test => 2,
        }]
    }

    /// How `found` differs from these data, those of the run.
    pub fn compare(&self, found: &Self) -> Comparison {
        let mut differences = Vec::new();
        let mut differ = |what, recorded: String, found: String| {
            if recorded != found {
                differences.push(Difference::Setting { what, recorded, found });
            }
        };
        differ("data set", self.name.clone(), found.name.clone());
        differ("kind of input", self.kind.to_string(), found.kind.to_string());
        differ("number of input units", self.inputs.to_string(), found.inputs.to_string());
        differ("number of steps", self.steps.to_string(), found.steps.to_string());
        differ("dt", format!("{} ms", self.dt), format!("{} ms", found.dt));
        let unit = |unit: Option<TimeUnit>| unit.map_or_else(|| "none".to_owned(), |unit| unit.to_string());
        differ("time unit", unit(self.time_unit), unit(found.time_unit));

        let classes = ClassOrder::of(&self.classes, &found.classes);
        if classes == ClassOrder::Different {
            let without = |these: &[String], those: &[String]| {
                let those: std::collections::HashSet<_> = those.iter().collect();
                these.iter().filter(|name| !those.contains(name)).cloned().collect::<Vec<_>>()
            };
            differences.push(Difference::Classes {
                gone: without(&self.classes, &found.classes),
                new: without(&found.classes, &self.classes),
            });
        }
        for (recorded, found) in self.parts.iter().zip(&found.parts) {
            if recorded.content != found.content || recorded.samples != found.samples {
                differences.push(Difference::Samples { recorded: *recorded, found: *found });
            }
        }
        if self.statistics != found.statistics {
            differences.push(Difference::Statistics);
        }
        Comparison { classes, differences }
    }
}

impl PartIdentity {
    fn of(dataset: &dyn Dataset, classes: &[String], split: Split) -> Result<Self, Error> {
        let indices = dataset.splits().get(split);
        // (name, class, content), sorted to be independent of the order.
        let mut members = Vec::with_capacity(indices.len());
        for block in indices.chunks(BLOCK) {
            crate::cancel::check()?;
            let mut add = |index: u32, content: Fingerprint| {
                let name = dataset.sample_name(index as usize);
                let name = name.map_or_else(|| index.to_string(), Into::into);
                members.push((name, dataset.label(index as usize), content));
            };
            if block.iter().all(|&index| dataset.fingerprint(index as usize).is_some()) {
                block
                    .iter()
                    .for_each(|&index| add(index, dataset.fingerprint(index as usize).unwrap_or_default()));
            } else {
                let seen = as_seen(dataset, block)?;
                block.iter().zip(seen).for_each(|(&index, content)| add(index, content));
            }
        }
        members.sort_unstable();
        let (mut names, mut content) = (Hasher::default(), Hasher::default());
        for (name, label, fingerprint) in &members {
            names.add_text(name);
            content.add_text(name);
            content.add_text(classes.get(usize::from(*label)).map_or("", String::as_str));
            content.add(&fingerprint.0);
        }
        Ok(Self { split, samples: indices.len(), names: names.finish(), content: content.finish() })
    }
}

/// Fingerprints of the network's input for samples.
fn as_seen(dataset: &dyn Dataset, indices: &[u32]) -> Result<Vec<Fingerprint>, Error> {
    let batch = collate(dataset, indices)?;
    let sample = |k: usize| {
        let mut hash = Hasher::default();
        match &batch.input {
            BatchInput::Events { offsets, units } => {
                let rows = &offsets[k * batch.steps..=(k + 1) * batch.steps];
                for row in rows.windows(2) {
                    hash.add(&(row[1] - row[0]).to_le_bytes());
                    let units = &units[row[0] as usize..row[1] as usize];
                    units.iter().for_each(|unit| hash.add(&unit.to_le_bytes()));
                }
            }
            BatchInput::Frames { values } => {
                let len = batch.steps * batch.inputs;
                values[k * len..(k + 1) * len].iter().for_each(|value| hash.add(&value.to_le_bytes()));
            }
        }
        hash.finish()
    };
    Ok((0..batch.batch).map(sample).collect())
}

/// How the classes of other data relate to those of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClassOrder {
    /// The same names in the same order.
    Same,
    /// The same names in a different order (open the data with the [`Membership`](crate::Membership) of the run, since randomly
    /// drawn parts depend on the order): label l of these data is label `map[l]` of the run.
    /// [`Relabeled`](crate::Relabeled) applies the map.
    Permuted(Vec<u16>),
    /// Different names.
    Different,
}

impl ClassOrder {
    /// Compares the classes of a run with those found.
    pub fn of(recorded: &[String], found: &[String]) -> Self {
        if recorded == found {
            return Self::Same;
        }
        let places: HashMap<&str, u16> = recorded.iter().map(String::as_str).zip(0..=u16::MAX).collect();
        let map: Option<Vec<u16>> = found.iter().map(|name| places.get(name.as_str()).copied()).collect();
        match map {
            // Duplicate names do not determine the order.
            Some(map) if places.len() == recorded.len() && recorded.len() == found.len() => {
                let mut taken = vec![false; recorded.len()];
                let all_differ =
                    map.iter().all(|&label| !std::mem::replace(&mut taken[usize::from(label)], true));
                if all_differ { Self::Permuted(map) } else { Self::Different }
            }
            _ => Self::Different,
        }
    }
}

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The classes; permuted ones can be mapped and are not a difference.
    pub classes: ClassOrder,
    /// All other differences.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// Whether the data are those of the run, including the order of the classes.
    pub fn is_same(&self) -> bool {
        self.differences.is_empty() && self.classes == ClassOrder::Same
    }

    /// The differences that matter when only one part is used, as in an evaluation: samples of other parts do not count.
    pub fn of_part(&self, split: Split) -> Self {
        let matters = |difference: &&Difference| match difference {
            Difference::Samples { recorded, .. } => recorded.split == split,
            _ => true,
        };
        Self {
            classes: self.classes.clone(),
            differences: self.differences.iter().filter(matters).cloned().collect(),
        }
    }
}

/// The list of differences; empty if there are none.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        let mut separate =
            |f: &mut fmt::Formatter<'_>| if std::mem::take(&mut first) { Ok(()) } else { f.write_str("; ") };
        if let ClassOrder::Permuted(_) = self.classes {
            separate(f)?;
            f.write_str("the classes are in a different order")?;
        }
        for difference in &self.differences {
            separate(f)?;
            write!(f, "{difference}")?;
        }
        Ok(())
    }
}

/// A difference between data and those of a run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Difference {
    /// The data set itself, or its shape.
    Setting {
        /// The setting.
        what: &'static str,
        /// Recorded by the run.
        recorded: String,
        /// Found now.
        found: String,
    },
    /// Classes have different names.
    Classes {
        /// Classes of the run that are missing.
        gone: Vec<String>,
        /// Classes that the run did not have.
        new: Vec<String>,
    },
    /// A part has different samples.
    Samples {
        /// Recorded by the run.
        recorded: PartIdentity,
        /// Found now.
        found: PartIdentity,
    },
    /// Channels are standardized by different statistics, as happens when the training part differs.
    Statistics,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting { what, recorded, found } => {
                write!(f, "the {what} is {found}, but was {recorded} in the run")
            }
            Self::Classes { gone, new } => {
                let list = |names: &[String]| {
                    let shown: Vec<_> = names.iter().take(10).map(|name| format!("`{name}`")).collect();
                    let more = if names.len() > 10 {
                        format!(" and {} more", names.len() - 10)
                    } else {
                        String::new()
                    };
                    format!("{}{more}", shown.join(", "))
                };
                match (gone.as_slice(), new.as_slice()) {
                    ([], []) => f.write_str("the classes differ"),
                    (gone, []) => write!(f, "classes of the run are missing: {}", list(gone)),
                    ([], new) => write!(f, "classes that the run did not have: {}", list(new)),
                    (gone, new) => {
                        write!(f, "the classes differ: {} instead of {}", list(new), list(gone))
                    }
                }
            }
            Self::Samples { recorded, found } => {
                let (split, before, now) = (recorded.split, recorded.samples, found.samples);
                if before != now {
                    write!(f, "the {split} part has {}, but {before} in the run", counted(now, "samples"))
                } else if recorded.names != found.names {
                    write!(
                        f,
                        "the {split} part has different samples than in the run ({})",
                        counted(now, "samples")
                    )
                } else {
                    write!(f, "the content of the {split} part ({}) differs", counted(now, "samples"))
                }
            }
            Self::Statistics => f.write_str("channels are standardized by different means and deviations"),
        }
    }
}
