//! What the file of one surrogate derivative defines.

use crate::{Float, lanes::Lanes};

/// One curve `h(x)` of slope `b`, for the reference path and the fused path; everything else follows from the table in
/// [`super`].
pub(crate) trait Curve: Copy {
    /// Whether `h` falls so fast that its products with adjoints leave the range in which `f32` keeps all its digits.
    /// Processors take a hundred times as long over such subnormal numbers, and a silent layer has nothing else. The fused path
    /// takes products below its `LEAST` for 0 then.
    const VANISHES: bool = false;

    /// `h(x)` as the equation has it. Even in `x`, to the last bit.
    fn scalar<E: Float>(b: E, x: E) -> E;

    /// `h(x)` on vectors.
    fn vector<L: Lanes>(lanes: L, b: f32, x: L::F) -> L::F;

    /// The `|x|` at which `h` jumps, of a curve that does. Rounding decides on which side a potential falls.
    fn jump(_: f64) -> Option<f64> {
        None
    }

    /// `f` with `f' = h`, so that finite differences can judge what back-propagation does with `h`. Unless a curve says
    /// otherwise, `h` integrated from 0 to `x`: it must be smooth there.
    #[cfg(test)]
    fn antiderivative<E: Float>(b: E, x: E) -> E {
        // Gauss-Legendre with three points
        const PANELS: usize = 64;
        let node = E::of(0.6f64.sqrt());
        let half = x / E::of(2.0 * PANELS as f64);
        let panel = |k: usize| {
            let middle = half * E::of(2.0 * k as f64 + 1.0);
            let ends = Self::scalar(b, middle - half * node) + Self::scalar(b, middle + half * node);
            (E::of(5.0) * ends + E::of(8.0) * Self::scalar(b, middle)) / E::of(9.0)
        };
        (0..PANELS).fold(E::zero(), |sum, k| sum + panel(k)) * half
    }
}

/// Work that is compiled once for each curve.
pub(crate) trait WithCurve {
    type Output;

    fn run<C: Curve>(self) -> Self::Output;
}
