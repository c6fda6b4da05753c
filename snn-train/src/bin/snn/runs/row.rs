//! The columns of a run.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context as _;
use serde::Serialize;
use snn_run::{
    Diagnosis, Doctor, Error, Record, RunDir, Verdict,
    condition::{COLUMNS, Cells, NUMBERS},
    sweep::RunState,
};
use toml::{Table, Value};

use crate::common::percent;

#[derive(Serialize)]
pub(super) struct Row {
    pub(super) id: String,
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
    pub(super) settings: BTreeMap<String, Value>,
}

impl Row {
    /// A row for every subdirectory, unsorted.
    pub(super) fn list(directory: &Path) -> anyhow::Result<Vec<Self>> {
        let entries = fs::read_dir(directory)
            .with_context(|| format!("cannot list the runs in {}", directory.display()))?;
        let folders = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
        Ok(folders.map(|path| Self::of(&path)).collect())
    }

    fn of(path: &Path) -> Self {
        let mut row = Self {
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
            settings: BTreeMap::new(),
        };
        if let Err(error) = row.read(path) {
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

    fn read(&mut self, path: &Path) -> Result<(), Error> {
        let run = RunDir::open(path)?;
        self.settings = flat(run.config()?);
        let status = run.status()?;
        let (silence, state) = run.silence_and_state(&status);
        self.state = state.to_string();
        let records = run.records()?;
        let mut doctor = Doctor::of_records(&run, &records);
        let Diagnosis { verdict, detail, .. } = doctor.judge(state, Some(&status), silence);
        (self.verdict, self.detail) = (Some(verdict), Some(detail));
        (self.epoch, self.epochs) = (Some(status.epoch), Some(status.epochs));
        self.valid_accuracy = status.best.map(|best| best.accuracy);
        self.test_accuracy = status.test_accuracy;
        // For a run that has not failed, other problems.
        self.message = status.message.or(status.tensorboard_error).or(status.probe_error);
        self.lost_classes = run.lost_classes();
        let mut seconds = 0.0;
        for record in records {
            match record {
                Record::Epoch(epoch) => seconds += epoch.seconds.total(),
                Record::Test(test) => self.spikes = Some(test.layers.iter().map(|layer| layer.spikes).sum()),
                _ => {}
            }
        }
        self.seconds = Some(seconds);
        Ok(())
    }

    /// For people: id, verdict, state, epoch, accuracies.
    pub(super) fn short_cells(&self) -> [String; 6] {
        let epoch = match (self.epoch, self.epochs) {
            (Some(epoch), Some(epochs)) => format!("{epoch}/{epochs}"),
            _ => String::new(),
        };
        let share = |share: Option<f64>| share.map(percent).unwrap_or_default();
        let verdict = self.verdict.map(|verdict| verdict.to_string()).unwrap_or_default();
        [
            self.id.clone(),
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
            key => match self.settings.get(key) {
                Some(Value::String(word)) => word.clone(),
                value => text(value),
            },
        }
    }

    fn is_text(&self, column: &str) -> bool {
        let of_every_run = COLUMNS.contains(&column) && !NUMBERS.contains(&column);
        of_every_run || matches!(self.settings.get(column), Some(Value::String(_)))
    }
}

/// `section.key` and its value.
fn flat(table: Table) -> BTreeMap<String, Value> {
    let mut settings = BTreeMap::new();
    for (section, value) in table {
        match value {
            Value::Table(keys) => {
                settings.extend(keys.into_iter().map(|(key, value)| (format!("{section}.{key}"), value)));
            }
            value => drop(settings.insert(section, value)),
        }
    }
    settings
}
