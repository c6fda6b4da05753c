//! Names of runs by their differing settings: one rule for tables, legends and exports of all programs.
//!
//! A name consists of the keys whose values differ among the runs shown together, abbreviated: `lr .03 b 10 s0` is a learning rate of
//! 0.03, a slope of 10 and seed 0.
//!
//! - A key is included if it has at least two values among the runs that have it. Keys that change no result (`probe`, the interval of
//!   checkpoints, the memory limit) are never included.
//! - The learning rate is `lr`, the slope `b`; other keys are named by their last part, or in full if two share it. Words such as `esser`
//!   need no key. Seeds come last, without a space: `s0`; seeds that agree in every run are merged.
//! - Numbers have three digits, and more only if two would look the same; lists of layers are joined: `100-50`.
//! - If more than five keys differ, a name has those that distinguish the runs, starting with the most distinguishing one.
//! - A name chosen by the user is kept, followed by the differences if there is space; generated ids (`randman-20261123-142501-ab12`,
//!   `randman-0123456789ab`) are replaced. Runs that agree in all keys, and a single run, keep their ids.

use std::collections::{BTreeMap, HashMap, HashSet};

use toml::Value;

use crate::{
    configuration::{Configuration, is_seed, plain},
    numbers::number,
};

/// A set of keys with values.
pub trait Keyed {
    /// The value of a key such as `optimizer.learning_rate`.
    fn value(&self, key: &str) -> Option<&Value>;

    /// Calls the function with every key and its value.
    fn each<'a>(&'a self, take: &mut dyn FnMut(&'a str, &'a Value));
}

impl Keyed for Configuration {
    fn value(&self, key: &str) -> Option<&Value> {
        self.get(key)
    }

    fn each<'a>(&'a self, take: &mut dyn FnMut(&'a str, &'a Value)) {
        self.iter().for_each(|(key, value)| take(key, value));
    }
}

impl Keyed for BTreeMap<String, Value> {
    fn value(&self, key: &str) -> Option<&Value> {
        self.get(key)
    }

    fn each<'a>(&'a self, take: &mut dyn FnMut(&'a str, &'a Value)) {
        self.iter().for_each(|(key, value)| take(key, value));
    }
}

/// Keys that come first in a name, in this order, and their abbreviations; empty for keys whose values are words.
const FIRST: [(&str, &str); 4] =
    [("data.name", ""), ("optimizer.learning_rate", "lr"), ("surrogate.beta", "b"), ("surrogate.shape", "")];
/// Keys not named by their last part.
const SHORT: [(&str, &str); 2] =
    [("training.batch_size", "batch"), ("optimizer.learning_rate_decay", "lr decay")];
/// Keys that change no result.
const IRRELEVANT: [&str; 2] = ["training.checkpoint_interval", "training.memory_limit"];
/// Maximum number of keys in a name, without seeds, unless more are needed to distinguish the runs.
const MOST_KEYS: usize = 5;
/// Digits of a number, unless more are needed to distinguish two of them.
const DIGITS: usize = 3;
/// Digits that distinguish all 64-bit numbers.
const ALL_DIGITS: usize = 17;
/// Maximum number of characters of a word; paths can be long.
const MOST_CHARS: usize = 24;

/// The names of a set of runs.
///
/// ```
/// use std::collections::BTreeMap;
/// use snn_run::Naming;
///
/// let run = |rate: f64, seed: i64| BTreeMap::from([
///     ("optimizer.learning_rate".to_owned(), toml::Value::from(rate)),
///     ("surrogate.beta".to_owned(), toml::Value::from(10.0)),
///     ("initialization.seed".to_owned(), toml::Value::from(seed)),
/// ]);
/// let runs = [("randman-0123456789ab", run(0.03, 0)), ("randman-ba9876543210", run(0.1, 1))];
/// let naming = Naming::of(runs.iter().map(|(id, settings)| (*id, settings)));
/// assert_eq!(naming.name(runs[0].0, &runs[0].1), "lr .03 s0");
/// assert_eq!(naming.setting(&runs[1].1), "lr .1");
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Naming {
    keys: Vec<Named>,
    seeds: Vec<Named>,
    /// Ambiguous names.
    ambiguous: HashSet<String>,
}

/// A key in a name.
#[derive(Debug, Clone, PartialEq)]
struct Named {
    key: String,
    /// Empty if the values are sufficient.
    label: String,
    digits: usize,
    /// Whether the last part of paths is sufficient.
    is_path: bool,
}

/// A key with its values: one number per run, equal for equal texts; 0 if the run lacks the key.
struct Column<'a> {
    key: &'a str,
    texts: Vec<u32>,
    values: Vec<&'a Value>,
}

impl Naming {
    /// The names of these runs, each with its id.
    #[must_use]
    pub fn of<'a, K: Keyed + ?Sized + 'a>(runs: impl IntoIterator<Item = (&'a str, &'a K)>) -> Self {
        let runs: Vec<(&str, &K)> = runs.into_iter().collect();
        let mut columns = columns(&runs, &differing(&runs));
        let is_first = |key: &str| FIRST.iter().position(|(first, _)| *first == key).unwrap_or(FIRST.len());
        columns.sort_by_key(|column| is_first(column.key));
        let (seeds, keys): (Vec<_>, Vec<_>) = columns.into_iter().partition(|column| is_seed(column.key));
        let keys = if keys.len() > MOST_KEYS { telling(keys, runs.len()) } else { keys };
        let mut naming = Self { keys: name_keys(&keys), seeds: name_seeds(seeds), ambiguous: HashSet::new() };
        let mut known = HashSet::new();
        for (id, settings) in &runs {
            let name = naming.name(id, *settings);
            if !known.insert(name.clone()) {
                naming.ambiguous.insert(name);
            }
        }
        naming
    }

    /// The name of a run of the set.
    #[must_use]
    pub fn name<K: Keyed + ?Sized>(&self, id: &str, settings: &K) -> String {
        let seeds = self.seeds(settings);
        let parts = [self.setting(settings), seeds];
        let differences = parts.iter().filter(|it| !it.is_empty()).cloned().collect::<Vec<_>>().join(" ");
        match differences.as_str() {
            "" => id.to_owned(),
            _ if !is_generated(id) => format!("{id} {differences}"),
            _ if self.ambiguous.contains(&differences) => format!("{differences} {id}"),
            _ => differences,
        }
    }

    /// The short name of a run, next to its settings: a name chosen by the user, without differences.
    #[must_use]
    pub fn short<K: Keyed + ?Sized>(&self, id: &str, settings: &K) -> String {
        if is_generated(id) { self.name(id, settings) } else { id.to_owned() }
    }

    /// Its name without seeds, shared with its repetitions with other seeds. Empty if nothing else differs.
    #[must_use]
    pub fn setting<K: Keyed + ?Sized>(&self, settings: &K) -> String {
        let parts = self.keys.iter().filter_map(|named| {
            let text = named.text(settings.value(&named.key)?);
            Some(if named.label.is_empty() { text } else { format!("{} {text}", named.label) })
        });
        parts.collect::<Vec<_>>().join(" ")
    }

    /// The seeds that distinguish it from its repetitions: `s0`.
    #[must_use]
    pub fn seeds<K: Keyed + ?Sized>(&self, settings: &K) -> String {
        let parts = self
            .seeds
            .iter()
            .filter_map(|named| Some(format!("{}{}", named.label, named.text(settings.value(&named.key)?))));
        parts.collect::<Vec<_>>().join(" ")
    }

    /// The keys in names, seeds last.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().chain(&self.seeds).map(|named| named.key.as_str())
    }
}

/// Whether an id is generated: `randman-20261123-142501-ab12`, or in sweeps `randman-0123456789ab`.
#[must_use]
pub fn is_generated(id: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    let mut parts = id.rsplit('-');
    let last = parts.next().unwrap_or_default();
    match (last.len(), parts.next(), parts.next()) {
        (12, Some(name), _) => is_hex(last) && !name.is_empty(),
        (4, Some(time), Some(day)) => {
            let is_number =
                |text: &str, digits| text.len() == digits && text.bytes().all(|c: u8| c.is_ascii_digit());
            is_hex(last) && is_number(time, 6) && is_number(day, 8)
        }
        _ => false,
    }
}

/// The keys with more than one value.
fn differing<'a, K: Keyed + ?Sized>(runs: &[(&'a str, &'a K)]) -> Vec<&'a str> {
    let mut seen: Vec<(&str, &Value, bool)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (_, settings) in runs {
        // Nearly always, all runs have the same keys in the same order.
        let mut next = 0;
        settings.each(&mut |key, value| {
            let place = if seen.get(next).is_some_and(|it| it.0 == key) {
                next
            } else {
                *places.entry(key).or_insert_with(|| {
                    seen.push((key, value, false));
                    seen.len() - 1
                })
            };
            next = place + 1;
            let (_, first, differs) = &mut seen[place];
            *differs = *differs || (!std::ptr::eq(*first, value) && *first != value);
        });
    }
    let counts = |key: &str| !key.starts_with("probe.") && !IRRELEVANT.contains(&key);
    seen.into_iter().filter(|(key, _, differs)| *differs && counts(key)).map(|(key, ..)| key).collect()
}

/// The values of these keys, without keys whose values differ only in notation.
fn columns<'a, K: Keyed + ?Sized>(runs: &[(&'a str, &'a K)], keys: &[&'a str]) -> Vec<Column<'a>> {
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut columns = Vec::new();
    for &key in keys {
        let mut column = Column { key, texts: Vec::with_capacity(runs.len()), values: Vec::new() };
        let mut known = HashSet::new();
        for (_, settings) in runs {
            let Some(value) = settings.value(key) else {
                column.texts.push(0);
                continue;
            };
            // 10 and 10.0 are the same.
            let text = number(value).map_or_else(|| plain(value).into_owned(), |it| it.to_string());
            let next = numbers.len() as u32 + 1;
            let text = *numbers.entry(text).or_insert(next);
            if known.insert(text) {
                column.values.push(value);
            }
            column.texts.push(text);
        }
        if column.values.len() > 1 {
            columns.push(column);
        }
    }
    columns
}

/// The fewest keys that distinguish the runs as well as all of them, the most distinguishing first.
fn telling(mut keys: Vec<Column<'_>>, runs: usize) -> Vec<Column<'_>> {
    let split = |classes: &[u32], column: &Column<'_>| -> (Vec<u32>, usize) {
        let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
        let of = |(&class, &text): (&u32, &u32)| {
            let next = numbers.len() as u32;
            *numbers.entry((class, text)).or_insert(next)
        };
        let classes = classes.iter().zip(&column.texts).map(of).collect();
        (classes, numbers.len())
    };
    let (mut classes, mut number, mut chosen) = (vec![0; runs], 1, Vec::new());
    loop {
        let splits = keys.iter().enumerate().map(|(place, column)| (place, split(&classes, column)));
        // The first of equally distinguishing keys.
        let best = splits.max_by_key(|(place, (_, number))| (*number, std::cmp::Reverse(*place)));
        match best {
            Some((place, (split, count))) if count > number => {
                (classes, number) = (split, count);
                chosen.push(keys.remove(place));
            }
            _ => return chosen,
        }
    }
}

fn name_keys(columns: &[Column<'_>]) -> Vec<Named> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let is_word = |value: &&Value| value.as_str().is_some_and(|it| it.starts_with(char::is_alphabetic));
    let words = |column: &Column<'_>| column.values.iter().all(is_word);
    let mut labels: Vec<String> = Vec::new();
    for column in columns {
        let known = FIRST.iter().chain(&SHORT).find(|(key, _)| *key == column.key);
        // Two keys with the same words need their names.
        let shares = |other: &Column<'_>| other.values.iter().any(|value| column.values.contains(value));
        let is_clear = || !columns.iter().any(|other| other.key != column.key && shares(other));
        labels.push(match known {
            _ if words(column) && is_clear() => String::new(),
            Some((_, label)) if !label.is_empty() => (*label).to_owned(),
            _ => last(column.key),
        });
    }
    let is_unique = |label: &String| labels.iter().filter(|it| *it == label).count() == 1;
    let label = |(column, label): (&Column<'_>, &String)| {
        if label.is_empty() || is_unique(label) { label.clone() } else { column.key.to_owned() }
    };
    let named = columns.iter().zip(&labels).map(|it| (it.0, label(it)));
    named.map(|(column, label)| Named::new(column, label)).collect()
}

/// Merges seeds that agree in every run that has both; the seed of the initial weights comes first.
fn name_seeds(mut columns: Vec<Column<'_>>) -> Vec<Named> {
    columns.sort_by_key(|column| column.key != "initialization.seed");
    let mut different: Vec<Column<'_>> = Vec::new();
    for column in columns {
        let differs = |other: &Column<'_>| {
            other.texts.iter().zip(&column.texts).any(|(&a, &b)| a != b && a != 0 && b != 0)
        };
        if different.iter().all(differs) {
            different.push(column);
        }
    }
    let is_only = different.len() == 1;
    let label = |key: &str| match key.chars().next() {
        Some(first) if !is_only && key != "initialization.seed" && key.contains('.') => format!("{first}s"),
        _ => "s".to_owned(),
    };
    let labels: Vec<String> = different.iter().map(|column| label(column.key)).collect();
    let is_unique = |label: &String| labels.iter().filter(|it| *it == label).count() == 1;
    let named = different.iter().zip(&labels).map(|(column, label)| {
        let label = if is_unique(label) { label.clone() } else { format!("{} ", column.key) };
        Named::new(column, label)
    });
    named.collect()
}

impl Named {
    fn new(column: &Column<'_>, label: String) -> Self {
        let mut named = Self { key: column.key.to_owned(), label, digits: ALL_DIGITS, is_path: true };
        let different = |named: &Self| {
            let texts: HashSet<String> = column.values.iter().map(|value| named.text(value)).collect();
            texts.len() == column.values.len()
        };
        named.is_path = different(&named);
        named.digits = (DIGITS..ALL_DIGITS)
            .find(|&digits| different(&Self { digits, ..named.clone() }))
            .unwrap_or(ALL_DIGITS);
        named
    }

    fn text(&self, value: &Value) -> String {
        match value {
            Value::Float(value) => short(*value, self.digits),
            Value::Boolean(value) => if *value { "on" } else { "off" }.to_owned(),
            Value::Array(values) if values.is_empty() => "none".to_owned(),
            Value::Array(values) if values.iter().all(Value::is_integer) => {
                values.iter().map(Value::to_string).collect::<Vec<_>>().join("-")
            }
            Value::String(text) => {
                let name = text.rsplit('/').next().filter(|name| self.is_path && !name.is_empty());
                cut(name.unwrap_or(text))
            }
            other => cut(&other.to_string().replace(' ', "")),
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}~", &text[..end]),
        None => text.to_owned(),
    }
}

/// A number with this number of digits, in its shortest notation: `.03`, `10`, `1e-4`.
fn short(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return value.to_string().to_lowercase();
    }
    let rounded: f64 = format!("{value:.*e}", digits.saturating_sub(1)).parse().unwrap_or(value);
    let (mut decimal, power) = (format!("{rounded}"), format!("{rounded:e}"));
    if let Some(rest) = decimal.strip_prefix("0.") {
        decimal = format!(".{rest}");
    } else if let Some(rest) = decimal.strip_prefix("-0.") {
        decimal = format!("-.{rest}");
    }
    if power.len() < decimal.len() { power } else { decimal }
}

#[cfg(test)]
mod tests;
