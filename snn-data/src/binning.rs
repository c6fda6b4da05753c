//! Binning of spike times to time steps.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Maximum number of units and classes: both are counted in `u16`.
pub(crate) const MAX_U16: usize = 1 << 16;

/// How spike times are binned to steps: a spike at `t` ms falls into step `floor(t / dt)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Binning {
    /// Number of time steps, 1 to 4294967295; default 100.
    pub steps: usize,
    /// Length of a step in ms, above 0; default 1.
    pub dt: f64,
    /// How spikes after the last step are handled; default `clamp`.
    pub late: LateSpikes,
    /// How several spikes of one unit in one step count; default `binary`.
    pub coincident: CoincidentSpikes,
}

/// The unit of spike times in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Seconds.
    #[default]
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
}

impl TimeUnit {
    /// Its length in ms.
    pub fn ms(self) -> f64 {
        match self {
            Self::S => 1000.0,
            Self::Ms => 1.0,
            Self::Us => 0.001,
        }
    }
}

/// As written in a configuration: `s`, `ms`, `us`.
impl std::fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::S => "s",
            Self::Ms => "ms",
            Self::Us => "us",
        })
    }
}

/// How spikes after the last step are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateSpikes {
    /// They are moved to the last step: none is lost.
    #[default]
    Clamp,
    /// They are dropped.
    Drop,
    /// They are dropped, however many there are: the steps are deliberately shorter than the samples. With
    /// [`Drop`](Self::Drop) and [`Clamp`](Self::Clamp), readers refuse files with more than half of the spikes late.
    Crop,
}

/// How several spikes of one unit in one step count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CoincidentSpikes {
    /// They count once: the input is 0 or 1.
    #[default]
    Binary,
    /// Each counts: the input is their number.
    Sum,
}

impl Default for Binning {
    fn default() -> Self {
        Self { steps: 100, dt: 1.0, late: LateSpikes::Clamp, coincident: CoincidentSpikes::Binary }
    }
}

impl Binning {
    /// Checks both numbers.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for no steps, more than `u32` counts, or a `dt` that is not a positive number.
    pub fn validate(&self) -> Result<(), Error> {
        if self.steps == 0 || u32::try_from(self.steps).is_err() {
            return Err(Error::setting("steps", self.steps, "1 to 4294967295"));
        }
        positive_ms("dt", self.dt)
    }

    /// The step of a spike time in ms, or `None` if the spike is dropped.
    pub(crate) fn step(&self, time: f64) -> Option<usize> {
        // A time beyond the largest integer saturates, and is late either way.
        let step = (time / self.dt) as usize;
        match self.late {
            _ if step < self.steps => Some(step),
            LateSpikes::Clamp => Some(self.steps - 1),
            LateSpikes::Drop | LateSpikes::Crop => None,
        }
    }
}

/// Checks that a time setting is a positive, finite number of ms.
pub(crate) fn positive_ms(key: &'static str, value: f64) -> Result<(), Error> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(Error::setting(key, value, "a number of ms above 0"))
    }
}

/// Checks that a count is in `1..=max`.
pub(crate) fn count(key: &'static str, value: usize, max: usize) -> Result<(), Error> {
    if (1..=max).contains(&value) { Ok(()) } else { Err(Error::setting(key, value, format!("1 to {max}"))) }
}
