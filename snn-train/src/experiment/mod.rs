//! Experiments: one value, one TOML file, one run.
//!
//! ```
//! use snn_train::Experiment;
//!
//! let mut experiment = Experiment::preset("randman")?;
//! experiment.set(&["surrogate.beta=5", "network.hidden=[100, 100]"])?;
//! assert_eq!(experiment.network.hidden, [100, 100]);
//!
//! let error = experiment.set(&["optimizer.learning_rte=0.01"]).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "--set optimizer.learning_rte=0.01: unknown key `optimizer.learning_rte`; did you mean `optimizer.learning_rate`?",
//! );
//! # Ok::<(), snn_train::Error>(())
//! ```

mod builder;
mod data;
mod key;
mod presets;
mod sections;
mod training;

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};
use snn_core::{
    Implementation, Initialization, Layer, NetworkConfig, NeuronKind, Regularizer, Surrogate, TimeConstant,
};
use snn_data::Dataset;
use toml::{Table, Value};

use crate::error::{Error, Place};
use builder::ExperimentBuilder;

pub(crate) use key::nearest;

pub use data::{Data, SpikeFiles, Stored};
pub use key::{Key, Values};
pub use presets::{Preset, presets};
pub use sections::{
    Distribution, InitializationSection, LossSection, NetworkSection, OptimizerSection, ProbeSection,
    ReadoutSection, Recurrent, RegularizerSection, ScheduleSection, Selection, SurrogateSection,
    TrainingSection,
};

/// Everything that determines a run: the data, the network, how it is trained, and all seeds.
///
/// The default is the preset `randman`: the paper's default network on its default random manifolds. A TOML file has
/// one section for each field; a key left out takes its default, an unknown one is an error. [`keys`] documents them.
///
/// Seeds by purpose: `data.seed`, `initialization.seed` and `training.seed` (the order of the samples).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Experiment {
    /// Which data set, and its parameters.
    pub data: Data,
    /// Hidden layers, time constants, and the switches of the backward pass.
    pub network: NetworkSection,
    /// What stands for the derivative of a spike in the backward pass.
    pub surrogate: SurrogateSection,
    /// How logits come from the readout potentials.
    pub readout: ReadoutSection,
    /// Penalties on too few and too many spikes.
    pub regularizer: RegularizerSection,
    /// How weights start.
    pub initialization: InitializationSection,
    /// What training makes small, beside the penalties.
    pub loss: LossSection,
    /// How gradients move weights.
    pub optimizer: OptimizerSection,
    /// How the step size changes from epoch to epoch.
    pub schedule: ScheduleSection,
    /// For how long, in which portions and in which order.
    pub training: TrainingSection,
    /// What is looked at on the way.
    pub probe: ProbeSection,
}

/// Every key of every section, in the order of the file.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    [
        Data::keys(),
        NetworkSection::KEYS,
        SurrogateSection::KEYS,
        ReadoutSection::KEYS,
        RegularizerSection::KEYS,
        InitializationSection::KEYS,
        LossSection::KEYS,
        OptimizerSection::KEYS,
        ScheduleSection::KEYS,
        TrainingSection::KEYS,
        ProbeSection::KEYS,
    ]
    .into_iter()
    .flatten()
}

impl Experiment {
    /// The preset of that name.
    ///
    /// # Errors
    /// [`Error::UnknownPreset`] names the nearest one.
    pub fn preset(name: &str) -> Result<Self, Error> {
        let preset =
            presets().iter().find(|preset| preset.name == name).ok_or_else(|| unknown_preset(name))?;
        let mut builder = ExperimentBuilder::read(preset.toml, &format!("preset {name}"))?;
        for change in preset.changes {
            builder.set(change)?;
        }
        builder.finish()
    }

    /// Reads TOML; `file` is the name by which errors call it.
    ///
    /// # Errors
    /// With the line: [`Error::Syntax`], [`Error::UnknownKey`] (names the nearest), [`Error::InvalidValue`]; and what
    /// [`Experiment::validate`] finds.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, Error> {
        ExperimentBuilder::read(text, file)?.finish()
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`], and those of [`Experiment::from_toml`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(Error::io("read the experiment", path))?;
        Self::from_toml(&text, &path.display().to_string())
    }

    /// A preset by its name, or a TOML file by its path.
    ///
    /// # Errors
    /// [`Error::UnknownPreset`] if it is neither, and those of [`Experiment::load`].
    pub fn find(preset_or_path: &str) -> Result<Self, Error> {
        if presets().iter().any(|preset| preset.name == preset_or_path) {
            Self::preset(preset_or_path)
        } else if Path::new(preset_or_path).exists() {
            Self::load(preset_or_path)
        } else {
            Err(unknown_preset(preset_or_path))
        }
    }

    /// Changes values by their keys: `section.key=value`, the value as TOML has it, or a bare word for a text.
    /// All changes are made before anything is checked, and none if one is wrong. Another `data.name` starts from the
    /// defaults of that data set.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], [`Error::InvalidValue`], and those of [`Experiment::validate`].
    pub fn set<S: AsRef<str>>(&mut self, assignments: &[S]) -> Result<(), Error> {
        let mut builder = ExperimentBuilder::of(self.to_table()?);
        for assignment in assignments {
            builder.set(assignment.as_ref())?;
        }
        *self = builder.finish()?;
        Ok(())
    }

    /// This experiment with other values, each by its key `section.key`.
    ///
    /// # Errors
    /// As for [`Experiment::set`].
    pub fn with<'a>(&self, values: impl IntoIterator<Item = (&'a str, Value)>) -> Result<Self, Error> {
        self.with_placed(values, |_| Place::Code)
    }

    /// As [`Experiment::with`]; `place` says where a key was written.
    pub(crate) fn with_placed<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, Value)>,
        place: impl Fn(&str) -> Place,
    ) -> Result<Self, Error> {
        let mut values: Vec<_> = values.into_iter().collect();
        // The other keys of `data` depend on it.
        values.sort_by_key(|(key, _)| *key != "data.name");
        let mut builder = ExperimentBuilder::of(self.to_table()?);
        for (key, value) in values {
            builder.insert(key, value, place(key))?;
        }
        builder.finish()
    }

    /// Checks every value against its range, and what must hold between values.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for one key, [`Error::Impossible`], [`Error::Network`] or [`Error::Data`] for several.
    pub fn validate(&self) -> Result<(), Error> {
        ExperimentBuilder::of(self.to_table()?).check()?;
        self.validate_together()
    }

    fn validate_together(&self) -> Result<(), Error> {
        if let Recurrent::Each(switches) = &self.network.recurrent
            && switches.len() != self.network.hidden.len()
        {
            return Err(Error::Impossible(format!(
                "network.recurrent has {} entries and network.hidden {}; give one switch for each layer",
                switches.len(),
                self.network.hidden.len()
            )));
        }
        for (key, tau) in [("tau_mem", &self.network.tau_mem), ("tau_syn", &self.network.tau_syn)] {
            if let TimeConstant::Each(taus) = tau
                && taus.len() != self.network.hidden.len()
            {
                return Err(Error::Impossible(format!(
                    "network.{key} has {} entries and network.hidden {}; give one number, or one for each layer",
                    taus.len(),
                    self.network.hidden.len()
                )));
            }
        }
        let NetworkSection { neuron, implementation, .. } = self.network;
        if neuron != NeuronKind::Lif && implementation == Implementation::Fused {
            return Err(Error::Impossible(format!(
                "the fused implementation computes no {} units; set network.implementation to \"reference\"",
                neuron.word()
            )));
        }
        self.data.validate()?;
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
        let hidden = self.network.hidden.iter().enumerate().map(|(layer, &units)| Layer {
            units,
            recurrent: match &self.network.recurrent {
                Recurrent::All(recurrent) => *recurrent,
                Recurrent::Each(each) => each.get(layer).copied().unwrap_or_default(),
            },
        });
        NetworkConfig {
            inputs: dataset.inputs(),
            hidden: hidden.collect(),
            outputs: dataset.classes(),
            dt: dataset.dt(),
            neuron: self.network.neuron,
            tau_mem: self.network.tau_mem.clone(),
            tau_syn: self.network.tau_syn.clone(),
            tau_adaptation: self.network.tau_adaptation,
            adaptation: self.network.adaptation,
            tau_readout: self.network.tau_readout,
            threshold: self.network.threshold,
            surrogate: Surrogate { shape: self.surrogate.shape, beta: self.surrogate.beta },
            reset_gradient: self.network.reset_gradient,
            recurrent_gradient: self.network.recurrent_gradient,
            readout: self.readout.head,
            readout_start: self.readout.start,
            implementation: self.network.implementation,
        }
    }

    /// How its weights start.
    #[must_use]
    pub fn initialization(&self) -> Initialization {
        let gain = self.initialization.gain;
        match self.initialization.distribution {
            Distribution::Uniform => Initialization::Uniform { gain },
            Distribution::Normal => Initialization::Normal { gain },
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
        // TOML's integers end at 2^63 - 1, which a seed from code may exceed.
        Table::try_from(self).map_err(|error| Error::Impossible(error.to_string()))
    }

    /// The value of a key, such as `optimizer.learning_rate`; `None` for a key that this experiment does not have.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        key::value(&self.to_table().ok()?, key).cloned()
    }

    /// The experiment as TOML with every key, to be read back by [`Experiment::from_toml`].
    ///
    /// # Errors
    /// [`Error::Impossible`] for a number that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, Error> {
        self.write_toml(|_| String::new())
    }

    /// As [`Experiment::to_toml`], with the meaning, range and unit of each key above it.
    ///
    /// # Errors
    /// [`Error::Impossible`] for a number that TOML cannot hold.
    pub fn to_documented_toml(&self) -> Result<String, Error> {
        self.write_toml(|key| format!("# {} {}.\n", key.help, sentence(&key.range())))
    }

    fn write_toml(&self, comment: impl Fn(&Key) -> String) -> Result<String, Error> {
        let table = self.to_table()?;
        let mut text = String::new();
        let mut open = "";
        for key in keys().filter(|key| key.applies_to(self.data.name())) {
            let (section, name) = (key.section(), key.name());
            let Some(value) = key::value(&table, key.path) else { continue };
            if section != open {
                text += &format!("{}[{section}]\n", if open.is_empty() { "" } else { "\n" });
                open = section;
            }
            text += &format!("{}{name} = {value}\n", comment(key));
        }
        Ok(text)
    }

    /// The first key whose value differs, with this value and the other one; keys that only say for how long to train,
    /// where the data lie or what to look at, do not count.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<(String, Value, Value)> {
        const MAY_CHANGE: &[&str] = &[
            "training.epochs",
            "training.patience",
            "training.checkpoint_interval",
            "data.directory",
            "data.train_file",
            "data.test_file",
        ];
        // a cosine over all epochs is another one with more of them
        let may_change = |path: &str| {
            MAY_CHANGE.contains(&path) && !(path == "training.epochs" && self.schedule_spans_all_epochs())
        };
        let counts = |key: &&Key| !may_change(key.path) && key.section() != "probe";
        let different = |key: &&Key| counts(key) && self.get(key.path) != other.get(key.path);
        let key = keys().find(different)?;
        let value = |experiment: &Self| experiment.get(key.path).unwrap_or_else(|| Value::from("absent"));
        Some((key.path.to_owned(), value(self), value(other)))
    }
}

fn unknown_preset(name: &str) -> Error {
    let known: Vec<_> = presets().iter().map(|preset| preset.name).collect();
    let nearest = nearest(name, known.iter().copied());
    Error::UnknownPreset { name: name.to_owned(), nearest, known }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
