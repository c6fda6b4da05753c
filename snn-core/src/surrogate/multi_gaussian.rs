//! A normal distribution with negative lobes, `sigma = 1/b`:
//!
//! ```text
//! h(x) = 1.15 N(x; 0, sigma) - 0.15 N(x; sigma, 6 sigma) - 0.15 N(x; -sigma, 6 sigma)
//! ```
//!
//! Source: Yin, Corradi & Bohté (2021), "Accurate and efficient time-domain classification with adaptive spiking recurrent neural
//! networks", equation 8; there `sigma` is 0.5, so `b` is 2.

use super::{curve::Curve, gaussian::PEAK};
use crate::{
    Float,
    lanes::{Lanes, exp::exp_minus},
};

/// Weight and relative width of the lobes.
const LOBE: f64 = 0.15;
const WIDTH: f64 = 6.0;

/// Peak `0.439 b`, area 0.85.
#[derive(Clone, Copy)]
pub(crate) struct MultiGaussian;

impl Curve for MultiGaussian {
    const VANISHES: bool = true;

    fn scalar<E: Float>(b: E, x: E) -> E {
        let bell = |y: E| (E::of(-0.5) * y * y).exp();
        let y = b * x.abs();
        let lobe = |center: f64| bell((y - E::of(center)) / E::of(WIDTH));
        E::of(PEAK) * b * (E::of(1.0 + LOBE) * bell(y) - E::of(LOBE / WIDTH) * (lobe(1.0) + lobe(-1.0)))
    }

    #[inline(always)]
    fn vector<L: Lanes>(lanes: L, b: f32, x: L::F) -> L::F {
        let y = lanes.mul(lanes.splat(b), lanes.abs(x));
        let lobe = |center: f32| {
            let z = lanes.mul(lanes.splat((1.0 / WIDTH) as f32), lanes.sub(y, lanes.splat(center)));
            exp_minus(lanes, lanes.mul(lanes.mul(lanes.splat(0.5), z), z))
        };
        let middle = exp_minus(lanes, lanes.mul(lanes.mul(lanes.splat(0.5), y), y));
        let lobes = lanes.mul(lanes.splat((LOBE / WIDTH) as f32), lanes.add(lobe(1.0), lobe(-1.0)));
        let sum = lanes.sub(lanes.mul(lanes.splat((1.0 + LOBE) as f32), middle), lobes);
        lanes.mul(lanes.splat((PEAK * f64::from(b)) as f32), sum)
    }
}
