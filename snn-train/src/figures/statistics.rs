//! Bootstrap intervals, which assume no distribution, and exact ones of shares. The same numbers always give the same result.

use rand::Rng as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde::Serialize;

/// The stream of random numbers for resampling.
const SEED: u64 = 0x626f_6f74_7374_7261;
const RESAMPLES: usize = 4000;

/// A value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The value.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Interval {
    /// Percentiles of the resampled values; `None` if most of them have no value.
    pub(super) fn of(value: f64, mut resampled: Vec<f64>) -> Option<Self> {
        resampled.retain(|value| value.is_finite());
        if resampled.len() < 20 || !value.is_finite() {
            return None;
        }
        resampled.sort_by(f64::total_cmp);
        let at = |share: f64| resampled[((resampled.len() - 1) as f64 * share).round() as usize];
        Some(Self { value, low: at(0.025).min(value), high: at(0.975).max(value) })
    }

    /// The interval of the mean of a sample of at least two.
    pub(super) fn of_mean(sample: &[f64]) -> Option<Self> {
        Self::of_statistic(sample, mean)
    }

    /// The interval of a statistic of a sample of at least two.
    pub(super) fn of_statistic(sample: &[f64], statistic: impl Fn(&[f64]) -> f64) -> Option<Self> {
        if sample.len() < 2 {
            return None;
        }
        Self::of(statistic(sample), resample(sample, RESAMPLES).map(|sample| statistic(&sample)).collect())
    }

    /// The exact interval of a share in per cent, `count` of `all` (Clopper & Pearson 1934, Biometrika 26, 404): the shares with which
    /// neither so few nor so many are less likely than 2.5 %. A bootstrap of equal values would have no width.
    pub(super) fn of_share(count: usize, all: usize) -> Option<Self> {
        if all == 0 || count > all {
            return None;
        }
        // Decreasing in the share.
        let at_most = |count: usize, share: f64| {
            let (odds, mut term, mut sum) = (share / (1.0 - share), (1.0 - share).powf(all as f64), 0.0);
            for k in 0..=count {
                sum += term;
                term *= odds * (all - k) as f64 / (k + 1) as f64;
            }
            sum
        };
        let share_at = |probability: f64, count: usize| {
            let (mut low, mut high) = (0.0, 1.0);
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if at_most(count, middle) > probability { low = middle } else { high = middle }
            }
            50.0 * (low + high)
        };
        Some(Self {
            value: 100.0 * count as f64 / all as f64,
            low: if count == 0 { 0.0 } else { share_at(0.975, count - 1) },
            high: if count == all { 100.0 } else { share_at(0.025, count) },
        })
    }

    /// The interval of the mean of `a` minus the mean of `b`, at least two of each.
    pub(super) fn of_difference(a: &[f64], b: &[f64]) -> Option<Self> {
        if a.len() < 2 || b.len() < 2 {
            return None;
        }
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let resampled = (0..RESAMPLES).map(|_| mean(&draw(a, &mut random)) - mean(&draw(b, &mut random)));
        Self::of(mean(a) - mean(b), resampled.collect())
    }
}

/// Samples of the same size, drawn with replacement.
pub(super) fn resample<T: Copy>(sample: &[T], times: usize) -> impl Iterator<Item = Vec<T>> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    (0..times).map(move |_| draw(sample, &mut random))
}

fn draw<T: Copy>(sample: &[T], random: &mut ChaCha8Rng) -> Vec<T> {
    sample.iter().map(|_| sample[random.gen_range(0..sample.len())]).collect()
}

pub(super) fn mean(sample: &[f64]) -> f64 {
    sample.iter().sum::<f64>() / sample.len() as f64
}

pub(super) fn median(sample: &[f64]) -> f64 {
    snn_run::median(sample).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_narrow_with_the_sample_and_contain_the_value() {
        let sample = |n: i32| (0..n).map(|k| f64::from(k % 5)).collect::<Vec<_>>();
        let (few, many) = (Interval::of_mean(&sample(10)).unwrap(), Interval::of_mean(&sample(100)).unwrap());
        assert_eq!((few.value, many.value), (2.0, 2.0));
        assert!(few.low < 2.0 && few.high > 2.0);
        assert!(many.high - many.low < 0.5 * (few.high - few.low));
        // The mean of 100 values with standard deviation 1.41: 2 +- 0.28.
        assert!((many.high - 2.28).abs() < 0.06, "{many:?}");
        assert_eq!(Interval::of_mean(&[1.0]), None);
    }

    /// Values by another program.
    #[test]
    fn shares_have_exact_intervals() {
        for (count, all, low, high) in [
            (0, 20, 0.0, 16.843_347),
            (1, 20, 0.126_509, 24.873_276),
            (5, 20, 8.657_147, 49.104_587),
            (20, 20, 83.156_653, 100.0),
            (3, 60, 1.043_233, 13.924_325),
        ] {
            let found = Interval::of_share(count, all).unwrap();
            assert!((found.low - low).abs() < 1e-5 && (found.high - high).abs() < 1e-5, "{found:?}");
        }
        assert_eq!(Interval::of_share(0, 0), None);
    }

    #[test]
    fn differences_have_their_sign() {
        let difference = Interval::of_difference(&[5.0, 6.0, 7.0], &[1.0, 2.0, 3.0]).unwrap();
        assert_eq!(difference.value, 4.0);
        assert!(difference.low > 2.0 && difference.high < 6.0, "{difference:?}");
        let equal = Interval::of_difference(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]).unwrap();
        assert!(equal.low < 0.0 && equal.high > 0.0);
    }
}
