//! Loss, accuracy and activity of a network over a set of samples, without a tape.

use serde::{Deserialize, Serialize};
use snn_core::{ActivityMonitor, AnyLoss, Backend, LossFunction, Network, Readout, Regularizer};
use snn_data::{Dataset, Split};

use super::{batch, event::Flow};
use crate::{
    Error,
    probe::lost_classes,
    run::{LayerRecord, Losses},
};

/// How a network does on a set of samples.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Evaluation {
    /// Number of samples.
    pub samples: usize,
    /// Loss and accuracy.
    #[serde(flatten)]
    pub losses: Losses,
    /// Activity of each hidden layer.
    pub layers: Vec<LayerRecord>,
    /// How many samples of each class (row) were taken for each class (column).
    pub confusion: Vec<Vec<u32>>,
}

impl Evaluation {
    /// A word about classes that the network has given up, though it knows others.
    pub(super) fn warning(&self, head: Readout) -> Option<String> {
        let lost = lost_classes(&self.confusion);
        let chance = 1.0 / self.confusion.len().max(1) as f64;
        if lost.is_empty() || self.losses.accuracy < 2.0 * chance {
            return None;
        }
        let names = lost.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let (classes, units) = if lost.len() == 1 { ("class", "unit") } else { ("classes", "units") };
        let cause = match head {
            Readout::Max => format!(
                "The readout {units} may be stuck: under Max, one whose potential never rises above its start has no \
                 gradient. Lower optimizer.learning_rate, start from another initialization.seed, or use the Sum readout \
                 (readout.head=sum)"
            ),
            Readout::Sum => {
                "Lower optimizer.learning_rate, or start from another initialization.seed".to_owned()
            }
        };
        Some(format!("no validation sample is taken for {classes} {names}. {cause}"))
    }
}

/// What training makes small.
#[derive(Debug, Clone, Copy)]
pub struct Goal<'a> {
    /// Judges the answers.
    pub loss: &'a AnyLoss,
    /// Judges the activity.
    pub regularizer: &'a Regularizer,
}

/// Evaluates `network` on a part of `dataset`, `batch_size` samples at a time.
///
/// # Errors
/// [`Error::Data`] or [`Error::Network`] if a sample is not what data set and network promise;
/// [`Error::Impossible`] if the part is empty.
pub fn evaluate<D: Backend<f32>>(
    network: &Network<f32, D>,
    dataset: &dyn Dataset,
    split: Split,
    goal: Goal<'_>,
    batch_size: usize,
) -> Result<Evaluation, Error> {
    let indices = dataset.splits().get(split);
    if indices.is_empty() {
        return Err(Error::Impossible(format!("the {split} part of {} is empty", dataset.name())));
    }
    let evaluation = evaluate_watched(network, dataset, indices, goal, batch_size, |_| Ok(Flow::Continue))?;
    Ok(evaluation.unwrap_or_default())
}

/// As [`evaluate`], telling the loss and accuracy of every batch; `None` when told to stop.
pub(super) fn evaluate_watched<D: Backend<f32>>(
    network: &Network<f32, D>,
    dataset: &dyn Dataset,
    indices: &[u32],
    goal: Goal<'_>,
    batch_size: usize,
    mut watch: impl FnMut(&Losses) -> Result<Flow, Error>,
) -> Result<Option<Evaluation>, Error> {
    let classes = network.config().outputs;
    let mut confusion = vec![vec![0; classes]; classes];
    let mut sums = Sums::default();
    let mut activity = ActivityMonitor::new(network.config(), dataset.steps());
    for indices in indices.chunks(batch_size.max(1)) {
        let (input, labels) = batch::load(dataset, indices)?;
        let output = goal.loss.scored(network.forward(&input)?);
        for (&label, prediction) in labels.iter().zip(output.predictions()) {
            confusion[usize::from(label)][prediction] += 1;
        }
        activity.observe(&output);
        let losses = sums.add(
            labels.len(),
            output.correct(&labels),
            goal.loss.value(&output, &labels),
            goal.regularizer.value(&output),
        );
        if watch(&losses)? == Flow::Stop {
            return Ok(None);
        }
    }
    let layers = layers(&activity);
    Ok(Some(Evaluation { samples: indices.len(), losses: sums.means(), layers, confusion }))
}

/// Sums over samples, from which means follow.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Sums {
    samples: u64,
    correct: u64,
    cross_entropy: f64,
    regularization: f64,
}

impl Sums {
    /// Adds a batch, its losses averaged over its samples. Returns those losses and the accuracy.
    pub(super) fn add(
        &mut self,
        samples: usize,
        correct: usize,
        cross_entropy: f64,
        regularization: f64,
    ) -> Losses {
        let weight = samples as f64;
        self.samples += samples as u64;
        self.correct += correct as u64;
        self.cross_entropy += cross_entropy * weight;
        self.regularization += regularization * weight;
        let accuracy = correct as f64 / weight;
        Losses { loss: cross_entropy + regularization, cross_entropy, regularization, accuracy }
    }

    pub(super) fn means(&self) -> Losses {
        let mean = |sum: f64| sum / self.samples.max(1) as f64;
        Losses {
            loss: mean(self.cross_entropy) + mean(self.regularization),
            cross_entropy: mean(self.cross_entropy),
            regularization: mean(self.regularization),
            accuracy: mean(self.correct as f64),
        }
    }
}

/// What the monitor has seen, as it is recorded.
pub(super) fn layers(activity: &ActivityMonitor) -> Vec<LayerRecord> {
    let record = |layer: &snn_core::LayerActivity| LayerRecord {
        spikes: layer.spikes_per_sample,
        silent: layer.silent_fraction,
        saturated: layer.saturated_fraction,
    };
    activity.report().iter().map(record).collect()
}

#[cfg(test)]
mod tests {
    use snn_core::Readout;

    use super::*;
    use crate::Experiment;

    #[test]
    fn the_loss_without_a_tape_is_the_loss_on_the_tape() {
        let mut experiment = Experiment::default();
        experiment
            .set(&[
                "data.samples_per_class=20",
                "network.hidden=[30, 20]",
                "initialization.gain=6",
                "regularizer.lower_threshold=2",
                "regularizer.upper_strength=0.3",
                "regularizer.upper_threshold=1",
                "regularizer.upper_norm=2",
            ])
            .unwrap();
        let dataset = experiment.data.open().unwrap();
        let config = experiment.network_config(&*dataset);
        let network: Network = Network::new(config, experiment.initialization(), 1).unwrap();
        let (loss, regularizer) = (experiment.loss_function(), experiment.regularizer());
        let goal = Goal { loss: &loss, regularizer: &regularizer };
        let evaluation = evaluate(&network, &*dataset, Split::Train, goal, 160).unwrap();

        let (input, labels) = batch::load(&*dataset, &dataset.splits().train).unwrap();
        let loss = network.loss(&input, &labels, &regularizer).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-5 * b.abs();
        assert!(near(evaluation.losses.cross_entropy, loss.cross_entropy), "{evaluation:?}");
        assert!(loss.regularization > 0.0 && near(evaluation.losses.regularization, loss.regularization));
        assert_eq!(evaluation.confusion.iter().flatten().sum::<u32>(), 160);

        let in_pieces = evaluate(&network, &*dataset, Split::Train, goal, 33).unwrap();
        assert_eq!(in_pieces.confusion, evaluation.confusion);
        assert!(near(in_pieces.losses.loss, evaluation.losses.loss));
    }

    #[test]
    fn a_network_that_has_given_up_a_class_deserves_a_word() {
        let of = |accuracy, confusion: [[u32; 3]; 3]| Evaluation {
            losses: Losses { accuracy, ..Losses::default() },
            confusion: confusion.map(Vec::from).into(),
            ..Evaluation::default()
        };
        let lost = of(0.67, [[10, 0, 0], [5, 0, 5], [0, 0, 10]]);
        let warning = lost.warning(Readout::Max).unwrap();
        assert!(warning.contains("taken for class 1.") && warning.contains("readout.head=sum"), "{warning}");
        assert!(!lost.warning(Readout::Sum).unwrap().contains("Max"));
        assert_eq!(of(1.0, [[10, 0, 0], [0, 10, 0], [0, 0, 10]]).warning(Readout::Max), None);
        // At the start, nothing is known of any class.
        assert_eq!(of(0.33, [[10, 0, 0], [10, 0, 0], [10, 0, 0]]).warning(Readout::Max), None);
    }
}
