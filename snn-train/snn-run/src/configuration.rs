//! Experiments as flat lists of keys and values, for names, filters and comparisons of runs.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use toml::{Table, Value};

use crate::{directory::RunDir, error::Error, files::CONFIG, regular};

/// Every key of an experiment with its value: `optimizer.learning_rate` and `0.03`.
///
/// Sections that several runs share are stored once: ten thousand configurations take a few megabytes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Configuration {
    /// In the order of the file.
    sections: Vec<Arc<Section>>,
}

/// Keys under one heading of the file.
#[derive(Debug, PartialEq)]
struct Section {
    entries: Vec<(Box<str>, Value)>,
    /// Of all keys but seeds; 0 for a section that does not change what is trained.
    hash: u64,
}

impl Section {
    fn new(entries: Vec<(Box<str>, Value)>) -> Self {
        let counted = entries.iter().filter(|(key, _)| !key.starts_with("probe.") && !is_seed(key));
        let mut hasher = DefaultHasher::new();
        let mut is_empty = true;
        for (key, value) in counted {
            is_empty = false;
            key.hash(&mut hasher);
            value.to_string().hash(&mut hasher);
        }
        Self { entries, hash: if is_empty { 0 } else { hasher.finish() } }
    }
}

/// Whether a key is a seed: runs that differ only in seeds are repetitions of each other.
#[must_use]
pub fn is_seed(key: &str) -> bool {
    key.rsplit('.').next() == Some("seed")
}

/// A value for display: texts without quotes.
#[must_use]
pub fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

impl Configuration {
    /// The configuration of an experiment in TOML.
    #[must_use]
    pub fn of(config: &Table) -> Self {
        let mut sections = Vec::new();
        let mut plain = Vec::new();
        for (name, value) in config {
            if let Value::Table(table) = value {
                let mut entries = Vec::new();
                flatten(name, table, &mut entries);
                sections.push(Arc::new(Section::new(entries)));
            } else {
                plain.push((name.as_str().into(), value.clone()));
            }
        }
        if !plain.is_empty() {
            sections.insert(0, Arc::new(Section::new(plain)));
        }
        Self { sections }
    }

    /// The value of a key such as `optimizer.learning_rate`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// All keys and values, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let entries = self.sections.iter().flat_map(|section| &section.entries);
        entries.map(|(key, value)| (&**key, value))
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sections.iter().all(|section| section.entries.is_empty())
    }

    /// This experiment with other values, as in a sweep: the configuration of a run that has not started.
    ///
    /// With another data set (`data.name`) the other `data` keys are omitted: they belong to the original data set.
    #[must_use]
    pub fn with(&self, settings: &BTreeMap<String, Value>) -> Self {
        let mut sections: Vec<Arc<Section>> = Vec::new();
        let mut left = settings.clone();
        let other_data = settings.contains_key("data.name");
        for section in &self.sections {
            let is_here =
                |key: &str| section.entries.first().is_some_and(|(first, _)| heading(first) == heading(key));
            if !settings.keys().any(|key| is_here(key)) {
                sections.push(section.clone());
                continue;
            }
            let mut entries: Vec<(Box<str>, Value)> = Vec::new();
            for (key, value) in &section.entries {
                match left.remove(&**key) {
                    Some(other) => entries.push((key.clone(), other)),
                    None if other_data && heading(key) == Some("data") => {}
                    None => entries.push((key.clone(), value.clone())),
                }
            }
            let added: Vec<String> = left.keys().filter(|key| is_here(key)).cloned().collect();
            entries.extend(
                added.into_iter().filter_map(|key| left.remove(&key).map(|value| (key.into(), value))),
            );
            sections.push(Arc::new(Section::new(entries)));
        }
        if !left.is_empty() {
            let entries = left.into_iter().map(|(key, value)| (key.into(), value)).collect();
            sections.push(Arc::new(Section::new(entries)));
        }
        Self { sections }
    }

    /// A number that is equal for configurations that differ only in seeds and in `probe`.
    #[must_use]
    pub fn group(&self) -> u64 {
        let mut hashes: Vec<u64> = self.sections.iter().map(|it| it.hash).filter(|&hash| hash != 0).collect();
        hashes.sort_unstable();
        let mut hasher = DefaultHasher::new();
        hashes.hash(&mut hasher);
        hasher.finish()
    }
}

/// The section of a key; `None` for a key outside all sections.
fn heading(key: &str) -> Option<&str> {
    key.split_once('.').map(|(section, _)| section)
}

fn flatten(above: &str, table: &Table, entries: &mut Vec<(Box<str>, Value)>) {
    for (name, value) in table {
        let key = format!("{above}.{name}");
        match value {
            Value::Table(below) => flatten(&key, below, entries),
            value => entries.push((key.into(), value.clone())),
        }
    }
}

/// Reads the configurations of many runs: a section with the same text as an earlier one is not parsed again.
#[derive(Debug, Default)]
pub struct Configurations {
    known: HashMap<Box<str>, Arc<Section>>,
}

impl Configurations {
    /// The configuration of a run, like [`RunDir::config`].
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Syntax`].
    pub fn read(&mut self, run: &RunDir) -> Result<Configuration, Error> {
        let path = run.path().join(CONFIG);
        let text = regular::read_to_string(&path, regular::MOST_CONFIG)
            .map_err(Error::io("read the experiment", &path))?;
        if let Some(sections) = self.sections(&text) {
            return Ok(Configuration { sections });
        }
        let table: Table = text.parse().map_err(|error| Error::syntax(path, &text, &error))?;
        Ok(Configuration::of(&table))
    }

    /// The sections of a text, each parsed separately; `None` if that is unreliable. A heading is at the beginning of a line. A heading
    /// within a multi-line text or list would split it, and then neither half is valid TOML.
    fn sections(&mut self, text: &str) -> Option<Vec<Arc<Section>>> {
        let mut headings = HashSet::new();
        let mut sections = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.get(1..)?.find("\n[").map_or(rest.len(), |at| at + 2);
            let (section, behind) = rest.split_at(end);
            rest = behind;
            let heading = section.lines().next().unwrap_or_default().trim_end();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            let name = heading.strip_prefix('[').and_then(|it| it.strip_suffix(']'))?;
            // In a nested table, or in a different notation: parse the whole file.
            if name.is_empty() || !name.chars().all(is_plain) || !headings.insert(name) {
                return None;
            }
            if let Some(known) = self.known.get(section) {
                sections.push(known.clone());
                continue;
            }
            let table: Table = section.parse().ok()?;
            let parsed = Arc::new(Section::new(Configuration::of(&table).into_entries(name)?));
            self.known.insert(section.into(), parsed.clone());
            sections.push(parsed);
        }
        Some(sections)
    }
}

impl Configuration {
    /// The entries of its only section, which has this name.
    fn into_entries(self, name: &str) -> Option<Vec<(Box<str>, Value)>> {
        let [section] = <[Arc<Section>; 1]>::try_from(self.sections).ok()?;
        let entries = Arc::into_inner(section)?.entries;
        let is_below = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        entries.iter().all(|(key, _)| is_below(key)).then_some(entries)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TEXT: &str = "[data]\nname = \"shd\"\nmel = { channels = 40 }\n\n[network]\nhidden = [\n    100,\n    50,\n]\n\n\
                        [training]\nseed = 3\nepochs = 2\n\n[probe]\nevery = 1\n";

    fn read(all: &mut Configurations, text: &str) -> Result<Configuration, Error> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(CONFIG), text).unwrap();
        all.read(&RunDir::open(folder.path()).unwrap())
    }

    #[test]
    fn reading_by_section_equals_reading_the_file() {
        let mut all = Configurations::default();
        for text in [
            TEXT,
            "",
            "top = 1\n[data]\nname = \"x\"\n",
            "[data]\nname = \"x\"\n[data.mel]\nchannels = 3\n",
            "[data]\nname = \"\"\"\n[network]\nhidden = 3\n\"\"\"\n",
            "[data]\nlists = [\n[1, 2],\n[3]\n]\n",
            "# made by hand\n[data]  # here\nname = 'x'\n",
        ] {
            let whole = Configuration::of(&text.parse().unwrap());
            for _ in 0..2 {
                let read = read(&mut all, text).unwrap();
                assert_eq!(
                    read.iter().collect::<HashMap<_, _>>().len(),
                    whole.iter().count(),
                    "{text}: {read:?}"
                );
                assert!(whole.iter().all(|(key, value)| read.get(key) == Some(value)), "{text}: {read:?}");
                assert_eq!(read.group(), whole.group(), "{text}");
            }
        }
        assert!(read(&mut all, "[data]\nname = 1\n[data]\nname = 2\n").is_err(), "a heading twice");
        assert!(read(&mut all, "[data]\nname =\n").unwrap_err().to_string().contains("config.toml:2"));
    }

    #[test]
    fn equal_sections_are_stored_once() {
        let mut all = Configurations::default();
        let one = read(&mut all, TEXT).unwrap();
        let other = read(&mut all, &TEXT.replace("seed = 3", "seed = 4")).unwrap();
        assert!(Arc::ptr_eq(&one.sections[1], &other.sections[1]));
        assert!(!Arc::ptr_eq(&one.sections[2], &other.sections[2]));
        assert_eq!(one.get("data.mel.channels"), Some(&Value::from(40)));
        assert_eq!(other.get("training.seed"), Some(&Value::from(4)));
        assert_eq!(other.get("training.sed"), None);
    }

    #[test]
    fn seeds_and_probes_do_not_change_the_group() {
        let of = |text: &str| Configuration::of(&text.parse().unwrap()).group();
        assert_eq!(of(TEXT), of(&TEXT.replace("seed = 3", "seed = 4").replace("every = 1", "every = 2")));
        assert_ne!(of(TEXT), of(&TEXT.replace("epochs = 2", "epochs = 3")));
        assert_ne!(of(TEXT), of(&TEXT.replace("[training]", "[schedule]")), "the key counts");
    }

    #[test]
    fn a_planned_run_is_the_base_with_its_settings() {
        let base = Configuration::of(&TEXT.parse().unwrap());
        let with = |settings: &[(&str, Value)]| {
            base.with(&settings.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
        };
        let changed = with(&[
            ("training.epochs", 9.into()),
            ("training.new", 1.into()),
            ("optimizer.name", "sgd".into()),
        ]);
        for (key, value) in [
            ("training.epochs", Value::from(9)),
            ("training.seed", 3.into()),
            ("training.new", 1.into()),
            ("optimizer.name", "sgd".into()),
            ("data.mel.channels", 40.into()),
        ] {
            assert_eq!(changed.get(key), Some(&value), "{key}");
        }
        assert_eq!(changed.iter().count(), base.iter().count() + 2);
        assert_eq!(with(&[]), base);
        assert_eq!(with(&[("training.seed", 7.into())]).group(), base.group(), "another seed");
        let other = with(&[("data.name", "mnist".into())]);
        assert_eq!((other.get("data.name"), other.get("data.mel.channels")), (Some(&"mnist".into()), None));
        assert!(other.get("network.hidden").is_some());
    }
}
