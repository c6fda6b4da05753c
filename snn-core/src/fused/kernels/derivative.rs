//! Surrogate derivatives on vectors, as the backward pass takes them; the curves themselves are in [`surrogate`](crate::surrogate).

use super::lanes::Lanes;
use crate::{
    Surrogate,
    surrogate::{Curve, WithCurve},
};
use std::marker::PhantomData;

/// `h(x)` of one surrogate on vectors.
pub(crate) trait Derivative: Copy {
    /// [`Curve::VANISHES`]. Products below [`LEAST`] are 0 then.
    const VANISHES: bool;

    fn at<L: Lanes>(self, lanes: L, x: L::F) -> L::F;
}

/// Work that is compiled once for each shape.
pub(crate) trait WithDerivative {
    fn run<H: Derivative>(self, h: H);
}

/// Calls `work` with the derivative of `surrogate`.
#[inline(always)]
pub(crate) fn with<W: WithDerivative>(surrogate: Surrogate, work: W) {
    surrogate.shape.with_curve(Call { b: surrogate.beta as f32, work });
}

/// The least product of a vanishing `h` and an adjoint: with room above the smallest normal number, `2^-126`, for what decays
/// from there, and so small that nothing is lost.
pub(crate) const LEAST: f32 = 7.888_609e-31; // 2^-100

struct Call<W> {
    b: f32,
    work: W,
}

impl<W: WithDerivative> WithCurve for Call<W> {
    type Output = ();

    #[inline(always)]
    fn run<C: Curve>(self) {
        self.work.run(Sloped::<C> { b: self.b, curve: PhantomData });
    }
}

/// A curve with its slope.
#[derive(Clone, Copy)]
struct Sloped<C> {
    b: f32,
    curve: PhantomData<C>,
}

impl<C: Curve> Derivative for Sloped<C> {
    const VANISHES: bool = C::VANISHES;

    #[inline(always)]
    fn at<L: Lanes>(self, lanes: L, x: L::F) -> L::F {
        C::vector(lanes, self.b, x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SurrogateShape;
    use crate::lanes::{Dispatch, InstructionSet, Kernel, WIDTH};

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

    /// The vector is right for an `x` within two parts in 10^7 of the one given: rounding `b |x|` does as much.
    #[test]
    fn agrees_with_the_scalar_definition() {
        let grid: Vec<f32> = (0..64 * WIDTH).map(|k| (k as f32 - 300.3) * 0.004).collect();
        for set in InstructionSet::available() {
            for &shape in SurrogateShape::ALL {
                for beta in [0.0, 1.0, 10.0, 100.0, 1e4] {
                    let surrogate = Surrogate { shape, beta };
                    let mut h = grid.clone();
                    Dispatch::new(set).unwrap().run(Apply { surrogate, x: &mut h });
                    for (&x, &h) in grid.iter().zip(&h) {
                        let exact = |k: f64| surrogate.derivative(f64::from(x) * (1.0 + 2e-7 * k));
                        let near = [exact(-1.0), exact(0.0), exact(1.0)];
                        let (least, most) =
                            near.iter().fold((f64::MAX, f64::MIN), |(a, b), &h| (a.min(h), b.max(h)));
                        let slack = 1e-6 * exact(0.0).abs() + 1e-36 * beta.max(1.0);
                        let h = f64::from(h);
                        assert!(
                            least - slack <= h && h <= most + slack,
                            "{set} {surrogate:?} at {x}: {h:e}, not {least:e} to {most:e}"
                        );
                    }
                }
            }
        }
    }
}
