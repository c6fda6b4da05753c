//! Gradient cases of an independent float64 program: a manifest, and one `.npz` file a case.

use crate::run::Run;
use ndarray::{ArrayD, Axis, OwnedRepr};
use ndarray_npy::{NpzReader, ReadableElement};
use serde::Deserialize;
use snn_core::{
    Backend, Cpu, Events, Float, Frames, Implementation, Initialization, Input, Layer, Network,
    NetworkConfig, Readout, RecurrentGradient, Regularizer, ResetGradient, Surrogate, SurrogateShape,
};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// One entry of `manifest.json`.
#[derive(Debug, Clone, Deserialize)]
struct Entry {
    name: String,
    file: String,
    n_in: usize,
    n_hidden: Vec<usize>,
    n_out: usize,
    recurrent: bool,
    reset: String,
    rec_grad: String,
    surrogate: String,
    beta: f64,
    readout: String,
    reg: Penalties,
    input: String,
    dt: f64,
    tau_mem: f64,
    tau_syn: f64,
    tau_out: f64,
}

#[derive(Debug, Clone, Deserialize)]
struct Penalties {
    #[serde(default)]
    lambda_l: f64,
    #[serde(default)]
    nu_l: f64,
    #[serde(default)]
    lambda_u: f64,
    #[serde(default)]
    nu_u: f64,
    #[serde(default = "one", rename = "L")]
    norm: u8,
}

fn one() -> u8 {
    1
}

/// A network, its input, and what an independent program computed for them.
#[derive(Debug)]
pub struct Case {
    /// Name in the manifest.
    pub name: String,
    /// Activity regulariser.
    pub regularizer: Regularizer,
    /// Labels, one a sample.
    pub labels: Vec<u16>,
    /// What is to come out. Its configuration describes the network; the implementation is to be chosen by the test.
    pub expected: Run,
    /// Input values, `[batch, steps, inputs]`.
    x: ArrayD<f64>,
    /// Whether the input is spikes.
    events: bool,
    /// Name and values of every weight matrix, `[pre, post]` row by row (the files hold `[post, pre]`).
    weights: Vec<(String, Vec<f64>)>,
}

impl Case {
    /// The network, computed by `implementation` in the float type asked for.
    pub fn network<E: Float>(&self, implementation: Implementation) -> Network<E>
    where
        Cpu: Backend<E>,
    {
        let config = NetworkConfig { implementation, ..self.expected.config.clone() };
        let mut network =
            Network::new(config, Initialization::default(), 0).expect("network of a golden case");
        for (name, values) in &self.weights {
            let values: Vec<E> = values.iter().map(|&w| E::of(w)).collect();
            network.set_parameter(name, &values).expect("weights of a golden case");
        }
        network
    }

    /// The input in the float type asked for: events where the case has spikes, else frames.
    pub fn input<E: Float>(&self) -> Input<E> {
        let [batch, steps, units] = [0, 1, 2].map(|axis| self.x.len_of(Axis(axis)));
        if self.events {
            let spikes = self.x.indexed_iter().filter(|&(_, &v)| v != 0.0);
            let spikes: Vec<_> = spikes.map(|(at, _)| (at[0], at[1], at[2])).collect();
            Events::from_spikes(batch, steps, units, &spikes).expect("spikes of a golden case").into()
        } else {
            let values = self.x.iter().map(|&v| E::of(v)).collect();
            Frames::new(batch, steps, units, values).expect("frames of a golden case").into()
        }
    }
}

/// Where the cases lie: `SNN_GOLDEN_DIR`, else the copy in this repository.
pub fn directory() -> PathBuf {
    std::env::var_os("SNN_GOLDEN_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/gradients"), PathBuf::from)
}

/// Reads every case that `manifest.json` of `directory` lists.
///
/// # Panics
/// If a file is missing or does not hold what the manifest says: the tests cannot go on then.
pub fn load(directory: &Path) -> Vec<Case> {
    let path = directory.join("manifest.json");
    let manifest = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let entries: Vec<Entry> = serde_json::from_reader(manifest).expect("manifest.json");
    entries.into_iter().map(|entry| read(directory, entry)).collect()
}

fn read(directory: &Path, entry: Entry) -> Case {
    let path = directory.join(&entry.file);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut npz = NpzReader::new(file).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let config = config(&entry);

    let x: ArrayD<f64> = array(&mut npz, "x");
    let [batch, steps] = [0, 1].map(|axis| x.len_of(Axis(axis)));
    let labels: ArrayD<i64> = array(&mut npz, "y");
    let mut names = Vec::new();
    for (l, layer) in config.hidden.iter().enumerate() {
        names.push(format!("W{}", l + 1));
        names.extend(layer.recurrent.then(|| format!("V{}", l + 1)));
    }
    names.push("Wout".into());
    let mut transposed =
        |name: &str| -> Vec<f64> { array::<f64>(&mut npz, name).t().iter().copied().collect() };
    let weights = names.iter().map(|n| (n.clone(), transposed(n))).collect();
    let gradients = names.iter().map(|n| (n.clone(), transposed(&format!("grad_{n}")))).collect();

    let mut values = |name: &str| -> Vec<f64> { array::<f64>(&mut npz, name).iter().copied().collect() };
    let (logits, readout) = (values("logits"), values("u_out"));
    let (cross_entropy, regularization) = (values("loss_ce")[0], values("loss_reg")[0]);
    let potentials = (1..=config.hidden.len()).map(|l| values(&format!("u{l}"))).collect();
    let (mut spikes, mut counts) = (Vec::new(), Vec::new());
    for (l, layer) in config.hidden.iter().enumerate() {
        let s: ArrayD<u8> = array(&mut npz, &format!("spikes{}", l + 1));
        let at: Vec<_> =
            s.indexed_iter().filter(|&(_, &s)| s != 0).map(|(at, _)| (at[0], at[1], at[2])).collect();
        spikes.push(Events::from_spikes(batch, steps, layer.units, &at).expect("spikes of a golden case"));
        counts.push(s.mapv(f64::from).sum_axis(Axis(1)).iter().copied().collect());
    }
    Case {
        name: entry.name,
        regularizer: Regularizer {
            lower_strength: entry.reg.lambda_l,
            lower_threshold: entry.reg.nu_l,
            upper_strength: entry.reg.lambda_u,
            upper_threshold: entry.reg.nu_u,
            upper_norm: entry.reg.norm,
        },
        labels: labels.iter().map(|&y| u16::try_from(y).expect("a label")).collect(),
        expected: Run {
            config,
            batch,
            logits,
            counts,
            spikes,
            potentials,
            readout,
            cross_entropy,
            regularization,
            gradients,
        },
        x,
        events: entry.input == "spikes",
        weights,
    }
}

fn array<T: ReadableElement>(npz: &mut NpzReader<File>, name: &str) -> ArrayD<T> {
    npz.by_name::<OwnedRepr<T>, _>(name).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn config(entry: &Entry) -> NetworkConfig {
    let shape = match entry.surrogate.as_str() {
        "superspike" => SurrogateShape::SuperSpike,
        "asymptotic" => SurrogateShape::Asymptotic,
        "sigmoid" => SurrogateShape::Sigmoid,
        "esser" => SurrogateShape::Esser,
        "constant" => SurrogateShape::Constant,
        "true" => SurrogateShape::True,
        other => panic!("{}: unknown surrogate {other}", entry.name),
    };
    let ms = 1e3;
    NetworkConfig {
        hidden: entry.n_hidden.iter().map(|&units| Layer { units, recurrent: entry.recurrent }).collect(),
        dt: entry.dt * ms,
        tau_mem: entry.tau_mem * ms,
        tau_syn: entry.tau_syn * ms,
        tau_readout: entry.tau_out * ms,
        surrogate: Surrogate { shape, beta: entry.beta },
        reset_gradient: match entry.reset.as_str() {
            "diff" => ResetGradient::Differentiable,
            _ => ResetGradient::Detached,
        },
        recurrent_gradient: match entry.rec_grad.as_str() {
            "detached" => RecurrentGradient::Detached,
            _ => RecurrentGradient::Propagate,
        },
        readout: if entry.readout == "sum" { Readout::Sum } else { Readout::Max },
        implementation: Implementation::Reference,
        ..NetworkConfig::new(entry.n_in, entry.n_out)
    }
}
