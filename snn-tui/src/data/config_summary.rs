//! The settings that distinguish a run, read from its experiment for lists and titles.

use std::borrow::Cow;

use snn_run::{Configuration, Configurations, RunDir, number};
use toml::Value;

/// The settings that lists show.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ConfigSummary {
    /// The data set, `data.name`.
    pub(crate) data: String,
    /// `optimizer.learning_rate`, that of the first epoch.
    pub(crate) learning_rate: Option<f64>,
    /// `surrogate.beta` and `surrogate.shape`.
    pub(crate) beta: Option<f64>,
    pub(crate) shape: String,
    /// `initialization.seed`, followed by `training.seed` if it differs.
    pub(crate) seed: String,
    /// Units of the hidden layers, such as `256r` or `100-100`.
    pub(crate) hidden: String,
    pub(crate) readout: String,
    pub(crate) batch_size: Option<f64>,
    /// The same number for all runs that differ only in seeds.
    pub(crate) group: u64,
    /// Every key of the experiment with its value.
    pub(crate) configuration: Configuration,
    /// The device of its last session: `cpu`, `cuda:1`; `-` if it was not recorded.
    pub(crate) device: String,
}

impl ConfigSummary {
    /// Read from the files of a run; unreadable settings are omitted.
    pub(crate) fn read(run: &RunDir, all: &mut Configurations) -> Self {
        let mut facts = all.read(run).map(Self::of).unwrap_or_default();
        let session = run.environment().ok().and_then(|mut it| it.sessions.pop());
        facts.device = session.and_then(|session| session.device).unwrap_or_else(unknown);
        facts
    }

    pub(crate) fn of(configuration: Configuration) -> Self {
        let key = |key: &str| configuration.get(key);
        let text = |name: &str| key(name).map(plain).unwrap_or_default();
        let seeds = [text("initialization.seed"), text("training.seed")];
        let seed = match seeds {
            [init, training] if training.is_empty() || training == init => init,
            [init, training] => format!("{init}/{training}"),
        };
        Self {
            data: text("data.name"),
            learning_rate: key("optimizer.learning_rate").and_then(number),
            beta: key("surrogate.beta").and_then(number),
            shape: text("surrogate.shape"),
            seed,
            hidden: hidden(key("network.hidden"), key("network.recurrent")),
            readout: text("readout.head"),
            batch_size: key("training.batch_size").and_then(number),
            group: configuration.group(),
            device: unknown(),
            configuration,
        }
    }

    /// The value of a key such as `optimizer.learning_rate`.
    pub(crate) fn setting(&self, key: &str) -> Option<Cow<'_, str>> {
        self.configuration.get(key).map(snn_run::plain)
    }
}

fn unknown() -> String {
    "-".to_owned()
}

/// A value as people write it, without quotes.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(value) => crate::widgets::text::number(*value),
        other => other.to_string(),
    }
}

fn hidden(units: Option<&Value>, recurrent: Option<&Value>) -> String {
    let Some(units) = units.and_then(Value::as_array) else { return String::new() };
    let recurs = |layer: usize| match recurrent {
        Some(Value::Boolean(all)) => *all,
        Some(Value::Array(each)) => each.get(layer).and_then(Value::as_bool).unwrap_or(false),
        _ => false,
    };
    let layer = |(k, units): (usize, &Value)| format!("{units}{}", if recurs(k) { "r" } else { "" });
    let layers: Vec<_> = units.iter().enumerate().map(layer).collect();
    if layers.is_empty() { "none".to_owned() } else { layers.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> ConfigSummary {
        ConfigSummary::of(Configuration::of(&text.parse().unwrap()))
    }

    #[test]
    fn an_experiment_is_summarized() {
        let config = "[data]\nname='shd'\nseed=3\n[network]\nhidden=[256,100]\nrecurrent=[true,false]\n\
                      [optimizer]\nlearning_rate=0.01\nlearning_rate_decay=0.5\n[surrogate]\nbeta=10\nshape='esser'\n\
                      [initialization]\nseed=1\n[training]\nseed=2\nbatch_size=256";
        let facts = of(config);
        assert_eq!(
            (facts.data.as_str(), facts.hidden.as_str(), facts.seed.as_str()),
            ("shd", "256r-100", "1/2")
        );
        assert_eq!((facts.beta, facts.learning_rate), (Some(10.0), Some(0.01)));
        let other = config.replace("seed=1", "seed=9").replace("seed=3", "seed=4");
        assert_eq!(of(&other).group, facts.group, "seeds do not separate groups");
        let other = config.replace("0.01", "0.02");
        assert_ne!(of(&other).group, facts.group);
        assert_eq!(of("").hidden, "");
        assert_eq!(of("data = 3\nnetwork = [1]").data, "");
    }
}
