//! The spikes of a file: checked, binned, and held against those of another file.

use super::file::{HDF5, SLICE, Spikes};
use super::source::{Reader, Source};
use super::{ShdConfig, UnsortedSpikes};
use crate::fingerprint::Hasher;
use crate::intake::percent;
use crate::{Error, EventDataset, Fingerprint, LateSpikes, TimeUnit};

/// What was found in the spikes of a file.
#[derive(Default)]
pub(super) struct Found {
    pub(super) spikes: u64,
    late: u64,
    /// Those that would be late if times were in thousandths, and in millionths, of the unit.
    late_if: [u64; 2],
    /// Time of the last spike in ms.
    pub(super) last: f64,
    /// The highest unit that spikes.
    unit: u16,
}

/// Holds the spikes of two files against each other: an error for two units of time, a doubt about other channels.
pub(super) fn match_spikes(
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
pub(super) fn read_samples(
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
        crate::cancel::check()?;
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
