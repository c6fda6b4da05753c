//! Many experiments derived from one, as in a sweep: only the sections that differ are parsed, checked and written.

use toml::{Table, Value};

use super::{
    builder::ExperimentBuilder,
    definition::Experiment,
    key::{section_of, value},
};
use crate::error::{Error, Place};

/// An experiment to derive others from.
pub(crate) struct Variants {
    base: Experiment,
    table: Table,
}

/// One of the derived experiments.
pub(crate) struct Variant {
    /// The experiment.
    pub(crate) experiment: Experiment,
    /// The sections that its values belong to, complete.
    changed: Table,
}

impl Variants {
    /// The experiments derived from `base`, which is valid.
    pub(crate) fn of(base: Experiment) -> Result<Self, Error> {
        Ok(Self { table: base.to_table()?, base })
    }

    /// Every key of the base with its value.
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn base(&self) -> &Experiment {
        &self.base
    }

    /// The base with these values, given by key (`section.key`); `place` returns where a key was written.
    ///
    /// # Errors
    /// Those of [`Experiment::set`].
    pub(crate) fn vary<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, Value)>,
        place: impl Fn(&str) -> Place,
    ) -> Result<Variant, Error> {
        let values: Vec<_> = values.into_iter().collect();
        if values.iter().any(|(key, _)| *key == "data.name") {
            // Other data have other keys.
            let experiment = self.base.with_placed(values, place)?;
            return Ok(Variant { changed: experiment.to_table()?, experiment });
        }
        let mut sections: Vec<&str> = values.iter().map(|(key, _)| section_of(key)).collect();
        sections.sort_unstable();
        sections.dedup();
        let of_base = |section: &str| Some((section.to_owned(), self.table.get(section)?.clone()));
        let partial = sections.iter().filter_map(|section| of_base(section)).collect();
        let mut builder = ExperimentBuilder::part(partial, self.base.data.name());
        let keys: Vec<&str> = values.iter().map(|(key, _)| *key).collect();
        for (key, value) in values {
            builder.insert(key, value, place(key))?;
        }
        let mut experiment = self.base.clone();
        let mut changed = Table::new();
        for (section, content) in builder.finish_part(&keys)? {
            changed.insert(section.clone(), experiment.replace(&section, content)?);
        }
        experiment.validate_together()?;
        Ok(Variant { experiment, changed })
    }

    /// The value of a key in one of the derived experiments.
    pub(crate) fn value<'a>(&'a self, variant: &'a Variant, path: &str) -> Option<&'a Value> {
        let table = if variant.has(section_of(path)) { &variant.changed } else { &self.table };
        value(table, path)
    }
}

impl Variant {
    /// Whether values of this section were given.
    pub(crate) fn has(&self, section: &str) -> bool {
        self.changed.contains_key(section)
    }

    /// The sections with given values; all of them if the data set is one of these values.
    pub(crate) fn changed(&self) -> &Table {
        &self.changed
    }
}

/// Defines [`Experiment::replace`] for these sections.
macro_rules! replace {
    ($($section:ident),+) => {
        impl Experiment {
            /// Replaces a section by this content, whose keys and types are checked. Returns the section as it would be written.
            fn replace(&mut self, section: &str, content: Value) -> Result<Value, Error> {
                // Only numbers outside the range of an integer type remain.
                let unreadable = |error: toml::de::Error| Error::Impossible(error.message().to_owned());
                let written = match section {
                    $(stringify!($section) => {
                        self.$section = content.try_into().map_err(unreadable)?;
                        Value::try_from(&self.$section)
                    })+
                    _ => return Err(Error::Impossible(format!("an experiment has no section [{section}]"))),
                };
                written.map_err(|error| Error::Impossible(error.to_string()))
            }
        }
    };
}

replace!(
    data,
    network,
    surrogate,
    readout,
    regularizer,
    initialization,
    loss,
    optimizer,
    schedule,
    training,
    probe
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Data;

    /// A valid value of each key that is not the default.
    fn other(base: &Experiment, key: &str) -> Option<Value> {
        let candidates = ["1", "2", "0.5", "3.0", "true", "false", "[]", "[1]", "['W1']", "'last'", "'sum'"];
        let words =
            ["'sigmoid'", "'reference'", "'sgd'", "'cosine'", "'normal'", "'immediate'", "'spike-count'"];
        let parse = |text: &&str| format!("v = {text}").parse::<Table>().unwrap().remove("v").unwrap();
        let valid = |value: &Value| {
            base.get(key).as_ref() != Some(value) && base.with([(key, value.clone())]).is_ok()
        };
        candidates.iter().chain(&words).map(parse).find(valid)
    }

    #[test]
    fn variants_are_what_parsing_everything_gives() {
        let mut tried = 0;
        for name in ["randman", "fsdd", "shd", "nmnist"] {
            let base = Experiment::default().with([("data.name", Value::from(name))]).unwrap();
            let variants = Variants::of(base.clone()).unwrap();
            for key in super::super::keys().filter(|key| key.applies_to(name) && key.path != "data.name") {
                let Some(value) = other(&base, key.path) else { continue };
                // Together with a key of another section.
                let values = [(key.path, value), ("optimizer.learning_rate", Value::from(1))];
                let values = if key.path == "optimizer.learning_rate" { &values[..1] } else { &values };
                let expected = base.with(values.iter().cloned()).unwrap();
                let variant = variants.vary(values.iter().cloned(), |_| Place::Code).unwrap();
                assert_eq!(variant.experiment, expected, "{}", key.path);
                let table = expected.to_table().unwrap();
                for key in super::super::keys() {
                    assert_eq!(
                        variants.value(&variant, key.path),
                        value_of(&table, key.path),
                        "{}",
                        key.path
                    );
                }
                tried += 1;
            }
        }
        assert!(tried > 150, "{tried}");
    }

    fn value_of<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
        value(table, path)
    }

    #[test]
    fn other_data_bring_their_own_keys() {
        let variants = Variants::of(Experiment::default()).unwrap();
        let vary = |values: &[(&'static str, Value)]| variants.vary(values.iter().cloned(), |_| Place::Code);
        let fsdd = vary(&[("data.mel.channels", 20.into()), ("data.name", "fsdd".into())]).unwrap();
        assert_eq!(fsdd.experiment.get("data.mel.channels"), Some(20.into()));
        assert_eq!(variants.value(&fsdd, "data.mel.channels"), Some(&20.into()));
        assert!(matches!(fsdd.experiment.data, Data::Fsdd(_)));
        // A key of other data, an unknown one, an invalid value, an impossible combination.
        for (values, expected) in [
            (vec![("data.mel.channels", Value::from(20))], "unknown key `data.mel.channels`"),
            (vec![("kitchen.sink", 1.into())], "unknown key `kitchen.sink`"),
            (
                vec![("training.epochs", 1.into()), ("surrogate.beta", Value::from(-1))],
                "must be a number of at least 0",
            ),
            (
                vec![("network.hidden", vec![5, 6].into()), ("network.recurrent", vec![true].into())],
                "network.recurrent has",
            ),
            (
                vec![("training.batch_size", 1_000_000.into()), ("data.steps", 60_000.into())],
                "must be below 2^32",
            ),
        ] {
            let error = variants.vary(values, |_| Place::Code).map(drop).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
