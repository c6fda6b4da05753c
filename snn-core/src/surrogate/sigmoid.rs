//! The derivative of a sigmoid, `h(x) = s (1 - s)` with `s = 1 / (1 + exp(-b x))`, and the same times 4.
//!
//! Source: Zenke & Vogels (2021), section 3. As printed there, it lacks the factor `b` of a true derivative, so its peak is 1/4 for
//! any slope.

use super::curve::Curve;
use crate::{
    Float,
    lanes::{Lanes, exp::exp_minus},
};

/// Peak 1/4.
#[derive(Clone, Copy)]
pub(crate) struct Sigmoid;

impl Curve for Sigmoid {
    const VANISHES: bool = true;

    /// `s (1 - s)` is even in `x`; the exponential of a negative number cannot overflow.
    fn scalar<E: Float>(b: E, x: E) -> E {
        let e = (-b * x.abs()).exp();
        e / ((E::one() + e) * (E::one() + e))
    }

    #[inline(always)]
    fn vector<L: Lanes>(lanes: L, b: f32, x: L::F) -> L::F {
        scaled(lanes, 1.0, b, x)
    }

    /// `s (1 - s)` is the derivative of `s / b`, and `tanh(b x / 2) = 2 s - 1`.
    #[cfg(test)]
    fn antiderivative<E: Float>(b: E, x: E) -> E {
        E::of(0.5) * (E::of(0.5) * b * x).tanh() / b
    }
}

/// Peak 1.
#[derive(Clone, Copy)]
pub(crate) struct SigmoidRescaled;

impl Curve for SigmoidRescaled {
    const VANISHES: bool = true;

    fn scalar<E: Float>(b: E, x: E) -> E {
        E::of(4.0) * Sigmoid::scalar(b, x)
    }

    #[inline(always)]
    fn vector<L: Lanes>(lanes: L, b: f32, x: L::F) -> L::F {
        scaled(lanes, 4.0, b, x)
    }

    #[cfg(test)]
    fn antiderivative<E: Float>(b: E, x: E) -> E {
        E::of(4.0) * Sigmoid::antiderivative(b, x)
    }
}

#[inline(always)]
fn scaled<L: Lanes>(lanes: L, factor: f32, b: f32, x: L::F) -> L::F {
    let e = exp_minus(lanes, lanes.mul(lanes.splat(b), lanes.abs(x)));
    let r = lanes.recip(lanes.add(e, lanes.splat(1.0)));
    lanes.mul(lanes.mul(lanes.mul(lanes.splat(factor), e), r), r)
}
