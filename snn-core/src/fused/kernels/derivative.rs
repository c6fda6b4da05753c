//! Surrogate derivatives on vectors; [`Surrogate::derivative`] is what they must agree with.

use super::lanes::Lanes;
use crate::{Surrogate, SurrogateShape};

/// `h(x)` of one surrogate on vectors.
pub(crate) trait Derivative: Copy {
    /// Whether `h` falls so fast that its products with adjoints leave the numbers that `f32` holds in full. Processors take a
    /// hundred times as long over those that it holds in part (subnormal ones), and a silent layer has nothing else. Products
    /// below [`LEAST`] are 0 then.
    const VANISHES: bool = false;

    fn at<L: Lanes>(self, lanes: L, x: L::F) -> L::F;
}

/// Work that is compiled once for each shape.
pub(crate) trait WithDerivative {
    fn run<H: Derivative>(self, h: H);
}

/// Calls `work` with the derivative of `surrogate`.
#[inline(always)]
pub(crate) fn with<W: WithDerivative>(surrogate: Surrogate, work: W) {
    let beta = surrogate.beta as f32;
    match surrogate.shape {
        SurrogateShape::SuperSpike => work.run(SuperSpike { beta, peak: 1.0 }),
        SurrogateShape::Asymptotic => work.run(SuperSpike { beta, peak: beta }),
        SurrogateShape::Sigmoid => work.run(Sigmoid { beta, factor: 1.0 }),
        SurrogateShape::SigmoidRescaled => work.run(Sigmoid { beta, factor: 4.0 }),
        SurrogateShape::Esser => work.run(Esser { beta }),
        SurrogateShape::Constant => work.run(Flat { value: 1.0 }),
        SurrogateShape::True => work.run(Flat { value: 0.0 }),
    }
}

/// The least product of a vanishing `h` and an adjoint: with room above the smallest normal number, `2^-126`, for what decays
/// from there, and so small that nothing is lost.
pub(crate) const LEAST: f32 = 7.888_609e-31; // 2^-100

#[derive(Clone, Copy)]
struct SuperSpike {
    beta: f32,
    peak: f32,
}

impl Derivative for SuperSpike {
    #[inline(always)]
    fn at<L: Lanes>(self, lanes: L, x: L::F) -> L::F {
        let d = lanes.mul_add(lanes.splat(self.beta), lanes.abs(x), lanes.splat(1.0));
        let r = lanes.recip(d);
        lanes.mul(lanes.mul(lanes.splat(self.peak), r), r)
    }
}

#[derive(Clone, Copy)]
struct Sigmoid {
    beta: f32,
    factor: f32,
}

impl Derivative for Sigmoid {
    const VANISHES: bool = true;

    #[inline(always)]
    fn at<L: Lanes>(self, lanes: L, x: L::F) -> L::F {
        let e = exp_minus(lanes, lanes.mul(lanes.splat(self.beta), lanes.abs(x)));
        let r = lanes.recip(lanes.add(e, lanes.splat(1.0)));
        lanes.mul(lanes.mul(lanes.mul(lanes.splat(self.factor), e), r), r)
    }
}

#[derive(Clone, Copy)]
struct Esser {
    beta: f32,
}

impl Derivative for Esser {
    #[inline(always)]
    fn at<L: Lanes>(self, lanes: L, x: L::F) -> L::F {
        let ramp = lanes.sub_mul(lanes.splat(self.beta), lanes.abs(x), lanes.splat(1.0));
        lanes.max(ramp, lanes.splat(0.0))
    }
}

#[derive(Clone, Copy)]
struct Flat {
    value: f32,
}

impl Derivative for Flat {
    #[inline(always)]
    fn at<L: Lanes>(self, lanes: L, _: L::F) -> L::F {
        lanes.splat(self.value)
    }
}

/// `exp(-y)` for `y >= 0`, to about 1e-7; below `exp(-87)`, the smallest that `f32` holds in full, it stays there.
///
/// `y = n ln 2 + r` with `|r| <= ln(2) / 2`, so `exp(-y) = 2^-n exp(-r)`, and `exp(-r)` is its Taylor series to `r^7`.
/// `ln 2` is split in two so that `r` is exact (Cody & Waite 1980).
#[inline(always)]
fn exp_minus<L: Lanes>(lanes: L, y: L::F) -> L::F {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fused::kernels::lanes::{Dispatch, InstructionSet, Kernel, WIDTH};

    /// `h` of every value of `x`, a multiple of the vector length.
    struct Apply<'a> {
        surrogate: Surrogate,
        x: &'a mut [f32],
    }

    struct OnLanes<'a, L> {
        lanes: L,
        x: &'a mut [f32],
    }

    impl<L: Lanes> WithDerivative for OnLanes<'_, L> {
        fn run<H: Derivative>(self, h: H) {
            for x in L::chunks_mut(self.x) {
                let value = h.at(self.lanes, self.lanes.load(x));
                self.lanes.store(x, value);
            }
        }
    }

    impl Kernel for Apply<'_> {
        type Output = ();
        fn run<L: Lanes>(self, lanes: L) {
            with(self.surrogate, OnLanes { lanes, x: self.x });
        }
    }

    #[test]
    fn agrees_with_the_scalar_definition() {
        use SurrogateShape::*;
        let grid: Vec<f32> = (0..64 * WIDTH).map(|k| (k as f32 - 300.3) * 0.004).collect();
        for set in InstructionSet::available() {
            for shape in [SuperSpike, Sigmoid, SigmoidRescaled, Esser, Asymptotic, Constant, True] {
                for beta in [0.0, 1.0, 10.0, 100.0, 1e4] {
                    let surrogate = Surrogate { shape, beta };
                    let mut h = grid.clone();
                    Dispatch::new(set).unwrap().run(Apply { surrogate, x: &mut h });
                    for (&x, &h) in grid.iter().zip(&h) {
                        let expected = surrogate.derivative(f64::from(x));
                        let error = (f64::from(h) - expected).abs();
                        // rounding y = beta |x| by a part in 10^7 changes exp(-y) by y parts
                        let tolerance = 1e-6 + 2e-7 * beta * f64::from(x.abs());
                        // Esser's ramp ends in a difference of numbers near 1
                        let floor = if shape == Esser { 1e-6 } else { 1e-36 };
                        assert!(
                            error <= tolerance * expected + floor,
                            "{set} {surrogate:?} at {x}: {h}, not {expected}"
                        );
                    }
                }
            }
        }
    }
}
