//! The two extremes: `h(x) = 1` passes every gradient, `h(x) = 0` none.
//!
//! Source: Zenke & Vogels (2021), section 3, where 1 is the limit `b = 0` of SuperSpike.

use super::curve::Curve;
use crate::{Float, lanes::Lanes};

/// 1 everywhere.
#[derive(Clone, Copy)]
pub(crate) struct Constant;

impl Curve for Constant {
    fn scalar<E: Float>(_: E, _: E) -> E {
        E::one()
    }

    #[inline(always)]
    fn vector<L: Lanes>(lanes: L, _: f32, _: L::F) -> L::F {
        lanes.splat(1.0)
    }

    #[cfg(test)]
    fn antiderivative<E: Float>(_: E, x: E) -> E {
        x
    }
}

/// 0 everywhere: the derivative of the step itself.
#[derive(Clone, Copy)]
pub(crate) struct True;

impl Curve for True {
    fn scalar<E: Float>(_: E, _: E) -> E {
        E::zero()
    }

    #[inline(always)]
    fn vector<L: Lanes>(lanes: L, _: f32, _: L::F) -> L::F {
        lanes.splat(0.0)
    }

    /// Any constant: one other than 0 gives the readout a gradient.
    #[cfg(test)]
    fn antiderivative<E: Float>(_: E, _: E) -> E {
        E::of(0.5)
    }
}
