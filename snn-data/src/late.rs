//! Spikes after the last step: counted, and refused if they are the majority.

use crate::intake::percent;
use crate::{Error, LateSpikes, TimeUnit};

/// Statistics of spike times.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) spikes: u64,
    late: u64,
    /// Late spikes if times were in thousandths, and in millionths, of the unit.
    late_if: [u64; 2],
    /// Time of the last spike in ms.
    pub(crate) last: f64,
}

impl Found {
    /// Counts the spike at `time` ms, with steps up to `window` ms.
    pub(crate) fn add(&mut self, time: f64, window: f64) {
        let late = |time: f64| u64::from(time >= window);
        self.late += late(time);
        self.late_if[0] += late(time * 1e-3);
        self.late_if[1] += late(time * 1e-6);
        self.last = self.last.max(time);
        self.spikes += 1;
    }

    /// Checks that at most half of the spikes are late, unless all may be.
    ///
    /// # Errors
    ///
    /// [`Error::LateSpikes`] with the probable remedy.
    pub(crate) fn check(&self, late: LateSpikes, unit: TimeUnit, window: f64) -> Result<(), Error> {
        if 2 * self.late <= self.spikes || late == LateSpikes::Crop {
            return Ok(());
        }
        let fits = |late: u64| 100 * late <= self.spikes;
        let finer = match unit {
            TimeUnit::S if fits(self.late_if[0]) => Some(TimeUnit::Ms),
            TimeUnit::S if fits(self.late_if[1]) => Some(TimeUnit::Us),
            TimeUnit::Ms if fits(self.late_if[0]) => Some(TimeUnit::Us),
            _ => None,
        };
        let advice = match finer {
            Some(finer) => {
                format!("set data.time_unit = \"{finer}\" if the times are in {finer}, otherwise ")
            }
            None => String::new(),
        };
        Err(Error::LateSpikes {
            late: self.late,
            spikes: self.spikes,
            percent: percent(self.late as f64, self.spikes as f64),
            window,
            last: self.last,
            advice,
        })
    }
}
