//! One batch through a network, forward and backward, and the comparison of two such runs.

use crate::measure::{relative_error, worst};
use snn_core::{
    Backend, CrossEntropy, Events, Float, Gradients, Input, LossFunction, Network, NetworkConfig, Output,
    Readout, Recording, Regularizer,
};

/// Everything that a network computes for one batch, widened to `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Configuration of the network.
    pub config: NetworkConfig,
    /// Number of samples.
    pub batch: usize,
    /// `[batch, outputs]`.
    pub logits: Vec<f64>,
    /// Spike counts, one `[batch, units]` for each hidden layer.
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
    pub fn new<E: Float, D: Backend<E>>(
        network: &Network<E, D>,
        input: &Input<E>,
        labels: &[u16],
        regularizer: &Regularizer,
    ) -> Run {
        Self::with_loss(network, input, labels, regularizer, &CrossEntropy::default())
    }

    /// Like [`Run::new`], with a loss other than cross-entropy.
    ///
    /// # Panics
    /// Like [`Run::new`], and if the loss on the host differs from that on the tape.
    pub fn with_loss<E: Float, D: Backend<E>>(
        network: &Network<E, D>,
        input: &Input<E>,
        labels: &[u16],
        regularizer: &Regularizer,
        function: &impl LossFunction,
    ) -> Run {
        let output = network.forward(input).expect("inference");
        let (recorded, recording) = network.record(input).expect("recording");
        assert!(recorded == output, "recording changes the output of {:?}", network.config());
        let loss = network.loss_with(function, input, labels, regularizer).expect("loss");
        let scores = function.scored(output.clone());
        assert!(loss.output.counts == output.counts, "the tape changes the spikes of {:?}", network.config());
        let (on_tape, on_host) = (wide(&loss.output.logits), wide(&scores.logits));
        let same = loss.output.logits == scores.logits;
        // A loss whose scores are not the logits computes the scores twice.
        let near = scores.logits != output.logits && relative_error(&on_tape, &on_host) < 1e-6;
        assert!(same || near, "the tape changes the scores of {:?}", network.config());
        let (cross_entropy, regularization) = (loss.cross_entropy, loss.regularization);
        let error = relative_error(&[cross_entropy], &[function.value(&output, labels)]);
        // A cross-entropy near 0 has lost significant digits.
        assert!(error < 1e-4 || cross_entropy < 1e-3, "the loss on the host is off by {error:.1e}");
        let gradients = loss.backward().expect("backward pass");
        Self::of(network, input.batch(), &output, recording, [cross_entropy, regularization], &gradients)
    }

    /// Like [`Run::new`], but like the trainer: loss and gradients in one call if the device supports it, and no tape.
    ///
    /// # Panics
    /// If one of the passes fails or differs from the others.
    pub fn of_step<E: Float, D: Backend<E>>(
        network: &Network<E, D>,
        input: &Input<E>,
        labels: &[u16],
        regularizer: &Regularizer,
    ) -> Run {
        let (output, recording) = network.record(input).expect("recording");
        let (loss, gradients) = network.loss_and_gradients(input, labels, regularizer).expect("a step");
        assert!(loss.output == output, "recording changes the output of {:?}", network.config());
        let losses = [loss.cross_entropy, loss.regularization];
        Self::of(network, input.batch(), &output, recording, losses, &gradients)
    }

    /// The computed values, widened; `losses` are the cross-entropy and the regularization.
    fn of<E: Float, D: Backend<E>>(
        network: &Network<E, D>,
        batch: usize,
        output: &Output<E>,
        recording: Recording<E>,
        [cross_entropy, regularization]: [f64; 2],
        gradients: &Gradients<E, D>,
    ) -> Run {
        let gradient = |name: String| {
            let values = gradients.get(&name).unwrap_or_else(|| panic!("no gradient of {name}"));
            (name, wide(&values))
        };
        Run {
            config: network.config().clone(),
            batch,
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

    /// Asserts that every spike matches `expected`.
    ///
    /// # Panics
    /// If one differs.
    pub fn assert_same_spikes(&self, expected: &Run, what: impl std::fmt::Display) {
        assert_eq!(self.spikes.len(), expected.spikes.len(), "{what}: number of hidden layers");
        for (l, (found, expected)) in self.spikes.iter().zip(&expected.spikes).enumerate() {
            assert!(found == expected, "{what}: spikes of hidden layer {} differ", l + 1);
        }
        assert!(self.counts == expected.counts, "{what}: spike counts differ");
    }

    /// Relative error of logits, potentials (as distances from the threshold) and readout traces, whichever is largest.
    pub fn forward_error(&self, expected: &Run) -> f64 {
        let distance = |u: &[f64]| u.iter().map(|u| u - self.config.threshold).collect::<Vec<f64>>();
        let potentials = self.potentials.iter().zip(&expected.potentials);
        let potentials =
            potentials.map(|(found, expected)| relative_error(&distance(found), &distance(expected)));
        worst(potentials.chain([
            relative_error(&self.logits, &expected.logits),
            relative_error(&self.readout, &expected.readout),
        ]))
    }

    /// Relative error of cross-entropy and regularizer, whichever is larger.
    pub fn loss_error(&self, expected: &Run) -> f64 {
        worst([
            relative_error(&[self.cross_entropy], &[expected.cross_entropy]),
            relative_error(&[self.regularization], &[expected.regularization]),
        ])
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

    /// Margin of this run against rounding, relative to the largest potential of the layer: the smallest distance of a potential
    /// from the threshold or from a jump of the surrogate and, for a Max readout, of a maximum over time from its runner-up.
    pub fn clearance(&self) -> f64 {
        let threshold = self.config.threshold;
        let hidden = self.potentials.iter().map(|potentials| {
            let distance = |u: f64| {
                let x = (u - threshold).abs();
                self.config.surrogate.jump().map_or(x, |jump| x.min((x - jump).abs()))
            };
            let nearest = potentials.iter().map(|&u| distance(u)).fold(f64::INFINITY, f64::min);
            nearest / largest(potentials).max(threshold)
        });
        let readout = match self.config.readout {
            Readout::Max => self.lead_of_maxima() / largest(&self.readout).max(f64::MIN_POSITIVE),
            Readout::Sum => f64::INFINITY,
        };
        hidden.fold(readout, f64::min)
    }

    /// The smallest lead of a readout's maximum over the other steps.
    fn lead_of_maxima(&self) -> f64 {
        let outputs = self.config.outputs;
        let mut lead = f64::INFINITY;
        for trace in self.readout.chunks_exact(self.readout.len() / self.batch) {
            for unit in 0..outputs {
                let values: Vec<f64> = trace.iter().skip(unit).step_by(outputs).copied().collect();
                let peak =
                    (1..values.len()).fold(0, |peak, n| if values[n] > values[peak] { n } else { peak });
                // A readout at rest is exactly 0 in every implementation: rounding does not affect such a tie.
                let others =
                    (0..values.len()).filter(|&n| n != peak && (values[n], values[peak]) != (0.0, 0.0));
                lead = others.map(|n| values[peak] - values[n]).fold(lead, f64::min);
            }
        }
        lead
    }

    /// Smallest surrogate derivative of a potential that is not 0, at most 1.
    pub fn smallest_derivative(&self) -> f64 {
        let (surrogate, threshold) = (self.config.surrogate, self.config.threshold);
        let derivatives = self.potentials.iter().flatten().map(|u| surrogate.derivative(u - threshold));
        derivatives.filter(|&h| h > 0.0).fold(1.0, f64::min)
    }

    /// Largest absolute membrane potential of the hidden layers.
    pub fn largest_potential(&self) -> f64 {
        self.potentials.iter().map(|u| largest(u)).fold(0.0, f64::max)
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m, v| m.max(v.abs()))
}
