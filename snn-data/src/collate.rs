//! From a data set to a batch.

use crate::{Batch, BatchBuilder, Dataset, Error};

/// Gathers samples into a batch, in the order of `indices`.
///
/// To iterate over an epoch, split the order into chunks: `order.chunks(batch_size)`; the last chunk may be
/// shorter, and no sample is left out.
///
/// # Errors
///
/// [`Error::Sample`] with the data set's name and the index of the sample, if that sample does not exist or is
/// written incorrectly; [`Error::TooMany`] beyond 4,294,967,295 spikes; [`Error::OutOfMemory`].
pub fn collate(dataset: &dyn Dataset, indices: &[u32]) -> Result<Batch, Error> {
    let (len, classes) = (dataset.len(), dataset.classes());
    let mut builder = BatchBuilder::new([dataset.steps(), dataset.inputs()], dataset.kind(), indices.len())?;
    for &index in indices {
        let index = index as usize;
        let mut add = || {
            if index >= len {
                return Err(Error::Index { index, len });
            }
            let label = dataset.label(index);
            if usize::from(label) >= classes {
                return Err(Error::Label { label, classes });
            }
            builder.labels.push(label);
            dataset.sample(index, &mut builder)?;
            builder.check_written()
        };
        add().map_err(|error| error.in_sample(dataset.name(), index))?;
    }
    Ok(builder.finish())
}
