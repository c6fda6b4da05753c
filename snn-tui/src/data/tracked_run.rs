//! One run, read again and again.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use snn_run::{
    Diagnosis, Doctor, Error, FILE_VERSION, Follower, News, Pulse, Record, RunDir, RunState,
    files::{self, CONFIG, METRICS, PROBES, STATUS},
    median,
    probe::Probe,
};

use super::{ConfigSummary, Msg, ProbeSummary, Run};

/// Of a history, as much is read for a list: some epochs.
const RECENT: u64 = 4 << 10;
/// So many records are told at once, so that a long history arrives piece by piece.
const PORTION: usize = 4096;

/// What is known of a run, and how far its files have been read.
pub(super) struct TrackedRun {
    pub(super) run: Run,
    /// Unless nobody may look into it, or it has not begun.
    pub(super) dir: Option<RunDir>,
    pub(super) has_facts: bool,
    /// Spikes of each layer in the test.
    pub(super) test_spikes: Option<Vec<f64>>,
    stamps: [Option<Stamp>; 2],
    /// Whether its directory, or one above it, was missing at the last look.
    is_lost: bool,
    pulse: Pulse,
    /// Judges it, while it may change.
    doctor: Option<Doctor>,
    /// Whether something has changed since the last diagnosis.
    pub(super) is_undiagnosed: bool,
    follower: Option<Follower>,
    probed: Vec<u32>,
    glanced: usize,
    probe: Option<(u32, Option<Stamp>)>,
}

/// By which a file that has changed is told from one that has not.
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

    /// Looks again. Returns whether anything has changed that a list shows.
    pub(super) fn refresh(&mut self) -> bool {
        let Some(dir) = &self.dir else { return false };
        let stamps = [STATUS, METRICS].map(|name| stamp(&dir.path().join(name)));
        let mut changed = self.run.state.is_none();
        self.is_lost = stamps[0].is_none() && !dir.path().join(CONFIG).exists();
        if self.is_lost {
            // Keep what was read; only the time since the last heartbeat counts on.
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

    /// Says what is to be said of it.
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
            // A run that has just been set up has none yet.
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
        // A pause in one of them does not matter.
        seconds.retain(|value| value.is_finite() && *value > 0.0);
        run.epoch_seconds = median(&seconds);
        Ok(())
    }

    /// Whether the run is still heard of. Returns whether that has changed.
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

    /// Whether its files may change at any moment.
    pub(super) fn is_active(&self) -> bool {
        let may = |state| matches!(state, RunState::Running | RunState::Stalled | RunState::Pending);
        self.dir.is_some() && self.run.state.is_some_and(may)
    }

    /// What determines the run, once.
    pub(super) fn facts(&mut self) -> Option<Msg> {
        self.has_facts = true;
        Some(Msg::ConfigSummary(self.run.id.clone(), Box::new(ConfigSummary::read(self.dir.as_ref()?))))
    }

    /// What is new in the history.
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

    /// Nobody wants the history any more.
    pub(super) fn forget_history(&mut self) {
        self.follower = None;
    }

    /// What is new of the probes, and the one that is wanted: without an epoch the newest.
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

    /// Whether some probes have not been glanced at.
    pub(super) fn is_glancing(&self) -> bool {
        self.glanced < self.probed.len()
    }

    /// Reads a few more probes for what they say in short; `false` when all have been.
    pub(super) fn glance(&mut self, messages: &mut Vec<Msg>) -> bool {
        const FEW: usize = 8;
        let Some(dir) = &self.dir else { return false };
        let next = &self.probed[self.glanced.min(self.probed.len())..];
        for &epoch in next.iter().take(FEW) {
            // One that has just been thinned out is none of ours.
            let glance = dir
                .probe(epoch)
                .as_ref()
                .map_or_else(|_| ProbeSummary::default(), |it: &Probe| ProbeSummary::of(it));
            messages.push(Msg::ProbeSummary(self.run.id.clone(), Box::new(ProbeSummary { epoch, ..glance })));
        }
        self.glanced += next.len().min(FEW);
        self.is_glancing()
    }

    /// Nobody wants the probes any more.
    pub(super) fn forget_probes(&mut self) {
        (self.probed, self.glanced, self.probe) = (Vec::new(), 0, None);
    }
}
