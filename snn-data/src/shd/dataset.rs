//! The data set: samples of one or two files, binned to steps.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::{HDF5, Head, SpikeFile, Spikes};
use super::isolate::Helper;
use super::{SLICE, ShdConfig, UnsortedSpikes};
use crate::fingerprint::Hasher;
use crate::intake::percent;
use crate::part::{SampleIndex, split_recorded};
use crate::{
    BatchBuilder, ClassOrder, Dataset, Error, EventDataset, Fingerprint, InputKind, Intake, LateSpikes,
    Recorded, Split, Splits, TimeUnit,
};

/// Most classes that the largest label may make without words for them, if hardly any of them has samples: more come from a
/// damaged label.
const MAX_EMPTY_CLASSES: usize = 256;

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

/// A file, and who reads it.
struct Source {
    path: PathBuf,
    reader: Reader,
}

enum Reader {
    Direct(SpikeFile),
    Helper(Box<Helper>),
}

impl Source {
    fn open(path: &Path, unit: TimeUnit) -> Result<Self, Error> {
        // The HDF5 library reports a missing file in a page of text, and waits for a pipe.
        let io = |error| Error::io("read the HDF5 file", path, &error);
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(Error::format(HDF5, "it is not a regular file").in_file(path, "type"));
        }
        let reader = match Helper::start(path, unit) {
            Some(helper) => Reader::Helper(Box::new(helper?)),
            None => Reader::Direct(SpikeFile::open(path, unit != TimeUnit::S)?),
        };
        let source = Self { path: path.to_owned(), reader };
        if source.head().labels.is_empty() {
            return Err(Error::format(HDF5, "it holds no sample").in_file(path, "labels"));
        }
        Ok(source)
    }

    fn head(&self) -> &Head {
        match &self.reader {
            Reader::Direct(file) => &file.head,
            Reader::Helper(helper) => &helper.head,
        }
    }

    fn head_mut(&mut self) -> &mut Head {
        match &mut self.reader {
            Reader::Direct(file) => &mut file.head,
            Reader::Helper(helper) => &mut helper.head,
        }
    }

    fn in_file(&self, error: Error, place: impl Into<String>) -> Error {
        error.in_file(&self.path, place)
    }
}

/// Brings the labels of the second file into the order of the words of the first.
fn match_classes(first: &Source, second: &mut Source, doubts: &mut Vec<String>) -> Result<(), Error> {
    let (Some(words), Some(found)) = (&first.head().keys, &second.head().keys) else { return Ok(()) };
    match ClassOrder::of(words, found) {
        ClassOrder::Same => Ok(()),
        ClassOrder::Permuted(map) => {
            let classes = map.len();
            let labels = &second.head().labels;
            if let Some(sample) = labels.iter().position(|&label| usize::from(label) >= classes) {
                let error = Error::Label { label: labels[sample], classes };
                return Err(second.in_file(error, format!("sample {sample}")));
            }
            let labels = &mut second.head_mut().labels;
            labels.iter_mut().for_each(|label| *label = map[usize::from(*label)]);
            doubts.push(
                "the second file has the words of the first in another order: mapped by name".to_owned(),
            );
            Ok(())
        }
        ClassOrder::Different => {
            let lone = |these: &[String], those: &[String]| {
                let lone: Vec<_> =
                    these.iter().filter(|word| !those.contains(word)).take(5).cloned().collect();
                lone.join(", ")
            };
            let problem = format!(
                "its words are not those of the training file ({} against {}; here alone: {}; there alone: {})",
                found.len(),
                words.len(),
                lone(found, words),
                lone(words, found)
            );
            Err(second.in_file(Error::format(HDF5, problem), "extra/keys"))
        }
    }
}

/// How many classes there are: as many as words, or as the largest label says, unless that is absurd.
fn count_classes(files: &[Source]) -> Result<usize, Error> {
    if let Some(keys) = &files[0].head().keys {
        return Ok(keys.len());
    }
    let mut largest = (0, 0, &files[0]);
    let mut occurs = vec![false; 1 << 16];
    for file in files {
        for (sample, &label) in file.head().labels.iter().enumerate() {
            occurs[usize::from(label)] = true;
            if label > largest.0 {
                largest = (label, sample, file);
            }
        }
    }
    let (label, sample, file) = largest;
    let (classes, occurring) = (usize::from(label) + 1, occurs.iter().filter(|&&occurs| occurs).count());
    if classes > MAX_EMPTY_CLASSES && 2 * occurring < classes {
        let problem = format!(
            "label {label} makes {classes} classes, of which {occurring} have a sample: correct it, or name all classes in \
             extra/keys if there are so many"
        );
        return Err(file.in_file(Error::format(HDF5, problem), format!("sample {sample}")));
    }
    Ok(classes)
}

/// What was found in the spikes of a file.
#[derive(Default)]
struct Found {
    spikes: u64,
    late: u64,
    /// Those that would be late if times were in thousandths, and in millionths, of the unit.
    late_if: [u64; 2],
    /// Time of the last spike in ms.
    last: f64,
    /// The highest unit that spikes.
    unit: u16,
}

/// Holds the spikes of two files against each other: an error for two units of time, a doubt about other channels.
fn match_spikes(
    first: &Found,
    second: &Found,
    unit: TimeUnit,
    doubts: &mut Vec<String>,
) -> Result<(), String> {
    /// Fewer tell nothing.
    const FEW: u64 = 100;

    if first.spikes.min(second.spikes) < FEW {
        return Ok(());
    }
    let [a, b] = [first.last, second.last];
    if a.max(b) >= 100.0 * a.min(b) && a.min(b) > 0.0 {
        return Err(format!(
            "its last spike is at {}, that of the training file at {} (data.time_unit = \"{unit}\"): they are not in the \
             same unit",
            b / unit.ms(),
            a / unit.ms()
        ));
    }
    let [a, b] = [first.unit, second.unit].map(|unit| u32::from(unit) + 1);
    if 4 * a.min(b) <= 3 * a.max(b) {
        doubts.push(format!("the training file uses {a} input units, the second file {b}"));
    }
    Ok(())
}

/// Bins all samples of a file.
fn read_samples(
    file: &mut Source,
    config: &ShdConfig,
    events: &mut EventDataset,
    fingerprints: &mut Vec<Fingerprint>,
) -> Result<Found, Error> {
    let mut spikes = Spikes::default();
    let mut found = Found::default();
    let (unit, window) = (config.time_unit, config.steps as f64 * config.dt);
    let samples = file.head().labels.len();
    for begin in (0..samples).step_by(SLICE) {
        let samples = begin..samples.min(begin + SLICE);
        match &mut file.reader {
            Reader::Direct(file) => file.read(samples.clone(), &mut spikes)?,
            Reader::Helper(helper) => helper.read(samples.len(), &mut spikes)?,
        }
        let mut spike = 0;
        for (sample, &end) in samples.zip(&spikes.ends) {
            let (times, units) = (&spikes.times[spike..end], &spikes.units[spike..end]);
            spike = end;
            let in_file = |error: Error| error.in_file(&file.path, format!("sample {sample}"));
            if config.unsorted == UnsortedSpikes::Refuse
                && let Some(k) = times.windows(2).position(|pair| pair[1] < pair[0])
            {
                let problem = format!(
                    "spike {} at {} {unit} comes after one at {} {unit}: set `unsorted = \"sort\"` if that is meant to be",
                    k + 1,
                    times[k + 1],
                    times[k]
                );
                return Err(in_file(Error::format(HDF5, problem)));
            }
            let ms = |&time: &f32| unit.ms() * f64::from(time);
            let spikes = times.iter().map(ms).zip(units.iter().copied());
            events.push(file.head().labels[sample], spikes).map_err(|error| match error {
                // The place in the file says more than the place in the data set.
                Error::Sample { source, .. } => in_file(*source),
                other => in_file(other),
            })?;
            for time in times.iter().map(ms) {
                let late = |time: f64| u64::from(time >= window);
                found.late += late(time);
                found.late_if[0] += late(time * 1e-3);
                found.late_if[1] += late(time * 1e-6);
                found.last = found.last.max(time);
            }
            found.spikes += times.len() as u64;
            found.unit = units.iter().copied().fold(found.unit, u16::max);
            fingerprints.push(fingerprint(times, units));
        }
    }
    if 2 * found.late > found.spikes && config.late != LateSpikes::Crop {
        return Err(file.in_file(too_late(&found, unit, window), "spikes/times"));
    }
    Ok(found)
}

/// Of the numbers in the file.
fn fingerprint(times: &[f32], units: &[u16]) -> Fingerprint {
    let mut hash = Hasher::default();
    let mut bytes = Vec::with_capacity(6 * times.len());
    times.iter().for_each(|time| bytes.extend_from_slice(&time.to_le_bytes()));
    units.iter().for_each(|unit| bytes.extend_from_slice(&unit.to_le_bytes()));
    hash.add(&bytes);
    hash.finish()
}

/// The error for a file most of whose spikes are behind the last step, with what is probably meant.
fn too_late(found: &Found, unit: TimeUnit, window: f64) -> Error {
    let fits = |late: u64| 100 * late <= found.spikes;
    let finer = match unit {
        TimeUnit::S if fits(found.late_if[0]) => Some(TimeUnit::Ms),
        TimeUnit::S if fits(found.late_if[1]) => Some(TimeUnit::Us),
        TimeUnit::Ms if fits(found.late_if[0]) => Some(TimeUnit::Us),
        _ => None,
    };
    let advice = match finer {
        Some(finer) => format!("set data.time_unit = \"{finer}\" if the times are in {finer}, otherwise "),
        None => String::new(),
    };
    Error::LateSpikes {
        late: found.late,
        spikes: found.spikes,
        percent: percent(found.late as f64, found.spikes as f64),
        window,
        last: found.last,
        advice,
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

    /// `0:17` is sample 17 of the first file, `1:17` that of the second.
    fn sample_name(&self, index: usize) -> Option<Cow<'_, str>> {
        Some(self.sample_index.member_name(index).into())
    }

    fn fingerprint(&self, index: usize) -> Option<Fingerprint> {
        Some(self.fingerprints[index])
    }

    fn intake(&self) -> Option<&Intake> {
        self.events.intake()
    }

    fn time_unit(&self) -> Option<TimeUnit> {
        Some(self.time_unit)
    }

    fn sample(&self, index: usize, batch: &mut BatchBuilder) -> Result<(), Error> {
        self.events.sample(index, batch)
    }
}
