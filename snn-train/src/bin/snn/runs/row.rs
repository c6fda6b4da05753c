//! The columns of a run.

use std::{fs, path::Path};

use anyhow::Context as _;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde::Serialize;
use snn_run::{
    Configuration, Configurations, Diagnosis, Doctor, Error, RunDir, Verdict, beating,
    condition::{COLUMNS, Cells, NUMBERS},
    plain,
    sweep::RunState,
};
use toml::Value;

use crate::common::percent;

#[derive(Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    /// Its name among the others: its differing settings.
    pub(super) name: String,
    /// The same for a table.
    #[serde(skip)]
    pub(super) short_name: String,
    verdict: Option<Verdict>,
    /// The evidence for the verdict.
    detail: Option<String>,
    /// A [`RunState`], or `no_run`.
    state: String,
    epoch: Option<u32>,
    epochs: Option<u32>,
    valid_accuracy: Option<f64>,
    test_accuracy: Option<f64>,
    /// Spikes of all hidden layers per test sample.
    spikes: Option<f64>,
    /// Classes never predicted on validation, according to the last probe.
    lost_classes: Option<usize>,
    /// Compute time of all epochs.
    seconds: Option<f64>,
    pub(super) message: Option<String>,
    /// Every key of the experiment.
    #[serde(serialize_with = "as_map")]
    pub(super) settings: Configuration,
}

fn as_map<S: serde::Serializer>(settings: &Configuration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(settings.iter())
}

impl Row {
    /// A row for every subdirectory, unsorted, or for the directory itself if it is a run. All cores read.
    pub(super) fn list(directory: &Path) -> anyhow::Result<Vec<Self>> {
        let entries = fs::read_dir(directory)
            .with_context(|| format!("cannot list the runs in {}", directory.display()))?;
        let is_folder = |entry: &fs::DirEntry| match entry.file_type() {
            Ok(kind) if !kind.is_symlink() => kind.is_dir(),
            _ => entry.path().is_dir(),
        };
        // An experiment beside the runs may have the same name, but no status.
        let is_run = RunDir::open(directory).is_ok() && directory.join(snn_run::files::STATUS).is_file();
        let folders: Vec<_> = if is_run {
            vec![directory.canonicalize().unwrap_or_else(|_| directory.to_owned())]
        } else {
            entries.flatten().filter(is_folder).map(|entry| entry.path()).collect()
        };
        let mut rows: Vec<_> = folders
            .par_iter()
            .map_init(Configurations::default, |all, path| Self::of(path, all, false))
            .collect();
        let stalled: Vec<(usize, RunDir)> = (0..)
            .zip(&folders)
            .filter(|(place, _): &(usize, _)| rows[*place].state == RunState::Stalled.name())
            .filter_map(|(place, path)| Some((place, RunDir::open(path).ok()?)))
            .collect();
        for ((place, _), beats) in stalled.iter().zip(beating(stalled.iter().map(|(_, run)| run))) {
            if beats {
                rows[*place] = Self::of(&folders[*place], &mut Configurations::default(), true);
            }
        }
        Ok(rows)
    }

    /// `beats`: whether its heartbeat was observed, independent of clocks.
    fn of(path: &Path, all: &mut Configurations, beats: bool) -> Self {
        let mut row = Self {
            name: String::new(),
            short_name: String::new(),
            id: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            verdict: None,
            detail: None,
            state: String::new(),
            epoch: None,
            epochs: None,
            valid_accuracy: None,
            test_accuracy: None,
            spikes: None,
            lost_classes: None,
            seconds: None,
            message: None,
            settings: Configuration::default(),
        };
        if let Err(error) = row.read(path, all, beats) {
            let no_run = matches!(error, Error::NotARun { .. });
            row.state = if no_run { "no_run" } else { RunState::Damaged.name() }.to_owned();
            row.message = Some(error.to_string());
            if !no_run {
                // The message has the reason.
                row.verdict = Some(Verdict::Damaged);
            }
        }
        row
    }

    fn read(&mut self, path: &Path, all: &mut Configurations, beats: bool) -> Result<(), Error> {
        let run = RunDir::open(path)?;
        self.settings = all.read(&run)?;
        let status = run.status()?;
        let (silence, state) =
            if beats { (0.0, RunState::of(&status, 0.0)) } else { run.silence_and_state(&status) };
        self.state = state.to_string();
        let mut doctor = Doctor::skim(&run)?;
        let Diagnosis { verdict, detail, lost_classes, seconds, .. } =
            doctor.judge(state, Some(&status), silence);
        (self.verdict, self.detail) = (Some(verdict), Some(detail));
        (self.epoch, self.epochs) = (Some(status.epoch), Some(status.epochs));
        self.valid_accuracy = status.best.map(|best| best.accuracy);
        self.test_accuracy = status.test_accuracy;
        // For a run that has not failed, other problems.
        self.message = status.message.or(status.tensorboard_error).or(status.probe_error);
        // Also for runs whose verdict does not depend on it.
        self.lost_classes = lost_classes.or_else(|| run.lost_classes());
        self.spikes = doctor.evidence().test_spikes();
        self.seconds = Some(seconds);
        Ok(())
    }

    /// For people: name, verdict, state, epoch, accuracies.
    pub(super) fn short_cells(&self) -> [String; 6] {
        let epoch = match (self.epoch, self.epochs) {
            (Some(epoch), Some(epochs)) => format!("{epoch}/{epochs}"),
            _ => String::new(),
        };
        let share = |share: Option<f64>| share.map(percent).unwrap_or_default();
        let verdict = self.verdict.map(|verdict| verdict.to_string()).unwrap_or_default();
        [
            self.short_name.clone(),
            verdict,
            self.state.clone(),
            epoch,
            share(self.valid_accuracy),
            share(self.test_accuracy),
        ]
    }
}

impl Cells for Row {
    fn cell(&self, column: &str) -> String {
        fn text(value: Option<impl ToString>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        match column {
            "id" => self.id.clone(),
            "verdict" => text(self.verdict.map(Verdict::name)),
            "detail" => text(self.detail.as_ref()),
            "state" => self.state.clone(),
            "epoch" => text(self.epoch),
            "epochs" => text(self.epochs),
            "valid_accuracy" => text(self.valid_accuracy),
            "test_accuracy" => text(self.test_accuracy),
            "spikes" => text(self.spikes),
            "lost_classes" => text(self.lost_classes),
            "seconds" => text(self.seconds),
            "message" => text(self.message.as_ref()),
            key => self.settings.get(key).map(|value| plain(value).into_owned()).unwrap_or_default(),
        }
    }

    fn is_text(&self, column: &str) -> bool {
        let of_every_run = COLUMNS.contains(&column) && !NUMBERS.contains(&column);
        of_every_run || matches!(self.settings.get(column), Some(Value::String(_)))
    }
}
