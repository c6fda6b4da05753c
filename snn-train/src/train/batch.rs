//! Conversion of data set samples to the input of a network.

use snn_core::{Events, Frames, Input, Stager};
use snn_data::{Batch, BatchInput, Dataset, collate};

use crate::Error;

/// Converts a batch of a data set to the input of a network and its labels, without copying.
///
/// ```
/// use snn_data::{Dataset, Randman, RandmanConfig, collate};
/// use snn_train::network_input;
///
/// let data = Randman::new(RandmanConfig { samples_per_class: 20, ..RandmanConfig::default() })?;
/// let (input, labels) = network_input(collate(&data, &data.splits().train[..32])?)?;
/// assert_eq!((input.batch(), input.units(), labels.len()), (32, 20, 32));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Network`] if the batch is inconsistent: unsorted rows, or units that do not exist.
pub fn network_input(batch: Batch) -> Result<(Input<f32>, Vec<u16>), Error> {
    let (samples, steps, inputs) = (batch.batch, batch.steps, batch.inputs);
    let input = match batch.input {
        BatchInput::Events { offsets, units } => Events::new(samples, steps, inputs, offsets, units)?.into(),
        BatchInput::Frames { values } => Frames::new(samples, steps, inputs, values)?.into(),
    };
    Ok((input, batch.labels))
}

/// Gathers samples into the input of a network and their labels.
pub(crate) fn load(dataset: &dyn Dataset, indices: &[u32]) -> Result<(Input<f32>, Vec<u16>), Error> {
    network_input(collate(dataset, indices)?)
}

/// Input and labels.
pub(super) type Loaded = (Input<f32>, Vec<u16>);

/// Runs `work` on this thread while the pool assembles the batch of the samples `next` and starts copying it to the device. An error in that
/// batch is returned when the batch is used.
pub(super) fn load_beside<R>(
    dataset: &dyn Dataset,
    next: Option<&[u32]>,
    stager: &Stager<f32>,
    work: impl FnOnce() -> R,
) -> (R, Option<Result<Loaded, Error>>) {
    let mut loaded = None;
    let done = rayon::in_place_scope(|scope| {
        if let Some(indices) = next {
            let loaded = &mut loaded;
            scope.spawn(move |_| {
                let batch = load(dataset, indices);
                if let Ok((input, _)) = &batch {
                    stager.stage(input);
                }
                *loaded = Some(batch);
            });
        }
        work()
    });
    (done, loaded)
}

/// The number of batches for `samples`; the last one may be smaller.
pub(super) fn count(samples: usize, batch_size: usize) -> u32 {
    u32::try_from(samples.div_ceil(batch_size)).unwrap_or(u32::MAX)
}
