//! The plan of a sweep, and the directory that it lies in.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::{Results, Selection};
use crate::error::Error;

/// The version of the format of `manifest.json`; it grows when a field changes its meaning.
pub const MANIFEST_VERSION: u32 = 1;

pub(super) const MANIFEST: &str = "manifest.json";

/// Values by their keys, such as `surrogate.beta`.
pub type Settings = BTreeMap<String, Value>;

/// The content of `manifest.json`: every run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this file's format.
    pub version: u32,
    /// What the sweep is called.
    pub name: String,
    /// Where the run directories lie, relative to the directory of the sweep.
    pub runs: PathBuf,
    /// The keys that differ between runs, in the order of the sweep, seeds last.
    pub axes: Vec<Dimension>,
    /// How models are chosen and put together in the results.
    pub selection: Selection,
    /// The experiment that the runs vary, section by section.
    pub base: Table,
    /// The runs.
    pub points: Vec<Point>,
}

/// A key that differs between the runs of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dimension {
    /// The key.
    pub key: String,
    /// How its values are spaced.
    pub scale: AxisSpacing,
    /// Whether it is a seed: runs that differ in seeds alone are repetitions of each other.
    #[serde(default)]
    pub seed: bool,
    /// Its values over all runs, in the order in which they come first.
    pub values: Vec<Value>,
}

/// How the values of an axis are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AxisSpacing {
    /// By equal differences.
    Linear,
    /// By equal ratios.
    Logarithmic,
    /// One by one.
    #[default]
    #[serde(other)]
    List,
}

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The name of its run directory. It follows from what determines the run's results and nothing else, so that
    /// sweeps share the runs that they have in common.
    pub id: String,
    /// Its value on every axis that its experiment has.
    pub settings: Settings,
    /// How long it is expected to compute, if that was measured (seconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

impl Manifest {
    /// The axes that are no seeds.
    pub fn parameters(&self) -> impl Iterator<Item = &Dimension> {
        self.axes.iter().filter(|axis| !axis.seed)
    }
}

/// The directory of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepDir {
    path: PathBuf,
    manifest: Manifest,
}

impl SweepDir {
    /// Opens the sweep at `path`.
    ///
    /// # Errors
    /// [`Error::NotASweep`] if no `manifest.json` lies there, [`Error::Io`], [`Error::DamagedFile`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let file = path.join(MANIFEST);
        let bytes = match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
                return Err(Error::NotASweep { path });
            }
            Err(error) => return Err(Error::io("read the plan of the sweep", file)(error)),
        };
        let damaged = |reason| Error::DamagedFile { what: "plan of the sweep", path: file.clone(), reason };
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if manifest.version > MANIFEST_VERSION {
            let version = manifest.version;
            return Err(damaged(format!("its version {version} is newer than this program")));
        }
        Ok(Self { path, manifest })
    }

    /// The sweep of this plan at `path`, where it may or may not lie: for a look at its runs that leaves no trace.
    #[cfg(feature = "trainer")]
    pub(crate) fn view(path: impl Into<PathBuf>, manifest: Manifest) -> Self {
        Self { path: path.into(), manifest }
    }

    /// Puts the plan into the directory at `path`, which is made if it is not there. A plan that is there is replaced;
    /// runs that both have in common are kept and used.
    ///
    /// # Errors
    /// [`Error::Io`].
    #[cfg(feature = "trainer")]
    pub fn create(path: impl Into<PathBuf>, manifest: Manifest) -> Result<Self, Error> {
        use crate::run::{Durability, replace_shared};
        let sweep = Self::view(path, manifest);
        let runs = sweep.runs();
        fs::create_dir_all(&runs).map_err(Error::io("create the directory of the runs", &runs))?;
        fs::create_dir_all(&sweep.path)
            .map_err(Error::io("create the directory of the sweep", &sweep.path))?;
        let file = sweep.path.join(MANIFEST);
        let write = || {
            let json = serde_json::to_vec_pretty(&sweep.manifest)?;
            // Others may be reading it.
            if fs::read(&file).is_ok_and(|there| there == json) {
                return Ok(());
            }
            replace_shared(&file, &json, Durability::Disk)
        };
        write().map_err(Error::io("write the plan of the sweep", &file))?;
        Ok(sweep)
    }

    /// Where the sweep lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its plan.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where its run directories lie.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.path.join(&self.manifest.runs)
    }

    /// The directory of one of its runs, which exists once the run has begun.
    #[must_use]
    pub fn run_path(&self, point: &Point) -> PathBuf {
        self.runs().join(&point.id)
    }

    /// How its runs stand, and what they have come to so far. A run whose files cannot be read has failed, and its message
    /// says why.
    ///
    /// # Errors
    /// None at present: what cannot be read of a run is told in its row.
    pub fn results(&self) -> Result<Results, Error> {
        Ok(Results::read(self))
    }
}
