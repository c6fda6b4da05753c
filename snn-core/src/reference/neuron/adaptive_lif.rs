//! The leaky integrate-and-fire unit with a threshold that rises with its own spikes and decays slowly:
//!
//! ```text
//! S[n]   = 1 if U[n] - adaptation A[n] > threshold else 0
//! A[n+1] = b_ada A[n] + (1 - b_ada) S[n],   b_ada = exp(-dt / tau_adaptation)
//! ```
//!
//! `U` and `I` are those of [`Lif`](super::Lif). `A` is between 0 and 1: the fraction of recent steps with a spike. The surrogate
//! applies to both `U` and `A`.
//!
//! Source: Bellec et al. (2018), "Long short-term memory and learning-to-learn in networks of spiking neurons", equation 2.

use super::{
    lif::Lif,
    model::{Drive, Neuron, again},
};
use crate::{Backend, Float, NetworkConfig, weights::Matrix};
use dfdx::prelude::Tape;

/// States `U`, `I`, `A`.
pub(in crate::reference) struct AdaptiveLif<E> {
    lif: Lif<E>,
    adaptation: E,
    decay: E,
    one_minus_decay: E,
}

impl<E: Float> Neuron<E> for AdaptiveLif<E> {
    const STATES: usize = 3;

    fn of(config: &NetworkConfig, layer: usize) -> Self {
        let decay = (-config.dt / config.tau_adaptation).exp();
        AdaptiveLif {
            lif: Lif::of(config, layer),
            adaptation: E::of(config.adaptation),
            decay: E::of(decay),
            one_minus_decay: E::of(1.0 - decay),
        }
    }

    fn excitation<D: Backend<E>, T: Tape<E, D>>(&self, states: &[Matrix<E, D, T>]) -> Matrix<E, D, T> {
        again(&states[0]) - again(&states[2]) * self.adaptation
    }

    fn step<D: Backend<E>, T: Tape<E, D>>(
        &self,
        mut states: Vec<Matrix<E, D, T>>,
        drive: Drive<E, D, T>,
    ) -> Vec<Matrix<E, D, T>> {
        let a = states.remove(2) * self.decay + again(&drive.spikes) * self.one_minus_decay;
        let mut states = self.lif.step(states, drive);
        states.push(a);
        states
    }
}
