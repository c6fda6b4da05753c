//! The directory of a sweep.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use super::{
    manifest::{MANIFEST_VERSION, Manifest, Point},
    results::{Results, Row},
};
use crate::{
    directory::RunDir, error::Error, files::MANIFEST, regular, second_look::beating, state::RunState,
};

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
    /// [`Error::NotASweep`] without a `manifest.json`, [`Error::Io`], [`Error::DamagedFile`]; [`Error::ForeignPoint`] for a run whose
    /// name is not a plain directory name, or a duplicate.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let file = path.join(MANIFEST);
        let bytes = match regular::read(&file, regular::MOST_MANIFEST) {
            Ok(bytes) => bytes,
            Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
                return Err(Error::NotASweep { path });
            }
            Err(error) => return Err(Error::io("read the plan of the sweep", file)(error)),
        };
        let manifest = Manifest::parse(&bytes, &file)?;
        Ok(Self { path, manifest })
    }

    /// A sweep with this plan at `path`, whether or not it exists there: to inspect its runs without writing anything.
    #[must_use]
    pub fn view(path: impl Into<PathBuf>, manifest: Manifest) -> Self {
        Self { path: path.into(), manifest }
    }

    /// The path of the sweep.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its plan.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder of its run directories.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.path.join(&self.manifest.runs)
    }

    /// The directory of one of its runs, which exists once the run has started.
    #[must_use]
    pub fn run_path(&self, point: &Point) -> PathBuf {
        self.runs().join(&point.id)
    }

    /// The states and results of its runs so far. A run with unreadable files counts as damaged, with the reason in its message.
    #[must_use]
    pub fn results(&self) -> Results {
        let points = &self.manifest.points;
        let runs: Vec<_> = points.iter().map(|point| RunDir::open(self.run_path(point)).ok()).collect();
        let mut rows: Vec<Row> = points
            .iter()
            .zip(&runs)
            .map(|(point, run)| Row::read(&point.id, point.settings.clone(), run.as_ref()))
            .collect();
        let stalled: Vec<(usize, &RunDir)> = (0..)
            .zip(&runs)
            .filter(|(place, _)| rows[*place].state == RunState::Stalled)
            .filter_map(|(place, run)| Some((place, run.as_ref()?)))
            .collect();
        for (&(place, run), beats) in stalled.iter().zip(beating(stalled.iter().map(|(_, run)| *run))) {
            if beats {
                rows[place] = Row::read_beating(&points[place].id, points[place].settings.clone(), run);
            }
        }
        let axes = &self.manifest.axes;
        let keys = axes.iter().map(|axis| axis.key.clone()).collect();
        let seeds = axes.iter().filter(|axis| axis.seed).map(|axis| axis.key.clone()).collect();
        Results { keys, seeds, rows }
    }
}

impl Manifest {
    /// Parses the plan at `path`, like [`SweepDir::open`].
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        let damaged =
            |reason| Error::DamagedFile { what: "plan of the sweep", path: path.to_owned(), reason };
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if manifest.version > MANIFEST_VERSION {
            let version = manifest.version;
            return Err(damaged(format!("its version {version} is newer than this program")));
        }
        check_ids(&manifest, path)?;
        Ok(manifest)
    }
}

/// Refuses ids that are not plain names: they become directory names.
fn check_ids(manifest: &Manifest, path: &Path) -> Result<(), Error> {
    let mut known = HashSet::new();
    for Point { id, .. } in &manifest.points {
        let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        let reason = if id.is_empty() || id.len() > 200 || id.starts_with('.') || !id.chars().all(is_plain) {
            "its name is not a plain directory name"
        } else if !known.insert(id) {
            "it is listed twice"
        } else {
            continue;
        };
        let (path, reason) = (path.to_owned(), reason.to_owned());
        return Err(Error::ForeignPoint { path, id: id.clone(), reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_outside_the_directory_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let open = |ids: &[&str]| {
            let points: Vec<_> = ids.iter().map(|id| serde_json::json!({"id": id, "settings": {}})).collect();
            let manifest = serde_json::json!({
                "version": 1, "name": "s", "runs": "runs", "axes": [], "selection": {}, "base": {}, "points": points,
            });
            fs::write(directory.path().join(MANIFEST), manifest.to_string()).unwrap();
            SweepDir::open(directory.path())
        };
        assert!(open(&["randman-0123456789ab", "a.b_c"]).is_ok());
        for id in
            ["", ".", "..", "../x", "a/b", "/etc", "a\\b", "a\u{1b}[2J", "a b", ".hidden", &"x".repeat(300)]
        {
            let error = open(&["good", id]).unwrap_err();
            assert!(matches!(&error, Error::ForeignPoint { id: named, .. } if named == id), "{error}");
        }
        assert!(open(&["a", "a"]).unwrap_err().to_string().contains("twice"));
    }
}
