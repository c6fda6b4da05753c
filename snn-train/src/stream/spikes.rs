//! From spikes to steps.

use snn_core::StepInput;
use snn_data::InputKind;

use super::{Decision, Settings, Source, Stream};
use crate::error::Error;

/// The spikes of the step under way.
#[derive(Debug)]
pub(super) struct Bin {
    units: Vec<u16>,
    /// Steps before the one under way, since the stream began.
    step: u64,
    /// Whether a unit counts as often as it spikes.
    sum: bool,
    pub(super) settings: Settings,
}

impl Stream {
    /// Takes a spike of a unit at a time in ms since the stream began; spikes come in the order of time. A step is told when
    /// its time is over, that is with the first spike behind it, or by [`push_silence`](Stream::push_silence).
    ///
    /// # Errors
    /// [`Error::Impossible`] if the network was not trained on spikes, or for a spike before one that was taken;
    /// [`Error::Network`] for a unit that is not there.
    pub fn push_spike(
        &mut self,
        time: f64,
        unit: u16,
        tell: &mut dyn FnMut(&Decision<'_>),
    ) -> Result<(), Error> {
        let inputs = self.network.config().inputs;
        if usize::from(unit) >= inputs {
            let reason = format!("a spike of unit {unit}, but there are {inputs}");
            return Err(snn_core::Error::Input(reason).into());
        }
        self.push_silence(time, tell)?;
        let Source::Spikes(bin) = &mut self.source else { return Ok(()) };
        if bin.sum || !bin.units.contains(&unit) {
            bin.units.push(unit);
        }
        Ok(())
    }

    /// Says that there are no more spikes before a time in ms: steps that end by then are told.
    ///
    /// # Errors
    /// [`Error::Impossible`] if the network was not trained on spikes, and for a time before one that was told.
    pub fn push_silence(&mut self, time: f64, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        self.await_spikes()?;
        let Source::Spikes(bin) = &self.source else { return Ok(()) };
        if !(time.is_finite() && time >= bin.step as f64 * self.dt) {
            return Err(Error::Impossible(format!(
                "a spike at {time} ms, but the stream is at {} ms: spikes come in the order of time",
                bin.step as f64 * self.dt
            )));
        }
        let step = (time / self.dt) as u64;
        while let Source::Spikes(bin) = &self.source
            && bin.step < step
        {
            self.end_step(tell)?;
        }
        Ok(())
    }

    fn await_spikes(&mut self) -> Result<(), Error> {
        let settings = match &self.source {
            Source::Spikes(_) => return Ok(()),
            Source::Undecided(settings) if self.kind == InputKind::Events => (**settings).clone(),
            _ => return Err(Error::Impossible("spikes for a network that was trained on sound".to_owned())),
        };
        settings.check()?;
        let coincident = settings.experiment.get("data.coincident");
        let sum = coincident.is_some_and(|word| word.as_str() == Some("sum"));
        self.source = Source::Spikes(Bin { units: Vec::new(), step: 0, sum, settings });
        Ok(())
    }

    /// The step under way is over.
    fn end_step(&mut self, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        let Source::Spikes(bin) = &mut self.source else { return Ok(()) };
        let mut units = std::mem::take(&mut bin.units);
        bin.step += 1;
        let time = bin.step as f64 * self.dt;
        // ascending, as batches have them: sums of floats depend on the order
        units.sort_unstable();
        let result = self.advance(StepInput::Spikes(&units), time, tell);
        units.clear();
        if let Source::Spikes(bin) = &mut self.source {
            bin.units = units;
        }
        result
    }

    pub(super) fn finish_spikes(&mut self, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        let begun = |stream: &Self| match &stream.source {
            Source::Spikes(bin) => !bin.units.is_empty(),
            _ => false,
        };
        if begun(self) {
            self.end_step(tell)?;
        }
        for _ in 0..self.lacking() {
            self.end_step(tell)?;
        }
        if let Source::Spikes(bin) = &mut self.source {
            bin.step = 0;
        }
        Ok(())
    }
}
