//! The source of runs: a directory, one run, a sweep, or several of these.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use snn_run::{Error, RunDir, RunState, sweep::SweepDir};

/// The source of runs.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The runs in a directory.
    Runs(PathBuf),
    /// One run.
    Run(RunDir),
    /// The runs of a sweep, including those that have not started.
    Sweep(Box<SweepDir>),
    /// Several of these, each with the label that its run names start with: `slopes/randman-27a595a5a833`.
    Several(Vec<(String, Source)>),
}

/// A run: its name, its path, and its state if it cannot be opened.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) path: PathBuf,
    pub(super) dir: Result<RunDir, RunState>,
}

/// The runs that were found, and the directories that could not be read.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) found: Vec<Found>,
    /// Prefix of the names of runs that may or may not exist, and the reason.
    pub(super) lost: Vec<(String, String)>,
}

impl Source {
    /// A run's own directory, that of a sweep, or one that holds runs.
    ///
    /// # Errors
    /// If it cannot be read, or is a sweep whose plan is damaged.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        if let Ok(run) = RunDir::open(path) {
            return Ok(Self::Run(run));
        }
        match SweepDir::open(path) {
            Ok(sweep) => Ok(Self::Sweep(Box::new(sweep))),
            Err(Error::NotASweep { .. }) => {
                let fail = |source| Error::Io { action: "list the runs", path: path.to_owned(), source };
                fs::read_dir(path).map_err(fail)?;
                Ok(Self::Runs(path.to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// All of these, each once. With several paths, plain files are skipped, because `sweeps/*` includes them.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) for any of them.
    pub(crate) fn open_all(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut all: Vec<(PathBuf, &PathBuf)> = Vec::new();
        for path in paths.iter().filter(|path| paths.len() == 1 || !path.is_file()) {
            let place = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            if all.iter().all(|(known, _)| *known != place) {
                all.push((place, path));
            }
        }
        if let [(_, one)] = all[..] {
            return Self::open(one);
        }
        let places: Vec<&Path> = all.iter().map(|(place, _)| place.as_path()).collect();
        let opened = all.iter().map(|(_, path)| Self::open(path));
        Ok(Self::Several(labels(&places).into_iter().zip(opened.collect::<Result<Vec<_>, _>>()?).collect()))
    }

    /// Its path, for display.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Runs(path) => path.display().to_string(),
            Self::Run(run) => run.path().display().to_string(),
            Self::Sweep(sweep) => sweep.path().display().to_string(),
            Self::Several(all) if all.len() > 6 => format!("{} directories", all.len()),
            Self::Several(all) => all.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>().join(", "),
        }
    }

    pub(crate) fn is_sweep(&self) -> bool {
        !self.sweeps().is_empty()
    }

    /// The sweeps, each with the prefix of its run names.
    pub(super) fn sweeps(&self) -> Vec<(String, &SweepDir)> {
        match self {
            Self::Runs(_) | Self::Run(_) => Vec::new(),
            Self::Sweep(sweep) => vec![(String::new(), sweep)],
            Self::Several(all) => {
                let all = all.iter().flat_map(|(label, source)| {
                    source.sweeps().into_iter().map(move |(_, sweep)| (prefix(label), sweep))
                });
                all.collect()
            }
        }
    }

    /// Finds every run. `known` returns the directory of a run that was opened before, which is not opened again.
    pub(super) fn find(&self, known: &dyn Fn(&str) -> Option<RunDir>) -> Findings {
        let mut findings = Findings::default();
        match self {
            Self::Run(run) => match Found::at(run.path().to_owned(), run.id()) {
                Some(found) => findings.found.push(found),
                None => findings.lost.push((String::new(), gone(run.path()))),
            },
            Self::Sweep(sweep) => {
                if !sweep.path().exists() {
                    findings.lost.push((String::new(), gone(sweep.path())));
                    return findings;
                }
                let found = |point: &snn_run::sweep::Point| {
                    let path = sweep.run_path(point);
                    Found::at(path.clone(), point.id.clone()).unwrap_or_else(|| Found {
                        id: point.id.clone(),
                        path,
                        dir: Err(RunState::Pending),
                    })
                };
                findings.found.extend(sweep.manifest().points.iter().map(found));
            }
            Self::Runs(directory) => match fs::read_dir(directory) {
                Ok(entries) => {
                    let found = |entry: fs::DirEntry| {
                        let id = entry.file_name().to_string_lossy().into_owned();
                        match known(&id) {
                            Some(dir) => Some(Found { id, path: entry.path(), dir: Ok(dir) }),
                            None => Found::at(entry.path(), id),
                        }
                    };
                    findings.found.extend(entries.flatten().filter_map(found));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    findings.lost.push((String::new(), gone(directory)));
                }
                Err(source) => {
                    let error = Error::Io { action: "list the runs", path: directory.clone(), source };
                    findings.lost.push((String::new(), error.to_string()));
                }
            },
            Self::Several(all) => {
                for (label, source) in all {
                    let prefix = prefix(label);
                    let inner = source.find(&|id: &str| known(&format!("{prefix}{id}")));
                    let named = |found: Found| Found { id: format!("{prefix}{}", found.id), ..found };
                    findings.found.extend(inner.found.into_iter().map(named));
                    findings.lost.extend(inner.lost.into_iter().map(|(_, why)| (prefix.clone(), why)));
                }
            }
        }
        findings
    }
}

impl Found {
    /// What lies at `path`, if it is a run.
    fn at(path: PathBuf, id: String) -> Option<Self> {
        let dir = match RunDir::open(&path) {
            Ok(run) => Ok(run),
            Err(_) if is_forbidden(&path) => Err(RunState::Damaged),
            Err(_) => return None,
        };
        Some(Self { id, path, dir })
    }
}

/// Whether a directory is unreadable: it may be a run.
fn is_forbidden(path: &Path) -> bool {
    fs::read_dir(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

fn gone(path: &Path) -> String {
    format!("{} is gone (deleted, moved or unmounted); showing what was read before", path.display())
}

fn prefix(label: &str) -> String {
    format!("{label}/")
}

/// The last components of each path, as many as needed to distinguish them.
fn labels(paths: &[&Path]) -> Vec<String> {
    let label = |path: &Path, parts: usize| {
        let all: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        all[all.len().saturating_sub(parts)..].join("/").replace("//", "/")
    };
    let of = |path: &&Path| {
        let longest = path.iter().count();
        let is_own =
            |parts: &usize| paths.iter().filter(|it| label(it, *parts) == label(path, *parts)).count() == 1;
        label(path, (1..longest).find(is_own).unwrap_or(longest))
    };
    paths.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_as_short_as_possible() {
        let of = |paths: &[&str]| labels(&paths.iter().map(Path::new).collect::<Vec<_>>());
        assert_eq!(of(&["/x/runs", "/x/sweeps/a", "/x/sweeps/b"]), ["runs", "a", "b"]);
        assert_eq!(of(&["/x/a/runs", "/x/b/runs", "/c"]), ["a/runs", "b/runs", "c"]);
        assert_eq!(of(&["/", "/runs"]), ["/", "runs"]);
        assert!(of(&[]).is_empty());
    }
}
