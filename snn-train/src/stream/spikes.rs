//! Binning of spikes to steps.

use super::settings::Settings;
use crate::error::Error;

/// Maximum number of steps between two spikes: a larger gap indicates another unit or clock, and would take hours to compute.
const MOST_SILENCE: f64 = 1e9;

/// The spikes of the current step.
#[derive(Debug)]
pub(super) struct Bin {
    units: Vec<u16>,
    /// Completed steps since the start of the stream.
    pub(super) step: u64,
    /// Whether several spikes of a unit in a step are counted.
    sum: bool,
    pub(super) settings: Settings,
}

impl Bin {
    pub(super) fn new(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let coincident = settings.experiment.get("data.coincident");
        let sum = coincident.is_some_and(|word| word.as_str() == Some("sum"));
        Ok(Self { units: Vec::new(), step: 0, sum, settings })
    }

    pub(super) fn push(&mut self, unit: u16) {
        if self.sum || !self.units.contains(&unit) {
            self.units.push(unit);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// The step of a time in ms, which must not be completed.
    pub(super) fn step_of(&self, time: f64, dt: f64) -> Result<u64, Error> {
        let now = self.step as f64 * dt;
        if time.is_finite() && time >= now {
            let step = time / dt;
            if step - self.step as f64 > MOST_SILENCE {
                return Err(Error::Impossible(format!(
                    "a spike at {time:?} ms, more than {MOST_SILENCE:e} steps after {now} ms: times are in ms since the start of the stream"
                )));
            }
            return Ok(step as u64);
        }
        Err(Error::Impossible(format!(
            "a spike at {time} ms, but the stream is at {now} ms: spikes must be sorted by time"
        )))
    }

    /// Completes the current step and lends out its spikes.
    pub(super) fn end_step(&mut self) -> Vec<u16> {
        self.step += 1;
        // ascending, as in batches: sums of floats depend on the order
        self.units.sort_unstable();
        std::mem::take(&mut self.units)
    }

    /// Takes back the memory of the spikes.
    pub(super) fn give_back(&mut self, mut units: Vec<u16>) {
        units.clear();
        self.units = units;
    }
}
