//! Surrogate derivatives: what replaces the derivative of the spike in the backward pass.

use crate::{Error, Float};
use serde::{Deserialize, Serialize};

/// Shape of a [`Surrogate`]; `x = U - threshold`, `b` is the slope [`Surrogate::beta`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SurrogateShape {
    /// `h(x) = 1 / (b |x| + 1)^2`: peak 1.
    #[default]
    SuperSpike,
    /// `h(x) = s (1 - s)` with `s = 1 / (1 + exp(-b x))`: peak 1/4, as the paper prints it.
    Sigmoid,
    /// `h(x) = 4 s (1 - s)`: the same, rescaled to peak 1.
    SigmoidRescaled,
    /// `h(x) = max(0, 1 - b |x|)` (Esser et al. 2016): peak 1, zero where `|x| >= 1/b`.
    Esser,
    /// `h(x) = b / (b |x| + 1)^2`: peak `b`, tends to the true derivative (a delta function) for large `b`.
    Asymptotic,
    /// `h(x) = 1`: the limit `b = 0` of SuperSpike.
    Constant,
    /// `h(x) = 0`: the derivative of the hard threshold. Nothing below the readout learns.
    True,
}

/// A surrogate derivative `h(x)`, `x = U - threshold`. It stands for `dS/dU` in the backward pass and nowhere else.
///
/// Source: section 2 of the paper's definitions; Zenke & Vogels (2021), equation 7 and section 3.
///
/// ```
/// use snn_core::{Surrogate, SurrogateShape};
/// let surrogate = Surrogate { shape: SurrogateShape::SuperSpike, beta: 10.0 };
/// assert_eq!(surrogate.derivative(0.0), 1.0);
/// assert_eq!(surrogate.derivative(0.1), 0.25);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surrogate {
    /// Which curve.
    pub shape: SurrogateShape,
    /// Slope, 0 or larger; no unit, as potentials are in units of the default threshold. Default 10. Without effect on
    /// [`SurrogateShape::Constant`] and [`SurrogateShape::True`].
    pub beta: f64,
}

impl Default for Surrogate {
    fn default() -> Self {
        Surrogate { shape: SurrogateShape::SuperSpike, beta: 10.0 }
    }
}

impl Surrogate {
    /// `h(x)` at `x = U - threshold`.
    #[must_use]
    pub fn derivative<E: Float>(&self, x: E) -> E {
        let beta = E::of(self.beta);
        let one = E::one();
        let super_spike = |x: E| {
            let d = beta * x.abs() + one;
            one / (d * d)
        };
        // s (1 - s) is even in x; with exp of a negative number it cannot overflow
        let sigmoid = |x: E| {
            let e = (-beta * x.abs()).exp();
            e / ((one + e) * (one + e))
        };
        match self.shape {
            SurrogateShape::SuperSpike => super_spike(x),
            SurrogateShape::Sigmoid => sigmoid(x),
            SurrogateShape::SigmoidRescaled => E::of(4.0) * sigmoid(x),
            SurrogateShape::Esser => E::zero().max(one - beta * x.abs()),
            SurrogateShape::Asymptotic => beta * super_spike(x),
            SurrogateShape::Constant => one,
            SurrogateShape::True => E::zero(),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.beta.is_finite() && self.beta >= 0.0 {
            Ok(())
        } else {
            Err(Error::setting("surrogate.beta", self.beta, "a finite number of at least 0"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        let h = |shape, beta, x: f64| Surrogate { shape, beta }.derivative(x);
        assert_eq!(h(SurrogateShape::SuperSpike, 1.0, -1.0), 0.25);
        assert_eq!(h(SurrogateShape::Asymptotic, 4.0, 0.25), 1.0);
        assert_eq!(h(SurrogateShape::Asymptotic, 4.0, 0.0), 4.0);
        assert_eq!(h(SurrogateShape::Sigmoid, 10.0, 0.0), 0.25);
        assert_eq!(h(SurrogateShape::SigmoidRescaled, 10.0, 0.0), 1.0);
        // s(1) = 0.73105857863, s (1 - s) = 0.19661193324
        assert!((h(SurrogateShape::Sigmoid, 2.0, 0.5) - 0.196_611_933_241_482).abs() < 1e-15);
        assert_eq!(h(SurrogateShape::Sigmoid, 1e6, -1.0), 0.0);
        assert_eq!(h(SurrogateShape::Esser, 2.0, 0.25), 0.5);
        assert_eq!(h(SurrogateShape::Esser, 2.0, -0.75), 0.0);
        assert_eq!(h(SurrogateShape::Constant, 7.0, 3.0), 1.0);
        assert_eq!(h(SurrogateShape::True, 7.0, 0.0), 0.0);
    }

    #[test]
    fn even_and_largest_at_the_threshold() {
        use SurrogateShape::*;
        for shape in [SuperSpike, Sigmoid, SigmoidRescaled, Esser, Asymptotic, Constant] {
            let s = Surrogate { shape, beta: 3.0 };
            for k in 1..50 {
                let x = 0.1 * f64::from(k);
                assert_eq!(s.derivative(x), s.derivative(-x), "{shape:?}");
                assert!(s.derivative(x) <= s.derivative(0.0), "{shape:?}");
            }
        }
    }

    #[test]
    fn impossible_slopes_are_refused() {
        for beta in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(Surrogate { beta, ..Surrogate::default() }.validate().is_err());
        }
    }
}
