//! The features of all recordings in memory.

use crate::Error;
use crate::room::reserve;

/// The data of all recordings after reading.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Features {
    /// Duration of each in ms.
    pub(super) durations: Vec<f32>,
    /// Frames of each before cropping and padding; 0 for one that cannot be read.
    pub(super) frames: Vec<u32>,
    /// Sample rate of each in Hz.
    pub(super) rates: Vec<u32>,
    /// `[recordings, steps, channels]`
    pub(super) values: Vec<f32>,
}

impl Features {
    /// Zeros for this many recordings of `len` values.
    pub(super) fn zeros(recordings: usize, len: usize) -> Result<Self, Error> {
        fn zeros<T: Copy + Default>(entries: usize, what: &'static str) -> Result<Vec<T>, Error> {
            let mut list = Vec::new();
            reserve(&mut list, entries, what)?;
            list.resize(entries, T::default());
            Ok(list)
        }
        Ok(Self {
            durations: zeros(recordings, "durations")?,
            frames: zeros(recordings, "frames of recordings")?,
            rates: zeros(recordings, "sample rates")?,
            values: zeros(recordings.saturating_mul(len), "frames")?,
        })
    }

    /// Keeps only some recordings, of `len` values each.
    pub(super) fn retain(&mut self, kept: &[bool], len: usize) {
        let mut count = 0;
        for k in (0..kept.len()).filter(|&k| kept[k]) {
            self.durations[count] = self.durations[k];
            self.frames[count] = self.frames[k];
            self.rates[count] = self.rates[k];
            self.values.copy_within(k * len..(k + 1) * len, count * len);
            count += 1;
        }
        self.durations.truncate(count);
        self.frames.truncate(count);
        self.rates.truncate(count);
        self.values.truncate(count * len);
    }
}
