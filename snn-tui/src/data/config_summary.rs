//! What determines a run, picked from its experiment for lists and titles.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, PoisonError},
};

use snn_run::{RunDir, number};
use toml::{Table, Value};

/// Keys of an experiment that lists show.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ConfigSummary {
    /// The data set, `data.name`.
    pub(crate) data: String,
    /// `optimizer.learning_rate`, that of the first epoch.
    pub(crate) learning_rate: Option<f64>,
    /// `surrogate.beta` and `surrogate.shape`.
    pub(crate) beta: Option<f64>,
    pub(crate) shape: String,
    /// `initialization.seed`, and `training.seed` behind it if it is another one.
    pub(crate) seed: String,
    /// Units of the hidden layers, such as `256r` or `100-100`.
    pub(crate) hidden: String,
    pub(crate) readout: String,
    pub(crate) batch_size: Option<f64>,
    /// A number that runs share whose keys differ in nothing but seeds.
    pub(crate) group: u64,
    /// Every key of the experiment and its value, by key. Runs share most of them, so each is kept once.
    pub(crate) settings: Vec<(Arc<str>, Arc<str>)>,
    /// Where it was computed in its last session: `cpu`, `cuda:1`; `-` where that was not recorded.
    pub(crate) device: String,
}

impl ConfigSummary {
    /// From the files of a run; what cannot be read is left out.
    pub(crate) fn read(run: &RunDir) -> Self {
        let mut facts = run.config().map(|config| Self::of(&config)).unwrap_or_default();
        let session = run.environment().ok().and_then(|mut it| it.sessions.pop());
        facts.device = session.and_then(|session| session.device).unwrap_or_else(unknown);
        facts
    }

    pub(crate) fn of(config: &Table) -> Self {
        let key = |section: &str, key: &str| config.get(section).and_then(|section| section.get(key));
        let text = |section: &str, name: &str| key(section, name).map(plain).unwrap_or_default();
        let seeds = [text("initialization", "seed"), text("training", "seed")];
        let seed = match seeds {
            [init, training] if training.is_empty() || training == init => init,
            [init, training] => format!("{init}/{training}"),
        };
        Self {
            data: text("data", "name"),
            learning_rate: key("optimizer", "learning_rate").and_then(number),
            beta: key("surrogate", "beta").and_then(number),
            shape: text("surrogate", "shape"),
            seed,
            hidden: hidden(key("network", "hidden"), key("network", "recurrent")),
            readout: text("readout", "head"),
            batch_size: key("training", "batch_size").and_then(number),
            group: group(config),
            settings: settings(config),
            device: unknown(),
        }
    }

    /// The value of a key such as `optimizer.learning_rate`.
    pub(crate) fn setting(&self, key: &str) -> Option<&str> {
        let place = self.settings.binary_search_by(|(known, _)| (**known).cmp(key)).ok()?;
        Some(&self.settings[place].1)
    }
}

/// All keys and values of an experiment, by key.
fn settings(config: &Table) -> Vec<(Arc<str>, Arc<str>)> {
    static KNOWN: Mutex<BTreeSet<Arc<str>>> = Mutex::new(BTreeSet::new());
    // Nothing is left half done when a thread that holds it ends.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut shared = |text: String| {
        if let Some(known) = known.get(text.as_str()) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        known.insert(text.clone());
        text
    };
    let mut all = Vec::new();
    let mut tables = vec![(String::new(), config)];
    while let Some((above, table)) = tables.pop() {
        for (name, value) in table {
            let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
            match value {
                Value::Table(below) => tables.push((key, below)),
                Value::String(text) => all.push((shared(key), shared(text.clone()))),
                value => all.push((shared(key), shared(value.to_string()))),
            }
        }
    }
    all.sort();
    all
}

fn unknown() -> String {
    "-".to_owned()
}

/// A value as people write it.
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

/// Seeds, and what says how a run is watched rather than what it is, do not tell groups apart.
fn group(config: &Table) -> u64 {
    let mut shared = config.clone();
    shared.remove("probe");
    for section in shared.iter_mut().filter_map(|(_, section)| section.as_table_mut()) {
        section.remove("seed");
    }
    let mut hasher = DefaultHasher::new();
    shared.to_string().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_picked_from_an_experiment() {
        let config = "[data]\nname='shd'\nseed=3\n[network]\nhidden=[256,100]\nrecurrent=[true,false]\n\
                      [optimizer]\nlearning_rate=0.01\nlearning_rate_decay=0.5\n[surrogate]\nbeta=10\nshape='esser'\n\
                      [initialization]\nseed=1\n[training]\nseed=2\nbatch_size=256";
        let facts = ConfigSummary::of(&config.parse().unwrap());
        assert_eq!(
            (facts.data.as_str(), facts.hidden.as_str(), facts.seed.as_str()),
            ("shd", "256r-100", "1/2")
        );
        assert_eq!((facts.beta, facts.learning_rate), (Some(10.0), Some(0.01)));
        let other = config.replace("seed=1", "seed=9").replace("seed=3", "seed=4");
        assert_eq!(
            ConfigSummary::of(&other.parse().unwrap()).group,
            facts.group,
            "seeds do not tell groups apart"
        );
        let other = config.replace("0.01", "0.02");
        assert_ne!(ConfigSummary::of(&other.parse().unwrap()).group, facts.group);
        assert_eq!(ConfigSummary::of(&Table::new()).hidden, "");
        assert_eq!(ConfigSummary::of(&"data = 3\nnetwork = [1]".parse().unwrap()).data, "");
    }
}
