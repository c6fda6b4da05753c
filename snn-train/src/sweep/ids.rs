//! The names of runs, which follow from their settings, and the experiments of a plan.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};
use toml::{Table, Value};

use super::{Manifest, Point};
use crate::{
    Experiment,
    error::{Error, Place},
    experiment::{Key, Variant, Variants, keys, value_in},
};

/// Keys that do not affect results, and are not part of a run's name.
pub(super) const IRRELEVANT: &[&str] =
    &["training.checkpoint_interval", "training.memory_limit", "probe.tensorboard"];

/// Each key that counts, with its default.
type Defaults = Vec<(&'static Key, Option<Value>)>;

/// The keys that count for experiments on this data set.
fn defaults(data_set: &str) -> Result<Defaults, Error> {
    static KNOWN: Mutex<BTreeMap<String, Defaults>> = Mutex::new(BTreeMap::new());
    // An inserted list is complete, even if its creator panicked later.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(defaults) = known.get(data_set) {
        return Ok(defaults.clone());
    }
    let table = Experiment::default().with([("data.name", Value::from(data_set))])?.to_table()?;
    let count = keys().filter(|key| key.applies_to(data_set) && !IRRELEVANT.contains(&key.path));
    let defaults: Defaults = count.map(|key| (key, value_in(&table, key.path).cloned())).collect();
    known.insert(data_set.to_owned(), defaults.clone());
    Ok(defaults)
}

/// What the name of a run has of this key: nothing if it has its default.
fn part(table: &Table, key: &Key, default: Option<&Value>) -> Option<String> {
    let found = value_in(table, key.path).filter(|found| Some(*found) != default)?;
    Some(format!("{} = {found}\n", key.path))
}

/// The name of this experiment's run: its data set, and 12 hexadecimal digits of SHA-256 over the keys with values other than
/// the defaults. Keys that do not affect results are excluded, as are keys added in later versions while they have their
/// defaults.
#[cfg(test)]
pub(crate) fn run_id(experiment: &Experiment) -> Result<String, Error> {
    id_of(experiment.data.name(), &experiment.to_table()?)
}

/// [`run_id`] for the table of an experiment on this data set.
fn id_of(data_set: &str, table: &Table) -> Result<String, Error> {
    let defaults = defaults(data_set)?;
    Ok(id(data_set, defaults.iter().filter_map(|(key, default)| part(table, key, default.as_ref()))))
}

fn id(data_set: &str, parts: impl Iterator<Item = impl AsRef<[u8]>>) -> String {
    let mut hash = Sha256::new();
    parts.for_each(|part| hash.update(part));
    let digits: String = hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{data_set}-{digits}")
}

/// The experiments of a sweep, and their names. Work common to all of them is done once.
pub(super) struct Experiments {
    variants: Variants,
    defaults: Defaults,
    /// The parts of the base's name, in the order of `defaults`.
    parts: Vec<Option<String>>,
}

impl Experiments {
    pub(super) fn new(base: Experiment) -> Result<Self, Error> {
        let variants = Variants::of(base)?;
        let defaults = defaults(variants.base().data.name())?;
        let parts =
            defaults.iter().map(|(key, default)| part(variants.table(), key, default.as_ref())).collect();
        Ok(Self { variants, defaults, parts })
    }

    pub(super) fn of(manifest: &Manifest) -> Result<Self, Error> {
        let base = toml::to_string(&manifest.base).map_err(|error| Error::Impossible(error.to_string()))?;
        Self::new(Experiment::from_toml(&base, "the sweep's base")?)
    }

    /// Every key of the base with its value.
    pub(super) fn base(&self) -> &Table {
        self.variants.table()
    }

    /// The experiment of a point.
    pub(super) fn get(&self, point: &Point) -> Result<Experiment, Error> {
        Ok(self.point(point)?.experiment)
    }

    fn point(&self, point: &Point) -> Result<Variant, Error> {
        let settings = point.settings.iter().map(|(key, value)| (key.as_str(), value.clone()));
        self.vary(settings, |_| Place::Code)
    }

    pub(super) fn vary<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, Value)>,
        place: impl Fn(&str) -> Place,
    ) -> Result<Variant, Error> {
        self.variants.vary(values, place)
    }

    /// The value of a key in one of these experiments.
    pub(super) fn value<'a>(&'a self, variant: &'a Variant, path: &str) -> Option<&'a Value> {
        self.variants.value(variant, path)
    }

    /// [`run_id`] of one of these experiments.
    pub(super) fn id(&self, variant: &Variant) -> Result<String, Error> {
        let data_set = variant.experiment.data.name();
        if data_set != self.variants.base().data.name() {
            return id_of(data_set, variant.changed());
        }
        let mut text = String::new();
        for ((key, default), of_base) in self.defaults.iter().zip(&self.parts) {
            if variant.has(key.section()) {
                text.extend(part(variant.changed(), key, default.as_ref()));
            } else {
                text.extend(of_base.as_deref());
            }
        }
        Ok(id(data_set, [text].iter()))
    }
}

/// The experiment of one of the runs of a plan.
///
/// # Errors
/// Those of [`Experiment::validate`], if the file was edited.
pub fn experiment(manifest: &Manifest, point: &Point) -> Result<Experiment, Error> {
    Experiments::of(manifest)?.get(point)
}

/// Checks that the id of every point of a plan matches its settings.
///
/// # Errors
/// [`snn_run::Error::ForeignPoint`] with the first mismatch, and those of [`Experiment::from_toml`] for the base.
pub(crate) fn check_points(manifest: &Manifest, path: &Path) -> Result<(), Error> {
    let experiments = Experiments::of(manifest)?;
    for point in &manifest.points {
        let wrong = |reason: String| {
            let (path, id) = (path.to_owned(), point.id.clone());
            Error::from(snn_run::Error::ForeignPoint { path, id, reason })
        };
        let variant = experiments
            .point(point)
            .map_err(|error| wrong(format!("its settings are not a valid experiment: {error}")))?;
        let id = experiments.id(&variant)?;
        if id != point.id {
            return Err(wrong(format!("its settings are those of {id}")));
        }
    }
    Ok(())
}
