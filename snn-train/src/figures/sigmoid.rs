//! Accuracy as a function of spikes: a sigmoid fit, its knee, and the confidence interval.
//!
//! With z the hidden spikes per input and x = log10 z, accuracy is modeled as
//!
//! ```text
//! A(x) = chance + (top - chance) s(k (x - m)),   s(y) = 1 / (1 + exp(-y))
//! ```
//!
//! with m and k fitted by least squares (Levenberg-Marquardt); chance and top are given, since points on the slope carry little
//! information about the plateau. The critical spike count is where the curve has reached [`KNEE`] of its rise:
//! z = 10^(m + ln(KNEE / (1 - KNEE)) / k).

use super::{
    least_squares::{Row, minimize},
    statistics::{Interval, resample},
};

/// The fraction of the rise from chance to the top at which spikes suffice.
pub(super) const KNEE: f64 = 0.95;

/// Lower bound of the spike count, since the logarithm of 0 is undefined.
pub(super) const FEWEST: f64 = 0.1;

/// Number of bootstrap resamples for the interval.
const RESAMPLES: usize = 1000;

/// A fitted curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sigmoid {
    /// Accuracy without any spikes.
    pub(super) chance: f64,
    /// Accuracy with many spikes.
    pub(super) top: f64,
    /// log10 of the spikes at the midpoint.
    middle: f64,
    /// Slope at the middle per decade, relative to the rise.
    steepness: f64,
}

impl Sigmoid {
    /// Fits (spikes, accuracy) between `chance` and `top`; `None` for fewer than four points, or if nothing rises.
    pub(super) fn fit(points: &[(f64, f64)], chance: f64, top: f64) -> Option<Self> {
        if points.len() < 4 || top <= chance {
            return None;
        }
        let points: Vec<_> = points.iter().map(|&(spikes, accuracy)| (logarithm(spikes), accuracy)).collect();
        let (low, high) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), point| {
            (low.min(point.0), high.max(point.0))
        });
        // The result depends on the starting point: keep the best of several.
        let starts = (0..8).flat_map(|step| {
            let middle = low + (high - low) * (f64::from(step) + 0.5) / 8.0;
            [2.0, 10.0].map(|steepness: f64| [middle, steepness.ln()])
        });
        let fits = starts.filter_map(|start| {
            let (parameters, sum) =
                minimize(start, |parameters| residuals(&points, chance, top, parameters))?;
            let [middle, log_steepness] = parameters;
            let sane = (low - 1.0..=high + 1.0).contains(&middle) && log_steepness < 6.0;
            sane.then_some((parameters, sum))
        });
        let ([middle, log_steepness], _) = fits.min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Self { chance, top, middle, steepness: log_steepness.exp() })
    }

    /// Accuracy at this number of spikes.
    pub(super) fn at(&self, spikes: f64) -> f64 {
        let share = 1.0 / (1.0 + (-self.steepness * (logarithm(spikes) - self.middle)).exp());
        self.chance + (self.top - self.chance) * share
    }

    /// The critical number of spikes.
    pub(super) fn critical(&self) -> f64 {
        self.come(KNEE)
    }

    /// The spikes at which the curve has reached this fraction of its rise.
    pub(super) fn come(&self, share: f64) -> f64 {
        10_f64.powf(self.middle + (share / (1.0 - share)).ln() / self.steepness)
    }

    /// The spikes at which the curve reaches this accuracy; `None` if it does not.
    pub(super) fn reaches(&self, accuracy: f64) -> Option<f64> {
        let share = (accuracy - self.chance) / (self.top - self.chance);
        (share > 0.0 && share < 1.0).then(|| self.come(share))
    }

    /// The critical number of spikes with its bootstrap interval.
    pub(super) fn critical_interval(points: &[(f64, f64)], chance: f64, top: f64) -> Option<Interval> {
        Self::interval(points, chance, top, |fit| Some(fit.critical()))
    }

    /// A number of a fit with its bootstrap interval: the points are resampled with replacement and fitted again.
    pub(super) fn interval(
        points: &[(f64, f64)],
        chance: f64,
        top: f64,
        number: impl Fn(&Self) -> Option<f64>,
    ) -> Option<Interval> {
        let value = number(&Self::fit(points, chance, top)?)?;
        let refits = resample(points, RESAMPLES).filter_map(|points| Self::fit(&points, chance, top));
        Interval::of(value, refits.filter_map(|fit| number(&fit)).collect())
    }
}

fn logarithm(spikes: f64) -> f64 {
    spikes.max(FEWEST).log10()
}

/// The residuals of points (x, accuracy) and their derivatives with respect to midpoint and logarithm of the steepness.
fn residuals(points: &[(f64, f64)], chance: f64, top: f64, [middle, log_steepness]: [f64; 2]) -> Vec<Row> {
    let (rise, steepness) = (top - chance, log_steepness.exp());
    let row = |&(x, accuracy): &(f64, f64)| {
        let share = 1.0 / (1.0 + (-steepness * (x - middle)).exp());
        let slope = rise * share * (1.0 - share) * steepness;
        Row { residual: chance + rise * share - accuracy, derivatives: [-slope, slope * (x - middle)] }
    };
    points.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUE: Sigmoid = Sigmoid { chance: 10.0, top: 98.0, middle: 1.2, steepness: 6.0 };

    /// Points with small deviations from the curve.
    fn points() -> Vec<(f64, f64)> {
        (0..40)
            .map(|n| {
                let spikes = 10_f64.powf(f64::from(n) / 13.0);
                (spikes, TRUE.at(spikes) + 0.5 * f64::from(n % 3 - 1))
            })
            .collect()
    }

    #[test]
    fn an_accuracy_is_reached_between_chance_and_top() {
        for accuracy in [20.0, 54.0, 80.0, 97.0] {
            let spikes = TRUE.reaches(accuracy).unwrap();
            assert!((TRUE.at(spikes) - accuracy).abs() < 1e-9, "{accuracy} % with {spikes} spikes");
        }
        assert_eq!(TRUE.reaches(TRUE.top), None);
        assert_eq!(TRUE.reaches(9.0), None, "below chance");
        let interval = Sigmoid::interval(&points(), TRUE.chance, TRUE.top, |fit| fit.reaches(80.0)).unwrap();
        let spikes = TRUE.reaches(80.0).unwrap();
        assert!((interval.low..=interval.high).contains(&spikes), "{interval:?} without {spikes}");
        assert_eq!(Sigmoid::interval(&points(), TRUE.chance, TRUE.top, |fit| fit.reaches(99.0)), None);
    }

    #[test]
    fn a_curve_is_recovered() {
        let found = Sigmoid::fit(&points(), 10.0, 98.0).unwrap();
        assert!((found.critical() / TRUE.critical() - 1.0).abs() < 0.05, "{found:?}");
        assert!((found.at(TRUE.critical()) - (10.0 + 0.95 * 88.0)).abs() < 0.6);
    }

    /// Points with deviations of up to 16 percentage points from the curve.
    fn noisy() -> Vec<(f64, f64)> {
        (0..).zip(points()).map(|(n, (x, y))| (x, y + 8.0 * f64::from(n % 5 - 2))).collect()
    }

    #[test]
    fn fits_equal_those_of_an_independent_program() {
        // Computed by the crate levenberg-marquardt 0.15, from the same starting points.
        for (points, [middle, steepness, critical, low, high]) in [
            (points(), [1.200001090993, 6.000211122171, 49.059560559255, 48.202628623029, 49.934729905823]),
            (noisy(), [1.200548634517, 6.003057850153, 49.095138586446, 30.047184306561, 82.134335486948]),
        ] {
            let fit = Sigmoid::fit(&points, 10.0, 98.0).unwrap();
            let interval = Sigmoid::critical_interval(&points, 10.0, 98.0).unwrap();
            for (found, expected) in [
                (fit.middle, middle),
                (fit.steepness, steepness),
                (fit.critical(), critical),
                (interval.low, low),
                (interval.high, high),
            ] {
                assert!((found / expected - 1.0).abs() < 2e-8, "{found} {expected}");
            }
        }
    }

    #[test]
    fn the_interval_contains_the_truth_and_grows_with_noise() {
        let interval = Sigmoid::critical_interval(&points(), 10.0, 98.0).unwrap();
        assert!(interval.low < TRUE.critical() && TRUE.critical() < interval.high, "{interval:?}");
        let wide = Sigmoid::critical_interval(&noisy(), 10.0, 98.0).unwrap();
        assert!(wide.high - wide.low > interval.high - interval.low, "{wide:?} {interval:?}");
        assert_eq!(
            interval,
            Sigmoid::critical_interval(&points(), 10.0, 98.0).unwrap(),
            "the same each time"
        );
    }

    #[test]
    fn too_few_points_are_not_fitted() {
        assert_eq!(Sigmoid::fit(&points()[..3], 10.0, 98.0), None);
        assert_eq!(Sigmoid::fit(&points(), 10.0, 10.0), None);
        let silent = vec![(0.0, 10.0); 10];
        assert!(Sigmoid::fit(&silent, 10.0, 98.0).is_none_or(|fit| fit.critical() > FEWEST));
    }
}
