//! The directory of a sweep, for writing.

use std::{fs, ops::Deref, path::PathBuf};

use serde_json::json;
use snn_run::{
    files::{GROUPS_CSV, MANIFEST, RESULTS_CSV, RESULTS_JSON},
    regular,
};

use super::{Manifest, Results, ids::check_points};
use crate::{
    error::Error,
    replace::{Durability, replace_shared},
};

/// The directory of a sweep: extends [`snn_run::sweep::SweepDir`], which reads it, with training and writing.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepDir(snn_run::sweep::SweepDir);

impl SweepDir {
    /// Opens the sweep at `path`.
    ///
    /// # Errors
    /// Those of [`snn_run::sweep::SweepDir::open`]; [`snn_run::Error::ForeignPoint`] also for a point whose id does not match its
    /// settings.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let sweep = Self(snn_run::sweep::SweepDir::open(path)?);
        check_points(sweep.manifest(), &sweep.path().join(MANIFEST))?;
        Ok(sweep)
    }

    /// A sweep with this plan at `path`, whether or not it exists there: to inspect its runs without writing anything.
    #[must_use]
    pub fn view(path: impl Into<PathBuf>, manifest: Manifest) -> Self {
        Self(snn_run::sweep::SweepDir::view(path, manifest))
    }

    /// Writes the plan to the directory at `path`, which is created if missing. An existing plan is replaced; common runs are
    /// kept and reused.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`].
    pub fn create(path: impl Into<PathBuf>, manifest: Manifest) -> Result<Self, Error> {
        let sweep = Self::view(path, manifest);
        let runs = sweep.runs();
        fs::create_dir_all(&runs).map_err(Error::io("create the directory of the runs", &runs))?;
        fs::create_dir_all(sweep.path())
            .map_err(Error::io("create the directory of the sweep", sweep.path()))?;
        let file = sweep.path().join(MANIFEST);
        let write = || {
            let json = serde_json::to_vec_pretty(sweep.manifest())?;
            // Other processes may be reading it.
            if regular::read(&file, regular::MOST_MANIFEST).is_ok_and(|there| there == json) {
                return Ok(());
            }
            replace_shared(&file, &json, Durability::Disk)
        };
        write().map_err(Error::io("write the plan of the sweep", &file))?;
        Ok(sweep)
    }

    /// Writes the tables `results.csv`, `groups.csv` and `results.json`.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`].
    pub fn write_results(&self) -> Result<Results, Error> {
        let results = self.results();
        let groups = results.groups(&self.manifest().selection);
        let json = json!({ "version": 1, "results": results, "groups": groups }).to_string();
        let files = [
            (RESULTS_CSV, results.to_csv()),
            (GROUPS_CSV, results.groups_to_csv(&groups)),
            (RESULTS_JSON, json + "\n"),
        ];
        for (name, text) in files {
            let path = self.path().join(name);
            replace_shared(&path, text.as_bytes(), Durability::Process)
                .map_err(Error::io("write the results", path))?;
        }
        Ok(results)
    }
}

impl Deref for SweepDir {
    type Target = snn_run::sweep::SweepDir;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
