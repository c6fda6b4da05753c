//! Fetches a data set of the catalog to its folder: checks what exists, gets what is missing, moves it into place, and
//! records it.

use std::{fs, path::Path};

use snn_catalog::{Checksums, DataSet, RemoteFile, Unpacked};

use super::{
    acquire::check_tree,
    context::{Fetcher, Ready, kind},
    digest,
    download::Trouble,
    error::FetchError,
    inspect::{self, Presence, Size, is_as_recorded},
    sources::{Mirror, holds_all, sources},
    store::{Fetched, FileRecord, Manifest, now, record},
    unpack::Written,
};

/// The outcome for a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) action: Action,
    pub(crate) size: Size,
    /// How each file was verified.
    pub(crate) proofs: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    /// It existed, as recorded.
    Present,
    /// It existed without a record, and is recorded now.
    Recorded,
    Fetched,
}

impl Fetcher<'_> {
    /// Makes sure that a data set is in its folder, complete and as published.
    pub(crate) fn fetch(&self, data_set: &DataSet) -> Result<Outcome, FetchError> {
        let present =
            || (inspect::state(self.store, data_set) == Presence::Fetched).then(|| self.outcome(data_set));
        if let Some(outcome) = present() {
            return Ok(outcome);
        }
        let _lock = self.store.lock(&data_set.name, self.display)?;
        // Another process may have fetched it meanwhile.
        if let Some(outcome) = present() {
            return Ok(outcome);
        }
        let folder = self.store.folder(&data_set.name);
        let mut action = Action::Present;
        for file in &data_set.files {
            let manifest = self.store.manifest(&data_set.name).unwrap_or_default();
            let done = match &file.unpacked {
                Unpacked::File { file: name, checksums, .. } => {
                    self.file(data_set, file, &folder, name, checksums, manifest)?
                }
                Unpacked::Folder { holds, checksums, .. } => {
                    self.folder(data_set, file, &folder, holds, checksums, manifest)?
                }
            };
            action = action.max(done);
        }
        // Only leftovers: everything worth keeping has been moved.
        let _ = fs::remove_dir_all(self.store.work(&data_set.name));
        Ok(Outcome { action, ..self.outcome(data_set) })
    }

    fn outcome(&self, data_set: &DataSet) -> Outcome {
        let manifest = self.store.manifest(&data_set.name).unwrap_or_default();
        let proofs = manifest.fetched.iter().map(|it| format!("{}: {}", it.name, it.proof)).collect();
        Outcome { action: Action::Present, size: manifest.size(), proofs }
    }

    /// One unpacked file of a data set.
    fn file(
        &self,
        data_set: &DataSet,
        file: &RemoteFile,
        folder: &Path,
        name: &str,
        published: &Checksums,
        mut manifest: Manifest,
    ) -> Result<Action, FetchError> {
        let target = folder.join(name);
        let known = manifest.files.iter().find(|it| it.path == name).cloned();
        if known.as_ref().is_some_and(|known| is_as_recorded(folder, known)) {
            return Ok(Action::Present);
        }
        let replace = |manifest: &mut Manifest, digests: (u64, &str)| -> Result<(), FetchError> {
            manifest.files.retain(|it| it.path != name);
            manifest.files.push(record(folder, name, digests.0, digests.1)?);
            Ok(())
        };
        if target.is_file() {
            self.display.begin(&format!("checking {name}"), fs::metadata(&target).ok().map(|it| it.len()), 0);
            let digests = digest::file(&target, self.display)?;
            self.display.end();
            if known.is_some_and(|known| known.sha256 == digests.sha256) {
                replace(&mut manifest, (digests.bytes, &digests.sha256))?;
                self.store.write_manifest(folder, &manifest)?;
                return Ok(Action::Present);
            }
            match digests.check(published) {
                Ok(()) if !published.is_empty() => {
                    replace(&mut manifest, (digests.bytes, &digests.sha256))?;
                    let proof = format!("{} of the unpacked content, as published", kind(published));
                    self.note(data_set, file, &mut manifest, target.display().to_string(), proof);
                    self.store.write_manifest(folder, &manifest)?;
                    return Ok(Action::Recorded);
                }
                Ok(()) => return Err(FetchError::InTheWay { path: target }),
                Err(it) => {
                    let path = target.display();
                    self.display.say(&format!(
                        "{path} differs from the published file: {} {} instead of {}; fetching it again",
                        it.kind, it.found, it.expected
                    ));
                }
            }
        }
        let ready = self.acquire(data_set, file)?;
        fs::create_dir_all(folder).map_err(FetchError::io("create the folder", folder))?;
        self.install(&ready.path, &target)?;
        for written in &ready.files {
            replace(&mut manifest, (written.bytes, &written.sha256))?;
        }
        self.settle(data_set, file, folder, manifest, ready)
    }

    /// A data set that is a folder as a whole.
    fn folder(
        &self,
        data_set: &DataSet,
        file: &RemoteFile,
        folder: &Path,
        holds: &[String],
        published: &Checksums,
        mut manifest: Manifest,
    ) -> Result<Action, FetchError> {
        let is_recorded = !manifest.fetched.is_empty();
        let is_empty = !fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        if is_recorded {
            match self.changed(folder, &manifest)? {
                Ok(records) => {
                    manifest.files = records;
                    self.store.write_manifest(folder, &manifest)?;
                    return Ok(Action::Present);
                }
                Err(problem) => {
                    self.display.say(&format!("{}: {problem}; fetching it again", folder.display()))
                }
            }
        } else if !is_empty {
            if !holds_all(folder, holds) {
                return Err(FetchError::InTheWay { path: folder.to_owned() });
            }
            let written = self.read(folder)?;
            let from = folder.display().to_string();
            match check_tree(&written, holds, published, &from) {
                Ok(()) => {
                    let (proof, first_use) = if published.is_empty() {
                        self.trust_tree(data_set, file, &written, &from)?
                    } else {
                        (format!("{} of the unpacked content, as published", kind(published)), None)
                    };
                    let ready = Ready { path: folder.to_owned(), files: written, from, proof, first_use };
                    manifest.files = records(folder, &ready.files)?;
                    self.settle(data_set, file, folder, manifest, ready)?;
                    return Ok(Action::Recorded);
                }
                Err(wrong) => self.display.say(&format!("{wrong}\n  Fetching it again")),
            }
        }
        let ready = self.acquire(data_set, file)?;
        self.install(&ready.path, folder)?;
        manifest.files = records(folder, &ready.files)?;
        self.settle(data_set, file, folder, manifest, ready)
    }

    /// The records of files with unchanged content, regardless of their times; or what has changed.
    fn changed(
        &self,
        folder: &Path,
        manifest: &Manifest,
    ) -> Result<Result<Vec<FileRecord>, String>, FetchError> {
        let mut records = Vec::new();
        for known in &manifest.files {
            if is_as_recorded(folder, known) {
                records.push(known.clone());
                continue;
            }
            let path = folder.join(&known.path);
            if !fs::metadata(&path).is_ok_and(|it| it.is_file() && it.len() == known.bytes) {
                return Ok(Err(format!("{} is missing or has a different length", known.path)));
            }
            if digest::file(&path, self.display)?.sha256 != known.sha256 {
                return Ok(Err(format!("{} has changed", known.path)));
            }
            records.push(record(folder, &known.path, known.bytes, &known.sha256)?);
        }
        Ok(Ok(records))
    }

    /// The files of a folder filled by other means.
    fn read(&self, folder: &Path) -> Result<Vec<Written>, FetchError> {
        let files = inspect::files(folder)?;
        let total = files.iter().map(|(_, bytes)| bytes).sum();
        self.display.begin(&format!("checking {}", folder.display()), Some(total), 0);
        let written = files.into_iter().map(|(path, bytes)| {
            let sha256 = digest::file(&folder.join(&path), self.display)?.sha256;
            Ok(Written { path, bytes, sha256 })
        });
        let written = written.collect();
        self.display.end();
        written
    }

    /// Tries one source after another.
    fn acquire(&self, data_set: &DataSet, file: &RemoteFile) -> Result<Ready, FetchError> {
        let work = self.store.work(&data_set.name);
        fs::create_dir_all(&work).map_err(FetchError::io("create the folder", &work))?;
        let sources = sources(data_set, file, self.mirror, self.store);
        let (mut tried, mut offline, mut last) = (Vec::new(), true, None);
        if let Some(Mirror::Folder(root)) = self.mirror
            && !sources.iter().any(|source| source.is_within(root))
        {
            let wanted = root.join(file.mirror_folder()).join(&file.name);
            tried.push((wanted.display().to_string(), "the mirror does not have this file".to_owned()));
        }
        if sources.is_empty() && self.mirror.is_none() {
            return Err(FetchError::MirrorOnly);
        }
        for source in sources {
            if let Some((place, problem)) = last.take() {
                self.display.say(&format!("{place}: {problem}\n  Trying the next source: {}", source.place));
            }
            let problem = match self.try_source(data_set, file, &source) {
                Ok(ready) => return Ok(ready),
                Err(Trouble::Server(failure)) => {
                    offline &= failure.offline;
                    failure.problem
                }
                Err(Trouble::Here(error)) if error.is_of_the_source() => {
                    offline = false;
                    error.to_string()
                }
                Err(Trouble::Here(error)) => return Err(error),
            };
            tried.push((source.place.to_string(), problem.clone()));
            last = Some((source.place.to_string(), problem));
        }
        offline &= last.is_some();
        Err(FetchError::NoSource { file: file.name.clone(), tried, offline })
    }

    /// Moves finished content into place, and existing content aside.
    fn install(&self, ready: &Path, target: &Path) -> Result<(), FetchError> {
        // An empty folder can be removed.
        let _ = fs::remove_dir(target);
        if fs::symlink_metadata(target).is_ok() {
            let aside = self.store.set_aside(target)?;
            self.display.say(&format!(
                "the previous content of {} is kept in {}",
                target.display(),
                aside.display()
            ));
        }
        fs::rename(ready, target).map_err(FetchError::io("make", target))
    }

    /// Records where the content of a file came from.
    fn settle(
        &self,
        data_set: &DataSet,
        file: &RemoteFile,
        folder: &Path,
        mut manifest: Manifest,
        ready: Ready,
    ) -> Result<Action, FetchError> {
        if let Some(first) = ready.first_use {
            let (name, sha256) = (first.name.clone(), first.sha256.clone());
            let path = self.store.record_first_use(&data_set.name, first)?;
            self.display.say(&format!(
                "{}: no checksum of {name} is published. It is trusted on first use; from now on it must be the same, SHA-256 \
                 {sha256}, as recorded in {}",
                data_set.name,
                path.display()
            ));
        }
        self.note(data_set, file, &mut manifest, ready.from, ready.proof);
        self.store.write_manifest(folder, &manifest)?;
        self.store.part(&data_set.name, &file.name).discard()?;
        Ok(Action::Fetched)
    }

    fn note(
        &self,
        data_set: &DataSet,
        file: &RemoteFile,
        manifest: &mut Manifest,
        from: String,
        proof: String,
    ) {
        manifest.data_set.clone_from(&data_set.name);
        manifest.fetched.retain(|it| it.name != file.name);
        manifest.fetched.push(Fetched { name: file.name.clone(), from, proof, time: now() });
    }
}

fn records(folder: &Path, files: &[Written]) -> Result<Vec<FileRecord>, FetchError> {
    files.iter().map(|file| record(folder, &file.path, file.bytes, &file.sha256)).collect()
}
