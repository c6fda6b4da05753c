//! One batch through a network, forward and backward, and how two such runs compare.

use crate::measure::{relative_error, worst};
use snn_core::{Backend, Cpu, Events, Float, Input, Network, NetworkConfig, Readout, Regularizer};

/// Everything that a network computes for one batch, widened to `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// `[batch, outputs]`.
    pub logits: Vec<f64>,
    /// Spikes of every unit and sample, one `[batch, units]` for each hidden layer.
    pub counts: Vec<Vec<f64>>,
    /// Spikes of every hidden layer.
    pub spikes: Vec<Events>,
    /// Membrane potentials of every hidden layer, `[batch, steps, units]`.
    pub potentials: Vec<Vec<f64>>,
    /// Readout potentials, `[batch, steps, outputs]`.
    pub readout: Vec<f64>,
    /// Part of the loss.
    pub cross_entropy: f64,
    /// Part of the loss.
    pub regularization: f64,
    /// Name and gradient of every weight matrix, `[pre, post]` row by row.
    pub gradients: Vec<(String, Vec<f64>)>,
}

fn wide<E: Float>(values: &[E]) -> Vec<f64> {
    values.iter().map(|v| v.wide()).collect()
}

impl Run {
    /// Runs a network forward three times (inference, recording, on the tape), which must give the same bits, and backward.
    ///
    /// # Panics
    /// If one of the passes fails or differs from the others.
    pub fn new<E: Float>(
        network: &Network<E>,
        input: &Input<E>,
        labels: &[u16],
        regularizer: &Regularizer,
    ) -> Run
    where
        Cpu: Backend<E>,
    {
        let output = network.forward(input).expect("inference");
        let (recorded, recording) = network.record(input).expect("recording");
        assert!(recorded == output, "recording changes the output of {:?}", network.config());
        let loss = network.loss(input, labels, regularizer).expect("loss");
        assert!(loss.output == output, "the tape changes the output of {:?}", network.config());
        let (cross_entropy, regularization) = (loss.cross_entropy, loss.regularization);
        let gradients = loss.backward().expect("backward pass");
        let gradient = |name: String| {
            let values = gradients.get(&name).unwrap_or_else(|| panic!("no gradient of {name}"));
            (name, wide(&values))
        };
        Run {
            logits: wide(&output.logits),
            counts: output.counts.iter().map(|c| wide(c)).collect(),
            spikes: recording.spikes,
            potentials: recording.potentials.iter().map(|u| wide(u)).collect(),
            readout: wide(&recording.readout),
            cross_entropy,
            regularization,
            gradients: network.parameters().map(|(name, ..)| gradient(name)).collect(),
        }
    }

    /// Number of spikes of all hidden layers.
    pub fn hidden_spikes(&self) -> usize {
        self.spikes.iter().map(Events::spikes).sum()
    }

    /// Asserts that every spike is where `expected` has it.
    ///
    /// # Panics
    /// If one is not.
    pub fn assert_same_spikes(&self, expected: &Run, what: impl std::fmt::Display) {
        assert_eq!(self.spikes.len(), expected.spikes.len(), "{what}: number of hidden layers");
        for (l, (found, expected)) in self.spikes.iter().zip(&expected.spikes).enumerate() {
            assert!(found == expected, "{what}: spikes of hidden layer {} differ", l + 1);
        }
        assert!(self.counts == expected.counts, "{what}: spike counts differ");
    }

    /// Relative error of logits, losses, potentials and readout traces, whichever is largest.
    pub fn forward_error(&self, expected: &Run) -> f64 {
        let potentials = self.potentials.iter().zip(&expected.potentials).map(|(a, b)| relative_error(a, b));
        worst(potentials.chain([
            relative_error(&self.logits, &expected.logits),
            relative_error(&self.readout, &expected.readout),
            relative_error(&[self.cross_entropy], &[expected.cross_entropy]),
            relative_error(&[self.regularization], &[expected.regularization]),
        ]))
    }

    /// Largest relative error of a weight gradient.
    ///
    /// # Panics
    /// If the two do not have the same matrices.
    pub fn gradient_error(&self, expected: &Run) -> f64 {
        assert_eq!(self.gradients.len(), expected.gradients.len(), "number of weight matrices");
        worst(self.gradients.iter().zip(&expected.gradients).map(|((name, found), (of, expected))| {
            assert_eq!(name, of);
            relative_error(found, expected)
        }))
    }

    /// How far this run keeps from where rounding decides: the smallest distance of a potential from the threshold and, for
    /// a Max readout, of a maximum over time from its runner-up. In units of the largest potential of the layer.
    pub fn clearance(&self, config: &NetworkConfig, batch: usize) -> f64 {
        let largest = |values: &[f64]| values.iter().fold(config.threshold, |m, v| m.max(v.abs()));
        let hidden = self.potentials.iter().map(|potentials| {
            let nearest = potentials.iter().map(|u| (u - config.threshold).abs()).fold(f64::INFINITY, f64::min);
            nearest / largest(potentials)
        });
        let hidden = hidden.fold(f64::INFINITY, f64::min);
        if config.readout == Readout::Sum {
            return hidden;
        }
        let mut clearance = hidden;
        let scale = self.readout.iter().fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
        let steps = self.readout.len() / batch / config.outputs;
        for trace in self.readout.chunks_exact(steps * config.outputs) {
            for unit in 0..config.outputs {
                let at = |n: usize| trace[n * config.outputs + unit];
                let peak = (1..steps).fold(0, |peak, n| if at(n) > at(peak) { n } else { peak });
                // a readout at rest is exactly 0 in every implementation, and its tie is no matter of rounding
                let others = (0..steps).filter(|&n| n != peak && (at(n), at(peak)) != (0.0, 0.0));
                clearance = others.map(|n| (at(peak) - at(n)) / scale).fold(clearance, f64::min);
            }
        }
        clearance
    }
}
