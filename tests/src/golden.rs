//! Gradient cases of an independent float64 program: a manifest, and one `.npz` file a case.

use ndarray::{ArrayD, Axis, OwnedRepr};
use ndarray_npy::{NpzReader, ReadableElement};
use serde::Deserialize;
use snn_core::{
    Events, Float, Frames, Implementation, Input, Layer, NetworkConfig, Readout, RecurrentGradient, Regularizer,
    ResetGradient, Surrogate, SurrogateShape,
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
    /// The network; its implementation is to be chosen by the test.
    pub config: NetworkConfig,
    /// Activity regulariser.
    pub regularizer: Regularizer,
    /// Input values, `[batch, steps, inputs]`.
    pub x: ArrayD<f64>,
    /// Whether the input is spikes.
    pub events: bool,
    /// Labels, one a sample.
    pub labels: Vec<u16>,
    /// Name and values of every weight matrix, `[pre, post]` row by row (the files hold `[post, pre]`).
    pub weights: Vec<(String, Vec<f64>)>,
    /// The gradients, laid out as the weights.
    pub gradients: Vec<(String, Vec<f64>)>,
    /// `[batch, outputs]`.
    pub logits: Vec<f64>,
    /// Cross-entropy and regulariser.
    pub loss: (f64, f64),
    /// Readout potentials, `[batch, steps, outputs]`.
    pub readout: Vec<f64>,
    /// Membrane potentials of every hidden layer, `[batch, steps, units]`.
    pub potentials: Vec<Vec<f64>>,
    /// `(sample, step, unit)` of every spike of every hidden layer, sorted.
    pub spikes: Vec<Vec<(usize, usize, usize)>>,
}

impl Case {
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
    let names: Vec<String> = npz.names().expect("names").iter().map(|n| n.trim_end_matches(".npy").to_owned()).collect();
    let config = config(&entry);
    let matrices: Vec<String> =
        names.iter().filter(|n| n.starts_with(['W', 'V'])).cloned().collect();
    let mut transposed = |name: &str| {
        let m: ArrayD<f64> = array(&mut npz, name);
        m.t().iter().copied().collect::<Vec<f64>>()
    };
    let weights = matrices.iter().map(|n| (n.clone(), transposed(n))).collect();
    let gradients = matrices.iter().map(|n| (n.clone(), transposed(&format!("grad_{n}")))).collect();
    let mut values = |name: &str| array::<f64>(&mut npz, name).iter().copied().collect::<Vec<f64>>();
    let layers = 1..=entry.n_hidden.len();
    let (loss_ce, loss_reg) = (values("loss_ce")[0], values("loss_reg")[0]);
    let (logits, readout) = (values("logits"), values("u_out"));
    let potentials = layers.clone().map(|l| values(&format!("u{l}"))).collect();
    let spikes = layers.map(|l| {
        let s: ArrayD<u8> = array(&mut npz, &format!("spikes{l}"));
        s.indexed_iter().filter(|&(_, &s)| s != 0).map(|(at, _)| (at[0], at[1], at[2])).collect()
    });
    let spikes = spikes.collect();
    let labels: ArrayD<i64> = array(&mut npz, "y");
    Case {
        name: entry.name,
        config,
        regularizer: Regularizer {
            lower_strength: entry.reg.lambda_l,
            lower_threshold: entry.reg.nu_l,
            upper_strength: entry.reg.lambda_u,
            upper_threshold: entry.reg.nu_u,
            upper_norm: entry.reg.norm,
        },
        x: array(&mut npz, "x"),
        events: entry.input == "spikes",
        labels: labels.iter().map(|&y| u16::try_from(y).expect("a label")).collect(),
        weights,
        gradients,
        logits,
        loss: (loss_ce, loss_reg),
        readout,
        potentials,
        spikes,
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
