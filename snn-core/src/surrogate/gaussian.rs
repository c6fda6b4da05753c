//! A normal distribution of width `sigma = 1/b`: `h(x) = N(x; 0, sigma)`, the density `b / sqrt(2 pi) exp(-(b x)^2 / 2)`.
//!
//! Source: Yin, Corradi & Bohté (2020), "Effective and efficient computation with multiple-timescale spiking recurrent neural
//! networks".

use super::curve::Curve;
use crate::{
    Float,
    lanes::{Lanes, exp::exp_minus},
};

/// `1 / sqrt(2 pi)`.
pub(super) const PEAK: f64 = 0.398_942_280_401_432_7;

/// Peak `0.399 b`, area 1.
#[derive(Clone, Copy)]
pub(crate) struct Gaussian;

impl Curve for Gaussian {
    const VANISHES: bool = true;

    fn scalar<E: Float>(b: E, x: E) -> E {
        let y = b * x;
        E::of(PEAK) * b * (E::of(-0.5) * y * y).exp()
    }

    #[inline(always)]
    fn vector<L: Lanes>(lanes: L, b: f32, x: L::F) -> L::F {
        let y = lanes.mul(lanes.splat(b), x);
        let e = exp_minus(lanes, lanes.mul(lanes.mul(lanes.splat(0.5), y), y));
        lanes.mul(lanes.splat((PEAK * f64::from(b)) as f32), e)
    }
}
