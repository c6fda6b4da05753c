//! Activity regularization: keeps units active, and populations from firing too much.

use crate::{Error, Float, Output, Settings, weights::Matrix};
use dfdx::prelude::{Axis, Device, MeanTo, Rank0, Tape, Tensor};
use serde::{Deserialize, Serialize};

/// Penalties on the spike counts `zeta_i = sum_n S_i[n]` of each hidden layer of `M` units, averaged over the samples of
/// a batch, summed over layers, added to the cross-entropy:
///
/// ```text
/// g_lower = lower_strength / M sum_i ([lower_threshold - zeta_i]_+)^2           per unit
/// g_upper = upper_strength ([(1/M) sum_i zeta_i - upper_threshold]_+)^upper_norm    population mean
/// ```
///
/// Thresholds are in spikes per sample. A strength of 0 disables a term, which is the default for both.
///
/// Source: Zenke & Vogels (2021), section 4.3 (printed there with a minus sign, but a penalty must be positive).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regularizer {
    /// Strength of the lower bound, at least 0.
    pub lower_strength: f64,
    /// Spikes per unit and sample below which the lower bound acts, at least 0.
    pub lower_threshold: f64,
    /// Strength of the upper bound, at least 0.
    pub upper_strength: f64,
    /// Mean spikes per unit and sample above which the upper bound acts, at least 0.
    pub upper_threshold: f64,
    /// Exponent of the upper bound, 1 or 2.
    pub upper_norm: u8,
}

impl Default for Regularizer {
    fn default() -> Self {
        Regularizer {
            lower_strength: 0.0,
            lower_threshold: 0.0,
            upper_strength: 0.0,
            upper_threshold: 0.0,
            upper_norm: 1,
        }
    }
}

impl Regularizer {
    /// Validates every setting.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first setting that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        for (key, value) in [
            ("lower_strength", self.lower_strength),
            ("lower_threshold", self.lower_threshold),
            ("upper_strength", self.upper_strength),
            ("upper_threshold", self.upper_threshold),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::setting(
                    Settings::Regularizer,
                    key,
                    value,
                    "a finite number of at least 0",
                ));
            }
        }
        if !(1..=2).contains(&self.upper_norm) {
            return Err(Error::setting(Settings::Regularizer, "upper_norm", self.upper_norm, "1 or 2"));
        }
        Ok(())
    }

    /// The penalties on an output, averaged over its samples, summed over layers, computed in `f64`.
    #[must_use]
    pub fn value<E: Float>(&self, output: &Output<E>) -> f64 {
        let of_sample = |counts: &[E]| {
            let units = counts.len() as f64;
            let missing = counts.iter().map(|count| (self.lower_threshold - count.wide()).max(0.0).powi(2));
            let mean = counts.iter().map(|count| count.wide()).sum::<f64>() / units;
            let excess = (mean - self.upper_threshold).max(0.0).powi(i32::from(self.upper_norm));
            self.lower_strength * missing.sum::<f64>() / units + self.upper_strength * excess
        };
        let batch = output.batch.max(1);
        let of_layer =
            |counts: &Vec<E>| counts.chunks_exact((counts.len() / batch).max(1)).map(of_sample).sum::<f64>();
        output.counts.iter().map(of_layer).sum::<f64>() / batch as f64
    }

    /// The penalty on one layer's counts, `[batch, units]`; `None` if both terms are disabled.
    pub(crate) fn penalty<E: Float, D: Device<E>, T: Tape<E, D>>(
        &self,
        counts: &Matrix<E, D>,
    ) -> Option<Tensor<Rank0, E, D, T>> {
        let lower = (self.lower_strength > 0.0).then(|| {
            let short = (counts.retaped::<T>().negate() + E::of(self.lower_threshold)).relu();
            short.square().mean::<Rank0, _>() * E::of(self.lower_strength)
        });
        let upper = (self.upper_strength > 0.0).then(|| {
            let mean = counts.retaped::<T>().mean::<(usize,), Axis<1>>();
            let over = (mean - E::of(self.upper_threshold)).relu();
            let over = if self.upper_norm == 2 { over.square() } else { over };
            over.mean::<Rank0, _>() * E::of(self.upper_strength)
        });
        match (lower, upper) {
            (Some(lower), Some(upper)) => Some(lower + upper),
            (lower, upper) => lower.or(upper),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dfdx::prelude::{AsArray, Cpu, OwnedTape, TensorFromVec};

    #[test]
    fn values_by_hand() {
        // two samples, two units; population means 2 and 5
        let counts = Cpu::default().tensor_from_vec(vec![0.0, 4.0, 3.0, 7.0f64], (2, 2));
        let of = |r: Regularizer| r.penalty::<f64, Cpu, OwnedTape<f64, Cpu>>(&counts).map(|t| t.array());
        let off = Regularizer::default();
        assert_eq!(of(off), None);
        // shortfalls to 3.5: 3.5, 0, 0.5, 0
        let lower = Regularizer { lower_strength: 2.0, lower_threshold: 3.5, ..off };
        assert_eq!(of(lower), Some(2.0 * (12.25 + 0.25) / 4.0));
        let upper = Regularizer { upper_strength: 3.0, upper_threshold: 3.0, ..off };
        assert_eq!(of(upper), Some(3.0 * 2.0 / 2.0));
        assert_eq!(of(Regularizer { upper_norm: 2, ..upper }), Some(3.0 * 4.0 / 2.0));
    }

    #[test]
    fn impossible_settings_are_named() {
        for bad in [
            Regularizer { lower_strength: -1.0, ..Regularizer::default() },
            Regularizer { upper_threshold: f64::NAN, ..Regularizer::default() },
            Regularizer { upper_norm: 3, ..Regularizer::default() },
        ] {
            assert!(matches!(bad.validate(), Err(Error::Setting { .. })));
        }
    }

    #[test]
    fn penalties_of_an_output_by_hand() {
        // two samples, two units; population means 2 and 5; shortfalls to 3.5: 3.5, 0, 0.5, 0
        let output = Output { logits: vec![0.0; 2], counts: vec![vec![0.0, 4.0, 3.0, 7.0_f32]; 2], batch: 2 };
        let off = Regularizer::default();
        assert_eq!(off.value(&output), 0.0);
        let lower = Regularizer { lower_strength: 2.0, lower_threshold: 3.5, ..off };
        assert_eq!(lower.value(&output), 2.0 * (2.0 * (12.25 + 0.25) / 4.0), "two layers");
        let upper = Regularizer { upper_strength: 3.0, upper_threshold: 3.0, ..off };
        assert_eq!(upper.value(&output), 2.0 * (3.0 * 2.0 / 2.0));
        assert_eq!(Regularizer { upper_norm: 2, ..upper }.value(&output), 2.0 * (3.0 * 4.0 / 2.0));
    }
}
