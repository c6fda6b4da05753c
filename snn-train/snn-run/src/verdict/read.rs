//! Reading the files needed for a diagnosis.

use std::{fs, io, path::Path};

use serde::{Deserialize, de::IgnoredAny};

use super::{
    Diagnosis,
    evidence::Evidence,
    remedy::remedy,
    rules::{Finding, judge},
    subject::{Settings, Subject},
};
use crate::{
    directory::RunDir,
    error::Error,
    files::{DATA, METRICS},
    follow::{Follower, News},
    probe::lost_classes,
    record::Record,
    regular,
    state::RunState,
    status::Status,
};

/// Judges a run repeatedly, reading only what is new.
#[derive(Debug)]
pub struct Doctor {
    run: RunDir,
    follower: Follower,
    evidence: Evidence,
    /// The facts that do not change.
    settings: Option<(Settings, Option<usize>)>,
    /// From the last probe: its epoch, lost classes, and the highest potential of each layer.
    probe: Option<(u32, Probed)>,
}

#[derive(Debug, Clone, Default)]
struct Probed {
    lost: Option<Vec<usize>>,
    potentials: Vec<Option<f64>>,
}

impl Doctor {
    /// For this run.
    #[must_use]
    pub fn new(run: &RunDir) -> Self {
        Self {
            run: run.clone(),
            follower: run.follow(),
            evidence: Evidence::default(),
            settings: None,
            probe: None,
        }
    }

    /// For a run whose records have already been read.
    #[must_use]
    pub fn of_records(run: &RunDir, records: &[Record]) -> Self {
        Self { evidence: Evidence::of(records), ..Self::new(run) }
    }

    /// Reads a whole run once, for lists: see [`Evidence::skim`].
    ///
    /// # Errors
    /// [`Error::Io`] if the records cannot be read.
    pub fn skim(run: &RunDir) -> Result<Self, Error> {
        // A longer history is read piece by piece.
        const MOST: u64 = 16 << 20;
        let path = run.path().join(METRICS);
        let evidence = match regular::read(&path, MOST) {
            Ok(bytes) => Evidence::skim(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Evidence::default(),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Evidence::of(&run.records()?),
            Err(error) => return Err(Error::io("read the metrics", path)(error)),
        };
        Ok(Self { evidence, ..Self::new(run) })
    }

    /// The evidence so far.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Reads new records, and judges. `silence` is the time since the run's last sign of life (s).
    ///
    /// # Errors
    /// [`Error::Io`] if the records cannot be read. Other unreadable files are ignored.
    pub fn look(
        &mut self,
        state: RunState,
        status: Option<&Status>,
        silence: f64,
    ) -> Result<Diagnosis, Error> {
        let evidence = &mut self.evidence;
        self.follower.poll(|news| match news {
            News::Restart => *evidence = Evidence::default(),
            News::Record(record) => evidence.take(&record),
        })?;
        Ok(self.judge(state, status, silence))
    }

    /// Judges by the records read so far.
    #[must_use]
    pub fn judge(&mut self, state: RunState, status: Option<&Status>, silence: f64) -> Diagnosis {
        let (settings, classes) = self
            .settings
            .get_or_insert_with(|| {
                let settings = self.run.config().map(|it| Settings::of(&it)).unwrap_or_default();
                let classes = self.run.classes().or(settings.classes);
                (settings, classes)
            })
            .clone();
        let mut subject = Subject { state, status: status.cloned(), settings, classes, ..Subject::default() };
        if state == RunState::Stalled {
            subject.silence = Some(silence);
            subject.is_dead = status.is_some_and(|status| is_gone(&self.run, status.pid));
        }
        self.probe(&mut subject);
        diagnosis(self.run.path(), &self.evidence, &subject)
    }

    /// Adds the information of the last probe.
    fn probe(&mut self, subject: &mut Subject) {
        let is_judged = matches!(subject.state, RunState::Running | RunState::Stopped | RunState::Done);
        if !is_judged || self.evidence.last.is_none() {
            return;
        }
        let Some(&last) = self.run.probed_epochs().unwrap_or_default().last() else { return };
        if self.probe.as_ref().is_none_or(|(epoch, _)| *epoch != last) {
            let lost = self.run.confusion(last).filter(|it| !it.is_empty()).map(|it| lost_classes(&it));
            let is_silent = self.evidence.silent().is_some();
            let potentials = if is_silent { self.run.highest_potentials(last) } else { Vec::new() };
            self.probe = Some((last, Probed { lost, potentials }));
        }
        let (_, probed) = self.probe.clone().unwrap_or_default();
        (subject.lost, subject.potentials) = (probed.lost, probed.potentials);
        // Old runs do not record the number of classes.
        if subject.classes.is_none() {
            subject.classes = self.run.confusion(last).map(|it| it.len()).filter(|&it| it > 0);
        }
    }
}

/// Verdict, remedy and warnings.
fn diagnosis(run: &Path, evidence: &Evidence, subject: &Subject) -> Diagnosis {
    let Finding { verdict, detail } = judge(evidence, subject);
    let remedy = remedy(verdict, run, evidence, subject);
    let epochs = subject.status.as_ref().map_or(0, |status| status.epochs);
    Diagnosis {
        verdict,
        detail,
        remedy: remedy.text,
        command: remedy.command,
        lost_classes: subject.lost.as_ref().map(Vec::len),
        seconds: evidence.seconds,
        warnings: evidence.warnings.list(epochs),
    }
}

impl RunDir {
    /// The current diagnosis of the run. A run with unreadable files is damaged.
    #[must_use]
    pub fn diagnosis(&self) -> Diagnosis {
        self.diagnose(&mut Doctor::new(self))
    }

    /// The diagnosis of the run by a new `Doctor`.
    #[must_use]
    pub fn diagnose(&self, doctor: &mut Doctor) -> Diagnosis {
        let status = match self.status() {
            Ok(status) => Some(status),
            Err(error) if error.is_not_found() => None,
            Err(error) => return damaged(self, &error),
        };
        let (silence, state) =
            status.as_ref().map_or((0.0, RunState::Pending), |status| self.silence_and_state(status));
        doctor.look(state, status.as_ref(), silence).unwrap_or_else(|error| damaged(self, &error))
    }

    /// The number of classes of its data, according to `data.json`; `None` for runs without this file.
    #[must_use]
    pub fn classes(&self) -> Option<usize> {
        #[derive(Deserialize)]
        struct Data {
            identity: Identity,
        }
        #[derive(Deserialize)]
        struct Identity {
            classes: Vec<IgnoredAny>,
        }
        // The file is long if it lists samples; for such data sets, use the probe.
        const MOST: u64 = 1 << 26;
        let bytes = regular::read(self.path().join(DATA), MOST).ok()?;
        let data: Data = serde_json::from_slice(&bytes).ok()?;
        Some(data.identity.classes.len())
    }

    /// The highest potential of each hidden layer in a probe.
    fn highest_potentials(&self, epoch: u32) -> Vec<Option<f64>> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Potentials {
            samples: Vec<Sample>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Sample {
            potentials: Vec<crate::probe::Traces>,
        }
        let samples = self.part_of_probe::<Potentials>(epoch).unwrap_or_default().samples;
        let layers = samples.iter().map(|it| it.potentials.len()).max().unwrap_or(0);
        let highest = |layer: usize| {
            let traces = samples.iter().filter_map(|it| it.potentials.get(layer));
            traces.flat_map(|it| it.values.iter().flatten()).map(|&it| f64::from(it)).reduce(f64::max)
        };
        (0..layers).map(highest).collect()
    }
}

pub(super) fn damaged(run: &RunDir, error: &Error) -> Diagnosis {
    let subject = Subject { state: RunState::Damaged, error: Some(error.to_string()), ..Subject::default() };
    diagnosis(run.path(), &Evidence::default(), &subject)
}

impl Diagnosis {
    /// For a run with only its state known, and the reason if it cannot be read.
    #[must_use]
    pub fn of_state(run: &Path, state: RunState, error: Option<String>) -> Self {
        let subject = Subject { state, error, ..Subject::default() };
        diagnosis(run, &Evidence::default(), &subject)
    }
}

/// Whether a process on this machine has ended. For other machines this is unknown, and process ids may be reused.
fn is_gone(run: &RunDir, process: u32) -> bool {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let here = host.as_deref().map(str::trim);
    let there = run.environment().ok().and_then(|mut it| it.sessions.pop()).and_then(|it| it.host);
    here.is_some() && here == there.as_deref() && !fs::exists(format!("/proc/{process}")).unwrap_or(true)
}
