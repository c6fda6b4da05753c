//! The data set: samples of one or two files, binned to steps.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::file::{SpikeFile, Spikes};
use super::{ShdConfig, UnsortedSpikes};
use crate::part::{SampleIndex, split};
use crate::{BatchBuilder, Dataset, Error, EventDataset, InputKind, Split, Splits};

/// Samples that are read at once: few enough to need little memory, enough to be fast.
const SLICE: usize = 256;

/// The Spiking Heidelberg Digits (Cramer et al. 2020): spoken digits in English (classes 0 to 9) and German (10 to 19) as
/// spikes of 700 cochlear channels.
///
/// A file holds `spikes/times` (rows of variable length, floating point of any width, seconds), `spikes/units` (integers of any
/// width) and `labels`; `extra/speaker`, `extra/keys` (the word of each class) and `extra/meta_info` (`gender`, `age` and
/// `body_height` of each speaker) are read if they are there. A spike at t falls into step floor(t / dt).
///
/// A damaged file is refused wherever the HDF5 library notices. That library trusts some of the lengths and places within a
/// file, so that one made to do harm may end the program: open only files whose checksum or origin is known.
///
/// Samples of the first file come first, then those of the second, the official test part.
///
/// ```no_run
/// use snn_data::{Dataset, SplitRule, Shd, ShdConfig};
///
/// # fn main() -> Result<(), snn_data::Error> {
/// let leave_one_out = SplitRule::Speakers { speakers: vec!["3".into()] };
/// let data = Shd::open("data/shd", &ShdConfig { valid: leave_one_out, ..ShdConfig::default() })?;
/// assert_eq!((data.len(), data.inputs(), data.classes()), (8156 + 2264, 700, 20));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Shd {
    events: EventDataset,
    sample_index: Speakers,
    keys: Option<Vec<String>>,
    people: Vec<Person>,
}

/// What a file tells of a speaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// `male` or `female`, as the file writes it.
    pub gender: Option<String>,
    /// Age in years.
    pub age: Option<u32>,
    /// Height in cm.
    pub body_height: Option<u32>,
}

impl Shd {
    /// Reads `shd_train.h5` and `shd_test.h5` from a folder.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] for a file that is not there, otherwise as [`from_files`](Self::from_files).
    pub fn open(folder: impl AsRef<Path>, config: &ShdConfig) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let [train, test] = ["shd_train.h5", "shd_test.h5"].map(|name| folder.join(name));
        for path in [&train, &test] {
            if !path.is_file() {
                let what = format!("file `{}`", path.file_name().unwrap_or_default().display());
                return Err(Error::Missing { what, path: folder.to_owned() });
            }
        }
        Self::from_files("shd", &train, Some(&test), config)
    }

    /// Reads files of this layout: one for training, and another for the test unless the configuration chooses it.
    ///
    /// The classes are those that the first file names in `extra/keys`; without them, 0 to the largest label of both files.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an impossible configuration; [`Error::File`] with the sample for a file that is damaged or not
    /// of this layout: lists that do not fit together, a label without a class, a unit beyond the inputs, a time that is
    /// negative, not a number or (if it is to be refused) out of order; [`Error::Io`], [`Error::OutOfMemory`].
    pub fn from_files(
        name: &str,
        train: &Path,
        test: Option<&Path>,
        config: &ShdConfig,
    ) -> Result<Self, Error> {
        config.validate()?;
        let files = std::iter::once(train).chain(test).map(SpikeFile::open).collect::<Result<Vec<_>, _>>()?;
        let first = &files[0];
        let largest =
            files.iter().flat_map(|file| &file.labels).max().map_or(1, |&label| usize::from(label) + 1);
        let classes = first.keys.as_ref().map_or(largest, Vec::len);

        let mut events = EventDataset::new(name, config.inputs, classes, config.binning())?;
        events.reserve(files.iter().map(|file| file.labels.len()).sum(), 0)?;
        for file in &files {
            read_samples(file, config, &mut events)?;
        }
        let sample_index = Speakers::of(&files);
        events.set_splits(split(&sample_index, &config.test, &config.valid)?)?;
        let (keys, people) = (first.keys.clone(), first.people.clone());
        Ok(Self { events, sample_index, keys, people })
    }

    /// What the file tells of its speakers, by number; empty if it tells nothing.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Number of spikes of a sample, after binning.
    ///
    /// # Panics
    ///
    /// When `index >= len()`.
    pub fn spikes(&self, index: usize) -> usize {
        self.events.spikes(index)
    }
}

/// Bins all samples of a file.
fn read_samples(file: &SpikeFile, config: &ShdConfig, events: &mut EventDataset) -> Result<(), Error> {
    let mut spikes = Spikes::default();
    for begin in (0..file.labels.len()).step_by(SLICE) {
        let samples = begin..file.labels.len().min(begin + SLICE);
        file.read(samples.clone(), &mut spikes)?;
        let mut spike = 0;
        for (sample, &end) in samples.zip(&spikes.ends) {
            let (times, units) = (&spikes.times[spike..end], &spikes.units[spike..end]);
            spike = end;
            let in_file = |error: Error| error.in_file(file.path(), format!("sample {sample}"));
            if config.unsorted == UnsortedSpikes::Refuse
                && let Some(k) = times.windows(2).position(|pair| pair[1] < pair[0])
            {
                let problem = format!(
                    "spike {} at {} s comes after one at {} s: set `unsorted = \"sort\"` if that is meant to be",
                    k + 1,
                    times[k + 1],
                    times[k]
                );
                return Err(in_file(Error::format("HDF5 file of spikes", problem)));
            }
            let spikes = times.iter().map(|&seconds| 1000.0 * f64::from(seconds)).zip(units.iter().copied());
            events.push(file.labels[sample], spikes).map_err(|error| match error {
                // The place in the file says more than the place in the data set.
                Error::Sample { source, .. } => in_file(*source),
                other => in_file(other),
            })?;
        }
    }
    Ok(())
}

/// Who says what in which file.
#[derive(Clone, Debug)]
struct Speakers {
    labels: Vec<u16>,
    /// Of each sample, if its file names it.
    speakers: Vec<Option<String>>,
    /// Samples of the first file.
    trained: usize,
}

impl Speakers {
    fn of(files: &[SpikeFile]) -> Self {
        let speakers = files.iter().flat_map(|file| match &file.speakers {
            Some(speakers) => speakers.iter().map(|speaker| Some(speaker.to_string())).collect(),
            None => vec![None; file.labels.len()],
        });
        Self {
            speakers: speakers.collect(),
            labels: files.iter().flat_map(|file| file.labels.iter().copied()).collect(),
            trained: files[0].labels.len(),
        }
    }
}

impl SampleIndex for Speakers {
    fn labels(&self) -> &[u16] {
        &self.labels
    }

    fn speaker(&self, index: usize) -> Option<&str> {
        self.speakers[index].as_deref()
    }

    fn sample_name(&self, index: usize) -> String {
        index.to_string()
    }

    fn official(&self, index: usize) -> Option<Split> {
        (index >= self.trained).then_some(Split::Test)
    }
}

impl Dataset for Shd {
    fn name(&self) -> &str {
        self.events.name()
    }

    fn len(&self) -> usize {
        self.events.len()
    }

    fn classes(&self) -> usize {
        self.events.classes()
    }

    fn inputs(&self) -> usize {
        self.events.inputs()
    }

    fn steps(&self) -> usize {
        self.events.steps()
    }

    fn dt(&self) -> f64 {
        self.events.dt()
    }

    fn kind(&self) -> InputKind {
        self.events.kind()
    }

    fn splits(&self) -> &Splits {
        self.events.splits()
    }

    fn label(&self, index: usize) -> u16 {
        self.events.label(index)
    }

    /// The word, if the file has it.
    fn class_name(&self, label: u16) -> Option<&str> {
        self.keys.as_ref()?.get(usize::from(label)).map(String::as_str)
    }

    /// The number of the speaker, if the file has it.
    fn speaker(&self, index: usize) -> Option<&str> {
        self.sample_index.speaker(index)
    }

    fn sample(&self, index: usize, batch: &mut BatchBuilder) -> Result<(), Error> {
        self.events.sample(index, batch)
    }
}
