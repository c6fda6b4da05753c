//! Softmax cross-entropy with smoothed labels, in nats, averaged over the batch:
//!
//! ```text
//! L = - sum_c q_c log softmax(logits)_c,   q_c = (1 - label_smoothing) [c is the label] + label_smoothing / classes
//! ```
//!
//! Source: Zenke & Vogels (2021), section 4.2; label smoothing from Szegedy et al. (2016), "Rethinking the inception architecture for
//! computer vision", 0 by default.

use super::function::{Judged, LossFunction, LossSettings, Taped};
use crate::{Backend, Error, Float, NetworkConfig, Output, Settings, weights::Matrix};
use dfdx::prelude::{HasShape, NoneTape, cross_entropy_with_logits_loss};

/// Softmax cross-entropy of the logits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CrossEntropy {
    /// Fraction of the target distributed equally among all classes, from 0 to below 1. Default 0.
    pub label_smoothing: f64,
}

impl CrossEntropy {
    pub(super) fn of(settings: &LossSettings) -> Self {
        CrossEntropy { label_smoothing: settings.label_smoothing }
    }

    /// `q`, `[batch, classes]`.
    pub(super) fn targets<E: Float, D: Backend<E>, T>(
        &self,
        logits: &Matrix<E, D, T>,
        labels: &[u16],
    ) -> Result<Matrix<E, D>, Error> {
        let &(batch, classes) = logits.shape();
        let mut targets = vec![E::of(self.label_smoothing / classes as f64); batch * classes];
        for (row, &label) in targets.chunks_exact_mut(classes).zip(labels) {
            row[usize::from(label)] += E::of(1.0 - self.label_smoothing);
        }
        logits.device().try_tensor_from_vec(targets, (batch, classes)).map_err(Error::device)
    }
}

impl LossFunction for CrossEntropy {
    fn validate(&self, _: &NetworkConfig) -> Result<(), Error> {
        if (0.0..1.0).contains(&self.label_smoothing) {
            return Ok(());
        }
        Err(Error::setting(Settings::Loss, "label_smoothing", self.label_smoothing, "from 0 to below 1"))
    }

    fn judge<E: Float, D: Backend<E>>(
        &self,
        answer: Taped<E, D>,
        labels: &[u16],
    ) -> Result<Judged<E, D>, Error> {
        let logits = answer.logits;
        let targets = self.targets(&logits, labels)?;
        let scores = logits.retaped::<NoneTape>();
        Ok(Judged { loss: cross_entropy_with_logits_loss(logits, targets), scores })
    }

    fn value<E: Float>(&self, output: &Output<E>, labels: &[u16]) -> f64 {
        let classes = output.logits.len() / output.batch.max(1);
        let of_sample = |(logits, &label): (&[E], &u16)| {
            let largest = logits.iter().copied().fold(E::neg_infinity(), E::max);
            let sum: f64 = logits.iter().map(|&logit| (logit - largest).wide().exp()).sum();
            let of_class = |logit: E| sum.ln() - (logit - largest).wide();
            let plain = of_class(logits[usize::from(label)]);
            if self.label_smoothing == 0.0 {
                return plain;
            }
            let even = logits.iter().map(|&logit| of_class(logit)).sum::<f64>() / classes as f64;
            (1.0 - self.label_smoothing) * plain + self.label_smoothing * even
        };
        let samples = output.logits.chunks_exact(classes.max(1)).zip(labels);
        samples.map(of_sample).sum::<f64>() / output.batch.max(1) as f64
    }

    fn scored<E: Float>(&self, output: Output<E>) -> Output<E> {
        output
    }

    fn label_smoothing(&self) -> Option<f64> {
        Some(self.label_smoothing)
    }
}

impl<E: Float> Output<E> {
    /// Softmax cross-entropy in nats, `-log softmax(logits)[label]`, averaged over the batch; `labels` has one class per
    /// sample.
    #[must_use]
    pub fn cross_entropy(&self, labels: &[u16]) -> f64 {
        CrossEntropy::default().value(self, labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_by_hand() {
        // without the shift by its largest logit, the second sample would overflow
        let output = Output { logits: vec![0.0, 3.0_f64.ln(), 1000.0, 1000.0], counts: Vec::new(), batch: 2 };
        let expected = ((4.0_f64 / 3.0).ln() + 2.0_f64.ln()) / 2.0;
        assert!((output.cross_entropy(&[1, 0]) - expected).abs() < 1e-12);
    }
}
