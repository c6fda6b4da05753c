//! Reading sweep files.

use std::{collections::HashMap, path::Path};

use serde::Deserialize;
use snn_run::regular;
use toml::{Table, Value, de::DeTable};

use super::{
    Selection,
    axis::Axis,
    spec::{Seeds, Sweep},
};
use crate::{
    Experiment,
    error::{Error, Place},
    experiment::keys,
};

/// The file format.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SweepFile {
    #[serde(default)]
    name: String,
    base: Base,
    #[serde(default)]
    set: HashMap<String, HashMap<String, Value>>,
    #[serde(default)]
    grid: Vec<HashMap<String, HashMap<String, Value>>>,
    seeds: Option<SeedsFile>,
    #[serde(default)]
    select: Selection,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected the name of a preset, the path of an experiment, or an experiment")]
enum Base {
    Name(String),
    Experiment(Table),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedsFile {
    #[serde(default = "seed_keys")]
    keys: Vec<String>,
    values: Vec<u64>,
}

fn seed_keys() -> Vec<String> {
    ["initialization.seed", "training.seed"].map(str::to_owned).into()
}

impl Sweep {
    /// Reads a sweep file; [the module](super) documents its format. A base path is relative to the file.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`], and with the line those of [`Sweep::plan`] and of [`Experiment::from_toml`]; [`Error::Sweep`] for a name
    /// that is not a plain file name.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text =
            regular::read_text(path, regular::MOST_CONFIG).map_err(Error::io("read the sweep", path))?;
        let (mut sweep, places) = read(&text, &path.display().to_string(), path.parent())?;
        if sweep.name.is_empty() {
            sweep.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        }
        if !is_file_name(&sweep.name) {
            let reason = format!(
                "the name of a sweep is also that of its directory, so {:?} is invalid: use a plain name, such as name = \
                 \"slopes\", without slashes and control characters",
                sweep.name
            );
            let whole = Place::Line { file: path.display().to_string(), line: 1 };
            return Err(Error::Sweep { place: places.get("name").cloned().unwrap_or(whole), reason });
        }
        sweep.plan_placed(&places)?;
        Ok(sweep)
    }
}

/// Whether this text is a valid sweep, with a preset or an inline experiment.
pub(crate) fn is_sweep(text: &str) -> bool {
    read(text, "sweep", None).is_ok_and(|(sweep, places)| sweep.plan_placed(&places).is_ok())
}

/// Whether this name denotes a subdirectory of the current one on any system.
fn is_file_name(name: &str) -> bool {
    let bad = |c: char| c.is_control() || c == '/' || c == '\\';
    !matches!(name, "" | "." | "..") && !name.contains(bad)
}

/// Parses a sweep, and the places of its keys: `grid.0.surrogate.beta`. `folder` is the folder for a base path.
fn read(text: &str, file: &str, folder: Option<&Path>) -> Result<(Sweep, HashMap<String, Place>), Error> {
    let syntax = |error: toml::de::Error| Error::Syntax {
        place: Place::of(&error, text, file),
        message: error.message().to_owned(),
    };
    let places = places(text, file).map_err(syntax)?;
    let parsed: SweepFile = toml::from_str(text).map_err(syntax)?;
    let base = match parsed.base {
        Base::Experiment(table) => {
            let toml = toml::to_string(&table).map_err(|error| Error::Impossible(error.to_string()))?;
            Experiment::from_toml(&toml, file).map_err(|error| placed_in_base(error, &places))?
        }
        Base::Name(name) => {
            let beside = folder.map(|folder| folder.join(&name)).filter(|path| path.is_file());
            beside.map_or_else(|| Experiment::find(&name), Experiment::load)?
        }
    };
    let set = flat(parsed.set);
    let place = |key: &str| places.get(&format!("set.{key}")).cloned().unwrap_or(Place::Code);
    let base = base.with_placed(set.iter().map(|(key, value)| (key.as_str(), value.clone())), place)?;
    let mut grids = Vec::new();
    for (number, grid) in parsed.grid.into_iter().enumerate() {
        let axis = |(key, value): (String, Value)| match value.try_into::<Axis>() {
            Ok(axis) => Ok((key, axis)),
            Err(error) => {
                let place = places.get(&format!("grid.{number}.{key}")).cloned().unwrap_or(Place::Code);
                Err(Error::Sweep { place, reason: format!("`{key}` {}", error.message().trim()) })
            }
        };
        let mut axes = flat(grid).into_iter().map(axis).collect::<Result<Vec<_>, _>>()?;
        axes.sort_by(|(a, _), (b, _)| a.cmp(b));
        grids.push(axes);
    }
    let seeds =
        parsed.seeds.map_or_else(Seeds::default, |seeds| Seeds { keys: seeds.keys, values: seeds.values });
    let sweep = Sweep { name: parsed.name, base, grids, seeds, selection: parsed.select };
    Ok((sweep, places))
}

/// Maps an error in the experiment to its place under `[base]`: the experiment was parsed from a copy with different lines.
fn placed_in_base(error: Error, places: &HashMap<String, Place>) -> Error {
    let in_base = |key: &str| {
        let place = places.get(&format!("base.{key}")).or_else(|| places.get("base"));
        place.cloned().unwrap_or(Place::Code)
    };
    match error {
        Error::UnknownKey { key, nearest, .. } => Error::UnknownKey { place: in_base(&key), key, nearest },
        Error::InvalidValue { key, expected, found, nearest, .. } => {
            Error::InvalidValue { place: in_base(key), key, expected, found, nearest }
        }
        other => other,
    }
}

/// The values by key. A section may have tables of keys (`data.mel.channels`); a value may be a table, too.
fn flat(sections: HashMap<String, HashMap<String, Value>>) -> Vec<(String, Value)> {
    fn add(path: String, value: Value, all: &mut Vec<(String, Value)>) {
        match value {
            Value::Table(table) if has_keys_below(&path) => {
                for (name, value) in table {
                    add(format!("{path}.{name}"), value, all);
                }
            }
            value => all.push((path, value)),
        }
    }
    let mut all = Vec::new();
    for (section, keys) in sections {
        for (name, value) in keys {
            add(format!("{section}.{name}"), value, &mut all);
        }
    }
    all
}

/// Whether this path is that of a table of keys.
fn has_keys_below(path: &str) -> bool {
    keys().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// The places of all keys at any depth.
fn places(text: &str, file: &str) -> Result<HashMap<String, Place>, toml::de::Error> {
    fn walk(
        table: &DeTable<'_>,
        path: &str,
        place: &dyn Fn(usize) -> Place,
        places: &mut HashMap<String, Place>,
    ) {
        for (key, value) in table {
            let path = format!("{path}{}", key.get_ref());
            let value = value.get_ref();
            for (number, table) in value.as_array().into_iter().flat_map(|list| list.iter().enumerate()) {
                if let Some(table) = table.get_ref().as_table() {
                    walk(table, &format!("{path}.{number}."), place, places);
                }
            }
            if let Some(table) = value.as_table() {
                walk(table, &format!("{path}."), place, places);
            }
            places.insert(path, place(key.span().start));
        }
    }
    let lines = snn_run::Lines::of(text);
    let place = |offset| Place::Line { file: file.to_owned(), line: lines.at(offset) };
    let mut places = HashMap::new();
    walk(DeTable::parse(text)?.get_ref(), "", &place, &mut places);
    Ok(places)
}
