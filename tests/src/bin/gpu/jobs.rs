//! The measured jobs, those of `cargo xtask bench`: shapes of data sets, with random weights and input.

use snn_core::{Events, Frames, Initialization, Input, Layer, Network, NetworkConfig};
use snn_tests::problem::{Problem, Signal};

/// The names of the jobs, in the order of measurement.
pub(crate) const JOBS: [&str; 4] = ["R", "M", "S", "A"];

/// Set to 1 when a mock driver replaces the GPU: all sizes are then minimal.
pub(crate) const SMALL_VARIABLE: &str = "SNN_GPU_SMALL";

pub(crate) fn is_small() -> bool {
    std::env::var(SMALL_VARIABLE).is_ok_and(|it| it == "1")
}

/// The number of different samples in a batch; larger batches repeat them.
pub(crate) fn base() -> usize {
    if is_small() { 1 } else { 256 }
}

/// A job with its network and one batch.
pub(crate) struct Job {
    pub(crate) name: String,
    problem: Problem,
    pub(crate) input: Input<f32>,
    pub(crate) labels: Vec<u16>,
}

impl Job {
    /// The job with this number of times [`base`] samples; `None` if there is no such job.
    pub(crate) fn new(name: &str, times: usize) -> Option<Self> {
        let job = |inputs, hidden, outputs, dt| NetworkConfig {
            hidden: vec![hidden],
            dt,
            ..NetworkConfig::new(inputs, outputs)
        };
        let spikes = Signal::Spikes;
        let (config, steps, signal, gain) = match name {
            "R" => (job(20, Layer::feed_forward(100), 10, 1.0), 100, spikes(0.01), 7.0),
            "M" => (job(784, Layer::feed_forward(100), 10, 1.0), 100, spikes(0.002), 18.0),
            "S" => (job(700, Layer::recurrent(256), 20, 2.0), 500, spikes(0.0229), 7.0),
            "A" => (job(40, Layer::recurrent(256), 35, 2.0), 100, Signal::Frames, 2.5),
            _ => return None,
        };
        let (steps, times) = if is_small() { (10, times.min(2)) } else { (steps, times) };
        let problem = Problem { signal, gain, ..Problem::new(config, base(), steps) };
        let (input, labels) = (repeated(&problem.input(), times), problem.labels().repeat(times));
        Some(Job { name: name.to_owned(), problem, input, labels })
    }

    /// Scales the weights from below until spikes are transmitted; V and the readout weights are unchanged.
    pub(crate) fn network(&self) -> Network {
        let initial = Initialization::Normal { gain: 1.0 };
        let mut network: Network = Network::new(self.problem.config.clone(), initial, 0).expect("a network");
        let (name, _, mut w) = network.parameters().next().expect("weights from below");
        w.iter_mut().for_each(|w| *w *= self.problem.gain as f32);
        network.set_parameter(&name, &w).expect("scaled weights");
        network
    }

    /// The same input in separate memory.
    pub(crate) fn again(&self) -> Input<f32> {
        match &self.input {
            Input::Events(events) => Events::clone(events).into(),
            Input::Frames(frames) => Frames::clone(frames).into(),
        }
    }

    pub(crate) fn batch(&self) -> usize {
        self.labels.len()
    }

    /// Its shape as a line of JSON.
    pub(crate) fn shape(&self, hidden_spikes: f64) -> serde_json::Value {
        let events = match &self.input {
            Input::Events(events) => Some(events.spikes()),
            Input::Frames(_) => None,
        };
        let Problem { config, steps, .. } = &self.problem;
        let layer = config.hidden[0];
        serde_json::json!({
            "kind": "job", "job": self.name, "batch": self.batch(), "steps": steps, "inputs": config.inputs,
            "hidden": layer.units, "recurrent": layer.recurrent, "outputs": config.outputs, "events": events,
            "spikes_per_sample": hidden_spikes / self.batch() as f64,
        })
    }
}

fn repeated(input: &Input<f32>, times: usize) -> Input<f32> {
    let (batch, steps, units) = (input.batch(), input.steps(), input.units());
    match input {
        Input::Frames(frames) => {
            Frames::new(batch * times, steps, units, frames.values().repeat(times)).expect("frames").into()
        }
        Input::Events(events) => {
            let (mut offsets, mut indices) = (vec![0], Vec::new());
            for sample in 0..batch * times {
                for step in 0..steps {
                    indices.extend_from_slice(events.row(sample % batch, step));
                    offsets.push(indices.len() as u32);
                }
            }
            Events::new(batch * times, steps, units, offsets, indices).expect("events").into()
        }
    }
}
