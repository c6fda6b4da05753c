//! The jobs: shapes, and synthetic data with the statistics of a data set.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use snn_core::{
    Error, Events, Frames, Implementation, Initialization, Input, Layer, Network, NetworkConfig, Regularizer,
    ResetGradient,
};

/// A training job: a shape and synthetic data with the statistics of a data set.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) batch: usize,
    pub(crate) steps: usize,
    pub(crate) inputs: usize,
    /// Units of every hidden layer, and whether it is recurrent.
    pub(crate) hidden: Vec<(usize, bool)>,
    pub(crate) outputs: usize,
    pub(crate) dt: f64,
    /// Gain of the input weights, chosen to make the hidden layer active.
    pub(crate) gain: f64,
    pub(crate) data: Data,
    pub(crate) reset_gradient: ResetGradient,
    pub(crate) regularizer: Regularizer,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Data {
    /// Every input spikes once within the first half.
    Randman,
    /// A fifth of the inputs spike, once.
    Latency,
    /// This many spikes per sample, uniform over units and steps.
    Poisson(usize),
    /// Smooth random channel energies.
    Analog,
}

/// The names of all jobs, in the order of [`jobs`].
pub(crate) const NAMES: [&str; 8] = ["R", "M", "S", "A", "R2", "S512", "SL", "SD"];

/// R, M, S and A are also used in benchmarks of other tools; the others are variants: two hidden layers, 512 recurrent units, 1,000
/// steps, and a differentiable reset with an activity regularizer.
pub(crate) fn jobs() -> [Job; NAMES.len()] {
    let randman = Job {
        name: "R",
        what: "Randman, 20-100-10",
        batch: 250,
        steps: 100,
        inputs: 20,
        hidden: vec![(100, false)],
        outputs: 10,
        dt: 1.0,
        gain: 7.0,
        data: Data::Randman,
        reset_gradient: ResetGradient::Detached,
        regularizer: Regularizer::default(),
    };
    let latency = Job {
        name: "M",
        what: "latency MNIST shape, 784-100-10",
        batch: 256,
        inputs: 784,
        gain: 18.0,
        data: Data::Latency,
        ..randman.clone()
    };
    let shd = Job {
        name: "S",
        what: "SHD shape, 700-256 recurrent-20",
        batch: 256,
        steps: 500,
        inputs: 700,
        hidden: vec![(256, true)],
        outputs: 20,
        dt: 2.0,
        gain: 7.0,
        data: Data::Poisson(8000),
        ..randman.clone()
    };
    let analog = Job {
        name: "A",
        what: "Speech Commands shape, 40 analog-256 recurrent-35",
        batch: 512,
        steps: 100,
        inputs: 40,
        outputs: 35,
        gain: 2.5,
        data: Data::Analog,
        ..shd.clone()
    };
    let two_layers = Job {
        name: "R2",
        what: "R with two hidden layers, 20-100-100-10",
        hidden: vec![(100, false), (100, false)],
        ..randman.clone()
    };
    let wide = Job {
        name: "S512",
        what: "S with 512 recurrent units, batch 64",
        hidden: vec![(512, true)],
        batch: 64,
        ..shd.clone()
    };
    let long = Job {
        name: "SL",
        what: "S with 1,000 steps, batch 128",
        batch: 128,
        steps: 1000,
        data: Data::Poisson(16_000),
        ..shd.clone()
    };
    let switched = Job {
        name: "SD",
        what: "S with a differentiable reset and both regularizers",
        reset_gradient: ResetGradient::Differentiable,
        regularizer: Regularizer {
            lower_strength: 1.0,
            lower_threshold: 1.0,
            upper_strength: 0.06,
            upper_threshold: 10.0,
            upper_norm: 1,
        },
        ..shd.clone()
    };
    [randman, latency, shd, analog, two_layers, wide, long, switched]
}

impl Job {
    pub(crate) fn network(&self, implementation: Implementation) -> Result<Network, Error> {
        let layer = |&(units, recurrent): &(usize, bool)| match recurrent {
            true => Layer::recurrent(units),
            false => Layer::feed_forward(units),
        };
        let config = NetworkConfig {
            hidden: self.hidden.iter().map(layer).collect(),
            reset_gradient: self.reset_gradient,
            dt: self.dt,
            implementation,
            ..NetworkConfig::new(self.inputs, self.outputs)
        };
        let mut network: Network = Network::new(config, Initialization::Normal { gain: 1.0 }, 0)?;
        // scale only the weights from below: `V` and `Wout` are unchanged
        let scaled = network.parameters().filter(|(name, ..)| name.starts_with('W') && name != "Wout");
        for (name, _, w) in scaled.collect::<Vec<_>>() {
            network.set_parameter(&name, &w.iter().map(|w| w * self.gain as f32).collect::<Vec<_>>())?;
        }
        Ok(network)
    }

    pub(crate) fn batch(&self, rng: &mut ChaCha8Rng) -> Result<(Input<f32>, Vec<u16>), Error> {
        let mut spikes = Vec::new();
        let labels = (0..self.batch).map(|_| rng.gen_range(0..self.outputs) as u16).collect();
        for sample in 0..self.batch {
            match self.data {
                Data::Randman => {
                    spikes.extend((0..self.inputs).map(|i| (sample, rng.gen_range(0..self.steps / 2), i)));
                }
                Data::Latency => {
                    for i in 0..self.inputs {
                        if rng.gen_bool(0.2) {
                            spikes.push((sample, rng.gen_range(0..self.steps), i));
                        }
                    }
                }
                Data::Poisson(count) => spikes.extend(
                    (0..count).map(|_| (sample, rng.gen_range(0..self.steps), rng.gen_range(0..self.inputs))),
                ),
                Data::Analog => {}
            }
        }
        let input = match self.data {
            Data::Analog => self.analog(rng)?.into(),
            _ => Events::from_spikes(self.batch, self.steps, self.inputs, &spikes)?.into(),
        };
        Ok((input, labels))
    }

    /// Moving averages of eight steps of white noise, scaled to unit variance.
    fn analog(&self, rng: &mut ChaCha8Rng) -> Result<Frames<f32>, Error> {
        let mut values = vec![0.0; self.batch * self.steps * self.inputs];
        for sample in values.chunks_exact_mut(self.steps * self.inputs) {
            for unit in 0..self.inputs {
                // uniform noise of unit variance
                let noise: Vec<f32> =
                    (0..self.steps + 8).map(|_| rng.gen_range(-1.0..1.0) * 3f32.sqrt()).collect();
                for n in 0..self.steps {
                    sample[n * self.inputs + unit] = noise[n + 1..n + 9].iter().sum::<f32>() / 8f32.sqrt();
                }
            }
        }
        Frames::new(self.batch, self.steps, self.inputs, values)
    }
}
