//! The interface of the trainer: it emits events, and observers return only whether to stop.

use snn_core::{ActivityMonitor, Network, Optimizer};
use snn_data::Dataset;

use snn_run::{Best, EpochRecord, TestRecord, WarningRecord};

use super::{evaluation::Evaluation, flow::Flow, initial::ExpectedActivity, outcome::Outcome};
use crate::{checkpoint::Checkpoint, device::Device, error::Error, experiment::Experiment};

/// The events of a run, in this order: `RunStarted`; for each epoch its `BatchFinished`, then `EpochFinished`, `Warning`s and
/// `Checkpoint`; `Tested`; finally `RunFinished` or `RunFailed`.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Training is about to start or resume.
    RunStarted(&'a Start<'a>),
    /// A batch has been trained or evaluated.
    BatchFinished(&'a Progress),
    /// An epoch has been trained and validated. The network can be inspected.
    EpochFinished {
        /// The results of the epoch.
        record: &'a EpochRecord,
        /// The network at the end of the epoch.
        network: &'a Network,
        /// The data set, for samples to inspect.
        dataset: &'a dyn Dataset,
        /// The optimizer, which knows the size of the last update.
        optimizer: &'a dyn Optimizer,
        /// Spikes of every hidden unit over the training samples of the epoch.
        activity: &'a ActivityMonitor,
        /// The complete validation; `None` if no samples are held out.
        validation: Option<&'a Evaluation>,
    },
    /// A warning, for example about a silent layer.
    Warning(&'a WarningRecord),
    /// The complete state of the run, to save for resuming.
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
    /// The experiment.
    pub experiment: &'a Experiment,
    /// The network at the start.
    pub network: &'a Network,
    /// The activity of each hidden layer on training samples; empty for a resumed run.
    pub untrained: &'a [ExpectedActivity],
    /// The data set.
    pub dataset: &'a dyn Dataset,
    /// The device of the network, if known ([`Trainer::on_device`](super::Trainer::on_device)).
    pub device: Option<Device>,
    /// Completed epochs.
    pub epoch: u32,
    /// Completed batches of the current epoch.
    pub batch: u32,
    /// Batches per epoch.
    pub batches: u32,
    /// Batches per validation.
    pub validation_batches: u32,
    /// The best epoch so far.
    pub best: Option<Best>,
}

/// The progress of an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The phase.
    pub phase: Phase,
    /// The current epoch, from 1.
    pub epoch: u32,
    /// Completed batches of this phase.
    pub batch: u32,
    /// Batches of this phase.
    pub batches: u32,
    /// Epochs planned.
    pub epochs: u32,
    /// Cross-entropy plus regularization of the batch.
    pub loss: f64,
    /// Fraction of its samples classified correctly, 0 to 1.
    pub accuracy: f64,
}

/// The purpose of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// An update of the weights.
    Training,
    /// The validation at the end of an epoch.
    Validation,
    /// The test of the selected model.
    Test,
}

/// Observes a run: a progress bar, a file writer, a probe, or a closure `|event: &Event| ...`.
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
    /// Handles an event, and returns whether the run continues. The return value is ignored after `RunFinished` and
    /// `RunFailed`.
    ///
    /// # Errors
    /// An error ends the run as failed. Wrap your own errors in [`Error::Observer`].
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error>;
}

impl<F: FnMut(&Event<'_>)> Observer for F {
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
        self(event);
        Ok(Flow::Continue)
    }
}

/// Notifies all observers; the run stops if any of them requests it.
pub(super) fn emit(observers: &mut [&mut dyn Observer], event: &Event<'_>) -> Result<Flow, Error> {
    let mut flow = Flow::Continue;
    for observer in observers {
        flow = flow.or(observer.observe(event)?);
    }
    Ok(flow)
}
