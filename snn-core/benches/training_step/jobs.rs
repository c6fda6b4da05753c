//! The jobs: shapes, and synthetic data of the statistics of a data set.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use snn_core::{Error, Events, Frames, Implementation, Initialization, Input, Layer, Network, NetworkConfig};

/// One training job: a shape and synthetic data of the statistics of a data set.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) batch: usize,
    pub(crate) steps: usize,
    pub(crate) inputs: usize,
    pub(crate) hidden: usize,
    pub(crate) outputs: usize,
    pub(crate) recurrent: bool,
    pub(crate) dt: f64,
    /// Gain of the input weights, chosen so that the hidden layer is active.
    pub(crate) gain: f64,
    pub(crate) data: Data,
}

#[derive(Clone, Copy)]
pub(crate) enum Data {
    /// Every input spikes once within the first half.
    Randman,
    /// A fifth of the inputs spikes, once.
    Latency,
    /// So many spikes a sample, uniform over units and steps.
    Poisson(usize),
    /// Smooth random channel energies.
    Analog,
}

pub(crate) const JOBS: [Job; 4] = [
    Job {
        name: "R",
        what: "Randman, 20-100-10",
        batch: 250,
        steps: 100,
        inputs: 20,
        hidden: 100,
        outputs: 10,
        recurrent: false,
        dt: 1.0,
        gain: 7.0,
        data: Data::Randman,
    },
    Job {
        name: "M",
        what: "latency MNIST shape, 784-100-10",
        batch: 256,
        steps: 100,
        inputs: 784,
        hidden: 100,
        outputs: 10,
        recurrent: false,
        dt: 1.0,
        gain: 18.0,
        data: Data::Latency,
    },
    Job {
        name: "S",
        what: "SHD shape, 700-256 recurrent-20",
        batch: 256,
        steps: 500,
        inputs: 700,
        hidden: 256,
        outputs: 20,
        recurrent: true,
        dt: 2.0,
        gain: 7.0,
        data: Data::Poisson(8000),
    },
    Job {
        name: "A",
        what: "Speech Commands shape, 40 analog-256 recurrent-35",
        batch: 512,
        steps: 100,
        inputs: 40,
        hidden: 256,
        outputs: 35,
        recurrent: true,
        dt: 2.0,
        gain: 2.5,
        data: Data::Analog,
    },
];

impl Job {
    /// Floating-point operations of a step that no sparsity avoids: products with adjoint currents, `V a` and `W_out a`, and
    /// the two with analog input, `x W` and `x a`.
    pub(crate) fn dense_gflop(&self) -> f64 {
        let rows = self.batch * self.steps;
        let own = if self.recurrent { self.hidden } else { 0 };
        let input = if matches!(self.data, Data::Analog) { 2 * self.inputs } else { 0 };
        2.0 * (rows * self.hidden * (own + self.outputs + input)) as f64 / 1e9
    }

    pub(crate) fn network(&self, implementation: Implementation) -> Result<Network, Error> {
        let config = NetworkConfig {
            hidden: vec![Layer { units: self.hidden, recurrent: self.recurrent }],
            dt: self.dt,
            implementation,
            ..NetworkConfig::new(self.inputs, self.outputs)
        };
        let mut network: Network = Network::new(config, Initialization::Normal { gain: 1.0 }, 0)?;
        let (_, _, w1) = network.parameters().next().ok_or_else(|| Error::Input("no weights".into()))?;
        let w1: Vec<f32> = w1.iter().map(|w| w * self.gain as f32).collect();
        network.set_parameter("W1", &w1)?;
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
