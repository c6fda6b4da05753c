//! The interface of surrogate derivatives.

use crate::{Float, lanes::Lanes};

/// A curve `h(x)` with slope `b`, for the reference and the fused path; everything else is generated from the table in
/// [`super`].
pub(crate) trait Curve: Copy {
    /// Whether `h` falls so fast that its products with adjoints become subnormal in `f32`. Processors are a hundred times slower
    /// with subnormal numbers, and a silent layer has nothing else. The fused path then treats products below its `LEAST` as 0.
    const VANISHES: bool = false;

    /// `h(x)` as in the equation. Even in `x`, to the last bit.
    fn scalar<E: Float>(b: E, x: E) -> E;

    /// `h(x)` on vectors.
    fn vector<L: Lanes>(lanes: L, b: f32, x: L::F) -> L::F;

    /// The `|x|` at which `h` is discontinuous, if it is: there, rounding decides on which side a potential falls.
    fn jump(_: f64) -> Option<f64> {
        None
    }

    /// `f` with `f' = h`, to check backpropagation with finite differences. By default, `h` integrated from 0 to `x`, which
    /// requires it to be smooth there.
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

/// Code that is compiled for each curve.
pub(crate) trait WithCurve {
    type Output;

    fn run<C: Curve>(self) -> Self::Output;
}
