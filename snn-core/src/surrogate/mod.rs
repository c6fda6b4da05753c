//! Surrogate derivatives: what replaces the derivative of the spike in the backward pass.
//!
//! Each curve has a file, with its formula for both paths and its source; [`shapes!`](self) below lists them all. A new curve is
//! a file, a row in that list, and a `case` in `fused/cuda/kernels/surrogate.cuh`; tests and configuration keys follow the list.

mod arctangent;
mod boxcar;
mod curve;
mod esser;
mod flat;
mod gaussian;
mod multi_gaussian;
mod sigmoid;
mod super_spike;

use crate::{Error, Float, Settings};
pub(crate) use curve::{Curve, WithCurve};
use serde::{Deserialize, Serialize};
pub(crate) use super_spike::SuperSpike;

/// Generates from one list of shapes the enum, the names, their codes in CUDA kernels, and the dispatch to each curve.
///
/// A row is `Shape = code, "word", curve;` with its equation above it.
macro_rules! shapes {
    ($($(#[$about:meta])+ $shape:ident = $code:literal, $word:literal, $curve:ty;)+) => {
        /// Shape of a [`Surrogate`]; `x = U - threshold`, `b` is the slope [`Surrogate::beta`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum SurrogateShape {
            $($(#[$about])+ #[serde(rename = $word)] $shape = $code,)+
        }

        impl SurrogateShape {
            /// Every shape, in the order of their codes.
            pub const ALL: &[SurrogateShape] = &[$(SurrogateShape::$shape),+];

            /// The name of every shape, in the same order.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The name in configuration files.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(SurrogateShape::$shape => $word),+ }
            }

            /// Its code in the CUDA kernels.
            #[must_use]
            pub const fn code(self) -> u32 {
                self as u32
            }

            /// Runs `work` with the curve of this shape.
            #[inline(always)]
            pub(crate) fn with_curve<W: WithCurve>(self, work: W) -> W::Output {
                match self { $(SurrogateShape::$shape => work.run::<$curve>()),+ }
            }
        }
    };
}

shapes! {
    /// `h(x) = 1 / (b |x| + 1)^2`: peak 1.
    #[default]
    SuperSpike = 0, "super-spike", super_spike::SuperSpike;
    /// `h(x) = s (1 - s)` with `s = 1 / (1 + exp(-b x))`: peak 1/4, as printed in the paper.
    Sigmoid = 1, "sigmoid", sigmoid::Sigmoid;
    /// `h(x) = 4 s (1 - s)`: the same, rescaled to peak 1.
    SigmoidRescaled = 2, "sigmoid-rescaled", sigmoid::SigmoidRescaled;
    /// `h(x) = max(0, 1 - b |x|)` (Esser et al. 2016): peak 1, zero where `|x| >= 1/b`.
    Esser = 3, "esser", esser::Esser;
    /// `h(x) = b / (b |x| + 1)^2`: peak `b`, tends to the true derivative (a delta function) for large `b`.
    Asymptotic = 4, "asymptotic", super_spike::Asymptotic;
    /// `h(x) = 1`: the limit `b = 0` of SuperSpike.
    Constant = 5, "constant", flat::Constant;
    /// `h(x) = 0`: the derivative of the hard threshold. Nothing below the readout learns.
    True = 6, "true", flat::True;
    /// `h(x) = (b / 2) / (1 + (pi b x / 2)^2)` (Fang et al. 2021, `b = 2`): peak `b / 2`.
    Arctangent = 7, "arctangent", arctangent::Arctangent;
    /// `h(x) = N(x; 0, sigma)`, a normal distribution with `sigma = 1/b` (Yin et al. 2020): peak `0.399 b`.
    Gaussian = 8, "gaussian", gaussian::Gaussian;
    /// `h(x) = 1.15 N(x; 0, sigma) - 0.15 N(x; sigma, 6 sigma) - 0.15 N(x; -sigma, 6 sigma)` with `sigma = 1/b` (Yin et al. 2021,
    /// `b = 2`): peak `0.439 b`, negative further out.
    MultiGaussian = 9, "multi-gaussian", multi_gaussian::MultiGaussian;
    /// `h(x) = b` where `|x| < 1 / (2 b)`, else 0 (Wu et al. 2018).
    Boxcar = 10, "boxcar", boxcar::Boxcar;
}

/// A surrogate derivative `h(x)`, `x = U - threshold`. It replaces `dS/dU` in the backward pass.
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
    /// The curve.
    pub shape: SurrogateShape,
    /// Slope, 0 or larger; dimensionless, since potentials are in units of the default threshold. Default 10. No effect on
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
        struct At<E> {
            b: E,
            x: E,
        }
        impl<E: Float> WithCurve for At<E> {
            type Output = E;
            fn run<C: Curve>(self) -> E {
                C::scalar(self.b, self.x)
            }
        }
        self.shape.with_curve(At { b: E::of(self.beta), x })
    }

    /// The `|x|` at which `h` is discontinuous, if it is: there, rounding affects the gradient.
    #[must_use]
    pub fn jump(&self) -> Option<f64> {
        struct Jump(f64);
        impl WithCurve for Jump {
            type Output = Option<f64>;
            fn run<C: Curve>(self) -> Option<f64> {
                C::jump(self.0)
            }
        }
        self.shape.with_curve(Jump(self.beta))
    }

    /// `f` with `f' = h`: see [`Curve::antiderivative`].
    #[cfg(test)]
    pub(crate) fn antiderivative<E: Float>(&self, x: E) -> E {
        struct At<E> {
            b: E,
            x: E,
        }
        impl<E: Float> WithCurve for At<E> {
            type Output = E;
            fn run<C: Curve>(self) -> E {
                C::antiderivative(self.b, self.x)
            }
        }
        self.shape.with_curve(At { b: E::of(self.beta), x })
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.beta.is_finite() && self.beta >= 0.0 {
            Ok(())
        } else {
            Err(Error::setting(Settings::Surrogate, "beta", self.beta, "a finite number of at least 0"))
        }
    }
}

#[cfg(test)]
mod tests;
