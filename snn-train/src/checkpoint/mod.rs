//! Checkpoints: everything needed to resume a run bit for bit, in one file that is replaced atomically.
//!
//! A checkpoint is a safetensors file: for every weight matrix `W1`, `V1`, .. `Wout` (`[pre, post]`, f32) it has the weights
//! under its name and the optimizer's buffers under `<name>.<rule>.<buffer>`: Adam's moments are `W1.adam.m` and `W1.adam.v`.
//! The metadata entry `snn` contains, as JSON, the experiment, the position in it, the best epoch so far and the sums of the
//! current epoch, with a SHA-256 checksum of these and of the tensors. It contains no times, so equal runs have byte-identical
//! checkpoints.

mod format;
mod partial;
mod state;

use std::{io, path::Path};

use snn_core::{Backend, MatrixState, Network, Optimizer, OptimizerState};

use snn_data::DataIdentity;
use snn_run::{Best, regular};

use crate::{
    error::Error,
    experiment::Experiment,
    replace::{Durability, replace},
};
use state::{Matrix, TrainingState, VERSION};

pub(crate) use partial::{Partial, Sums};
pub use state::Checkpoint;

/// Maximum size of a checkpoint: that of 5 billion weights.
const LONGEST: u64 = 64 << 30;

impl Checkpoint {
    pub(crate) fn take<D: Backend<f32>>(
        experiment: &Experiment,
        network: &Network<f32, D>,
        optimizer: &dyn Optimizer<f32, D>,
        epoch: u32,
        best: Option<Best>,
        partial: Option<Partial>,
        data: &DataIdentity,
    ) -> Self {
        let OptimizerState { rule, step, matrices } = optimizer.state();
        let matrices = network.parameters().zip(matrices).map(|((name, shape, weights), state)| {
            let buffers =
                state.buffers.into_iter().map(|(buffer, values)| (format!("{rule}.{buffer}"), values));
            Matrix { name, shape, weights, optimizer: buffers.collect() }
        });
        let (experiment, data) = (experiment.clone(), Some(data.clone()));
        let state = TrainingState { version: VERSION, epoch, step, best, partial, experiment, data };
        Self { state, matrices: matrices.collect() }
    }

    /// The experiment that was run.
    #[must_use]
    pub fn experiment(&self) -> &Experiment {
        &self.state.experiment
    }

    /// The identity of its data; `None` in old checkpoints.
    #[must_use]
    pub fn data(&self) -> Option<&DataIdentity> {
        self.state.data.as_ref()
    }

    /// Completed epochs.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.state.epoch
    }

    /// Completed batches of the current epoch.
    #[must_use]
    pub fn batch(&self) -> u32 {
        self.state.partial.as_ref().map_or(0, |partial| partial.batch)
    }

    /// The best epoch so far, once there is one.
    #[must_use]
    pub fn best(&self) -> Option<Best> {
        self.state.best
    }

    /// Name, shape `[pre, post]` and weights, row-major, of every matrix.
    pub fn weights(&self) -> impl Iterator<Item = (&str, [usize; 2], &[f32])> {
        self.matrices.iter().map(|matrix| (matrix.name.as_str(), matrix.shape, matrix.weights.as_slice()))
    }

    /// Loads the weights into a network of the same shape.
    ///
    /// # Errors
    /// [`Error::OtherNetwork`] with the matrices if they do not fit; the network is then unchanged.
    pub fn restore<D: Backend<f32>>(&self, network: &mut Network<f32, D>) -> Result<(), Error> {
        self.check_shape(network)?;
        for matrix in &self.matrices {
            network.set_parameter(&matrix.name, &matrix.weights)?;
        }
        Ok(())
    }

    /// An optimizer value that is not finite, which may occur while the weights are still finite.
    pub(crate) fn not_finite(&self) -> Option<(String, f64)> {
        self.matrices.iter().find_map(|matrix| {
            let mut buffers = matrix.optimizer.iter();
            buffers.find_map(|(name, values)| {
                let value = values.iter().find(|value| !value.is_finite())?;
                Some((
                    format!("a value of {}.{name}, which the optimizer keeps,", matrix.name),
                    f64::from(*value),
                ))
            })
        })
    }

    /// The state of the experiment's optimizer.
    pub(crate) fn optimizer_state(&self) -> OptimizerState<f32> {
        let rule = self.experiment().optimizer.name.word();
        let matrix = |matrix: &Matrix| {
            let of_rule = |(name, values): (&String, &Vec<f32>)| {
                let buffer = name.strip_prefix(rule)?.strip_prefix('.')?;
                Some((buffer.to_owned(), values.clone()))
            };
            MatrixState {
                name: matrix.name.clone(),
                buffers: matrix.optimizer.iter().filter_map(of_rule).collect(),
            }
        };
        OptimizerState {
            rule: rule.to_owned(),
            step: self.state.step,
            matrices: self.matrices.iter().map(matrix).collect(),
        }
    }

    /// Whether this is the state at the end of the best epoch so far.
    pub(crate) fn is_best(&self) -> bool {
        self.state.partial.is_none() && self.best().is_some_and(|best| best.epoch == self.epoch())
    }

    pub(crate) fn check_shape<D: Backend<f32>>(&self, network: &Network<f32, D>) -> Result<(), Error> {
        let describe = |shapes: &mut Vec<(String, [usize; 2])>| {
            shapes.sort_unstable();
            let words = shapes.iter().map(|(name, [pre, post])| format!("{name} of {pre} x {post}"));
            words.collect::<Vec<_>>().join(", ")
        };
        let mut stored = self.matrices.iter().map(|matrix| (matrix.name.clone(), matrix.shape)).collect();
        let mut needed = network.parameters().map(|(name, shape, _)| (name, shape)).collect();
        let (stored, needed) = (describe(&mut stored), describe(&mut needed));
        if stored == needed { Ok(()) } else { Err(Error::OtherNetwork { stored, needed }) }
    }

    /// Writes the checkpoint atomically: `path` always has the complete old or new content, and the new content has reached
    /// the disk when this returns.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let bytes = format::encode(self).map_err(Error::io("write the checkpoint", path))?;
        replace(path, &bytes, Durability::Disk).map_err(Error::io("write the checkpoint", path))
    }

    /// Whether these bytes are a checkpoint.
    pub(crate) fn is_valid(bytes: &[u8]) -> bool {
        format::decode(bytes).is_ok()
    }

    /// Whether these bytes are the state of a checkpoint, regardless of its checksum.
    pub(crate) fn is_state(bytes: &[u8]) -> bool {
        serde_json::from_slice::<TrainingState>(bytes).is_ok()
    }

    /// Reads a checkpoint and verifies it.
    ///
    /// # Errors
    /// [`Error::MissingCheckpoint`], [`Error::DamagedCheckpoint`] if any bit has changed,
    /// [`snn_run::Error::TooNew`], [`snn_run::Error::Io`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = regular::read(path, LONGEST).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::MissingCheckpoint { path: path.to_owned() },
            _ => Error::io("read the checkpoint", path)(error),
        })?;
        format::decode(&bytes).map_err(|damage| match damage {
            format::Damage::TooNew(found) => {
                snn_run::Error::TooNew { path: path.to_owned(), found, known: VERSION }.into()
            }
            format::Damage::Other(reason) => Error::DamagedCheckpoint { path: path.to_owned(), reason },
        })
    }
}

#[cfg(test)]
mod tests;
