//! Losses and updates as plain numbers on the host, without a tape: for evaluations and for whoever watches.

use crate::{Adam, AdamConfig, Backend, Float, Output, Regularizer};

impl<E: Float> Output<E> {
    /// Softmax cross-entropy in nats, `-log softmax(logits)[label]`, averaged over the batch; `labels` has one class for
    /// each sample.
    #[must_use]
    pub fn cross_entropy(&self, labels: &[u16]) -> f64 {
        let classes = (self.logits.len() / self.batch.max(1)).max(1);
        let of_sample = |(logits, &label): (&[E], &u16)| {
            let largest = logits.iter().fold(logits[0], |m, &logit| if logit > m { logit } else { m });
            let sum: f64 = logits.iter().map(|&logit| (logit - largest).wide().exp()).sum();
            sum.ln() - (logits[usize::from(label)] - largest).wide()
        };
        self.logits.chunks_exact(classes).zip(labels).map(of_sample).sum::<f64>() / self.batch.max(1) as f64
    }
}

impl Regularizer {
    /// The penalty on the spike counts of a forward pass, averaged over its samples, summed over layers.
    #[must_use]
    pub fn value<E: Float>(&self, output: &Output<E>) -> f64 {
        let of_sample = |counts: &[E]| {
            let units = counts.len() as f64;
            let missing = counts.iter().map(|&count| (self.lower_threshold - count.wide()).max(0.0).powi(2));
            let mean = counts.iter().map(|&count| count.wide()).sum::<f64>() / units;
            let excess = (mean - self.upper_threshold).max(0.0).powi(i32::from(self.upper_norm));
            self.lower_strength * missing.sum::<f64>() / units + self.upper_strength * excess
        };
        let of_layer = |counts: &Vec<E>| {
            let units = (counts.len() / output.batch.max(1)).max(1);
            counts.chunks_exact(units).map(of_sample).sum::<f64>()
        };
        output.counts.iter().map(of_layer).sum::<f64>() / output.batch.max(1) as f64
    }
}

impl<E: Float, D: Backend<E>> Adam<E, D> {
    /// The Euclidean norm of the last update of every weight matrix, as it follows from the moments; before the first
    /// update they are `NaN`.
    #[must_use]
    pub fn update_norms(&self) -> Vec<(String, f64)> {
        let AdamConfig { learning_rate, beta1, beta2, epsilon } = self.config();
        let state = self.state();
        let correction = |beta: f64| 1.0 - beta.powf(f64::from(state.step));
        let (first_correction, second_correction) = (correction(beta1), correction(beta2));
        let squared = |(&m, &v): (&E, &E)| {
            let (m, v) = (m.wide() / first_correction, v.wide() / second_correction);
            (learning_rate * m / (v.sqrt() + epsilon)).powi(2)
        };
        let norm = |first: &[E], second: &[E]| first.iter().zip(second).map(squared).sum::<f64>().sqrt();
        state.moments.iter().map(|(name, first, second)| (name.clone(), norm(first, second))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_entropy_by_hand() {
        // the second sample would overflow without the shift by its largest logit
        let output = Output { logits: vec![0.0, 3.0_f64.ln(), 1000.0, 1000.0], counts: Vec::new(), batch: 2 };
        let expected = ((4.0_f64 / 3.0).ln() + 2.0_f64.ln()) / 2.0;
        assert!((output.cross_entropy(&[1, 0]) - expected).abs() < 1e-12);
    }

    #[test]
    fn penalties_by_hand() {
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
