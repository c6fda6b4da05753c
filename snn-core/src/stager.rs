//! Batches that go to a device before it is their turn.

use crate::Input;
use std::{fmt, sync::Arc};

type Stage<E> = dyn Fn(&Input<E>) + Send + Sync;

/// Copies inputs to the device of a network while it computes something else: [`Network::stager`](crate::Network::stager).
///
/// On a GPU, an input that was staged starts its step at once; copied only then, the batch of a large data set keeps the GPU waiting
/// for a fifth of the step. Staging changes no result, and where there is nothing to be gained, it does nothing.
#[derive(Clone)]
pub struct Stager<E>(Option<Arc<Stage<E>>>);

impl<E> Stager<E> {
    /// Leaves inputs as they are.
    pub(crate) fn idle() -> Self {
        Stager(None)
    }

    #[cfg_attr(not(feature = "cuda"), allow(dead_code, reason = "the CPU computes on inputs where they are"))]
    pub(crate) fn new(stage: impl Fn(&Input<E>) + Send + Sync + 'static) -> Self {
        Stager(Some(Arc::new(stage)))
    }

    /// Begins to copy `input`, from whatever thread. The copy stays on the device as long as the input is there.
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
