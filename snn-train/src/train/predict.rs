//! Predictions for individual samples.

use snn_core::{Backend, LossFunction, Network, Recording};
use snn_data::Dataset;

use super::batch;
use crate::error::Error;

/// The prediction for a sample.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// The index of the sample in the data set.
    pub index: u32,
    /// Its class in the data set.
    pub label: u16,
    /// The predicted class.
    pub prediction: u16,
    /// The scores of the classes, `[classes]`: the logits, or those of a loss with its own scores.
    pub logits: Vec<f32>,
    /// Spikes of every unit, `[units]` of each hidden layer.
    pub counts: Vec<Vec<f32>>,
    /// Readout potentials, `[steps, classes]`, if requested.
    pub readout: Option<Vec<f32>>,
    /// Step and unit of every spike of each hidden layer, if requested.
    pub spikes: Option<Vec<Vec<(u32, u16)>>>,
}

/// Passes the prediction of `network` for each of the samples to `tell`, in order. `loss` is the loss it was trained with, which
/// determines the scores of the classes; `traces` includes readout potentials and spikes.
///
/// ```
/// use snn_core::{CrossEntropy, Initialization, Network, NetworkConfig};
/// use snn_data::{Dataset, Randman, RandmanConfig};
/// use snn_train::{Error, predict};
///
/// let data = Randman::new(RandmanConfig { classes: 2, samples_per_class: 20, ..RandmanConfig::default() })?;
/// let network: Network = Network::new(NetworkConfig::new(data.inputs(), 2), Initialization::default(), 1)?;
/// let mut right = 0;
/// predict(&network, &data, &data.splits().test, &CrossEntropy::default(), (10, false), |it| {
///     right += usize::from(it.prediction == it.label);
///     Ok::<_, Error>(())
/// })?;
/// assert!(right <= 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Data`] or [`Error::Network`] if a sample violates the contract of data set and network, and those of `tell`.
pub fn predict<D: Backend<f32>, E: From<Error>>(
    network: &Network<f32, D>,
    dataset: &dyn Dataset,
    indices: &[u32],
    loss: &impl LossFunction,
    (batch_size, traces): (usize, bool),
    mut tell: impl FnMut(Prediction) -> Result<(), E>,
) -> Result<(), E> {
    let classes = network.config().outputs;
    for indices in indices.chunks(batch_size.max(1)) {
        let (input, labels) = batch::load(dataset, indices)?;
        let (output, recording) = if traces {
            let (output, recording) = network.record(&input).map_err(Error::from)?;
            (output, Some(recording))
        } else {
            (network.forward(&input).map_err(Error::from)?, None)
        };
        let output = loss.scored(output);
        let predictions = output.predictions();
        for (k, ((&index, &label), &prediction)) in indices.iter().zip(&labels).zip(&predictions).enumerate()
        {
            let counts = output.counts.iter().map(|counts| {
                let units = counts.len() / output.batch;
                counts[k * units..(k + 1) * units].to_vec()
            });
            tell(Prediction {
                index,
                label,
                prediction: prediction as u16,
                logits: output.logits[k * classes..(k + 1) * classes].to_vec(),
                counts: counts.collect(),
                readout: recording.as_ref().map(|it| {
                    let size = it.readout.len() / output.batch;
                    it.readout[k * size..(k + 1) * size].to_vec()
                }),
                spikes: recording.as_ref().map(|it| spikes(it, k)),
            })?;
        }
    }
    Ok(())
}

fn spikes(recording: &Recording<f32>, sample: usize) -> Vec<Vec<(u32, u16)>> {
    let of_layer = |events: &snn_core::Events| {
        let row = |step: usize| events.row(sample, step).iter().map(move |&unit| (step as u32, unit));
        (0..events.steps()).flat_map(row).collect()
    };
    recording.spikes.iter().map(of_layer).collect()
}
