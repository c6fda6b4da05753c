//! The history of a run in bounded memory.

use std::collections::BTreeMap;

use snn_run::EpochRecord;

/// Maximum number of buckets of a history. A terminal has fewer dots in a row.
const MOST: usize = 2048;

/// Every number of every epoch record. When there are more epochs than buckets, neighboring buckets are merged, repeatedly: a
/// bucket keeps the mean, minimum and maximum of its values, so extremes are never lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// Epochs in a bucket.
    stride: usize,
    /// Epochs so far.
    epochs: usize,
    /// Positions of buckets: mean epoch, step and computing time (s).
    places: Vec<[f64; 3]>,
    columns: BTreeMap<String, Vec<Bucket>>,
    /// Computing time so far.
    elapsed: f64,
    last: Option<EpochRecord>,
}

/// A metric over a few epochs; NaN if it was not recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The quantity on the horizontal axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum XAxis {
    #[default]
    Epoch,
    Step,
    Time,
}

const NOTHING: Bucket = Bucket { mean: f64::NAN, low: f64::NAN, high: f64::NAN };

impl History {
    /// Adds an epoch.
    pub(crate) fn push(&mut self, record: EpochRecord) {
        self.stride = self.stride.max(1);
        // The number of buckets is even, so none is half full when they are merged.
        if self.epochs == MOST * self.stride {
            self.halve();
        }
        self.elapsed += record.seconds.total();
        let place = [f64::from(record.epoch), record.step as f64, self.elapsed];
        let (bucket, within) = (self.epochs / self.stride, self.epochs % self.stride);
        self.places.resize(bucket + 1, [0.0; 3]);
        for (mean, value) in self.places[bucket].iter_mut().zip(place) {
            *mean += (value - *mean) / (within + 1) as f64;
        }
        for (name, value) in metrics(&record) {
            let column = self.columns.entry(name).or_default();
            column.resize(bucket + 1, NOTHING);
            column[bucket].put(value, within);
        }
        self.epochs += 1;
        self.last = Some(record);
    }

    /// Merges buckets pairwise.
    fn halve(&mut self) {
        self.stride *= 2;
        let mean = |pair: &[[f64; 3]]| std::array::from_fn(|k| 0.5 * (pair[0][k] + pair[1][k]));
        self.places = self.places.chunks_exact(2).map(mean).collect();
        for column in self.columns.values_mut() {
            column.resize(MOST, NOTHING);
            *column = column.chunks_exact(2).map(|pair| pair[0].and(pair[1])).collect();
        }
    }

    /// The last epoch.
    pub(crate) fn last(&self) -> Option<&EpochRecord> {
        self.last.as_ref()
    }

    /// Names of the metrics: `train.loss`, `valid.accuracy`, `spikes`, and so on as in [`snn_run::scalars`].
    pub(crate) fn metrics(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    /// The mean epoch of each bucket.
    pub(crate) fn epochs(&self) -> impl Iterator<Item = f64> {
        self.places(XAxis::Epoch)
    }

    /// The position of each bucket.
    pub(crate) fn places(&self, axis: XAxis) -> impl Iterator<Item = f64> {
        self.places.iter().map(move |place| place[axis as usize])
    }

    /// The position of the bucket of an epoch; `None` if the run has not reached it.
    pub(crate) fn place_of_epoch(&self, epoch: f64, axis: XAxis) -> Option<f64> {
        let half = 0.5 * self.stride as f64;
        let place = self.places.iter().find(|place| (place[0] - epoch).abs() <= half)?;
        Some(place[axis as usize])
    }

    /// A metric over the run: position and values of each bucket.
    pub(crate) fn series(&self, metric: &str, axis: XAxis) -> Vec<(f64, Bucket)> {
        let Some(column) = self.columns.get(metric) else { return Vec::new() };
        let place = |place: &[f64; 3]| place[axis as usize];
        self.places.iter().map(place).zip(column.iter().copied()).collect()
    }
}

impl Bucket {
    /// Adds its next value, after `number` previous ones.
    fn put(&mut self, value: f64, number: usize) {
        if value.is_nan() {
            return;
        }
        if number == 0 || self.mean.is_nan() {
            *self = Self { mean: value, low: value, high: value };
            return;
        }
        self.mean += (value - self.mean) / (number + 1) as f64;
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    fn and(self, other: Self) -> Self {
        if self.mean.is_nan() || other.mean.is_nan() {
            return if self.mean.is_nan() { other } else { self };
        }
        Self {
            mean: 0.5 * (self.mean + other.mean),
            low: self.low.min(other.low),
            high: self.high.max(other.high),
        }
    }
}

/// Every number of a record with its name, and the sum of the spikes of all layers.
fn metrics(record: &EpochRecord) -> Vec<(String, f64)> {
    let scalars = record.scalars().into_iter().map(|scalar| (scalar.name, scalar.value));
    scalars.chain([("spikes".to_owned(), record.spikes())]).collect()
}

#[cfg(test)]
mod tests {
    use snn_run::Losses;

    use super::*;

    fn epoch(epoch: u32, loss: f64) -> EpochRecord {
        let mut record = EpochRecord { epoch, step: u64::from(epoch) * 10, ..EpochRecord::default() };
        record.train.loss = loss;
        record.seconds.forward = 0.5;
        record
    }

    #[test]
    fn a_short_history_is_kept_unchanged() {
        let mut history = History::default();
        (1..=20).for_each(|k| history.push(epoch(k, f64::from(k))));
        let series = history.series("train.loss", XAxis::Epoch);
        assert!(
            series.iter().zip(1..).all(|((x, bucket), k)| *x == f64::from(k) && bucket.mean == f64::from(k))
        );
        assert_eq!(series.len(), 20);
        assert_eq!(history.series("train.loss", XAxis::Step)[19].0, 200.0);
        assert_eq!(history.series("train.loss", XAxis::Time)[19].0, 10.0);
        assert!(history.series("valid.loss", XAxis::Epoch).is_empty());
    }

    #[test]
    fn a_long_history_keeps_its_extremes_in_bounded_memory() {
        let mut history = History::default();
        for k in 1..=100_000 {
            let loss = match k {
                777 => -50.0,
                54_321 => 90.0,
                k => f64::from(k) * 1e-5,
            };
            history.push(epoch(k, loss));
        }
        let series = history.series("train.loss", XAxis::Epoch);
        assert!(series.len() <= MOST && series.len() > MOST / 2 - 1, "{}", series.len());
        assert!(series.iter().any(|(x, bucket)| bucket.low == -50.0 && (x - 777.0).abs() < 100.0));
        assert!(series.iter().any(|(x, bucket)| bucket.high == 90.0 && (x - 54_321.0).abs() < 100.0));
        assert!(series.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let end = series.last().unwrap();
        assert!((end.0 - 100_000.0).abs() < 100.0 && (end.1.mean - 1.0).abs() < 1e-2, "{end:?}");
        assert_eq!(history.epochs, 100_000);
    }

    #[test]
    fn a_metric_that_starts_late_is_missing_before() {
        let mut history = History::default();
        (1..=3).for_each(|k| history.push(epoch(k, 1.0)));
        let late = EpochRecord { valid: Some(Losses { loss: 0.5, ..Losses::default() }), ..epoch(4, 1.0) };
        history.push(late);
        let series = history.series("valid.loss", XAxis::Epoch);
        assert!(series[..3].iter().all(|(_, bucket)| bucket.mean.is_nan()));
        assert_eq!(series[3].1.mean, 0.5);
    }
}
