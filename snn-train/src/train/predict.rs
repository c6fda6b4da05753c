//! What a network says of each sample.

use snn_core::{AnyLoss, Backend, LossFunction as _, Network, Recording};
use snn_data::Dataset;

use super::batch;
use crate::error::Error;

/// What a network says of a sample.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Prediction {
    /// The sample, as the data set counts.
    pub index: u32,
    /// The class that it belongs to, as the data set says.
    pub label: u16,
    /// The class that the network chooses.
    pub prediction: u16,
    /// What it chooses by, `[classes]`: the logits, or the scores of a loss that has its own.
    pub logits: Vec<f32>,
    /// Spikes of every unit, `[units]` of each hidden layer.
    pub counts: Vec<Vec<f32>>,
    /// Readout potentials, `[steps, classes]`, if they were asked for.
    pub readout: Option<Vec<f32>>,
    /// Step and unit of every spike of each hidden layer, if they were asked for.
    pub spikes: Option<Vec<Vec<(u32, u16)>>>,
}

/// Tells what `network` says of each of the samples, in their order. `loss` is what it was trained for; with `traces`, readout
/// potentials and spikes come, too.
///
/// # Errors
/// [`Error::Data`] or [`Error::Network`] if a sample is not what data set and network promise, and those of `tell`.
pub fn predict<D: Backend<f32>, E: From<Error>>(
    network: &Network<f32, D>,
    dataset: &dyn Dataset,
    indices: &[u32],
    loss: &AnyLoss,
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
