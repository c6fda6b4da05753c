//! A trained network that listens: sound or spikes as they come, a decision whenever one is wanted.
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
//! // A deployment has the checkpoint alone.
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

mod sound;
mod spikes;

use snn_core::{Network, State, StepInput};
use snn_data::{ChannelStatistics, DataIdentity, InputKind};

use crate::{checkpoint::Checkpoint, error::Error, experiment::Experiment, weights::Weights};
use sound::Ear;
use spikes::Bin;

/// What a network says at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Decision<'a> {
    /// Of the sound or the spikes, from the beginning of the stream to the end of what this step is made of, in ms.
    pub time: f64,
    /// Windows that are complete.
    pub window: u64,
    /// Steps of the window under way, this one included.
    pub step: usize,
    /// Whether the window is complete: this is what an evaluation says of the same sample.
    pub is_final: bool,
    /// The class of the largest logit.
    pub label: usize,
    /// What it is called.
    pub class: &'a str,
    /// `[classes]`: the maximum or the sum of the readout potentials of this window so far.
    pub logits: &'a [f32],
}

/// A network that listens.
///
/// Time is cut into windows as long as the samples that the network was trained on ([`with_window`](Stream::with_window)
/// changes that); in each it begins at rest. The decision at the end of a window has the bits of
/// [`Network::forward`] on the same sample: of spikes always, of sound if the window is the first of the stream. The front end goes
/// on from window to window, so that the first frame of a later window knows the sound before it.
#[derive(Debug)]
pub struct Stream {
    network: Network,
    state: State,
    classes: Vec<String>,
    window: usize,
    windows: u64,
    /// Steps of the window under way.
    step: usize,
    dt: f64,
    kind: InputKind,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Not chosen yet: the first push does.
    Undecided(Box<Settings>),
    Sound(Box<Ear>),
    Spikes(Bin),
}

#[derive(Debug, Clone)]
struct Settings {
    experiment: Experiment,
    statistics: Option<ChannelStatistics>,
}

impl Stream {
    /// Of a checkpoint, which holds all that is needed: network, front end, statistics of the channels, names of the classes.
    ///
    /// # Errors
    /// [`Error::Impossible`] for a checkpoint of old, which does not say which data it was trained on, or an experiment that needs
    /// whole samples; [`Error::Network`] unless the implementation is fused.
    pub fn of_checkpoint(checkpoint: &Checkpoint) -> Result<Self, Error> {
        let data = checkpoint.data().ok_or_else(unknown_data)?;
        Self::new(checkpoint.experiment(), data, |network| checkpoint.restore(network))
    }

    /// Of an export of this program (or a checkpoint) that was read from a file.
    ///
    /// # Errors
    /// As for [`of_checkpoint`](Stream::of_checkpoint), and for a file of another program.
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

    /// The same with windows of so many steps; 0 is a single window without end.
    ///
    /// # Errors
    /// [`Error::Impossible`] once the stream has begun.
    pub fn with_window(mut self, steps: usize) -> Result<Self, Error> {
        if self.windows > 0 || self.step > 0 {
            return Err(Error::Impossible("a stream that has begun keeps its window".to_owned()));
        }
        self.window = if steps == 0 { usize::MAX } else { steps };
        Ok(self)
    }

    /// The names of the classes, in the order of the logits.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Whether it listens to sound (analog frames) or to spikes.
    #[must_use]
    pub fn kind(&self) -> InputKind {
        self.kind
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Ends the stream: what is left of the sound becomes frames, and a window that has begun is completed, by the last frame again
    /// and again, or by steps without spikes, as samples of a data set are. The next push begins a new stream.
    ///
    /// # Errors
    /// [`Error::Network`] for what no front end makes.
    pub fn finish(&mut self, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        self.finish_source(tell)?;
        self.network.reset(&mut self.state)?;
        (self.windows, self.step) = (0, 0);
        Ok(())
    }

    fn finish_source(&mut self, tell: &mut dyn FnMut(&Decision<'_>)) -> Result<(), Error> {
        match &self.source {
            Source::Undecided(_) => Ok(()),
            Source::Sound(_) => self.finish_sound(tell),
            Source::Spikes(_) => self.finish_spikes(tell),
        }
    }

    /// How many steps the window under way lacks, if it has begun and will end.
    fn lacking(&self) -> usize {
        if self.step == 0 || self.window == usize::MAX { 0 } else { self.window - self.step }
    }

    /// One step of the network, which ends at `time`.
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

impl Settings {
    /// Losses with scores of their own have nothing to do with the readout.
    fn check(&self) -> Result<(), Error> {
        match self.experiment.loss.name {
            snn_core::LossKind::CrossEntropy => Ok(()),
            other => Err(Error::Impossible(format!(
                "a network trained with loss.name = \"{}\" does not decide by its readout, which is what a stream follows",
                snn_core::LossKind::WORDS[other as usize]
            ))),
        }
    }
}

fn unknown_data() -> Error {
    Error::Impossible(
        "these weights do not say which data they were trained on: classes, steps and statistics of the channels are unknown; take a \
         checkpoint, or an export of this program"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests;
