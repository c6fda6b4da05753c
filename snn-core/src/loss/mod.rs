//! The loss of a batch: queued on the device, read when the host needs it, and backpropagated through time.

mod cross_entropy;
mod function;
mod kind;
mod spike_count;

use crate::{
    Backend, Error, Float, Gradients, Input, Network, Output, Regularizer,
    head::{Head, LossSums},
    optimizer::Optimizer,
    pass::{PassValues, PendingStep, Shared, StepValues, TrainingPass, Wanted},
    weights::Matrix,
};
pub use cross_entropy::CrossEntropy;
use dfdx::prelude::{
    Backward, Cpu, NoneTape, OwnedTape, PutTape, Rank0, Tensor, cross_entropy_with_logits_loss,
};
pub use function::{Judged, LossFunction, LossSettings, Taped, TapedScalar};
pub use kind::{AnyLoss, LossKind};
pub use spike_count::SpikeCount;
use std::time::Instant;

/// A scalar on the device.
type Scalar<E, D, T = NoneTape> = Tensor<Rank0, E, D, T>;

impl<E: Float, D: Backend<E>> Network<E, D> {
    /// Runs the network on a tape and computes the loss: softmax cross-entropy with `labels`, averaged over the batch, plus
    /// the regularizer.
    ///
    /// # Errors
    /// [`Error::Input`], [`Error::Labels`] or [`Error::Setting`] if input, labels or regularizer do not fit.
    pub fn loss(
        &self,
        input: &Input<E>,
        labels: &[u16],
        regularizer: &Regularizer,
    ) -> Result<Loss<'_, E, D>, Error> {
        self.loss_with(&CrossEntropy::default(), input, labels, regularizer)
    }

    /// [`Network::loss`] with any loss function.
    ///
    /// # Errors
    /// Those of [`Network::loss`], and [`Error::Setting`] if the loss cannot train this network.
    pub fn loss_with(
        &self,
        function: &impl LossFunction,
        input: &Input<E>,
        labels: &[u16],
        regularizer: &Regularizer,
    ) -> Result<Loss<'_, E, D>, Error> {
        let QueuedLoss { network, values, total } =
            self.queue_loss_with(function, input, labels, regularizer)?;
        let LossValues { cross_entropy, regularization, output } = values.read();
        Ok(Loss { network, cross_entropy, regularization, output, total })
    }

    /// [`Network::loss`] without waiting for the device: on a GPU, this returns once everything is queued, and nothing is copied
    /// to the host before [`PendingValues::read`]. On the CPU, everything is computed when this returns.
    ///
    /// # Errors
    /// Those of [`Network::loss`].
    pub fn queue_loss(
        &self,
        input: &Input<E>,
        labels: &[u16],
        regularizer: &Regularizer,
    ) -> Result<QueuedLoss<'_, E, D>, Error> {
        self.queue_loss_with(&CrossEntropy::default(), input, labels, regularizer)
    }

    /// [`Network::queue_loss`] with any loss function.
    ///
    /// # Errors
    /// Those of [`Network::loss_with`].
    pub fn queue_loss_with(
        &self,
        function: &impl LossFunction,
        input: &Input<E>,
        labels: &[u16],
        regularizer: &Regularizer,
    ) -> Result<QueuedLoss<'_, E, D>, Error> {
        regularizer.validate()?;
        function.validate(self.config())?;
        self.check_labels(labels, input.batch())?;
        let answer = self.answer(input, Wanted { adjoint: true, ..Wanted::default() })?;
        let shared = Shared::new(answer.adjoint, &self.weights.marker);
        let tape = || shared.put(OwnedTape::default());
        let taped = Taped {
            logits: answer.logits.put_tape(tape()),
            counts: answer.counts.iter().map(|counts| counts.clone().put_tape(tape())).collect(),
        };
        let Judged { loss, scores } = function.judge(taped, labels)?;
        let mut total: Scalar<E, D, OwnedTape<E, D>> = loss;
        let value = total.retaped::<NoneTape>();
        let mut penalties = Vec::new();
        for counts in &answer.counts {
            if let Some(penalty) = regularizer.penalty::<E, D, OwnedTape<E, D>>(counts) {
                penalties.push(penalty.retaped::<NoneTape>());
                total = total + penalty;
            }
        }
        let values = PendingValues { scores, counts: answer.counts, value, penalties };
        Ok(QueuedLoss { network: self, values, total })
    }

    /// The values of [`Network::loss`] and their gradients in one pass, bit-identical to those of [`Loss::backward`].
    ///
    /// With the fused implementation on the CPU, the forward and backward pass of each block of eight samples run while its trace
    /// is in the cache: memory grows with threads and steps, not with the batch. Otherwise this is [`Network::queue_loss`], its
    /// backward pass, and a wait for the device.
    ///
    /// ```
    /// use snn_core::{Adam, AdamConfig, Events, Initialization, Input, Layer, Network, NetworkConfig, Regularizer};
    ///
    /// let config = NetworkConfig { hidden: vec![Layer::recurrent(8)], ..NetworkConfig::new(4, 2) };
    /// let mut network: Network = Network::new(config, Initialization::Normal { gain: 7.0 }, 1)?;
    /// let mut adam = Adam::new(AdamConfig::default(), &network)?;
    /// let spikes: Vec<_> = (0..20).map(|step| (0, step, step % 4)).collect();
    /// let input: Input<f32> = Events::from_spikes(1, 50, 4, &spikes)?.into();
    ///
    /// let (loss, gradients) = network.loss_and_gradients(&input, &[1], &Regularizer::default())?;
    /// adam.update(&mut network, &gradients)?;
    /// assert!(loss.total() > 0.0);
    /// # Ok::<(), snn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Network::loss`] and [`Loss::backward`].
    pub fn loss_and_gradients(
        &self,
        input: &Input<E>,
        labels: &[u16],
        regularizer: &Regularizer,
    ) -> Result<(LossValues<E>, Gradients<E, D>), Error> {
        let step = self.training_step(&CrossEntropy::default(), input, labels, regularizer)?;
        Ok((step.values, step.gradients))
    }

    /// [`Network::loss_and_gradients`] with any loss function, and with the time spent.
    ///
    /// A loss other than [cross-entropy](LossFunction::label_smoothing) uses [`Network::queue_loss_with`].
    ///
    /// # Errors
    /// Those of [`Network::loss_with`] and [`Loss::backward`].
    pub fn training_step(
        &self,
        function: &impl LossFunction,
        input: &Input<E>,
        labels: &[u16],
        regularizer: &Regularizer,
    ) -> Result<TrainingStep<E, D>, Error> {
        regularizer.validate()?;
        function.validate(self.config())?;
        self.check_labels(labels, input.batch())?;
        let label_smoothing = function.label_smoothing();
        let pass = match label_smoothing {
            Some(label_smoothing) => {
                self.training_pass(input, Head { labels, label_smoothing, regularizer })?
            }
            None => None,
        };
        let (Some(pass), Some(label_smoothing)) = (pass, label_smoothing) else {
            let start = Instant::now();
            let loss = self.queue_loss_with(function, input, labels, regularizer)?;
            let forward = start.elapsed().as_secs_f64();
            let values = loss.values();
            let gradients = loss.backward()?;
            let values = values.read();
            let forward_share = forward / start.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
            return Ok(TrainingStep { values, gradients, forward_share });
        };
        let TrainingPass { values, gradients, norms, forward_share } = pass;
        let values = match values {
            PassValues::OnHost { output, sums: LossSums { cross_entropy, regularization } } => {
                LossValues { cross_entropy, regularization, output }
            }
            PassValues::OnDevice { logits, counts } => {
                let targets = CrossEntropy { label_smoothing }.targets(&logits, labels)?;
                let value = cross_entropy_with_logits_loss(logits.clone(), targets);
                let penalties =
                    counts.iter().filter_map(|counts| regularizer.penalty::<E, D, NoneTape>(counts));
                let penalties = penalties.collect();
                PendingValues { scores: logits, counts, value, penalties }.read()
            }
        };
        let buffers = self.weights.named().map(|(name, _)| name).zip(gradients).collect();
        let gradients = Gradients { device: self.device().clone(), buffers, known_norms: norms };
        Ok(TrainingStep { values, gradients, forward_share })
    }

    /// Queues a whole training step on the device: loss, gradients, norms, clipping, and the update by `optimizer`. This returns without
    /// waiting for the device, and [`QueuedStep::read`] waits only for this step: to keep a GPU busy, read each step after queueing
    /// the next.
    ///
    /// Gradients longer than `clip_norm` (the Euclidean norm of all gradients together) are scaled down to it. The gradients of
    /// [frozen](Optimizer::freeze) matrices are not computed, and count as 0. If the loss or a gradient is not finite, the weights
    /// keep their values. The result is bit-identical to that of [`Network::training_step`],
    /// [`Gradients::clear`], [`Gradients::clip_norm`] and [`Optimizer::update`].
    ///
    /// `None` if the device (the CPU, for example), the implementation, the loss or the optimizer does not support it; then nothing
    /// is changed.
    ///
    /// # Errors
    /// Those of [`Network::training_step`] and [`Optimizer::update`], and [`Error::Setting`] unless `clip_norm` is a finite number
    /// above 0.
    pub fn queue_step(
        &mut self,
        function: &impl LossFunction,
        input: &Input<E>,
        labels: &[u16],
        regularizer: &Regularizer,
        optimizer: &mut dyn Optimizer<E, D>,
        clip_norm: Option<f64>,
    ) -> Result<Option<QueuedStep<E>>, Error> {
        regularizer.validate()?;
        function.validate(self.config())?;
        self.check_labels(labels, input.batch())?;
        if let Some(limit) = clip_norm {
            Gradients::<E, D>::check_limit(limit)?;
        }
        let Some(label_smoothing) = function.label_smoothing() else { return Ok(None) };
        let head = Head { labels, label_smoothing, regularizer };
        let Some(pending) = optimizer.queue(self, input, head, clip_norm)? else { return Ok(None) };
        Ok(Some(QueuedStep { names: self.weights.named().map(|(name, _)| name).collect(), pending }))
    }

    fn check_labels(&self, labels: &[u16], batch: usize) -> Result<(), Error> {
        let classes = self.config().outputs;
        if labels.len() != batch {
            return Err(Error::Labels(format!("{} for a batch of {batch}", labels.len())));
        }
        match labels.iter().position(|&label| usize::from(label) >= classes) {
            Some(sample) => Err(Error::Labels(format!(
                "sample {sample} has label {}, but the readout has {classes} units (labels count from 0)",
                labels[sample]
            ))),
            None => Ok(()),
        }
    }
}

/// The result of [`Network::training_step`].
#[derive(Debug, Clone)]
pub struct TrainingStep<E: Float = f32, D: Backend<E> = Cpu> {
    /// The loss and the network's output.
    pub values: LossValues<E>,
    /// The gradient of the loss.
    pub gradients: Gradients<E, D>,
    /// Fraction of the time spent on the forward pass, 0 to 1; on a GPU, on queueing it (half, if one kernel runs both passes).
    pub forward_share: f64,
}

/// The name and Euclidean norm of every gradient, in the order `W1`, `V1`, `W2`, .. `Wout`.
pub type NamedNorms = Vec<(String, f64)>;

/// A training step that the device may still be computing: see [`Network::queue_step`].
#[derive(Debug)]
pub struct QueuedStep<E> {
    names: Vec<String>,
    pending: PendingStep<E>,
}

impl<E> QueuedStep<E> {
    /// Fraction of the time needed for queueing that was spent on the forward pass, 0 to 1.
    #[must_use]
    pub fn forward_share(&self) -> f64 {
        self.pending.forward_share
    }

    /// Waits for the device. Returns the loss, and the norm of every gradient before clipping.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub fn read(self) -> Result<(LossValues<E>, NamedNorms), Error> {
        let StepValues { output, sums, norms } = (self.pending.read)()?;
        let LossSums { cross_entropy, regularization } = sums;
        let values = LossValues { cross_entropy, regularization, output };
        Ok((values, self.names.into_iter().zip(norms).collect()))
    }
}

/// A loss that can be differentiated, with its forward pass.
#[derive(Debug)]
pub struct Loss<'a, E: Float, D: Backend<E>> {
    network: &'a Network<E, D>,
    /// The value of the loss function, averaged over the batch; by default softmax cross-entropy in nats.
    pub cross_entropy: f64,
    /// Activity regularizer, averaged over the batch, summed over layers.
    pub regularization: f64,
    /// Logits (or the loss function's class scores) and spike counts.
    pub output: Output<E>,
    total: Scalar<E, D, OwnedTape<E, D>>,
}

impl<E: Float, D: Backend<E>> Loss<'_, E, D> {
    /// Cross-entropy plus regularizer.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.cross_entropy + self.regularization
    }

    /// Backpropagation through time.
    ///
    /// # Errors
    /// [`Error::Device`] if memory runs out.
    pub fn backward(self) -> Result<Gradients<E, D>, Error> {
        let gradients = self.total.try_backward().map_err(Error::device)?;
        self.network.gradients(gradients)
    }
}

/// A loss that the device may still be computing: see [`Network::queue_loss`].
#[derive(Debug)]
pub struct QueuedLoss<'a, E: Float, D: Backend<E> = Cpu> {
    network: &'a Network<E, D>,
    values: PendingValues<E, D>,
    total: Scalar<E, D, OwnedTape<E, D>>,
}

impl<E: Float, D: Backend<E>> QueuedLoss<'_, E, D> {
    /// Its values, readable once the device has computed them.
    #[must_use]
    pub fn values(&self) -> PendingValues<E, D> {
        self.values.clone()
    }

    /// Backpropagation through time, queued after the forward pass.
    ///
    /// # Errors
    /// [`Error::Device`] if memory runs out.
    pub fn backward(self) -> Result<Gradients<E, D>, Error> {
        let gradients = self.total.try_backward().map_err(Error::device)?;
        self.network.gradients(gradients)
    }
}

/// The values of a loss, still on the device.
#[derive(Debug, Clone)]
pub struct PendingValues<E: Float, D: Backend<E> = Cpu> {
    scores: Matrix<E, D>,
    counts: Vec<Matrix<E, D>>,
    value: Scalar<E, D>,
    penalties: Vec<Scalar<E, D>>,
}

impl<E: Float, D: Backend<E>> PendingValues<E, D> {
    /// Waits for the device, and copies the values to the host.
    #[must_use]
    pub fn read(&self) -> LossValues<E> {
        let value = |scalar: &Scalar<E, D>| scalar.as_vec()[0].wide();
        LossValues {
            cross_entropy: value(&self.value),
            regularization: self.penalties.iter().map(value).sum(),
            output: Output::of(&self.scores, &self.counts),
        }
    }
}

/// The values of a loss.
#[derive(Debug, Clone, PartialEq)]
pub struct LossValues<E> {
    /// The value of the loss function, averaged over the batch; by default softmax cross-entropy in nats.
    pub cross_entropy: f64,
    /// Activity regularizer, averaged over the batch, summed over layers.
    pub regularization: f64,
    /// Logits (or the loss function's class scores) and spike counts.
    pub output: Output<E>,
}

impl<E> LossValues<E> {
    /// Cross-entropy plus regularizer.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.cross_entropy + self.regularization
    }
}
