//! The keys of an experiment: name, allowed values, unit and documentation; and access to values by key.

use std::{fmt, ops::Bound};

use snn_data::SplitRule;
use snn_run::number;
use toml::{Table, Value};

/// One key of an experiment. [`keys`](super::keys) lists all of them.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Key {
    /// `section.key`.
    pub path: &'static str,
    /// The allowed values.
    pub values: Values,
    /// The unit of the value; empty if dimensionless.
    pub unit: &'static str,
    /// The documentation.
    pub help: &'static str,
    /// The data sets that have this key; empty for a key of every experiment.
    pub data_sets: &'static [&'static str],
}

impl Key {
    /// A key of `[data]`; the table of data sets adds the data sets that have it.
    pub(super) const fn of_data(
        path: &'static str,
        values: Values,
        unit: &'static str,
        help: &'static str,
    ) -> Self {
        Self { path, values, unit, help, data_sets: &[] }
    }

    /// Whether an experiment on this data set has the key.
    #[must_use]
    pub fn applies_to(&self, data_set: &str) -> bool {
        self.data_sets.is_empty() || self.data_sets.contains(&data_set)
    }

    /// The part before the dot.
    #[must_use]
    pub fn section(&self) -> &'static str {
        section_of(self.path)
    }

    /// The part after the first dot, which may contain more dots if a section has tables: `mel.channels`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.split_once('.').map_or(self.path, |(_, name)| name)
    }

    /// The allowed values in words, with the unit: "a number above 0 (ms)".
    #[must_use]
    pub fn range(&self) -> String {
        if self.unit.is_empty() {
            self.values.to_string()
        } else {
            format!("{} ({})", self.values, self.unit)
        }
    }
}

/// The allowed values of a [`Key`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// A whole number between two bounds, inclusive.
    Integer(u64, u64),
    /// A finite number between two bounds.
    Number(Bound<f64>, Bound<f64>),
    /// A finite number between two bounds, or a list of them, one for each hidden layer.
    NumberPerLayer(Bound<f64>, Bound<f64>),
    /// A whole number of samples, or a fraction of them.
    Portion,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A list of whole numbers between two bounds, inclusive; it may be empty.
    Integers(u64, u64),
    /// A boolean, or a list of them.
    Switches,
    /// A boolean.
    Switch,
    /// Any text, such as a path.
    Text,
    /// A list of texts.
    Words,
    /// How a part of the samples is selected: a [`snn_data::SplitRule`].
    SplitRule,
}

impl Values {
    /// A number of units or classes.
    pub(super) const UNITS: Self = Self::Integer(1, 65_536);
    /// A count of at least one.
    pub(super) const U32: Self = Self::Integer(1, u32::MAX as u64);
    /// Any finite number above 0.
    pub(super) const POSITIVE: Self = Self::Number(Bound::Excluded(0.0), Bound::Unbounded);
    /// Any finite number above 0, or one for each hidden layer.
    pub(super) const PER_LAYER: Self = Self::NumberPerLayer(Bound::Excluded(0.0), Bound::Unbounded);
    /// Any finite number of at least 0.
    pub(super) const AT_LEAST_0: Self = Self::Number(Bound::Included(0.0), Bound::Unbounded);
    /// Above 0, at most 1.
    pub(super) const ABOVE_0_UP_TO_1: Self = Self::Number(Bound::Excluded(0.0), Bound::Included(1.0));
    /// From 0 to 1.
    pub(super) const FROM_0_TO_1: Self = Self::Number(Bound::Included(0.0), Bound::Included(1.0));
    /// From 0 to below 1.
    pub(super) const BELOW_1: Self = Self::Number(Bound::Included(0.0), Bound::Excluded(1.0));
    /// Any finite number.
    pub(super) const FINITE: Self = Self::Number(Bound::Unbounded, Bound::Unbounded);
    /// A seed, up to the largest TOML integer.
    pub(super) const SEED: Self = Self::Integer(0, i64::MAX as u64);

    /// Whether `value` is allowed.
    #[must_use]
    pub fn contain(&self, value: &Value) -> bool {
        let integer = |value: &Value, min, max| {
            value.as_integer().and_then(|n| u64::try_from(n).ok()).is_some_and(|n| (min..=max).contains(&n))
        };
        match *self {
            Self::Integer(min, max) => integer(value, min, max),
            Self::Number(low, high) => number(value)
                .is_some_and(|x| x.is_finite() && std::ops::RangeBounds::contains(&(low, high), &x)),
            Self::NumberPerLayer(low, high) => match value {
                Value::Array(list) => {
                    !list.is_empty() && list.iter().all(|value| Self::Number(low, high).contain(value))
                }
                value => Self::Number(low, high).contain(value),
            },
            Self::Portion => match value {
                Value::Float(fraction) => (0.0..1.0).contains(fraction),
                value => integer(value, 0, u64::from(u32::MAX)),
            },
            Self::Choice(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Integers(min, max) => {
                value.as_array().is_some_and(|list| list.iter().all(|value| integer(value, min, max)))
            }
            Self::Switches => match value {
                Value::Array(list) => list.iter().all(Value::is_bool),
                value => value.is_bool(),
            },
            Self::Switch => value.is_bool(),
            Self::Text => value.is_str(),
            Self::Words => value.as_array().is_some_and(|list| list.iter().all(Value::is_str)),
            Self::SplitRule => value.clone().try_into::<SplitRule>().is_ok(),
        }
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Integer(min, max) if max == i64::MAX as u64 => {
                write!(f, "a whole number from {min} to {max} (2^63 - 1)")
            }
            Self::Integer(min, max) => write!(f, "a whole number from {min} to {max}"),
            Self::Number(low, high) => {
                f.write_str("a number")?;
                match (low, high) {
                    (Bound::Included(low), Bound::Unbounded) => return write!(f, " of at least {low}"),
                    (Bound::Included(low), _) => write!(f, " from {low}")?,
                    (Bound::Excluded(low), _) => write!(f, " above {low}")?,
                    (Bound::Unbounded, _) => {}
                }
                match high {
                    Bound::Included(high) => write!(f, " to {high}"),
                    Bound::Excluded(high) => write!(f, " to below {high}"),
                    Bound::Unbounded => Ok(()),
                }
            }
            Self::NumberPerLayer(low, high) => {
                write!(f, "{}, or a list of them, one for each hidden layer", Self::Number(low, high))
            }
            Self::Portion => {
                f.write_str("a whole number of samples, or a fraction of them from 0.0 to below 1.0")
            }
            Self::Choice(words) => {
                for (n, word) in words.iter().enumerate() {
                    let separator =
                        ["", ", ", " or "][usize::from(n > 0) + usize::from(n > 0 && n + 1 == words.len())];
                    write!(f, "{separator}\"{word}\"")?;
                }
                Ok(())
            }
            Self::Integers(min, max) => write!(f, "a list of whole numbers from {min} to {max}"),
            Self::Switches => f.write_str("true or false, or a list of them, one for each hidden layer"),
            Self::Switch => f.write_str("true or false"),
            Self::Text => f.write_str("a text"),
            Self::Words => f.write_str("a list of texts"),
            Self::SplitRule => f.write_str(
                "{ by = \"official\" }, { by = \"stratified\", portion = 0.1, seed = 0 }, { by = \"speakers\", speakers = \
                 [\"..\"] } or { by = \"list\", path = \"..\" }",
            ),
        }
    }
}

/// The part of a key's path before the first dot.
pub(super) fn section_of(path: &str) -> &str {
    path.split_once('.').map_or("", |(section, _)| section)
}

/// The value at `section.key`, or deeper.
pub(crate) fn value<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        Some((name, rest)) => value(table.get(name)?.as_table()?, rest),
        None => table.get(path),
    }
}

/// Sets the value at `section.key`, or deeper; a value in the place of a table on the path is kept.
pub(super) fn insert(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        Some((name, rest)) => {
            let below = table.entry(name).or_insert_with(|| Table::new().into());
            if let Some(table) = below.as_table_mut() {
                insert(table, rest, value);
            }
        }
        None => {
            table.insert(path.to_owned(), value);
        }
    }
}

/// The entry of `candidates` most likely meant by `name`, if any is similar enough.
///
/// A key in the wrong section, or without one, is found by its last part.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let distance = |candidate: &str| {
        let whole = strsim::damerau_levenshtein(name, candidate);
        whole.min(1 + strsim::damerau_levenshtein(&last(name), &last(candidate)))
    };
    let near = |&(distance, candidate): &(usize, &str)| distance <= 1 + last(candidate).len() / 3;
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(near)
        .min()
        .map(|(_, found)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_checked_and_described() {
        let cases: &[(Values, &str, &[&str], &[&str])] = &[
            (
                Values::Integer(1, 9),
                "a whole number from 1 to 9",
                &["1", "9"],
                &["0", "10", "-1", "1.0", "'1'"],
            ),
            (
                Values::SEED,
                "a whole number from 0 to 9223372036854775807 (2^63 - 1)",
                &["0", "9223372036854775807"],
                &["-1"],
            ),
            (Values::POSITIVE, "a number above 0", &["1", "1e-9"], &["0", "-1.0", "nan", "inf", "true"]),
            (
                Values::PER_LAYER,
                "a number above 0, or a list of them, one for each hidden layer",
                &["1", "0.5", "[1, 2.5]"],
                &["0", "[]", "[1, 0]", "'1'", "nan"],
            ),
            (Values::BELOW_1, "a number from 0 to below 1", &["0", "0.5"], &["1", "-0.1", "nan"]),
            (Values::FINITE, "a number", &["-1", "0.5"], &["inf", "'0'"]),
            (Values::Portion, "a whole number of samples", &["0", "100", "0.1"], &["1.0", "-1", "nan"]),
            (Values::Choice(&["a", "b", "c"]), "\"a\", \"b\" or \"c\"", &["'a'"], &["'d'", "1"]),
            (Values::Integers(1, 9), "a list of whole numbers", &["[]", "[1, 9]"], &["1", "[0]", "[1.5]"]),
            (Values::Switches, "true or false", &["true", "[]", "[true, false]"], &["1", "[1]", "'true'"]),
            (Values::Switch, "true or false", &["true"], &["1", "[true]", "'true'"]),
            (Values::Text, "a text", &["''", "'a'"], &["1", "['a']"]),
            (Values::Words, "a list of texts", &["[]", "['a', 'b']"], &["'a'", "[1]"]),
            (
                Values::SplitRule,
                "{ by = \"official\" }, ",
                &[
                    "{ by = 'official' }",
                    "{ by = 'stratified', portion = 5 }",
                    "{ by = 'speakers', speakers = ['a'] }",
                ],
                &["'official'", "{}", "{ by = 'chance' }", "{ by = 'list' }"],
            ),
        ];
        let value =
            |text: &str| toml::from_str::<toml::Table>(&format!("v = {text}")).unwrap().remove("v").unwrap();
        for (values, words, good, bad) in cases {
            assert!(values.to_string().starts_with(words), "{values}");
            assert!(good.iter().all(|text| values.contain(&value(text))), "{values}: {good:?}");
            assert!(!bad.iter().any(|text| values.contain(&value(text))), "{values}: {bad:?}");
        }
    }

    #[test]
    fn the_nearest_name_is_found_across_sections() {
        let known =
            ["optimizer.learning_rate", "training.epochs", "surrogate.beta", "training.seed", "data.seed"];
        for (written, meant) in [
            ("optimizer.learning_rte", Some("optimizer.learning_rate")),
            ("training.learning_rate", Some("optimizer.learning_rate")),
            ("learning_rate", Some("optimizer.learning_rate")),
            ("trainig.epoch", Some("training.epochs")),
            ("data.sede", Some("data.seed")),
            ("kitchen.sink", None),
        ] {
            assert_eq!(nearest(written, known), meant, "{written}");
        }
    }
}
