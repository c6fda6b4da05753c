use snn_data::{BatchBuilder, InputKind, Splits};

use super::*;
use crate::run::{EpochRecord, TestRecord};

fn experiment(changes: &[&str]) -> Experiment {
    let mut experiment = Experiment::default();
    let small =
        ["data.samples_per_class=20", "data.classes=3", "network.hidden=[8]", "training.batch_size=10"];
    experiment.set(&small).unwrap();
    experiment.set(&["training.epochs=4", "data.n_cutoff=20", "initialization.gain=5"]).unwrap();
    experiment.set(changes).unwrap();
    experiment
}

/// Keeps the trainer's events, and stops it after a number of batches of any kind.
#[derive(Default)]
struct Log {
    stop_after: Option<usize>,
    batches: usize,
    records: Vec<EpochRecord>,
    warnings: Vec<String>,
    last: Option<Checkpoint>,
    best: Option<Checkpoint>,
    tests: Vec<TestRecord>,
    kinds: Vec<&'static str>,
}

impl Observer for Log {
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
        let kind = match event {
            Event::RunStarted(_) => "started",
            Event::BatchFinished(_) => {
                self.batches += 1;
                let stop = self.stop_after == Some(self.batches);
                return Ok(if stop { Flow::Stop } else { Flow::Continue });
            }
            Event::EpochFinished { record, .. } => {
                self.records.push(without_times(record));
                "epoch"
            }
            Event::Warning(warning) => {
                self.warnings.push(warning.message.clone());
                "warning"
            }
            Event::Checkpoint { checkpoint, best } => {
                self.last = Some((*checkpoint).clone());
                if *best {
                    self.best = Some((*checkpoint).clone());
                }
                "checkpoint"
            }
            Event::Tested(record) => {
                self.tests.push((*record).clone());
                "test"
            }
            Event::RunFinished(_) => "finished",
            Event::RunFailed(_) => "failed",
        };
        self.kinds.push(kind);
        Ok(Flow::Continue)
    }
}

fn without_times(record: &EpochRecord) -> EpochRecord {
    EpochRecord { time: 0.0, seconds: crate::run::Seconds::default(), ..record.clone() }
}

#[test]
fn events_are_in_order() {
    let mut log = Log::default();
    let outcome = Trainer::new(experiment(&["training.epochs=2"])).unwrap().run(&mut [&mut log]).unwrap();
    assert_eq!(log.kinds, ["started", "epoch", "checkpoint", "epoch", "checkpoint", "test", "finished"]);
    // 48 samples give 5 batches, 6 one; two epochs, one test
    assert_eq!(log.batches, 2 * (5 + 1) + 1);
    assert_eq!((outcome.stopped, outcome.epoch), (false, 2));
    assert_eq!(outcome.test.as_ref(), log.tests.first());
    let record = &log.records[1];
    assert_eq!((record.epoch, record.step, record.layers.len()), (2, 10, 1));
    assert_eq!(record.gradient_norms.keys().collect::<Vec<_>>(), ["W1", "Wout"]);
    assert!(record.train.loss > 0.0 && record.valid.is_some_and(|valid| valid.loss > 0.0));
}

#[test]
fn the_learning_rate_decays_from_epoch_to_epoch() {
    struct Rates(Vec<f64>);
    impl Observer for Rates {
        fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
            if let Event::EpochFinished { optimizer, .. } = event {
                self.0.push(optimizer.learning_rate());
            }
            Ok(Flow::Continue)
        }
    }
    let mut rates = Rates(Vec::new());
    let decaying = experiment(&["optimizer.learning_rate=0.04", "optimizer.learning_rate_decay=0.5"]);
    Trainer::new(decaying.clone()).unwrap().run(&mut [&mut rates]).unwrap();
    assert_eq!(rates.0, [0.04, 0.02, 0.01, 0.005]);

    // The first epoch is that of a constant rate, the later ones are not.
    let constant = experiment(&["optimizer.learning_rate=0.04"]);
    let (mut with, mut without) = (Log::default(), Log::default());
    Trainer::new(decaying).unwrap().run(&mut [&mut with]).unwrap();
    Trainer::new(constant).unwrap().run(&mut [&mut without]).unwrap();
    assert_eq!(with.records[0], without.records[0]);
    assert_ne!(with.records[3].train, without.records[3].train);
    let forever = experiment(&["optimizer.learning_rate_decay=0.001"]);
    assert!(forever.learning_rate(u32::MAX) > 0.0);
}

/// Stops a run after each of some batches, and resumes with another trainer from the checkpoint.
fn check_resume(changes: &[&str], stops: impl Fn(usize) -> Vec<usize>) {
    let experiment = experiment(changes);
    let mut whole = Log::default();
    let outcome = Trainer::new(experiment.clone()).unwrap().run(&mut [&mut whole]).unwrap();
    for stop in stops(whole.batches) {
        let what = format!("{changes:?}, batch {stop}");
        let mut first = Log { stop_after: Some(stop), ..Log::default() };
        let stopped = Trainer::new(experiment.clone()).unwrap().run(&mut [&mut first]).unwrap();
        assert!(stopped.stopped, "{what}");
        let mut trainer = Trainer::new(experiment.clone()).unwrap();
        trainer.resume(first.last.as_ref().unwrap(), first.best.as_ref()).unwrap();
        let mut second = Log::default();
        assert_eq!(trainer.run(&mut [&mut second]).unwrap(), outcome, "{what}");
        assert_eq!([first.records, second.records].concat(), whole.records, "{what}");
        assert_eq!(trainer.checkpoint(), whole.last.clone().unwrap(), "{what}");
    }
}

#[test]
fn a_stop_after_any_batch_and_a_resume_change_nothing() {
    let decay = "optimizer.learning_rate_decay=0.8";
    check_resume(&["network.recurrent=true", "training.epochs=3", decay], |batches| (1..=batches).collect());
}

/// Every optimizer, with every schedule and every loss in turn, weight decay and clipped gradients.
#[test]
fn every_optimizer_schedule_and_loss_resumes_bit_for_bit() {
    use snn_core::{LossKind, OptimizerKind, ScheduleKind};
    for (k, optimizer) in OptimizerKind::WORDS.iter().enumerate() {
        let schedule = ScheduleKind::WORDS[k % ScheduleKind::WORDS.len()];
        let loss = LossKind::WORDS[k % LossKind::WORDS.len()];
        let changes = [
            format!("optimizer.name={optimizer}"),
            format!("schedule.name={schedule}"),
            format!("loss.name={loss}"),
        ];
        let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
        let more = [
            "optimizer.weight_decay=0.01",
            "optimizer.learning_rate_decay=0.7",
            "schedule.warm_up_epochs=1",
            "schedule.step_epochs=1",
            "loss.label_smoothing=0.1",
            "training.clip_norm=0.5",
            "training.epochs=3",
        ];
        check_resume(&[&changes[..], &more].concat(), |batches| vec![2, 7, batches - 2]);
    }
}

/// Optimizers, losses and clipping all affect the training.
#[test]
fn every_training_setting_affects_the_result() {
    let trained = |changes: &[&str]| {
        let mut log = Log::default();
        Trainer::new(experiment(changes)).unwrap().run(&mut [&mut log]).unwrap();
        log.records.last().unwrap().train.loss
    };
    let settings = [
        "training.epochs=4",
        "optimizer.name=adamw",
        "optimizer.name=smorms3",
        "optimizer.name=sgd",
        "optimizer.weight_decay=0.01",
        "schedule.name=cosine",
        "schedule.warm_up_epochs=2",
        "loss.name=spike-count",
        "loss.label_smoothing=0.1",
        "training.clip_norm=0.1",
        "network.tau_mem=[12]",
    ];
    let losses: Vec<f64> = settings.iter().map(|setting| trained(&[setting])).collect();
    // without weight decay, AdamW is Adam
    assert_eq!(losses[0], losses[1]);
    for (k, loss) in losses.iter().enumerate().skip(2) {
        let others = losses[1..k].iter().zip(&settings[1..]);
        others.for_each(|(other, setting)| assert_ne!(loss, other, "{} and {setting}", settings[k]));
    }
}

#[test]
fn a_loss_on_spike_counts_trains_only_the_hidden_layer() {
    let changes = [
        "loss.name=spike-count",
        "loss.target_count=5",
        "network.hidden=[30]",
        "training.epochs=60",
        "optimizer.learning_rate=0.05",
    ];
    let mut trainer = Trainer::new(experiment(&changes)).unwrap();
    let before = trainer.checkpoint();
    let mut log = Log::default();
    trainer.run(&mut [&mut log]).unwrap();
    let (first, last) = (&log.records[0], log.records.last().unwrap());
    assert!(last.train.loss < 0.5 * first.train.loss, "{} -> {}", first.train.loss, last.train.loss);
    assert!(last.train.accuracy > 0.9, "{}", last.train.accuracy);
    for ((name, _, before), (_, _, after)) in before.weights().zip(trainer.checkpoint().weights()) {
        assert_eq!(before == after, name == "Wout", "{name}");
    }
}

#[test]
fn a_loss_on_spike_counts_needs_a_unit_for_each_class() {
    let error = Trainer::new(experiment(&["loss.name=spike-count", "network.hidden=[2]"])).unwrap_err();
    assert!(error.to_string().contains("at least 3, one for each class"), "{error}");
}

#[test]
fn a_stopped_trainer_continues_when_run_again() {
    let experiment = experiment(&[]);
    let outcome = Trainer::new(experiment.clone()).unwrap().run(&mut []).unwrap();
    let mut trainer = Trainer::new(experiment).unwrap();
    trainer.run(&mut [&mut Log { stop_after: Some(8), ..Log::default() }]).unwrap();
    assert_eq!(trainer.run(&mut []).unwrap(), outcome);
}

#[test]
fn the_selected_epoch_is_the_one_tested() {
    let changes = ["optimizer.learning_rate=0.2", "training.epochs=8", "training.seed=3"];
    let best = Trainer::new(experiment(&changes)).unwrap().run(&mut []).unwrap();
    let last = [&changes[..], &["training.selection=last"]].concat();
    let last = Trainer::new(experiment(&last)).unwrap().run(&mut []).unwrap();
    assert_eq!(best.best, last.best);
    assert_eq!(best.test.unwrap().selected_epoch, best.best.unwrap().epoch);
    assert_eq!(last.test.unwrap().selected_epoch, 8);
}

#[test]
fn patience_ends_a_run_without_improvement() {
    // A gain this small keeps the network silent, and it never improves.
    let quiet = ["initialization.gain=0.01", "regularizer.lower_strength=0", "training.epochs=50"];
    let mut log = Log::default();
    let patient = [&quiet[..], &["training.patience=3"]].concat();
    let outcome = Trainer::new(experiment(&patient)).unwrap().run(&mut [&mut log]).unwrap();
    assert_eq!((outcome.epoch, outcome.best.unwrap().epoch), (4, 1));
    // One before training, then one for each epoch.
    assert_eq!(log.warnings.len(), 5);
    let before = &log.warnings[0];
    assert!(before.contains("hidden layer 1") && before.contains("initialization.gain = "), "{before}");
    assert!(log.warnings[1].contains("layer 1 was silent"), "{}", log.warnings[1]);
}

#[test]
fn divergence_is_an_error_that_keeps_the_last_checkpoint() {
    let diverge = |changes: &[&str]| {
        let mut log = Log::default();
        let error = Trainer::new(experiment(changes)).unwrap().run(&mut [&mut log]).unwrap_err();
        assert_eq!(log.kinds, ["started", "failed"], "{error}");
        assert!(matches!(error, Error::NotFinite { epoch: 1, .. }), "{error}");
        error.to_string()
    };
    let message = diverge(&["optimizer.learning_rate=1e38", "readout.head=sum"]);
    assert!(
        message.contains("in epoch 1 after 1 batch: training has diverged; lower optimizer.learning_rate"),
        "{message}"
    );
    // One batch per epoch: only the validation sees the effect of the update.
    let message = diverge(&["optimizer.learning_rate=1e37", "readout.head=sum", "training.batch_size=48"]);
    assert!(message.starts_with("the validation loss is "), "{message}");
    let message = diverge(&["optimizer.learning_rate=1e39", "training.batch_size=48"]);
    assert!(message.starts_with("a weight of W1 is "), "{message}");
}

#[test]
fn a_failing_observer_fails_the_run_and_all_are_notified() {
    struct Full;
    impl Observer for Full {
        fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
            match event {
                Event::Checkpoint { .. } => Err(Error::Observer("no more room".into())),
                _ => Ok(Flow::Continue),
            }
        }
    }
    let mut log = Log::default();
    let error = Trainer::new(experiment(&[])).unwrap().run(&mut [&mut Full, &mut log]).unwrap_err();
    assert!(error.to_string().contains("no more room"));
    assert_eq!(log.kinds, ["started", "epoch", "failed"]);
}

#[test]
fn only_the_length_of_training_may_change() {
    let mut log = Log::default();
    Trainer::new(experiment(&[])).unwrap().run(&mut [&mut log]).unwrap();
    let last = log.last.unwrap();
    let mut other = Trainer::new(experiment(&["surrogate.beta=3"])).unwrap();
    let error = other.resume(&last, log.best.as_ref()).unwrap_err().to_string();
    assert!(error.starts_with("`surrogate.beta` is 3.0 here, but the run was started with 10.0"), "{error}");

    let mut longer = Trainer::new(experiment(&["training.epochs=6"])).unwrap();
    longer.resume(&last, log.best.as_ref()).unwrap();
    let outcome = longer.run(&mut []).unwrap();
    let straight = Trainer::new(experiment(&["training.epochs=6"])).unwrap().run(&mut []).unwrap();
    assert_eq!(outcome, straight);
}

/// Two frames per sample; the label is the unit with more input.
struct Frames(Splits);

impl Dataset for Frames {
    fn name(&self) -> &str {
        "frames"
    }
    fn len(&self) -> usize {
        40
    }
    fn classes(&self) -> usize {
        2
    }
    fn inputs(&self) -> usize {
        2
    }
    fn steps(&self) -> usize {
        2
    }
    fn dt(&self) -> f64 {
        1.0
    }
    fn kind(&self) -> InputKind {
        InputKind::Frames
    }
    fn splits(&self) -> &Splits {
        &self.0
    }
    fn label(&self, index: usize) -> u16 {
        (index % 2) as u16
    }
    fn sample(&self, index: usize, batch: &mut BatchBuilder) -> Result<(), snn_data::Error> {
        let unit = index % 2;
        batch.push_frames(&[1.0 - unit as f32, unit as f32].repeat(2))
    }
}

#[test]
fn custom_data_and_missing_parts() {
    let on = |changes: &[&str], splits| Trainer::on(experiment(changes), std::sync::Arc::new(Frames(splits)));
    let train: Vec<u32> = (0..40).collect();
    let splits = Splits { train, ..Splits::default() };
    let error = on(&[], splits.clone()).unwrap_err().to_string();
    assert!(error.contains("no validation samples"), "{error}");
    assert!(matches!(on(&[], Splits::default()), Err(Error::Impossible(_))));
    let outcome = on(&["training.selection=last"], splits).unwrap().run(&mut []).unwrap();
    assert_eq!((outcome.epoch, outcome.best, outcome.test), (4, None, None));
}

#[test]
fn steps_are_counted_without_overflow() {
    let error = Trainer::new(experiment(&["training.epochs=1_000_000", "training.batch_size=1"]));
    assert!(error.is_ok());
    let many =
        experiment(&["training.epochs=1_000_000", "training.batch_size=1", "data.samples_per_class=2000"]);
    let error = Trainer::new(many).unwrap_err().to_string();
    assert!(error.contains("training.epochs x batches must be below 2^32"), "{error}");
}
