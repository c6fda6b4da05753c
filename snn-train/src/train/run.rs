//! The loop over epochs, and the test at its end.

use snn_core::{Backend, Input, LossValues, Network, OptimizerSettings, QueuedStep, Stager, TrainingStep};
use snn_data::shuffled;

use snn_run::{Best, EpochRecord, Losses, TestRecord, WarningRecord, unix_time};

use super::{
    Trainer,
    advice::{Look, advice, guesses},
    batch::{self, Loaded},
    evaluate::{Goal, evaluate_watched, layers},
    evaluation::Evaluation,
    event::{Event, Observer, Phase, Progress, Start, emit},
    flow::Flow,
    initial,
    outcome::Outcome,
    stopwatch::Stopwatch,
};
use crate::{error::Error, experiment::Selection};

/// A step that was computed, or that the device may still be computing.
enum Step<D: Backend<f32>> {
    Computed(TrainingStep<f32, D>),
    Queued(QueuedStep<f32>),
}

/// An update of the weights.
enum Updated {
    /// The loss and accuracy of the batch.
    Done(Losses),
    Queued(Unread),
}

/// A queued step, and the labels of its batch.
struct Unread(QueuedStep<f32>, Vec<u16>);

impl<D: Backend<f32>> Trainer<D> {
    pub(super) fn run_to_end(&mut self, observers: &mut [&mut dyn Observer]) -> Result<Outcome, Error> {
        self.check_start()?;
        let splits = self.dataset.splits();
        let network = self.network.to_cpu()?;
        let begins = self.epoch == 0 && self.partial.batch == 0;
        let untrained =
            if begins { initial::expected_activity(&network, &*self.dataset)? } else { Vec::new() };
        let start = Start {
            experiment: &self.experiment,
            network: &network,
            untrained: &untrained,
            dataset: &*self.dataset,
            device: self.device,
            epoch: self.epoch,
            batch: self.partial.batch,
            batches: self.batches(splits.train.len()),
            validation_batches: self.batches(splits.valid.len()),
            best: self.best,
        };
        self.since_checkpoint = Stopwatch::start();
        let mut flow = emit(observers, &Event::RunStarted(&start))?;
        if begins {
            let silent = initial::warning(&self.experiment, &untrained);
            for message in self.experiment.doubts().into_iter().chain(silent) {
                flow = flow.or(emit(observers, &Event::Warning(&WarningRecord { epoch: 0, message }))?);
            }
        }
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

    /// The rest of an epoch, and its validation.
    fn train_epoch(&mut self, observers: &mut [&mut dyn Observer]) -> Result<Flow, Error> {
        self.optimizer.set_learning_rate(self.experiment.learning_rate(self.epoch))?;
        let settings = self.experiment.training.clone();
        let order = shuffled(&self.dataset.splits().train, settings.seed, u64::from(self.epoch + 1));
        let mut chunks = order.chunks(settings.batch_size).skip(self.partial.batch as usize).peekable();
        let stager = self.network.stager()?;
        let mut loaded = None;
        let mut unread = None;
        while let Some(indices) = chunks.next() {
            let batch = match loaded.take() {
                Some(batch) => batch,
                None => self.load(indices),
            };
            let updated;
            (updated, loaded) = self.train_batch(batch?, chunks.peek().copied(), &stager)?;
            let batches = self.batches(order.len());
            // The values of a queued step are read while the device computes the next one.
            let finished = match updated {
                Updated::Done(losses) => Some(losses),
                Updated::Queued(step) => unread.replace(step).map(|last| self.read(last)).transpose()?,
            };
            let mut flow = Flow::Continue;
            if let Some(losses) = finished {
                let batch = self.partial.batch;
                flow = self.tell_progress(observers, Phase::Training, batch, batches, &losses)?;
            }
            let is_past = self.since_checkpoint.is_past(settings.checkpoint_interval);
            // A checkpoint contains all steps, and so does an epoch.
            if (flow == Flow::Stop || is_past || chunks.peek().is_none())
                && let Some(last) = unread.take()
            {
                let losses = self.read(last)?;
                let batch = self.partial.batch;
                flow = flow.or(self.tell_progress(observers, Phase::Training, batch, batches, &losses)?);
            }
            let due = is_past && self.partial.batch < batches;
            if flow == Flow::Stop || due {
                self.check_weights()?;
                flow = flow.or(self.emit_checkpoint(observers, false)?);
            }
            if flow == Flow::Stop {
                return Ok(flow);
            }
        }
        self.check_weights()?;
        let mut watch = Stopwatch::start();
        let mut valid = None;
        let samples = &self.dataset.splits().valid;
        if !samples.is_empty() {
            let evaluation = self.evaluate(&self.network, samples, Phase::Validation, observers)?;
            let Some(evaluation) = evaluation else {
                self.emit_checkpoint(observers, false)?;
                return Ok(Flow::Stop);
            };
            self.check_finite("the validation loss", evaluation.losses.loss)?;
            valid = Some(evaluation);
        }
        self.partial.seconds.validation += watch.lap();
        self.finish_epoch(valid, observers)
    }

    fn load(&mut self, indices: &[u32]) -> Result<Loaded, Error> {
        let mut watch = Stopwatch::start();
        let batch = batch::load(&*self.dataset, indices);
        self.partial.seconds.data += watch.lap();
        batch
    }

    /// One update of the weights, and the next batch, which is assembled in the meantime.
    fn train_batch(
        &mut self,
        (input, labels): Loaded,
        next: Option<&[u32]>,
        stager: &Stager<f32>,
    ) -> Result<(Updated, Option<Result<Loaded, Error>>), Error> {
        self.input_is_alive = self.input_is_alive || is_alive(&input);
        let limit = Some(self.experiment.training.clip_norm).filter(|&limit| limit > 0.0);
        let mut watch = Stopwatch::start();
        let ((step, computed), next) = batch::load_beside(&*self.dataset, next, stager, || {
            let (loss, regularizer, optimizer) = (&self.loss, &self.regularizer, &mut *self.optimizer);
            let step = match self.network.queue_step(loss, &input, &labels, regularizer, optimizer, limit) {
                Ok(Some(step)) => Ok(Step::Queued(step)),
                // The CPU, for example, computes at once.
                Ok(None) => {
                    self.network.training_step(loss, &input, &labels, regularizer).map(Step::Computed)
                }
                Err(error) => Err(error),
            };
            (step, watch.lap())
        });
        self.partial.seconds.data += watch.lap();
        let step = match step? {
            Step::Computed(step) => step,
            Step::Queued(step) => {
                self.add_seconds(step.forward_share(), computed);
                return Ok((Updated::Queued(Unread(step, labels)), next));
            }
        };
        let TrainingStep { values, mut gradients, forward_share } = step;
        self.add_seconds(forward_share, computed);
        self.check_finite("the loss", values.total())?;
        for name in &self.experiment.training.freeze {
            gradients.clear(name)?;
        }
        for (name, norm) in gradients.norms()? {
            self.add_norm(name, norm)?;
        }
        if let Some(limit) = limit {
            gradients.clip_norm(limit)?;
        }
        self.partial.seconds.backward += watch.lap();

        self.optimizer.update(&mut self.network, &gradients)?;
        self.partial.seconds.update += watch.lap();
        Ok((Updated::Done(self.finish_batch(&values, &labels)), next))
    }

    /// Waits for a queued step.
    fn read(&mut self, Unread(step, labels): Unread) -> Result<Losses, Error> {
        let mut watch = Stopwatch::start();
        let forward_share = step.forward_share();
        let (values, norms) = step.read()?;
        self.add_seconds(forward_share, watch.lap());
        self.check_finite("the loss", values.total())?;
        for (name, norm) in norms {
            self.add_norm(&name, norm)?;
        }
        Ok(self.finish_batch(&values, &labels))
    }

    fn add_seconds(&mut self, forward_share: f64, computed: f64) {
        self.partial.seconds.forward += forward_share * computed;
        self.partial.seconds.backward += (1.0 - forward_share) * computed;
    }

    fn add_norm(&mut self, name: &str, norm: f64) -> Result<(), Error> {
        self.check_finite(&format!("the gradient of {name}"), norm)?;
        *self.partial.gradient_norms.entry(name.to_owned()).or_default() += norm;
        Ok(())
    }

    fn finish_batch(&mut self, values: &LossValues<f32>, labels: &[u16]) -> Losses {
        self.activity.observe(&values.output);
        self.partial.batch += 1;
        let correct = values.output.correct(labels);
        self.partial.sums.add(labels.len(), correct, values.cross_entropy, values.regularization)
    }

    fn check_finite(&self, what: &str, value: f64) -> Result<(), Error> {
        if value.is_finite() {
            return Ok(());
        }
        Err(Error::NotFinite {
            what: what.to_owned(),
            value,
            epoch: self.epoch + 1,
            batch: self.partial.batch,
            learning_rate: self.optimizer.learning_rate(),
        })
    }

    /// An infinite weight may silence a unit without affecting the loss. It must not replace a good checkpoint.
    fn check_weights(&self) -> Result<(), Error> {
        for (name, _, weights) in self.network.parameters() {
            if let Some(&weight) = weights.iter().find(|weight| !weight.is_finite()) {
                self.check_finite(&format!("a weight of {name}"), weight.into())?;
            }
        }
        Ok(())
    }

    /// `None` when an observer requests a stop.
    fn evaluate(
        &self,
        network: &Network<f32, D>,
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
        let goal = Goal { loss: &self.loss, regularizer: &self.regularizer };
        evaluate_watched(network, &*self.dataset, samples, goal, batch_size, watch)
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
        let epochs = self.experiment.training.epochs;
        let progress = Progress { phase, epoch, batch, batches, epochs, loss, accuracy };
        emit(observers, &Event::BatchFinished(&progress))
    }

    /// Completes the current epoch.
    fn finish_epoch(
        &mut self,
        validation: Option<Evaluation>,
        observers: &mut [&mut dyn Observer],
    ) -> Result<Flow, Error> {
        let valid = validation.as_ref().map(|evaluation| evaluation.losses);
        let partial = std::mem::take(&mut self.partial);
        self.epoch += 1;
        let candidate =
            valid.map(|valid| Best { epoch: self.epoch, accuracy: valid.accuracy, loss: valid.loss });
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
            learning_rate: Some(self.optimizer.learning_rate()),
            gradient_norms: partial.mean_gradient_norms(),
            seconds: partial.seconds,
        };
        let activity = self.activity.clone();
        self.activity.reset();
        let input_is_alive = std::mem::take(&mut self.input_is_alive);

        // Observers are independent of the device.
        let network = self.network.to_cpu()?;
        let settings = OptimizerSettings {
            learning_rate: self.optimizer.learning_rate(),
            ..self.experiment.optimizer_settings()
        };
        let mut optimizer =
            self.experiment.optimizer.name.fit(&settings, &network, Some(&self.optimizer.state()))?;
        optimizer.freeze(&self.experiment.training.freeze)?;
        let finished = Event::EpochFinished {
            record: &record,
            network: &network,
            dataset: &*self.dataset,
            optimizer: &*optimizer,
            activity: &activity,
            validation: validation.as_ref(),
        };
        let mut flow = emit(observers, &finished)?;
        for warning in activity.warnings() {
            let message = advice(warning, &self.experiment, !input_is_alive);
            let warning = WarningRecord { epoch: self.epoch, message };
            flow = flow.or(emit(observers, &Event::Warning(&warning))?);
        }
        let samples = self.dataset.splits().train.len() as u64;
        let look = Look {
            record: &record,
            best: self.best,
            classes: self.dataset.classes(),
            samples,
            is_due: is_due(self.epoch, self.experiment.training.epochs),
        };
        // For a silent or saturated layer, the cause has just been reported.
        if activity.warnings().is_empty()
            && let Some(message) = guesses(&look, &self.experiment)
        {
            let warning = WarningRecord { epoch: self.epoch, message };
            flow = flow.or(emit(observers, &Event::Warning(&warning))?);
        }
        // Classes are learned one after another; a few checks for missing ones are enough.
        if is_quarter(self.epoch, self.experiment.training.epochs)
            && let Some(message) = validation.and_then(|it| it.warning(self.experiment.readout.head))
        {
            let warning = WarningRecord { epoch: self.epoch, message };
            flow = flow.or(emit(observers, &Event::Warning(&warning))?);
        }
        Ok(flow.or(self.emit_checkpoint(observers, is_best)?))
    }

    fn emit_checkpoint(&mut self, observers: &mut [&mut dyn Observer], best: bool) -> Result<Flow, Error> {
        let mut watch = Stopwatch::start();
        let checkpoint = self.checkpoint();
        if let Some((what, value)) = checkpoint.not_finite() {
            self.check_finite(&what, value)?;
        }
        let flow = emit(observers, &Event::Checkpoint { checkpoint: &checkpoint, best })?;
        if best {
            self.best_checkpoint = Some(checkpoint);
        }
        self.partial.seconds.checkpoint += watch.lap();
        self.since_checkpoint = watch;
        Ok(flow)
    }

    /// The single evaluation of the test samples.
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
        // The run is complete: a stop requested now is ignored.
        emit(observers, &Event::Tested(&record))?;
        Ok((Flow::Continue, Some(record)))
    }
}

/// Whether there is a spike, or a value other than 0.
fn is_alive(input: &Input<f32>) -> bool {
    match input {
        Input::Events(events) => events.spikes() > 0,
        Input::Frames(frames) => frames.values().iter().any(|&value| value != 0.0),
    }
}

/// Whether it is time to report that a network guesses: at half of the epochs, three quarters or the last, if there are at least
/// three.
fn is_due(epoch: u32, epochs: u32) -> bool {
    epoch >= 3 && is_quarter(epoch, epochs) && 2 * u64::from(epoch) >= u64::from(epochs)
}

/// Whether a quarter, half, three quarters or all of the epochs have just been trained.
fn is_quarter(epoch: u32, epochs: u32) -> bool {
    let quarters = |epoch: u32| 4 * u64::from(epoch) / u64::from(epochs.max(1));
    quarters(epoch) > quarters(epoch.saturating_sub(1))
}
