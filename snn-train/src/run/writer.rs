//! The observer that writes a run directory.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::Serialize;

use snn_core::Backend;
use snn_run::{
    Environment, FILE_VERSION, Record, RecordedState, RunDir, Session, Status,
    files::{CONFIG, ENVIRONMENT, METRICS, STATUS, STOP},
    regular, unix_time,
};

use super::{
    checkpoints::checkpoint_path,
    create::{self, Found},
    data_record::DataRecord,
    history::History,
    lock::Lock,
    session,
    start::Start,
};
use crate::{
    Checkpoint, Error, Event, Experiment, Flow, Observer, Phase, Trainer,
    experiment::Selection,
    probe::{Probe, ProbeWriter},
    replace::{Durability, replace, replace_by_copy},
    tensorboard::TensorBoardWriter,
};

const HEARTBEAT: Duration = Duration::from_secs(1);

/// Writes a run directory, from which the run can be resumed, watched and evaluated.
///
/// ```
/// use snn_train::{Experiment, RunWriter, Trainer, run::RunDir};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("mine");
/// let mut experiment = Experiment::default();
/// experiment.set(&["data.samples_per_class=20", "training.epochs=2"])?;
/// let mut trainer = Trainer::new(experiment)?;
/// let mut writer = RunWriter::create(&path, &trainer)?;
/// trainer.run(&mut [&mut writer])?;
///
/// assert_eq!(RunDir::open(&path)?.status()?.epoch, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RunWriter {
    directory: PathBuf,
    metrics: File,
    status: Status,
    last_heartbeat: Instant,
    probes: ProbeWriter,
    /// TensorBoard output, if enabled.
    tensorboard: Option<TensorBoardWriter>,
    /// Notes for the user.
    notes: Vec<String>,
    /// The lock, held until the writer is dropped.
    lock: Lock,
    /// Whether another process may have taken over the directory: then nothing more is written.
    is_lost: bool,
}

/// How to resume a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resume {
    /// The checkpoint to use: the last one, or that of the best epoch if the last one is lost. Later records are truncated; a
    /// copy is kept.
    pub from: Selection,
    /// Whether to resume even if `metrics.jsonl` lacks epochs of the checkpoint.
    pub allow_gaps: bool,
    /// Whether to resume even if the data are not those that it was trained on.
    pub allow_other_data: bool,
}

impl Default for Resume {
    fn default() -> Self {
        Self { from: Selection::Last, allow_gaps: false, allow_other_data: false }
    }
}

impl RunWriter {
    /// Starts a new run in `directory`, which must be missing or empty.
    ///
    /// # Errors
    /// [`Error::RunExists`], [`Error::RunLocked`] or [`snn_run::Error::Io`].
    pub fn create<D: Backend<f32>>(
        directory: impl Into<PathBuf>,
        trainer: &Trainer<D>,
    ) -> Result<Self, Error> {
        trainer.check_start()?;
        let directory = directory.into();
        if create::look(&directory)? != Found::Empty {
            return Err(Error::RunExists { path: directory });
        }
        let lock = create::take(&directory)?;
        if create::look(&directory)? != Found::Empty {
            // Another process was faster.
            return Err(Error::RunExists { path: directory });
        }
        let writer = Self::begin(directory, lock, trainer.experiment())?;
        record_of(trainer).write(&writer.directory)?;
        Ok(writer)
    }

    /// Resumes the run in `directory`: restores `trainer` from its last checkpoint, and truncates later records. A run that was
    /// killed before its first checkpoint, or that does not exist, starts from the beginning; one that has reached a
    /// checkpoint never starts over.
    ///
    /// # Errors
    /// [`Error::OtherExperiment`] if the run has a different experiment (only the length of training may differ),
    /// [`snn_run::Error::NotARun`] if the directory has other content, [`Error::RunLocked`], [`snn_run::Error::Io`],
    /// [`Error::LostCheckpoint`], [`Error::DamagedHistory`], and those of [`Trainer::resume`].
    pub fn resume<D: Backend<f32>>(
        directory: impl Into<PathBuf>,
        trainer: &mut Trainer<D>,
    ) -> Result<Self, Error> {
        Self::resume_with(directory, trainer, &Resume::default())
    }

    /// [`RunWriter::resume`] with options.
    ///
    /// # Errors
    /// Those of [`RunWriter::resume`].
    pub fn resume_with<D: Backend<f32>>(
        directory: impl Into<PathBuf>,
        trainer: &mut Trainer<D>,
        how: &Resume,
    ) -> Result<Self, Error> {
        let directory = directory.into();
        let (lock, found) = create::hold(&directory)?;
        if found == Found::Empty {
            trainer.check_start()?;
            let writer = Self::begin(directory, lock, trainer.experiment())?;
            record_of(trainer).write(&writer.directory)?;
            return Ok(writer);
        }
        check_same(&directory, trainer.experiment())?;
        let mut known = DataRecord::of_run(&directory)?;
        let is_recorded = known.is_some();
        let history = History::read(&directory)?;
        let mut epoch = 0;
        if let Some(start) = Start::find(&directory, how.from, &history, trainer.experiment())? {
            epoch = start.last.epoch();
            // First, since a different experiment has a different history.
            trainer.resume(&start.last, start.best.as_ref())?;
            // The data that the weights were trained on count.
            known = start.last.data().cloned().map(DataRecord::of_identity).or(known);
            let differences = known.as_ref().and_then(|known| known.differences(trainer.data_identity()));
            if let Some(differences) = differences.filter(|_| !how.allow_other_data) {
                return Err(Error::OtherData { differences });
            }
            if !how.allow_gaps {
                history.check(epoch, start.last.best())?;
            }
            start.settle(&directory, how.from)?;
        } else {
            trainer.check_start()?;
        }
        history.cut(epoch)?;
        let mut writer = Self::begin(directory, lock, trainer.experiment())?;
        let differences = known.as_ref().map(|known| known.differences(trainer.data_identity()));
        match differences {
            Some(None) if is_recorded => return Ok(writer),
            Some(None) => {}
            Some(Some(_)) if is_recorded => DataRecord::set_aside(&writer.directory)?,
            Some(Some(_)) => {}
            None if epoch > 0 => writer.notes.push(
                "this run has not recorded the data it was trained on, so nothing was compared; they are recorded from now on".to_owned(),
            ),
            None => {}
        }
        record_of(trainer).write(&writer.directory)?;
        Ok(writer)
    }

    fn begin(directory: PathBuf, lock: Lock, experiment: &Experiment) -> Result<Self, Error> {
        // First: with this file the directory is a run, even if a kill prevents the rest.
        let config = directory.join(CONFIG);
        replace(&config, experiment.to_toml()?.as_bytes(), Durability::Disk)
            .map_err(Error::io("write the experiment", &config))?;
        let metrics = directory.join(METRICS);
        let metrics = regular::open_own(File::options().append(true).create(true), &metrics)
            .map_err(Error::io("write the metrics", &metrics))?;
        let stop = directory.join(STOP);
        match fs::remove_file(&stop) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("remove the request to stop", &stop)(error));
            }
            _ => {}
        }
        let status = Status {
            version: FILE_VERSION,
            state: RecordedState::Running,
            pid: std::process::id(),
            host: snn_run::host(),
            started: unix_time(),
            epochs: experiment.training.epochs,
            ..Status::default()
        };
        let mut writer = Self {
            probes: ProbeWriter::new(&directory),
            tensorboard: experiment.probe.tensorboard.then(|| TensorBoardWriter::new(directory.clone())),
            directory,
            metrics,
            status,
            last_heartbeat: Instant::now(),
            notes: lock.note().map(str::to_owned).into_iter().collect(),
            lock,
            is_lost: false,
        };
        writer.write_status()?;
        Ok(writer)
    }

    /// Refuses a different experiment than that of the run in `directory` (only the length of training may differ), before loading
    /// its data.
    ///
    /// # Errors
    /// [`Error::OtherExperiment`], and those of [`Experiment::load`].
    pub fn check_experiment(directory: &Path, experiment: &Experiment) -> Result<(), Error> {
        check_same(directory, experiment)
    }

    /// Records that a run could not be started or resumed. A run with a different experiment is left unchanged.
    pub(crate) fn record_failure(
        directory: impl Into<PathBuf>,
        experiment: &Experiment,
        error: &Error,
    ) -> Result<(), Error> {
        let directory = directory.into();
        let (lock, found) = create::hold(&directory)?;
        if found == Found::Run {
            check_same(&directory, experiment)?;
        }
        let known = RunDir::open(&directory).and_then(|run| run.status());
        let mut writer = Self::begin(directory, lock, experiment)?;
        if let Ok(known) = known {
            writer.status = known;
        }
        writer.observe(&Event::RunFailed(error)).map(drop)
    }

    /// Turns a failed run, or one with a damaged status, into a stopped one: it resumes from its checkpoint, from that of its best
    /// epoch if the last one is lost, or starts over if both are; then its records are renamed. Returns whether there was a
    /// failure to clear.
    pub(crate) fn forget_failure(directory: &Path, experiment: &Experiment) -> Result<bool, Error> {
        let (_lock, _) = create::hold(directory)?;
        check_same(directory, experiment)?;
        let mut status = match RunDir::open(directory)?.status() {
            Ok(status) if status.state != RecordedState::Failed => return Ok(false),
            Ok(status) => status,
            // The checkpoints of the run remain, and the next trainer resumes from them.
            Err(_) => Status { epochs: experiment.training.epochs, ..Status::default() },
        };
        if !mend(directory, experiment)? {
            (status.epoch, status.batch, status.best) = (0, 0, None);
        }
        (status.version, status.state, status.message) = (FILE_VERSION, RecordedState::Stopped, None);
        write_status(directory, &status)?;
        Ok(true)
    }

    /// Prepares a run with lost checkpoints for resuming, as in [`forget_failure`](Self::forget_failure).
    pub(crate) fn forget_lost_checkpoints(directory: &Path, experiment: &Experiment) -> Result<(), Error> {
        let (_lock, found) = create::hold(directory)?;
        if found == Found::Empty {
            return Ok(());
        }
        check_same(directory, experiment)?;
        if !mend(directory, experiment)? {
            let status = Status {
                version: FILE_VERSION,
                state: RecordedState::Stopped,
                epochs: experiment.training.epochs,
                ..Status::default()
            };
            write_status(directory, &status)?;
        }
        Ok(())
    }

    /// The path of the run.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The state of the run, as last written to `status.json`.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Notes for the user: how the directory is locked, what is unknown about the data.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    /// Stops a trainer that has lost its lock: another one may already be writing here.
    fn check_lock(&mut self) -> Result<(), Error> {
        if self.lock.is_held() {
            return Ok(());
        }
        self.is_lost = true;
        Err(Error::LockLost { path: self.directory.clone() })
    }

    fn write_status(&mut self) -> Result<(), Error> {
        self.last_heartbeat = Instant::now();
        self.status.heartbeat = unix_time();
        write_status(&self.directory, &self.status)
    }

    /// Adds this session to the previous ones.
    fn write_session(&self, session: Session) -> Result<(), Error> {
        let before = regular::read(self.directory.join(ENVIRONMENT), regular::MOST_ENVIRONMENT).ok();
        let before = before.and_then(|json| serde_json::from_slice(&json).ok());
        let mut environment: Environment = before.unwrap_or_default();
        environment.version = FILE_VERSION;
        environment.sessions.push(session);
        let path = self.directory.join(ENVIRONMENT);
        write_json("write the environment", path, &environment, Durability::Process)
    }

    fn append(&mut self, record: &Record) -> Result<(), Error> {
        self.check_lock()?;
        // A single write, so that a reader sees a complete line or an incomplete last one.
        self.metrics
            .write_all((record.to_line() + "\n").as_bytes())
            .map_err(Error::io("write the metrics", self.directory.join(METRICS)))
    }

    /// Failing probes do not end training, and do not change its records.
    fn look(&mut self, event: &Event<'_>) {
        let probe = self.probes.observe(event);
        self.tell_tensorboard(event, probe.as_ref().ok().and_then(Option::as_ref));
        self.status.probe_error = probe.err().map(|error| error.to_string());
    }

    fn tell_tensorboard(&mut self, event: &Event<'_>, probe: Option<&Probe>) {
        let Some(tensorboard) = &mut self.tensorboard else { return };
        if let Err(error) = tensorboard.observe(event, probe) {
            // Keep the first error: the file stays incomplete.
            self.status.tensorboard_error.get_or_insert_with(|| error.to_string());
        }
    }

    fn save(&mut self, checkpoint: &Checkpoint, best: bool) -> Result<(), Error> {
        self.check_lock()?;
        // The metrics that a resume needs must be as durable as the checkpoint.
        self.metrics.sync_data().map_err(Error::io("write the metrics", self.directory.join(METRICS)))?;
        let last = checkpoint_path(&self.directory, Selection::Last);
        checkpoint.save(&last)?;
        if best {
            let path = checkpoint_path(&self.directory, Selection::Best);
            replace_by_copy(&path, &last).map_err(Error::io("write the checkpoint", path))?;
        }
        Ok(())
    }
}

impl Observer for RunWriter {
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
        match event {
            Event::RunStarted(start) => {
                self.write_session(session::current(start.network, start.device))?;
                (self.status.epoch, self.status.batch) = (start.epoch, start.batch);
                (self.status.batches, self.status.best) = (start.batches, start.best);
                self.status.samples = start.dataset.splits().train.len() as u64;
                self.look(event);
                self.write_status()?;
            }
            Event::BatchFinished(progress) => {
                if progress.phase == Phase::Training {
                    self.status.batch = progress.batch;
                }
                if self.last_heartbeat.elapsed() >= HEARTBEAT {
                    self.check_lock()?;
                    // A failed heartbeat is not fatal: the important files are written below.
                    let _ = self.write_status();
                }
                if self.directory.join(STOP).exists() {
                    return Ok(Flow::Stop);
                }
            }
            Event::EpochFinished { record, .. } => {
                self.append(&Record::Epoch((*record).clone()))?;
                (self.status.epoch, self.status.batch) = (record.epoch, 0);
                self.look(event);
            }
            Event::Warning(warning) => self.append(&Record::Warning((*warning).clone()))?,
            Event::Checkpoint { checkpoint, best } => {
                self.save(checkpoint, *best)?;
                self.status.best = checkpoint.best();
                self.write_status()?;
            }
            Event::Tested(record) => {
                self.append(&Record::Test((*record).clone()))?;
                self.status.test_accuracy = Some(record.test.accuracy);
                self.tell_tensorboard(event, None);
            }
            Event::RunFinished(outcome) => {
                self.status.state =
                    if outcome.stopped { RecordedState::Stopped } else { RecordedState::Done };
                self.status.best = outcome.best;
                self.write_status()?;
                // The request is fulfilled.
                let _ = fs::remove_file(self.directory.join(STOP));
            }
            // If another process may be training, do not touch its status.
            Event::RunFailed(_) if self.is_lost && !self.lock.is_free() => {}
            Event::RunFailed(error) => {
                self.status.state = RecordedState::Failed;
                self.status.message = Some(error.to_string());
                self.write_status()?;
            }
        }
        Ok(Flow::Continue)
    }
}

fn write_json(
    action: &'static str,
    path: PathBuf,
    value: &impl Serialize,
    durability: Durability,
) -> Result<(), Error> {
    let json = serde_json::to_vec_pretty(value).map_err(io::Error::from);
    json.and_then(|json| replace(&path, &json, durability)).map_err(Error::io(action, path))
}

/// The final status must survive a power failure, since it is not written again; while running, the next heartbeat
/// rewrites it.
fn write_status(directory: &Path, status: &Status) -> Result<(), Error> {
    let ended = status.state != RecordedState::Running;
    let durability = if ended { Durability::Disk } else { Durability::Process };
    write_json("write the status", directory.join(STATUS), status, durability)
}

fn record_of<D: Backend<f32>>(trainer: &Trainer<D>) -> DataRecord {
    DataRecord::of(trainer.data_identity(), trainer.dataset(), trainer.is_on_external_data())
}

/// Refuses a run with a different experiment.
fn check_same(directory: &Path, experiment: &Experiment) -> Result<(), Error> {
    let config = directory.join(CONFIG);
    // Not a pipe, on which reading would block forever.
    regular::open(&config).map_err(Error::io("read the experiment", &config))?;
    let stored = Experiment::load(config)?;
    match stored.difference(experiment) {
        None => Ok(()),
        Some((key, stored, given)) => {
            Err(Error::OtherExperiment { key, stored: stored.to_string(), given: given.to_string() })
        }
    }
}

/// Makes sure that a run can resume: from its checkpoints, or from that of its best epoch if the last one is lost. If neither is
/// usable, its records are renamed, it starts over, and `false` is returned.
fn mend(directory: &Path, experiment: &Experiment) -> Result<bool, Error> {
    let history = History::read(directory)?;
    for from in [Selection::Last, Selection::Best] {
        match Start::find(directory, from, &history, experiment) {
            Ok(Some(start)) if history.check(start.last.epoch(), start.last.best()).is_ok() => {
                start.settle(directory, from)?;
                return Ok(true);
            }
            Ok(None) => return Ok(true),
            Ok(Some(_)) | Err(Error::LostCheckpoint { .. } | Error::OtherExperiment { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    history.set_aside()?;
    remove_checkpoints(directory)?;
    Ok(false)
}

fn remove_checkpoints(directory: &Path) -> Result<(), Error> {
    for which in [Selection::Last, Selection::Best] {
        let path = checkpoint_path(directory, which);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("remove the checkpoint", path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}
