//! The definition of an experiment, and its network and optimizer.

use serde::{Deserialize, Serialize};
use snn_core::{
    Implementation, Initialization, Layer, NetworkConfig, NeuronKind, Regularizer, Surrogate, TimeConstant,
};
use snn_data::Dataset;
use toml::{Table, Value};

use super::{
    data::Data,
    key,
    sections::{
        Distribution, InitializationSection, LossSection, NetworkSection, OptimizerSection, ProbeSection,
        ReadoutSection, Recurrent, RegularizerSection, ScheduleSection, SurrogateSection, TrainingSection,
    },
};
use crate::error::Error;

/// Everything that determines a run: the data, the network, its training, and all seeds.
///
/// The default is the paper's default network on its default random manifolds, with initial weights as printed. The preset
/// `randman` differs only in `initialization.gain`, with which its hidden units spike before training. A TOML file has one
/// section per field; missing keys have their defaults, unknown keys are an error. [`keys`](super::keys()) documents them.
///
/// Seeds by purpose: `data.seed`, `initialization.seed` and `training.seed` (the order of the samples).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Experiment {
    /// The data set and its parameters.
    pub data: Data,
    /// Hidden layers, time constants, and the switches of the backward pass.
    pub network: NetworkSection,
    /// The surrogate for the derivative of a spike in the backward pass.
    pub surrogate: SurrogateSection,
    /// How logits are computed from the readout potentials.
    pub readout: ReadoutSection,
    /// Penalties on too few and too many spikes.
    pub regularizer: RegularizerSection,
    /// The initial weights.
    pub initialization: InitializationSection,
    /// The loss, in addition to the penalties.
    pub loss: LossSection,
    /// The optimizer.
    pub optimizer: OptimizerSection,
    /// The learning-rate schedule.
    pub schedule: ScheduleSection,
    /// Length, batch size, order and limits of training.
    pub training: TrainingSection,
    /// What to record during training.
    pub probe: ProbeSection,
}

impl Experiment {
    /// Checks constraints between values.
    pub(super) fn validate_together(&self) -> Result<(), Error> {
        if let Recurrent::Each(switches) = &self.network.recurrent
            && switches.len() != self.network.hidden.len()
        {
            return Err(Error::Impossible(format!(
                "network.recurrent has a different number of entries ({}) than network.hidden ({}); set one value per layer",
                switches.len(),
                self.network.hidden.len()
            )));
        }
        for (key, tau) in [("tau_mem", &self.network.tau_mem), ("tau_syn", &self.network.tau_syn)] {
            if let TimeConstant::Each(taus) = tau
                && taus.len() != self.network.hidden.len()
            {
                return Err(Error::Impossible(format!(
                    "network.{key} has a different number of entries ({}) than network.hidden ({}); set one number, or one per layer",
                    taus.len(),
                    self.network.hidden.len()
                )));
            }
        }
        let NetworkSection { neuron, implementation, .. } = self.network;
        if neuron != NeuronKind::Lif && implementation == Implementation::Fused {
            return Err(Error::Impossible(format!(
                "the fused implementation does not support {} units; set network.implementation to \"reference\"",
                neuron.word()
            )));
        }
        self.check_matrices()?;
        self.data.validate()?;
        self.check_representable()?;
        let steps = self.data.steps();
        let batch_size = self.training.batch_size;
        if batch_size as u64 * steps as u64 >= u64::from(u32::MAX) {
            return Err(Error::Impossible(format!(
                "training.batch_size x data.steps = {batch_size} x {steps} must be below 2^32; lower one of them"
            )));
        }
        Ok(())
    }

    /// The network that this experiment trains on `dataset`.
    #[must_use]
    pub fn network_config(&self, dataset: &dyn Dataset) -> NetworkConfig {
        self.network_of(dataset.inputs(), dataset.classes(), dataset.dt())
    }

    /// The network of this experiment for this number of inputs and classes, with steps of `dt` ms.
    #[must_use]
    pub fn network_of(&self, inputs: usize, classes: usize, dt: f64) -> NetworkConfig {
        let hidden = self.network.hidden.iter().enumerate().map(|(layer, &units)| Layer {
            units,
            recurrent: match &self.network.recurrent {
                Recurrent::All(recurrent) => *recurrent,
                Recurrent::Each(each) => each.get(layer).copied().unwrap_or_default(),
            },
        });
        NetworkConfig {
            inputs,
            hidden: hidden.collect(),
            outputs: classes,
            dt,
            neuron: self.network.neuron,
            tau_mem: self.network.tau_mem.clone(),
            tau_syn: self.network.tau_syn.clone(),
            tau_adaptation: self.network.tau_adaptation,
            adaptation: self.network.adaptation,
            tau_readout: self.network.tau_readout,
            threshold: self.network.threshold,
            surrogate: Surrogate { shape: self.surrogate.shape, beta: self.surrogate.beta },
            reset: self.network.reset,
            reset_gradient: self.network.reset_gradient,
            recurrent_gradient: self.network.recurrent_gradient,
            readout: self.readout.head,
            readout_start: self.readout.start,
            implementation: self.network.implementation,
        }
    }

    /// The distribution of its initial weights, without what depends on the data and without the gains of individual matrices:
    /// [`Experiment::network`] draws them.
    #[must_use]
    pub fn initialization(&self) -> Initialization {
        let gain = self.initialization.gain;
        match self.initialization.distribution {
            Distribution::Uniform => Initialization::Uniform { gain },
            Distribution::Normal => Initialization::Normal { gain },
            Distribution::FluctuationDriven => Initialization::Normal { gain: 1.0 },
        }
    }

    /// The penalties on its activity.
    #[must_use]
    pub fn regularizer(&self) -> Regularizer {
        Regularizer {
            lower_strength: self.regularizer.lower_strength,
            lower_threshold: self.regularizer.lower_threshold,
            upper_strength: self.regularizer.upper_strength,
            upper_threshold: self.regularizer.upper_threshold,
            upper_norm: self.regularizer.upper_norm,
        }
    }

    /// Every key with its value.
    pub(crate) fn to_table(&self) -> Result<Table, Error> {
        // TOML's integers are limited to 2^63 - 1, which a seed set in code may exceed.
        Table::try_from(self).map_err(|error| Error::Impossible(error.to_string()))
    }

    /// The value of a key, such as `optimizer.learning_rate`; `None` for a key that this experiment does not have.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        key::value(&self.to_table().ok()?, key).cloned()
    }
}
