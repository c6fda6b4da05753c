//! Training times: a step of each job, and a whole run.

use crate::{
    jobs::{Job, is_small},
    moved::moved,
};
use serde_json::json;
use snn_core::{
    Adam, AdamConfig, CrossEntropy, Cuda, Gradients, LossValues, Network, QueuedStep, Regularizer, Stager,
};
use snn_train::{Experiment, Trainer};
use std::{sync::Arc, time::Instant};

/// A hash of the bits of these numbers.
fn hash(values: impl Iterator<Item = u64>) -> String {
    // FNV-1a, word by word
    let hash =
        values.fold(0xcbf2_9ce4_8422_2325_u64, |hash, bits| (hash ^ bits).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

/// A network being trained, and its batch.
pub(crate) struct Training {
    pub(crate) job: Job,
    network: Network<f32, Cuda>,
    stager: Stager<f32>,
    adam: Adam<f32, Cuda>,
    /// The last step, which the GPU may still be computing.
    queued: Option<QueuedStep<f32>>,
    /// Spikes of all hidden units in the last step that was read.
    pub(crate) hidden_spikes: f64,
}

impl Training {
    pub(crate) fn new(job: Job, gpu: &Cuda) -> Self {
        let network = moved(&job.network(), gpu);
        let adam = Adam::new(AdamConfig::default(), &network).expect("an optimizer");
        let stager = network.stager().expect("a stager");
        Training { job, network, stager, adam, queued: None, hidden_spikes: 0.0 }
    }

    fn loss(&self) -> (LossValues<f32>, Gradients<f32, Cuda>) {
        let Job { input, labels, .. } = &self.job;
        self.network.loss_and_gradients(input, labels, &Regularizer::default()).expect("a step")
    }

    /// One training step as in the trainer: queues the step, assembles the next batch (the same one again) and copies it to the GPU
    /// in the meantime, then reads the values of the previous step.
    pub(crate) fn step(&mut self) {
        let (stager, job) = (&self.stager, &self.job);
        let (network, adam) = (&mut self.network, &mut self.adam);
        let mut next = None;
        let queued = rayon::in_place_scope(|scope| {
            scope.spawn(|_| {
                let input = job.again();
                stager.stage(&input);
                next = Some(input);
            });
            let Job { input, labels, .. } = job;
            let (loss, regularizer) = (CrossEntropy::default(), Regularizer::default());
            network.queue_step(&loss, input, labels, &regularizer, adam, None).expect("a step")
        });
        self.job.input = next.expect("the next batch");
        if let Some(last) = self.queued.replace(queued.expect("a GPU queues whole steps")) {
            self.read(last);
        }
    }

    /// Waits for the last step.
    pub(crate) fn finish(&mut self) {
        if let Some(last) = self.queued.take() {
            self.read(last);
        }
    }

    fn read(&mut self, step: QueuedStep<f32>) {
        let (values, _) = step.read().expect("the values of a step");
        self.hidden_spikes = values.output.counts.iter().flatten().map(|&count| f64::from(count)).sum();
    }

    /// Computes the same step twice and prints the hashes of both results.
    fn repeat(&self) {
        let hashes = [(); 2].map(|()| {
            let (values, gradients) = self.loss();
            let gradients = self.network.parameters().flat_map(|(name, ..)| {
                let values = gradients.get(&name).expect("a gradient");
                values.iter().map(|it| u64::from(it.to_bits())).collect::<Vec<_>>()
            });
            (hash([values.total().to_bits()].into_iter()), hash(gradients))
        });
        let [(loss, gradients), (other_loss, others)] = hashes;
        println!(
            "{}",
            json!({
                "kind": "repeat", "job": self.job.name, "loss": [loss, other_loss], "gradients": [gradients, others],
            })
        );
    }
}

/// Measures one job with this number of times [`crate::jobs::base`] samples; returns whether the job exists.
pub(crate) fn bench(gpu: &Cuda, name: &str, times: usize) -> bool {
    let Some(job) = Job::new(name, times.max(1)) else {
        eprintln!("error: no job {name}");
        return false;
    };
    let mut training = Training::new(job, gpu);
    training.repeat();
    let (warm_up, least, most) = if is_small() { (1, 1, 1) } else { (3, 5, 100) };
    (0..warm_up).for_each(|_| training.step());
    training.finish();
    let mut laps = Vec::new();
    while laps.len() < least || (laps.len() < most && laps.iter().sum::<f64>() < 1.0) {
        let watch = Instant::now();
        training.step();
        laps.push(watch.elapsed().as_secs_f64());
    }
    training.finish();
    laps.sort_by(f64::total_cmp);
    let batch = training.job.batch();
    println!("{}", training.job.shape(training.hidden_spikes));
    let ms = 1e3 * laps[laps.len() / 2];
    println!("{}", json!({"kind": "step", "job": name, "batch": batch, "program": "snn", "ms": ms}));
    true
}

/// Runs a single step, for a profiler.
pub(crate) fn one_step(gpu: &Cuda, name: &str) -> bool {
    let job = Job::new(name, 1);
    let there = job.is_some();
    if let Some(job) = job {
        let mut training = Training::new(job, gpu);
        training.step();
        training.finish();
    }
    there
}

/// Runs the preset `randman` from its first step to its test. Of the setup, the time includes only the copy of the data to the GPU.
pub(crate) fn randman(gpu: &Cuda) {
    let mut experiment = Experiment::preset("randman").expect("the preset");
    let settings: &[&str] = if is_small() {
        &["training.epochs=1", "data.samples_per_class=10", "training.batch_size=4"]
    } else {
        &["training.epochs=50"]
    };
    experiment.set(settings).expect("its epochs");
    let epochs = experiment.training.epochs;
    let dataset = Arc::from(experiment.data.open().expect("its data"));
    let mut trainer = Trainer::on_device(gpu.clone(), experiment, dataset).expect("a trainer");
    let watch = Instant::now();
    let outcome = trainer.run(&mut []).expect("a run");
    let seconds = watch.elapsed().as_secs_f64();
    let accuracy = outcome.test.map_or(0.0, |record| record.test.accuracy);
    println!("{}", json!({"kind": "run", "epochs": epochs, "seconds": seconds, "test_accuracy": accuracy}));
}
