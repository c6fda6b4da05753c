//! A rectangle of width `1/b`: `h(x) = b` where `|x| < 1 / (2 b)`, else 0.
//!
//! Source: Wu et al. (2018), "Spatio-temporal backpropagation for training high-performance spiking neural networks", `h_1` with
//! `a_1 = 1/b`.

use super::curve::Curve;
use crate::{Float, lanes::Lanes};

/// Peak `b`, area 1.
#[derive(Clone, Copy)]
pub(crate) struct Boxcar;

impl Curve for Boxcar {
    fn scalar<E: Float>(b: E, x: E) -> E {
        if E::of(2.0) * b * x.abs() < E::one() { b } else { E::zero() }
    }

    #[inline(always)]
    fn vector<L: Lanes>(lanes: L, b: f32, x: L::F) -> L::F {
        let inside = lanes.greater(lanes.splat(1.0), lanes.mul(lanes.splat(2.0 * b), lanes.abs(x)));
        lanes.select(inside, lanes.splat(b), lanes.splat(0.0))
    }

    fn jump(b: f64) -> Option<f64> {
        (b > 0.0).then(|| 0.5 / b)
    }

    #[cfg(test)]
    fn antiderivative<E: Float>(b: E, x: E) -> E {
        let half = E::of(0.5);
        (b * x).max(-half).min(half)
    }
}
