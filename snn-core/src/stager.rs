//! Copying batches to a device in advance.

use crate::Input;
use std::{fmt, sync::Arc};

type Stage<E> = dyn Fn(&Input<E>) + Send + Sync;

/// Copies inputs to the device of a network while it computes something else: [`Network::stager`](crate::Network::stager).
///
/// On a GPU, a staged input starts its step immediately; if it is copied only then, a batch of a large data set keeps the GPU waiting for
/// a fifth of the step. Staging does not change results, and does nothing where it has no benefit.
#[derive(Clone)]
pub struct Stager<E>(Option<Arc<Stage<E>>>);

impl<E> Stager<E> {
    /// Does nothing.
    pub(crate) fn idle() -> Self {
        Stager(None)
    }

    #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "the CPU computes on inputs where they are"))]
    pub(crate) fn new(stage: impl Fn(&Input<E>) + Send + Sync + 'static) -> Self {
        Stager(Some(Arc::new(stage)))
    }

    /// Starts copying `input`, from any thread. The copy stays on the device as long as the input exists.
    pub fn stage(&self, input: &Input<E>) {
        if let Some(stage) = &self.0 {
            stage(input);
        }
    }
}

impl<E> fmt::Debug for Stager<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stager").field(&self.0.is_some()).finish()
    }
}
