//! Writing experiments as TOML, and comparing them.

use toml::Value;

use super::{
    data::Data,
    definition::Experiment,
    key::{self, Key},
    keys::keys,
};
use crate::error::Error;

impl Experiment {
    /// The experiment as TOML with every key, readable by [`Experiment::from_toml`].
    ///
    /// # Errors
    /// [`Error::Impossible`] for a number that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, Error> {
        self.write_toml(|_| String::new())
    }

    /// Like [`Experiment::to_toml`], with the documentation, range and unit above each key.
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

    /// The first key whose value differs, with this value and the other one; keys for the length of training, the location of data or
    /// for recording do not count, nor does `data` if either uses external data, which are compared by content
    /// ([`DataRecord`](crate::run::DataRecord)).
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<(String, Value, Value)> {
        const MAY_CHANGE: &[&str] = &[
            "training.epochs",
            "training.patience",
            "training.checkpoint_interval",
            "training.memory_limit",
            "data.directory",
            "data.train_file",
            "data.test_file",
        ];
        // a cosine over all epochs depends on their number
        let may_change = |path: &str| {
            MAY_CHANGE.contains(&path) && !(path == "training.epochs" && self.schedule_spans_all_epochs())
        };
        let is_external = [self, other].iter().any(|it| matches!(it.data, Data::External(_)));
        let counts = |key: &&Key| {
            let is_left_out = key.section() == "probe" || (is_external && key.section() == "data");
            !may_change(key.path) && !is_left_out
        };
        let different = |key: &&Key| counts(key) && self.get(key.path) != other.get(key.path);
        let key = keys().find(different)?;
        let value = |experiment: &Self| experiment.get(key.path).unwrap_or_else(|| Value::from("absent"));
        Some((key.path.to_owned(), value(self), value(other)))
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
