//! The evidence for a verdict: a summary of a run's records.

use std::collections::VecDeque;

use serde::Deserialize;

use super::{course::Course, trend::slope, warnings::Warnings};
use crate::{
    judge::{self, Judgement, Sizes},
    numbers::median,
    record::{EPOCH, EpochRecord, LayerRecord, Losses, Record, Seconds, TestRecord},
};

/// The number of last epochs for a trend: fewer are noise, and more are history.
const TREND: usize = 10;

/// A summary of a run's records. Its size does not depend on the number of epochs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// The last epoch.
    pub(super) last: Option<EpochRecord>,
    /// The epoch with the highest cross-entropy on the training samples.
    pub(super) worst: Option<(u32, f64)>,
    /// The lowest cross-entropy on the training samples.
    pub(super) lowest: Option<f64>,
    /// The epoch with the highest accuracy, on the validation samples if there are any, else on the training samples.
    pub(super) peak: Option<(u32, f64)>,
    /// The epoch with the lowest cross-entropy on validation.
    pub(super) lowest_valid: Option<(u32, f64)>,
    /// The test result.
    pub(super) test: Option<TestRecord>,
    pub(super) warnings: Warnings,
    /// Compute time of all epochs (s).
    pub(super) seconds: f64,
    /// The epochs since which each hidden layer has been silent and saturated, if it is.
    silent: Vec<Option<u32>>,
    saturated: Vec<Option<u32>>,
    /// The course of the accuracy that determines the verdict.
    course: Course,
    /// Epoch, accuracy and seconds of the last epochs.
    recent: VecDeque<(u32, f64, f64)>,
}

impl Evidence {
    /// The evidence in these records.
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

    /// The evidence in the bytes of `metrics.jsonl`: the same as [`Self::of`] its records at half the cost, because only the fields needed
    /// are parsed of every epoch but the last.
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
        Some(0.0 + self.test.as_ref()?.layers.iter().map(|layer| layer.spikes).sum::<f64>())
    }

    /// Adds the next record.
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
        self.course.push(accuracy as f32);
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

    /// The accuracy that determines the verdict, 0 to 1, by epoch, as means of equal numbers of epochs: for a sparkline.
    #[must_use]
    pub fn course(&self) -> &[f32] {
        self.course.means()
    }

    /// The gain of accuracy per epoch, 0 to 1, over the last epochs.
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

/// What [`Evidence`] needs of an epoch other than the last; `None` if the line is not the record of an epoch, or may have another format.
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
    // Values that are not numbers are written as null: then parse all of it.
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

/// The results by which an epoch is judged: validation, if there is one.
pub(super) fn judged(record: &EpochRecord) -> Losses {
    record.valid.unwrap_or(record.train)
}

fn first(since: &[Option<u32>]) -> Option<(usize, u32)> {
    (1..).zip(since).find_map(|(layer, since)| Some((layer, (*since)?)))
}
