//! The results of a sweep's runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Value;

use super::manifest::{Selection, Settings};
use crate::{
    directory::RunDir,
    error::Error,
    record::Record,
    state::RunState,
    verdict::{Doctor, Verdict},
};

/// All runs of a sweep, in the order of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The keys that differ between runs, in the order of the sweep, seeds last.
    pub keys: Vec<String>,
    /// The keys that are seeds.
    pub seeds: Vec<String>,
    /// One row per run.
    pub rows: Vec<Row>,
}

/// The state and results of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The name of the run directory.
    pub id: String,
    /// The settings that differ between runs.
    pub settings: Settings,
    /// Its state.
    pub state: RunState,
    /// Completed epochs.
    pub epoch: u32,
    /// Accuracy of its best epoch on the validation samples, 0 to 1.
    pub valid_accuracy: Option<f64>,
    /// Loss of that epoch on the validation samples.
    pub valid_loss: Option<f64>,
    /// The gain of that accuracy in the last quarter of the epochs.
    #[serde(default)]
    pub late_gain: Option<f64>,
    /// The number of classes it never predicts on validation at the end, once it is done.
    #[serde(default)]
    pub lost_classes: Option<usize>,
    /// Accuracy of the selected model on the test samples, 0 to 1.
    pub test_accuracy: Option<f64>,
    /// Spikes of each hidden layer of the selected model per test sample.
    pub spikes: Option<Vec<f64>>,
    /// Compute time of all its epochs (seconds).
    pub seconds: f64,
    /// Why it failed or cannot be read.
    pub message: Option<String>,
    /// Its verdict; `None` in old results, and before it has started.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// The evidence for the verdict.
    #[serde(default)]
    pub detail: Option<String>,
}

/// A group of models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Their common settings.
    pub settings: Settings,
    /// Number of runs with these settings, finished or not.
    pub runs: usize,
    /// The models that count, best on validation first: indices into [`Results::rows`].
    pub models: Vec<usize>,
    /// Their best accuracies on validation, 0 to 1.
    pub valid_accuracy: Option<MeanSd>,
    /// Their test accuracies, 0 to 1.
    pub test_accuracy: Option<MeanSd>,
    /// Their spikes per test sample, over all hidden layers.
    pub spikes: Option<MeanSd>,
    /// How many of them never predict some class on validation at the end; `None` if unknown for all.
    #[serde(default)]
    pub with_lost_classes: Option<usize>,
}

/// Mean and standard deviation over models.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanSd {
    /// Number of models.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with n - 1 in the denominator; `None` for a single model.
    pub sd: Option<f64>,
}

impl MeanSd {
    /// The statistics of these values; `None` if there are none.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let sd = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
        (n > 0).then_some(Self { n, mean, sd })
    }
}

impl Results {
    /// Groups runs with the same values of the keys `selection.by`, and selects the best of each group.
    ///
    /// Models are ordered by their validation accuracy, then by their validation loss, then by their position in the plan;
    /// the test part is not used for selection. Only finished runs count.
    #[must_use]
    pub fn groups(&self, selection: &Selection) -> Vec<Group> {
        let parameters = || self.keys.iter().filter(|key| !self.seeds.contains(key)).cloned().collect();
        let by: Vec<String> = selection.by.clone().unwrap_or_else(parameters);
        let mut groups: Vec<(Settings, Vec<usize>)> = Vec::new();
        let mut places: BTreeMap<Vec<Option<String>>, usize> = BTreeMap::new();
        for (index, row) in self.rows.iter().enumerate() {
            let values = by.iter().map(|key| row.settings.get(key).map(Value::to_string)).collect();
            let place = *places.entry(values).or_insert_with(|| {
                let shared = by.iter().filter_map(|key| Some((key.clone(), row.settings.get(key)?.clone())));
                groups.push((shared.collect(), Vec::new()));
                groups.len() - 1
            });
            groups[place].1.push(index);
        }
        groups.into_iter().map(|(settings, members)| self.group(settings, &members, selection.best)).collect()
    }

    fn group(&self, settings: Settings, members: &[usize], best: Option<usize>) -> Group {
        let mut models: Vec<_> =
            members.iter().copied().filter(|&index| self.rows[index].state == RunState::Done).collect();
        let worse = |&index: &usize| {
            let row = &self.rows[index];
            (-row.valid_accuracy.unwrap_or(f64::NEG_INFINITY), row.valid_loss.unwrap_or(f64::INFINITY))
        };
        // The sort is stable: equal models keep the order of the plan.
        models.sort_by(|a, b| {
            let (a, b) = (worse(a), worse(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        models.truncate(best.unwrap_or(usize::MAX));
        let summary = |value: &dyn Fn(&Row) -> Option<f64>| {
            MeanSd::of(&models.iter().filter_map(|&index| value(&self.rows[index])).collect::<Vec<_>>())
        };
        let lost = models.iter().filter_map(|&index| self.rows[index].lost_classes);
        let with_lost_classes = lost.clone().next().map(|_| lost.filter(|&classes| classes > 0).count());
        Group {
            settings,
            with_lost_classes,
            runs: members.len(),
            valid_accuracy: summary(&|row| row.valid_accuracy),
            test_accuracy: summary(&|row| row.test_accuracy),
            spikes: summary(&|row| row.spikes.as_ref().map(|layers| 0.0 + layers.iter().sum::<f64>())),
            models,
        }
    }

    /// The number of runs in this state.
    #[must_use]
    pub fn count(&self, state: RunState) -> usize {
        self.rows.iter().filter(|row| row.state == state).count()
    }
}

impl Row {
    fn pending(id: &str, settings: Settings) -> Self {
        Self {
            id: id.to_owned(),
            settings,
            state: RunState::Pending,
            epoch: 0,
            valid_accuracy: None,
            valid_loss: None,
            late_gain: None,
            lost_classes: None,
            test_accuracy: None,
            spikes: None,
            seconds: 0.0,
            message: None,
            verdict: None,
            detail: None,
        }
    }

    /// The row of a run, given its directory; without one, it is pending. An unreadable run counts as damaged, and does not
    /// hide the others.
    #[must_use]
    pub fn read(id: &str, settings: Settings, run: Option<&RunDir>) -> Self {
        match run {
            Some(run) => Self::of(id, settings, run, false),
            None => Self::pending(id, settings),
        }
    }

    /// For a run whose heartbeat was observed to change, independent of clocks.
    pub(super) fn read_beating(id: &str, settings: Settings, run: &RunDir) -> Self {
        Self::of(id, settings, run, true)
    }

    fn of(id: &str, settings: Settings, run: &RunDir, beats: bool) -> Self {
        let mut row = Self::pending(id, settings);
        if let Err(error) = row.fill(run, beats) {
            (row.state, row.message) = (RunState::Damaged, Some(error.to_string()));
            row.verdict = Some(Verdict::Damaged);
        }
        row
    }

    fn fill(&mut self, run: &RunDir, beats: bool) -> Result<(), Error> {
        let row = self;
        let status = match run.status() {
            Ok(status) => status,
            // A new run has its `config.toml` first, and a status later.
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(error),
        };
        let (silence, state) =
            if beats { (0.0, RunState::of(&status, 0.0)) } else { run.silence_and_state(&status) };
        let records = run.records()?;
        let diagnosis = Doctor::of_records(run, &records).judge(state, Some(&status), silence);
        (row.verdict, row.detail) = (Some(diagnosis.verdict), Some(diagnosis.detail));
        row.state = state;
        row.epoch = status.epoch;
        row.valid_accuracy = status.best.map(|best| best.accuracy);
        row.valid_loss = status.best.map(|best| best.loss);
        row.test_accuracy = status.test_accuracy;
        row.message = status.message;
        let mut early = None;
        for record in records {
            match record {
                Record::Epoch(epoch) => {
                    row.seconds += epoch.seconds.total();
                    let valid = epoch.valid.map(|valid| valid.accuracy);
                    if 4 * u64::from(epoch.epoch) <= 3 * u64::from(row.epoch) {
                        early = valid.map_or(early, |valid| Some(valid.max(early.unwrap_or(valid))));
                    }
                }
                Record::Test(test) => {
                    row.spikes = Some(test.layers.iter().map(|layer| layer.spikes).collect());
                }
                _ => {}
            }
        }
        row.lost_classes = (row.state == RunState::Done).then(|| run.lost_classes()).flatten();
        row.late_gain = row.valid_accuracy.zip(early).map(|(best, early)| best - early);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(eta: f64, seed: i64, valid: f64, test: f64) -> Row {
        let settings = [("eta".to_owned(), Value::from(eta)), ("seed".to_owned(), Value::from(seed))];
        Row {
            state: RunState::Done,
            valid_accuracy: Some(valid),
            valid_loss: Some(1.0 - valid),
            test_accuracy: Some(test),
            spikes: Some(vec![test, 1.0]),
            ..Row::pending(&format!("{eta}-{seed}"), settings.into())
        }
    }

    #[test]
    fn selection_uses_validation_and_only_reports_the_test() {
        let mut rows = vec![
            row(0.1, 0, 0.5, 0.9),
            row(0.1, 1, 0.8, 0.7),
            row(0.2, 0, 0.9, 0.6),
            row(0.2, 1, 0.9, 0.8),
            row(0.2, 2, 1.0, 1.0),
        ];
        rows[3].valid_loss = Some(0.05);
        (rows[2].lost_classes, rows[3].lost_classes, rows[4].lost_classes) = (Some(0), Some(2), Some(1));
        rows[4].state = RunState::Running;
        let results =
            Results { keys: vec!["eta".to_owned(), "seed".to_owned()], seeds: vec!["seed".to_owned()], rows };
        let groups = results.groups(&Selection::default());
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].runs, &groups[0].models[..]), (2, &[1, 0][..]));
        assert_eq!((groups[1].runs, &groups[1].models[..]), (3, &[3, 2][..]), "equal accuracy, less loss");
        assert_eq!((groups[0].with_lost_classes, groups[1].with_lost_classes), (None, Some(1)));
        let MeanSd { n, mean, sd } = groups[0].test_accuracy.unwrap();
        assert_eq!(n, 2);
        assert!((mean - 0.8).abs() < 1e-12 && (sd.unwrap() - 0.02_f64.sqrt()).abs() < 1e-12);

        let best = Selection { best: Some(3), by: Some(vec![]) };
        let all = results.groups(&best);
        assert_eq!(all[0].models, [3, 2, 1]);
        assert!(all[0].settings.is_empty());
        assert!((all[0].spikes.unwrap().mean - (1.0 + 2.1 / 3.0)).abs() < 1e-12);
        assert_eq!(MeanSd::of(&[1.0]).unwrap().sd, None);
        assert_eq!(MeanSd::of(&[]), None);
    }
}
