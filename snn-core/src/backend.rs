//! What a dfdx device must offer so that networks run on it.

use crate::{
    Error, Float, Input, NetworkConfig, fused,
    reference::spike::{self, SpikeFunction},
    weights::{Matrix, Weights},
};
use dfdx::prelude::{Cpu, Device, Storage, Tape};
use std::borrow::Cow;

/// Raw memory of a device.
pub(crate) type Buffer<E, D> = <D as Storage<E>>::Vec;

/// A forward pass still on the tape.
///
/// Build a loss of your own from `logits` and `counts`, call dfdx's `backward` on it, and read the gradients with
/// [`Network::gradients`](crate::Network::gradients).
#[derive(Debug)]
pub struct Pass<E: Float, D: Backend<E>, T> {
    /// `[batch, outputs]`; carries the tape.
    pub logits: Matrix<E, D, T>,
    /// `zeta_l = sum_n S_l[n]` of every hidden layer, `[batch, units]`. Part of the graph: what a loss adds to the
    /// gradient of these tensors reaches the weights through the surrogate. `retaped` puts them into an expression.
    pub counts: Vec<Matrix<E, D>>,
    pub(crate) recording: Option<Recording<E>>,
}

/// Everything that happened in a forward pass. See [`Network::record`](crate::Network::record).
#[derive(Debug, Clone)]
pub struct Recording<E> {
    /// Spikes of every hidden layer, rows `(sample, step)`.
    pub spikes: Vec<crate::Events>,
    /// Membrane potentials `U_l[n]` of every hidden layer before the spike at `n`, `[batch, steps, units]`.
    pub potentials: Vec<Vec<E>>,
    /// Readout potentials `U_out[n]`, `[batch, steps, outputs]`.
    pub readout: Vec<E>,
}

/// A dfdx device that networks of this crate run on.
pub trait Backend<E: Float>: Device<E> {
    /// The values of a device buffer, copied to the host where they are not there already.
    fn host(buffer: &Buffer<E, Self>) -> Cow<'_, [E]>;

    /// A device buffer that holds `values`.
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

    /// The spike operation of the reference implementation.
    #[doc(hidden)]
    fn spike<T: Tape<E, Self>>(
        potential: Matrix<E, Self, T>,
        threshold: f64,
        function: SpikeFunction,
    ) -> Result<Matrix<E, Self, T>, Error>;

    /// The fused implementation: one entry on the tape.
    #[doc(hidden)]
    fn fused<T: Tape<E, Self>>(
        config: &NetworkConfig,
        weights: &Weights<E, Self>,
        input: &Input<E>,
        context: &fused::Context,
        record: bool,
        tape: T,
    ) -> Result<Pass<E, Self, T>, Error>;
}

/// Writes down for one float type what is the same for all: dfdx hides the `Vec` behind a bound `Cpu: Device<E>`.
macro_rules! cpu_buffers {
    ($float:ty) => {
        fn host(buffer: &Buffer<$float, Self>) -> Cow<'_, [$float]> {
            Cow::Borrowed(buffer.as_slice())
        }

        fn upload(&self, values: &[$float]) -> Result<Buffer<$float, Self>, Error> {
            let mut buffer = Storage::<$float>::try_alloc_len(self, values.len()).map_err(Error::device)?;
            buffer.copy_from_slice(values);
            Ok(buffer)
        }

        fn spike<T: Tape<$float, Self>>(
            potential: Matrix<$float, Self, T>,
            threshold: f64,
            function: SpikeFunction,
        ) -> Result<Matrix<$float, Self, T>, Error> {
            spike::on_cpu(potential, threshold, function)
        }
    };
}

impl Backend<f32> for Cpu {
    cpu_buffers!(f32);

    fn fused<T: Tape<f32, Self>>(
        config: &NetworkConfig,
        weights: &Weights<f32, Self>,
        input: &Input<f32>,
        context: &fused::Context,
        record: bool,
        tape: T,
    ) -> Result<Pass<f32, Self, T>, Error> {
        fused::forward(config, weights, input, context, record, tape)
    }
}

impl Backend<f64> for Cpu {
    cpu_buffers!(f64);

    fn fused<T: Tape<f64, Self>>(
        _: &NetworkConfig,
        _: &Weights<f64, Self>,
        _: &Input<f64>,
        _: &fused::Context,
        _: bool,
        _: T,
    ) -> Result<Pass<f64, Self, T>, Error> {
        Err(Error::Unsupported(
            "the fused implementation computes in f32; set `implementation` to `Implementation::Reference` for f64".into(),
        ))
    }
}
