//! Random networks with random input, for the property tests.

use crate::run::Run;
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use snn_core::{
    Backend, Cpu, Events, Float, Frames, Implementation, Initialization, Input, Network, NetworkConfig,
    Regularizer, Reset,
};

/// Kind of input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Signal {
    /// Events, but none in the batch.
    Empty,
    /// Events; each unit spikes with this probability in each step.
    Spikes(f64),
    /// Like [`Signal::Spikes`]; half of the spikes are doubled or tripled.
    Repeated(f64),
    /// Analog values from -1 to 2.
    Frames,
}

/// A network, a batch of input, labels and a regularizer, all derived from these values.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Its `implementation` has no effect.
    pub config: NetworkConfig,
    /// Gain of the normal distribution of all weights: 0.1 is silent, 5 active, 1000 saturated.
    pub gain: f64,
    /// Kind of input.
    pub signal: Signal,
    /// Number of samples.
    pub batch: usize,
    /// Number of time steps.
    pub steps: usize,
    /// Regularizer.
    pub regularizer: Regularizer,
    /// Seed of weights, input and labels.
    pub seed: u64,
}

impl Problem {
    /// An active network with spikes as input, and no regularizer.
    pub fn new(config: NetworkConfig, batch: usize, steps: usize) -> Self {
        Problem {
            config,
            gain: 5.0,
            signal: Signal::Spikes(0.2),
            batch,
            steps,
            regularizer: Regularizer::default(),
            seed: 0,
        }
    }

    /// The same problem with a reset in the same step as the spike.
    #[must_use]
    pub fn reset_at_once(self) -> Self {
        Problem { config: NetworkConfig { reset: Reset::Immediate, ..self.config }, ..self }
    }

    /// The network, with the fused implementation.
    ///
    /// Scales the readout weights down until no logit exceeds 3: softmax of large logits saturates at 0 and 1, where the
    /// gradient of the cross-entropy loses all its digits in `f32` in any implementation.
    ///
    /// # Panics
    /// If the problem is malformed.
    pub fn network(&self) -> Network {
        let config = NetworkConfig { implementation: Implementation::Fused, ..self.config.clone() };
        let weights = Initialization::Normal { gain: self.gain };
        let mut network: Network = Network::new(config, weights, self.seed).expect("a network");
        let logits = network.forward(&self.input()).expect("an input that fits").logits;
        let largest = logits.iter().fold(0.0f32, |m, logit| m.max(logit.abs()));
        if largest > 3.0 {
            let (name, _, mut readout) = network.parameters().last().expect("a readout");
            readout.iter_mut().for_each(|w| *w *= 3.0 / largest);
            network.set_parameter(&name, &readout).expect("scaled weights");
        }
        network
    }

    /// The input in the given float type, with the same values.
    ///
    /// # Panics
    /// If the problem is malformed.
    pub fn input<E: Float>(&self) -> Input<E> {
        let mut rng = self.rng(1);
        let (batch, steps, units) = (self.batch, self.steps, self.config.inputs);
        let (probability, repeated) = match self.signal {
            Signal::Empty => (0.0, false),
            Signal::Spikes(probability) => (probability, false),
            Signal::Repeated(probability) => (probability, true),
            Signal::Frames => {
                let mut value = || E::of(f64::from(rng.gen_range(-1.0f32..2.0)));
                let values = (0..batch * steps * units).map(|_| value()).collect();
                return Frames::new(batch, steps, units, values).expect("frames").into();
            }
        };
        let (mut offsets, mut indices) = (vec![0], Vec::new());
        for _ in 0..batch * steps {
            for unit in 0..units {
                if rng.gen_bool(probability) {
                    let times = if repeated && rng.r#gen() { rng.gen_range(2..=3) } else { 1 };
                    indices.extend(std::iter::repeat_n(unit as u16, times));
                }
            }
            offsets.push(indices.len() as u32);
        }
        Events::new(batch, steps, units, offsets, indices).expect("events").into()
    }

    /// One label per sample.
    pub fn labels(&self) -> Vec<u16> {
        let mut rng = self.rng(2);
        (0..self.batch).map(|_| rng.gen_range(0..self.config.outputs) as u16).collect()
    }

    /// Runs a network on input, labels and regularizer of this problem.
    pub fn run<E: Float>(&self, network: &Network<E>) -> Run
    where
        Cpu: Backend<E>,
    {
        Run::new(network, &self.input(), &self.labels(), &self.regularizer)
    }

    fn rng(&self, stream: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::MAX - stream); // the weights use the first streams
        rng
    }
}

/// The same weights in the reference implementation, in the given float type.
///
/// # Panics
/// Never: the shapes are the same.
pub fn reference<E: Float>(network: &Network) -> Network<E>
where
    Cpu: Backend<E>,
{
    let config = NetworkConfig { implementation: Implementation::Reference, ..network.config().clone() };
    let mut reference = Network::new(config, Initialization::default(), 0).expect("a network");
    for (name, _, values) in network.parameters() {
        let values: Vec<E> = values.into_iter().map(|w| E::of(f64::from(w))).collect();
        reference.set_parameter(&name, &values).expect("weights of the same shape");
    }
    reference
}
