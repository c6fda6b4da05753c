//! A triangle: `h(x) = max(0, 1 - b |x|)`.
//!
//! Source: Esser et al. (2016), "Convolutional networks for fast, energy-efficient neuromorphic computing".

use super::curve::Curve;
use crate::{Float, lanes::Lanes};

/// Peak 1, zero from `|x| = 1/b` on.
#[derive(Clone, Copy)]
pub(crate) struct Esser;

impl Curve for Esser {
    fn scalar<E: Float>(b: E, x: E) -> E {
        E::zero().max(E::one() - b * x.abs())
    }

    #[inline(always)]
    fn vector<L: Lanes>(lanes: L, b: f32, x: L::F) -> L::F {
        let ramp = lanes.sub_mul(lanes.splat(b), lanes.abs(x), lanes.splat(1.0));
        lanes.max(ramp, lanes.splat(0.0))
    }

    #[cfg(test)]
    fn antiderivative<E: Float>(b: E, x: E) -> E {
        let x = x.max(-E::one() / b).min(E::one() / b);
        x - E::of(0.5) * b * x * x.abs()
    }
}
