//! Reading experiments from presets and TOML, and changing them.

use std::path::Path;

use snn_run::regular;
use toml::Value;

use super::{builder::ExperimentBuilder, definition::Experiment, key::nearest, presets::presets};
use crate::error::{Error, Place};

impl Experiment {
    /// The preset with this name.
    ///
    /// # Errors
    /// [`Error::UnknownPreset`] with the most similar name.
    pub fn preset(name: &str) -> Result<Self, Error> {
        let preset =
            presets().iter().find(|preset| preset.name == name).ok_or_else(|| unknown_preset(name))?;
        let mut builder = ExperimentBuilder::read(preset.toml, &format!("preset {name}"))?;
        for change in preset.changes {
            builder.set(change)?;
        }
        builder.finish()
    }

    /// Parses TOML; `file` is its name in errors.
    ///
    /// # Errors
    /// With the line: [`Error::Syntax`], [`Error::UnknownKey`] (with the most similar key), [`Error::InvalidValue`]; and those of
    /// [`Experiment::validate`].
    pub fn from_toml(text: &str, file: &str) -> Result<Self, Error> {
        ExperimentBuilder::read(text, file)?.finish()
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`], and those of [`Experiment::from_toml`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text =
            regular::read_text(path, regular::MOST_CONFIG).map_err(Error::io("read the experiment", path))?;
        Self::from_toml(&text, &path.display().to_string())
    }

    /// Loads a preset by name, or a TOML file by path.
    ///
    /// # Errors
    /// [`Error::UnknownPreset`] if it is neither, and those of [`Experiment::load`].
    pub fn find(preset_or_path: &str) -> Result<Self, Error> {
        if presets().iter().any(|preset| preset.name == preset_or_path) {
            Self::preset(preset_or_path)
        } else if Path::new(preset_or_path).exists() {
            Self::load(preset_or_path)
        } else {
            Err(unknown_preset(preset_or_path))
        }
    }

    /// Changes values by key: `section.key=value`, with a TOML value or a bare word for text. All changes are applied before
    /// anything is checked, and none if one is invalid. A different `data.name` starts with the defaults of that data set.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], [`Error::InvalidValue`], and those of [`Experiment::validate`].
    pub fn set<S: AsRef<str>>(&mut self, assignments: &[S]) -> Result<(), Error> {
        let mut builder = ExperimentBuilder::of(self.to_table()?);
        for assignment in assignments {
            builder.set(assignment.as_ref())?;
        }
        *self = builder.finish()?;
        Ok(())
    }

    /// This experiment with other values, given by key (`section.key`).
    ///
    /// # Errors
    /// Those of [`Experiment::set`].
    pub fn with<'a>(&self, values: impl IntoIterator<Item = (&'a str, Value)>) -> Result<Self, Error> {
        self.with_placed(values, |_| Place::Code)
    }

    /// Like [`Experiment::with`]; `place` returns where a key was written.
    pub(crate) fn with_placed<'a>(
        &self,
        values: impl IntoIterator<Item = (&'a str, Value)>,
        place: impl Fn(&str) -> Place,
    ) -> Result<Self, Error> {
        let mut values: Vec<_> = values.into_iter().collect();
        // The other keys of `data` depend on it.
        values.sort_by_key(|(key, _)| *key != "data.name");
        let mut builder = ExperimentBuilder::of(self.to_table()?);
        for (key, value) in values {
            builder.insert(key, value, place(key))?;
        }
        builder.finish()
    }

    /// Checks every value against its range, and constraints between values.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for one key, [`Error::Impossible`], [`Error::Network`] or [`Error::Data`] for several.
    pub fn validate(&self) -> Result<(), Error> {
        self.validate_values()?;
        self.validate_together()
    }

    /// Checks every value against its range.
    pub(crate) fn validate_values(&self) -> Result<(), Error> {
        ExperimentBuilder::of(self.to_table()?).check()
    }
}

fn unknown_preset(name: &str) -> Error {
    let known: Vec<_> = presets().iter().map(|preset| preset.name).collect();
    let nearest = nearest(name, known.iter().copied());
    Error::UnknownPreset { name: name.to_owned(), nearest, known }
}
