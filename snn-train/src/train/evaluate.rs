//! Loss, accuracy and activity of a network on a set of samples, without a tape.

use snn_core::{ActivityMonitor, AnyLoss, Backend, LossFunction, Network, Regularizer};
use snn_data::{Dataset, Split};
use snn_run::{LayerRecord, Losses};

use super::{batch, confusion::Confusion, evaluation::Evaluation, flow::Flow};
use crate::{checkpoint::Sums, error::Error};

/// The loss and the regularizers.
#[derive(Debug, Clone, Copy)]
pub struct Goal<'a, L = AnyLoss> {
    /// Evaluates predictions: a loss of `snn-core`, or your own.
    pub loss: &'a L,
    /// Evaluates the activity.
    pub regularizer: &'a Regularizer,
}

/// Evaluates `network` on a part of `dataset`, `batch_size` samples at a time.
///
/// ```
/// use snn_core::{CrossEntropy, Initialization, Network, NetworkConfig, Regularizer};
/// use snn_data::{Dataset, Randman, RandmanConfig, Split};
/// use snn_train::{Goal, evaluate};
///
/// let data = Randman::new(RandmanConfig { classes: 2, samples_per_class: 20, ..RandmanConfig::default() })?;
/// let network: Network = Network::new(NetworkConfig::new(data.inputs(), 2), Initialization::default(), 1)?;
/// let goal = Goal { loss: &CrossEntropy::default(), regularizer: &Regularizer::default() };
/// let evaluation = evaluate(&network, &data, Split::Test, goal, 10)?;
/// assert!(evaluation.samples == 4 && evaluation.losses.accuracy <= 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Data`] or [`Error::Network`] if a sample violates the contract of data set and network;
/// [`Error::Impossible`] if the part is empty.
pub fn evaluate<D: Backend<f32>>(
    network: &Network<f32, D>,
    dataset: &dyn Dataset,
    split: Split,
    goal: Goal<'_, impl LossFunction>,
    batch_size: usize,
) -> Result<Evaluation, Error> {
    let indices = dataset.splits().get(split);
    if indices.is_empty() {
        return Err(Error::Impossible(format!("the {split} part of {} is empty", dataset.name())));
    }
    let evaluation = evaluate_watched(network, dataset, indices, goal, batch_size, |_| Ok(Flow::Continue))?;
    Ok(evaluation.unwrap_or_default())
}

/// [`evaluate`] with a callback for the loss and accuracy of every batch; `None` when stopped.
pub(super) fn evaluate_watched<D: Backend<f32>>(
    network: &Network<f32, D>,
    dataset: &dyn Dataset,
    indices: &[u32],
    goal: Goal<'_, impl LossFunction>,
    batch_size: usize,
    mut watch: impl FnMut(&Losses) -> Result<Flow, Error>,
) -> Result<Option<Evaluation>, Error> {
    let mut confusion = Confusion::new(network.config().outputs);
    let mut sums = Sums::default();
    let mut activity = ActivityMonitor::new(network.config(), dataset.steps());
    let mut chunks = indices.chunks(batch_size.max(1));
    let stager = network.stager()?;
    let mut loaded = chunks.next().map(|indices| batch::load(dataset, indices));
    while let Some(batch) = loaded.take() {
        let (input, labels) = batch?;
        let output;
        (output, loaded) = batch::load_beside(dataset, chunks.next(), &stager, || network.forward(&input));
        let output = goal.loss.scored(output?);
        for (&label, prediction) in labels.iter().zip(output.predictions()) {
            confusion.count(usize::from(label), prediction);
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

/// The activity counted by the monitor, as recorded.
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
        assert_eq!(evaluation.confusion.rows().iter().flatten().sum::<u32>(), 160);

        let in_pieces = evaluate(&network, &*dataset, Split::Train, goal, 33).unwrap();
        assert_eq!(in_pieces.confusion, evaluation.confusion);
        assert!(near(in_pieces.losses.loss, evaluation.losses.loss));
    }
}
