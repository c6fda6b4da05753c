//! From text to an experiment: a TOML table that remembers where each value was written.

use std::collections::HashMap;

use toml::{Table, Value, de::DeTable};

use super::{
    Data, Experiment,
    key::{Key, Values},
    keys, nearest,
};
use crate::error::{Error, Place, line_of};

/// An experiment that is not checked yet.
pub(super) struct Draft {
    table: Table,
    /// Where `section` or `section.key` was written.
    places: HashMap<String, Place>,
}

impl Draft {
    pub(super) fn of(table: Table) -> Self {
        Self { table, places: HashMap::new() }
    }

    pub(super) fn read(text: &str, file: &str) -> Result<Self, Error> {
        let syntax = |error: toml::de::Error| Error::Syntax {
            place: Place::of(&error, text, file),
            message: error.message().to_owned(),
        };
        let place = |offset| Place::Line { file: file.to_owned(), line: line_of(text, offset) };
        let mut places = HashMap::new();
        for (section, content) in DeTable::parse(text).map_err(syntax)?.get_ref() {
            places.insert(section.get_ref().to_string(), place(section.span().start));
            for key in content.get_ref().as_table().into_iter().flat_map(|keys| keys.keys()) {
                places.insert(format!("{}.{}", section.get_ref(), key.get_ref()), place(key.span().start));
            }
        }
        Ok(Self { table: text.parse().map_err(syntax)?, places })
    }

    /// Makes the change `section.key=value`.
    pub(super) fn set(&mut self, assignment: &str) -> Result<(), Error> {
        let place = Place::Override(assignment.to_owned());
        let Some((path, text)) = assignment.split_once('=') else {
            let message = "an override has the form section.key=value".to_owned();
            return Err(Error::Syntax { place, message });
        };
        let (path, text) = (path.trim(), text.trim());
        let value = match keys().find(|key| key.path == path).map(|key| key.values) {
            // Words such as `true` are not read as TOML.
            Some(Values::Choice(_)) => text.trim_matches(['"', '\'']).into(),
            _ => parse_value(text),
        };
        self.insert(path, value, place)
    }

    /// Changes a value by its key. Another `data.name` drops what was said of the data set before.
    pub(super) fn insert(&mut self, path: &str, value: Value, place: Place) -> Result<(), Error> {
        let Some(key) = keys().find(|key| key.path == path) else {
            return Err(self.unknown(path, place));
        };
        let (section, name) = (key.section(), key.name());
        let section = self.table.entry(section).or_insert_with(|| Table::new().into());
        if let Some(keys) = section.as_table_mut() {
            if path == "data.name" && keys.get(name) != Some(&value) {
                keys.clear();
            }
            keys.insert(name.to_owned(), value);
        }
        self.places.insert(path.to_owned(), place);
        Ok(())
    }

    /// Checks that every key is known and its value in range.
    pub(super) fn check(&self) -> Result<(), Error> {
        for (section, content) in &self.table {
            let Some(content) = content.as_table() else {
                return Err(self.not_a_section(section, content));
            };
            if !self.keys().any(|key| key.section() == section) {
                return Err(self.unknown(section, self.place(section)));
            }
            for (name, value) in content {
                let path = format!("{section}.{name}");
                match self.keys().find(|key| key.path == path) {
                    None => return Err(self.unknown(&path, self.place(&path))),
                    Some(key) if !key.values.contain(value) => return Err(self.invalid(key, value)),
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    /// Checks everything and makes the experiment.
    pub(super) fn finish(mut self) -> Result<Experiment, Error> {
        self.check()?;
        let data_set = self.data_set().to_owned();
        if let Some(data) = self.table.entry("data").or_insert_with(|| Table::new().into()).as_table_mut() {
            data.insert("name".to_owned(), data_set.into());
        }
        // All keys and types are checked; what is left are numbers beyond what an integer type holds.
        let experiment: Experiment = self
            .table
            .try_into()
            .map_err(|error: toml::de::Error| Error::Impossible(error.message().to_owned()))?;
        experiment.validate_together()?;
        Ok(experiment)
    }

    fn data_set(&self) -> &str {
        self.table
            .get("data")
            .and_then(|data| data.get("name"))
            .and_then(Value::as_str)
            .unwrap_or(Data::NAMES[0])
    }

    fn place(&self, path: &str) -> Place {
        self.places.get(path).cloned().unwrap_or(Place::Code)
    }

    fn not_a_section(&self, name: &str, found: &Value) -> Error {
        let Some(key) = self.keys().map(Key::section).find(|section| *section == name) else {
            return self.unknown(name, self.place(name));
        };
        Error::InvalidValue {
            place: self.place(name),
            key,
            expected: format!("a section, [{name}]"),
            found: found.to_string(),
            nearest: None,
        }
    }

    fn invalid(&self, key: &Key, found: &Value) -> Error {
        let meant = match (key.values, found) {
            (Values::Choice(words), Value::String(word)) => nearest(word, words.iter().copied()),
            _ => None,
        };
        Error::InvalidValue {
            place: self.place(key.path),
            key: key.path,
            expected: key.range(),
            found: found.to_string(),
            nearest: meant,
        }
    }

    fn unknown(&self, key: &str, place: Place) -> Error {
        // A name without a dot is most like a section, one with a dot like a key.
        let section = if key.contains('.') { None } else { nearest(key, self.keys().map(Key::section)) };
        let meant = section.or_else(|| nearest(key, self.keys().map(|key| key.path)));
        Error::UnknownKey { place, key: key.to_owned(), nearest: meant }
    }

    /// The keys that an experiment on this data set has.
    fn keys(&self) -> impl Iterator<Item = &'static Key> {
        let data_set = self.data_set();
        keys().filter(move |key| key.applies_to(data_set))
    }
}

/// A value as TOML has it, or else a bare word.
fn parse_value(text: &str) -> Value {
    let parsed: Option<Table> = format!("value = {text}").parse().ok();
    match parsed {
        Some(mut table) if table.len() == 1 => table.remove("value").unwrap_or_else(|| text.into()),
        _ => text.into(),
    }
}
