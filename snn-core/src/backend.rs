//! The interface that a dfdx device must implement to run networks. The CPU implements it in `fused::cpu` (`f32`) and
//! `reference::cpu` (`f64`), GPUs in `fused::cuda::device`.

use crate::{
    Error, Float, Input, NetworkConfig,
    head::Head,
    pass::{Answer, PendingStep, TrainingPass, Wanted},
    spike::SpikeFunction,
    stager::Stager,
    update::Update,
    weights::{Buffer, Matrix, Weights},
};
use dfdx::prelude::{Device, Tape};
use std::{borrow::Cow, fmt::Debug};

/// A dfdx device that can run networks of this crate.
pub trait Backend<E: Float>: Device<E> {
    /// State kept in a network between calls of the fused implementation.
    #[doc(hidden)]
    type Context: Clone + Debug + Default;

    /// Invalidates the state, because the weights of the network are about to change.
    #[doc(hidden)]
    fn forget(context: &mut Self::Context) {
        let _ = context;
    }

    /// Copies weights that the device updated in its own buffers to the tensors of `weights`.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    #[doc(hidden)]
    fn settle(context: &mut Self::Context, weights: &mut Weights<E, Self>) -> Result<(), Error> {
        let _ = (context, weights);
        Ok(())
    }

    /// The values of matrix `index` (in the order `W1`, `V1`, `W2`, .. `Wout`), if those of its tensor are outdated.
    #[doc(hidden)]
    fn latest(context: &Self::Context, index: usize) -> Option<Cow<'_, [E]>> {
        let _ = (context, index);
        None
    }

    /// The values of a device buffer, copied to the host if necessary.
    fn host(buffer: &Buffer<E, Self>) -> Cow<'_, [E]>;

    /// Mutable access to the values of a device buffer; `None` if they are not on the host.
    fn host_mut(buffer: &mut Buffer<E, Self>) -> Option<&mut [E]>;

    /// Creates a device buffer with `values`.
    ///
    /// # Errors
    /// [`Error::Device`] if the device is out of memory.
    fn upload(&self, values: &[E]) -> Result<Buffer<E, Self>, Error>;

    /// The Euclidean norm of each buffer.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    #[doc(hidden)]
    fn norms(&self, buffers: &[&Buffer<E, Self>]) -> Result<Vec<f64>, Error> {
        let norm = |values: Cow<'_, [E]>| values.iter().map(|x| x.wide() * x.wide()).sum::<f64>().sqrt();
        Ok(buffers.iter().map(|&buffer| norm(Self::host(buffer))).collect())
    }

    /// Creates the stager, which copies inputs to this device before they are needed.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    #[doc(hidden)]
    fn stager(&self) -> Result<Stager<E>, Error> {
        Ok(Stager::idle())
    }

    /// The spike operation of the reference implementation.
    #[doc(hidden)]
    fn spike<T: Tape<E, Self>>(
        potential: Matrix<E, Self, T>,
        threshold: f64,
        function: SpikeFunction,
    ) -> Result<Matrix<E, Self, T>, Error>;

    /// The fused implementation.
    #[doc(hidden)]
    fn fused(
        config: &NetworkConfig,
        weights: &Weights<E, Self>,
        input: &Input<E>,
        context: &Self::Context,
        wanted: Wanted,
    ) -> Result<Answer<E, Self>, Error>;

    /// The fused forward and backward pass in one; `None` if not supported.
    #[doc(hidden)]
    fn training_pass(
        config: &NetworkConfig,
        weights: &Weights<E, Self>,
        input: &Input<E>,
        context: &Self::Context,
        head: Head<'_>,
    ) -> Result<Option<TrainingPass<E, Self>>, Error> {
        let _ = (config, weights, input, context, head);
        Ok(None)
    }

    /// Updates all weights with `gradients`, in the order `W1`, `V1`, `W2`, .. `Wout`. Returns false, and changes nothing, if not
    /// supported.
    #[doc(hidden)]
    fn update(
        weights: &mut Weights<E, Self>,
        context: &mut Self::Context,
        update: Update<'_, E, Self>,
        gradients: &[&Buffer<E, Self>],
    ) -> Result<bool, Error> {
        let _ = (weights, context, update, gradients);
        Ok(false)
    }

    /// Queues a whole training step: forward pass, loss, backward pass, norms, clipping and update. `None` if not supported; then
    /// nothing is changed.
    ///
    /// If the loss or a norm is not finite, the weights keep their values.
    #[doc(hidden)]
    fn queue_step(
        config: &NetworkConfig,
        weights: &mut Weights<E, Self>,
        input: &Input<E>,
        context: &mut Self::Context,
        head: Head<'_>,
        update: Update<'_, E, Self>,
    ) -> Result<Option<PendingStep<E>>, Error> {
        let _ = (config, weights, input, context, head, update);
        Ok(None)
    }
}
