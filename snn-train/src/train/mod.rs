//! The trainer: a plain loop over epochs.

mod batch;
mod epoch;
mod evaluate;
mod event;

use std::fmt;

use snn_core::{ActivityMonitor, Adam, Cpu, Network, Regularizer};
use snn_data::{Dataset, shuffled};

use crate::{
    Checkpoint, Error, Experiment,
    experiment::Selection,
    run::{Best, EpochRecord, Losses, TestRecord, WarningRecord, unix_time},
};
use epoch::Stopwatch;
use evaluate::{evaluate_watched, layers};
use event::emit;

pub(crate) use epoch::Partial;
pub use evaluate::{Evaluation, evaluate};
pub use event::{Event, Flow, Observer, Phase, Progress, Start};

/// Trains the network of an experiment on its data set.
///
/// Each epoch goes through the training samples once, in an order that `training.seed` and the epoch determine, and
/// ends with a validation. When all epochs are done, the model selected on validation is tested, once. [`Observer`]s
/// hear of everything and may ask for a stop; [`Trainer::run`] returns then, and goes on when called again.
///
/// Results depend on the experiment alone: not on the number of threads (those of the current rayon pool are used),
/// and not on stops and resumes.
pub struct Trainer {
    experiment: Experiment,
    dataset: Box<dyn Dataset>,
    network: Network,
    adam: Adam<f32, Cpu>,
    regularizer: Regularizer,
    /// Epochs completed.
    epoch: u32,
    /// The epoch under way, and the activity of the hidden layers in it.
    partial: Partial,
    activity: ActivityMonitor,
    /// The best epoch so far, and its state.
    best: Option<Best>,
    best_checkpoint: Option<Checkpoint>,
    /// Runs since the last checkpoint.
    since_checkpoint: Stopwatch,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Whether an observer stopped it before its end.
    pub stopped: bool,
    /// Epochs completed.
    pub epoch: u32,
    /// The best of them on validation.
    pub best: Option<Best>,
    /// How the selected model did in the test, unless stopped, or no samples are held out for a test.
    pub test: Option<TestRecord>,
}

impl Trainer {
    /// Generates or loads the data, and draws the initial weights.
    ///
    /// # Errors
    /// Those of [`Experiment::validate`], [`Error::Data`] and [`Error::Network`].
    pub fn new(experiment: Experiment) -> Result<Self, Error> {
        experiment.validate()?;
        let dataset = experiment.data.open()?;
        Self::on(experiment, dataset)
    }

    /// As [`Trainer::new`] on a data set of your own; what the experiment says in `data` is not used.
    ///
    /// # Errors
    /// Those of [`Experiment::validate`], and [`Error::Network`].
    pub fn on(experiment: Experiment, dataset: Box<dyn Dataset>) -> Result<Self, Error> {
        experiment.validate()?;
        check_splits(&experiment, &*dataset)?;
        let network = experiment.network_config(&*dataset);
        let network = Network::new(network, experiment.initialization(), experiment.initialization.seed)?;
        let adam = Adam::new(experiment.adam(), &network)?;
        Ok(Self {
            regularizer: experiment.regularizer(),
            activity: ActivityMonitor::new(network.config(), dataset.steps()),
            experiment,
            dataset,
            network,
            adam,
            epoch: 0,
            partial: Partial::default(),
            best: None,
            best_checkpoint: None,
            since_checkpoint: Stopwatch::start(),
        })
    }

    /// Goes to where `last` was taken. `best` is the checkpoint of the best epoch before it; it is not needed where
    /// `last` itself is the best.
    ///
    /// # Errors
    /// [`Error::OtherExperiment`] if `last` is of another experiment (only for how long to train may differ),
    /// [`Error::OtherNetwork`] if a checkpoint has other weights, [`Error::Impossible`] if `best` is missing or of
    /// another epoch. The trainer is unchanged then.
    pub fn resume(&mut self, last: &Checkpoint, best: Option<&Checkpoint>) -> Result<(), Error> {
        if let Some((key, stored, given)) = last.experiment().first_difference(&self.experiment) {
            return Err(Error::OtherExperiment { key, stored: stored.to_string(), given: given.to_string() });
        }
        let best = match last.best() {
            None => None,
            Some(_) if last.is_best() => Some(last.clone()),
            Some(record) => match best {
                Some(best) if best.epoch() == record.epoch => Some(best.clone()),
                _ => {
                    let epoch = record.epoch;
                    return Err(Error::Impossible(format!("the checkpoint of the best epoch, {epoch}, is missing")));
                }
            },
        };
        let mut network = self.network.clone();
        last.restore(&mut network)?;
        if let Some(best) = &best {
            best.check_shape(&network)?;
        }
        let adam = Adam::from_state(self.experiment.adam(), &network, &last.adam_state())?;
        let mut activity = ActivityMonitor::new(network.config(), self.dataset.steps());
        let mut partial = last.state.partial.clone().unwrap_or_default();
        if partial.batch > 0 && !partial.restore_activity(&mut activity) {
            return Err(Error::Impossible("the activity in the checkpoint is of another network".to_owned()));
        }
        self.network = network;
        self.adam = adam;
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
    pub fn network(&self) -> &Network {
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
        Checkpoint::take(&self.experiment, &self.network, &self.adam, self.epoch, self.best, partial)
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

    fn run_to_end(&mut self, observers: &mut [&mut dyn Observer]) -> Result<Outcome, Error> {
        let splits = self.dataset.splits();
        let start = Start {
            experiment: &self.experiment,
            network: &self.network,
            dataset: &*self.dataset,
            epoch: self.epoch,
            batch: self.partial.batch,
            batches: self.batches(splits.train.len()),
            validation_batches: self.batches(splits.valid.len()),
            best: self.best,
        };
        self.since_checkpoint = Stopwatch::start();
        let mut flow = emit(observers, &Event::RunStarted(&start))?;
        while flow == Flow::Continue && !self.is_trained() {
            flow = self.train_epoch(observers)?;
        }
        let mut test = None;
        if flow == Flow::Continue {
            (flow, test) = self.test(observers)?;
        }
        Ok(Outcome { stopped: flow == Flow::Stop, epoch: self.epoch, best: self.best, test })
    }

    fn is_trained(&self) -> bool {
        let settings = &self.experiment.training;
        let stale = |best: Best| settings.patience > 0 && self.epoch - best.epoch >= settings.patience;
        self.epoch >= settings.epochs || self.best.is_some_and(stale)
    }

    fn batches(&self, samples: usize) -> u32 {
        batch::count(samples, self.experiment.training.batch_size)
    }

    /// What is left of an epoch, and its validation.
    fn train_epoch(&mut self, observers: &mut [&mut dyn Observer]) -> Result<Flow, Error> {
        let epoch = self.epoch + 1;
        let settings = self.experiment.training.clone();
        let order = shuffled(&self.dataset.splits().train, settings.seed, u64::from(epoch));
        for indices in order.chunks(settings.batch_size).skip(self.partial.batch as usize) {
            let losses = self.train_batch(epoch, indices)?;
            let batches = self.batches(order.len());
            let flow = self.tell_progress(observers, Phase::Training, self.partial.batch, batches, &losses)?;
            let due = self.partial.batch < batches && self.since_checkpoint.is_past(settings.checkpoint_interval);
            if flow == Flow::Stop || due {
                self.emit_checkpoint(observers, false)?;
            }
            if flow == Flow::Stop {
                return Ok(flow);
            }
        }
        let mut watch = Stopwatch::start();
        let mut valid = None;
        let samples = &self.dataset.splits().valid;
        if !samples.is_empty() {
            let evaluation = self.evaluate(&self.network, samples, Phase::Validation, observers)?;
            let Some(Evaluation { losses, .. }) = evaluation else {
                self.emit_checkpoint(observers, false)?;
                return Ok(Flow::Stop);
            };
            valid = Some(losses);
        }
        self.partial.seconds.validation += watch.lap();
        self.finish_epoch(valid, observers)
    }

    /// One update of the weights. Returns the loss and accuracy of the batch.
    fn train_batch(&mut self, epoch: u32, indices: &[u32]) -> Result<Losses, Error> {
        let mut watch = Stopwatch::start();
        let (input, labels) = batch::load(&*self.dataset, indices)?;
        self.partial.seconds.data += watch.lap();

        let finite = |what: &str, value: f64| {
            if value.is_finite() {
                return Ok(());
            }
            Err(Error::NotFinite {
                what: what.to_owned(),
                value,
                epoch,
                batch: self.partial.batch + 1,
                learning_rate: self.experiment.optimizer.learning_rate,
            })
        };
        let loss = self.network.loss(&input, &labels, &self.regularizer)?;
        finite("the loss", loss.total())?;
        let (correct, cross_entropy, regularization) =
            (loss.output.correct(&labels), loss.cross_entropy, loss.regularization);
        self.activity.observe(&loss.output);
        let forward = watch.lap();

        let gradients = loss.backward()?;
        let norms = gradients.norms();
        // A weight that is not a number may silence a unit and leave the loss finite: the gradient tells in time.
        norms.iter().try_for_each(|(name, norm)| finite(&format!("the gradient of {name}"), *norm))?;
        self.partial.seconds.forward += forward;
        for (name, norm) in norms {
            *self.partial.gradient_norms.entry(name.to_owned()).or_default() += norm;
        }
        self.partial.seconds.backward += watch.lap();

        self.adam.update(&mut self.network, &gradients)?;
        self.partial.seconds.update += watch.lap();

        let losses = self.partial.sums.add(labels.len(), correct, cross_entropy, regularization);
        self.partial.batch += 1;
        Ok(losses)
    }

    /// `None` when an observer asks for a stop.
    fn evaluate(
        &self,
        network: &Network,
        samples: &[u32],
        phase: Phase,
        observers: &mut [&mut dyn Observer],
    ) -> Result<Option<Evaluation>, Error> {
        let batches = self.batches(samples.len());
        let mut batch = 0;
        let watch = |losses: &Losses| {
            batch += 1;
            self.tell_progress(observers, phase, batch, batches, losses)
        };
        let batch_size = self.experiment.training.batch_size;
        evaluate_watched(network, &*self.dataset, samples, &self.regularizer, batch_size, watch)
    }

    fn tell_progress(
        &self,
        observers: &mut [&mut dyn Observer],
        phase: Phase,
        batch: u32,
        batches: u32,
        losses: &Losses,
    ) -> Result<Flow, Error> {
        let epoch = if phase == Phase::Test { self.epoch } else { self.epoch + 1 };
        let Losses { loss, accuracy, .. } = *losses;
        emit(observers, &Event::BatchFinished(&Progress { phase, epoch, batch, batches, loss, accuracy }))
    }

    /// The epoch under way becomes the last one completed.
    fn finish_epoch(&mut self, valid: Option<Losses>, observers: &mut [&mut dyn Observer]) -> Result<Flow, Error> {
        let partial = std::mem::take(&mut self.partial);
        self.epoch += 1;
        let candidate = valid.map(|valid| Best { epoch: self.epoch, accuracy: valid.accuracy, loss: valid.loss });
        let is_best = match (self.best, candidate) {
            (Some(best), Some(candidate)) => best.is_beaten_by(&candidate),
            (None, candidate) => candidate.is_some(),
            (Some(_), None) => false,
        };
        if is_best {
            self.best = candidate;
        }
        let record = EpochRecord {
            epoch: self.epoch,
            step: u64::from(self.epoch) * u64::from(partial.batch),
            time: unix_time(),
            train: partial.sums.means(),
            valid,
            best: is_best,
            layers: layers(&self.activity),
            gradient_norms: partial.mean_gradient_norms(),
            seconds: partial.seconds,
        };
        let warnings = self.activity.warnings();
        self.activity.reset();

        let network = &self.network;
        let mut flow = emit(observers, &Event::EpochFinished { record: &record, network, dataset: &*self.dataset })?;
        for warning in warnings {
            let warning = WarningRecord { epoch: self.epoch, message: warning.to_string() };
            flow = flow.or(emit(observers, &Event::Warning(&warning))?);
        }
        Ok(flow.or(self.emit_checkpoint(observers, is_best)?))
    }

    fn emit_checkpoint(&mut self, observers: &mut [&mut dyn Observer], best: bool) -> Result<Flow, Error> {
        let mut watch = Stopwatch::start();
        let checkpoint = self.checkpoint();
        let flow = emit(observers, &Event::Checkpoint { checkpoint: &checkpoint, best })?;
        if best {
            self.best_checkpoint = Some(checkpoint);
        }
        self.partial.seconds.checkpoint += watch.lap();
        self.since_checkpoint = watch;
        Ok(flow)
    }

    /// The one look at the test samples.
    fn test(&self, observers: &mut [&mut dyn Observer]) -> Result<(Flow, Option<TestRecord>), Error> {
        let samples = &self.dataset.splits().test;
        if samples.is_empty() {
            return Ok((Flow::Continue, None));
        }
        let (mut network, mut selected_epoch) = (self.network.clone(), self.epoch);
        if let (Selection::Best, Some(best)) = (self.experiment.training.selection, &self.best_checkpoint) {
            best.restore(&mut network)?;
            selected_epoch = best.epoch();
        }
        let Some(evaluation) = self.evaluate(&network, samples, Phase::Test, observers)? else {
            return Ok((Flow::Stop, None));
        };
        let record = TestRecord {
            epoch: self.epoch,
            selected_epoch,
            samples: evaluation.samples,
            test: evaluation.losses,
            layers: evaluation.layers,
        };
        // The run is complete: a stop asked for now comes too late to change anything.
        emit(observers, &Event::Tested(&record))?;
        Ok((Flow::Continue, Some(record)))
    }
}

/// What the splits and the counters must have room for.
fn check_splits(experiment: &Experiment, dataset: &dyn Dataset) -> Result<(), Error> {
    let impossible = |reason: &str| Err(Error::Impossible(reason.to_owned()));
    let (splits, settings) = (dataset.splits(), &experiment.training);
    if splits.train.is_empty() {
        return impossible("there are no training samples; hold out fewer of them for validation and test");
    }
    if splits.valid.is_empty() && settings.selection == Selection::Best {
        return impossible(
            "there are no validation samples to select the best epoch by; hold some out, or set training.selection to \
             \"last\"",
        );
    }
    let batches = batch::count(splits.train.len(), settings.batch_size);
    if settings.epochs.checked_mul(batches).is_none_or(|steps| steps == u32::MAX) {
        return impossible("training.epochs x batches must be below 2^32; lower the epochs or raise the batch size");
    }
    Ok(())
}

impl fmt::Debug for Trainer {
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
