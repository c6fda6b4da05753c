//! The leaky integrate-and-fire unit with exponential currents:
//!
//! ```text
//! S[n]   = 1 if U[n] > threshold else 0
//! U[n+1] = (b_mem U[n] + (1 - b_mem) I[n]) (1 - S[n])      delayed reset
//!        = b_mem U[n] (1 - S[n]) + (1 - b_mem) I[n]        immediate reset
//! I[n+1] = b_syn I[n] + W S_below[n] + V S[n]
//! ```
//!
//! Source: Zenke & Vogels (2021), section 4.1.

use super::model::{Drive, Neuron, again};
use crate::{Backend, Float, NetworkConfig, Reset, config::Decay, weights::Matrix};
use dfdx::prelude::Tape;

/// States `U`, `I`.
pub(in crate::reference) struct Lif<E> {
    pub(in crate::reference) b: Decay<E>,
    pub(in crate::reference) reset: Reset,
}

impl<E: Float> Neuron<E> for Lif<E> {
    const STATES: usize = 2;

    fn of(config: &NetworkConfig, layer: usize) -> Self {
        Lif { b: Decay::hidden(config, layer), reset: config.reset }
    }

    fn excitation<D: Backend<E>, T: Tape<E, D>>(&self, states: &[Matrix<E, D, T>]) -> Matrix<E, D, T> {
        again(&states[0])
    }

    fn step<D: Backend<E>, T: Tape<E, D>>(
        &self,
        mut states: Vec<Matrix<E, D, T>>,
        Drive { reset, currents, .. }: Drive<E, D, T>,
    ) -> Vec<Matrix<E, D, T>> {
        let b = &self.b;
        let (i, u) = (states.remove(1), states.remove(0));
        let keep = reset.negate() + E::one();
        let u = match self.reset {
            Reset::Delayed => (u * b.mem + again(&i) * b.one_minus_mem) * keep,
            Reset::Immediate => u * b.mem * keep + again(&i) * b.one_minus_mem,
        };
        let i = currents.into_iter().fold(i * b.syn, |i, current| i + current);
        vec![u, i]
    }
}
