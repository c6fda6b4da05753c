//! A spike file read as a whole.

use std::fmt::Display;
use std::path::Path;

use super::head::Head;
use crate::{Error, TimeUnit, room};

/// The content of a file.
pub(super) struct Table {
    pub(super) format: &'static str,
    pub(super) head: Head,
    /// The time unit stated in the file.
    pub(super) time_unit: Option<TimeUnit>,
    times: Vec<f64>,
    channels: Vec<u32>,
    /// Where each sample ends.
    ends: Vec<usize>,
}

impl Table {
    /// Times and channels of a sample.
    pub(super) fn sample(&self, sample: usize) -> (&[f64], &[u32]) {
        let begin = if sample == 0 { 0 } else { self.ends[sample - 1] };
        (&self.times[begin..self.ends[sample]], &self.channels[begin..self.ends[sample]])
    }

    /// From spikes sorted by sample; the spikes of a sample end at its entry in `ends`.
    pub(super) fn sorted(
        format: &'static str,
        head: Head,
        times: Vec<f64>,
        channels: Vec<u32>,
        ends: Vec<usize>,
    ) -> Self {
        Self { format, head, time_unit: None, times, channels, ends }
    }

    /// From spikes in any order, each with the number of its sample, an index of the labels; spikes of a sample keep their order.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub(super) fn grouped(
        format: &'static str,
        head: Head,
        samples: &[u32],
        times: &[f64],
        channels: &[u32],
    ) -> Result<Self, Error> {
        let mut begins = vec![0; head.labels.len() + 1];
        for &sample in samples {
            begins[sample as usize + 1] += 1;
        }
        for sample in 1..begins.len() {
            begins[sample] += begins[sample - 1];
        }
        let ends = begins[1..].to_vec();
        let (mut sorted_times, mut sorted_channels) = (Vec::new(), Vec::new());
        room::reserve(&mut sorted_times, times.len(), "spike times")?;
        room::reserve(&mut sorted_channels, times.len(), "channels of spikes")?;
        sorted_times.resize(times.len(), 0.0);
        sorted_channels.resize(times.len(), 0);
        for ((&sample, &time), &channel) in samples.iter().zip(times).zip(channels) {
            let place = &mut begins[sample as usize];
            sorted_times[*place] = time;
            sorted_channels[*place] = channel;
            *place += 1;
        }
        Ok(Self::sorted(format, head, sorted_times, sorted_channels, ends))
    }
}

/// An error at a place in a file.
pub(super) fn broken(
    format: &'static str,
    path: &Path,
    place: impl Into<String>,
    problem: impl Display,
) -> Error {
    Error::format(format, problem.to_string()).in_file(path, place)
}
