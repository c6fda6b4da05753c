//! The trainer: its state, and its start.

mod advice;
pub(crate) mod batch;
mod begin;
mod confusion;
mod evaluate;
mod evaluation;
mod event;
mod flow;
mod initial;
mod outcome;
mod predict;
mod run;
mod stopwatch;

use std::{fmt, sync::Arc};

use snn_core::{ActivityMonitor, AnyLoss, Backend, Cpu, LossFunction, Network, Optimizer, Regularizer};
use snn_data::{DataIdentity, Dataset};

use snn_run::Best;

use crate::{
    checkpoint::{Checkpoint, Partial},
    device::Device,
    error::Error,
    experiment::{Data, Experiment, External, Selection},
    weights::Weights,
};
use stopwatch::Stopwatch;

pub use batch::network_input;
pub use confusion::Confusion;
pub use evaluate::{Goal, evaluate};
pub use evaluation::Evaluation;
pub use event::{Event, Observer, Phase, Progress, Start};
pub use flow::Flow;
pub use initial::{ExpectedActivity, expected_activity};
#[cfg(feature = "figures")]
pub(crate) use initial::{evaluate_activity, spread};
pub use outcome::Outcome;
pub use predict::{Prediction, predict};

/// Trains the network of an experiment on its data set.
///
/// Each epoch processes the training samples once, in an order determined by `training.seed` and the epoch, and ends with a
/// validation. After all epochs, the model selected on validation is tested, once. [`Observer`]s receive all events and may
/// request a stop: [`Trainer::run`] then returns, and continues when called again.
///
/// Results depend only on the experiment, not on the number of threads (those of the current rayon pool are used) or on stops and
/// resumes.
pub struct Trainer<D: Backend<f32> = Cpu> {
    experiment: Experiment,
    dataset: Arc<dyn Dataset>,
    identity: DataIdentity,
    /// The data section of the experiment, if the data set is a different one.
    described: Option<Data>,
    network: Network<f32, D>,
    optimizer: Box<dyn Optimizer<f32, D>>,
    loss: AnyLoss,
    device: Option<Device>,
    regularizer: Regularizer,
    /// Completed epochs.
    epoch: u32,
    /// The current epoch, and the activity of the hidden layers in it.
    partial: Partial,
    activity: ActivityMonitor,
    /// Whether the input of the current epoch may have had a spike, or a value other than 0.
    input_is_alive: bool,
    /// Whether the file of `initialization.weights` could not be used. Resuming from a checkpoint does not need it, so this is an
    /// error only at the start of a run.
    lacks_weights: bool,
    /// The best epoch so far, and its state.
    best: Option<Best>,
    best_checkpoint: Option<Checkpoint>,
    /// Measures the time since the last checkpoint.
    since_checkpoint: Stopwatch,
}

impl Trainer {
    /// Generates or loads the data, and draws the initial weights.
    ///
    /// # Errors
    /// Those of [`Experiment::validate`], [`Error::TooLarge`], [`Error::Data`] and [`Error::Network`].
    pub fn new(experiment: Experiment) -> Result<Self, Error> {
        experiment.validate()?;
        experiment.check_memory()?;
        let dataset = experiment.data.open()?;
        Ok(Self::on(experiment, dataset.into())?.on_described_data())
    }

    /// [`Trainer::new`] on your own data set, which trainers may share. The experiment's section `data` is not used: it becomes
    /// [`External`], with the name, shape and fingerprint of the data set ([`on_described_data`](Trainer::on_described_data) undoes
    /// that).
    ///
    /// # Errors
    /// Those of [`Experiment::validate`], [`Error::TooLarge`] and [`Error::Network`].
    pub fn on(experiment: Experiment, dataset: Arc<dyn Dataset>) -> Result<Self, Error> {
        check_samples(&experiment, &*dataset)?;
        experiment.training_memory(&*dataset).check(experiment.training.memory_limit)?;
        Ok(Self::on_device(Cpu::default(), experiment, dataset)?.named(Device::Cpu))
    }
}

impl<D: Backend<f32>> Trainer<D> {
    /// [`Trainer::on`] on the given device. Set its name for the records with [`named`](Trainer::named).
    ///
    /// # Errors
    /// Those of [`Experiment::validate`], and [`Error::Network`].
    pub fn on_device(
        device: D,
        mut experiment: Experiment,
        dataset: Arc<dyn Dataset>,
    ) -> Result<Self, Error> {
        experiment.validate()?;
        check_samples(&experiment, &*dataset)?;
        let mut network = experiment.network_on(device, &*dataset)?;
        let lacks_weights = begin::load(&experiment, &mut network).is_err();
        let optimizer = begin::optimizer(&experiment, &network, None)?;
        let loss = experiment.loss_function();
        loss.validate(network.config())?;
        let identity = DataIdentity::of(&*dataset)?;
        let external = Data::External(External::of(&identity));
        let described = std::mem::replace(&mut experiment.data, external);
        Ok(Self {
            regularizer: experiment.regularizer(),
            activity: ActivityMonitor::new(network.config(), dataset.steps()),
            described: Some(described),
            identity,
            experiment,
            dataset,
            network,
            optimizer,
            loss,
            device: None,
            epoch: 0,
            partial: Partial::default(),
            input_is_alive: false,
            lacks_weights,
            best: None,
            best_checkpoint: None,
            since_checkpoint: Stopwatch::start(),
        })
    }

    /// Declares that the data set is the one described in the experiment's section `data`. Otherwise a run records external data, to
    /// prevent evaluating it on the wrong data.
    #[must_use]
    pub fn on_described_data(mut self) -> Self {
        if let Some(described) = self.described.take() {
            self.experiment.data = described;
        }
        self
    }

    /// The identity of the training data.
    pub(crate) fn data_identity(&self) -> &DataIdentity {
        &self.identity
    }

    /// Whether the data set differs from the one described in the experiment.
    pub(crate) fn is_on_external_data(&self) -> bool {
        self.described.is_some()
    }

    /// Sets the name of the device: [`Start::device`], which a run directory records.
    #[must_use]
    pub fn named(mut self, device: Device) -> Self {
        self.device = Some(device);
        self
    }

    /// Starts from these weights instead of those of the experiment: all of them, or those named in `initialization.only`. A run
    /// directory does not record their origin, unlike that of `initialization.weights`.
    ///
    /// # Errors
    /// [`Error::Weights`] for weights that do not fit, [`Error::Impossible`] after training has started.
    pub fn with_weights(mut self, weights: &Weights) -> Result<Self, Error> {
        if self.epoch > 0 || self.partial.batch > 0 {
            return Err(Error::Impossible(
                "weights must be set before training, and this trainer has already trained".to_owned(),
            ));
        }
        weights.put_only(&self.experiment.initialization.only, &mut self.network)?;
        self.lacks_weights = false;
        Ok(self)
    }

    /// Refuses to start without the weights named in the experiment.
    ///
    /// # Errors
    /// Those of [`Weights::load`] and [`Weights::put_into`].
    pub(crate) fn check_start(&self) -> Result<(), Error> {
        if !self.lacks_weights {
            return Ok(());
        }
        begin::load(&self.experiment, &mut self.network.clone())?;
        Err(Error::Impossible("the weights were missing at the start and exist now: start again".to_owned()))
    }

    /// Restores the state of `last`. `best` is the checkpoint of the best epoch before it; it is not needed if `last` itself is the
    /// best.
    ///
    /// # Errors
    /// [`Error::OtherExperiment`] if `last` has a different experiment (only the length of training may differ),
    /// [`Error::OtherNetwork`] if a checkpoint has different weights, [`Error::Impossible`] if `best` is missing or of a different
    /// epoch. The trainer is then unchanged.
    pub fn resume(&mut self, last: &Checkpoint, best: Option<&Checkpoint>) -> Result<(), Error> {
        if let Some((key, stored, given)) = last.experiment().difference(&self.experiment) {
            return Err(Error::OtherExperiment { key, stored: stored.to_string(), given: given.to_string() });
        }
        let best = match last.best() {
            None => None,
            Some(_) if last.is_best() => Some(last.clone()),
            Some(record) => match best {
                Some(best) if best.epoch() == record.epoch => Some(best.clone()),
                _ => {
                    let epoch = record.epoch;
                    return Err(Error::Impossible(format!(
                        "the checkpoint of the best epoch, {epoch}, is missing"
                    )));
                }
            },
        };
        let mut network = self.network.clone();
        last.restore(&mut network)?;
        if let Some(best) = &best {
            best.check_shape(&network)?;
        }
        let optimizer = begin::optimizer(&self.experiment, &network, Some(&last.optimizer_state()))?;
        let mut activity = ActivityMonitor::new(network.config(), self.dataset.steps());
        let mut partial = last.state.partial.clone().unwrap_or_default();
        if partial.batch > 0 && !partial.restore_activity(&mut activity) {
            return Err(Error::Impossible(
                "the activity in the checkpoint is that of a different network".to_owned(),
            ));
        }
        // The part before this session is unknown.
        self.input_is_alive = partial.batch > 0;
        self.network = network;
        self.lacks_weights = false;
        self.optimizer = optimizer;
        self.epoch = last.epoch();
        self.partial = partial;
        self.activity = activity;
        self.best = last.best();
        self.best_checkpoint = best;
        Ok(())
    }

    /// The experiment.
    #[must_use]
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// The current network.
    #[must_use]
    pub fn network(&self) -> &Network<f32, D> {
        &self.network
    }

    /// The data set.
    #[must_use]
    pub fn dataset(&self) -> &dyn Dataset {
        &*self.dataset
    }

    /// The current state.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let partial = (self.partial.batch > 0).then(|| self.partial.with_activity(&self.activity));
        let (optimizer, data) = (&*self.optimizer, &self.identity);
        Checkpoint::take(&self.experiment, &self.network, optimizer, self.epoch, self.best, partial, data)
    }

    /// Trains to the end, or until an observer requests a stop.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if training diverges, [`Error::Data`] or [`Error::Network`] if the data violate their contract, and errors
    /// of observers.
    pub fn run(&mut self, observers: &mut [&mut dyn Observer]) -> Result<Outcome, Error> {
        let result = self.run_to_end(observers);
        let event = match &result {
            Ok(outcome) => Event::RunFinished(outcome),
            Err(error) => Event::RunFailed(error),
        };
        // Notify all observers of the end, even if one of them caused it.
        let told: Vec<_> = observers.iter_mut().map(|observer| observer.observe(&event)).collect();
        let outcome = result?;
        told.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(outcome)
    }
}

/// Checks the constraints between the experiment and the samples.
fn check_samples(experiment: &Experiment, dataset: &dyn Dataset) -> Result<(), Error> {
    let impossible = |reason: &str| Err(Error::Impossible(reason.to_owned()));
    let (splits, settings) = (dataset.splits(), &experiment.training);
    if splits.train.is_empty() {
        return impossible("there are no training samples; hold out fewer of them for validation and test");
    }
    check_labels(dataset)?;
    if splits.valid.is_empty() && settings.selection == Selection::Best {
        return impossible(
            "there are no validation samples to select the best epoch by; hold some out, or set training.selection to \
             \"last\"",
        );
    }
    if let Some(sample) = experiment.probe.samples.iter().find(|&&sample| sample >= dataset.len()) {
        return Err(Error::Impossible(format!(
            "probe.samples names sample {sample}, but the data set has {} (counted from 0)",
            dataset.len()
        )));
    }
    let batches = batch::count(splits.train.len(), settings.batch_size);
    if settings.epochs.checked_mul(batches).is_none_or(|steps| steps == u32::MAX) {
        return impossible(
            "training.epochs x batches must be below 2^32; lower the epochs or raise the batch size",
        );
    }
    Ok(())
}

/// A damaged label may imply tens of thousands of classes.
fn check_labels(dataset: &dyn Dataset) -> Result<(), Error> {
    const MANY: usize = 256;
    let classes = dataset.classes();
    if classes <= MANY || dataset.class_name(0).is_some() {
        return Ok(());
    }
    let mut occurs = vec![false; classes];
    let mut largest = (0, 0);
    for index in 0..dataset.len() {
        let label = dataset.label(index);
        occurs[usize::from(label)] = true;
        largest = largest.max((label, index));
    }
    let found = occurs.iter().filter(|&&occurs| occurs).count();
    if 4 * found >= classes {
        return Ok(());
    }
    let (label, sample) = largest;
    Err(Error::Impossible(format!(
        "the largest label, {label} (of sample {sample}, counted from 0), implies {classes} classes, but only {found} labels \
         occur: it may be damaged; labels count from 0 without gaps, or the data name their classes"
    )))
}

impl<D: Backend<f32>> fmt::Debug for Trainer<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, epoch, partial, best, .. } = self;
        f.debug_struct("Trainer")
            .field("experiment", experiment)
            .field("epoch", epoch)
            .field("batch", &partial.batch)
            .field("best", best)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
