//! What a verdict is drawn from: the records of a run in short, whatever their number.

use std::collections::VecDeque;

use serde::Deserialize;

use super::{trend::slope, warnings::Warnings};
use crate::{
    judge::{self, Judgement, Sizes},
    numbers::median,
    record::{EPOCH, EpochRecord, LayerRecord, Losses, Record, Seconds, TestRecord},
};

/// A trend is that of so many of the last epochs: fewer are noise, and more are history.
const TREND: usize = 10;

/// What the records of a run say in short. Its size does not grow with the number of epochs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// The last epoch.
    pub(super) last: Option<EpochRecord>,
    /// The epoch with the highest cross-entropy on the training samples.
    pub(super) worst: Option<(u32, f64)>,
    /// The lowest cross-entropy on the training samples.
    pub(super) lowest: Option<f64>,
    /// The epoch with the highest accuracy, on the samples for validation if there are any, else on those for training.
    pub(super) peak: Option<(u32, f64)>,
    /// The epoch with the lowest cross-entropy on validation.
    pub(super) lowest_valid: Option<(u32, f64)>,
    /// The test.
    pub(super) test: Option<TestRecord>,
    pub(super) warnings: Warnings,
    /// Computing time of all epochs (s).
    pub(super) seconds: f64,
    /// Since when each hidden layer has been silent and saturated, if it is.
    silent: Vec<Option<u32>>,
    saturated: Vec<Option<u32>>,
    /// Epoch, accuracy and seconds of the last epochs.
    recent: VecDeque<(u32, f64, f64)>,
}

impl Evidence {
    /// Of these records.
    #[must_use]
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let (mut evidence, mut last) = (Self::default(), None);
        for record in records {
            match record {
                Record::Epoch(epoch) => {
                    evidence.epoch(epoch);
                    last = Some(epoch);
                }
                record => evidence.take(record),
            }
        }
        // Kept once, and not once an epoch.
        evidence.last = last.cloned();
        evidence
    }

    /// Of the bytes of `metrics.jsonl`, the same as [`Self::of`] its records at half the price: of every epoch but the last only that is
    /// parsed which is needed.
    #[must_use]
    pub fn skim(metrics: &[u8]) -> Self {
        let (mut evidence, mut last) = (Self::default(), None);
        for line in metrics.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            let Ok(line) = str::from_utf8(line) else { continue };
            let epoch = match skimmed(line) {
                Some(epoch) => epoch,
                None => match Record::parse(line) {
                    Some(Record::Epoch(epoch)) => epoch,
                    other => {
                        other.iter().for_each(|record| evidence.take(record));
                        continue;
                    }
                },
            };
            evidence.epoch(&epoch);
            last = Some((line, epoch));
        }
        evidence.last = last.map(|(line, skimmed)| match Record::parse(line) {
            Some(Record::Epoch(epoch)) => epoch,
            _ => skimmed,
        });
        evidence
    }

    /// Spikes of all hidden layers per test sample, once it is tested.
    #[must_use]
    pub fn test_spikes(&self) -> Option<f64> {
        Some(self.test.as_ref()?.layers.iter().map(|layer| layer.spikes).sum())
    }

    /// Takes in the next record.
    pub fn take(&mut self, record: &Record) {
        match record {
            Record::Epoch(epoch) => {
                self.epoch(epoch);
                self.last = Some(epoch.clone());
            }
            Record::Warning(warning) => self.warnings.take(warning),
            Record::Test(test) => self.test = Some(test.clone()),
            Record::Unknown => {}
        }
    }

    fn epoch(&mut self, record: &EpochRecord) {
        let EpochRecord { epoch, train, .. } = *record;
        if train.cross_entropy >= self.worst.map_or(f64::NEG_INFINITY, |worst| worst.1) {
            self.worst = Some((epoch, train.cross_entropy));
        }
        self.lowest = Some(train.cross_entropy.min(self.lowest.unwrap_or(f64::INFINITY)));
        let accuracy = judged(record).accuracy;
        if accuracy > self.peak.map_or(f64::NEG_INFINITY, |peak| peak.1) {
            self.peak = Some((epoch, accuracy));
        }
        if let Some(valid) = record.valid
            && valid.cross_entropy < self.lowest_valid.map_or(f64::INFINITY, |it| it.1)
        {
            self.lowest_valid = Some((epoch, valid.cross_entropy));
        }
        let since = |before: &mut Vec<Option<u32>>, is: fn(f64, f64) -> bool| {
            before.resize(record.layers.len(), None);
            for (since, layer) in before.iter_mut().zip(&record.layers) {
                *since = is(layer.silent, layer.saturated).then(|| since.unwrap_or(epoch));
            }
        };
        since(&mut self.silent, |silent, _| silent >= 1.0);
        since(&mut self.saturated, |_, saturated| saturated >= 1.0);
        if self.recent.len() == TREND {
            self.recent.pop_front();
        }
        self.recent.push_back((epoch, accuracy, record.seconds.total()));
        self.warnings.now(epoch);
        self.seconds += record.seconds.total();
    }

    /// The last epoch recorded; 0 before the first.
    #[must_use]
    pub fn epochs(&self) -> u32 {
        self.last.as_ref().map_or(0, |last| last.epoch)
    }

    /// The gain of accuracy an epoch, 0 to 1, over the last epochs.
    #[must_use]
    pub fn gain(&self) -> Option<f64> {
        slope(
            &self.recent.iter().map(|&(epoch, accuracy, _)| (f64::from(epoch), accuracy)).collect::<Vec<_>>(),
        )
    }

    /// Median time of the last epochs (s).
    #[must_use]
    pub fn epoch_seconds(&self) -> Option<f64> {
        let seconds = self.recent.iter().map(|it| it.2).filter(|it| it.is_finite() && *it > 0.0);
        median(&seconds.collect::<Vec<_>>())
    }

    /// The first hidden layer, counted from 1, that has been silent since an epoch.
    pub(super) fn silent(&self) -> Option<(usize, u32)> {
        first(&self.silent)
    }

    /// The first hidden layer, counted from 1, that has been saturated since an epoch.
    pub(super) fn saturated(&self) -> Option<(usize, u32)> {
        first(&self.saturated)
    }

    /// The matrix whose gradient is worst, if one has vanished or exploded in the last epoch.
    pub(super) fn worst_gradient(&self) -> Option<(&str, Judgement, String)> {
        let norms = &self.last.as_ref()?.gradient_norms;
        let largest = norms.values().copied().reduce(f64::max);
        let judged = norms.iter().map(|(name, &norm)| {
            let (judgement, why) = judge::matrix(Sizes { gradient: Some(norm), largest, update: None });
            (name.as_str(), judgement, why)
        });
        judged.filter(|it| it.1 >= Judgement::Vanishing).max_by_key(|it| it.1)
    }
}

/// What [`Evidence`] needs of an epoch that is not the last; `None` if the line is not the record of one, or may not be in the shape of today.
fn skimmed(line: &str) -> Option<EpochRecord> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Skimmed {
        epoch: u32,
        train: Sums,
        valid: Option<Sums>,
        layers: Vec<Shares>,
        seconds: Seconds,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Sums {
        cross_entropy: f64,
        accuracy: f64,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Shares {
        silent: f64,
        saturated: f64,
    }
    // What is no number is written as null: then all of it decides.
    if !line.starts_with(EPOCH) || line.contains("null") {
        return None;
    }
    let Skimmed { epoch, train, valid, layers, seconds } = serde_json::from_str(line).ok()?;
    let losses = |Sums { cross_entropy, accuracy }| Losses { cross_entropy, accuracy, ..Losses::default() };
    let layer = |Shares { silent, saturated }| LayerRecord { silent, saturated, ..LayerRecord::default() };
    Some(EpochRecord {
        epoch,
        train: losses(train),
        valid: valid.map(losses),
        layers: layers.into_iter().map(layer).collect(),
        seconds,
        ..EpochRecord::default()
    })
}

/// That by which an epoch is judged: the validation, if there is one.
pub(super) fn judged(record: &EpochRecord) -> Losses {
    record.valid.unwrap_or(record.train)
}

fn first(since: &[Option<u32>]) -> Option<(usize, u32)> {
    (1..).zip(since).find_map(|(layer, since)| Some((layer, (*since)?)))
}
