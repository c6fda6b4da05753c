//! What a network is: sizes, time constants, and the switches of its backward pass.

use crate::{Error, Float, Surrogate};
use serde::{Deserialize, Serialize};

/// One hidden layer of leaky integrate-and-fire units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Number of units, 1 ..= 65 536.
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

/// Whether the gradient flows through the reset factor `1 - S[n]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetGradient {
    /// The factor counts as a constant (`Ctl` in the paper's figures).
    #[default]
    Detached,
    /// The surrogate acts there too (`DR` in the paper's figures).
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

/// Which of the two implementations computes the network. Spikes and gradients are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Implementation {
    /// One entry on the tape, event-driven, SIMD and all cores; `f32` only.
    #[default]
    Fused,
    /// Step by step out of plain dfdx operations, next to the equations; `f32` and `f64`.
    Reference,
}

/// A network of current-based leaky integrate-and-fire layers with a leaky readout.
///
/// The model, in steps `n` of `dt`, all states zero at the start, `S_0[n]` the input:
///
/// ```text
/// S_l[n]     = 1 if U_l[n] > threshold else 0
/// U_l[n+1]   = (b_mem U_l[n] + (1 - b_mem) I_l[n]) (1 - S_l[n])
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
    /// Number of input units, 1 ..= 65 536.
    pub inputs: usize,
    /// Hidden layers from the input upwards; may be empty.
    pub hidden: Vec<Layer>,
    /// Number of readout units (classes), 1 ..= 65 536.
    pub outputs: usize,
    /// Length of a time step in ms, default 1.
    pub dt: f64,
    /// Membrane time constant of the hidden units in ms, default 10.
    pub tau_mem: f64,
    /// Synaptic time constant in ms, default 5.
    pub tau_syn: f64,
    /// Membrane time constant of the readout in ms, default 20.
    pub tau_readout: f64,
    /// Firing threshold, default 1. The surrogate sees `x = U - threshold`.
    pub threshold: f64,
    /// Surrogate derivative, default SuperSpike with slope 10.
    pub surrogate: Surrogate,
    /// Gradient through the reset, default detached.
    pub reset_gradient: ResetGradient,
    /// Gradient through recurrent connections, default propagate.
    pub recurrent_gradient: RecurrentGradient,
    /// Readout head, default Max.
    pub readout: Readout,
    /// `U_out[0]`, default 0. Slightly below 0 (the authors' later code takes -0.001) the maximum over time of a silent
    /// readout moves from the first to the last step, and a silent network can learn.
    pub readout_start: f64,
    /// Which implementation computes it, default fused.
    pub implementation: Implementation,
}

/// Most units that a layer may have: indices are stored in 16 bits.
pub(crate) const MAX_UNITS: usize = 1 << 16;

impl NetworkConfig {
    /// A network without hidden layer, everything else as the paper has it.
    #[must_use]
    pub fn new(inputs: usize, outputs: usize) -> Self {
        NetworkConfig {
            inputs,
            hidden: Vec::new(),
            outputs,
            dt: 1.0,
            tau_mem: 10.0,
            tau_syn: 5.0,
            tau_readout: 20.0,
            threshold: 1.0,
            surrogate: Surrogate::default(),
            reset_gradient: ResetGradient::default(),
            recurrent_gradient: RecurrentGradient::default(),
            readout: Readout::default(),
            readout_start: 0.0,
            implementation: Implementation::default(),
        }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first setting that is out of range, its value and the range.
    pub fn validate(&self) -> Result<(), Error> {
        let layers = self.hidden.iter().enumerate();
        let widths = layers.map(|(l, layer)| (format!("hidden[{l}].units"), layer.units));
        let ends = [("inputs".to_owned(), self.inputs), ("outputs".to_owned(), self.outputs)];
        for (key, width) in widths.chain(ends) {
            if width == 0 || width > MAX_UNITS {
                let expected = format!("from 1 to {MAX_UNITS} (units are numbered in 16 bits)");
                return Err(Error::setting(key, width, expected));
            }
        }
        for (key, value) in [
            ("dt", self.dt),
            ("tau_mem", self.tau_mem),
            ("tau_syn", self.tau_syn),
            ("tau_readout", self.tau_readout),
            ("threshold", self.threshold),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::setting(key, value, "a finite number above 0"));
            }
        }
        if !self.readout_start.is_finite() {
            return Err(Error::setting("readout_start", self.readout_start, "a finite number"));
        }
        self.surrogate.validate()
    }

    /// Units that feed hidden layer `layer`, or the readout for `layer == hidden.len()`.
    pub(crate) fn fan_in(&self, layer: usize) -> usize {
        if layer == 0 { self.inputs } else { self.hidden[layer - 1].units }
    }
}

/// The decay factors of the model, `b_x = exp(-dt / tau_x)`, and their complements, computed in `f64`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Decay<E> {
    pub(crate) mem: E,
    pub(crate) one_minus_mem: E,
    pub(crate) syn: E,
    pub(crate) out: E,
    pub(crate) one_minus_out: E,
}

impl<E: Float> Decay<E> {
    pub(crate) fn new(config: &NetworkConfig) -> Self {
        let factor = |tau: f64| (-config.dt / tau).exp();
        let (mem, syn, out) = (factor(config.tau_mem), factor(config.tau_syn), factor(config.tau_readout));
        Decay {
            mem: E::of(mem),
            one_minus_mem: E::of(1.0 - mem),
            syn: E::of(syn),
            out: E::of(out),
            one_minus_out: E::of(1.0 - out),
        }
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
        let cases: [(&str, Spoil<'_>); 9] = [
            ("inputs", &|c| c.inputs = 0),
            ("outputs", &|c| c.outputs = 65_537),
            ("hidden[0].units", &|c| c.hidden[0].units = 0),
            ("dt", &|c| c.dt = 0.0),
            ("tau_mem", &|c| c.tau_mem = -1.0),
            ("tau_syn", &|c| c.tau_syn = f64::NAN),
            ("tau_readout", &|c| c.tau_readout = f64::INFINITY),
            ("threshold", &|c| c.threshold = 0.0),
            ("surrogate.beta", &|c| c.surrogate.beta = f64::NAN),
        ];
        for (name, spoil) in cases {
            let mut config = good.clone();
            spoil(&mut config);
            match config.validate() {
                Err(Error::Setting { key, .. }) => assert_eq!(key, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
