//! Training runs of an independent program (float32, autograd) on random manifolds, and their repetition by this program.

use crate::npz::Archive;
use rand::seq::SliceRandom;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use snn_core::{
    Adam, AdamConfig, Cpu, Events, Initialization, Input, Layer, Network, NetworkConfig, Regularizer,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const STEPS: usize = 100;
const BATCH: usize = 250;

/// The runs of one data seed: 20-100-10, SuperSpike with slope 10, detached reset, Max readout, Adam, batch 250.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Seed of the data.
    pub seed: u64,
    /// One for each learning rate.
    pub curves: Vec<Curve>,
    /// Step of each input's only spike, sample by sample.
    steps: Vec<Vec<u8>>,
    labels: Vec<u16>,
    /// Samples of the training and the test set.
    train: Vec<usize>,
    test: Vec<usize>,
    /// Positions in `train` for each epoch whose order is known.
    orders: Vec<Vec<usize>>,
    /// Initial weights, `[pre, post]` row by row.
    weights: [(&'static str, Vec<f32>); 2],
}

/// The record of one run of the reference program.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Learning rate of Adam.
    pub learning_rate: f64,
    /// Mean cross-entropy of each epoch; each batch is evaluated before its update.
    pub train_loss: Vec<f64>,
    /// After each epoch.
    pub test_accuracy: Vec<f64>,
}

impl Reference {
    /// The runs of the directory `SNN_REFERENCE_DIR`, else those packed in this repository (`golden/train`).
    ///
    /// # Panics
    /// If a file is missing or malformed.
    pub fn load() -> Vec<Reference> {
        match std::env::var_os("SNN_REFERENCE_DIR") {
            Some(directory) => read_directory(&PathBuf::from(directory)),
            None => [0, 1].map(read_packed).into(),
        }
    }

    /// Number of epochs for which the order of the samples is known.
    pub fn known_orders(&self) -> usize {
        self.orders.len()
    }

    /// Size of the test set.
    pub fn test_samples(&self) -> usize {
        self.test.len()
    }

    fn inputs(&self) -> usize {
        self.steps[0].len()
    }

    /// Samples as events, and their labels.
    fn batch(&self, samples: &[usize]) -> (Input<f32>, Vec<u16>) {
        let spikes = samples.iter().enumerate().flat_map(|(row, &sample)| {
            self.steps[sample].iter().enumerate().map(move |(unit, &step)| (row, usize::from(step), unit))
        });
        let spikes: Vec<_> = spikes.collect();
        let events =
            Events::from_spikes(samples.len(), STEPS, self.inputs(), &spikes).expect("spikes in range");
        (events.into(), samples.iter().map(|&sample| self.labels[sample]).collect())
    }
}

/// A repetition of one of the runs of a [`Reference`].
#[derive(Debug)]
pub struct Training<'a> {
    reference: &'a Reference,
    /// The network at its current state of training.
    pub network: Network,
    adam: Adam<f32, Cpu>,
    epochs: usize,
}

impl<'a> Training<'a> {
    /// The network before training.
    ///
    /// # Panics
    /// If the weights do not fit.
    pub fn new(reference: &'a Reference, learning_rate: f64) -> Self {
        let [hidden, classes] = [100, 10];
        let config = NetworkConfig {
            hidden: vec![Layer::feed_forward(hidden)],
            ..NetworkConfig::new(reference.inputs(), classes)
        };
        let mut network: Network = Network::new(config, Initialization::default(), 0).expect("a network");
        for (name, values) in &reference.weights {
            network.set_parameter(name, values).expect("initial weights");
        }
        let adam =
            Adam::new(AdamConfig { learning_rate, ..AdamConfig::default() }, &network).expect("an optimizer");
        Training { reference, network, adam, epochs: 0 }
    }

    /// Trains for one epoch, in its own order if the order of the reference is unknown. Returns the mean loss.
    ///
    /// # Panics
    /// If a batch fails.
    pub fn epoch(&mut self) -> f64 {
        let reference = self.reference;
        let order = reference.orders.get(self.epochs).cloned().unwrap_or_else(|| {
            let mut order: Vec<usize> = (0..reference.train.len()).collect();
            order.shuffle(&mut ChaCha8Rng::seed_from_u64(self.epochs as u64));
            order
        });
        self.epochs += 1;
        let mut sum = 0.0;
        for positions in order.chunks(BATCH) {
            let samples: Vec<usize> = positions.iter().map(|&position| reference.train[position]).collect();
            let (input, labels) = reference.batch(&samples);
            let loss = self.network.loss(&input, &labels, &Regularizer::default()).expect("a loss");
            sum += loss.total() * samples.len() as f64;
            let gradients = loss.backward().expect("gradients");
            self.adam.update(&mut self.network, &gradients).expect("an update");
        }
        sum / order.len() as f64
    }

    /// Fraction of the test set that is classified correctly.
    ///
    /// # Panics
    /// If the forward pass fails.
    pub fn test_accuracy(&self) -> f64 {
        let (input, labels) = self.reference.batch(&self.reference.test);
        let output = self.network.forward(&input).expect("a forward pass");
        output.correct(&labels) as f64 / labels.len() as f64
    }
}

/// Samples of the training (0) or test set (2).
fn members(splits: &[u8], which: u8) -> Vec<usize> {
    (0..splits.len()).filter(|&sample| splits[sample] == which).collect()
}

/// See `golden/train/make.py`.
fn read_packed(seed: u64) -> Reference {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/train/randman_seed{seed}.npz"));
    let mut npz = Archive::open(&path);
    let (loss, accuracy) = (npz.rows::<f64>("train_loss"), npz.rows::<f64>("test_acc"));
    let rows = npz.values::<f64>("eta").into_iter().zip(loss.into_iter().zip(accuracy));
    let curves = rows.map(|(learning_rate, (train_loss, test_accuracy))| Curve {
        learning_rate,
        train_loss,
        test_accuracy,
    });
    let steps = npz.rows::<u8>("steps");
    let splits: Vec<u8> = (0..steps.len())
        .map(|sample| [0; 8].iter().chain(&[1, 2]).copied().nth(sample % 1000 / 100))
        .map(|s| s.expect("ten tenths"))
        .collect();
    let orders = npz.rows::<u16>("orders");
    Reference {
        seed,
        curves: curves.collect(),
        labels: (0..steps.len()).map(|sample| (sample / 1000) as u16).collect(),
        train: members(&splits, 0),
        test: members(&splits, 2),
        orders: orders.iter().map(|order| order.iter().map(|&k| usize::from(k)).collect()).collect(),
        weights: [("W1", npz.transposed("W1")), ("Wout", npz.transposed("Wout"))],
        steps,
    }
}

/// Every data seed with a run `randman_seed<S>_eta<E>_normal.npz` in `train/` and its data in `datasets/`.
fn read_directory(directory: &Path) -> Vec<Reference> {
    let mut runs: BTreeMap<u64, Vec<PathBuf>> = BTreeMap::new();
    let files =
        std::fs::read_dir(directory.join("train")).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    for file in files {
        let path = file.expect("a directory entry").path();
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let seed = name.strip_prefix("randman_seed").and_then(|rest| rest.strip_suffix("_normal.npz"));
        if let Some(seed) = seed.and_then(|rest| rest.split_once("_eta")?.0.parse().ok()) {
            runs.entry(seed).or_default().push(path);
        }
    }
    assert!(!runs.is_empty(), "{}: no training runs", directory.display());
    runs.into_iter().map(|(seed, paths)| read_runs(directory, seed, paths)).collect()
}

fn read_runs(directory: &Path, seed: u64, mut paths: Vec<PathBuf>) -> Reference {
    let mut data = Archive::open(&directory.join(format!("datasets/randman_seed{seed}.npz")));
    let splits: Vec<u8> = data.values::<i8>("split").iter().map(|s| s.cast_unsigned()).collect();
    let mut reference = Reference {
        seed,
        curves: Vec::new(),
        // No spike is lost: late spikes move to the last step.
        steps: data
            .rows::<f64>("X")
            .iter()
            .map(|times| times.iter().map(|&ms| (ms as u8).min(STEPS as u8 - 1)).collect())
            .collect(),
        labels: data.values::<i64>("y").iter().map(|&y| y as u16).collect(),
        train: members(&splits, 0),
        test: members(&splits, 2),
        orders: Vec::new(),
        weights: Default::default(),
    };
    paths.sort();
    for path in paths {
        let mut npz = Archive::open(&path);
        let weights = [("W1", npz.transposed("init_W1")), ("Wout", npz.transposed("init_Wout"))];
        assert!(
            reference.curves.is_empty() || reference.weights == weights,
            "runs of seed {seed} start differently"
        );
        reference.weights = weights;
        reference.curves.push(Curve {
            learning_rate: npz.values::<f64>("eta")[0],
            train_loss: npz.values("train_loss"),
            test_accuracy: npz.values("test_acc"),
        });
        if npz.has("orders") {
            let orders = npz.rows::<i16>("orders");
            reference.orders =
                orders.iter().map(|order| order.iter().map(|&k| k as usize).collect()).collect();
        }
    }
    reference
}
