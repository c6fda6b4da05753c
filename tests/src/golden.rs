//! Gradient cases of an independent float64 program: a manifest, and one `.npz` file a case.

use crate::run::Run;
use ndarray::{ArrayD, Axis, OwnedRepr};
use ndarray_npy::{NpzReader, ReadableElement};
use serde::Deserialize;
use snn_core::{
    AnyLoss, Backend, Cpu, Events, Float, Frames, Implementation, Initialization, Input, Layer, LossKind,
    LossSettings, Network, NetworkConfig, NeuronKind, Readout, RecurrentGradient, Regularizer, ResetGradient,
    Surrogate, SurrogateShape, TimeConstant,
};
use std::{fs::File, path::Path};

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
    tau_mem: Seconds,
    tau_syn: Seconds,
    tau_out: f64,
    #[serde(default)]
    neuron: NeuronKind,
    tau_adaptation: Option<f64>,
    adaptation: Option<f64>,
    #[serde(default)]
    loss: Loss,
}

/// For all hidden layers, or for each.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Seconds {
    All(f64),
    Each(Vec<f64>),
}

impl Seconds {
    fn in_ms(&self) -> TimeConstant {
        match self {
            Seconds::All(tau) => (tau * MS).into(),
            Seconds::Each(taus) => taus.iter().map(|tau| tau * MS).collect::<Vec<_>>().into(),
        }
    }
}

const MS: f64 = 1e3;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Loss {
    name: LossKind,
    label_smoothing: Option<f64>,
    target_count: Option<f64>,
    other_count: Option<f64>,
}

impl Loss {
    fn function(&self) -> AnyLoss {
        let default = LossSettings::default();
        self.name.with(&LossSettings {
            label_smoothing: self.label_smoothing.unwrap_or(default.label_smoothing),
            target_count: self.target_count.unwrap_or(default.target_count),
            other_count: self.other_count.unwrap_or(default.other_count),
        })
    }
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
    /// Loss function.
    pub loss: AnyLoss,
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
    /// Runs the network as `implementation` computes it.
    pub fn run<E: Float>(&self, network: &Network<E>) -> Run
    where
        Cpu: Backend<E>,
    {
        Run::with_loss(network, &self.input(), &self.labels, &self.regularizer, &self.loss)
    }

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

/// Cases of the paper's model, made by an independent program.
pub const PAPER: (&str, usize) = ("golden/gradients", 106);

/// Cases of what goes beyond it (`golden/extensions/make.py`).
pub const EXTENSIONS: (&str, usize) = ("golden/extensions", 24);

/// All cases of a set in this repository, whose number is known; or those of the directory that `SNN_GOLDEN_DIR` names, in place
/// of [`PAPER`].
///
/// # Panics
/// If a file is missing or malformed, or if there is a case more or less than there should be.
pub fn cases((directory, number): (&str, usize)) -> Vec<Case> {
    if let Some(other) = std::env::var_os("SNN_GOLDEN_DIR").filter(|_| directory == PAPER.0) {
        let cases = load(Path::new(&other));
        assert!(!cases.is_empty(), "{} lists no cases", Path::new(&other).display());
        return cases;
    }
    let cases = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory));
    let names: std::collections::BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), number, "{directory}: cases by their names");
    assert_eq!(cases.len(), number, "{directory}: cases");
    cases
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
        loss: entry.loss.function(),
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
    // the paper's cases write one of them without a hyphen
    let word = if entry.surrogate == "superspike" { "super-spike" } else { &entry.surrogate };
    let shape = SurrogateShape::ALL.iter().copied().find(|shape| shape.word() == word);
    let shape = shape.unwrap_or_else(|| panic!("{}: unknown surrogate {word}", entry.name));
    let base = NetworkConfig::new(entry.n_in, entry.n_out);
    NetworkConfig {
        hidden: entry.n_hidden.iter().map(|&units| Layer { units, recurrent: entry.recurrent }).collect(),
        dt: entry.dt * MS,
        tau_mem: entry.tau_mem.in_ms(),
        tau_syn: entry.tau_syn.in_ms(),
        tau_readout: entry.tau_out * MS,
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
        neuron: entry.neuron,
        tau_adaptation: entry.tau_adaptation.map_or(base.tau_adaptation, |tau| tau * MS),
        adaptation: entry.adaptation.unwrap_or(base.adaptation),
        ..base
    }
}
