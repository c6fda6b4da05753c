//! The directory that a sweep lies in.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    manifest::{MANIFEST_VERSION, Manifest, Point},
    results::{Results, Row},
};
use crate::{directory::RunDir, error::Error, files::MANIFEST};

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
    #[must_use]
    pub fn view(path: impl Into<PathBuf>, manifest: Manifest) -> Self {
        Self { path: path.into(), manifest }
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

    /// How its runs stand, and what they have come to so far. A run whose files cannot be read is damaged, and its message
    /// says why.
    #[must_use]
    pub fn results(&self) -> Results {
        let rows = self.manifest.points.iter().map(|point| {
            Row::read(&point.id, point.settings.clone(), RunDir::open(self.run_path(point)).ok().as_ref())
        });
        let axes = &self.manifest.axes;
        let keys = axes.iter().map(|axis| axis.key.clone()).collect();
        let seeds = axes.iter().filter(|axis| axis.seed).map(|axis| axis.key.clone()).collect();
        Results { keys, seeds, rows: rows.collect() }
    }
}
