//! Training the runs of a sweep in parallel on this machine.

use std::{
    any::Any,
    collections::HashMap,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use snn_core::{Backend, Cpu};
use snn_data::{Cancel, Dataset};

use super::{
    Point, RunState, SweepDir,
    attempt::Attempt,
    ids::experiment,
    ledger::{Ledger, Promise},
    progress::{Progress, ProgressTracker, RunEvent, Update},
    shared_data::SharedData,
};
use crate::{
    Device, Error, Event, Experiment, Flow, Observer, Outcome, RunWriter, Trainer,
    run::{DataRecord, RunDir},
};

/// How often it checks for a stop request while loading data.
const LOOK: Duration = Duration::from_millis(50);

/// Options of [`SweepDir::train`].
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Number of parallel runs. By default one per core, or one on a GPU.
    pub jobs: Option<usize>,
    /// Threads of each run; results do not depend on it. By default the cores are divided among the runs: one each, if there
    /// are as many runs as cores.
    pub threads: Option<usize>,
    /// Whether to retry failed runs; otherwise they are left unchanged.
    pub retry: bool,
    /// The ids of the runs to train. By default all.
    pub only: Option<Vec<String>>,
    /// The device to train on.
    pub device: Device,
}

impl SweepDir {
    /// Trains all unfinished runs, several in parallel. Runs interrupted by a stop or a kill resume from their checkpoints; each
    /// ends bit-identical to `snn train` with its settings. A failed run is recorded, and the others continue, as is a run whose
    /// process has crashed three times in a row. Runs on the same data share one copy. Several processes may train one sweep: a
    /// run that another process is training is skipped ([`Progress::busy`]).
    ///
    /// `watch` receives all events, from one run at a time.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`] if the directory of the runs cannot be created, or threads cannot be started, and those of
    /// [`Device::check`]. A failed run is not an error of the sweep.
    pub fn train(
        &self,
        options: &Options,
        watch: &mut (dyn FnMut(&Update<'_>) + Send),
    ) -> Result<Progress, Error> {
        self.train_until(&AtomicBool::new(false), options, watch)
    }

    /// [`SweepDir::train`] until `stop` is set: all runs then end after their current batch, with a checkpoint.
    ///
    /// # Errors
    /// Those of [`SweepDir::train`].
    pub fn train_until(
        &self,
        stop: &AtomicBool,
        options: &Options,
        watch: &mut (dyn FnMut(&Update<'_>) + Send),
    ) -> Result<Progress, Error> {
        // otherwise every run would be recorded as failed
        options.device.check()?;
        let runs = self.runs();
        fs::create_dir_all(&runs).map_err(Error::io("create the directory of the runs", &runs))?;
        let jobs = self.jobs(options)?;
        let tracker = ProgressTracker::new(jobs.len(), jobs.iter().map(|job| job.work).sum(), watch);
        let (mut queue, mut doubtful, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        let mut records = HashMap::new();
        for job in jobs {
            // Shared by all runs: added files do not change the split between runs.
            if !records.contains_key(&job.data)
                && let Ok(Some(record)) = DataRecord::of_run(&self.run_path(job.point))
            {
                records.insert(job.data.clone(), record);
            }
            let state = self.state(job.point);
            match left_alone(state, options) {
                Some(event) => tracker.tell(job.point, job.work, event),
                // Its process crashed. In case this run is the cause, train the others first, and train a run that may
                // have crashed twice alone.
                None => match Attempt::deaths(&self.run_path(job.point)) {
                    0 if matches!(state, RunState::Running | RunState::Stalled) => doubtful.push(job),
                    0 => queue.push(job),
                    1 => doubtful.push(job),
                    _ => alone.push(job),
                },
            }
        }
        queue.append(&mut doubtful);

        let cores = thread::available_parallelism().map_or(1, usize::from);
        let at_once = if options.device == Device::Cpu { cores } else { 1 };
        let side_by_side = options.jobs.unwrap_or(at_once).max(1);
        let (data, ledger, busy) = (SharedData::default(), Ledger::open(), Mutex::default());
        let shared = Shared { sweep: self, options, stop, tracker: &tracker, data, ledger, busy, records };
        self.work(&shared, queue, side_by_side)?;
        self.work(&shared, alone, 1)?;
        let progress = self.settle(tracker.progress(), &lock(&shared.busy));
        let left = progress.runs - progress.done - progress.failed - progress.busy;
        Ok(Progress { stopped: left > 0, ..progress })
    }

    /// Trains the runs of a queue, this many in parallel.
    fn work<'a>(
        &'a self,
        shared: &'a Shared<'a, '_>,
        queue: Vec<Job<'a>>,
        side_by_side: usize,
    ) -> Result<(), Error> {
        let (stop, options) = (shared.stop, shared.options);
        let side_by_side = side_by_side.min(queue.len());
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = options.threads.unwrap_or(cores / side_by_side.max(1)).max(1);
        let (queue, cancel, is_over) = (Mutex::new(queue.into_iter()), Cancel::new(), AtomicBool::new(false));
        thread::scope(|scope| {
            // Loading and hashing data check a separate flag.
            let watcher = scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    if stop.load(Ordering::Relaxed) {
                        return cancel.cancel();
                    }
                    thread::park_timeout(LOOK);
                }
            });
            let _over = Over { flag: &is_over, watcher: watcher.thread() };
            let mut workers = Vec::new();
            for _ in 0..side_by_side {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                let pool = pool.map_err(|error| {
                    Error::io("start threads to train in", self.runs())(io::Error::other(error))
                })?;
                let mut worker = Worker { shared, held: None };
                let (queue, cancel) = (&queue, &cancel);
                workers.push(scope.spawn(move || {
                    let next = || lock(queue).next();
                    while let Some(job) = next().filter(|_| !stop.load(Ordering::Relaxed)) {
                        pool.install(|| worker.run(&job, cancel));
                    }
                }));
            }
            for worker in workers {
                // A panic in a run counts as a failed run; a panic here comes from `watch`.
                worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
            Ok(())
        })
    }

    /// Clears failed runs for a retry: the next [`SweepDir::train`] resumes them from their checkpoints, or starts over if those
    /// are damaged. Returns their ids. Runs that another process is training, or with a different experiment, are skipped.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`], and those of [`Experiment::load`] for an unreadable experiment; the other runs are cleared anyway.
    pub fn retry(&self) -> Result<Vec<String>, Error> {
        let (mut ids, mut trouble) = (Vec::new(), None);
        for (point, row) in self.manifest().points.iter().zip(self.results().rows) {
            if !row.state.has_failed() {
                continue;
            }
            let experiment = experiment(self.manifest(), point)?;
            match RunWriter::forget_failure(&self.run_path(point), &experiment) {
                Ok(true) => ids.push(row.id),
                Ok(false) | Err(Error::RunLocked { .. } | Error::OtherExperiment { .. }) => {}
                Err(error) => drop(trouble.get_or_insert(error)),
            }
        }
        trouble.map_or(Ok(ids), Err)
    }

    /// The requested runs, grouped by data.
    fn jobs(&self, options: &Options) -> Result<Vec<Job<'_>>, Error> {
        let mut jobs: Vec<(usize, Job<'_>)> = Vec::new();
        let mut data_sets: Vec<String> = Vec::new();
        for point in &self.manifest().points {
            if options.only.as_ref().is_some_and(|only| !only.contains(&point.id)) {
                continue;
            }
            let mut experiment = experiment(self.manifest(), point)?;
            // The run must find its data from any directory.
            experiment.make_paths_absolute().map_err(Error::io("determine the absolute path", "."))?;
            let data =
                toml::to_string(&experiment.data).map_err(|error| Error::Impossible(error.to_string()))?;
            let group = data_sets.iter().position(|known| *known == data).unwrap_or_else(|| {
                data_sets.push(data.clone());
                data_sets.len() - 1
            });
            let work = point.seconds.unwrap_or(1.0);
            jobs.push((group, Job { point, experiment, data, work }));
        }
        jobs.sort_by_key(|(group, _)| *group);
        Ok(jobs.into_iter().map(|(_, job)| job).collect())
    }

    /// The state of a run for training: an unreadable one can be tried.
    fn state(&self, point: &Point) -> RunState {
        RunDir::open(self.run_path(point)).and_then(|run| run.state()).unwrap_or(RunState::Pending)
    }

    /// Updates runs that another process was training and has finished since.
    fn settle(&self, mut progress: Progress, busy: &[&Point]) -> Progress {
        for point in busy {
            match self.state(point) {
                RunState::Done => {
                    progress.done += 1;
                    progress.reused += 1;
                }
                RunState::Failed => progress.failed += 1,
                _ => continue,
            }
            progress.busy -= 1;
        }
        progress
    }
}

/// The event of a run that is not trained: it is done, or has failed and is not retried.
fn left_alone(state: RunState, options: &Options) -> Option<RunEvent<'static>> {
    match state {
        RunState::Done => Some(RunEvent::Reused),
        RunState::Failed if !options.retry => Some(RunEvent::FailedBefore),
        _ => None,
    }
}

/// The remedy for different data, with many runs.
fn of_sweep(error: Error) -> Error {
    match error {
        Error::OtherData { differences } => Error::Impossible(format!(
            "these are not the data that the other runs of the sweep were trained on: {differences}; restore those, or plan the \
             sweep into another directory"
        )),
        other => other,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A requested run.
struct Job<'a> {
    point: &'a Point,
    experiment: Experiment,
    /// The settings of its data: runs with equal ones share the data.
    data: String,
    work: f64,
}

/// State shared by all workers.
struct Shared<'a, 'w> {
    sweep: &'a SweepDir,
    options: &'a Options,
    stop: &'a AtomicBool,
    tracker: &'a ProgressTracker<'w>,
    data: SharedData,
    ledger: Ledger,
    /// The data records of runs, by the settings of the data.
    records: HashMap<String, DataRecord>,
    /// The runs that another process was training.
    busy: Mutex<Vec<&'a Point>>,
}

/// Trains runs one after another.
struct Worker<'a, 'w> {
    shared: &'a Shared<'a, 'w>,
    /// The data of the previous run, with their settings.
    held: Option<(String, Arc<dyn Dataset>)>,
}

impl<'a> Worker<'a, '_> {
    fn run(&mut self, job: &Job<'a>, cancel: &Cancel) {
        let Shared { tracker, sweep, options, busy, .. } = self.shared;
        let tell = |event| tracker.tell(job.point, job.work, event);
        // Another process may have trained it since the queue was created.
        if let Some(event) = left_alone(sweep.state(job.point), options) {
            return tell(event);
        }
        tell(RunEvent::Started);
        let result = catch_unwind(AssertUnwindSafe(|| self.try_run(job, cancel)));
        match result.unwrap_or_else(|panic| Err(self.record(job, Error::Panicked(message(&*panic))))) {
            Ok(outcome) => tell(RunEvent::Finished(&outcome)),
            Err(Error::RunLocked { .. }) => {
                lock(busy).push(job.point);
                tell(RunEvent::Busy);
            }
            Err(Error::Interrupted) => tell(RunEvent::Interrupted),
            Err(error) => tell(RunEvent::Failed(&error)),
        }
    }

    fn try_run(&mut self, job: &Job<'_>, cancel: &Cancel) -> Result<Outcome, Error> {
        let attempt = Attempt::begin(&self.shared.sweep.run_path(job.point));
        let _attempt = attempt.map_err(|error| self.record(job, error))?;
        self.train(job, cancel)
    }

    fn train(&mut self, job: &Job<'_>, cancel: &Cancel) -> Result<Outcome, Error> {
        match self.shared.options.device {
            Device::Cpu => self.train_on(Ok(Cpu::default()), job, cancel),
            #[cfg(feature = "cuda")]
            Device::Cuda(ordinal) => self.train_on(snn_core::cuda(ordinal), job, cancel),
            #[cfg(not(feature = "cuda"))]
            Device::Cuda(_) => Err(self.record(job, Device::unsupported())),
        }
    }

    fn train_on<D: Backend<f32>>(
        &mut self,
        device: Result<D, snn_core::Error>,
        job: &Job<'_>,
        cancel: &Cancel,
    ) -> Result<Outcome, Error> {
        let prepare = |device| cancel.run(|| self.prepare(device, job));
        let prepared = device.map_err(Error::from).and_then(prepare);
        let (mut trainer, mut writer, _promise) = prepared.map_err(|error| self.record(job, error))?;
        let mut relay = Relay { tracker: self.shared.tracker, stop: self.shared.stop, job };
        trainer.run(&mut [&mut writer, &mut relay])
    }

    fn prepare<D: Backend<f32>>(
        &mut self,
        device: D,
        job: &Job<'_>,
    ) -> Result<(Trainer<D>, RunWriter, Option<Promise<'a>>), Error> {
        let Shared { ledger, stop, options, .. } = self.shared;
        let dataset = self.dataset(job)?;
        let mut promise = None;
        if options.device == Device::Cpu {
            let memory = job.experiment.training_memory(&*dataset);
            let share = ledger.take(memory.bytes(), stop).ok_or(Error::Interrupted)?;
            memory.check(job.experiment.training.memory_limit)?;
            promise = Some(share);
        }
        let directory = self.shared.sweep.run_path(job.point);
        let mut trainer = Trainer::on_device(device, job.experiment.clone(), dataset)?
            .named(self.shared.options.device)
            .on_described_data();
        let writer = match RunWriter::resume(&directory, &mut trainer) {
            Err(Error::LostCheckpoint { .. } | Error::DamagedHistory { .. }) if self.shared.options.retry => {
                RunWriter::forget_lost_checkpoints(&directory, &job.experiment)?;
                RunWriter::resume(&directory, &mut trainer)?
            }
            other => other?,
        };
        Ok((trainer, writer, promise))
    }

    fn dataset(&mut self, job: &Job<'_>) -> Result<Arc<dyn Dataset>, Error> {
        // Release other data before loading more.
        let held = self.held.take().filter(|(settings, _)| *settings == job.data);
        let dataset = match held {
            Some((_, dataset)) => dataset,
            None => self.shared.data.get(&job.data, || {
                job.experiment.check_memory()?;
                let record = self.shared.records.get(&job.data);
                let known = record.as_ref().map(|record| record.parts(false)).unwrap_or_default();
                let opened = job.experiment.data.open_until(self.shared.stop, Arc::new(|_| {}), known);
                let dataset = opened.map_err(of_sweep)?;
                let Some(record) = record else { return Ok(dataset.into()) };
                record.fit(dataset.into(), None, false).map(|fitted| fitted.dataset).map_err(of_sweep)
            })?,
        };
        self.held = Some((job.data.clone(), Arc::clone(&dataset)));
        Ok(dataset)
    }

    /// Records an error that is not in the run directory yet.
    fn record(&self, job: &Job<'_>, error: Error) -> Error {
        if !matches!(error, Error::RunLocked { .. } | Error::Interrupted) {
            // If this cannot be written either, it is still reported.
            let _ = RunWriter::record_failure(self.shared.sweep.run_path(job.point), &job.experiment, &error);
        }
        error
    }
}

/// Signals a watcher thread to end.
struct Over<'a> {
    flag: &'a AtomicBool,
    watcher: &'a thread::Thread,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.flag.store(true, Ordering::Relaxed);
        self.watcher.unpark();
    }
}

/// Forwards the trainer's events, and returns the stop request.
struct Relay<'a, 'w> {
    tracker: &'a ProgressTracker<'w>,
    stop: &'a AtomicBool,
    job: &'a Job<'a>,
}

impl Observer for Relay<'_, '_> {
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
        self.tracker.tell(self.job.point, self.job.work, RunEvent::Event(event));
        Ok(if self.stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Continue })
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|&text| text.to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
