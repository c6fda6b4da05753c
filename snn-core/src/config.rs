//! The configuration of a network: sizes, time constants, and the switches of its backward pass.

use crate::{Error, Float, Settings, Surrogate};
use serde::{Deserialize, Serialize};

/// One hidden layer of leaky integrate-and-fire units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Number of units, 1 ..= 65,536.
    pub units: usize,
    /// Whether the layer has all-to-all connections `V` onto itself.
    pub recurrent: bool,
}

impl Layer {
    /// A layer without connections onto itself.
    #[must_use]
    pub fn feed_forward(units: usize) -> Self {
        Layer { units, recurrent: false }
    }

    /// A layer with all-to-all connections onto itself.
    #[must_use]
    pub fn recurrent(units: usize) -> Self {
        Layer { units, recurrent: true }
    }
}

/// How logits are read from the readout potentials `U_out[n]`, `n = 0 .. T-1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Readout {
    /// `logit_i = max_n U_out,i[n]`; where the maximum is tied, the first one counts.
    #[default]
    Max,
    /// `logit_i = sum_n U_out,i[n]`.
    Sum,
}

/// Which model the hidden units follow. `NetworkConfig` has the equations of the first, and the settings of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NeuronKind {
    /// Leaky integrate-and-fire.
    #[default]
    Lif,
    /// Leaky integrate-and-fire with a threshold that rises with each spike (Bellec et al. 2018): a unit spikes where
    /// `U[n] - adaptation A[n] > threshold`, with `A[n+1] = b_ada A[n] + (1 - b_ada) S[n]`. Only in the reference implementation.
    AdaptiveLif,
}

impl NeuronKind {
    /// Every kind.
    pub const ALL: &[NeuronKind] = &[NeuronKind::Lif, NeuronKind::AdaptiveLif];

    /// The name of every kind in configuration files, in the same order.
    pub const WORDS: &[&str] = &["lif", "adaptive-lif"];

    /// Its name in configuration files.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// A time constant of the hidden layers, in ms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TimeConstant {
    /// The same for all layers.
    All(f64),
    /// One per layer, starting at the input.
    Each(Vec<f64>),
}

impl TimeConstant {
    /// The value for a hidden layer, counted from 0 at the input; beyond the last layer, that of the last.
    #[must_use]
    pub fn of(&self, layer: usize) -> f64 {
        match self {
            TimeConstant::All(tau) => *tau,
            // validation refuses an empty list
            TimeConstant::Each(taus) => taus.get(layer).or(taus.last()).copied().unwrap_or(f64::NAN),
        }
    }

    fn validate(&self, key: &str, layers: usize) -> Result<(), Error> {
        let check = |key: String, tau: f64| {
            let fits = tau.is_finite() && tau > 0.0;
            fits.then_some(())
                .ok_or_else(|| Error::setting(Settings::Network, key, tau, "a finite number above 0"))
        };
        match self {
            TimeConstant::All(tau) => check(key.to_owned(), *tau),
            TimeConstant::Each(taus) if taus.len() != layers || taus.is_empty() => Err(Error::setting(
                Settings::Network,
                key,
                format!("a list of {}", taus.len()),
                match layers {
                    0 => "one number, since there are no hidden layers".to_owned(),
                    _ => format!("one number, or a list of {layers}, one per hidden layer"),
                },
            )),
            TimeConstant::Each(taus) => {
                taus.iter().enumerate().try_for_each(|(l, &tau)| check(format!("{key}[{l}]"), tau))
            }
        }
    }
}

impl From<f64> for TimeConstant {
    fn from(tau: f64) -> Self {
        TimeConstant::All(tau)
    }
}

impl From<Vec<f64>> for TimeConstant {
    fn from(taus: Vec<f64>) -> Self {
        TimeConstant::Each(taus)
    }
}

/// When a spike resets the membrane potential. `NetworkConfig` has the equations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reset {
    /// To zero in the step after the spike, regardless of the input: one refractory step. As in the paper.
    #[default]
    Delayed,
    /// To zero in the step of the spike, after which the unit continues to integrate, as in most simulators and chips.
    Immediate,
}

/// Whether the gradient flows through the reset factor `1 - S[n]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetGradient {
    /// The factor is treated as a constant (`Ctl` in the paper's figures).
    #[default]
    Detached,
    /// The surrogate applies to it, too (`DR` in the paper's figures).
    Differentiable,
}

/// Whether the gradient flows through the recurrent term `V S[n]` back into `S[n]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecurrentGradient {
    /// It does (`Prop` in the paper's figures).
    #[default]
    Propagate,
    /// It does not; `V` itself still learns.
    Detached,
}

/// The implementation that computes the network. Spikes and gradients are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Implementation {
    /// One entry on the tape, event-driven, with SIMD on all cores; only `f32`.
    #[default]
    Fused,
    /// Step by step with plain dfdx operations that follow the equations; `f32` and `f64`.
    Reference,
}

/// A network of current-based leaky integrate-and-fire layers with a leaky readout.
///
/// The model, in steps `n` of `dt`, all states zero at the start, `S_0[n]` the input:
///
/// ```text
/// S_l[n]     = 1 if U_l[n] > threshold else 0
/// U_l[n+1]   = (b_mem U_l[n] + (1 - b_mem) I_l[n]) (1 - S_l[n])                (delayed reset)
///            = b_mem U_l[n] (1 - S_l[n]) + (1 - b_mem) I_l[n]                  (immediate reset)
/// I_l[n+1]   = b_syn I_l[n] + W_l S_{l-1}[n] + V_l S_l[n]                      (V_l in recurrent layers)
/// U_out[n+1] = b_out U_out[n] + (1 - b_out) I_out[n],   U_out[0] = readout_start
/// I_out[n+1] = b_syn I_out[n] + W_out S_{n_h}[n]
/// b_x        = exp(-dt / tau_x)
/// ```
///
/// Source: Zenke & Vogels (2021), section 4.1. Without hidden layers the input feeds the readout.
///
/// ```
/// use snn_core::{Layer, NetworkConfig};
/// let config = NetworkConfig { hidden: vec![Layer::recurrent(256)], ..NetworkConfig::new(700, 20) };
/// config.validate()?;
/// # Ok::<(), snn_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// Number of input units, 1 ..= 65,536.
    pub inputs: usize,
    /// Hidden layers, starting at the input; may be empty.
    pub hidden: Vec<Layer>,
    /// Number of readout units (classes), 1 ..= 65,536.
    pub outputs: usize,
    /// Length of a time step in ms, default 1.
    pub dt: f64,
    /// Model of the hidden units, default leaky integrate-and-fire.
    #[serde(default)]
    pub neuron: NeuronKind,
    /// Membrane time constant of the hidden units in ms, default 10; a list has one value per hidden layer.
    pub tau_mem: TimeConstant,
    /// Synaptic time constant in ms, default 5; a list has one value per hidden layer, and the readout uses that of the last.
    pub tau_syn: TimeConstant,
    /// Time constant of the adaptation in ms, default 100; only for adaptive units.
    #[serde(default = "default_tau_adaptation")]
    pub tau_adaptation: f64,
    /// Maximum increase of the threshold, at least 0, default 1.8; only for adaptive units.
    #[serde(default = "default_adaptation")]
    pub adaptation: f64,
    /// Membrane time constant of the readout in ms, default 20.
    pub tau_readout: f64,
    /// Firing threshold, default 1. The argument of the surrogate is `x = U - threshold`.
    pub threshold: f64,
    /// Surrogate derivative, default SuperSpike with slope 10.
    pub surrogate: Surrogate,
    /// When a spike resets the potential, default delayed.
    #[serde(default)]
    pub reset: Reset,
    /// Gradient through the reset, default detached.
    pub reset_gradient: ResetGradient,
    /// Gradient through recurrent connections, default propagate.
    pub recurrent_gradient: RecurrentGradient,
    /// Readout head, default Max.
    pub readout: Readout,
    /// `U_out[0]`, default 0. With a value slightly below 0 (-0.001 in the authors' later code), the maximum over time of a
    /// silent readout moves from the first to the last step, and a silent network can learn.
    pub readout_start: f64,
    /// The implementation, default fused.
    pub implementation: Implementation,
}

fn default_tau_adaptation() -> f64 {
    100.0
}

fn default_adaptation() -> f64 {
    1.8
}

/// Maximum number of units per layer: indices are stored in 16 bits.
pub(crate) const MAX_UNITS: usize = 1 << 16;

impl NetworkConfig {
    /// A network without hidden layers, with all other settings as in the paper.
    #[must_use]
    pub fn new(inputs: usize, outputs: usize) -> Self {
        NetworkConfig {
            inputs,
            hidden: Vec::new(),
            outputs,
            dt: 1.0,
            neuron: NeuronKind::default(),
            tau_mem: 10.0.into(),
            tau_syn: 5.0.into(),
            tau_adaptation: default_tau_adaptation(),
            adaptation: default_adaptation(),
            tau_readout: 20.0,
            threshold: 1.0,
            surrogate: Surrogate::default(),
            reset: Reset::default(),
            reset_gradient: ResetGradient::default(),
            recurrent_gradient: RecurrentGradient::default(),
            readout: Readout::default(),
            readout_start: 0.0,
            implementation: Implementation::default(),
        }
    }

    /// Validates every setting.
    ///
    /// # Errors
    /// [`Error::Setting`] with the first setting that is out of range, its value and the range.
    pub fn validate(&self) -> Result<(), Error> {
        let layers = self.hidden.iter().enumerate();
        let widths = layers.map(|(l, layer)| (format!("hidden[{l}].units"), layer.units));
        let ends = [("inputs".to_owned(), self.inputs), ("outputs".to_owned(), self.outputs)];
        for (key, width) in widths.chain(ends) {
            if width == 0 || width > MAX_UNITS {
                let expected = format!("from 1 to {MAX_UNITS} (units are numbered in 16 bits)");
                return Err(Error::setting(Settings::Network, key, width, expected));
            }
        }
        for (key, value) in [
            ("dt", self.dt),
            ("tau_readout", self.tau_readout),
            ("tau_adaptation", self.tau_adaptation),
            ("threshold", self.threshold),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::setting(Settings::Network, key, value, "a finite number above 0"));
            }
        }
        self.tau_mem.validate("tau_mem", self.hidden.len())?;
        self.tau_syn.validate("tau_syn", self.hidden.len())?;
        if !(self.adaptation.is_finite() && self.adaptation >= 0.0) {
            return Err(Error::setting(
                Settings::Network,
                "adaptation",
                self.adaptation,
                "a finite number of at least 0",
            ));
        }
        if self.implementation == Implementation::Fused && self.neuron != NeuronKind::Lif {
            return Err(Error::Unsupported(format!(
                "the fused implementation supports only `lif` units; set `implementation` to `reference` for `{}`",
                self.neuron.word()
            )));
        }
        if !self.readout_start.is_finite() {
            return Err(Error::setting(
                Settings::Network,
                "readout_start",
                self.readout_start,
                "a finite number",
            ));
        }
        self.surrogate.validate()
    }

    /// Number of units that feed hidden layer `layer`, or the readout for `layer == hidden.len()`.
    pub(crate) fn fan_in(&self, layer: usize) -> usize {
        if layer == 0 { self.inputs } else { self.hidden[layer - 1].units }
    }
}

/// The decay factors of a layer, `b_x = exp(-dt / tau_x)`, and the complement of one, computed in `f64`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Decay<E> {
    /// Membrane potential.
    pub(crate) mem: E,
    pub(crate) one_minus_mem: E,
    /// Synaptic current.
    pub(crate) syn: E,
}

impl<E: Float> Decay<E> {
    fn new(dt: f64, tau_mem: f64, tau_syn: f64) -> Self {
        let factor = |tau: f64| (-dt / tau).exp();
        let mem = factor(tau_mem);
        Decay { mem: E::of(mem), one_minus_mem: E::of(1.0 - mem), syn: E::of(factor(tau_syn)) }
    }

    /// The decays of a hidden layer, counted from 0 at the input.
    pub(crate) fn hidden(config: &NetworkConfig, layer: usize) -> Self {
        Self::new(config.dt, config.tau_mem.of(layer), config.tau_syn.of(layer))
    }

    /// The decays of the readout.
    pub(crate) fn readout(config: &NetworkConfig) -> Self {
        Self::new(config.dt, config.tau_readout, config.tau_syn.of(config.hidden.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_settings_are_named() {
        let good = NetworkConfig { hidden: vec![Layer::feed_forward(3)], ..NetworkConfig::new(2, 2) };
        assert_eq!(good.validate(), Ok(()));
        type Spoil<'a> = &'a dyn Fn(&mut NetworkConfig);
        let cases: [(&str, Spoil<'_>); 14] = [
            ("inputs", &|c| c.inputs = 0),
            ("outputs", &|c| c.outputs = 65_537),
            ("hidden[0].units", &|c| c.hidden[0].units = 0),
            ("dt", &|c| c.dt = 0.0),
            ("tau_mem", &|c| c.tau_mem = (-1.0).into()),
            ("tau_mem", &|c| c.tau_mem = vec![10.0, 20.0].into()),
            ("tau_mem", &|c| c.tau_mem = vec![].into()),
            ("tau_syn", &|c| c.tau_syn = f64::NAN.into()),
            ("tau_syn[0]", &|c| c.tau_syn = vec![0.0].into()),
            ("tau_adaptation", &|c| c.tau_adaptation = 0.0),
            ("adaptation", &|c| c.adaptation = -0.1),
            ("tau_readout", &|c| c.tau_readout = f64::INFINITY),
            ("threshold", &|c| c.threshold = 0.0),
            ("beta", &|c| c.surrogate.beta = f64::NAN),
        ];
        for (name, spoil) in cases {
            let mut config = good.clone();
            spoil(&mut config);
            match config.validate() {
                Err(Error::Setting { of, field, .. }) => {
                    assert_eq!(field, name);
                    assert_eq!(of == Settings::Surrogate, name == "beta");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    /// The values of section 4.1 of the paper and its table of parameters, written out.
    #[test]
    fn defaults_are_those_of_the_paper() {
        let expected = serde_json::json!({
            "inputs": 700, "hidden": [], "outputs": 20,
            "dt": 1.0, "neuron": "lif", "tau_mem": 10.0, "tau_syn": 5.0, "tau_adaptation": 100.0, "adaptation": 1.8,
            "tau_readout": 20.0, "threshold": 1.0,
            "surrogate": { "shape": "super-spike", "beta": 10.0 },
            "reset": "delayed", "reset_gradient": "detached", "recurrent_gradient": "propagate",
            "readout": "max", "readout_start": 0.0, "implementation": "fused",
        });
        assert_eq!(serde_json::to_value(NetworkConfig::new(700, 20)).unwrap(), expected);
    }

    #[test]
    fn configurations_without_the_newer_settings_are_read() {
        let config = NetworkConfig { hidden: vec![Layer::recurrent(3)], ..NetworkConfig::new(2, 2) };
        let mut value = serde_json::to_value(&config).unwrap();
        for key in ["neuron", "tau_adaptation", "adaptation", "reset"] {
            value.as_object_mut().unwrap().remove(key);
        }
        assert_eq!(serde_json::from_value::<NetworkConfig>(value).unwrap(), config);
    }

    #[test]
    fn time_constants_of_each_layer() {
        let taus = TimeConstant::from(vec![10.0, 30.0]);
        assert_eq!([taus.of(0), taus.of(1), taus.of(2)], [10.0, 30.0, 30.0]);
        let hidden = vec![Layer::feed_forward(3); 2];
        let config = NetworkConfig { hidden, tau_syn: taus, ..NetworkConfig::new(2, 2) };
        config.validate().unwrap();
        let syn = |decay: Decay<f64>| decay.syn;
        assert_eq!(syn(Decay::hidden(&config, 0)), (-0.1f64).exp());
        assert_eq!(syn(Decay::hidden(&config, 1)), syn(Decay::readout(&config)));
        assert_eq!(serde_json::to_string(&config.tau_syn).unwrap(), "[10.0,30.0]");
        let message = NetworkConfig { hidden: vec![], ..config }.validate().unwrap_err().to_string();
        assert!(
            message.contains("`tau_syn` of the network is a list of 2") && message.contains("one number"),
            "{message}"
        );
    }

    #[test]
    fn the_fused_implementation_names_unsupported_settings() {
        let config = NetworkConfig { neuron: NeuronKind::AdaptiveLif, ..NetworkConfig::new(2, 2) };
        let message = config.validate().unwrap_err().to_string();
        assert!(message.contains("adaptive-lif") && message.contains("reference"), "{message}");
        let reference = NetworkConfig { implementation: Implementation::Reference, ..config };
        assert_eq!(reference.validate(), Ok(()));
        for (kind, word) in NeuronKind::ALL.iter().zip(NeuronKind::WORDS) {
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{word}\""));
        }
    }
}
