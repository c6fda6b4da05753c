//! The spikes of a file: checked, binned, and fingerprinted.

use std::fmt::Display;

#[cfg(feature = "hdf5")]
use super::head::{SLICE, Spikes};
use super::source::{Reader, Source};
use super::{ShdConfig, UnsortedSpikes};
use crate::channels::Channels;
use crate::fingerprint::Hasher;
use crate::late::Found;
use crate::{Error, EventDataset, Fingerprint, Reason};

/// Statistics of the spikes of a file.
pub(super) struct Read {
    pub(super) found: Found,
    /// The highest channel that spikes.
    pub(super) channel: u32,
    /// The fingerprint of each sample.
    pub(super) fingerprints: Vec<Fingerprint>,
}

/// Bins all samples of a file.
pub(super) fn read_samples(
    file: &mut Source,
    config: &ShdConfig,
    channels: &Channels,
    events: &mut EventDataset,
) -> Result<Read, Error> {
    let window = config.steps as f64 * config.dt;
    let read = Read { found: Found::default(), channel: 0, fingerprints: Vec::new() };
    let (format, unit) = (file.format(), file.time_unit());
    let Source { path, reader, .. } = file;
    let mut reading =
        Reading { config, channels, events, window, format, unit: unit.to_string(), unselected: 0, read };
    let ms = unit.ms();
    match reader {
        #[cfg(feature = "hdf5")]
        Reader::Direct(file) => {
            let mut spikes = Spikes::default();
            let samples = file.head.labels.len();
            for begin in (0..samples).step_by(SLICE) {
                crate::cancel::check()?;
                let slice = begin..samples.min(begin + SLICE);
                file.read(slice, &mut spikes)?;
                reading.slice(begin, &file.head.labels, &spikes, ms).map_err(|error| error.at(path))?;
            }
        }
        #[cfg(feature = "hdf5")]
        Reader::Helper(helper) => {
            let mut spikes = Spikes::default();
            let samples = helper.head.labels.len();
            for begin in (0..samples).step_by(SLICE) {
                crate::cancel::check()?;
                helper.read(SLICE.min(samples - begin), &mut spikes)?;
                reading.slice(begin, &helper.head.labels, &spikes, ms).map_err(|error| error.at(path))?;
            }
        }
        #[cfg(feature = "events")]
        Reader::Table(table) => {
            for sample in 0..table.head.labels.len() {
                crate::cancel::check()?;
                let (times, units) = table.sample(sample);
                let print = fingerprint(times, units.iter().copied());
                reading
                    .sample(table.head.labels[sample], times, units, ms, print)
                    .map_err(|source| Broken { sample, source }.at(path))?;
            }
        }
    }
    let Reading { unselected, read, .. } = reading;
    let name = || path.display().to_string();
    events.intake_mut().leave_out(Reason::Unselected, unselected, name);
    let checked = read.found.check(config.late, unit, window);
    checked.map_err(|error| {
        error.in_file(path, if format == super::head::HDF5 { "spikes/times" } else { "times" })
    })?;
    Ok(read)
}

/// An error in a sample.
struct Broken {
    sample: usize,
    source: Error,
}

impl Broken {
    fn at(self, path: &std::path::Path) -> Error {
        let source = match self.source {
            // The index in the file is more useful than the index in the data set.
            Error::Sample { source, .. } => *source,
            other => other,
        };
        source.in_file(path, format!("sample {}", self.sample))
    }
}

struct Reading<'a> {
    config: &'a ShdConfig,
    channels: &'a Channels,
    events: &'a mut EventDataset,
    /// End of the last step in ms.
    window: f64,
    format: &'static str,
    unit: String,
    unselected: usize,
    read: Read,
}

impl Reading<'_> {
    #[cfg(feature = "hdf5")]
    fn slice(&mut self, begin: usize, labels: &[u16], spikes: &Spikes, ms: f64) -> Result<(), Broken> {
        let mut spike = 0;
        for (sample, &end) in (begin..).zip(&spikes.ends) {
            let (times, units) = (&spikes.times[spike..end], &spikes.units[spike..end]);
            spike = end;
            // In 16 bits if they fit, like the fingerprints in existing runs.
            let narrow = units.iter().all(|&unit| unit <= u16::MAX.into());
            let print = match narrow {
                true => fingerprint(times, units.iter().map(|&unit| unit as u16)),
                false => fingerprint(times, units.iter().copied()),
            };
            self.sample(labels[sample], times, units, ms, print)
                .map_err(|source| Broken { sample, source })?;
        }
        Ok(())
    }

    /// One sample of spikes at `times` in units of `ms` ms.
    fn sample<T: Number + PartialOrd + Display + Into<f64>>(
        &mut self,
        label: u16,
        times: &[T],
        units: &[u32],
        ms: f64,
        print: Fingerprint,
    ) -> Result<(), Error> {
        if self.config.unsorted == UnsortedSpikes::Refuse
            && let Some(k) = times.windows(2).position(|pair| pair[1] < pair[0])
        {
            let unit = &self.unit;
            let problem = format!(
                "spike {} at {} {unit} comes after one at {} {unit}: set `data.unsorted = \"sort\"` if this is intended",
                k + 1,
                times[k + 1],
                times[k]
            );
            return Err(Error::format(self.format, problem));
        }
        let (mut unselected, mut problem) = (0, None);
        let spikes = times.iter().zip(units).filter_map(|(&time, &unit)| match self.channels.input(unit) {
            Ok(Some(input)) => Some((ms * time.into(), input)),
            Ok(None) => {
                unselected += 1;
                None
            }
            Err(error) => {
                problem.get_or_insert(error);
                None
            }
        });
        let pushed = self.events.push(label, spikes);
        problem.map_or(pushed, Err)?;
        self.unselected += unselected;
        for &time in times {
            self.read.found.add(ms * time.into(), self.window);
        }
        self.read.channel = units.iter().copied().fold(self.read.channel, u32::max);
        self.read.fingerprints.push(print);
        Ok(())
    }
}

/// A number of a file as bytes.
trait Number: Copy {
    fn append(self, bytes: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Number for $number {
            fn append(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    )+};
}

numbers!(f32, f64, u16, u32);

/// The fingerprint of the numbers in the file.
fn fingerprint<T: Number, U: Number>(times: &[T], units: impl Iterator<Item = U>) -> Fingerprint {
    let mut hash = Hasher::default();
    let mut bytes = Vec::with_capacity(2 * size_of_val(times));
    times.iter().for_each(|time| time.append(&mut bytes));
    units.for_each(|unit| unit.append(&mut bytes));
    hash.add(&bytes);
    hash.finish()
}
