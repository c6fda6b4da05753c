//! The spike operation, which dfdx lacks: a threshold with a surrogate derivative.

use crate::{Error, Float, Surrogate, weights::Matrix};
use dfdx::prelude::{Cpu, HasShape, PutTape, SplitTape, Tape, TensorFromVec};

/// The function of `x = U - threshold`, forward and backward.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SpikeFunction {
    /// Forward 1 where `x > 0`, else 0; backward the surrogate `h(x)`.
    Threshold(Surrogate),
    /// Forward a function whose true derivative is `h(x)`, to check the backward pass with finite differences.
    #[cfg(test)]
    Smooth(Surrogate),
}

impl SpikeFunction {
    fn value<E: Float>(self, x: E) -> E {
        match self {
            SpikeFunction::Threshold(_) => {
                if x > E::zero() {
                    E::one()
                } else {
                    E::zero()
                }
            }
            #[cfg(test)]
            SpikeFunction::Smooth(surrogate) => surrogate.antiderivative(x),
        }
    }

    fn derivative<E: Float>(self, x: E) -> E {
        match self {
            SpikeFunction::Threshold(surrogate) => surrogate.derivative(x),
            #[cfg(test)]
            SpikeFunction::Smooth(surrogate) => surrogate.derivative(x),
        }
    }
}

/// `S = f(U - threshold)`, `dL/dU += dL/dS h(U - threshold)`; any shape `[batch, units]`.
pub(crate) fn on_cpu<E: Float, T: Tape<E, Cpu>>(
    potential: Matrix<E, Cpu, T>,
    threshold: f64,
    function: SpikeFunction,
) -> Result<Matrix<E, Cpu, T>, Error> {
    let (potential, mut tape) = potential.split_tape();
    let device = potential.device().clone();
    let threshold = E::of(threshold);
    let x: Vec<E> = potential.as_vec().into_iter().map(|u| u - threshold).collect();
    let values = x.iter().map(|&x| function.value(x)).collect::<Vec<E>>();
    let spikes = device.try_tensor_from_vec(values, *potential.shape()).map_err(Error::device)?;
    let (below, above) = (potential.ghost(), spikes.ghost());
    tape.add_backward_op(move |gradients| {
        // two buffers at once: move one out while the other is written
        let d_spikes = std::mem::take(&mut **gradients.get_or_alloc_mut(&above)?);
        let d_potential = gradients.get_or_alloc_mut(&below)?;
        for ((d_u, &d_s), &x) in d_potential.iter_mut().zip(&d_spikes).zip(&x) {
            *d_u += d_s * function.derivative(x);
        }
        **gradients.get_or_alloc_mut(&above)? = d_spikes;
        Ok(())
    });
    Ok(spikes.put_tape(tape))
}
