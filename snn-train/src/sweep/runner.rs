//! Training the runs of a sweep on this machine, side by side.

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
    ledger::{Ledger, Promise},
    progress::{Progress, ProgressTracker, RunEvent, Update},
    shared_data::SharedData,
    spec::experiment,
};
use crate::{
    Device, Error, Event, Experiment, Flow, Observer, Outcome, RunWriter, Trainer,
    run::{DataRecord, RunDir},
};

/// How often it looks whether a stop was asked for, while data are loaded.
const LOOK: Duration = Duration::from_millis(50);

/// How [`SweepDir::train`] goes about it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Runs side by side. Left out, one for each core, or one on a GPU.
    pub jobs: Option<usize>,
    /// Threads of each run; results do not depend on it. Left out, the cores are shared out: one each, as long as there
    /// are as many runs as cores.
    pub threads: Option<usize>,
    /// Whether runs that failed are tried again; otherwise they are left as they are.
    pub retry: bool,
    /// The ids of the runs to train. Left out, all.
    pub only: Option<Vec<String>>,
    /// Where they are trained.
    pub device: Device,
}

impl SweepDir {
    /// Trains all runs that are not done, several side by side. Runs interrupted before, by a stop or a kill, go on from
    /// their checkpoints; each ends with the bits that `snn train` with its settings ends with. A run that fails is
    /// recorded as failed, and the others go on; so is one whose process has ended without a word three times in a row. Runs on equal data share one copy of them. Several processes may train one
    /// sweep: a run that another one trains is left to it ([`Progress::busy`]).
    ///
    /// `watch` is told of everything, by one run at a time.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`] if the directory of the runs cannot be made, or threads not be started, and those of
    /// [`Device::check`]. What befalls a run is no error of the sweep.
    pub fn train(
        &self,
        options: &Options,
        watch: &mut (dyn FnMut(&Update<'_>) + Send),
    ) -> Result<Progress, Error> {
        self.train_until(&AtomicBool::new(false), options, watch)
    }

    /// As [`SweepDir::train`], until `stop` is set: all runs then end after their current batch, with a checkpoint.
    ///
    /// # Errors
    /// Those of [`SweepDir::train`].
    pub fn train_until(
        &self,
        stop: &AtomicBool,
        options: &Options,
        watch: &mut (dyn FnMut(&Update<'_>) + Send),
    ) -> Result<Progress, Error> {
        // else every run would be recorded as failed
        options.device.check()?;
        let runs = self.runs();
        fs::create_dir_all(&runs).map_err(Error::io("create the directory of the runs", &runs))?;
        let jobs = self.jobs(options)?;
        let tracker = ProgressTracker::new(jobs.len(), jobs.iter().map(|job| job.work).sum(), watch);
        let (mut queue, mut doubtful, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        let mut records = HashMap::new();
        for job in jobs {
            // One of them stands for all: a split does not move between runs because files were added.
            if !records.contains_key(&job.data)
                && let Ok(Some(record)) = DataRecord::of_run(&self.run_path(job.point))
            {
                records.insert(job.data.clone(), record);
            }
            let state = self.state(job.point);
            match left_alone(state, options) {
                Some(event) => tracker.tell(job.point, job.work, event),
                // Its process ended without a word. Should it be the run that ends processes, the others are done first,
                // and one that may have done so twice takes no other with it.
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

    /// Trains the runs of a queue, so many side by side.
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
            // What loads data and hashes them looks at a switch of its own.
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
                // A run that panics is a run that has failed; what panics here is `watch`.
                worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
            Ok(())
        })
    }

    /// Lets runs that have failed be tried again: the next [`SweepDir::train`] goes on from their checkpoints, or begins
    /// them anew where those are damaged. Returns their ids. A run that another process trains is being tried already, and
    /// one of another experiment is left as it is.
    ///
    /// # Errors
    /// [`snn_run::Error::Io`], and those of [`Experiment::load`] for an experiment that cannot be read; the other runs are tried
    /// again all the same.
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

    /// The runs that were asked for, those on equal data one after the other.
    fn jobs(&self, options: &Options) -> Result<Vec<Job<'_>>, Error> {
        let mut jobs: Vec<(usize, Job<'_>)> = Vec::new();
        let mut data_sets: Vec<String> = Vec::new();
        for point in &self.manifest().points {
            if options.only.as_ref().is_some_and(|only| !only.contains(&point.id)) {
                continue;
            }
            let mut experiment = experiment(self.manifest(), point)?;
            // The run is to find its data from any directory.
            experiment.make_paths_absolute().map_err(Error::io("tell where this path begins", "."))?;
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

    /// How a run stands for one who wants to train it: what cannot be read is there to be tried.
    fn state(&self, point: &Point) -> RunState {
        RunDir::open(self.run_path(point)).and_then(|run| run.state()).unwrap_or(RunState::Pending)
    }

    /// Counts runs that another process was training when their turn came, and that it has ended since, as what they are
    /// now.
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

/// What to tell of a run that is not to be trained: it is done, or has failed and is not to be tried again.
fn left_alone(state: RunState, options: &Options) -> Option<RunEvent<'static>> {
    match state {
        RunState::Done => Some(RunEvent::Reused),
        RunState::Failed if !options.retry => Some(RunEvent::FailedBefore),
        _ => None,
    }
}

/// What helps against other data, for runs that are many.
fn of_sweep(error: Error) -> Error {
    match error {
        Error::OtherData { differences } => Error::Impossible(format!(
            "these are not the data that the other runs of the sweep were trained on: {differences}; put those back, or plan the \
             sweep into another directory"
        )),
        other => other,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run that was asked for.
struct Job<'a> {
    point: &'a Point,
    experiment: Experiment,
    /// The settings of its data: runs in which they are equal share the data.
    data: String,
    work: f64,
}

/// What all workers share.
struct Shared<'a, 'w> {
    sweep: &'a SweepDir,
    options: &'a Options,
    stop: &'a AtomicBool,
    tracker: &'a ProgressTracker<'w>,
    data: SharedData,
    ledger: Ledger,
    /// What a run has recorded of its data, by their settings.
    records: HashMap<String, DataRecord>,
    /// The runs that another process was training when their turn came.
    busy: Mutex<Vec<&'a Point>>,
}

/// Trains one run after the other.
struct Worker<'a, 'w> {
    shared: &'a Shared<'a, 'w>,
    /// The data of the run before, with their settings.
    held: Option<(String, Arc<dyn Dataset>)>,
}

impl<'a> Worker<'a, '_> {
    fn run(&mut self, job: &Job<'a>, cancel: &Cancel) {
        let Shared { tracker, sweep, options, busy, .. } = self.shared;
        let tell = |event| tracker.tell(job.point, job.work, event);
        // Another process at the same sweep may have trained it since the queue was made.
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
        // Lets go of other data before more come into memory.
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

    /// Writes down an error that no run directory has heard of.
    fn record(&self, job: &Job<'_>, error: Error) -> Error {
        if !matches!(error, Error::RunLocked { .. } | Error::Interrupted) {
            // Where this cannot be written either, it is told all the same.
            let _ = RunWriter::record_failure(self.shared.sweep.run_path(job.point), &job.experiment, &error);
        }
        error
    }
}

/// Tells a watcher that its work is over.
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

/// Passes the trainer's events on, and the request to stop back.
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
