//! The trainer: what it consists of, and where it starts from.

mod advice;
pub(crate) mod batch;
mod begin;
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
/// Each epoch goes through the training samples once, in an order that `training.seed` and the epoch determine, and
/// ends with a validation. When all epochs are done, the model selected on validation is tested, once. [`Observer`]s
/// hear of everything and may ask for a stop; [`Trainer::run`] returns then, and goes on when called again.
///
/// Results depend on the experiment alone: not on the number of threads (those of the current rayon pool are used),
/// and not on stops and resumes.
pub struct Trainer<D: Backend<f32> = Cpu> {
    experiment: Experiment,
    dataset: Arc<dyn Dataset>,
    identity: DataIdentity,
    /// What the experiment said of its data, where the data set is another one.
    described: Option<Data>,
    network: Network<f32, D>,
    optimizer: Box<dyn Optimizer<f32, D>>,
    loss: AnyLoss,
    device: Option<Device>,
    regularizer: Regularizer,
    /// Epochs completed.
    epoch: u32,
    /// The epoch under way, and the activity of the hidden layers in it.
    partial: Partial,
    activity: ActivityMonitor,
    /// Whether the input of the epoch under way may have had a spike, or a value other than 0.
    input_is_alive: bool,
    /// Whether the file that `initialization.weights` names could not be used. Whoever goes on from a checkpoint needs it no more,
    /// so this is an error only where the run begins.
    lacks_weights: bool,
    /// The best epoch so far, and its state.
    best: Option<Best>,
    best_checkpoint: Option<Checkpoint>,
    /// Runs since the last checkpoint.
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

    /// As [`Trainer::new`] on a data set of your own, which trainers may share. What the experiment says in `data` is not used:
    /// it becomes [`External`], with the name, shape and fingerprint of the data set
    /// ([`on_described_data`](Trainer::on_described_data) undoes that).
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
    /// As [`Trainer::on`], computing on the device given. What it is called, for the records, is for
    /// [`named`](Trainer::named) to say.
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

    /// Says that the data set is the one that the experiment describes in `data`. A run on any other says that it is, so that
    /// nobody evaluates it on the wrong one.
    #[must_use]
    pub fn on_described_data(mut self) -> Self {
        if let Some(described) = self.described.take() {
            self.experiment.data = described;
        }
        self
    }

    /// Which data it trains on.
    pub(crate) fn data_identity(&self) -> &DataIdentity {
        &self.identity
    }

    /// Whether the data set is another one than the experiment describes.
    pub(crate) fn is_on_external_data(&self) -> bool {
        self.described.is_some()
    }

    /// Says what the device is called: [`Start::device`], which a run directory records.
    #[must_use]
    pub fn named(mut self, device: Device) -> Self {
        self.device = Some(device);
        self
    }

    /// Starts from these weights instead of those that the experiment says: all of them, or those that `initialization.only` names.
    /// A run directory does not know where they came from; `initialization.weights` is recorded.
    ///
    /// # Errors
    /// [`Error::Weights`] for what does not fit, [`Error::Impossible`] once there has been training.
    pub fn with_weights(mut self, weights: &Weights) -> Result<Self, Error> {
        if self.epoch > 0 || self.partial.batch > 0 {
            return Err(Error::Impossible("weights come first: this trainer has trained already".to_owned()));
        }
        weights.put_only(&self.experiment.initialization.only, &mut self.network)?;
        self.lacks_weights = false;
        Ok(self)
    }

    /// Refuses to begin without the weights that the experiment names.
    ///
    /// # Errors
    /// Those of [`Weights::load`] and [`Weights::put_into`].
    pub(crate) fn check_start(&self) -> Result<(), Error> {
        if !self.lacks_weights {
            return Ok(());
        }
        begin::load(&self.experiment, &mut self.network.clone())?;
        Err(Error::Impossible(
            "the weights were not there when this began, and are now: begin again".to_owned(),
        ))
    }

    /// Goes to where `last` was taken. `best` is the checkpoint of the best epoch before it; it is not needed where
    /// `last` itself is the best.
    ///
    /// # Errors
    /// [`Error::OtherExperiment`] if `last` is of another experiment (only for how long to train may differ),
    /// [`Error::OtherNetwork`] if a checkpoint has other weights, [`Error::Impossible`] if `best` is missing or of
    /// another epoch. The trainer is unchanged then.
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
            return Err(Error::Impossible("the activity in the checkpoint is of another network".to_owned()));
        }
        // Of what was before this session nothing is known.
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

    /// The network as it is now.
    #[must_use]
    pub fn network(&self) -> &Network<f32, D> {
        &self.network
    }

    /// The data set.
    #[must_use]
    pub fn dataset(&self) -> &dyn Dataset {
        &*self.dataset
    }

    /// The state as it is now.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let partial = (self.partial.batch > 0).then(|| self.partial.with_activity(&self.activity));
        let (optimizer, data) = (&*self.optimizer, &self.identity);
        Checkpoint::take(&self.experiment, &self.network, optimizer, self.epoch, self.best, partial, data)
    }

    /// Trains to the end, or until an observer asks for a stop.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if training diverges, [`Error::Data`] or [`Error::Network`] if the data are not what they
    /// promise to be, and whatever an observer returns.
    pub fn run(&mut self, observers: &mut [&mut dyn Observer]) -> Result<Outcome, Error> {
        let result = self.run_to_end(observers);
        let event = match &result {
            Ok(outcome) => Event::RunFinished(outcome),
            Err(error) => Event::RunFailed(error),
        };
        // All hear of the end, also when one of them is why it came.
        let told: Vec<_> = observers.iter_mut().map(|observer| observer.observe(&event)).collect();
        let outcome = result?;
        told.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(outcome)
    }
}

/// What must hold between the experiment and the samples that there are.
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

/// One damaged label makes tens of thousands of classes.
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
        "the largest label, {label} (of sample {sample}, counted from 0), makes {classes} classes, but only {found} labels \
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
