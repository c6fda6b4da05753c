//! How the trainer talks to the world: it emits events, and hears from observers only whether to stop.

use snn_core::{ActivityMonitor, Network, Optimizer};
use snn_data::Dataset;

use snn_run::{Best, EpochRecord, TestRecord, WarningRecord};

use super::{evaluation::Evaluation, flow::Flow, initial::ExpectedActivity, outcome::Outcome};
use crate::{checkpoint::Checkpoint, device::Device, error::Error, experiment::Experiment};

/// What happens during a run, in this order: `RunStarted`; for each epoch its `BatchFinished`, then `EpochFinished`,
/// `Warning`s and `Checkpoint`; `Tested`; at last `RunFinished` or `RunFailed`.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Training is about to begin, or to go on.
    RunStarted(&'a Start<'a>),
    /// A batch has been trained or evaluated.
    BatchFinished(&'a Progress),
    /// An epoch has been trained and validated. The network is there to be looked into.
    EpochFinished {
        /// What the epoch has done.
        record: &'a EpochRecord,
        /// The network at the end of the epoch.
        network: &'a Network,
        /// The data set, for samples to look at.
        dataset: &'a dyn Dataset,
        /// The optimizer, which tells the size of the last update.
        optimizer: &'a dyn Optimizer,
        /// Spikes of every hidden unit over the training samples of the epoch.
        activity: &'a ActivityMonitor,
        /// The validation in full; `None` if nothing is held out.
        validation: Option<&'a Evaluation>,
    },
    /// Something deserves a look: a silent layer, for example.
    Warning(&'a WarningRecord),
    /// The state of the run, complete: who wants to resume keeps it.
    Checkpoint {
        /// The state.
        checkpoint: &'a Checkpoint,
        /// Whether it is that of the best epoch so far.
        best: bool,
    },
    /// The selected model has been tested.
    Tested(&'a TestRecord),
    /// The run has ended, or was stopped.
    RunFinished(&'a Outcome),
    /// The run has ended with an error.
    RunFailed(&'a Error),
}

/// How a run starts.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Start<'a> {
    /// What is to be run.
    pub experiment: &'a Experiment,
    /// The network at the start.
    pub network: &'a Network,
    /// What each of its hidden layers does with training samples; nothing where a run goes on.
    pub untrained: &'a [ExpectedActivity],
    /// The data set.
    pub dataset: &'a dyn Dataset,
    /// Where the network computes, if that is known ([`Trainer::on_device`](super::Trainer::on_device)).
    pub device: Option<Device>,
    /// Epochs completed already.
    pub epoch: u32,
    /// Batches completed of the epoch under way.
    pub batch: u32,
    /// Batches of one epoch.
    pub batches: u32,
    /// Batches of one validation.
    pub validation_batches: u32,
    /// The best epoch so far.
    pub best: Option<Best>,
}

/// How far an epoch is.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// The epoch under way, counted from 1.
    pub epoch: u32,
    /// Batches done in this phase.
    pub batch: u32,
    /// Batches of this phase.
    pub batches: u32,
    /// Epochs planned.
    pub epochs: u32,
    /// Cross-entropy plus regularization of the batch.
    pub loss: f64,
    /// Share of its samples classified correctly, 0 to 1.
    pub accuracy: f64,
}

/// What a batch is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// An update of the weights.
    Training,
    /// The validation at the end of an epoch.
    Validation,
    /// The test of the selected model.
    Test,
}

/// Watches a run: a progress bar, a file writer, a probe, or a closure `|event: &Event| ...`.
///
/// ```
/// use snn_train::{Error, Event, Flow, Observer};
///
/// /// Stops as soon as a validation accuracy is reached.
/// struct GoodEnough(f64);
///
/// impl Observer for GoodEnough {
///     fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
///         match event {
///             Event::EpochFinished { record, .. } => {
///                 let reached = record.valid.is_some_and(|valid| valid.accuracy >= self.0);
///                 Ok(if reached { Flow::Stop } else { Flow::Continue })
///             }
///             _ => Ok(Flow::Continue),
///         }
///     }
/// }
/// ```
pub trait Observer {
    /// Takes notice of an event, and says whether the run goes on. After `RunFinished` and `RunFailed` nothing depends
    /// on the answer.
    ///
    /// # Errors
    /// An error ends the run as failed. Errors of your own go into [`Error::Observer`].
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error>;
}

impl<F: FnMut(&Event<'_>)> Observer for F {
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
        self(event);
        Ok(Flow::Continue)
    }
}

/// Tells all observers; the run stops if one of them says so.
pub(super) fn emit(observers: &mut [&mut dyn Observer], event: &Event<'_>) -> Result<Flow, Error> {
    let mut flow = Flow::Continue;
    for observer in observers {
        flow = flow.or(observer.observe(event)?);
    }
    Ok(flow)
}
