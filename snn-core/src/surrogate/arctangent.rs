//! The derivative of an arctangent: `h(x) = (b / 2) / (1 + (pi b x / 2)^2)`.
//!
//! Source: Fang et al. (2021), "Incorporating learnable membrane time constant to enhance learning of spiking neural networks",
//! as in SpikingJelly's `ATan` with `alpha = b`. The paper uses `b = 2`, for which the peak is 1.

use super::curve::Curve;
use crate::{Float, lanes::Lanes};
use std::f64::consts::FRAC_PI_2;

/// Peak `b / 2`, area 1.
#[derive(Clone, Copy)]
pub(crate) struct Arctangent;

impl Curve for Arctangent {
    fn scalar<E: Float>(b: E, x: E) -> E {
        let y = E::of(FRAC_PI_2) * b * x;
        E::of(0.5) * b / (E::one() + y * y)
    }

    #[inline(always)]
    fn vector<L: Lanes>(lanes: L, b: f32, x: L::F) -> L::F {
        let y = lanes.mul(lanes.splat((FRAC_PI_2 * f64::from(b)) as f32), x);
        lanes.mul(lanes.splat(0.5 * b), lanes.recip(lanes.mul_add(y, y, lanes.splat(1.0))))
    }

    #[cfg(test)]
    fn antiderivative<E: Float>(b: E, x: E) -> E {
        (E::of(FRAC_PI_2) * b * x).atan() / E::of(std::f64::consts::PI)
    }
}
