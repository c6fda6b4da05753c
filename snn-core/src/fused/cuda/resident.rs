//! The weights of a network in device buffers. dfdx does not expose the memory of its tensors, so copying weights to a buffer takes
//! several operations per matrix. These buffers are filled once; updates then change them in place, and tensors are filled from them
//! only when a caller modifies a tensor.

use super::{bridge, forward::Matrices};
use crate::{
    Backend, Error,
    weights::{Buffer, Weights},
};
use dfdx::prelude::HasErr;
use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

type Buffers<D> = Matrices<Buffer<f32, D>>;

/// The weights in buffers, if they have been needed since a tensor was last modified.
pub(crate) struct Resident<D: Backend<f32>> {
    /// Shared with clones of the network, and with backward passes that have not run yet.
    matrices: OnceLock<Arc<Buffers<D>>>,
    /// Whether they have been updated, so that the tensors are outdated.
    is_newer: bool,
}

impl<D: Backend<f32>> Default for Resident<D> {
    fn default() -> Self {
        Resident { matrices: OnceLock::new(), is_newer: false }
    }
}

impl<D: Backend<f32>> Clone for Resident<D> {
    fn clone(&self) -> Self {
        Resident { matrices: self.matrices.clone(), is_newer: self.is_newer }
    }
}

impl<D: Backend<f32>> fmt::Debug for Resident<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resident").field("is_newer", &self.is_newer).finish_non_exhaustive()
    }
}

impl<D: Backend<f32>> Resident<D> {
    /// The current weights.
    pub(super) fn get(&self, weights: &Weights<f32, D>) -> Result<Arc<Buffers<D>>, <D as HasErr>::Err> {
        if let Some(matrices) = self.matrices.get() {
            return Ok(Arc::clone(matrices));
        }
        let mut hidden = Vec::with_capacity(weights.hidden.len());
        for layer in &weights.hidden {
            let recurrent = layer.recurrent.as_ref().map(bridge::buffer_of).transpose()?;
            hidden.push((bridge::buffer_of(&layer.input)?, recurrent));
        }
        let matrices = Arc::new(Matrices { hidden, readout: bridge::buffer_of(&weights.readout)? });
        Ok(Arc::clone(self.matrices.get_or_init(|| matrices)))
    }

    /// The buffer of `Wout`, if there are buffers.
    #[cfg(feature = "cuda")]
    pub(super) fn readout(&self) -> Option<&Buffer<f32, D>> {
        self.matrices.get().map(|matrices| &matrices.readout)
    }

    /// The current weights, to be updated in place: the tensors are outdated from now on.
    pub(super) fn update(&mut self, weights: &mut Weights<f32, D>) -> Result<&mut Buffers<D>, Error> {
        if self.matrices.get_mut().is_some_and(|shared| Arc::get_mut(shared).is_none()) {
            // others still need the values before the update
            self.settle(weights)?;
            self.forget();
        }
        self.get(weights).map_err(Error::device)?;
        self.is_newer = true;
        let matrices = self.matrices.get_mut().and_then(Arc::get_mut);
        matrices.ok_or_else(|| Error::Device("the weights on the device are in use".into()))
    }

    /// Copies updated weights to the tensors.
    pub(crate) fn settle(&mut self, weights: &mut Weights<f32, D>) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_newer) {
            return Ok(());
        }
        let Some(matrices) = self.matrices.get() else { return Ok(()) };
        for (buffer, (_, tensor)) in matrices.iter().zip(weights.named_mut()) {
            tensor.copy_from(&D::host(buffer));
        }
        Ok(())
    }

    /// A tensor is about to be modified.
    pub(crate) fn forget(&mut self) {
        self.matrices.take();
        self.is_newer = false;
    }

    /// The values of matrix `index`, if those of its tensor are outdated.
    pub(crate) fn latest(&self, index: usize) -> Option<Cow<'_, [f32]>> {
        let matrices = self.matrices.get().filter(|_| self.is_newer)?;
        matrices.iter().nth(index).map(|buffer| D::host(buffer))
    }
}
