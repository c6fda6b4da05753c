//! The sections of an experiment. Each key is written down here once: name, type, default, unit, range and meaning.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use snn_core::{
    Implementation, LossKind, NeuronKind, OptimizerKind, Readout, RecurrentGradient, Reset, ResetGradient,
    ScheduleKind, SurrogateShape, TimeConstant,
};

use super::key::{Key, Values};

/// From one list of keys: the struct that holds a section, its defaults, its documentation and its [`Key`]s.
///
/// A key reads `name: type = default, unit, values;` with its meaning above it.
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
        /// Units of each hidden layer, from the input upwards; an empty list leaves the readout alone.
        hidden: Vec<usize> = vec![100], "units", Values::Integers(1, 65_536);
        /// Whether a hidden layer has all-to-all connections onto itself.
        recurrent: Recurrent = Recurrent::All(false), "", Values::Switches;
        /// Model of the hidden units; `adaptive-lif` has a threshold that rises with each spike, and needs `implementation`
        /// reference.
        neuron: NeuronKind = NeuronKind::Lif, "", Values::Choice(NeuronKind::WORDS);
        /// Membrane time constant of the hidden units.
        tau_mem: TimeConstant = TimeConstant::All(10.0), "ms", Values::PER_LAYER;
        /// Synaptic time constant; the readout has that of the last hidden layer.
        tau_syn: TimeConstant = TimeConstant::All(5.0), "ms", Values::PER_LAYER;
        /// Time constant of the adaptation: `adaptive-lif`.
        tau_adaptation: f64 = 100.0, "ms", Values::POSITIVE;
        /// By how much the threshold rises at most: `adaptive-lif`.
        adaptation: f64 = 1.8, "", Values::AT_LEAST_0;
        /// Membrane time constant of the readout units.
        tau_readout: f64 = 20.0, "ms", Values::POSITIVE;
        /// Membrane potential above which a unit spikes.
        threshold: f64 = 1.0, "", Values::POSITIVE;
        /// Whether the gradient flows through the reset after a spike.
        reset_gradient: ResetGradient = ResetGradient::Detached, "", Values::Choice(&["detached", "differentiable"]);
        /// Whether the gradient flows through recurrent connections back into the spikes.
        recurrent_gradient: RecurrentGradient = RecurrentGradient::Propagate, "", Values::Choice(&["propagate", "detached"]);
        /// Which implementation computes the network: the same spikes and gradients, fast or readable.
        implementation: Implementation = Implementation::Fused, "", Values::Choice(&["fused", "reference"]);
        /// When a spike resets the potential: in the step after it, which is a refractory step, or in its own step, as most
        /// simulators and chips do.
        reset: Reset = Reset::Delayed, "", Values::Choice(&["delayed", "immediate"]);
    }
}

section! {
    /// `[surrogate]`: what stands for the derivative of a spike in the backward pass.
    SurrogateSection = "surrogate" {
        /// The curve.
        shape: SurrogateShape = SurrogateShape::SuperSpike, "", Values::Choice(SurrogateShape::WORDS);
        /// Slope of the curve; `constant` and `true` have none.
        beta: f64 = 10.0, "", Values::AT_LEAST_0;
    }
}

section! {
    /// `[readout]`: how logits come from the readout potentials.
    ReadoutSection = "readout" {
        /// Maximum or sum over time.
        head: Readout = Readout::Max, "", Values::Choice(&["max", "sum"]);
        /// Readout potential at the start; slightly below 0 lets a silent network learn under `max`.
        start: f64 = 0.0, "", Values::FINITE;
    }
}

section! {
    /// `[regularizer]`: penalties on too few and too many spikes of the hidden units. A strength of 0 turns one off.
    RegularizerSection = "regularizer" {
        /// Strength of the penalty on units that spike less often than `lower_threshold`.
        lower_strength: f64 = 100.0, "", Values::AT_LEAST_0;
        /// Spikes of a unit within a sample below which it is penalized.
        lower_threshold: f64 = 1e-3, "spikes", Values::AT_LEAST_0;
        /// Strength of the penalty on layers that spike more often than `upper_threshold`.
        upper_strength: f64 = 0.0, "", Values::AT_LEAST_0;
        /// Spikes within a sample, averaged over the units of a layer, above which it is penalized.
        upper_threshold: f64 = 0.0, "spikes", Values::AT_LEAST_0;
        /// Power of the upper penalty.
        upper_norm: u8 = 1, "", Values::Integer(1, 2);
    }
}

section! {
    /// `[initialization]`: how weights start; k = 1 / number of afferents of the matrix.
    InitializationSection = "initialization" {
        /// `uniform` draws from (-gain sqrt k, gain sqrt k), `normal` with standard deviation gain sqrt k;
        /// `fluctuation-driven` gives membrane potentials `mean` and `deviation` (Rossbroich, Gygax & Zenke 2022).
        distribution: Distribution = Distribution::Uniform, "", Values::Choice(&["uniform", "normal", "fluctuation-driven"]);
        /// Factor on the width of the distribution: `uniform` and `normal`. The paper prints 1.
        gain: f64 = 1.0, "", Values::POSITIVE;
        /// Another factor, on the weights from the layer below to a hidden layer.
        input_gain: f64 = 1.0, "", Values::POSITIVE;
        /// Another factor, on the recurrent weights.
        recurrent_gain: f64 = 1.0, "", Values::POSITIVE;
        /// Another factor, on the weights of the readout.
        readout_gain: f64 = 1.0, "", Values::POSITIVE;
        /// Mean of the membrane potentials: `fluctuation-driven`.
        mean: f64 = 0.0, "", Values::FINITE;
        /// Standard deviation of the membrane potentials over time: `fluctuation-driven`.
        deviation: f64 = 1.0, "", Values::POSITIVE;
        /// Share of recurrent weights in the variance of the potentials: `fluctuation-driven`.
        recurrent_share: f64 = 0.1, "", Values::BELOW_1;
        /// Seed of the initial weights.
        seed: u64 = 0, "", Values::SEED;
        /// File of weights to start from instead: a checkpoint, an export, or safetensors or npz with matrices `W1`, `V1`, ..
        /// `Wout` of shape [units below, units]; empty draws them. The same as `snn train --init`.
        weights: PathBuf = PathBuf::new(), "", Values::Text;
        /// The matrices to take from that file; an empty list takes all. The others are drawn.
        only: Vec<String> = Vec::new(), "", Values::Words;
    }
}

section! {
    /// `[loss]`: what training makes small, beside the regularizer.
    LossSection = "loss" {
        /// Cross-entropy of the logits, or squared distance of the last hidden layer's spike counts from a target.
        name: LossKind = LossKind::CrossEntropy, "", Values::Choice(LossKind::WORDS);
        /// Share of the target that goes to all classes alike; `cross-entropy` alone has it.
        label_smoothing: f64 = 0.0, "", Values::BELOW_1;
        /// Spikes that a unit of the right class is to fire within a sample; `spike-count` alone has it.
        target_count: f64 = 10.0, "spikes", Values::AT_LEAST_0;
        /// Spikes that a unit of any other class is to fire within a sample; `spike-count` alone has it.
        other_count: f64 = 1.0, "spikes", Values::AT_LEAST_0;
    }
}

section! {
    /// `[optimizer]`: how gradients move weights.
    OptimizerSection = "optimizer" {
        /// The rule. `smorms3` computes on the CPU alone.
        name: OptimizerKind = OptimizerKind::Adam, "", Values::Choice(OptimizerKind::WORDS);
        /// Step size.
        learning_rate: f64 = 0.03, "", Values::POSITIVE;
        /// Factor on the step size after each epoch (or as `schedule.name` has it); 1 keeps it.
        learning_rate_decay: f64 = 1.0, "", Values::ABOVE_0_UP_TO_1;
        /// Decay of the mean of the gradient, per step: `adam` and `adamw`.
        beta1: f64 = 0.9, "", Values::BELOW_1;
        /// Decay of the mean of the squared gradient, per step: `adam` and `adamw`.
        beta2: f64 = 0.999, "", Values::BELOW_1;
        /// Added to the root of the mean squared gradient: all but `sgd`. The author of `smorms3` takes 1e-16.
        epsilon: f64 = 1e-8, "", Values::POSITIVE;
        /// Decay of the velocity, per step: `sgd`.
        momentum: f64 = 0.9, "", Values::BELOW_1;
        /// Pull of the weights to 0: `adamw` multiplies them by 1 - learning_rate weight_decay, the others add weight_decay
        /// times the weight to its gradient.
        weight_decay: f64 = 0.0, "", Values::AT_LEAST_0;
    }
}

section! {
    /// `[schedule]`: how the step size changes from epoch to epoch.
    ScheduleSection = "schedule" {
        /// `exponential` decays after every epoch, `step` after every `step_epochs`, both by `optimizer.learning_rate_decay`;
        /// `cosine` goes down along half a wave.
        name: ScheduleKind = ScheduleKind::Exponential, "", Values::Choice(ScheduleKind::WORDS);
        /// Epochs from one decay to the next: `step`.
        step_epochs: u32 = 10, "epochs", Values::Integer(1, 1_000_000);
        /// Epochs of the way down: `cosine`; 0 takes all epochs after the warm-up.
        cosine_epochs: u32 = 0, "epochs", Values::Integer(0, 1_000_000);
        /// Share of the step size that is left at the end of the way down: `cosine`.
        minimum: f64 = 0.0, "", Values::FROM_0_TO_1;
        /// Epochs in which the step size rises to `optimizer.learning_rate`, before the schedule begins.
        warm_up_epochs: u32 = 0, "epochs", Values::Integer(0, 1_000_000);
    }
}

section! {
    /// `[training]`: for how long, in which portions and in which order.
    TrainingSection = "training" {
        /// Passes over the training samples.
        epochs: u32 = 50, "epochs", Values::Integer(1, 1_000_000);
        /// Samples of one update of the weights; the last batch of an epoch may be smaller.
        batch_size: usize = 250, "samples", Values::Integer(1, 1_000_000);
        /// Seed of the order of the samples.
        seed: u64 = 0, "", Values::SEED;
        /// Largest norm of the gradient, all weights together; a longer one is scaled down to it. 0 leaves it as it is.
        clip_norm: f64 = 0.0, "", Values::AT_LEAST_0;
        /// Weight matrices that stay as they are: `W1`, `V1`, .. `Wout`.
        freeze: Vec<String> = Vec::new(), "", Values::Words;
        /// Stop early after so many epochs without a better one on validation; 0 never does.
        patience: u32 = 0, "epochs", Values::Integer(0, 1_000_000);
        /// Which model is tested: the one best on validation, or that of the last epoch.
        selection: Selection = Selection::Best, "", Values::Choice(&["best", "last"]);
        /// Memory that the run may take, against which it is checked before it begins; 0 is what the machine has free then.
        memory_limit: f64 = 0.0, "GB", Values::AT_LEAST_0;
        /// Within an epoch a checkpoint is written after so long; after every epoch in any case. 0 never does.
        checkpoint_interval: f64 = 300.0, "s", Values::AT_LEAST_0;
    }
}

section! {
    /// `[probe]`: what is looked at on the way, for whoever watches; results do not depend on it.
    ProbeSection = "probe" {
        /// Epochs from one probe to the next; 0 takes none.
        every: u32 = 1, "epochs", Values::Integer(0, 1_000_000);
        /// Probes that are kept; with more epochs they lie further apart.
        limit: u32 = 50, "probes", Values::Integer(2, 10_000);
        /// Indices of the samples that are probed; an empty list takes four of different classes, held out if there are any.
        samples: Vec<usize> = Vec::new(), "samples", Values::Integers(0, u32::MAX as u64);
        /// Hidden units whose potential is traced, in every layer that has them; an empty list takes four.
        neurons: Vec<usize> = Vec::new(), "units", Values::Integers(0, 65_535);
        /// Units of a layer whose spikes are kept; of larger layers so many, spread evenly.
        units: usize = 128, "units", Values::Integer(1, 65_536);
        /// Whether scalars of every epoch and histograms with every probe are written to a file for TensorBoard, too.
        tensorboard: bool = false, "", Values::Switch;
    }
}

/// Which hidden layers are recurrent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Recurrent {
    /// All of them or none.
    All(bool),
    /// One switch for each layer.
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
    /// Normal, with the mean and width that give membrane potentials a chosen mean and standard deviation.
    FluctuationDriven,
}

/// Which of the epochs' models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selection {
    /// That of the best epoch on validation.
    Best,
    /// That of the last epoch.
    Last,
}
