//! The progress of a running sweep.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::Point;
use crate::{Error, Event, Outcome, Phase};

/// An event of a run.
#[non_exhaustive]
pub struct Update<'a> {
    /// The run.
    pub point: &'a Point,
    /// The event.
    pub event: RunEvent<'a>,
    /// The progress of the sweep.
    pub progress: Progress,
}

/// The events of a run in a sweep.
#[non_exhaustive]
pub enum RunEvent<'a> {
    /// It was already done.
    Reused,
    /// It failed before, and is not retried.
    FailedBefore,
    /// It starts, or resumes from its checkpoint.
    Started,
    /// An event of the trainer.
    Event(&'a Event<'a>),
    /// It is done, or was stopped.
    Finished(&'a Outcome),
    /// It has ended with an error, recorded in its `status.json`.
    Failed(&'a Error),
    /// It was skipped, because another process is training it.
    Busy,
    /// The sweep was stopped before the data of the run were loaded.
    Interrupted,
}

/// The progress of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Requested runs.
    pub runs: usize,
    /// Finished runs, including earlier ones.
    pub done: usize,
    /// Runs finished before, or by another process.
    pub reused: usize,
    /// Failed runs, including earlier ones.
    pub failed: usize,
    /// Runs that another process is still training at the end.
    pub busy: usize,
    /// Runs being trained.
    pub running: usize,
    /// The finished fraction of the work, 0 to 1. Failed runs count as finished.
    pub fraction: f64,
    /// Seconds since the start.
    pub elapsed: f64,
    /// Estimated seconds until the end; `None` while there is too little information.
    pub remaining: Option<f64>,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

/// The counts, and the receiver of updates.
pub(super) struct ProgressTracker<'w> {
    start: Instant,
    state: Mutex<TrackerState<'w>>,
}

struct TrackerState<'w> {
    watch: &'w mut (dyn FnMut(&Update<'_>) + Send),
    progress: Progress,
    work: Work,
    /// The finished fraction of each run being trained, 0 to 1.
    shares: HashMap<String, f64>,
}

/// Work in an arbitrary unit.
#[derive(Default)]
struct Work {
    all: f64,
    done: f64,
    /// The finished work not done by this session.
    given: f64,
}

impl<'w> ProgressTracker<'w> {
    /// The counts for this number of runs and amount of work.
    pub(super) fn new(runs: usize, work: f64, watch: &'w mut (dyn FnMut(&Update<'_>) + Send)) -> Self {
        let progress = Progress { runs, ..Progress::default() };
        let work = Work { all: work, ..Work::default() };
        let state = Mutex::new(TrackerState { watch, progress, work, shares: HashMap::new() });
        Self { start: Instant::now(), state }
    }

    /// Reports an event of a run with this amount of `work`.
    pub(super) fn tell(&self, point: &Point, work: f64, event: RunEvent<'_>) {
        let state = &mut *self.lock();
        state.count(point, work, &event);
        state.progress.elapsed = self.start.elapsed().as_secs_f64();
        (state.progress.fraction, state.progress.remaining) = state.work.estimate(state.progress.elapsed);
        (state.watch)(&Update { point, event, progress: state.progress });
    }

    pub(super) fn progress(&self) -> Progress {
        self.lock().progress
    }

    fn lock(&self) -> MutexGuard<'_, TrackerState<'w>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TrackerState<'_> {
    fn count(&mut self, point: &Point, work: f64, event: &RunEvent<'_>) {
        let Self { progress, work: sum, shares, .. } = self;
        match event {
            RunEvent::Reused => {
                progress.done += 1;
                progress.reused += 1;
                sum.release(work);
            }
            RunEvent::FailedBefore => {
                progress.failed += 1;
                sum.release(work);
            }
            RunEvent::Started => {
                progress.running += 1;
                shares.insert(point.id.clone(), 0.0);
            }
            RunEvent::Event(event) => {
                let (Some(now), Some(share)) = (share(event), shares.get_mut(&point.id)) else { return };
                let advance = (now - *share).max(0.0) * work;
                *share = now;
                if matches!(event, Event::RunStarted(_)) { sum.release(advance) } else { sum.done += advance }
            }
            RunEvent::Interrupted => {
                progress.running = progress.running.saturating_sub(1);
                shares.remove(&point.id);
            }
            RunEvent::Finished(_) | RunEvent::Failed(_) | RunEvent::Busy => {
                progress.running = progress.running.saturating_sub(1);
                let rest = (1.0 - shares.remove(&point.id).unwrap_or_default()) * work;
                match event {
                    RunEvent::Finished(outcome) if outcome.stopped => {}
                    RunEvent::Finished(_) => {
                        progress.done += 1;
                        sum.done += rest;
                    }
                    RunEvent::Failed(_) => {
                        progress.failed += 1;
                        sum.release(rest);
                    }
                    _ => {
                        progress.busy += 1;
                        sum.release(rest);
                    }
                }
            }
        }
    }
}

impl Work {
    fn release(&mut self, work: f64) {
        self.done += work;
        self.given += work;
    }

    /// The finished fraction, and the estimated seconds for the rest.
    fn estimate(&self, elapsed: f64) -> (f64, Option<f64>) {
        let fraction = if self.all > 0.0 { (self.done / self.all).clamp(0.0, 1.0) } else { 1.0 };
        let own = self.done - self.given;
        let known = elapsed > 1.0 && own > 0.0;
        (fraction, known.then(|| (self.all - self.done).max(0.0) * elapsed / own))
    }
}

/// The finished fraction of a run at this event, 0 to 1, if known.
fn share(event: &Event<'_>) -> Option<f64> {
    let share = |epoch: u32, batch: u32, batches: u32, epochs: u32| {
        (f64::from(epoch) + f64::from(batch) / f64::from(batches.max(1))) / f64::from(epochs.max(1))
    };
    match event {
        Event::RunStarted(start) => {
            Some(share(start.epoch, start.batch, start.batches, start.experiment.training.epochs))
        }
        Event::BatchFinished(progress) if progress.phase == Phase::Training => {
            Some(share(progress.epoch - 1, progress.batch, progress.batches, progress.epochs))
        }
        _ => None,
    }
}
