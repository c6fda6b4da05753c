//! Follows the files of one run.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use snn_run::{
    Configuration, Configurations, Diagnosis, Doctor, Error, FILE_VERSION, Follower, News, Pulse, Record,
    RunDir, RunState,
    files::{self, CONFIG, METRICS, PROBES, STATUS},
    median,
    probe::Probe,
};

use super::{ConfigSummary, Msg, ProbeSummary, Run};

/// Bytes of the history read for a list: a few epochs.
const RECENT: u64 = 4 << 10;
/// Maximum number of records in a message, so that a long history arrives in pieces.
const PORTION: usize = 4096;

/// What is known about a run, and how much of its files has been read.
pub(super) struct TrackedRun {
    pub(super) run: Run,
    /// `None` if it is not accessible or has not started.
    pub(super) dir: Option<RunDir>,
    pub(super) has_facts: bool,
    /// Spikes of each layer in the test.
    pub(super) test_spikes: Option<Vec<f64>>,
    stamps: [Option<Stamp>; 2],
    /// Whether its directory, or a parent, was missing at the last check.
    is_lost: bool,
    pulse: Pulse,
    /// Diagnoses it, as long as it may change.
    doctor: Option<Doctor>,
    /// Whether anything has changed since the last diagnosis.
    pub(super) is_undiagnosed: bool,
    follower: Option<Follower>,
    probed: Vec<u32>,
    glanced: usize,
    probe: Option<(u32, Option<Stamp>)>,
}

/// Distinguishes a changed file from an unchanged one.
type Stamp = (Option<SystemTime>, u64);

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok(), metadata.len()))
}

impl TrackedRun {
    pub(super) fn new(id: String, path: PathBuf, dir: Result<RunDir, RunState>) -> Self {
        let state = dir.as_ref().err().copied();
        let mut run = Run::new(id, path, state);
        if state == Some(RunState::Damaged) {
            run.error = Some("permission denied".to_owned());
        }
        Self {
            run,
            dir: dir.ok(),
            has_facts: false,
            test_spikes: None,
            stamps: [None, None],
            is_lost: false,
            pulse: Pulse::default(),
            doctor: None,
            is_undiagnosed: true,
            follower: None,
            probed: Vec::new(),
            glanced: 0,
            probe: None,
        }
    }

    /// Checks the files. Returns whether anything has changed that a list shows.
    pub(super) fn refresh(&mut self) -> bool {
        let Some(dir) = &self.dir else { return false };
        let stamps = [STATUS, METRICS].map(|name| stamp(&dir.path().join(name)));
        let mut changed = self.run.state.is_none();
        self.is_lost = stamps[0].is_none() && !dir.path().join(CONFIG).exists();
        if self.is_lost {
            // Keep what was read; only the time since the last heartbeat grows.
            return self.judge();
        }
        if stamps != self.stamps || changed {
            let before = self.run.clone();
            if let Err(error) = self.read() {
                self.run.error = Some(error.to_string());
                if self.run.status.is_none() {
                    self.run.state = Some(RunState::Damaged);
                }
            }
            self.stamps = stamps;
            self.is_undiagnosed = true;
            changed |= self.run != before;
        }
        let before = self.run.state;
        let changed = self.judge() || changed;
        self.is_undiagnosed |= before != self.run.state;
        changed
    }

    /// Diagnoses the run.
    pub(super) fn diagnose(&mut self) {
        self.is_undiagnosed = false;
        let Some(state) = self.run.state else { return };
        let status = self.run.status.as_ref();
        let outcome = match &self.dir {
            Some(dir) if state != RunState::Damaged => {
                let doctor = self.doctor.get_or_insert_with(|| Doctor::new(dir));
                let outcome = doctor.look(state, status, self.run.silent).map_err(|error| error.to_string());
                if *self.run.course != *doctor.evidence().course() {
                    self.run.course = doctor.evidence().course().into();
                }
                outcome
            }
            _ => Err(self.run.error.clone().unwrap_or_default()),
        };
        let diagnosis = outcome.unwrap_or_else(|error| {
            let state = if error.is_empty() { state } else { RunState::Damaged };
            Diagnosis::of_state(&self.run.path, state, Some(error))
        });
        self.run.diagnosis = Some(Arc::new(diagnosis));
        if !self.is_active() {
            self.doctor = None;
        }
    }

    fn read(&mut self) -> Result<(), Error> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let run = &mut self.run;
        run.error = None;
        match dir.status() {
            Ok(status) => {
                run.state = Some(RunState::of(&status, 0.0));
                if status.version > FILE_VERSION {
                    let version = status.version;
                    run.error = Some(format!("its format {version} is newer than this program; update it"));
                }
                run.status = Some(status);
            }
            // A run that has just been set up has no status yet.
            Err(error) if error.is_not_found() => {
                (run.state, run.status) = (Some(RunState::Pending), None);
            }
            Err(error) => return Err(error),
        }
        let mut seconds = Vec::new();
        for record in dir.recent(RECENT)? {
            match record {
                Record::Epoch(epoch) => {
                    seconds.push(epoch.seconds.total());
                    run.last = Some(epoch);
                }
                Record::Test(test) => {
                    self.test_spikes = Some(test.layers.iter().map(|layer| layer.spikes).collect());
                }
                _ => {}
            }
        }
        // Unlike a mean, the median ignores a pause in one of them.
        seconds.retain(|value| value.is_finite() && *value > 0.0);
        run.epoch_seconds = median(&seconds);
        Ok(())
    }

    /// Checks for signs of life. Returns whether the state has changed.
    fn judge(&mut self) -> bool {
        let Some(status) = self.run.status.as_ref() else { return false };
        if !self.run.is(RunState::Running) && !self.run.is(RunState::Stalled) {
            return false;
        }
        let written = self.stamps[0].and_then(|(written, _)| written);
        let silent = self.pulse.observe(status.heartbeat, written);
        let is_gone = self.dir.as_ref().is_some_and(|dir| dir.is_gone(status));
        let state = match RunState::of(status, silent) {
            RunState::Running if is_gone => Some(RunState::Stalled),
            state => Some(state),
        };
        let is_counted = state == Some(RunState::Stalled) && silent as u64 != self.run.silent as u64;
        let changed = state != self.run.state || is_counted;
        (self.run.state, self.run.silent) = (state, silent);
        changed
    }

    /// Whether it looks stalled but may not be, because clocks differ.
    pub(super) fn is_doubtful(&self) -> bool {
        let (Some(dir), Some(status)) = (&self.dir, &self.run.status) else { return false };
        let written = self.stamps[0].and_then(|(written, _)| written);
        let is_doubtful = || snn_run::is_doubtful(SystemTime::now(), status.heartbeat, written);
        self.run.is(RunState::Stalled) && is_doubtful() && !dir.is_gone(status)
    }

    /// Whether its files may change at any moment.
    pub(super) fn is_active(&self) -> bool {
        let may = |state| matches!(state, RunState::Running | RunState::Stalled | RunState::Pending);
        self.dir.is_some() && self.run.state.is_some_and(may)
    }

    /// The settings of the run; if it has not started, the planned ones.
    pub(super) fn facts(&mut self, all: &mut Configurations, planned: Option<Configuration>) -> Option<Msg> {
        self.has_facts = true;
        let facts = match &self.dir {
            Some(dir) => ConfigSummary::read(dir, all),
            None => ConfigSummary::of(planned?),
        };
        Some(Msg::ConfigSummary(self.run.id.clone(), Box::new(facts)))
    }

    /// The new records of the history.
    pub(super) fn history(&mut self, messages: &mut Vec<Msg>) {
        let Some(dir) = self.dir.as_ref().filter(|_| !self.is_lost) else { return };
        let id = &self.run.id;
        let follower = self.follower.get_or_insert_with(|| {
            messages.push(Msg::HistoryRestart(id.clone()));
            dir.follow()
        });
        let mut records = Vec::new();
        let outcome = follower.poll(|news| {
            if matches!(news, News::Restart) || records.len() == PORTION {
                messages.push(Msg::History(id.clone(), std::mem::take(&mut records)));
            }
            match news {
                News::Restart => messages.push(Msg::HistoryRestart(id.clone())),
                News::Record(record) => records.push(*record),
            }
        });
        if !records.is_empty() {
            messages.push(Msg::History(id.clone(), records));
        }
        if let Err(error) = outcome {
            self.run.error = Some(error.to_string());
        }
    }

    /// The history is no longer needed.
    pub(super) fn forget_history(&mut self) {
        self.follower = None;
    }

    /// The new epochs with probes, and the requested probe: the newest if `wanted` is `None`.
    pub(super) fn probes(&mut self, wanted: Option<u32>, messages: &mut Vec<Msg>) {
        let Some(dir) = self.dir.as_ref().filter(|_| !self.is_lost) else { return };
        let id = || self.run.id.clone();
        let epochs = dir.probed_epochs().unwrap_or_default();
        if epochs != self.probed {
            messages.push(Msg::ProbedEpochs(id(), epochs.clone()));
            self.probed = epochs;
            self.glanced = 0;
        }
        let wanted = match wanted {
            None => self.probed.last(),
            Some(epoch) => self.probed.iter().rfind(|&&it| it <= epoch).or(self.probed.first()),
        };
        let Some(&wanted) = wanted else { return };
        let stamp = stamp(&dir.path().join(PROBES).join(files::probe(wanted)));
        if self.probe != Some((wanted, stamp)) {
            self.probe = Some((wanted, stamp));
            let probe = dir.probe(wanted).map(Box::new).map_err(|error| error.to_string());
            messages.push(Msg::Probe(id(), wanted, probe));
        }
    }

    /// Whether the summaries of some probes have not been read.
    pub(super) fn is_glancing(&self) -> bool {
        self.glanced < self.probed.len()
    }

    /// Reads the summaries of a few more probes; returns `false` when all have been read.
    pub(super) fn glance(&mut self, messages: &mut Vec<Msg>) -> bool {
        const FEW: usize = 8;
        let Some(dir) = &self.dir else { return false };
        let next = &self.probed[self.glanced.min(self.probed.len())..];
        for &epoch in next.iter().take(FEW) {
            // A probe may have just been thinned out.
            let glance = dir
                .probe(epoch)
                .as_ref()
                .map_or_else(|_| ProbeSummary::default(), |it: &Probe| ProbeSummary::of(it));
            messages.push(Msg::ProbeSummary(self.run.id.clone(), Box::new(ProbeSummary { epoch, ..glance })));
        }
        self.glanced += next.len().min(FEW);
        self.is_glancing()
    }

    /// The probes are no longer needed.
    pub(super) fn forget_probes(&mut self) {
        (self.probed, self.glanced, self.probe) = (Vec::new(), 0, None);
    }
}
