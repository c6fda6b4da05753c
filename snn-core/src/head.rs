//! The gradient of the loss with respect to logits and spike counts, computed between the forward and the backward pass of a block
//! of samples.

use crate::Regularizer;

/// Softmax cross-entropy with (smoothed) labels, and the activity regularizer, both averaged over the batch.
///
/// [`Network::loss`](crate::Network::loss) builds the same loss from dfdx operations. The gradient of a sample depends only on that
/// sample, so it is computed here while the sample's trace is still in the cache; the order of operations is that of dfdx, for
/// bit-identical results.
#[derive(Debug, Clone, Copy)]
#[doc(hidden)]
pub struct Head<'a> {
    pub(crate) labels: &'a [u16],
    /// Fraction of the target distributed equally among all classes.
    pub(crate) label_smoothing: f64,
    pub(crate) regularizer: &'a Regularizer,
}

/// The loss, averaged over the batch, for devices that compute it themselves.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(any(feature = "cuda", feature = "cuda-emulation")),
    allow(dead_code, reason = "the CPU leaves the loss to dfdx")
)]
pub(crate) struct LossSums {
    pub(crate) cross_entropy: f64,
    pub(crate) regularization: f64,
}

/// The factors of the regularizer's terms in one layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActivityScales {
    /// 1 / units.
    pub(crate) inverse_units: f32,
    /// Gradient with respect to the excess of a population over the upper bound (half of it per excess spike, if squared).
    pub(crate) d_over: f32,
    /// Gradient with respect to the squared shortfall of a unit below the lower bound.
    pub(crate) d_square: f32,
}

impl Head<'_> {
    /// The target of the label and of every other class, and the gradient with respect to the logarithm of a class's probability,
    /// divided by its target.
    pub(crate) fn target(&self, outputs: usize) -> (f32, f32, f32) {
        let inverse_outputs = (1.0 / outputs as f64) as f32;
        let inverse_size = (1.0 / (self.labels.len() * outputs) as f64) as f32;
        let scale = inverse_size * -(1.0 / inverse_outputs);
        let of_others = (self.label_smoothing / outputs as f64) as f32;
        let of_label = of_others + (1.0 - self.label_smoothing) as f32;
        (of_label, of_others, scale)
    }

    pub(crate) fn activity(&self, units: usize) -> ActivityScales {
        let batch = self.labels.len();
        ActivityScales {
            inverse_units: (1.0 / units as f64) as f32,
            d_over: (1.0 / batch as f64) as f32 * self.regularizer.upper_strength as f32,
            d_square: (1.0 / (batch * units) as f64) as f32 * self.regularizer.lower_strength as f32,
        }
    }

    /// With `p` the softmax of the logits of a sample and `q` its target, `d logit[k] = (p[k] - q[k]) / batch`.
    ///
    /// `logits` and `d_logits` are `[samples, outputs]`, the first sample is sample `first` of the batch.
    pub(crate) fn logits(&self, first: usize, outputs: usize, logits: &[f32], d_logits: &mut [f32]) {
        let (of_label, of_others, scale) = self.target(outputs);
        let rows = logits.chunks_exact(outputs).zip(d_logits.chunks_exact_mut(outputs));
        for ((logits, d_logits), &label) in rows.zip(&self.labels[first..]) {
            let target = |k: usize| if k == usize::from(label) { of_label } else { of_others };
            let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let (mut sum, mut d_all) = (0.0, 0.0);
            for (k, (d, logit)) in d_logits.iter_mut().zip(logits).enumerate() {
                *d = (logit - largest).exp();
                sum += *d;
                d_all -= target(k) * scale;
            }
            let d_sum = (1.0 / sum) * d_all;
            for (k, d) in d_logits.iter_mut().enumerate() {
                *d = target(k) * scale + *d * d_sum;
            }
        }
    }

    /// The gradient of [`Regularizer`] with respect to the counts of one layer; both are `[samples, units]`.
    pub(crate) fn counts(&self, units: usize, counts: &[f32], d_counts: &mut [f32]) {
        let &Regularizer { lower_strength, lower_threshold, upper_strength, upper_threshold, upper_norm } =
            self.regularizer;
        let ActivityScales { inverse_units, d_over, d_square } = self.activity(units);
        d_counts.fill(0.0);
        if upper_strength > 0.0 {
            for (counts, d_counts) in counts.chunks_exact(units).zip(d_counts.chunks_exact_mut(units)) {
                let over = counts.iter().sum::<f32>() * inverse_units - upper_threshold as f32;
                if over > 0.0 {
                    let d_over = if upper_norm == 2 { (over + over) * d_over } else { d_over };
                    d_counts.fill(inverse_units * d_over);
                }
            }
        }
        if lower_strength > 0.0 {
            for (&count, d) in counts.iter().zip(d_counts) {
                let short = lower_threshold as f32 - count;
                if short > 0.0 {
                    *d -= (short + short) * d_square;
                }
            }
        }
    }
}
