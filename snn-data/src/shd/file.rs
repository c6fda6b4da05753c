//! HDF5 files with the layout of the Spiking Heidelberg Digits.

use std::fmt::Display;
use std::ops::Range;
use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;
use hdf5::types::{
    FixedAscii, FixedUnicode, FloatSize, IntSize, TypeDescriptor, VarLenArray, VarLenAscii, VarLenUnicode,
};
use hdf5::{Dataset, H5Type};

use super::head::{HDF5, Head, MAX_SAMPLES, OF_SAMPLES, OF_SPIKES, Person, Spikes};
use crate::Error;

/// Maximum number of bytes of a word in `extra/keys`.
const KEY_BYTES: usize = 64;

/// An open file and its content except the spikes.
pub(super) struct SpikeFile {
    path: PathBuf,
    times: Dataset,
    units: Dataset,
    /// Whether times may be integers.
    integers: bool,
    pub(super) head: Head,
}

impl SpikeFile {
    /// Opens a file; `integers` is true if its times may be integers, which seconds may not.
    pub(super) fn open(path: &Path, integers: bool) -> Result<Self, Error> {
        let file = hdf5::File::open(path).map_err(|error| broken(path, "header", error))?;
        let dataset = |name: &str| file.dataset(name).map_err(|error| broken(path, name, error));
        let times = dataset("spikes/times")?;
        let units = dataset("spikes/units")?;

        for (name, dataset) in [("spikes/times", &times), ("spikes/units", &units)] {
            let shape = dataset.shape();
            if shape.iter().filter(|&&length| length != 1).count() > 1 {
                let problem =
                    format!("an array of shape {shape:?} instead of a list with the spikes of each sample");
                return Err(broken(path, name, problem));
            }
        }
        let samples = times.size();
        if samples > MAX_SAMPLES {
            return Err(broken(
                path,
                "spikes/times",
                format!("{samples} samples: the maximum is {MAX_SAMPLES}"),
            ));
        }
        let labels: Vec<u16> = numbers(path, "labels", &dataset("labels")?)?;
        for (name, found) in [("spikes/units", units.size()), ("labels", labels.len())] {
            if found != samples {
                let error = Error::Length { what: OF_SAMPLES, found, expected: samples };
                return Err(error.in_file(path, name));
            }
        }

        let optional = |name: &str| if file.link_exists(name) { dataset(name).map(Some) } else { Ok(None) };
        let has_extra = file.link_exists("extra");
        let extra = |name: &str| if has_extra { optional(name) } else { Ok(None) };
        let speakers = match extra("extra/speaker")? {
            None => None,
            Some(dataset) => {
                let speakers: Vec<u32> = numbers(path, "extra/speaker", &dataset)?;
                if speakers.len() != samples {
                    let what = OF_SAMPLES;
                    let error = Error::Length { what, found: speakers.len(), expected: samples };
                    return Err(error.in_file(path, "extra/speaker"));
                }
                Some(speakers)
            }
        };
        let keys = match extra("extra/keys")? {
            None => None,
            Some(dataset) => Some(words(path, "extra/keys", &dataset)?),
        };
        let people = if has_extra && file.link_exists("extra/meta_info") {
            people(path, &dataset)?
        } else {
            Vec::new()
        };
        let head = Head { labels, speakers, keys, people };
        Ok(Self { path: path.to_owned(), times, units, integers, head })
    }

    /// Reads some samples into `spikes`, replacing its content.
    pub(super) fn read(&self, samples: Range<usize>, spikes: &mut Spikes) -> Result<(), Error> {
        spikes.times.clear();
        spikes.units.clear();
        spikes.ends.clear();
        let mut unit_ends = Vec::with_capacity(samples.len());
        self.read_times(samples.clone(), spikes)?;
        self.read_units(samples.clone(), &mut spikes.units, &mut unit_ends)?;
        let lengths = |ends: &[usize], k: usize| ends[k] - if k == 0 { 0 } else { ends[k - 1] };
        for k in 0..samples.len() {
            let (found, expected) = (lengths(&unit_ends, k), lengths(&spikes.ends, k));
            if found != expected {
                let error = Error::Length { what: OF_SPIKES, found, expected };
                return Err(error.in_file(&self.path, format!("sample {}", samples.start + k)));
            }
        }
        Ok(())
    }

    fn read_times(&self, samples: Range<usize>, spikes: &mut Spikes) -> Result<(), Error> {
        let Spikes { times, ends, .. } = spikes;
        let place = "spikes/times";
        match element(&self.path, place, &self.times)? {
            TypeDescriptor::Float(FloatSize::U2) => {
                self.rows(place, &self.times, samples, |_, row: &[f16]| {
                    let begin = times.len();
                    times.resize(begin + row.len(), 0.0);
                    row.convert_to_f32_slice(&mut times[begin..]);
                    ends.push(times.len());
                    Ok(())
                })
            }
            // The HDF5 library converts wider types to f32, which is exact to a microsecond for the first 8 s.
            TypeDescriptor::Float(_) => self.rows(place, &self.times, samples, |_, row: &[f32]| {
                times.extend_from_slice(row);
                ends.push(times.len());
                Ok(())
            }),
            // Milliseconds and microseconds are often integers; exact up to 16 s of the latter.
            TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) if self.integers => {
                self.rows(place, &self.times, samples, |_, row: &[i64]| {
                    times.extend(row.iter().map(|&time| time as f32));
                    ends.push(times.len());
                    Ok(())
                })
            }
            TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) => {
                let problem = "times are integers, not floating point in seconds: set data.time_unit to \"ms\" or \
                               \"us\" if they are milliseconds or microseconds";
                Err(broken(&self.path, place, problem))
            }
            other => Err(broken(&self.path, place, format!("times are {other}, not floating point"))),
        }
    }

    fn read_units(
        &self,
        samples: Range<usize>,
        units: &mut Vec<u32>,
        ends: &mut Vec<usize>,
    ) -> Result<(), Error> {
        let place = "spikes/units";
        match element(&self.path, place, &self.units)? {
            TypeDescriptor::Unsigned(IntSize::U2) => {
                self.rows(place, &self.units, samples, |_, row: &[u16]| {
                    units.extend(row.iter().map(|&unit| u32::from(unit)));
                    ends.push(units.len());
                    Ok(())
                })
            }
            TypeDescriptor::Unsigned(IntSize::U8) => {
                self.rows(place, &self.units, samples, |sample, row: &[u64]| {
                    self.narrow(sample, row, units, ends)
                })
            }
            // The HDF5 library converts all other integer types to i64.
            TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) => {
                self.rows(place, &self.units, samples, |sample, row: &[i64]| {
                    self.narrow(sample, row, units, ends)
                })
            }
            other => Err(broken(&self.path, place, format!("units are {other}, not integers"))),
        }
    }

    fn narrow<T: Copy + TryInto<u32> + Display>(
        &self,
        sample: usize,
        row: &[T],
        units: &mut Vec<u32>,
        ends: &mut Vec<usize>,
    ) -> Result<(), Error> {
        for (k, &unit) in row.iter().enumerate() {
            let narrow = unit.try_into().map_err(|_| {
                broken(&self.path, &format!("sample {sample}, spike {k}"), format!("{unit} is not a channel"))
            })?;
            units.push(narrow);
        }
        ends.push(units.len());
        Ok(())
    }

    /// Visits rows of variable length.
    fn rows<T>(
        &self,
        place: &str,
        dataset: &Dataset,
        samples: Range<usize>,
        mut visit: impl FnMut(usize, &[T]) -> Result<(), Error>,
    ) -> Result<(), Error>
    where
        T: Copy,
        VarLenArray<T>: H5Type,
    {
        let first = samples.start;
        let rows = dataset
            .read_slice_1d::<VarLenArray<T>, _>(samples)
            .map_err(|error| broken(&self.path, &format!("{place}, from sample {first} on"), error))?;
        rows.iter().enumerate().try_for_each(|(k, row)| visit(first + k, row.as_slice()))
    }
}

fn broken(path: &Path, place: &str, problem: impl Display) -> Error {
    let problem = problem.to_string();
    let lower = problem.to_ascii_lowercase();
    let error = if lower.contains("unable to lock file") || lower.contains("unable to flock") {
        busy_error(&problem)
    } else if lower.contains("already open for write") || lower.contains("consistency flags") {
        let advice =
            "the program that wrote it has not closed it: wait for it, or clear the mark with `h5clear -s`";
        Error::format(HDF5, format!("{advice} ({problem})"))
    } else if ["filter plugin", "can't open directory", "is not registered"]
        .iter()
        .any(|it| lower.contains(it))
    {
        // Libraries without a plugin folder report that folder instead of the filter.
        let filter = match problem.split('\'').nth(1).filter(|_| lower.contains("filter")) {
            Some(name) => format!("the filter `{name}`"),
            None => "a filter that is not installed".to_owned(),
        };
        let advice = "install its plugin, or repack the file with `h5repack -f GZIP=4 OLD NEW`";
        Error::Unsupported { format: HDF5, kind: format!("compressed with {filter}: {advice} ({problem})") }
    } else {
        Error::format(HDF5, problem)
    };
    error.in_file(path, place)
}

/// For a file that is locked, or on a file system without locks.
fn busy_error(problem: &str) -> Error {
    Error::Busy {
        format: HDF5,
        reason: format!(
            "another program has it open for writing, or its file system does not support locks: wait for that program, or set the \
             environment variable HDF5_USE_FILE_LOCKING=FALSE if no program writes ({problem})"
        ),
    }
}

fn descriptor(path: &Path, place: &str, dataset: &Dataset) -> Result<TypeDescriptor, Error> {
    let descriptor = dataset.dtype().and_then(|dtype| dtype.to_descriptor());
    descriptor.map_err(|error| broken(path, place, error))
}

/// The element type of rows of variable length.
fn element(path: &Path, place: &str, dataset: &Dataset) -> Result<TypeDescriptor, Error> {
    match descriptor(path, place, dataset)? {
        TypeDescriptor::VarLenArray(element) if dataset.ndim() == 1 => Ok(*element),
        other => {
            let shape = dataset.shape();
            Err(broken(
                path,
                place,
                format!("{other} with shape {shape:?} instead of rows of variable length"),
            ))
        }
    }
}

/// A list of integers of any width.
fn numbers<T: TryFrom<i64>>(path: &Path, place: &str, dataset: &Dataset) -> Result<Vec<T>, Error> {
    match descriptor(path, place, dataset)? {
        TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) if dataset.size() <= MAX_SAMPLES => {}
        other => {
            let shape = dataset.shape();
            return Err(broken(
                path,
                place,
                format!("{other} with shape {shape:?} instead of a list of integers"),
            ));
        }
    }
    let numbers = dataset.read_raw::<i64>().map_err(|error| broken(path, place, error))?;
    let narrow = |(k, number): (usize, i64)| {
        T::try_from(number)
            .map_err(|_| broken(path, &format!("{place}, entry {k}"), format!("{number} is out of range")))
    };
    numbers.into_iter().enumerate().map(narrow).collect()
}

/// A list of strings, fixed or variable length, ASCII or UTF-8 (files often confuse the two).
fn words(path: &Path, place: &str, dataset: &Dataset) -> Result<Vec<String>, Error> {
    /// Reads strings of type `S`.
    fn read<S: H5Type>(dataset: &Dataset, bytes: impl Fn(&S) -> &[u8]) -> hdf5::Result<Vec<Vec<u8>>> {
        Ok(dataset.read_raw::<S>()?.iter().map(|word| bytes(word).to_vec()).collect())
    }
    let list = match descriptor(path, place, dataset)? {
        _ if dataset.size() > MAX_SAMPLES => Err("too many words".into()),
        TypeDescriptor::FixedAscii(_) => read::<FixedAscii<KEY_BYTES>>(dataset, |word| word.as_bytes()),
        TypeDescriptor::FixedUnicode(_) => read::<FixedUnicode<KEY_BYTES>>(dataset, |word| word.as_bytes()),
        TypeDescriptor::VarLenAscii => read::<VarLenAscii>(dataset, |word| word.as_bytes()),
        TypeDescriptor::VarLenUnicode => read::<VarLenUnicode>(dataset, |word| word.as_bytes()),
        other => Err(format!("{other} instead of strings").into()),
    };
    let list = list.map_err(|error| broken(path, place, error))?;
    let text = |(k, word): (usize, Vec<u8>)| {
        String::from_utf8(word)
            .map_err(|_| broken(path, &format!("{place}, entry {k}"), "the word is not UTF-8"))
    };
    list.into_iter().enumerate().map(text).collect()
}

/// The speakers; all of their attributes are optional.
fn people(path: &Path, dataset: &impl Fn(&str) -> Result<Dataset, Error>) -> Result<Vec<Person>, Error> {
    let genders = dataset("extra/meta_info/gender").ok();
    let genders = genders.map_or(Ok(vec![]), |dataset| words(path, "extra/meta_info/gender", &dataset))?;
    let integers = |place: &str| -> Result<Vec<u32>, Error> {
        dataset(place).ok().map_or(Ok(vec![]), |dataset| numbers(path, place, &dataset))
    };
    let ages = integers("extra/meta_info/age")?;
    let heights = integers("extra/meta_info/body_height")?;
    let count = genders.len().max(ages.len()).max(heights.len());
    Ok((0..count)
        .map(|k| Person {
            gender: genders.get(k).cloned(),
            age: ages.get(k).copied(),
            body_height: heights.get(k).copied(),
        })
        .collect())
}
