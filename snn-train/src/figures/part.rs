//! A part of a sweep: the runs that a figure shows or that a claim compares.

use std::{fmt, rc::Rc};

use crate::{
    Error,
    sweep::{Manifest, Settings, Sweep},
};

/// Whether a run belongs to a part, by its settings.
type Condition = Rc<dyn Fn(&Settings) -> bool>;

/// The runs of a sweep, or those of them that fulfill a condition.
#[derive(Clone)]
pub(super) struct Part {
    sweep: Sweep,
    condition: Option<Condition>,
}

impl Part {
    /// Only the runs of a sweep that fulfill a condition.
    pub(super) fn of(sweep: Sweep, condition: impl Fn(&Settings) -> bool + 'static) -> Self {
        Self { sweep, condition: Some(Rc::new(condition)) }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.sweep.name
    }

    /// Epochs of each run.
    pub(super) fn epochs(&self) -> u32 {
        self.sweep.base.training.epochs
    }

    /// With a different name.
    pub(super) fn named(mut self, name: String) -> Self {
        self.sweep.name = name;
        self
    }

    /// The same runs with a different number of epochs.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] if it is not valid.
    pub(super) fn longer(&self, name: String, epochs: u32) -> Result<Self, Error> {
        let mut longer = self.clone().named(name);
        longer.sweep.base.set(&[format!("training.epochs={epochs}")])?;
        Ok(longer)
    }

    /// Its runs.
    ///
    /// # Errors
    /// Those of [`Sweep::plan`].
    pub(super) fn plan(&self) -> Result<Manifest, Error> {
        let mut manifest = self.sweep.plan()?;
        if let Some(condition) = &self.condition {
            manifest.points.retain(|point| condition(&point.settings));
        }
        Ok(manifest)
    }
}

impl From<Sweep> for Part {
    fn from(sweep: Sweep) -> Self {
        Self { sweep, condition: None }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name(), if self.condition.is_some() { ", in part" } else { "" })
    }
}
