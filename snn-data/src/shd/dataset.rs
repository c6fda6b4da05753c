//! The data set: samples of up to three files, binned to steps.

use std::borrow::Cow;
use std::path::Path;

use super::head::Person;
use super::matching::{count_classes, match_classes, match_spikes, shared_names};
use super::samples::read_samples;
use super::source::Source;
use super::{Sensor, ShdConfig};
use crate::channels::{Channels, Layout};
use crate::delegate::delegate;
use crate::part::{SampleIndex, split_recorded};
use crate::{Dataset, Error, EventDataset, Fingerprint, Recorded, Split, SplitRule, TimeUnit};

/// The Spiking Heidelberg Digits (Cramer et al. 2020): spoken digits in English (classes 0 to 9) and German (10 to 19) as
/// spikes of 700 cochlear channels; or any spike files, each in one of three formats:
///
/// - HDF5 (feature `hdf5`): `spikes/times` (rows of variable length, floating point of any width, seconds), `spikes/units` (integers
///   of any width) and `labels`; `extra/speaker`, `extra/keys` (the word of each class) and `extra/meta_info` (`gender`, `age` and
///   `body_height` of each speaker) are read if they are there.
/// - npz (feature `events`): `times` and `units`, one entry per spike; `offsets`, where each sample begins followed by the end of the
///   last, or `sample`, the number of each spike's sample; `labels`, one per sample. Optional: `speaker` (numbers), `classes` (texts,
///   the word of each class) and `time_unit` (`s`, `ms` or `us`). Any number type is accepted.
/// - CSV (feature `events`): a header line, then one line per spike with the columns `sample` (any text), `time`, `unit` and `label` (a
///   number, or a word that names the class), and optionally `speaker` (a number). Samples are numbered in the order of their first
///   occurrence; a line with neither time nor unit adds a sample without spikes.
///
/// Spikes of a [`Sensor`] have pixels instead of `units`: `x`, `y` and, unless polarities are merged, `p` (1 for on, 0 for off).
///
/// A spike at t falls into step floor(t / dt).
///
/// A damaged file is refused if the HDF5 library detects the damage. That library trusts some of the lengths and offsets in a
/// file, and a damaged file may crash the program or hang it: programs should read files through a helper process
/// (`isolate_hdf5`), or open only files with a known checksum or origin.
///
/// Samples of the training file come first, followed by those of the test file and those of the validation file. The files are
/// the official parts.
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
    people: Vec<Person>,
    time_unit: TimeUnit,
    fingerprints: Vec<Fingerprint>,
}

/// The spike files of a data set.
#[derive(Clone, Copy, Debug)]
pub struct SpikeParts<'a> {
    /// The samples for training, and for the selections by the configuration.
    pub train: &'a Path,
    /// The official test part.
    pub test: Option<&'a Path>,
    /// The official validation part.
    pub valid: Option<&'a Path>,
}

/// The names of the files after the first in notes.
const ORDINALS: [&str; 2] = ["second", "third"];

impl Shd {
    /// Reads `shd_train.h5` and `shd_test.h5` from a folder.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] for a missing file, otherwise as [`from_files`](Self::from_files).
    pub fn open(folder: impl AsRef<Path>, config: &ShdConfig) -> Result<Self, Error> {
        Self::open_recorded("shd", folder, config, Recorded::default())
    }

    /// Reads `NAME_train.h5`, `NAME_test.h5` and, except for `shd`, `NAME_valid.h5` from a folder: `ssc` for the Spiking Speech Commands.
    /// Uses the parts recorded by a run.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and [`Error::Membership`] for samples of the run that are missing.
    pub fn open_recorded(
        name: &str,
        folder: impl AsRef<Path>,
        config: &ShdConfig,
        recorded: Recorded<'_>,
    ) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let [train, test, valid] =
            ["train", "test", "valid"].map(|part| folder.join(format!("{name}_{part}.h5")));
        let valid = Some(valid).filter(|_| name != "shd");
        for path in [&train, &test].into_iter().chain(&valid) {
            if !path.is_file() {
                let what = format!("file `{}`", path.file_name().unwrap_or_default().display());
                return Err(Error::Missing { what, path: folder.to_owned() });
            }
        }
        let parts = SpikeParts { train: &train, test: Some(&test), valid: valid.as_deref() };
        Self::from_parts(name, parts, config, None, recorded)
    }

    /// Reads files in one of the formats: one for training, and another for the test unless the configuration selects the test part.
    ///
    /// The classes are those named in the first file; without names, 0 to the largest label of all files.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for an invalid configuration; [`Error::File`] with the sample for a file that is damaged or has another
    /// layout: lists with inconsistent lengths, a label without a class, a channel beyond the inputs, a time that is negative, not
    /// finite or out of order (unless `unsorted` allows it), or two files with different words or time units; there also
    /// [`Error::LateSpikes`] for a file most of whose spikes fall after the last step; [`Error::Io`], [`Error::OutOfMemory`].
    pub fn from_files(
        name: &str,
        train: &Path,
        test: Option<&Path>,
        config: &ShdConfig,
    ) -> Result<Self, Error> {
        let parts = SpikeParts { train, test, valid: None };
        Self::from_parts(name, parts, config, None, Recorded::default())
    }

    /// [`from_files`](Self::from_files) with a validation file, the pixels of a sensor as channels, and the parts recorded by a run.
    ///
    /// # Errors
    ///
    /// Those of [`from_files`](Self::from_files), [`Error::Setting`] for a validation file if the configuration selects the
    /// validation part by another rule, and [`Error::Membership`] for samples of the run that are missing.
    pub fn from_parts(
        name: &str,
        parts: SpikeParts<'_>,
        config: &ShdConfig,
        sensor: Option<Sensor>,
        recorded: Recorded<'_>,
    ) -> Result<Self, Error> {
        let layout = sensor.map_or(Layout::Line(config.inputs), Sensor::layout);
        config.validate_for(sensor)?;
        if parts.valid.is_some() && config.valid != SplitRule::Official {
            let allowed = "{ by = \"official\" } if there is a validation file";
            return Err(Error::setting("valid", "another rule", allowed));
        }
        let channels = Channels::new(layout, &config.channels, config.pool)?;
        let open = |path| Source::open(path, config.time_unit, &channels);
        let paths = std::iter::once(parts.train).chain(parts.test).chain(parts.valid);
        let mut files = paths.map(open).collect::<Result<Vec<_>, _>>()?;
        let mut doubts = Vec::new();
        if let [first, others @ ..] = files.as_mut_slice() {
            for (other, which) in others.iter_mut().zip(ORDINALS) {
                match_classes(first, other, which, &mut doubts)?;
            }
        }
        let classes = count_classes(&files)?;
        doubts.extend(shared_names(&files[0]));
        let mut events = EventDataset::new(name, channels.inputs(), classes, config.binning())?;
        events.reserve(files.iter().map(|file| file.head().labels.len()).sum(), 0)?;
        let mut read = Vec::new();
        for file in &mut files {
            read.push(read_samples(file, config, &channels, &mut events)?);
        }
        if let [first, others @ ..] = read.as_slice() {
            for ((other, which), file) in others.iter().zip(ORDINALS).zip(&files[1..]) {
                let unit = files[0].time_unit();
                match_spikes(first, other, which, unit, &mut doubts)
                    .map_err(|problem| file.in_file(Error::format(file.format(), problem), "spikes/times"))?;
            }
        }
        let last = read.iter().map(|read| read.found.last).fold(0.0, f64::max);
        let window = config.steps as f64 * config.dt;
        if read.iter().all(|read| read.found.spikes == 0) {
            doubts.push("no sample has a spike".to_owned());
        } else if 100.0 * last <= window && last > 0.0 {
            let unit = files[0].time_unit();
            doubts.push(format!(
                "all spikes are within {last:.3} ms of the {window} ms of a sample: is data.time_unit = \"{unit}\" correct?"
            ));
        }
        let sample_index = Speakers::of(&files, parts);
        let intake = events.intake_mut();
        intake.doubts = doubts;
        let splits = split_recorded(&sample_index, [&config.test, &config.valid], recorded, intake)?;
        events.set_splits(splits)?;
        let people = files[0].head().people.clone();
        let fingerprints = read.into_iter().flat_map(|read| read.fingerprints).collect();
        Ok(Self { events, sample_index, people, time_unit: files[0].time_unit(), fingerprints })
    }

    /// The file's information about speakers, by number; empty if there is none.
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

/// The speakers, words and files of the samples.
#[derive(Clone, Debug)]
struct Speakers {
    labels: Vec<u16>,
    /// The word of each class, if the first file has them.
    keys: Option<Vec<String>>,
    /// The speaker of each sample, if its file has it.
    speakers: Vec<Option<String>>,
    /// Where the samples of each file end, with its part.
    ends: Vec<(usize, Split)>,
}

impl Speakers {
    fn of(files: &[Source], parts: SpikeParts<'_>) -> Self {
        let speakers = files.iter().flat_map(|file| match &file.head().speakers {
            Some(speakers) => speakers.iter().map(|speaker| Some(speaker.to_string())).collect(),
            None => vec![None; file.head().labels.len()],
        });
        let splits = [Some(Split::Train), parts.test.map(|_| Split::Test), parts.valid.map(|_| Split::Valid)];
        let ends = files.iter().scan(0, |end, file| {
            *end += file.head().labels.len();
            Some(*end)
        });
        Self {
            keys: files[0].head().keys.clone(),
            speakers: speakers.collect(),
            labels: files.iter().flat_map(|file| file.head().labels.iter().copied()).collect(),
            ends: ends.zip(splits.into_iter().flatten()).collect(),
        }
    }

    /// The file of a sample, and its index in it.
    fn place(&self, index: usize) -> (usize, usize) {
        let file = self.ends.iter().take_while(|(end, _)| *end <= index).count();
        (file, if file == 0 { index } else { index - self.ends[file - 1].0 })
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
        let (file, _) = self.place(index);
        Some(self.ends[file].1).filter(|&split| split != Split::Train)
    }

    fn class_name(&self, label: u16) -> Option<String> {
        self.keys.as_ref()?.get(usize::from(label)).cloned()
    }

    /// File and index in it, to keep the names of the second file's samples if the first file grows. The validation file is 2
    /// even without a test file.
    fn member_name(&self, index: usize) -> String {
        let (file, place) = self.place(index);
        let file = match self.ends[file].1 {
            Split::Train => 0,
            Split::Test => 1,
            Split::Valid => 2,
        };
        format!("{file}:{place}")
    }
}

impl Dataset for Shd {
    delegate!(events: shape label intake);

    /// The word, if the file has it.
    fn class_name(&self, label: u16) -> Option<&str> {
        self.sample_index.keys.as_ref()?.get(usize::from(label)).map(String::as_str)
    }

    /// The number of the speaker, if the file has it.
    fn speaker(&self, index: usize) -> Option<&str> {
        self.sample_index.speaker(index)
    }

    /// `0:17` is sample 17 of the training file, `1:17` that of the test file, `2:17` that of the validation file.
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
