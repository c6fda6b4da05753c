//! The interface of neuron models.

use crate::{Backend, Float, NetworkConfig, weights::Matrix};
use dfdx::prelude::Tape;

/// The inputs of a layer's units from step `n` to `n + 1`; all are `[batch, units]`.
pub(in crate::reference) struct Drive<E: Float, D: Backend<E>, T> {
    /// Spikes `S[n]` of the units themselves, for states that depend on them.
    pub(in crate::reference) spikes: Matrix<E, D, T>,
    /// The same for the reset, without a gradient if detached.
    pub(in crate::reference) reset: Matrix<E, D, T>,
    /// `W S_below[n]` and, in recurrent layers, `V S[n]`, to add in this order.
    pub(in crate::reference) currents: Vec<Matrix<E, D, T>>,
}

/// A model of a spiking unit.
///
/// Its states are `[batch, units]` each and start at 0; the first is the membrane potential, which recordings contain. A unit spikes
/// if its [`excitation`](Neuron::excitation) is above the threshold, and the surrogate derivative is evaluated at
/// `x = excitation - threshold`: through it, the gradient reaches the states.
pub(in crate::reference) trait Neuron<E: Float>: Sized {
    /// Number of states.
    const STATES: usize;

    /// The units of a hidden layer, counted from 0 at the input.
    fn of(config: &NetworkConfig, layer: usize) -> Self;

    /// The quantity compared with the threshold.
    fn excitation<D: Backend<E>, T: Tape<E, D>>(&self, states: &[Matrix<E, D, T>]) -> Matrix<E, D, T>;

    /// The states at `n + 1`, from those at `n`.
    fn step<D: Backend<E>, T: Tape<E, D>>(
        &self,
        states: Vec<Matrix<E, D, T>>,
        drive: Drive<E, D, T>,
    ) -> Vec<Matrix<E, D, T>>;
}

/// Returns the tensor for one more use; its tape stays with `t`.
pub(in crate::reference) fn again<E: Float, D: Backend<E>, T: Tape<E, D>>(
    t: &Matrix<E, D, T>,
) -> Matrix<E, D, T> {
    t.retaped::<T>()
}
