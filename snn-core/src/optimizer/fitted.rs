//! An update rule with its state for one network.

use super::rule::UpdateRule;
use crate::{
    Backend, Error, Float, Gradients, Input, Network,
    head::Head,
    pass::PendingStep,
    update::{DeviceRule, MatrixUpdate, Update},
    weights::Buffer,
};
use dfdx::prelude::{Cpu, HasShape, Storage};
use std::fmt;

/// An optimizer for a specific network.
pub trait Optimizer<E: Float = f32, D: Backend<E> = Cpu>: fmt::Debug {
    /// The name of the rule in configuration files.
    fn rule(&self) -> &'static str;

    /// Learning rate of the following updates.
    fn learning_rate(&self) -> f64;

    /// Changes the learning rate of the following updates, and nothing else.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is a finite number above 0.
    fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error>;

    /// Updates the weights of `network` with `gradients`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the shapes of network, gradients and optimizer differ; then nothing is changed.
    fn update(&mut self, network: &mut Network<E, D>, gradients: &Gradients<E, D>) -> Result<(), Error>;

    /// Queues a training step and its update on the device, with gradients clipped to a total norm of `limit`. `None` if not
    /// supported; then nothing is changed.
    ///
    /// # Errors
    /// Those of [`Optimizer::update`] and of the passes.
    #[doc(hidden)]
    fn queue(
        &mut self,
        network: &mut Network<E, D>,
        input: &Input<E>,
        head: Head<'_>,
        limit: Option<f64>,
    ) -> Result<Option<PendingStep<E>>, Error> {
        let _ = (network, input, head, limit);
        Ok(None)
    }

    /// The state, copied to the host: an optimizer restored from it continues bit for bit.
    fn state(&self) -> OptimizerState<E>;

    /// Freezes these matrices (`W1`, `V1`, .. `Wout`) in the following updates, and unfreezes all others.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no such matrix; then nothing is changed.
    fn freeze(&mut self, names: &[String]) -> Result<(), Error>;

    /// Name of every matrix, and Euclidean norm of its last update; decoupled weight decay does not count.
    fn last_update(&self) -> Vec<(String, f64)>;
}

/// The state of a rule for one weight matrix.
#[derive(Debug, Clone)]
struct Memory<V> {
    name: String,
    is_frozen: bool,
    buffers: Vec<V>,
}

/// An [`UpdateRule`] fitted to a network.
#[derive(Debug, Clone)]
pub struct Fitted<R: UpdateRule, E: Float = f32, D: Backend<E> = Cpu> {
    rule: R,
    step: u32,
    memory: Vec<Memory<Buffer<E, D>>>,
}

/// The state of an optimizer on the host, for a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState<E> {
    /// Name of the rule.
    pub rule: String,
    /// Number of updates.
    pub step: u32,
    /// The state for every weight matrix.
    pub matrices: Vec<MatrixState<E>>,
}

/// The state of an optimizer for one weight matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixState<E> {
    /// The matrix.
    pub name: String,
    /// Name and values, `[pre, post]` row-major, of every buffer.
    pub buffers: Vec<(String, Vec<E>)>,
}

impl<R: UpdateRule, E: Float, D: Backend<E>> Fitted<R, E, D> {
    /// A new optimizer.
    ///
    /// # Errors
    /// [`Error::Setting`] for invalid settings, [`Error::HostOnly`] if the device does not have the rule.
    pub fn new(rule: R, network: &Network<E, D>) -> Result<Self, Error> {
        let zeros = network.parameters().map(|(name, _, w)| MatrixState {
            name,
            buffers: R::BUFFERS.iter().map(|&buffer| (buffer.to_owned(), vec![E::zero(); w.len()])).collect(),
        });
        let state = OptimizerState { rule: R::NAME.to_owned(), step: 0, matrices: zeros.collect() };
        Self::from_state(rule, network, &state)
    }

    /// An optimizer restored from `state`.
    ///
    /// # Errors
    /// [`Error::Setting`] for invalid settings, [`Error::Parameter`] if the state belongs to another rule or to a network of a
    /// different shape, [`Error::HostOnly`] if the device does not have the rule.
    pub fn from_state(rule: R, network: &Network<E, D>, state: &OptimizerState<E>) -> Result<Self, Error> {
        rule.validate()?;
        let device = network.device();
        if R::ON_HOST && D::host_mut(&mut device.upload(&[E::zero()])?).is_none() {
            return Err(Error::HostOnly { rule: R::NAME });
        }
        let mut memory = Vec::new();
        for (name, [pre, post], _) in network.parameters() {
            if state.rule != R::NAME {
                let problem =
                    format!("the state belongs to the optimizer `{}`, not to `{}`", state.rule, R::NAME);
                return Err(Error::parameter(name, problem));
            }
            let Some(found) = state.matrices.iter().find(|matrix| matrix.name == name) else {
                return Err(Error::parameter(name, "it is missing in the optimizer state"));
            };
            let mut buffers = Vec::with_capacity(R::BUFFERS.len());
            for &buffer in R::BUFFERS {
                let Some((_, values)) = found.buffers.iter().find(|(name, _)| name == buffer) else {
                    return Err(Error::parameter(
                        name,
                        format!("the optimizer state has no `{buffer}` for it"),
                    ));
                };
                if values.len() != pre * post {
                    let problem = format!("{} values of `{buffer}` for {pre} x {post} weights", values.len());
                    return Err(Error::parameter(name, problem));
                }
                buffers.push(device.upload(values)?);
            }
            memory.push(Memory { name, is_frozen: false, buffers });
        }
        Ok(Fitted { rule, step: state.step, memory })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> R {
        self.rule.clone()
    }

    /// Learning rate of the following updates.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.rule.learning_rate()
    }

    /// Changes the learning rate of the following updates, and nothing else.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is a finite number above 0.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error> {
        let rule = self.rule.clone().with_learning_rate(learning_rate);
        rule.validate()?;
        self.rule = rule;
        Ok(())
    }

    /// The state, copied to the host.
    #[must_use]
    pub fn state(&self) -> OptimizerState<E> {
        let matrix = |memory: &Memory<Buffer<E, D>>| MatrixState {
            name: memory.name.clone(),
            buffers: R::BUFFERS
                .iter()
                .zip(&memory.buffers)
                .map(|(&name, buffer)| (name.to_owned(), D::host(buffer).into_owned()))
                .collect(),
        };
        OptimizerState {
            rule: R::NAME.to_owned(),
            step: self.step,
            matrices: self.memory.iter().map(matrix).collect(),
        }
    }

    /// Updates the weights of `network` with `gradients`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the shapes of network, gradients and optimizer differ; then nothing is changed.
    pub fn update(&mut self, network: &mut Network<E, D>, gradients: &Gradients<E, D>) -> Result<(), Error> {
        self.check(network, Some(gradients))?;
        self.step += 1;
        if let Some(rule) = self.rule.on_device(self.step) {
            let gradients: Vec<_> = gradients.buffers.iter().map(|(_, gradient)| gradient).collect();
            if network.update(self.as_data(rule, None), &gradients)? {
                return Ok(());
            }
        }
        for (((_, w), memory), (_, gradient)) in
            network.weights_mut()?.named_mut().zip(&mut self.memory).zip(&gradients.buffers)
        {
            if !memory.is_frozen {
                self.rule.apply(self.step, w, gradient, &mut memory.buffers)?;
            }
        }
        Ok(())
    }

    /// Errors unless the shapes of network, optimizer and gradients agree.
    fn check(&self, network: &Network<E, D>, gradients: Option<&Gradients<E, D>>) -> Result<(), Error> {
        let device = network.device();
        let mut matched = 0;
        for (index, ((name, w), memory)) in network.weights.named().zip(&self.memory).enumerate() {
            let gradient = gradients.map(|gradients| gradients.buffers.get(index));
            if matches!(gradient, Some(None)) {
                break;
            }
            let gradient = gradient.flatten();
            let size = w.shape().0 * w.shape().1;
            let mut buffers = memory.buffers.iter().chain(gradient.map(|(_, gradient)| gradient));
            let fits = buffers.all(|it| Storage::<E>::len(device, it) == size);
            if name != memory.name || gradient.is_some_and(|(of, _)| *of != name) || !fits {
                return Err(Error::parameter(
                    name,
                    "its gradient or optimizer state belongs to another network",
                ));
            }
            matched += 1;
        }
        if matched != self.memory.len() || matched != network.weights.named().count() {
            return Err(Error::parameter("Wout", "the optimizer belongs to a network of a different depth"));
        }
        Ok(())
    }

    /// The next update as data.
    fn as_data(&mut self, rule: DeviceRule, limit: Option<f64>) -> Update<'_, E, D> {
        let matrices = self
            .memory
            .iter_mut()
            .map(|memory| MatrixUpdate { is_frozen: memory.is_frozen, state: &mut memory.buffers });
        Update { rule, limit, matrices: matrices.collect() }
    }

    fn queue(
        &mut self,
        network: &mut Network<E, D>,
        input: &Input<E>,
        head: Head<'_>,
        limit: Option<f64>,
    ) -> Result<Option<PendingStep<E>>, Error> {
        self.check(network, None)?;
        let Some(rule) = self.rule.on_device(self.step + 1) else { return Ok(None) };
        let pending = network.queue_pass(input, head, self.as_data(rule, limit))?;
        self.step += u32::from(pending.is_some());
        Ok(pending)
    }

    /// Freezes these matrices (`W1`, `V1`, .. `Wout`) in the following updates, and unfreezes all others. Weight decay does not
    /// change a frozen matrix either. Its optimizer state is kept, so use a new optimizer for a new training.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no such matrix; then nothing is changed.
    pub fn freeze(&mut self, names: &[String]) -> Result<(), Error> {
        if let Some(name) = names.iter().find(|name| self.memory.iter().all(|memory| memory.name != **name)) {
            let known: Vec<&str> = self.memory.iter().map(|memory| memory.name.as_str()).collect();
            return Err(Error::parameter(name, format!("this network has {}", known.join(", "))));
        }
        for memory in &mut self.memory {
            memory.is_frozen = names.contains(&memory.name);
        }
        Ok(())
    }

    /// Name of every matrix, and Euclidean norm of its last update; decoupled weight decay does not count. The norm of a frozen
    /// matrix is 0.
    #[must_use]
    pub fn last_update(&self) -> Vec<(String, f64)> {
        let moved = self.rule.moved(self.step);
        let mut values = vec![0.0; R::BUFFERS.len()];
        let norm = |memory: &Memory<Buffer<E, D>>| {
            if memory.is_frozen {
                return (memory.name.clone(), 0.0);
            }
            let buffers: Vec<_> = memory.buffers.iter().map(|buffer| D::host(buffer)).collect();
            let count = buffers.first().map_or(0, |buffer| buffer.len());
            let mut sum = 0.0;
            for k in 0..count {
                values.iter_mut().zip(&buffers).for_each(|(value, buffer)| *value = buffer[k].wide());
                sum += moved(&values).powi(2);
            }
            (memory.name.clone(), sum.sqrt())
        };
        if self.step == 0 {
            return self.memory.iter().map(|memory| (memory.name.clone(), 0.0)).collect();
        }
        self.memory.iter().map(norm).collect()
    }
}

impl<R: UpdateRule, E: Float, D: Backend<E>> Optimizer<E, D> for Fitted<R, E, D> {
    fn rule(&self) -> &'static str {
        R::NAME
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate()
    }

    fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error> {
        self.set_learning_rate(learning_rate)
    }

    fn update(&mut self, network: &mut Network<E, D>, gradients: &Gradients<E, D>) -> Result<(), Error> {
        self.update(network, gradients)
    }

    fn queue(
        &mut self,
        network: &mut Network<E, D>,
        input: &Input<E>,
        head: Head<'_>,
        limit: Option<f64>,
    ) -> Result<Option<PendingStep<E>>, Error> {
        self.queue(network, input, head, limit)
    }

    fn state(&self) -> OptimizerState<E> {
        self.state()
    }

    fn freeze(&mut self, names: &[String]) -> Result<(), Error> {
        self.freeze(names)
    }

    fn last_update(&self) -> Vec<(String, f64)> {
        self.last_update()
    }
}
