//! Records of submissions: one file per array.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use snn_run::{files::SLURM, regular};

use super::Request;
use crate::{
    error::Error,
    replace::{Durability, replace},
    sweep::SweepDir,
};

/// The version of the format of these files; it is incremented when the meaning of a field changes.
pub const SUBMISSION_VERSION: u32 = 1;

/// A job array: the content of `slurm/<number>.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// The version of this file's format.
    pub version: u32,
    /// Its number in the sweep, from 1, which names its files.
    pub number: u32,
    /// Slurm's job number; `None` for a script that was written but not submitted.
    pub job: Option<u64>,
    /// Time of the submission, as RFC 3339 in UTC.
    pub written: String,
    /// The request.
    pub request: Request,
    /// The ids of the runs of each element.
    pub elements: Vec<Vec<String>>,
}

impl Submission {
    pub(super) fn save(&self, sweep: &SweepDir) -> Result<(), Error> {
        let path = sweep.slurm_file(self.number, "json");
        let json = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        json.and_then(|json| replace(&path, &json, Durability::Disk))
            .map_err(Error::io("record the submission", path))
    }

    fn load(path: &Path) -> Result<Self, Error> {
        let bytes =
            regular::read(path, regular::MOST_MANIFEST).map_err(Error::io("read the submission", path))?;
        let damaged =
            |reason| snn_run::Error::DamagedFile { what: "submission", path: path.to_owned(), reason };
        let submission: Self = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if submission.version > SUBMISSION_VERSION {
            return Err(
                damaged(format!("its version {} is newer than this program", submission.version)).into()
            );
        }
        Ok(submission)
    }

    /// Number of runs.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.elements.iter().map(Vec::len).sum()
    }
}

impl SweepDir {
    /// All submissions to Slurm, oldest first.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`] and [`snn_run::Error::DamagedFile`].
    pub fn submissions(&self) -> Result<Vec<Submission>, Error> {
        let folder = self.path().join(SLURM);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("list the submissions", folder)(error)),
        };
        let is_one = |path: &PathBuf| {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            path.extension().is_some_and(|it| it == "json") && stem.parse::<u32>().is_ok()
        };
        let paths = entries.flatten().map(|entry| entry.path()).filter(is_one);
        let mut submissions = paths.map(|path| Submission::load(&path)).collect::<Result<Vec<_>, _>>()?;
        submissions.sort_by_key(|submission| submission.number);
        Ok(submissions)
    }

    pub(super) fn slurm_file(&self, number: u32, extension: &str) -> PathBuf {
        self.path().join(SLURM).join(format!("{number:04}.{extension}"))
    }
}
