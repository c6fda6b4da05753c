//! The sections of an experiment. Each key is defined here once: name, type, default, unit, range and documentation.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use snn_core::{
    Implementation, LossKind, NeuronKind, OptimizerKind, Readout, RecurrentGradient, Reset, ResetGradient,
    ScheduleKind, SurrogateShape, TimeConstant,
};

use super::key::{Key, Values};

/// Generates from one list of keys the struct of a section, its defaults, its documentation and its [`Key`]s.
///
/// A key is `name: type = default, unit, values;` with its documentation above it.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident = $section:literal {
            $($(#[doc = $help:literal])+ $key:ident: $type:ty = $default:expr, $unit:literal, $values:expr;)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[doc = $help])+ #[doc = concat!("\n\nDefault `", stringify!($default), "` ", $unit)] pub $key: $type,)+
        }

        impl $name {
            pub(super) const KEYS: &[Key] = &[$(Key {
                path: concat!($section, ".", stringify!($key)),
                values: $values,
                unit: $unit,
                help: concat!($($help),+).trim_ascii_start(),
                data_sets: &[],
            }),+];
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default),+ }
            }
        }
    };
}

section! {
    /// `[network]`: hidden layers, time constants and the switches of the backward pass.
    NetworkSection = "network" {
        /// Units of each hidden layer, starting at the input; an empty list for the readout only.
        hidden: Vec<usize> = vec![100], "units", Values::Integers(1, 65_536);
        /// Whether a hidden layer has all-to-all recurrent connections.
        recurrent: Recurrent = Recurrent::All(false), "", Values::Switches;
        /// Model of the hidden units; `adaptive-lif` has a threshold that rises with each spike, and requires `implementation`
        /// reference.
        neuron: NeuronKind = NeuronKind::Lif, "", Values::Choice(NeuronKind::WORDS);
        /// Membrane time constant of the hidden units.
        tau_mem: TimeConstant = TimeConstant::All(10.0), "ms", Values::PER_LAYER;
        /// Synaptic time constant; the readout uses that of the last hidden layer.
        tau_syn: TimeConstant = TimeConstant::All(5.0), "ms", Values::PER_LAYER;
        /// Time constant of the adaptation; for `adaptive-lif`.
        tau_adaptation: f64 = 100.0, "ms", Values::POSITIVE;
        /// Maximum increase of the threshold; for `adaptive-lif`.
        adaptation: f64 = 1.8, "", Values::AT_LEAST_0;
        /// Membrane time constant of the readout units.
        tau_readout: f64 = 20.0, "ms", Values::POSITIVE;
        /// Membrane potential above which a unit spikes.
        threshold: f64 = 1.0, "", Values::POSITIVE;
        /// Whether the gradient flows through the reset after a spike.
        reset_gradient: ResetGradient = ResetGradient::Detached, "", Values::Choice(&["detached", "differentiable"]);
        /// Whether the gradient flows through recurrent connections back into the spikes.
        recurrent_gradient: RecurrentGradient = RecurrentGradient::Propagate, "", Values::Choice(&["propagate", "detached"]);
        /// Implementation of the network: fast or readable, with the same spikes and gradients.
        implementation: Implementation = Implementation::Fused, "", Values::Choice(&["fused", "reference"]);
        /// When a spike resets the potential: in the next step, which is refractory, or in its own step, as in most simulators and
        /// chips.
        reset: Reset = Reset::Delayed, "", Values::Choice(&["delayed", "immediate"]);
    }
}

section! {
    /// `[surrogate]`: the surrogate for the derivative of a spike in the backward pass.
    SurrogateSection = "surrogate" {
        /// Shape of the curve.
        shape: SurrogateShape = SurrogateShape::SuperSpike, "", Values::Choice(SurrogateShape::WORDS);
        /// Slope of the curve; `constant` and `true` have none.
        beta: f64 = 10.0, "", Values::AT_LEAST_0;
    }
}

section! {
    /// `[readout]`: how logits are computed from the readout potentials.
    ReadoutSection = "readout" {
        /// Maximum or sum over time.
        head: Readout = Readout::Max, "", Values::Choice(&["max", "sum"]);
        /// Initial readout potential; slightly below 0 lets a silent network learn with `max`.
        start: f64 = 0.0, "", Values::FINITE;
    }
}

section! {
    /// `[regularizer]`: penalties on too few and too many spikes of the hidden units. A strength of 0 disables one.
    RegularizerSection = "regularizer" {
        /// Strength of the penalty on units that spike less often than `lower_threshold`.
        lower_strength: f64 = 100.0, "", Values::AT_LEAST_0;
        /// Spikes of a unit per sample below which it is penalized.
        lower_threshold: f64 = 1e-3, "spikes", Values::AT_LEAST_0;
        /// Strength of the penalty on layers that spike more often than `upper_threshold`.
        upper_strength: f64 = 0.0, "", Values::AT_LEAST_0;
        /// Spikes per sample, averaged over the units of a layer, above which it is penalized.
        upper_threshold: f64 = 0.0, "spikes", Values::AT_LEAST_0;
        /// Exponent of the upper penalty.
        upper_norm: u8 = 1, "", Values::Integer(1, 2);
    }
}

section! {
    /// `[initialization]`: the initial weights; k = 1 / number of afferents of the matrix.
    InitializationSection = "initialization" {
        /// `uniform` draws from (-gain sqrt k, gain sqrt k), `normal` with standard deviation gain sqrt k;
        /// `fluctuation-driven` gives membrane potentials `mean` and `deviation` (Rossbroich, Gygax & Zenke 2022).
        distribution: Distribution = Distribution::Uniform, "", Values::Choice(&["uniform", "normal", "fluctuation-driven"]);
        /// Factor on the width of the distribution; for `uniform` and `normal`. The printed value in the paper is 1.
        gain: f64 = 1.0, "", Values::POSITIVE;
        /// Additional factor on the weights from the layer below to a hidden layer.
        input_gain: f64 = 1.0, "", Values::POSITIVE;
        /// Additional factor on the recurrent weights.
        recurrent_gain: f64 = 1.0, "", Values::POSITIVE;
        /// Additional factor on the readout weights.
        readout_gain: f64 = 1.0, "", Values::POSITIVE;
        /// Mean of the membrane potentials; for `fluctuation-driven`.
        mean: f64 = 0.0, "", Values::FINITE;
        /// Standard deviation of the membrane potentials over time; for `fluctuation-driven`.
        deviation: f64 = 1.0, "", Values::POSITIVE;
        /// Fraction of the potentials' variance due to recurrent weights; for `fluctuation-driven`.
        recurrent_share: f64 = 0.1, "", Values::BELOW_1;
        /// Seed of the initial weights.
        seed: u64 = 0, "", Values::SEED;
        /// File with weights to start from instead: a checkpoint, an export, or safetensors or npz with matrices `W1`, `V1`, ..
        /// `Wout` of shape [units below, units]; empty draws them. The same as `snn train --init`.
        weights: PathBuf = PathBuf::new(), "", Values::Text;
        /// Matrices to load from that file; an empty list for all. The others are drawn.
        only: Vec<String> = Vec::new(), "", Values::Words;
    }
}

section! {
    /// `[loss]`: the loss, in addition to the regularizer.
    LossSection = "loss" {
        /// Cross-entropy of the logits, or squared distance of the last hidden layer's spike counts from a target.
        name: LossKind = LossKind::CrossEntropy, "", Values::Choice(LossKind::WORDS);
        /// Fraction of the target distributed equally among all classes; only for `cross-entropy`.
        label_smoothing: f64 = 0.0, "", Values::BELOW_1;
        /// Target number of spikes per sample for a unit of the correct class; only for `spike-count`.
        target_count: f64 = 10.0, "spikes", Values::AT_LEAST_0;
        /// Target number of spikes per sample for a unit of any other class; only for `spike-count`.
        other_count: f64 = 1.0, "spikes", Values::AT_LEAST_0;
    }
}

section! {
    /// `[optimizer]`: the optimizer.
    OptimizerSection = "optimizer" {
        /// Update rule. `smorms3` runs only on the CPU.
        name: OptimizerKind = OptimizerKind::Adam, "", Values::Choice(OptimizerKind::WORDS);
        /// Learning rate.
        learning_rate: f64 = 0.03, "", Values::POSITIVE;
        /// Factor on the learning rate after each epoch (or according to `schedule.name`); 1 keeps it constant.
        learning_rate_decay: f64 = 1.0, "", Values::ABOVE_0_UP_TO_1;
        /// Decay of the mean of the gradient, per step; for `adam` and `adamw`.
        beta1: f64 = 0.9, "", Values::BELOW_1;
        /// Decay of the mean of the squared gradient, per step; for `adam` and `adamw`.
        beta2: f64 = 0.999, "", Values::BELOW_1;
        /// Added to the root of the mean squared gradient; for all except `sgd`. The author of `smorms3` uses 1e-16.
        epsilon: f64 = 1e-8, "", Values::POSITIVE;
        /// Decay of the velocity, per step (momentum); for `sgd`.
        momentum: f64 = 0.9, "", Values::BELOW_1;
        /// Weight decay: `adamw` multiplies weights by 1 - learning_rate weight_decay, the others add weight_decay times the weight
        /// to its gradient.
        weight_decay: f64 = 0.0, "", Values::AT_LEAST_0;
    }
}

section! {
    /// `[schedule]`: how the learning rate changes from epoch to epoch.
    ScheduleSection = "schedule" {
        /// `exponential` decays after every epoch, `step` after every `step_epochs`, both by `optimizer.learning_rate_decay`;
        /// `cosine` decreases along half a cosine wave.
        name: ScheduleKind = ScheduleKind::Exponential, "", Values::Choice(ScheduleKind::WORDS);
        /// Epochs between two decays; for `step`.
        step_epochs: u32 = 10, "epochs", Values::Integer(1, 1_000_000);
        /// Epochs of the decrease; for `cosine`; 0 for all epochs after the warm-up.
        cosine_epochs: u32 = 0, "epochs", Values::Integer(0, 1_000_000);
        /// Fraction of the learning rate at the end of the decrease; for `cosine`.
        minimum: f64 = 0.0, "", Values::FROM_0_TO_1;
        /// Epochs of linear warm-up to `optimizer.learning_rate`, before the schedule starts.
        warm_up_epochs: u32 = 0, "epochs", Values::Integer(0, 1_000_000);
    }
}

section! {
    /// `[training]`: length, batch size, order and limits of training.
    TrainingSection = "training" {
        /// Passes over the training samples.
        epochs: u32 = 50, "epochs", Values::Integer(1, 1_000_000);
        /// Samples per update of the weights; the last batch of an epoch may be smaller.
        batch_size: usize = 250, "samples", Values::Integer(1, 1_000_000);
        /// Seed of the order of the samples.
        seed: u64 = 0, "", Values::SEED;
        /// Maximum norm of the gradient over all weights; a larger gradient is scaled down to it. 0 disables clipping.
        clip_norm: f64 = 0.0, "", Values::AT_LEAST_0;
        /// Weight matrices that are not trained: `W1`, `V1`, .. `Wout`.
        freeze: Vec<String> = Vec::new(), "", Values::Words;
        /// Stop early after this many epochs without improvement on validation; 0 disables early stopping.
        patience: u32 = 0, "epochs", Values::Integer(0, 1_000_000);
        /// The model to test: the best on validation, or that of the last epoch.
        selection: Selection = Selection::Best, "", Values::Choice(&["best", "last"]);
        /// Memory that the run may use, checked before it starts; 0 for the free memory of the machine.
        memory_limit: f64 = 0.0, "GB", Values::AT_LEAST_0;
        /// Time between checkpoints within an epoch; one is always written after every epoch. 0 for none within an epoch.
        checkpoint_interval: f64 = 300.0, "s", Values::AT_LEAST_0;
    }
}

section! {
    /// `[probe]`: what to record during training for the dashboard; results do not depend on it.
    ProbeSection = "probe" {
        /// Epochs between two probes; 0 for none.
        every: u32 = 1, "epochs", Values::Integer(0, 1_000_000);
        /// Maximum number of probes to keep; with more epochs, they are further apart.
        limit: u32 = 50, "probes", Values::Integer(2, 10_000);
        /// Indices of the samples to probe; an empty list for four of different classes, held-out ones if there are any.
        samples: Vec<usize> = Vec::new(), "samples", Values::Integers(0, u32::MAX as u64);
        /// Hidden units whose potential is traced, in every layer that has them; an empty list for four units.
        neurons: Vec<usize> = Vec::new(), "units", Values::Integers(0, 65_535);
        /// Maximum number of units per layer whose spikes are kept, evenly spaced in larger layers.
        units: usize = 128, "units", Values::Integer(1, 65_536);
        /// Whether to write scalars of every epoch and histograms of every probe to a TensorBoard file, too.
        tensorboard: bool = false, "", Values::Switch;
    }
}

/// Which hidden layers are recurrent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Recurrent {
    /// All layers or none.
    All(bool),
    /// One boolean per layer.
    Each(Vec<bool>),
}

/// The distribution of the initial weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Uniform around 0.
    Uniform,
    /// Normal around 0.
    Normal,
    /// Normal, with the mean and width that give membrane potentials with the chosen mean and standard deviation.
    FluctuationDriven,
}

/// The epoch whose model is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// The best epoch on validation.
    Best,
    /// The last epoch.
    Last,
}
