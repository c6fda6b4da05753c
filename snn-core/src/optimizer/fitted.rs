//! A rule of update with all that it remembers of one network.

use super::rule::UpdateRule;
use crate::{Backend, Error, Float, Gradients, Network, weights::Buffer};
use dfdx::prelude::{Cpu, HasShape, Storage};
use std::fmt;

/// Moves the weights of the network that it was made for.
pub trait Optimizer<E: Float = f32, D: Backend<E> = Cpu>: fmt::Debug {
    /// The rule, as configuration files call it.
    fn rule(&self) -> &'static str;

    /// Step size of the updates to come.
    fn learning_rate(&self) -> f64;

    /// Changes the step size of the updates to come; everything else stays.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is a finite number above 0.
    fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error>;

    /// Moves the weights of `network` against `gradients`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if network, gradients and optimizer are not of one shape; nothing has changed then.
    fn update(&mut self, network: &mut Network<E, D>, gradients: &Gradients<E, D>) -> Result<(), Error>;

    /// The state, copied to the host: an optimizer made of it goes on with the same bits.
    fn state(&self) -> OptimizerState<E>;

    /// Leaves these matrices (`W1`, `V1`, .. `Wout`) as they are in the updates to come; all others move.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no such matrix; nothing has changed then.
    fn freeze(&mut self, names: &[String]) -> Result<(), Error>;

    /// Name of every matrix, and Euclidean norm of its last update; decoupled weight decay does not count.
    fn last_update(&self) -> Vec<(String, f64)>;
}

/// What a rule remembers of one weight matrix.
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

/// State of an optimizer on the host, for a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState<E> {
    /// Name of the rule.
    pub rule: String,
    /// Number of updates made.
    pub step: u32,
    /// What is remembered of every weight matrix.
    pub matrices: Vec<MatrixState<E>>,
}

/// What an optimizer remembers of one weight matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixState<E> {
    /// The matrix.
    pub name: String,
    /// Name and values, `[pre, post]` row by row, of every buffer.
    pub buffers: Vec<(String, Vec<E>)>,
}

impl<R: UpdateRule, E: Float, D: Backend<E>> Fitted<R, E, D> {
    /// An optimizer that has not made a step.
    ///
    /// # Errors
    /// [`Error::Setting`] for impossible settings, [`Error::HostOnly`] if the device does not have the rule.
    pub fn new(rule: R, network: &Network<E, D>) -> Result<Self, Error> {
        let zeros = network.parameters().map(|(name, _, w)| MatrixState {
            name,
            buffers: R::BUFFERS.iter().map(|&buffer| (buffer.to_owned(), vec![E::zero(); w.len()])).collect(),
        });
        let state = OptimizerState { rule: R::NAME.to_owned(), step: 0, matrices: zeros.collect() };
        Self::from_state(rule, network, &state)
    }

    /// An optimizer that goes on where `state` was taken.
    ///
    /// # Errors
    /// [`Error::Setting`] for impossible settings, [`Error::Parameter`] if the state is another rule's or belongs to a network of
    /// another shape, [`Error::HostOnly`] if the device does not have the rule.
    pub fn from_state(rule: R, network: &Network<E, D>, state: &OptimizerState<E>) -> Result<Self, Error> {
        rule.validate()?;
        let device = network.device();
        if R::ON_HOST && D::host_mut(&mut device.upload(&[E::zero()])?).is_none() {
            return Err(Error::HostOnly { rule: R::NAME });
        }
        let mut memory = Vec::new();
        for (name, [pre, post], _) in network.parameters() {
            if state.rule != R::NAME {
                let problem = format!("the state is of the optimizer `{}`, not of `{}`", state.rule, R::NAME);
                return Err(Error::parameter(name, problem));
            }
            let Some(found) = state.matrices.iter().find(|matrix| matrix.name == name) else {
                return Err(Error::parameter(name, "the optimizer state knows nothing of it"));
            };
            let mut buffers = Vec::with_capacity(R::BUFFERS.len());
            for &buffer in R::BUFFERS {
                let Some((_, values)) = found.buffers.iter().find(|(name, _)| name == buffer) else {
                    return Err(Error::parameter(
                        name,
                        format!("the optimizer state has no `{buffer}` of it"),
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

    /// Step size of the updates to come.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.rule.learning_rate()
    }

    /// Changes the step size of the updates to come; everything else stays.
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

    /// Moves the weights of `network` against `gradients`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if network, gradients and optimizer are not of one shape; nothing has changed then.
    pub fn update(&mut self, network: &mut Network<E, D>, gradients: &Gradients<E, D>) -> Result<(), Error> {
        let device = network.device().clone();
        let parts = network.weights.named().zip(&self.memory).zip(&gradients.buffers);
        let mut matched = 0;
        for (((name, w), memory), (of, gradient)) in parts {
            let size = w.shape().0 * w.shape().1;
            let fits =
                memory.buffers.iter().chain([gradient]).all(|it| Storage::<E>::len(&device, it) == size);
            if name != memory.name || name != *of || !fits {
                return Err(Error::parameter(
                    name,
                    "its gradient, or what the optimizer knows of it, belongs to another network",
                ));
            }
            matched += 1;
        }
        if matched != self.memory.len() || matched != network.weights.named().count() {
            return Err(Error::parameter("Wout", "the optimizer belongs to a network of other depth"));
        }
        self.step += 1;
        for (((_, w), memory), (_, gradient)) in
            network.weights_mut().named_mut().zip(&mut self.memory).zip(&gradients.buffers)
        {
            if !memory.is_frozen {
                self.rule.apply(self.step, w, gradient, &mut memory.buffers)?;
            }
        }
        Ok(())
    }

    /// Leaves these matrices (`W1`, `V1`, .. `Wout`) as they are in the updates to come; all others move. Weight decay does not
    /// reach a frozen matrix either. What was remembered of it stays, so take the optimizer of a network that starts anew.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no such matrix; nothing has changed then.
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

    /// Name of every matrix, and Euclidean norm of its last update; decoupled weight decay does not count. A frozen matrix
    /// does not move.
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
