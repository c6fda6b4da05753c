//! Where figures are made.

use std::path::{Path, PathBuf};

use super::{
    Missing, Runs, Scale,
    sources::{Absence, DATA_SETS, Found, Source},
};
use crate::{
    Error,
    sweep::{Manifest, Results, Sweep, SweepDir},
};

/// Where figures are made, and how much is run for them.
#[derive(Debug, Clone)]
pub struct Reproduction {
    out: PathBuf,
    scale: Scale,
    only: Option<Vec<String>>,
}

impl Reproduction {
    /// Makes figures in a directory.
    #[must_use]
    pub fn new(out: impl Into<PathBuf>, scale: Scale) -> Self {
        Self { out: out.into(), scale, only: None }
    }

    /// Leaves out the panels of figures 6, 7 and 9 on other data sets than these.
    ///
    /// # Errors
    /// [`Error::Impossible`] if one is not among [`DATA_SETS`].
    pub fn only<S: AsRef<str>>(mut self, names: &[S]) -> Result<Self, Error> {
        let names: Vec<_> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        if let Some(name) = names.iter().find(|name| !DATA_SETS.contains(&name.as_str())) {
            let all = DATA_SETS.join(", ");
            return Err(Error::Impossible(format!("no figure is on the data set `{name}`; there are {all}")));
        }
        self.only = Some(names);
        Ok(self)
    }

    /// Where figures are written.
    #[must_use]
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// How much is run for them.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The data set or what stands in for it, unless there is neither or it is left out.
    pub(super) fn find(&self, source: &Source) -> Result<Found, Absence> {
        let only = self.only.as_deref();
        source.find(|name| only.is_none_or(|only| only.iter().any(|it| it == name)))
    }

    /// Divides panels into those to draw and those on data sets that are left out. Where nothing else is left, these are
    /// drawn, to say so.
    pub(super) fn panels(&self, all: &[(char, Source)]) -> (Vec<(char, Source)>, Vec<Missing>) {
        let is_left_out = |(panel, source): &(char, Source)| match self.find(source) {
            Err(absence) if absence.is_wish => {
                Some(Missing { panel: panel.to_string(), reason: absence.reason })
            }
            _ => None,
        };
        let missing: Vec<_> = all.iter().filter_map(is_left_out).collect();
        if missing.len() == all.len() {
            return (all.to_vec(), Vec::new());
        }
        (all.iter().filter(|it| is_left_out(it).is_none()).copied().collect(), missing)
    }

    /// How the runs of a sweep stand. Leaves no trace: others may train them. The sweep itself need not have begun, since its
    /// runs may be those of others.
    pub(super) fn results(&self, sweep: &Sweep) -> Result<Results, Error> {
        let manifest = Manifest { runs: PathBuf::from("runs"), ..sweep.plan()? };
        Ok(SweepDir::view(&self.out, manifest).results())
    }

    /// The runs of a sweep that have come to an end.
    pub(super) fn runs(&self, sweep: &Sweep) -> Result<Runs, Error> {
        Ok(Runs::new(self.results(sweep)?))
    }

    /// Classes of the manifolds.
    pub(super) fn classes(&self) -> f64 {
        self.scale.pick(3.0, 10.0, 10.0)
    }

    /// The directory of a run.
    pub(super) fn run_path(&self, id: &str) -> PathBuf {
        self.out.join("runs").join(id)
    }
}
