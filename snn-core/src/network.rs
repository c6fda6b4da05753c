//! The network: weights, and the interface to both implementations.

use crate::{
    Backend, Error, Float, Gradients, Implementation, InitialWeights, Initialization, Input, NetworkConfig,
    Output,
    head::Head,
    pass::{Answer, Pass, PendingStep, Recording, TrainingPass, Wanted, reached},
    reference,
    update::Update,
    weights::{Buffer, Matrix, Weights},
};
use dfdx::prelude::{Cpu, Gradients as TapeGradients, HasShape, Storage, Tape};

/// A spiking network: its configuration and its weights on a dfdx device.
///
/// `E` is the float type (`f64` with [`Implementation::Reference`] only), `D` the device.
#[derive(Debug, Clone)]
pub struct Network<E: Float = f32, D: Backend<E> = Cpu> {
    config: NetworkConfig,
    pub(crate) weights: Weights<E, D>,
    device: D,
    context: D::Context,
}

impl<E: Float, D: Backend<E>> Network<E, D> {
    /// A network with random weights, drawn from ChaCha8 streams of `seed`, on the default device.
    ///
    /// # Errors
    /// [`Error::Setting`] for an invalid configuration.
    pub fn new(config: NetworkConfig, initialization: Initialization, seed: u64) -> Result<Self, Error> {
        Self::on(D::default(), config, initialization, seed)
    }

    /// [`Network::new`] on the given device.
    ///
    /// # Errors
    /// [`Error::Setting`] for an invalid configuration, [`Error::Device`] if memory runs out.
    pub fn on(
        device: D,
        config: NetworkConfig,
        initialization: Initialization,
        seed: u64,
    ) -> Result<Self, Error> {
        Self::drawn(device, config, initialization.into(), seed)
    }

    /// [`Network::on`] with a factor for each kind of matrix.
    ///
    /// # Errors
    /// Those of [`Network::on`].
    pub fn drawn(
        device: D,
        config: NetworkConfig,
        initial: InitialWeights,
        seed: u64,
    ) -> Result<Self, Error> {
        config.validate()?;
        let weights = Weights::draw(&config, initial, seed, &device)?;
        Ok(Network { config, weights, device, context: D::Context::default() })
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// The device of the weights.
    #[must_use]
    pub fn device(&self) -> &D {
        &self.device
    }

    /// A copy of the network on the CPU, which uses the best instruction set.
    ///
    /// # Errors
    /// [`Error::Device`] if memory runs out.
    pub fn to_cpu(&self) -> Result<Network<E>, Error>
    where
        Cpu: Backend<E>,
    {
        let mut weights = self.weights.to_cpu()?;
        for (index, (_, w)) in weights.named_mut().enumerate() {
            if let Some(values) = D::latest(&self.context, index) {
                w.copy_from(&values);
            }
        }
        Ok(Network {
            config: self.config.clone(),
            weights,
            device: Cpu::default(),
            context: Default::default(),
        })
    }

    /// Name, shape `[pre, post]` and values (row-major) of every weight matrix: `W1`, `V1`, `W2`, .. `Wout`.
    pub fn parameters(&self) -> impl Iterator<Item = (String, [usize; 2], Vec<E>)> {
        self.weights.named().enumerate().map(|(index, (name, w))| {
            let &(pre, post) = w.shape();
            let values = match D::latest(&self.context, index) {
                Some(values) => values.into_owned(),
                None => {
                    let mut values = vec![E::zero(); pre * post];
                    w.copy_into(&mut values);
                    values
                }
            };
            (name, [pre, post], values)
        })
    }

    /// Replaces the values of one weight matrix, given row-major with shape `[pre, post]`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no such matrix, the number of values is wrong, or one is not finite.
    pub fn set_parameter(&mut self, name: &str, values: &[E]) -> Result<(), Error> {
        let Some((_, w)) = self.weights_mut()?.named_mut().find(|(n, _)| n == name) else {
            let known: Vec<String> = self.weights.named().map(|(n, _)| n).collect();
            return Err(Error::parameter(name, format!("this network has {}", known.join(", "))));
        };
        let &(pre, post) = w.shape();
        if values.len() != pre * post {
            return Err(Error::parameter(
                name,
                format!("{} values for a shape of {pre} x {post}", values.len()),
            ));
        }
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::parameter(name, format!("value {at} is {:?}", values[at])));
        }
        w.copy_from(values);
        Ok(())
    }

    /// Runs the network without storing anything for a backward pass.
    ///
    /// # Errors
    /// [`Error::Input`] if the input does not fit the network.
    pub fn forward(&self, input: &Input<E>) -> Result<Output<E>, Error> {
        let answer = self.answer(input, Wanted::default())?;
        Ok(Output::of(&answer.logits, &answer.counts))
    }

    /// Runs the network and records every spike and potential.
    ///
    /// # Errors
    /// [`Error::Input`] if the input does not fit the network.
    pub fn record(&self, input: &Input<E>) -> Result<(Output<E>, Recording<E>), Error> {
        let answer = self.answer(input, Wanted { recording: true, ..Wanted::default() })?;
        let output = Output::of(&answer.logits, &answer.counts);
        answer.recording.map(|recording| (output, recording)).ok_or_else(|| {
            Error::Unsupported("this device's implementation does not record spikes and potentials".into())
        })
    }

    /// Runs the network on `tape`, for your own loss on logits, spike counts or readout potentials: see [`Pass`].
    ///
    /// A loss on only the hidden layer's spike counts, the mean squared distance from three spikes per unit and sample:
    ///
    /// ```
    /// use snn_core::dfdx::prelude::*;
    /// use snn_core::{Events, Initialization, Input, Layer, Network, NetworkConfig};
    ///
    /// let config = NetworkConfig { hidden: vec![Layer::feed_forward(8)], ..NetworkConfig::new(4, 2) };
    /// let network: Network = Network::new(config, Initialization::Normal { gain: 7.0 }, 1)?;
    /// let spikes: Vec<_> = (0..20).map(|step| (0, step, step % 4)).collect();
    /// let input: Input<f32> = Events::from_spikes(1, 50, 4, &spikes)?.into();
    ///
    /// let mut pass = network.forward_on(&input, OwnedTape::default())?;
    /// let loss = (pass.counts.remove(0) - 3.0).square().mean();
    /// let gradients = network.gradients(loss.backward())?;
    /// assert!(gradients.norm()? > 0.0);
    /// # Ok::<(), snn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] if the input does not fit the network.
    pub fn forward_on<T: Tape<E, D>>(&self, input: &Input<E>, tape: T) -> Result<Pass<E, D, T>, Error> {
        let wanted = Wanted { adjoint: T::OWNS_TAPE, readout: true, recording: false };
        self.answer(input, wanted)?.on(tape, &self.weights.marker)
    }

    /// Extracts the gradients of the weights from the result of dfdx's `backward`.
    ///
    /// # Errors
    /// [`Error::Unreached`] if the loss does not depend on a pass of this network (or of a clone of it) on the tape;
    /// [`Error::Device`] if memory runs out.
    pub fn gradients(&self, mut tape: TapeGradients<E, D>) -> Result<Gradients<E, D>, Error> {
        if !reached(&mut tape, &self.weights.marker).map_err(Error::device)? {
            return Err(Error::Unreached);
        }
        self.collect(tape)
    }

    /// The gradients of the weights, zero if missing.
    pub(crate) fn collect(&self, mut tape: TapeGradients<E, D>) -> Result<Gradients<E, D>, Error> {
        let mut take = |(name, w): (String, &Matrix<E, D>)| -> Result<_, Error> {
            let empty = Storage::<E>::try_alloc_len(&self.device, 0).map_err(Error::device)?;
            let slot = tape.get_or_alloc_mut(w).map_err(Error::device)?;
            Ok((name, std::mem::replace(slot, empty)))
        };
        let buffers = self.weights.named().map(&mut take).collect::<Result<_, _>>()?;
        Ok(Gradients { device: self.device.clone(), buffers, known_norms: None })
    }

    /// Mutable access to the weights.
    pub(crate) fn weights_mut(&mut self) -> Result<&mut Weights<E, D>, Error> {
        D::settle(&mut self.context, &mut self.weights)?;
        D::forget(&mut self.context);
        Ok(&mut self.weights)
    }

    /// Updates the weights on the device; false if it does not support this.
    pub(crate) fn update(
        &mut self,
        update: Update<'_, E, D>,
        gradients: &[&Buffer<E, D>],
    ) -> Result<bool, Error> {
        D::update(&mut self.weights, &mut self.context, update, gradients)
    }

    /// Queues a whole training step; `None` if the implementation or the device does not support this.
    pub(crate) fn queue_pass(
        &mut self,
        input: &Input<E>,
        head: Head<'_>,
        update: Update<'_, E, D>,
    ) -> Result<Option<PendingStep<E>>, Error> {
        self.check(input)?;
        match self.config.implementation {
            Implementation::Reference => Ok(None),
            Implementation::Fused => {
                D::queue_step(&self.config, &mut self.weights, input, &mut self.context, head, update)
            }
        }
    }

    /// Creates the stager, which copies the next inputs to the device of this network while it computes.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub fn stager(&self) -> Result<crate::Stager<E>, Error> {
        self.device.stager()
    }

    pub(crate) fn answer(&self, input: &Input<E>, wanted: Wanted) -> Result<Answer<E, D>, Error> {
        self.check(input)?;
        match self.config.implementation {
            Implementation::Reference => reference::forward(&self.config, &self.weights, input, wanted),
            Implementation::Fused => D::fused(&self.config, &self.weights, input, &self.context, wanted),
        }
    }

    /// `None` if the implementation or the device does not combine forward and backward pass.
    pub(crate) fn training_pass(
        &self,
        input: &Input<E>,
        head: Head<'_>,
    ) -> Result<Option<TrainingPass<E, D>>, Error> {
        self.check(input)?;
        match self.config.implementation {
            Implementation::Reference => Ok(None),
            Implementation::Fused => {
                D::training_pass(&self.config, &self.weights, input, &self.context, head)
            }
        }
    }

    fn check(&self, input: &Input<E>) -> Result<(), Error> {
        if input.units() != self.config.inputs {
            return Err(Error::Input(format!(
                "{} input units for a network of {}",
                input.units(),
                self.config.inputs
            )));
        }
        Ok(())
    }
}

impl Network {
    /// Plan and weights for steps.
    pub(crate) fn ready(&self) -> Result<std::sync::Arc<crate::fused::Ready>, Error> {
        if self.config.implementation != Implementation::Fused {
            return Err(Error::Unsupported(
                "stepping requires the fused implementation: set `implementation` to `Implementation::Fused`"
                    .into(),
            ));
        }
        if <Cpu as Backend<f32>>::latest(&self.context, 0).is_some() {
            return self.to_cpu()?.ready();
        }
        Ok(self.context.ready(&self.config, &self.weights))
    }

    pub(crate) fn dispatch(&self) -> crate::lanes::Dispatch {
        self.context.dispatch()
    }

    /// Selects the instruction set of the fused implementation; by default the best supported one.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the processor lacks it.
    pub fn set_instruction_set(&mut self, set: crate::InstructionSet) -> Result<(), Error> {
        self.context.set_instruction_set(set)
    }

    /// The instruction set of the fused implementation.
    #[must_use]
    pub fn instruction_set(&self) -> crate::InstructionSet {
        self.context.instruction_set()
    }

    /// Runs the CUDA kernels on the host instead of the CPU's fused implementation. Call it before weights are updated.
    #[cfg(feature = "cuda-emulation")]
    #[doc(hidden)]
    pub fn emulate_cuda(&mut self, gpu: crate::CudaEmulation) {
        self.context.emulation = Some(gpu);
    }
}
