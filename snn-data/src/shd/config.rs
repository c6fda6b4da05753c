//! The parameters of spike trains from files and their ranges.

use serde::{Deserialize, Serialize};

use crate::binning::count;
use crate::channels::{Channels, Layout, MAX_CHANNELS};
use crate::{Binning, CoincidentSpikes, Error, LateSpikes, Polarity, SplitRule, TimeUnit};

/// The parameters of `Shd`; the defaults are those of Zenke & Vogels 2021.
///
/// Unknown keys in a configuration are an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShdConfig {
    /// Number of time steps; 1 to 4294967295, default 500.
    pub steps: usize,
    /// Length of a time step in ms; above 0, default 2.
    pub dt: f64,
    /// The time unit of the files: `s`, `ms` or `us`; default `s`. Integer times are accepted unless it is `s`.
    pub time_unit: TimeUnit,
    /// How spikes after the last step are handled; default `drop`. More than half of a file's spikes after the last step are an
    /// error, except with `crop`.
    pub late: LateSpikes,
    /// How several spikes of one unit in one step count; default `binary`.
    pub coincident: CoincidentSpikes,
    /// Number of channels of the recording, default 700; with `pool` 1, also the number of input units, at most 65536.
    pub inputs: usize,
    /// How samples with unsorted spike times are handled; default `refuse`.
    pub unsorted: UnsortedSpikes,
    /// The test part; default official, the second file. Speakers are identified by number, such as `"4"`, as are the samples in
    /// a list: those of the first file from 0, followed by those of the second.
    pub test: SplitRule,
    /// The validation part, chosen from the samples not in the test part; default a tenth of every class.
    pub valid: SplitRule,
    /// How many neighboring channels share an input unit (for a sensor, the side of a pixel square); 1 or more, default 1.
    pub pool: usize,
    /// The channels to use: `[first, last]`, inclusive (for a sensor, `[left, top, right, bottom]`); default all.
    pub channels: Vec<u32>,
}

/// How a sample with unsorted spike times is handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnsortedSpikes {
    /// It is an error: times and units of the file may be mismatched.
    #[default]
    Refuse,
    /// They are sorted.
    Sort,
}

impl Default for ShdConfig {
    fn default() -> Self {
        Self {
            steps: 500,
            dt: 2.0,
            time_unit: TimeUnit::S,
            late: LateSpikes::Drop,
            coincident: CoincidentSpikes::Binary,
            inputs: 700,
            unsorted: UnsortedSpikes::Refuse,
            test: SplitRule::Official,
            valid: SplitRule::stratified(0.1),
            pool: 1,
            channels: Vec::new(),
        }
    }
}

impl ShdConfig {
    /// Checks every value that can be checked without the data.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for the first key whose value is outside the range documented on its field.
    pub fn validate(&self) -> Result<(), Error> {
        self.validate_with(Layout::Line(self.inputs))
    }

    /// [`validate`](Self::validate) for channels that may be the pixels of a sensor.
    ///
    /// # Errors
    ///
    /// Those of [`validate`](Self::validate).
    #[cfg(any(feature = "events", feature = "hdf5"))]
    pub fn validate_for(&self, sensor: Option<Sensor>) -> Result<(), Error> {
        self.validate_with(sensor.map_or(Layout::Line(self.inputs), Sensor::layout))
    }

    fn validate_with(&self, layout: Layout) -> Result<(), Error> {
        self.binning().validate()?;
        count("inputs", self.inputs, MAX_CHANNELS)?;
        Channels::new(layout, &self.channels, self.pool).map(drop)
    }

    pub(super) fn binning(&self) -> Binning {
        Binning { steps: self.steps, dt: self.dt, late: self.late, coincident: self.coincident }
    }
}

/// A sensor whose pixels are the channels: channel (p x height + y) x width + x, where p is 1 for on and 0 for off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sensor {
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How the polarities are handled.
    pub polarity: Polarity,
}

#[cfg(any(feature = "events", feature = "hdf5"))]
impl Sensor {
    pub(crate) fn layout(self) -> Layout {
        let Self { width, height, polarity } = self;
        Layout::Sensor { width, height, polarity }
    }
}
