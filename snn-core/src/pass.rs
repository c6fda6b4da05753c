//! A forward pass: its results, and its entry on dfdx's tape.

use crate::{
    Error, Float, Output,
    head::LossSums,
    weights::{Buffer, Matrix, Traces},
};
use dfdx::prelude::{Device, Gradients as TapeGradients, HasErr, PutTape, Storage, Tape};
use std::{cell::Cell, fmt, rc::Rc};

/// A forward pass still on the tape. See [`Network::forward_on`](crate::Network::forward_on).
///
/// Every tensor carries the tape: build your own loss from any of them, call dfdx's `backward` on it, and read the gradients with
/// [`Network::gradients`](crate::Network::gradients). The network's part of the backward pass runs once, after everything built on
/// top of it, so everything that depends on one pass belongs in one loss: a second `backward` does not reach the network, and
/// [`Network::gradients`](crate::Network::gradients) returns an error.
#[derive(Debug)]
pub struct Pass<E: Float, D: Device<E>, T> {
    /// `[batch, outputs]`.
    pub logits: Matrix<E, D, T>,
    /// Spike counts of every unit and sample, `zeta_l = sum_n S_l[n]`, one `[batch, units]` per hidden layer. Gradients reach the
    /// weights through the surrogate.
    pub counts: Vec<Matrix<E, D, T>>,
    /// Readout potentials `U_out[n]`, `[batch, steps, outputs]`.
    pub readout: Traces<E, D, T>,
}

/// All spikes and potentials of a forward pass. See [`Network::record`](crate::Network::record).
#[derive(Debug, Clone)]
pub struct Recording<E> {
    /// Spikes of every hidden layer, rows `(sample, step)`.
    pub spikes: Vec<crate::Events>,
    /// Membrane potentials `U_l[n]` of every hidden layer before the spike at `n`, `[batch, steps, units]`.
    pub potentials: Vec<Vec<E>>,
    /// Readout potentials `U_out[n]`, `[batch, steps, outputs]`.
    pub readout: Vec<E>,
}

/// The requested results of a forward pass, besides logits and counts.
#[derive(Debug, Clone, Copy, Default)]
#[doc(hidden)]
pub struct Wanted {
    /// The backward pass.
    pub(crate) adjoint: bool,
    /// Readout potentials as a tensor.
    pub(crate) readout: bool,
    /// Every spike and potential on the host.
    pub(crate) recording: bool,
}

/// The network's part of a backward pass: from the gradients of logits, counts and readout, computes those of the weights.
pub(crate) type Adjoint<E, D> = Box<dyn FnOnce(&mut TapeGradients<E, D>) -> Result<(), <D as HasErr>::Err>>;

/// The result of an implementation.
#[doc(hidden)]
pub struct Answer<E: Float, D: Device<E>> {
    pub(crate) logits: Matrix<E, D>,
    pub(crate) counts: Vec<Matrix<E, D>>,
    /// If requested.
    pub(crate) readout: Option<Traces<E, D>>,
    /// If requested.
    pub(crate) recording: Option<Recording<E>>,
    /// If requested.
    pub(crate) adjoint: Option<Adjoint<E, D>>,
}

impl<E: Float, D: Device<E>> fmt::Debug for Answer<E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { logits, counts, readout, .. } = self;
        f.debug_struct("Answer")
            .field("logits", logits)
            .field("counts", counts)
            .field("readout", readout)
            .finish_non_exhaustive()
    }
}

/// The result of a combined forward and backward pass.
#[doc(hidden)]
pub struct TrainingPass<E: Float, D: Device<E>> {
    pub(crate) values: PassValues<E, D>,
    /// Gradients of all weight matrices, in the order `W1`, `V1`, `W2`, .. `Wout`.
    pub(crate) gradients: Vec<Buffer<E, D>>,
    /// Euclidean norms of the gradients, if the device has computed them.
    pub(crate) norms: Option<Vec<f64>>,
    /// Fraction of the total thread time spent on the forward pass, 0 to 1.
    pub(crate) forward_share: f64,
}

/// The values of a training step whose update the device has computed.
#[derive(Debug)]
#[doc(hidden)]
#[cfg_attr(
    not(any(feature = "cuda", feature = "cuda-emulation")),
    allow(dead_code, reason = "the CPU does not queue steps")
)]
pub(crate) struct StepValues<E> {
    pub(crate) output: Output<E>,
    pub(crate) sums: LossSums,
    /// Euclidean norm of every gradient before clipping, in the order `W1`, `V1`, `W2`, .. `Wout`.
    pub(crate) norms: Vec<f64>,
}

/// A step that a device has queued.
#[doc(hidden)]
pub struct PendingStep<E> {
    /// Waits for the values.
    pub(crate) read: Box<dyn FnOnce() -> Result<StepValues<E>, Error>>,
    /// Fraction of the time needed for queueing that was spent on the forward pass, 0 to 1.
    pub(crate) forward_share: f64,
}

impl<E> fmt::Debug for PendingStep<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingStep").field("forward_share", &self.forward_share).finish_non_exhaustive()
    }
}

/// The result of a [`TrainingPass`].
#[cfg_attr(
    not(any(feature = "cuda", feature = "cuda-emulation")),
    allow(dead_code, reason = "the CPU leaves the loss to dfdx")
)]
pub(crate) enum PassValues<E: Float, D: Device<E>> {
    /// dfdx computes its loss.
    OnDevice { logits: Matrix<E, D>, counts: Vec<Matrix<E, D>> },
    /// The device has computed the loss.
    OnHost { output: Output<E>, sums: LossSums },
}

/// Length of the marker's gradient after a backward pass; before, it has the length of the marker, 1.
const REACHED: usize = 2;

/// Whether a backward pass has reached the network of `marker`.
///
/// This is encoded in the length of a buffer, which the host knows without waiting for the device.
pub(crate) fn reached<E: Float, D: Device<E>>(
    gradients: &mut TapeGradients<E, D>,
    marker: &Matrix<E, D>,
) -> Result<bool, D::Err> {
    let buffer = gradients.get_or_alloc_mut(marker)?;
    Ok(Storage::<E>::len(marker.device(), buffer) == REACHED)
}

/// An adjoint that runs once.
type Once<E, D> = Rc<Cell<Option<Adjoint<E, D>>>>;

/// Adds an adjoint to several tapes. The first tape to run executes it, and sets `marker`.
pub(crate) struct Shared<E: Float, D: Device<E>> {
    adjoint: Option<Once<E, D>>,
    marker: Matrix<E, D>,
}

impl<E: Float, D: Device<E>> Shared<E, D> {
    pub(crate) fn new(adjoint: Option<Adjoint<E, D>>, marker: &Matrix<E, D>) -> Self {
        Shared { adjoint: adjoint.map(|adjoint| Rc::new(Cell::new(Some(adjoint)))), marker: marker.clone() }
    }

    pub(crate) fn put<T: Tape<E, D>>(&self, mut tape: T) -> T {
        if let Some(adjoint) = &self.adjoint {
            let (adjoint, marker) = (Rc::clone(adjoint), self.marker.clone());
            tape.add_backward_op(move |gradients| {
                let Some(adjoint) = adjoint.take() else { return Ok(()) };
                adjoint(gradients)?;
                *gradients.get_or_alloc_mut(&marker)? =
                    Storage::<E>::try_alloc_len(marker.device(), REACHED)?;
                Ok(())
            });
        }
        tape
    }
}

impl<E: Float, D: Device<E>> Answer<E, D> {
    /// Adds the pass to `tape`; `marker` is that of the network.
    pub(crate) fn on<T: Tape<E, D>>(self, tape: T, marker: &Matrix<E, D>) -> Result<Pass<E, D, T>, Error> {
        let shared = Shared::new(self.adjoint, marker);
        let readout = self.readout.ok_or_else(|| {
            Error::Unsupported("this device's implementation does not return the readout potentials".into())
        })?;
        let counts = self.counts.into_iter().map(|counts| counts.put_tape(shared.put(T::default())));
        Ok(Pass {
            counts: counts.collect(),
            readout: readout.put_tape(shared.put(T::default())),
            logits: self.logits.put_tape(shared.put(tape)),
        })
    }
}
