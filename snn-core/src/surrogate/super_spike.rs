//! The derivative of a fast sigmoid: `h(x) = 1 / (b |x| + 1)^2`, and the same times `b`.
//!
//! Source: Zenke & Ganguli (2018), "SuperSpike"; Zenke & Vogels (2021), equation 7 and section 3.

use super::curve::Curve;
use crate::{Float, lanes::Lanes};

/// Peak 1.
#[derive(Clone, Copy)]
pub(crate) struct SuperSpike;

impl Curve for SuperSpike {
    fn scalar<E: Float>(b: E, x: E) -> E {
        let d = b * x.abs() + E::one();
        E::one() / (d * d)
    }

    #[inline(always)]
    fn vector<L: Lanes>(lanes: L, b: f32, x: L::F) -> L::F {
        let d = lanes.mul_add(lanes.splat(b), lanes.abs(x), lanes.splat(1.0));
        let r = lanes.recip(d);
        lanes.mul(r, r)
    }

    #[cfg(test)]
    fn antiderivative<E: Float>(b: E, x: E) -> E {
        x / (E::one() + b * x.abs())
    }
}

/// Peak `b`.
#[derive(Clone, Copy)]
pub(crate) struct Asymptotic;

impl Curve for Asymptotic {
    fn scalar<E: Float>(b: E, x: E) -> E {
        b * SuperSpike::scalar(b, x)
    }

    #[inline(always)]
    fn vector<L: Lanes>(lanes: L, b: f32, x: L::F) -> L::F {
        let d = lanes.mul_add(lanes.splat(b), lanes.abs(x), lanes.splat(1.0));
        let r = lanes.recip(d);
        lanes.mul(lanes.mul(lanes.splat(b), r), r)
    }

    #[cfg(test)]
    fn antiderivative<E: Float>(b: E, x: E) -> E {
        b * SuperSpike::antiderivative(b, x)
    }
}
