//! Further facts about a run needed for a verdict.

use toml::{Table, Value};

use crate::{numbers::number, state::RunState, status::Status};

/// The settings mentioned in remedies, with defaults for runs without them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// `optimizer.learning_rate`.
    pub learning_rate: Option<f64>,
    /// `surrogate.beta`.
    pub beta: Option<f64>,
    /// `initialization.gain`, if weights are drawn with it.
    pub gain: Option<f64>,
    /// `initialization.deviation`, if weights are drawn for a standard deviation of the membrane potentials.
    pub deviation: Option<f64>,
    /// `initialization.seed`.
    pub seed: Option<i64>,
    /// `network.threshold`.
    pub threshold: Option<f64>,
    /// `training.clip_norm`.
    pub clip_norm: Option<f64>,
    /// `training.patience`.
    pub patience: Option<i64>,
    /// `readout.start`.
    pub readout_start: Option<f64>,
    /// Whether `readout.head` is `max`.
    pub is_max: bool,
    /// Whether the lower regularizer is enabled.
    pub is_raised: bool,
    /// Whether the upper regularizer is enabled.
    pub is_lowered: bool,
    /// Whether the loss is the cross-entropy, for which guessing costs ln(classes).
    pub is_cross_entropy: bool,
    /// `data.classes`, for generated data sets.
    pub classes: Option<usize>,
}

impl Settings {
    /// From `config.toml`; missing values stay unknown.
    #[must_use]
    pub fn of(config: &Table) -> Self {
        let key = |section: &str, key: &str| config.get(section).and_then(|section| section.get(key));
        let float = |section: &str, name: &str| key(section, name).and_then(number);
        let integer = |section: &str, name: &str| key(section, name).and_then(Value::as_integer);
        let word = |section: &str, name: &str| key(section, name).and_then(Value::as_str);
        let is_above_0 = |section: &str, name: &str| float(section, name).is_some_and(|value| value > 0.0);
        let is_driven = word("initialization", "distribution") == Some("fluctuation-driven");
        Self {
            learning_rate: float("optimizer", "learning_rate"),
            beta: float("surrogate", "beta"),
            gain: float("initialization", "gain").filter(|_| !is_driven),
            deviation: float("initialization", "deviation").filter(|_| is_driven),
            seed: integer("initialization", "seed"),
            threshold: float("network", "threshold"),
            clip_norm: float("training", "clip_norm"),
            patience: integer("training", "patience"),
            readout_start: float("readout", "start"),
            is_max: word("readout", "head") == Some("max"),
            is_raised: is_above_0("regularizer", "lower_strength")
                && is_above_0("regularizer", "lower_threshold"),
            is_lowered: is_above_0("regularizer", "upper_strength"),
            // Old runs have no other.
            is_cross_entropy: word("loss", "name").is_none_or(|name| name == "cross-entropy"),
            classes: integer("data", "classes").and_then(|it| it.try_into().ok()),
        }
    }
}

/// The facts for the diagnosis of a run, besides its records.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Its state.
    pub state: RunState,
    /// Its status, once it has one.
    pub status: Option<Status>,
    /// Its settings.
    pub settings: Settings,
    /// Number of classes of its data, if known.
    pub classes: Option<usize>,
    /// Classes that are never predicted on validation, according to the last probe.
    pub lost: Option<Vec<usize>>,
    /// Whether its process is known to have ended.
    pub is_dead: bool,
    /// Seconds since its last sign of life, if it is stalled.
    pub silence: Option<f64>,
    /// The highest potential of each hidden layer in the last probe.
    pub potentials: Vec<Option<f64>>,
    /// Why it cannot be read.
    pub error: Option<String>,
}

impl Default for Subject {
    fn default() -> Self {
        Self {
            state: RunState::Unknown,
            status: None,
            settings: Settings { is_cross_entropy: true, ..Settings::default() },
            classes: None,
            lost: None,
            is_dead: false,
            silence: None,
            potentials: Vec::new(),
            error: None,
        }
    }
}
