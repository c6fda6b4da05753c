//! Submitting runs to Slurm.

use std::{
    collections::HashMap,
    env,
    fs::{self, File},
    path::{Path, absolute},
    time::SystemTime,
};

use snn_run::{
    files::{LOCK, SLURM},
    regular,
};

use super::{Queue, Request, SUBMISSION_VERSION, Submission, commands, pack::pack, script::script};
use crate::{
    error::Error,
    replace::{Durability, replace},
    sweep::{Point, RunState, SweepDir, experiment},
};

/// Slurm's default limit, for scripts written on machines without Slurm.
const DEFAULT_MAX_ARRAY_SIZE: usize = 1001;

/// The result of a submission.
#[derive(Debug)]
#[non_exhaustive]
pub struct Submitted {
    /// The arrays: several if the runs do not fit in one.
    pub arrays: Vec<Submission>,
    /// The expected compute time of the longest element, if known (seconds).
    pub longest: Option<f64>,
    /// Skipped runs, which are being trained or queued.
    pub under_way: usize,
    /// Slurm's message if it refused more.
    pub refused: Option<Error>,
}

impl SweepDir {
    /// Submits all runs that are not done, failed, queued or being trained to Slurm, and returns immediately. Runs on the same data
    /// are packed together. With `dry_run`, the scripts are written but not submitted, which does not require Slurm.
    ///
    /// # Errors
    /// [`Error::NoSlurm`] if Slurm's programs are missing, [`Error::Slurm`] if one fails before anything is submitted,
    /// [`snn_run::Error::Io`], [`snn_run::Error::DamagedFile`], and [`Error::Impossible`] if a path cannot be used in a script.
    pub fn submit(&self, request: &Request, dry_run: bool) -> Result<Submitted, Error> {
        let _lock = self.lock_submissions()?;
        let without_slurm = |error| {
            if dry_run && matches!(error, Error::NoSlurm { .. } | Error::Slurm { .. }) {
                Ok(())
            } else {
                Err(error)
            }
        };
        let queue = self.queue().or_else(|error| without_slurm(error).map(|()| Queue::default()))?;
        let most = commands::max_array_size()
            .or_else(|error| without_slurm(error).map(|()| DEFAULT_MAX_ARRAY_SIZE))?
            .max(1);

        let mut missing = Vec::new();
        let mut under_way = 0;
        for (point, row) in self.manifest().points.iter().zip(self.results().rows) {
            match row.state {
                RunState::Done => {}
                state if state.has_failed() => {}
                RunState::Running => under_way += 1,
                _ if queue.holds(&point.id) => under_way += 1,
                _ => missing.push(point),
            }
        }
        let runs = self.by_data(missing)?;
        let capacity = 60.0 * request.minutes * request.cpus as f64;
        let elements = pack(runs.iter().map(|point| (point.id.as_str(), point.seconds)), capacity);
        let longest = longest(&elements, &runs, request.cpus);

        let first = self.submissions()?.last().map_or(1, |last| last.number + 1);
        let mut submitted = Submitted { arrays: Vec::new(), longest, under_way, refused: None };
        for (number, elements) in (first..).zip(elements.chunks(most)) {
            let mut array = Submission {
                version: SUBMISSION_VERSION,
                number,
                job: None,
                written: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
                request: request.clone(),
                elements: elements.to_vec(),
            };
            let script = self.write(&array, longest)?;
            if !dry_run {
                match commands::sbatch(&script) {
                    Ok(job) => array.job = Some(job),
                    Err(error) => {
                        for extension in ["sh", "json"] {
                            let _ = fs::remove_file(self.slurm_file(number, extension));
                        }
                        submitted.refused = Some(error);
                        break;
                    }
                }
                array.save(self)?;
            }
            submitted.arrays.push(array);
        }
        match submitted.refused {
            Some(error) if submitted.arrays.is_empty() => Err(error),
            refused => Ok(Submitted { refused, ..submitted }),
        }
    }

    /// Locks out other submissions of this sweep until this one is in the queue.
    fn lock_submissions(&self) -> Result<File, Error> {
        let folder = self.path().join(SLURM);
        fs::create_dir_all(&folder).map_err(Error::io("create the folder for Slurm", &folder))?;
        let path = folder.join(LOCK);
        let file = regular::open_own(File::options().write(true).create(true).truncate(false), &path)
            .map_err(Error::io("lock the submissions", &path))?;
        // Some file systems do not support locks; runs are locked in any case.
        let _ = file.lock();
        Ok(file)
    }

    /// The runs grouped by data, so that an element loads data once.
    fn by_data<'a>(&self, points: Vec<&'a Point>) -> Result<Vec<&'a Point>, Error> {
        let mut places = HashMap::new();
        let mut placed = Vec::new();
        for point in points {
            let data = toml::to_string(&experiment(self.manifest(), point)?.data)
                .map_err(|error| Error::Impossible(error.to_string()))?;
            let next = places.len();
            placed.push((*places.entry(data).or_insert(next), point));
        }
        placed.sort_by_key(|(place, _)| *place);
        Ok(placed.into_iter().map(|(_, point)| point).collect())
    }

    /// Writes the script and list of an array, and returns the path of the script.
    fn write(&self, array: &Submission, longest: Option<f64>) -> Result<std::path::PathBuf, Error> {
        let here = |path: &Path| absolute(path).map_err(Error::io("find the directory of the sweep", path));
        let directory = env::current_dir().map_err(Error::io("find the current directory", "."))?;
        let text = script(array, &self.manifest().name, &here(self.path())?, &directory, longest)?;
        array.save(self)?;
        let path = self.slurm_file(array.number, "sh");
        replace(&path, text.as_bytes(), Durability::Process).map_err(Error::io("write the script", &path))?;
        Ok(path)
    }
}

/// The expected compute time of the longest element (seconds), if known for all runs.
fn longest(elements: &[Vec<String>], runs: &[&Point], cpus: usize) -> Option<f64> {
    let seconds: HashMap<&str, f64> =
        runs.iter().map(|point| Some((point.id.as_str(), point.seconds?))).collect::<Option<_>>()?;
    let lengths = elements.iter().map(|element| {
        let lengths = || element.iter().map(|id| seconds[id.as_str()]);
        // In parallel, but not faster than the longest run.
        lengths().fold(lengths().sum::<f64>() / cpus as f64, f64::max)
    });
    lengths.reduce(f64::max)
}
