//! A trained network on a stream: sound or spikes as they arrive, decisions at any time.
//!
//! ```
//! use snn_core::Network;
//! use snn_train::{Experiment, Trainer, stream::Stream};
//!
//! let mut experiment = Experiment::preset("randman")?;
//! experiment.set(&["data.classes=2", "data.samples_per_class=50", "training.epochs=1"])?;
//! let mut trainer = Trainer::new(experiment)?;
//! trainer.run(&mut [])?;
//!
//! // A deployment needs only the checkpoint.
//! let mut stream = Stream::of_checkpoint(&trainer.checkpoint())?;
//! let mut last = None;
//! let mut tell = |decision: &snn_train::stream::Decision<'_>| last = Some(decision.label);
//! for (time, unit) in [(3.2, 0), (3.9, 4), (17.0, 11)] {
//!     stream.push_spike(time, unit, &mut tell)?;
//! }
//! stream.finish(&mut tell)?;
//! assert!(last.is_some_and(|label| label < 2));
//! # Ok::<(), snn_train::Error>(())
//! ```

mod settings;
mod sound;
mod spikes;

use snn_core::{Network, State, StepInput};
use snn_data::{DataIdentity, InputKind};

use crate::{checkpoint::Checkpoint, error::Error, experiment::Experiment, weights::Weights};
use settings::{Settings, unknown_data};
use sound::Ear;
use spikes::Bin;

/// The output of a network at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Decision<'a> {
    /// Stream time at the end of this step, in ms.
    pub time: f64,
    /// Number of complete windows.
    pub window: u64,
    /// Steps of the current window, including this one.
    pub step: usize,
    /// Whether the window is complete: then the decision is that of an evaluation of the same sample.
    pub is_final: bool,
    /// The class of the largest logit.
    pub label: usize,
    /// The name of the class.
    pub class: &'a str,
    /// `[classes]`: the maximum or the sum of the readout potentials of this window so far.
    pub logits: &'a [f32],
}

/// A network that processes a stream.
///
/// Time is divided into windows as long as the training samples ([`with_window`](Stream::with_window) changes that), each starting
/// at rest. The decision at the end of a window is bit-identical to [`Network::forward`] on the same sample: for spikes always, for
/// sound in the first window. The front end continues across windows, so the first frame of a later window depends on the sound
/// before it.
#[derive(Debug)]
pub struct Stream {
    network: Network,
    state: State,
    classes: Vec<String>,
    window: usize,
    windows: u64,
    /// Steps of the current window.
    step: usize,
    dt: f64,
    kind: InputKind,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Not chosen yet: chosen by the first push.
    Undecided(Box<Settings>),
    Sound(Box<Ear>),
    Spikes(Box<Bin>),
}

impl Stream {
    /// Creates a stream from a checkpoint, which has everything needed: network, front end, channel statistics, class names.
    ///
    /// # Errors
    /// [`Error::Impossible`] for an old checkpoint, which does not record its data, or an experiment that needs whole samples;
    /// [`Error::Network`] unless the implementation is fused.
    pub fn of_checkpoint(checkpoint: &Checkpoint) -> Result<Self, Error> {
        let data = checkpoint.data().ok_or_else(unknown_data)?;
        Self::new(checkpoint.experiment(), data, |network| checkpoint.restore(network))
    }

    /// Creates a stream from an export of this program (or a checkpoint) read from a file.
    ///
    /// # Errors
    /// Those of [`of_checkpoint`](Stream::of_checkpoint), and for a file of another program.
    pub fn of_weights(weights: &Weights) -> Result<Self, Error> {
        let (Some(experiment), Some(data)) = (weights.experiment(), weights.data()) else {
            return Err(unknown_data());
        };
        Self::new(experiment, data, |network| weights.put_into(network))
    }

    fn new(
        experiment: &Experiment,
        data: &DataIdentity,
        fill: impl FnOnce(&mut Network) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let config = experiment.network_of(data.inputs, data.classes.len(), data.dt);
        let initialization = &experiment.initialization;
        let mut network = Network::new(config, experiment.initialization(), initialization.seed)?;
        fill(&mut network)?;
        let settings = Settings { experiment: experiment.clone(), statistics: data.statistics.clone() };
        Ok(Self {
            state: network.state(1)?,
            network,
            classes: data.classes.clone(),
            window: data.steps,
            windows: 0,
            step: 0,
            dt: data.dt,
            kind: data.kind,
            source: Source::Undecided(Box::new(settings)),
        })
    }

    /// Sets the number of steps per window; 0 for a single endless window.
    ///
    /// # Errors
    /// [`Error::Impossible`] once the stream has started.
    pub fn with_window(mut self, steps: usize) -> Result<Self, Error> {
        if self.windows > 0 || self.step > 0 {
            return Err(Error::Impossible(
                "the window of a stream cannot change once it has started".to_owned(),
            ));
        }
        self.window = if steps == 0 { usize::MAX } else { steps };
        Ok(self)
    }

    /// The names of the classes, in the order of the logits.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Whether its input is sound (analog frames) or spikes.
    #[must_use]
    pub fn kind(&self) -> InputKind {
        self.kind
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Processes samples of sound, full scale -1 to 1, with this rate in Hz, and passes a decision to `tell` for each complete frame.
    ///
    /// # Errors
    /// [`Error::Impossible`] if the network was not trained on sound, its front end needs whole recordings, or the rate changes
    /// within a stream; [`Error::Data`] for an invalid rate; [`Error::Network`] for samples that are not finite.
    pub fn push_samples(
        &mut self,
        samples: &[f64],
        rate: u32,
        tell: &mut dyn FnMut(&Decision<'_>),
    ) -> Result<(), Error> {
        self.hear(rate)?;
        if let Source::Sound(ear) = &mut self.source {
            ear.push(samples);
        }
        self.take_frames(tell)
    }

    /// Creates the front end for this rate if necessary.
    fn hear(&mut self, rate: u32) -> Result<(), Error> {
        let settings = match &self.source {
            Source::Sound(ear) if ear.rate == rate => return Ok(()),
            Source::Sound(ear) if ear.frames > 0 => {
                return Err(Error::Impossible(format!(
                    "the stream has {} Hz, but now {rate} Hz: finish it first",
                    ear.rate
                )));
            }
            Source::Sound(ear) => ear.settings.clone(),
            Source::Spikes(bin) if bin.step > 0 || !bin.is_empty() => {
                return Err(Error::Impossible("sound for a stream of spikes".to_owned()));
            }
            Source::Spikes(bin) => bin.settings.clone(),
            Source::Undecided(settings) => (**settings).clone(),
        };
        self.source = Source::Sound(Box::new(Ear::new(settings, rate)?));
        Ok(())
    }

    fn take_frames(&mut self, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        while let Source::Sound(ear) = &mut self.source
            && ear.next_frame()
        {
            let count = ear.frames;
            self.advance_by_frame(count, tell)?;
        }
        Ok(())
    }

    /// One step with the last frame, counted as number `count`.
    fn advance_by_frame(&mut self, count: u64, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        let Source::Sound(ear) = &mut self.source else { return Ok(()) };
        let (time, frame) = (ear.end(count), std::mem::take(&mut ear.frame));
        let result = self.advance(StepInput::Frame(&frame), time, tell);
        if let Source::Sound(ear) = &mut self.source {
            ear.frame = frame;
        }
        result
    }

    /// Processes a spike of a unit at a time in ms since the start of the stream; spikes must be sorted by time. A step is complete
    /// with the first spike after it, or by [`push_silence`](Stream::push_silence).
    ///
    /// # Errors
    /// [`Error::Impossible`] if the network was not trained on spikes, or for a spike before the current step;
    /// [`Error::Network`] for a unit that does not exist.
    pub fn push_spike(
        &mut self,
        time: f64,
        unit: u16,
        tell: &mut dyn FnMut(&Decision<'_>),
    ) -> Result<(), Error> {
        let inputs = self.network.config().inputs;
        if usize::from(unit) >= inputs {
            let reason = format!("a spike in unit {unit}, but there are {inputs} units");
            return Err(snn_core::Error::Input(reason).into());
        }
        self.push_silence(time, tell)?;
        if let Source::Spikes(bin) = &mut self.source {
            bin.push(unit);
        }
        Ok(())
    }

    /// Declares that there are no more spikes before a time in ms: steps that end by then are completed.
    ///
    /// # Errors
    /// [`Error::Impossible`] if the network was not trained on spikes, and for a time before the current step.
    pub fn push_silence(&mut self, time: f64, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        if let Source::Undecided(settings) = &self.source
            && self.kind == InputKind::Events
        {
            self.source = Source::Spikes(Box::new(Bin::new((**settings).clone())?));
        }
        let Source::Spikes(bin) = &self.source else {
            return Err(Error::Impossible("spikes for a network that was trained on sound".to_owned()));
        };
        let step = bin.step_of(time, self.dt)?;
        while let Source::Spikes(bin) = &self.source
            && bin.step < step
        {
            self.end_step(tell)?;
        }
        Ok(())
    }

    /// Completes the current step of spikes.
    fn end_step(&mut self, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        let Source::Spikes(bin) = &mut self.source else { return Ok(()) };
        let units = bin.end_step();
        let time = bin.step as f64 * self.dt;
        let result = self.advance(StepInput::Spikes(&units), time, tell);
        if let Source::Spikes(bin) = &mut self.source {
            bin.give_back(units);
        }
        result
    }

    /// Ends the stream: the rest of the sound becomes frames, and a partial window is padded like a sample of a data set, by repeating
    /// the last frame or with steps without spikes. The next push starts a new stream.
    ///
    /// # Errors
    /// [`Error::Network`] for invalid frames, which the front end never produces.
    pub fn finish(&mut self, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        self.finish_source(tell)?;
        self.network.reset(&mut self.state)?;
        (self.windows, self.step) = (0, 0);
        Ok(())
    }

    fn finish_source(&mut self, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        if let Source::Sound(ear) = &mut self.source {
            ear.finish();
        }
        self.take_frames(tell)?;
        if let Source::Sound(ear) = &self.source {
            let frames = ear.frames;
            for more in 1..=self.lacking() as u64 {
                self.advance_by_frame(frames + more, tell)?;
            }
        }
        if let Source::Spikes(bin) = &self.source
            && !bin.is_empty()
        {
            self.end_step(tell)?;
        }
        if matches!(self.source, Source::Spikes(_)) {
            for _ in 0..self.lacking() {
                self.end_step(tell)?;
            }
        }
        match &mut self.source {
            Source::Undecided(_) => {}
            Source::Sound(ear) => ear.begin_anew(),
            Source::Spikes(bin) => bin.step = 0,
        }
        Ok(())
    }

    /// The missing steps of the current window, if it has started and is not endless.
    fn lacking(&self) -> usize {
        if self.step == 0 || self.window == usize::MAX { 0 } else { self.window - self.step }
    }

    /// One step of the network, ending at `time`.
    fn advance(
        &mut self,
        input: StepInput<'_>,
        time: f64,
        tell: &mut dyn FnMut(&Decision<'_>),
    ) -> Result<(), Error> {
        self.network.step(&mut self.state, input)?;
        self.step += 1;
        let logits = self.state.logits();
        let label = (1..logits.len()).fold(0, |best, k| if logits[k] > logits[best] { k } else { best });
        let is_final = self.step == self.window;
        tell(&Decision {
            time,
            window: self.windows,
            step: self.step,
            is_final,
            label,
            class: self.classes.get(label).map_or("", String::as_str),
            logits,
        });
        if is_final {
            self.network.reset(&mut self.state)?;
            self.windows += 1;
            self.step = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
