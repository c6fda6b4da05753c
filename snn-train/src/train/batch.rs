//! From samples of a data set to the input of a network.

use snn_core::{Events, Frames, Input};
use snn_data::{BatchInput, Dataset, collate};

use crate::Error;

/// Gathers samples into the input of a network and their labels. What `collate` has gathered is moved, not copied.
pub(crate) fn load(dataset: &dyn Dataset, indices: &[u32]) -> Result<(Input<f32>, Vec<u16>), Error> {
    let batch = collate(dataset, indices)?;
    let (samples, steps, inputs) = (batch.batch, batch.steps, batch.inputs);
    let input = match batch.input {
        BatchInput::Events { offsets, units } => Events::new(samples, steps, inputs, offsets, units)?.into(),
        BatchInput::Frames { values } => Frames::new(samples, steps, inputs, values)?.into(),
    };
    Ok((input, batch.labels))
}

/// How many batches `samples` make; the last one may be smaller.
pub(super) fn count(samples: usize, batch_size: usize) -> u32 {
    u32::try_from(samples.div_ceil(batch_size)).unwrap_or(u32::MAX)
}
