//! The data set: samples of one or two files, binned to steps.

use std::borrow::Cow;
use std::path::Path;

use super::ShdConfig;
use super::file::{HDF5, Person};
use super::samples::{match_spikes, read_samples};
use super::source::{Source, count_classes, match_classes};
use crate::delegate::delegate;
use crate::part::{SampleIndex, split_recorded};
use crate::{Dataset, Error, EventDataset, Fingerprint, Recorded, Split, TimeUnit};

/// The Spiking Heidelberg Digits (Cramer et al. 2020): spoken digits in English (classes 0 to 9) and German (10 to 19) as
/// spikes of 700 cochlear channels.
///
/// A file holds `spikes/times` (rows of variable length, floating point of any width, seconds), `spikes/units` (integers of any
/// width) and `labels`; `extra/speaker`, `extra/keys` (the word of each class) and `extra/meta_info` (`gender`, `age` and
/// `body_height` of each speaker) are read if they are there. A spike at t falls into step floor(t / dt).
///
/// A damaged file is refused wherever the HDF5 library notices. That library trusts some of the lengths and places within a
/// file, so that a damaged one may end the program or keep it busy for ever: a program should have files read by a helper
/// ([`isolate_hdf5`](crate::isolate_hdf5)), or open only those whose checksum or origin is known.
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
    time_unit: TimeUnit,
    fingerprints: Vec<Fingerprint>,
}

impl Shd {
    /// Reads `shd_train.h5` and `shd_test.h5` from a folder.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] for a file that is not there, otherwise as [`from_files`](Self::from_files).
    pub fn open(folder: impl AsRef<Path>, config: &ShdConfig) -> Result<Self, Error> {
        Self::open_recorded(folder, config, Recorded::default())
    }

    /// [`open`](Self::open) with the parts that a run has recorded.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and [`Error::Membership`] for samples of the run that are not there.
    pub fn open_recorded(
        folder: impl AsRef<Path>,
        config: &ShdConfig,
        recorded: Recorded<'_>,
    ) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let [train, test] = ["shd_train.h5", "shd_test.h5"].map(|name| folder.join(name));
        for path in [&train, &test] {
            if !path.is_file() {
                let what = format!("file `{}`", path.file_name().unwrap_or_default().display());
                return Err(Error::Missing { what, path: folder.to_owned() });
            }
        }
        Self::from_files_recorded("shd", &train, Some(&test), config, recorded)
    }

    /// Reads files of this layout: one for training, and another for the test unless the configuration chooses it.
    ///
    /// The classes are those that the first file names in `extra/keys`; without them, 0 to the largest label of both files.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an impossible configuration; [`Error::File`] with the sample for a file that is damaged or not
    /// of this layout: lists that do not fit together, a label without a class, a unit beyond the inputs, a time that is
    /// negative, not finite or (if it is to be refused) out of order, two files whose words or units of time do not go
    /// together; there also [`Error::LateSpikes`] for a file most of whose spikes lie behind the last step;
    /// [`Error::Io`], [`Error::OutOfMemory`].
    pub fn from_files(
        name: &str,
        train: &Path,
        test: Option<&Path>,
        config: &ShdConfig,
    ) -> Result<Self, Error> {
        Self::from_files_recorded(name, train, test, config, Recorded::default())
    }

    /// [`from_files`](Self::from_files) with the parts that a run has recorded.
    ///
    /// # Errors
    ///
    /// Those of [`from_files`](Self::from_files), and [`Error::Membership`] for samples of the run that are not there.
    pub fn from_files_recorded(
        name: &str,
        train: &Path,
        test: Option<&Path>,
        config: &ShdConfig,
        recorded: Recorded<'_>,
    ) -> Result<Self, Error> {
        config.validate()?;
        let open = |path| Source::open(path, config.time_unit);
        let mut files = std::iter::once(train).chain(test).map(open).collect::<Result<Vec<_>, _>>()?;
        let mut doubts = Vec::new();
        if let [first, second] = files.as_mut_slice() {
            match_classes(first, second, &mut doubts)?;
        }
        let classes = count_classes(&files)?;
        let mut events = EventDataset::new(name, config.inputs, classes, config.binning())?;
        events.reserve(files.iter().map(|file| file.head().labels.len()).sum(), 0)?;
        let mut fingerprints = Vec::new();
        let mut found = Vec::new();
        for file in &mut files {
            found.push(read_samples(file, config, &mut events, &mut fingerprints)?);
        }
        if let [first, second] = found.as_slice() {
            match_spikes(first, second, config.time_unit, &mut doubts)
                .map_err(|problem| Error::format(HDF5, problem).in_file(&files[1].path, "spikes/times"))?;
        }
        let last = found.iter().map(|found| found.last).fold(0.0, f64::max);
        let window = config.steps as f64 * config.dt;
        if found.iter().all(|found| found.spikes == 0) {
            doubts.push("no sample has a spike".to_owned());
        } else if 100.0 * last <= window && last > 0.0 {
            let unit = config.time_unit;
            doubts.push(format!(
                "all spikes lie within {last:.3} ms of the {window} ms of a sample: is data.time_unit = \"{unit}\" right?"
            ));
        }
        let sample_index = Speakers::of(&files);
        let intake = events.intake_mut();
        intake.doubts = doubts;
        let splits = split_recorded(&sample_index, [&config.test, &config.valid], recorded, intake)?;
        events.set_splits(splits)?;
        let (keys, people) = (files[0].head().keys.clone(), files[0].head().people.clone());
        Ok(Self { events, sample_index, keys, people, time_unit: config.time_unit, fingerprints })
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
    fn of(files: &[Source]) -> Self {
        let speakers = files.iter().flat_map(|file| match &file.head().speakers {
            Some(speakers) => speakers.iter().map(|speaker| Some(speaker.to_string())).collect(),
            None => vec![None; file.head().labels.len()],
        });
        Self {
            speakers: speakers.collect(),
            labels: files.iter().flat_map(|file| file.head().labels.iter().copied()).collect(),
            trained: files[0].head().labels.len(),
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

    /// File and place in it, so that a longer first file does not rename the samples of the second.
    fn member_name(&self, index: usize) -> String {
        match index.checked_sub(self.trained) {
            None => format!("0:{index}"),
            Some(index) => format!("1:{index}"),
        }
    }
}

impl Dataset for Shd {
    delegate!(events: shape label intake);

    /// The word, if the file has it.
    fn class_name(&self, label: u16) -> Option<&str> {
        self.keys.as_ref()?.get(usize::from(label)).map(String::as_str)
    }

    /// The number of the speaker, if the file has it.
    fn speaker(&self, index: usize) -> Option<&str> {
        self.sample_index.speaker(index)
    }

    /// `0:17` is sample 17 of the first file, `1:17` that of the second.
    fn sample_name(&self, index: usize) -> Option<Cow<'_, str>> {
        Some(self.sample_index.member_name(index).into())
    }

    fn fingerprint(&self, index: usize) -> Option<Fingerprint> {
        Some(self.fingerprints[index])
    }

    fn time_unit(&self) -> Option<TimeUnit> {
        Some(self.time_unit)
    }
}
