//! The definition of a sweep: an experiment, and the settings to vary.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};

use toml::Value;

use super::{
    AxisSpacing, Dimension, MANIFEST_VERSION, Manifest, Point, Selection, Settings,
    axis::Axis,
    ids::{Experiments, IRRELEVANT},
};
use crate::{
    Experiment,
    error::{Error, Place},
    experiment::Variant,
};

/// Maximum number of grid corners to check first.
const MOST_CORNERS: usize = 512;
/// Maximum number of runs, to catch mistakes before listing them takes too much time and memory.
const MOST_RUNS: u128 = 100_000;

/// An experiment with grids of values over some of its keys, repeated with several seeds.
///
/// ```
/// use snn_train::{Experiment, sweep::{Axis, Sweep}};
///
/// let plan = Sweep::new("slopes", Experiment::preset("randman")?)
///     .grid([
///         ("surrogate.beta", Axis::logarithmic(1.0, 100.0, 5)),
///         ("optimizer.learning_rate", Axis::list([0.01, 0.03])),
///     ])
///     .seeds(["initialization.seed", "training.seed"], 0..3)
///     .plan()?;
///
/// assert_eq!(plan.points.len(), 5 * 2 * 3);
/// assert_eq!(plan.points[0].settings["surrogate.beta"].as_float(), Some(1.0));
/// # Ok::<(), snn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// The name. By default that of the sweep file.
    pub name: String,
    /// The base experiment.
    pub base: Experiment,
    /// Each grid contains all combinations of the values on its axes, the last axis varying fastest; the sweep is the union of
    /// all grids. Without grids, it is just the base.
    pub grids: Vec<Vec<(String, Axis)>>,
    /// Each combination is run with every seed.
    pub seeds: Seeds,
    /// How models are selected and grouped in the results.
    pub selection: Selection,
}

/// Seeds, and their keys: all keys have the same seed in a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seeds {
    /// The keys, such as `initialization.seed`.
    pub keys: Vec<String>,
    /// The seeds. Without any, the base's are used.
    pub values: Vec<u64>,
}

impl Sweep {
    /// A sweep without grids and seeds.
    #[must_use]
    pub fn new(name: impl Into<String>, base: Experiment) -> Self {
        Self {
            name: name.into(),
            base,
            grids: Vec::new(),
            seeds: Seeds::default(),
            selection: Selection::default(),
        }
    }

    /// Adds a grid. Runs common to several grids are trained once.
    #[must_use]
    pub fn grid<K: Into<String>>(mut self, axes: impl IntoIterator<Item = (K, Axis)>) -> Self {
        self.grids.push(axes.into_iter().map(|(key, axis)| (key.into(), axis)).collect());
        self
    }

    /// Repeats every run with each of the seeds, assigned to all of the keys.
    #[must_use]
    pub fn seeds<K: Into<String>>(
        mut self,
        keys: impl IntoIterator<Item = K>,
        seeds: impl IntoIterator<Item = u64>,
    ) -> Self {
        self.seeds =
            Seeds { keys: keys.into_iter().map(Into::into).collect(), values: seeds.into_iter().collect() };
        self
    }

    /// Of runs with equal values of the keys `by`, only the `best` on validation count.
    #[must_use]
    pub fn select<K: Into<String>>(mut self, best: usize, by: impl IntoIterator<Item = K>) -> Self {
        let by = by.into_iter().map(Into::into).collect();
        self.selection = Selection { best: Some(best), by: Some(by) };
        self
    }

    /// Lists and checks all runs.
    ///
    /// # Errors
    /// [`Error::Sweep`] for invalid grids, seeds or selection, [`Error::UnknownKey`] and [`Error::InvalidValue`] for keys and
    /// values in them, [`Error::Impossible`] for invalid combinations of values.
    pub fn plan(&self) -> Result<Manifest, Error> {
        self.plan_placed(&HashMap::new())
    }

    pub(super) fn plan_placed(&self, places: &HashMap<String, Place>) -> Result<Manifest, Error> {
        self.check(places)?;
        let mut axes = self.axes();
        self.check_selection(&axes, places)?;
        let grids = self.values(places)?;
        check_count(&grids, places)?;
        let experiments = Experiments::new(self.base.clone())?;
        let make = |number: usize, settings: &Settings| {
            let place = |key: &str| place(places, &[&format!("grid.{number}.{key}"), "seeds.keys", "seeds"]);
            let given = settings.iter().map(|(key, value)| (key.as_str(), value.clone()));
            experiments.vary(given, place)
        };
        // It may have been created in code; constraints between its values may be met by those of the axes.
        self.base.validate_values()?;
        check_soon(&grids, make)?;
        let mut points = Vec::new();
        let mut known = HashSet::new();
        let mut values: Vec<HashSet<String>> = vec![HashSet::new(); axes.len()];
        for (number, settings) in combinations(&grids) {
            let variant = make(number, &settings)?;
            let id = experiments.id(&variant)?;
            if !known.insert(id.clone()) {
                continue;
            }
            let mut settings = Settings::new();
            for (axis, values) in axes.iter_mut().zip(&mut values) {
                // As in the experiment: 10.0 if 10 was written.
                let Some(value) = experiments.value(&variant, &axis.key).cloned() else { continue };
                if values.insert(value.to_string()) {
                    axis.values.push(value.clone());
                }
                settings.insert(axis.key.clone(), value);
            }
            points.push(Point { id, settings, seconds: None });
        }
        Ok(Manifest {
            version: MANIFEST_VERSION,
            name: self.name.clone(),
            runs: PathBuf::from("runs"),
            axes,
            selection: self.selection.clone(),
            base: experiments.base().clone(),
            points,
        })
    }

    /// Every key once, without values.
    fn axes(&self) -> Vec<Dimension> {
        let mut axes: Vec<Dimension> = Vec::new();
        let grids = self.grids.iter().flatten().map(|(key, axis)| (key, axis.scale(), false));
        let seeds = self.seeds.keys.iter().map(|key| (key, AxisSpacing::List, true));
        for (key, scale, seed) in grids.chain(seeds) {
            match axes.iter_mut().find(|axis| axis.key == *key) {
                None => axes.push(Dimension { key: key.clone(), scale, seed, values: Vec::new() }),
                // One grid lists values of a key that another one spaces.
                Some(axis) if axis.scale != scale => axis.scale = AxisSpacing::List,
                Some(_) => {}
            }
        }
        axes
    }

    /// The axes of each grid, seeds last, with all their values.
    fn values(&self, places: &HashMap<String, Place>) -> Result<Vec<Grid<'_>>, Error> {
        let mut grids: Vec<_> = self.grids.iter().map(Vec::as_slice).collect();
        if grids.is_empty() {
            grids.push(&[]);
        }
        let seeds: Vec<Value> =
            self.seeds.values.iter().map(|&seed| seed_value(seed)).collect::<Result<_, _>>()?;
        let mut all = Vec::new();
        for (number, grid) in grids.into_iter().enumerate() {
            let mut axes = Grid::new();
            for (key, axis) in grid {
                let values = axis.values().map_err(|reason| Error::Sweep {
                    place: place(places, &[&format!("grid.{number}.{key}")]),
                    reason: format!("`{key}`: {reason}"),
                })?;
                axes.push((vec![key], values));
            }
            if !seeds.is_empty() {
                axes.push((self.seeds.keys.iter().collect(), seeds.clone()));
            }
            all.push(axes);
        }
        Ok(all)
    }

    fn check(&self, places: &HashMap<String, Place>) -> Result<(), Error> {
        let wrong = |path: &str, reason: String| Err(Error::Sweep { place: place(places, &[path]), reason });
        for (number, grid) in self.grids.iter().enumerate() {
            let mut seen = HashSet::new();
            for key in grid.iter().map(|(key, _)| key).chain(&self.seeds.keys) {
                if !seen.insert(key) {
                    return wrong(
                        &format!("grid.{number}.{key}"),
                        format!("`{key}` is set twice for a run; use it in one axis, or in the seeds"),
                    );
                }
            }
        }
        let in_grids = self.grids.iter().enumerate().flat_map(|(number, grid)| {
            grid.iter().map(move |(key, _)| (format!("grid.{number}.{key}"), key))
        });
        let in_seeds = self.seeds.keys.iter().map(|key| ("seeds.keys".to_owned(), key));
        if let Some((path, key)) =
            in_grids.chain(in_seeds).find(|(_, key)| IRRELEVANT.contains(&key.as_str()))
        {
            let reason = format!(
                "`{key}` does not affect results, so runs that differ only in it are the same run; set it for all of them \
                 under [set], or in the base"
            );
            return wrong(&path, reason);
        }
        if self.seeds.keys.is_empty() != self.seeds.values.is_empty() {
            return wrong("seeds", "seeds need both values and keys".to_owned());
        }
        if self.selection.best == Some(0) {
            return wrong("select.best", "select.best must be at least 1; omit it for all models".to_owned());
        }
        Ok(())
    }

    fn check_selection(&self, axes: &[Dimension], places: &HashMap<String, Place>) -> Result<(), Error> {
        let known = |key: &&String| axes.iter().any(|axis| axis.key == **key);
        match self.selection.by.iter().flatten().find(|key| !known(key)) {
            None => Ok(()),
            Some(key) => {
                let keys: Vec<_> = axes.iter().map(|axis| axis.key.as_str()).collect();
                let reason = format!("select.by names `{key}`, but the varied keys are {}", keys.join(", "));
                Err(Error::Sweep { place: place(places, &["select.by"]), reason })
            }
        }
    }
}

/// Refuses an excessive number of runs before listing them.
fn check_count(grids: &[Grid<'_>], places: &HashMap<String, Place>) -> Result<(), Error> {
    let of_grid = |grid: &Grid<'_>| {
        grid.iter().try_fold(1_u128, |runs, (_, values)| runs.checked_mul(values.len() as u128))
    };
    let all = grids.iter().try_fold(0_u128, |all, grid| all.checked_add(of_grid(grid)?));
    let all = match all {
        Some(all) if all <= MOST_RUNS => return Ok(()),
        Some(all) => all.to_string(),
        None => "more than 10^38".to_owned(),
    };
    let reason = format!(
        "these are {all} runs, but a sweep can have at most {MOST_RUNS}: use fewer points or fewer axes"
    );
    Err(Error::Sweep { place: place(places, &["grid", "seeds"]), reason })
}

/// Every combination with the number of its grid.
fn combinations(grids: &[Grid<'_>]) -> Vec<(usize, Settings)> {
    let mut all = Vec::new();
    for (number, grid) in grids.iter().enumerate() {
        let mut combinations = vec![Settings::new()];
        for (keys, values) in grid {
            combinations = product(&combinations, values, keys);
        }
        all.extend(combinations.into_iter().map(|settings| (number, settings)));
    }
    all
}

/// Finds most errors before creating all runs, of which there may be many: individually invalid values, and invalid combinations
/// at the ends of the axes.
fn check_soon(
    grids: &[Grid<'_>],
    make: impl Fn(usize, &Settings) -> Result<Variant, Error>,
) -> Result<(), Error> {
    for (number, grid) in grids.iter().enumerate() {
        // Other data have other keys: then a single axis cannot be checked.
        let has_data = grid.iter().any(|(keys, _)| keys.iter().any(|key| *key == "data.name"));
        for (keys, values) in grid.iter().filter(|_| !has_data) {
            for value in values {
                let settings = keys.iter().map(|&key| (key.clone(), value.clone())).collect();
                // Errors between keys may be resolved by the other axes.
                if let Err(error @ (Error::UnknownKey { .. } | Error::InvalidValue { .. })) =
                    make(number, &settings)
                {
                    return Err(error);
                }
            }
        }
        let mut corners = vec![Settings::new()];
        for (keys, values) in grid {
            let ends: Vec<Value> = [values.first(), values.last()].into_iter().flatten().cloned().collect();
            let ends = if corners.len() > MOST_CORNERS { &ends[..1] } else { &ends };
            corners = product(&corners, ends, keys);
        }
        corners.iter().try_for_each(|settings| make(number, settings).map(drop))?;
    }
    Ok(())
}

/// The place of the first of these paths that was written.
fn place(places: &HashMap<String, Place>, paths: &[&str]) -> Place {
    paths.iter().find_map(|&path| places.get(path)).cloned().unwrap_or(Place::Code)
}

/// The axes of a grid: keys that share their values, and the values.
type Grid<'a> = Vec<(Vec<&'a String>, Vec<Value>)>;

fn product(combinations: &[Settings], values: &[Value], keys: &[&String]) -> Vec<Settings> {
    let with = |settings: &Settings, value: &Value| {
        let mut settings = settings.clone();
        settings.extend(keys.iter().map(|&key| (key.clone(), value.clone())));
        settings
    };
    combinations.iter().flat_map(|settings| values.iter().map(move |value| with(settings, value))).collect()
}

fn seed_value(seed: u64) -> Result<Value, Error> {
    let seed =
        i64::try_from(seed).map_err(|_| Error::Impossible(format!("the seed {seed} is above 2^63 - 1")))?;
    Ok(Value::Integer(seed))
}
