//! Surrogate derivatives on vectors, for the backward pass; [`surrogate`](crate::surrogate) defines the curves.

use super::lanes::Lanes;
use crate::{
    Surrogate, SurrogateShape,
    surrogate::{Curve, SuperSpike, WithCurve},
};

/// How the backward pass obtains `h(x)`.
pub(crate) trait Derivative: Copy {
    /// [`Curve::VANISHES`]: products below [`LEAST`] are then replaced by 0.
    const VANISHES: bool;

    /// `h(x)`; `known` holds it if [`compute_ahead`] computed it.
    fn at<L: Lanes>(self, lanes: L, x: L::F, known: &L::Chunk) -> L::F;
}

/// Work that is compiled separately for each [`Derivative`].
pub(crate) trait WithDerivative {
    fn run<H: Derivative>(self, h: H);
}

/// Calls `work` with the derivative of `surrogate`.
///
/// The loops compute the default shape themselves. All others come from [`compute_ahead`], at the cost of a pass over the
/// potentials in the cache: compiling every shape into the loops of the backward pass, for every instruction set, increased the
/// build time of this crate from 20 s to 190 s.
#[inline(always)]
pub(crate) fn with<W: WithDerivative>(surrogate: Surrogate, work: W) {
    match surrogate.shape {
        SurrogateShape::SuperSpike => work.run(OnTheWay { b: surrogate.beta as f32 }),
        shape if shape.with_curve(Vanishes) => work.run(Ahead::<true>),
        _ => work.run(Ahead::<false>),
    }
}

/// Computes `h` of every `x` for [`with`], if the shape requires it; both slices consist of whole vectors.
#[inline(always)]
pub(crate) fn compute_ahead<L: Lanes>(lanes: L, surrogate: Surrogate, x: &[f32], h: &mut [f32]) {
    if surrogate.shape != SurrogateShape::SuperSpike {
        surrogate.shape.with_curve(Fill { lanes, b: surrogate.beta as f32, x, h });
    }
}

/// The smallest product of a vanishing `h` and an adjoint that is not replaced by 0: far enough above the smallest normal number,
/// `2^-126`, for adjoints to decay from there, and so small that nothing is lost.
pub(crate) const LEAST: f32 = 7.888_609e-31; // 2^-100

struct Vanishes;

impl WithCurve for Vanishes {
    type Output = bool;

    fn run<C: Curve>(self) -> bool {
        C::VANISHES
    }
}

struct Fill<'a, L> {
    lanes: L,
    b: f32,
    x: &'a [f32],
    h: &'a mut [f32],
}

impl<L: Lanes> WithCurve for Fill<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run<C: Curve>(self) {
        for (x, h) in L::chunks(self.x).iter().zip(L::chunks_mut(self.h)) {
            self.lanes.store(h, C::vector(self.lanes, self.b, self.lanes.load(x)));
        }
    }
}

#[derive(Clone, Copy)]
struct OnTheWay {
    b: f32,
}

impl Derivative for OnTheWay {
    const VANISHES: bool = SuperSpike::VANISHES;

    #[inline(always)]
    fn at<L: Lanes>(self, lanes: L, x: L::F, _: &L::Chunk) -> L::F {
        SuperSpike::vector(lanes, self.b, x)
    }
}

#[derive(Clone, Copy)]
struct Ahead<const VANISHES: bool>;

impl<const VANISHES: bool> Derivative for Ahead<VANISHES> {
    const VANISHES: bool = VANISHES;

    #[inline(always)]
    fn at<L: Lanes>(self, lanes: L, _: L::F, known: &L::Chunk) -> L::F {
        lanes.load(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Dispatch, InstructionSet, Kernel, WIDTH};

    /// `h` of every value of `x`, whose length is a multiple of the vector length.
    struct Apply<'a> {
        surrogate: Surrogate,
        x: &'a [f32],
        h: &'a mut [f32],
    }

    struct OnLanes<'a, L> {
        lanes: L,
        x: &'a [f32],
        h: &'a mut [f32],
    }

    impl<L: Lanes> WithDerivative for OnLanes<'_, L> {
        fn run<H: Derivative>(self, h: H) {
            for (x, known) in L::chunks(self.x).iter().zip(L::chunks_mut(self.h)) {
                let value = h.at(self.lanes, self.lanes.load(x), known);
                self.lanes.store(known, value);
            }
        }
    }

    impl Kernel for Apply<'_> {
        type Output = ();
        fn run<L: Lanes>(self, lanes: L) {
            compute_ahead(lanes, self.surrogate, self.x, self.h);
            with(self.surrogate, OnLanes { lanes, x: self.x, h: self.h });
        }
    }

    /// The vector result is correct if it holds for some `x` within two parts in 10^7 of the given one: rounding `b |x|` shifts it
    /// as much.
    #[test]
    fn agrees_with_the_scalar_definition() {
        let grid: Vec<f32> = (0..64 * WIDTH).map(|k| (k as f32 - 300.3) * 0.004).collect();
        for set in InstructionSet::available() {
            for &shape in SurrogateShape::ALL {
                for beta in [0.0, 1.0, 10.0, 100.0, 1e4] {
                    let surrogate = Surrogate { shape, beta };
                    let mut h = vec![f32::NAN; grid.len()];
                    Dispatch::new(set).unwrap().run(Apply { surrogate, x: &grid, h: &mut h });
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
