//! Parsing experiments: a TOML table that tracks where each value was written.

use std::collections::HashMap;

use toml::{
    Table, Value,
    de::{DeTable, DeValue},
};

use super::{
    data::Data,
    definition::Experiment,
    key::{Key, Values, insert, nearest, value},
    keys::keys,
};
use crate::error::{Error, Place};

/// An unvalidated experiment.
pub(super) struct ExperimentBuilder {
    table: Table,
    /// The data set, if the table does not have it.
    data_set: &'static str,
    /// The place of `section` or `section.key`.
    places: HashMap<String, Place>,
}

impl ExperimentBuilder {
    pub(super) fn of(table: Table) -> Self {
        Self::part(table, Data::NAMES[0])
    }

    /// Some sections of an experiment on this data set.
    pub(super) fn part(table: Table, data_set: &'static str) -> Self {
        Self { table, data_set, places: HashMap::new() }
    }

    pub(super) fn read(text: &str, file: &str) -> Result<Self, Error> {
        let syntax = |error: toml::de::Error| Error::Syntax {
            place: Place::of(&error, text, file),
            message: error.message().to_owned(),
        };
        let lines = snn_run::Lines::of(text);
        let place = |offset| Place::Line { file: file.to_owned(), line: lines.at(offset) };
        let mut places = HashMap::new();
        for (section, content) in DeTable::parse(text).map_err(syntax)?.get_ref() {
            places.insert(section.get_ref().to_string(), place(section.span().start));
            note_places(&mut places, section.get_ref(), content.get_ref(), &place);
        }
        Ok(Self { table: text.parse().map_err(syntax)?, data_set: Data::NAMES[0], places })
    }

    /// Applies the change `section.key=value`.
    pub(super) fn set(&mut self, assignment: &str) -> Result<(), Error> {
        let place = Place::Override(assignment.to_owned());
        let Some((path, text)) = assignment.split_once('=') else {
            let message = "an override has the form section.key=value".to_owned();
            return Err(Error::Syntax { place, message });
        };
        let (path, text) = (path.trim(), text.trim());
        // Keys of other data sets are accepted here: the data set may be changed later.
        let value = match self.find(path).map(|key| key.values) {
            // Words such as `true` are not parsed as TOML.
            Some(Values::Choice(_) | Values::Text) => text.trim_matches(['"', '\'']).into(),
            _ => parse_value(text),
        };
        self.insert(path, value, place)
    }

    /// Changes a value by its key. A different `data.name` drops the settings of the previous data set.
    pub(super) fn insert(&mut self, path: &str, new: Value, place: Place) -> Result<(), Error> {
        let Some(key) = self.find(path) else {
            return Err(self.unknown(path, place));
        };
        if path == "data.name" && value(&self.table, path) != Some(&new) {
            self.table.remove(key.section());
        }
        insert(&mut self.table, path, new);
        self.places.insert(path.to_owned(), place);
        Ok(())
    }

    /// The key with this path, preferably that of the data set.
    fn find(&self, path: &str) -> Option<&'static Key> {
        let known = |key: &&Key| key.path == path;
        self.keys().find(known).or_else(|| keys().find(known))
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
            self.check_table(section, content)?;
        }
        Ok(())
    }

    fn check_table(&self, path: &str, table: &Table) -> Result<(), Error> {
        for (name, value) in table {
            let path = format!("{path}.{name}");
            let is_table =
                || self.keys().any(|key| key.path.strip_prefix(&path).is_some_and(|it| it.starts_with('.')));
            match (self.keys().find(|key| key.path == path), value) {
                (Some(key), value) if !key.values.contain(value) => return Err(self.invalid(key, value)),
                (Some(_), _) => {}
                (None, Value::Table(table)) if is_table() => self.check_table(&path, table)?,
                (None, _) => return Err(self.unknown(&path, self.place(&path))),
            }
        }
        Ok(())
    }

    /// Checks everything and creates the experiment.
    pub(super) fn finish(self) -> Result<Experiment, Error> {
        self.check()?;
        self.make()
    }

    /// Checks these keys and returns all sections; the others, and the data set, are already valid.
    pub(super) fn finish_part(self, changed: &[&str]) -> Result<Table, Error> {
        for path in changed {
            let found = value(&self.table, path);
            match (self.keys().find(|key| key.path == *path), found) {
                (Some(key), Some(found)) if !key.values.contain(found) => {
                    return Err(self.invalid(key, found));
                }
                (Some(_), Some(_)) => {}
                _ => return Err(self.unknown(path, self.place(path))),
            }
        }
        Ok(self.table)
    }

    fn make(mut self) -> Result<Experiment, Error> {
        self.complete_data()?;
        // All keys and types are checked; only numbers outside the range of an integer type remain.
        let experiment: Experiment = self
            .table
            .try_into()
            .map_err(|error: toml::de::Error| Error::Impossible(error.message().to_owned()))?;
        experiment.validate_together()?;
        Ok(experiment)
    }

    /// Sets missing keys of the data set to its defaults.
    fn complete_data(&mut self) -> Result<(), Error> {
        let is_missing = |key: &&Key| key.section() == "data" && value(&self.table, key.path).is_none();
        let missing: Vec<&Key> = self.keys().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let data = Data::named(self.data_set()).unwrap_or_default();
        let defaults = Experiment { data, ..Experiment::default() }.to_table()?;
        for key in missing {
            if let Some(default) = value(&defaults, key.path) {
                insert(&mut self.table, key.path, default.clone());
            }
        }
        Ok(())
    }

    fn data_set(&self) -> &str {
        self.table
            .get("data")
            .and_then(|data| data.get("name"))
            .and_then(Value::as_str)
            .unwrap_or(self.data_set)
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
        // Compare a name without a dot with sections, one with a dot with keys.
        let section = if key.contains('.') { None } else { nearest(key, self.keys().map(Key::section)) };
        let meant = section.or_else(|| nearest(key, self.keys().map(|key| key.path)));
        Error::UnknownKey { place, key: key.to_owned(), nearest: meant }
    }

    /// The keys of an experiment on this data set.
    fn keys(&self) -> impl Iterator<Item = &'static Key> {
        let data_set = self.data_set();
        keys().filter(move |key| key.applies_to(data_set))
    }
}

/// Records where each key of a section, and of its tables, was written.
fn note_places(
    places: &mut HashMap<String, Place>,
    path: &str,
    content: &DeValue<'_>,
    place: &impl Fn(usize) -> Place,
) {
    for (key, content) in content.as_table().into_iter().flatten() {
        let path = format!("{path}.{}", key.get_ref());
        note_places(places, &path, content.get_ref(), place);
        places.insert(path, place(key.span().start));
    }
}

/// A TOML value, or else a bare word.
fn parse_value(text: &str) -> Value {
    let parsed: Option<Table> = format!("value = {text}").parse().ok();
    match parsed {
        Some(mut table) if table.len() == 1 => table.remove("value").unwrap_or_else(|| text.into()),
        _ => text.into(),
    }
}
