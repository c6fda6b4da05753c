//! Training the runs of a sweep on this machine, side by side.

use std::{
    any::Any,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use snn_core::{Backend, Cpu};
use snn_data::Dataset;

use super::{
    Point, Standing, SweepDir,
    board::{Board, Happening, Progress, Update},
    shared_data::SharedData,
};
use crate::{Device, Error, Event, Experiment, Flow, Observer, Outcome, RunWriter, Trainer, run::RunDir};

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
    /// recorded as failed, and the others go on. Runs on equal data share one copy of them.
    ///
    /// `watch` is told of everything, by one run at a time.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory of the runs cannot be made, or threads not be started, and those of
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
        let board = Board::new(jobs.len(), jobs.iter().map(|job| job.work).sum(), watch);
        let (queue, rest): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.begins(options));
        for job in rest {
            let done = job.standing == Standing::Done;
            let happening = if done { Happening::Reused } else { Happening::FailedBefore };
            board.tell(job.point, job.work, happening);
        }

        let cores = thread::available_parallelism().map_or(1, usize::from);
        let at_once = if options.device == Device::Cpu { cores } else { 1 };
        let side_by_side = options.jobs.unwrap_or(at_once).min(queue.len());
        let threads = options.threads.unwrap_or(cores / side_by_side.max(1)).max(1);
        let shared = Shared { sweep: self, options, stop, board: &board, data: SharedData::default() };
        let queue = Mutex::new(queue.into_iter());
        thread::scope(|scope| {
            let mut workers = Vec::new();
            for _ in 0..side_by_side {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                let pool = pool.map_err(|error| {
                    Error::io("start threads to train in", &runs)(io::Error::other(error))
                })?;
                let mut worker = Worker { shared: &shared, held: None };
                let queue = &queue;
                workers.push(scope.spawn(move || {
                    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    while let Some(job) = next().filter(|_| !stop.load(Ordering::Relaxed)) {
                        pool.install(|| worker.run(&job));
                    }
                }));
            }
            for worker in workers {
                // A run that panics is a run that has failed; what panics here is `watch`.
                worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
            Ok::<_, Error>(())
        })?;
        let progress = board.progress();
        let left = progress.runs - progress.done - progress.failed - progress.busy;
        Ok(Progress { stopped: left > 0, ..progress })
    }

    /// Lets runs that have failed be tried again: the next [`SweepDir::train`] goes on from their checkpoints. Returns
    /// their ids.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::RunLocked`].
    pub fn retry(&self) -> Result<Vec<String>, Error> {
        let failed = self.results()?.rows.into_iter().filter(|row| row.state == Standing::Failed);
        let ids: Vec<_> = failed.map(|row| row.id).collect();
        for id in &ids {
            RunWriter::forget_failure(&self.runs().join(id))?;
        }
        Ok(ids)
    }

    /// The runs that were asked for, those on equal data one after the other.
    fn jobs(&self, options: &Options) -> Result<Vec<Job<'_>>, Error> {
        let mut jobs: Vec<(usize, Job<'_>)> = Vec::new();
        let mut data_sets: Vec<String> = Vec::new();
        for point in &self.manifest().points {
            if options.only.as_ref().is_some_and(|only| !only.contains(&point.id)) {
                continue;
            }
            let experiment = self.manifest().experiment(point)?;
            let standing = match RunDir::open(self.run_path(point)).and_then(|run| run.status()) {
                Ok(status) => Standing::of(&status),
                Err(_) => Standing::Pending,
            };
            let data =
                toml::to_string(&experiment.data).map_err(|error| Error::Impossible(error.to_string()))?;
            let group = data_sets.iter().position(|known| *known == data).unwrap_or_else(|| {
                data_sets.push(data.clone());
                data_sets.len() - 1
            });
            let work = point.seconds.unwrap_or(1.0);
            jobs.push((group, Job { point, experiment, standing, data, work }));
        }
        jobs.sort_by_key(|(group, _)| *group);
        Ok(jobs.into_iter().map(|(_, job)| job).collect())
    }
}

/// A run that was asked for.
struct Job<'a> {
    point: &'a Point,
    experiment: Experiment,
    standing: Standing,
    /// The settings of its data: runs in which they are equal share the data.
    data: String,
    work: f64,
}

impl Job<'_> {
    fn begins(&self, options: &Options) -> bool {
        match self.standing {
            Standing::Done => false,
            Standing::Failed => options.retry,
            _ => true,
        }
    }
}

/// What all workers share.
struct Shared<'a, 'w> {
    sweep: &'a SweepDir,
    options: &'a Options,
    stop: &'a AtomicBool,
    board: &'a Board<'w>,
    data: SharedData,
}

/// Trains one run after the other.
struct Worker<'a, 'w> {
    shared: &'a Shared<'a, 'w>,
    /// The data of the run before, with their settings.
    held: Option<(String, Arc<dyn Dataset>)>,
}

impl Worker<'_, '_> {
    fn run(&mut self, job: &Job<'_>) {
        let board = self.shared.board;
        let tell = |happening| board.tell(job.point, job.work, happening);
        tell(Happening::Started);
        let result = catch_unwind(AssertUnwindSafe(|| self.train(job)));
        match result.unwrap_or_else(|panic| Err(self.record(job, Error::Panicked(message(&*panic))))) {
            Ok(outcome) => tell(Happening::Finished(&outcome)),
            Err(Error::RunLocked { .. }) => tell(Happening::Busy),
            Err(error) => tell(Happening::Failed(&error)),
        }
    }

    fn train(&mut self, job: &Job<'_>) -> Result<Outcome, Error> {
        match self.shared.options.device {
            Device::Cpu => self.train_on(Ok(Cpu::default()), job),
            #[cfg(feature = "cuda")]
            Device::Cuda(ordinal) => self.train_on(snn_core::cuda(ordinal), job),
            #[cfg(not(feature = "cuda"))]
            Device::Cuda(_) => Err(self.record(job, Device::unsupported())),
        }
    }

    fn train_on<D: Backend<f32>>(
        &mut self,
        device: Result<D, snn_core::Error>,
        job: &Job<'_>,
    ) -> Result<Outcome, Error> {
        let prepared = device.map_err(Error::from).and_then(|device| self.prepare(device, job));
        let (mut trainer, mut writer) = prepared.map_err(|error| self.record(job, error))?;
        let mut relay = Relay { shared: self.shared, job };
        trainer.run(&mut [&mut writer, &mut relay])
    }

    fn prepare<D: Backend<f32>>(
        &mut self,
        device: D,
        job: &Job<'_>,
    ) -> Result<(Trainer<D>, RunWriter), Error> {
        let dataset = self.dataset(job)?;
        let directory = self.shared.sweep.run_path(job.point);
        let mut trainer = Trainer::on_device(device, job.experiment.clone(), dataset)?;
        let writer = match RunWriter::resume(&directory, &mut trainer) {
            Err(Error::DamagedCheckpoint { .. }) if self.shared.options.retry => {
                RunWriter::forget_checkpoints(&directory)?;
                RunWriter::resume(&directory, &mut trainer)?
            }
            other => other?,
        };
        Ok((trainer, writer))
    }

    fn dataset(&mut self, job: &Job<'_>) -> Result<Arc<dyn Dataset>, Error> {
        // Lets go of other data before more come into memory.
        let held = self.held.take().filter(|(settings, _)| *settings == job.data);
        let dataset = match held {
            Some((_, dataset)) => dataset,
            None => self.shared.data.get(&job.data, || job.experiment.data.open())?,
        };
        self.held = Some((job.data.clone(), Arc::clone(&dataset)));
        Ok(dataset)
    }

    /// Writes down an error that no run directory has heard of.
    fn record(&self, job: &Job<'_>, error: Error) -> Error {
        if !matches!(error, Error::RunLocked { .. }) {
            // Where this cannot be written either, it is told all the same.
            let _ = RunWriter::record_failure(self.shared.sweep.run_path(job.point), &job.experiment, &error);
        }
        error
    }
}

/// Passes the trainer's events on, and the request to stop back.
struct Relay<'a, 'w> {
    shared: &'a Shared<'a, 'w>,
    job: &'a Job<'a>,
}

impl Observer for Relay<'_, '_> {
    fn observe(&mut self, event: &Event<'_>) -> Result<Flow, Error> {
        self.shared.board.tell(self.job.point, self.job.work, Happening::Event(event));
        Ok(if self.shared.stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Continue })
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|&text| text.to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
