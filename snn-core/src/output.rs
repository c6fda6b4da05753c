//! The output of a network on the host.

use crate::{Float, weights::Matrix};
use dfdx::prelude::{Device, HasShape};

/// The output of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Output<E> {
    /// `[batch, outputs]`.
    pub logits: Vec<E>,
    /// Spike counts of every unit and sample, one `[batch, units]` per hidden layer.
    pub counts: Vec<Vec<E>>,
    /// Number of samples.
    pub batch: usize,
}

impl<E: Float> Output<E> {
    /// Copies the result of a forward pass from the device.
    pub(crate) fn of<D: Device<E>, T>(logits: &Matrix<E, D, T>, counts: &[Matrix<E, D>]) -> Self {
        fn values<E: Float, D: Device<E>, T>(t: &Matrix<E, D, T>) -> Vec<E> {
            let mut values = vec![E::zero(); t.shape().0 * t.shape().1];
            t.copy_into(&mut values);
            values
        }
        Output {
            logits: values(logits),
            counts: counts.iter().map(values).collect(),
            batch: logits.shape().0,
        }
    }

    /// The class with the largest logit of each sample (the first if tied).
    #[must_use]
    pub fn predictions(&self) -> Vec<usize> {
        let classes = self.logits.len() / self.batch;
        let largest = |row: &[E]| (1..classes).fold(0, |m, k| if row[k] > row[m] { k } else { m });
        self.logits.chunks_exact(classes).map(largest).collect()
    }

    /// How many predictions equal their label.
    #[must_use]
    pub fn correct(&self, labels: &[u16]) -> usize {
        self.predictions().iter().zip(labels).filter(|&(&p, &y)| p == usize::from(y)).count()
    }
}
