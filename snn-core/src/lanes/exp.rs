//! The exponential function on vectors.

use super::vector::Lanes;

/// `exp(-y)` for `y >= 0`, accurate to about 1e-7; clamped at `exp(-87)`, about the smallest normal `f32`.
///
/// `y = n ln 2 + r` with `|r| <= ln(2) / 2`, so `exp(-y) = 2^-n exp(-r)`, and `exp(-r)` is its Taylor series to `r^7`.
/// `ln 2` is split in two parts to make `r` exact (Cody & Waite 1980).
#[inline(always)]
pub(crate) fn exp_minus<L: Lanes>(lanes: L, y: L::F) -> L::F {
    const LN2_HIGH: f32 = 0.693_359_4; // 355 / 512: its product with n is exact
    const LN2_LOW: f32 = -2.121_944_4e-4;
    const COEFFICIENTS: [f32; 7] = [1.0 / 720.0, -1.0 / 120.0, 1.0 / 24.0, -1.0 / 6.0, 0.5, -1.0, 1.0];
    let y = lanes.min(y, lanes.splat(87.0));
    let n = lanes.round(lanes.mul(y, lanes.splat(std::f32::consts::LOG2_E)));
    let r = lanes.sub_mul(n, lanes.splat(LN2_LOW), lanes.sub_mul(n, lanes.splat(LN2_HIGH), y));
    let mut p = lanes.splat(-1.0 / 5040.0);
    for c in COEFFICIENTS {
        p = lanes.mul_add(p, r, lanes.splat(c));
    }
    lanes.mul(p, lanes.power_of_two(lanes.sub(lanes.splat(0.0), n)))
}
