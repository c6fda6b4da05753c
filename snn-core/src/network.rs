//! The network: weights plus the one interface to both implementations.

use crate::{
    Error, Float, Implementation, Initialization, Input, NetworkConfig,
    backend::{Backend, Buffer, Pass, Recording},
    fused,
    loss::output,
    reference,
    weights::{Matrix, Weights},
};
use dfdx::prelude::{Cpu, Gradients as TapeGradients, HasShape, NoneTape, Storage, Tape};

/// A spiking network: its description and its weights on a dfdx device.
///
/// `E` is the float type (`f64` with [`Implementation::Reference`] only), `D` the device.
#[derive(Debug, Clone)]
pub struct Network<E: Float = f32, D: Backend<E> = Cpu> {
    config: NetworkConfig,
    pub(crate) weights: Weights<E, D>,
    device: D,
    context: fused::Context,
}

/// What a network answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Output<E> {
    /// `[batch, outputs]`.
    pub logits: Vec<E>,
    /// Spikes of every unit in every sample, one `[batch, units]` for each hidden layer.
    pub counts: Vec<Vec<E>>,
    /// Number of samples.
    pub batch: usize,
}

impl<E: Float> Output<E> {
    /// The class of the largest logit of each sample (the first where tied).
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

impl<E: Float, D: Backend<E>> Network<E, D> {
    /// A network with random weights, drawn from ChaCha8 streams of `seed`, on the default device.
    ///
    /// # Errors
    /// [`Error::Setting`] for a configuration that describes no network.
    pub fn new(config: NetworkConfig, initialization: Initialization, seed: u64) -> Result<Self, Error> {
        Self::on(D::default(), config, initialization, seed)
    }

    /// As [`Network::new`], on the device given.
    ///
    /// # Errors
    /// [`Error::Setting`] for a configuration that describes no network, [`Error::Device`] if memory runs out.
    pub fn on(
        device: D,
        config: NetworkConfig,
        initialization: Initialization,
        seed: u64,
    ) -> Result<Self, Error> {
        config.validate()?;
        let weights = Weights::draw(&config, initialization, seed, &device)?;
        Ok(Network { config, weights, device, context: fused::Context::default() })
    }

    /// What this network is.
    #[must_use]
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// The device that holds the weights.
    #[must_use]
    pub fn device(&self) -> &D {
        &self.device
    }

    /// The same network on the CPU; of one that is there, a copy.
    ///
    /// # Errors
    /// [`Error::Device`] if memory runs out.
    pub fn to_cpu(&self) -> Result<Network<E>, Error>
    where
        Cpu: Backend<E>,
    {
        let weights = self.weights.to_cpu()?;
        Ok(Network {
            config: self.config.clone(),
            weights,
            device: Cpu::default(),
            context: self.context.clone(),
        })
    }

    /// Name, shape `[pre, post]` and values (row by row) of every weight matrix: `W1`, `V1`, `W2`, .. `Wout`.
    pub fn parameters(&self) -> impl Iterator<Item = (String, [usize; 2], Vec<E>)> {
        self.weights.named().map(|(name, w)| {
            let &(pre, post) = w.shape();
            let mut values = vec![E::zero(); pre * post];
            w.copy_into(&mut values);
            (name, [pre, post], values)
        })
    }

    /// Replaces the values of one weight matrix, given row by row in shape `[pre, post]`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there is no such matrix, the number of values is wrong, or one is not finite.
    pub fn set_parameter(&mut self, name: &str, values: &[E]) -> Result<(), Error> {
        let Some((_, w)) = self.weights.named_mut().find(|(n, _)| n == name) else {
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

    /// Chooses the instruction set of the fused implementation; by default it is the best that the processor has.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the processor lacks it.
    pub fn set_instruction_set(&mut self, set: crate::InstructionSet) -> Result<(), Error> {
        self.context.set_instruction_set(set)
    }

    /// The instruction set that the fused implementation uses.
    #[must_use]
    pub fn instruction_set(&self) -> crate::InstructionSet {
        self.context.instruction_set()
    }

    /// Runs the CUDA kernels on the host, in place of the fused implementation of the CPU.
    #[cfg(feature = "cuda-emulation")]
    #[doc(hidden)]
    pub fn emulate_cuda(&mut self, gpu: crate::CudaEmulation) {
        self.context.emulation = Some(gpu);
    }

    /// Runs the network without keeping anything for a backward pass.
    ///
    /// # Errors
    /// [`Error::Input`] if the input does not fit the network.
    pub fn forward(&self, input: &Input<E>) -> Result<Output<E>, Error> {
        Ok(output(&self.pass(input, false, NoneTape)?))
    }

    /// Runs the network and keeps every spike and potential.
    ///
    /// # Errors
    /// [`Error::Input`] if the input does not fit the network.
    pub fn record(&self, input: &Input<E>) -> Result<(Output<E>, Recording<E>), Error> {
        let pass = self.pass(input, true, NoneTape)?;
        let output = output(&pass);
        pass.recording.map(|recording| (output, recording)).ok_or_else(|| {
            Error::Unsupported("this device's implementation does not record spikes and potentials".into())
        })
    }

    /// Runs the network on `tape`, for a loss of your own: see [`Pass`].
    ///
    /// # Errors
    /// [`Error::Input`] if the input does not fit the network.
    pub fn forward_on<T: Tape<E, D>>(&self, input: &Input<E>, tape: T) -> Result<Pass<E, D, T>, Error> {
        self.pass(input, false, tape)
    }

    /// Takes the gradients of the weights out of what dfdx's `backward` returned.
    ///
    /// # Errors
    /// [`Error::Device`] if memory runs out.
    pub fn gradients(&self, mut tape: TapeGradients<E, D>) -> Result<Gradients<E, D>, Error> {
        let mut take = |(name, w): (String, &Matrix<E, D>)| -> Result<_, Error> {
            let empty = Storage::<E>::try_alloc_len(&self.device, 0).map_err(Error::device)?;
            let slot = tape.get_or_alloc_mut(w).map_err(Error::device)?;
            Ok((name, std::mem::replace(slot, empty)))
        };
        let buffers = self.weights.named().map(&mut take).collect::<Result<_, _>>()?;
        Ok(Gradients { device: self.device.clone(), buffers })
    }

    pub(crate) fn pass<T: Tape<E, D>>(
        &self,
        input: &Input<E>,
        record: bool,
        tape: T,
    ) -> Result<Pass<E, D, T>, Error> {
        if input.units() != self.config.inputs {
            return Err(Error::Input(format!(
                "{} input units for a network of {}",
                input.units(),
                self.config.inputs
            )));
        }
        match self.config.implementation {
            Implementation::Reference => reference::forward(&self.config, &self.weights, input, record, tape),
            Implementation::Fused => {
                D::fused(&self.config, &self.weights, input, &self.context, record, tape)
            }
        }
    }
}

/// The gradient of a loss with respect to every weight matrix.
#[derive(Debug, Clone)]
pub struct Gradients<E: Float, D: Backend<E>> {
    device: D,
    pub(crate) buffers: Vec<(String, Buffer<E, D>)>,
}

impl<E: Float, D: Backend<E>> Gradients<E, D> {
    /// The gradient of one matrix, row by row in shape `[pre, post]`; `None` if there is no such matrix.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Vec<E>> {
        self.buffers.iter().find(|(n, _)| n == name).map(|(_, g)| D::host(g).into_owned())
    }

    /// Name and Euclidean norm of every matrix's gradient.
    ///
    /// # Errors
    /// [`Error::Device`] if the device fails.
    pub fn norms(&self) -> Result<Vec<(&str, f64)>, Error> {
        let buffers: Vec<_> = self.buffers.iter().map(|(_, gradient)| gradient).collect();
        let names = self.buffers.iter().map(|(name, _)| name.as_str());
        Ok(names.zip(self.device.norms(&buffers)?).collect())
    }
}
