//! Gradient cases from an independent float64 program: a manifest, and one `.npz` file per case.

use crate::{npz::Archive, run::Run};
use serde::Deserialize;
use snn_core::{
    AnyLoss, Backend, Cpu, Events, Float, Frames, Implementation, Initialization, Input, Layer, LossKind,
    LossSettings, Network, NetworkConfig, NeuronKind, Readout, RecurrentGradient, Regularizer, Reset,
    ResetGradient, Surrogate, SurrogateShape, TimeConstant,
};
use snn_data::npz::Array;
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
    #[serde(default)]
    reset_time: Reset,
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
    objective: Objective,
}

/// One value for all hidden layers, or one for each.
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
struct Objective {
    name: LossKind,
    label_smoothing: Option<f64>,
    target_count: Option<f64>,
    other_count: Option<f64>,
}

impl Objective {
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

/// A network, its input, and the results of an independent program.
#[derive(Debug)]
pub struct Case {
    /// Name in the manifest.
    pub name: String,
    /// Activity regularizer.
    pub regularizer: Regularizer,
    /// Loss function.
    pub loss: AnyLoss,
    /// Labels, one per sample.
    pub labels: Vec<u16>,
    /// The expected results. Their configuration describes the network; the test chooses the implementation.
    pub expected: Run,
    /// Input values, `[batch, steps, inputs]`.
    x: Array<f64>,
    /// Whether the input consists of spikes.
    events: bool,
    /// Name and values of every weight matrix, `[pre, post]` row by row (the files hold `[post, pre]`).
    weights: Vec<(String, Vec<f64>)>,
}

impl Case {
    /// Runs a network of this case.
    pub fn run<E: Float, D: Backend<E>>(&self, network: &Network<E, D>) -> Run {
        Run::with_loss(network, &self.input(), &self.labels, &self.regularizer, &self.loss)
    }

    /// The network, computed by `implementation` in the given float type.
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

    /// The input in the given float type: events if the case has spikes, otherwise frames.
    pub fn input<E: Float>(&self) -> Input<E> {
        let [batch, steps, units] = sizes(&self.x);
        if self.events {
            Events::from_spikes(batch, steps, units, &spikes(&self.x))
                .expect("spikes of a golden case")
                .into()
        } else {
            let values = self.x.values.iter().map(|&v| E::of(v)).collect();
            Frames::new(batch, steps, units, values).expect("frames of a golden case").into()
        }
    }
}

/// Samples, steps and units.
fn sizes<T>(array: &Array<T>) -> [usize; 3] {
    array.shape.as_slice().try_into().expect("an array [batch, steps, units]")
}

/// Sample, step and unit of the nonzero values.
fn spikes<T: Copy + Default + PartialEq>(array: &Array<T>) -> Vec<(usize, usize, usize)> {
    let [_, steps, units] = sizes(array);
    let at = |index: usize| (index / (steps * units), index / units % steps, index % units);
    let spikes = array.values.iter().enumerate().filter(|&(_, &value)| value != T::default());
    spikes.map(|(index, _)| at(index)).collect()
}

/// Cases of the paper's model, from an independent program.
pub const PAPER: (&str, usize) = ("golden/gradients", 106);

/// Cases of the extensions (`golden/extensions/make.py`).
pub const EXTENSIONS: (&str, usize) = ("golden/extensions", 30);

/// All cases of a set in this repository, which must have the expected number. If `SNN_GOLDEN_DIR` is set, the cases of that
/// directory replace [`PAPER`], and those of its subfolder `extensions`, if there is one, replace [`EXTENSIONS`].
///
/// # Panics
/// If a file is missing or malformed, or if the number of cases is wrong.
pub fn cases((directory, number): (&str, usize)) -> Vec<Case> {
    let other = std::env::var_os("SNN_GOLDEN_DIR").map(std::path::PathBuf::from);
    let other = match directory == PAPER.0 {
        true => other,
        false => other.map(|it| it.join("extensions")).filter(|it| it.is_dir()),
    };
    if let Some(other) = other {
        let cases = load(&other);
        assert!(!cases.is_empty(), "{} lists no cases", other.display());
        return cases;
    }
    let cases = load(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory));
    let names: std::collections::BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), number, "{directory}: number of cases");
    assert_eq!(cases.len(), number, "{directory}: cases");
    cases
}

/// Reads every case that `manifest.json` of `directory` lists.
///
/// # Panics
/// If a file is missing or does not match the manifest.
pub fn load(directory: &Path) -> Vec<Case> {
    let path = directory.join("manifest.json");
    let manifest = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let entries: Vec<Entry> = serde_json::from_reader(manifest).expect("manifest.json");
    entries.into_iter().map(|entry| read(directory, entry)).collect()
}

fn read(directory: &Path, entry: Entry) -> Case {
    let path = directory.join(&entry.file);
    let mut npz = Archive::open(&path);
    let config = config(&entry);

    let x = npz.array::<f64>("x");
    let [batch, steps, _] = sizes(&x);
    let labels = npz.values::<i64>("y");
    let mut names = Vec::new();
    for (l, layer) in config.hidden.iter().enumerate() {
        names.push(format!("W{}", l + 1));
        names.extend(layer.recurrent.then(|| format!("V{}", l + 1)));
    }
    names.push("Wout".into());
    let weights = names.iter().map(|n| (n.clone(), npz.transposed(n))).collect();
    let gradients = names.iter().map(|n| (n.clone(), npz.transposed(&format!("grad_{n}")))).collect();

    let (logits, readout) = (npz.values("logits"), npz.values("u_out"));
    let (cross_entropy, regularization) = (npz.values("loss_ce")[0], npz.values("loss_reg")[0]);
    let potentials = (1..=config.hidden.len()).map(|l| npz.values(&format!("u{l}"))).collect();
    let (mut spikes, mut counts) = (Vec::new(), Vec::new());
    for (l, layer) in config.hidden.iter().enumerate() {
        let s = npz.array::<u8>(&format!("spikes{}", l + 1));
        spikes.push(
            Events::from_spikes(batch, steps, layer.units, &self::spikes(&s))
                .expect("spikes of a golden case"),
        );
        let of_sample = |s: &[u8]| {
            (0..layer.units)
                .map(|unit| s.iter().skip(unit).step_by(layer.units).copied().map(f64::from).sum())
                .collect::<Vec<f64>>()
        };
        counts.push(s.rows().flat_map(of_sample).collect());
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
        loss: entry.objective.function(),
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

fn config(entry: &Entry) -> NetworkConfig {
    // The paper's cases write one of the names without a hyphen.
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
        reset: entry.reset_time,
        readout: if entry.readout == "sum" { Readout::Sum } else { Readout::Max },
        implementation: Implementation::Reference,
        neuron: entry.neuron,
        tau_adaptation: entry.tau_adaptation.map_or(base.tau_adaptation, |tau| tau * MS),
        adaptation: entry.adaptation.unwrap_or(base.adaptation),
        ..base
    }
}
