//! Squared distance of spike counts from a target: the spikes of the last hidden layer determine the prediction, without the readout.
//!
//! The units of the last hidden layer are assigned to the classes in order, as evenly as possible: unit `i` of `M` belongs to class
//! `floor(i classes / M)`. With `r_c` the mean spike count of the units of class `c` in a sample, averaged over the batch,
//!
//! ```text
//! L = 1/classes sum_c (r_c - t_c)^2,   t_c = target_count if c is the label, else other_count
//! ```
//!
//! and the class with the largest `r_c` is the prediction. Gradients pass only through the surrogate, equally for all spikes.
//!
//! Source: the count loss of snnTorch (Eshraghian et al. 2023, `mse_count_loss` with population coding).

use super::function::{Judged, LossFunction, LossSettings, Taped};
use crate::{Backend, Error, Float, NetworkConfig, Output, Settings};
use dfdx::prelude::{HasShape, MeanTo, NoneTape, TryMatMul};

/// Squared distance of spike counts from a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpikeCount {
    /// Target number of spikes per sample for a unit of the correct class, at least 0. Default 10.
    pub target_count: f64,
    /// Target number of spikes per sample for a unit of any other class, at least 0. Default 1.
    pub other_count: f64,
}

impl Default for SpikeCount {
    fn default() -> Self {
        SpikeCount::of(&LossSettings::default())
    }
}

impl SpikeCount {
    pub(super) fn of(settings: &LossSettings) -> Self {
        SpikeCount { target_count: settings.target_count, other_count: settings.other_count }
    }

    fn target(&self, class: usize, label: u16) -> f64 {
        if class == usize::from(label) { self.target_count } else { self.other_count }
    }
}

/// The contribution of a spike of each unit to the score of each class, `[units, classes]`: one over the units of its class.
fn shares<E: Float>(units: usize, classes: usize) -> Vec<E> {
    let class = |unit: usize| unit * classes / units;
    let mut sizes = vec![0usize; classes];
    (0..units).for_each(|unit| sizes[class(unit)] += 1);
    let mut shares = vec![E::zero(); units * classes];
    for unit in 0..units {
        shares[unit * classes + class(unit)] = E::of(1.0 / sizes[class(unit)] as f64);
    }
    shares
}

impl LossFunction for SpikeCount {
    fn validate(&self, network: &NetworkConfig) -> Result<(), Error> {
        for (key, value) in [("target_count", self.target_count), ("other_count", self.other_count)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::setting(Settings::Loss, key, value, "a finite number of at least 0"));
            }
        }
        match network.hidden.last() {
            Some(layer) if layer.units >= network.outputs => Ok(()),
            Some(layer) => Err(Error::setting(
                Settings::Network,
                format!("hidden[{}].units", network.hidden.len() - 1),
                layer.units,
                format!("at least {}, one for each class, for a loss on spike counts", network.outputs),
            )),
            None => Err(Error::setting(
                Settings::Network,
                "hidden",
                "an empty list",
                "at least one layer for a loss on spike counts",
            )),
        }
    }

    fn judge<E: Float, D: Backend<E>>(
        &self,
        answer: Taped<E, D>,
        labels: &[u16],
    ) -> Result<Judged<E, D>, Error> {
        let (device, classes) = (answer.logits.device().clone(), answer.logits.shape().1);
        let Some(counts) = answer.counts.into_iter().last() else {
            return Err(Error::setting(
                Settings::Network,
                "hidden",
                "an empty list",
                "at least one layer for a loss on spike counts",
            ));
        };
        let &(batch, units) = counts.shape();
        let tensor = |values: Vec<E>, rows: usize| {
            device.try_tensor_from_vec(values, (rows, classes)).map_err(Error::device)
        };
        let scores = counts.try_matmul(tensor(shares(units, classes), units)?).map_err(Error::device)?;
        let targets =
            labels.iter().flat_map(|&label| (0..classes).map(move |class| E::of(self.target(class, label))));
        let untaped = scores.retaped::<NoneTape>();
        let loss = (scores - tensor(targets.collect(), batch)?).square().mean();
        Ok(Judged { loss, scores: untaped })
    }

    fn value<E: Float>(&self, output: &Output<E>, labels: &[u16]) -> f64 {
        let classes = output.logits.len() / output.batch.max(1);
        let scored = self.scored(output.clone());
        let of_sample = |(scores, &label): (&[E], &u16)| {
            let of_class = |(class, score): (usize, &E)| (score.wide() - self.target(class, label)).powi(2);
            scores.iter().enumerate().map(of_class).sum::<f64>() / classes as f64
        };
        let samples = scored.logits.chunks_exact(classes.max(1)).zip(labels);
        samples.map(of_sample).sum::<f64>() / output.batch.max(1) as f64
    }

    fn scored<E: Float>(&self, mut output: Output<E>) -> Output<E> {
        let classes = output.logits.len() / output.batch.max(1);
        if let Some(counts) = output.counts.last() {
            let units = counts.len() / output.batch.max(1);
            let shares = shares::<E>(units, classes);
            for (scores, counts) in output.logits.chunks_exact_mut(classes).zip(counts.chunks_exact(units)) {
                for (class, score) in scores.iter_mut().enumerate() {
                    let sum = counts.iter().enumerate().map(|(unit, &n)| n * shares[unit * classes + class]);
                    *score = sum.fold(E::zero(), |sum, share| sum + share);
                }
            }
        }
        output
    }
}
