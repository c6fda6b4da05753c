//! Accuracy against spikes: a sigmoid, its knee, and how sure that is.
//!
//! With z the hidden spikes per input and x = log10 z, accuracy is modelled as
//!
//! ```text
//! A(x) = chance + (top - chance) s(k (x - m)),   s(y) = 1 / (1 + exp(-y))
//! ```
//!
//! with m and k fitted by least squares (Levenberg-Marquardt); chance and top are given, as points that are still on the rise
//! say little about its end. The critical spike count is where the curve has come [`KNEE`] of its way
//! up: z = 10^(m + ln(KNEE / (1 - KNEE)) / k).

use levenberg_marquardt::{LeastSquaresProblem, LevenbergMarquardt};
use nalgebra::{DVector, Dyn, Matrix, OMatrix, Owned, U2, Vector2};

use super::statistics::{Interval, resample};

/// The share of the rise from chance to the top at which spikes are enough.
pub(super) const KNEE: f64 = 0.95;

/// Fewer spikes than this count as so many: the logarithm has no place for 0.
pub(super) const FEWEST: f64 = 0.1;

/// Times the points are drawn anew for the interval.
const RESAMPLES: usize = 1000;

/// A fitted curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sigmoid {
    /// Accuracy without any spikes.
    pub(super) chance: f64,
    /// Accuracy with spikes in plenty.
    pub(super) top: f64,
    /// log10 of the spikes half way up.
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
        // What is found depends on the start: of several, the best counts.
        let starts = (0..8).flat_map(|step| {
            let middle = low + (high - low) * (f64::from(step) + 0.5) / 8.0;
            [2.0, 10.0].map(|steepness: f64| Vector2::new(middle, steepness.ln()))
        });
        let fits = starts.filter_map(|start| {
            let problem = Problem { points: &points, chance, top, parameters: start };
            let (problem, report) = LevenbergMarquardt::new().minimize(problem);
            let [middle, log_steepness] = problem.parameters.into();
            let sane = (low - 1.0..=high + 1.0).contains(&middle) && log_steepness < 6.0;
            (report.termination.was_successful() && sane)
                .then_some((report.objective_function, problem.parameters))
        });
        let (_, best) = fits.min_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(Self { chance, top, middle: best.x, steepness: best.y.exp() })
    }

    /// Accuracy at so many spikes.
    pub(super) fn at(&self, spikes: f64) -> f64 {
        let share = 1.0 / (1.0 + (-self.steepness * (logarithm(spikes) - self.middle)).exp());
        self.chance + (self.top - self.chance) * share
    }

    /// The critical number of spikes.
    pub(super) fn critical(&self) -> f64 {
        10_f64.powf(self.middle + (KNEE / (1.0 - KNEE)).ln() / self.steepness)
    }

    /// The critical number of spikes with its interval: the points are drawn anew with replacement and fitted again.
    pub(super) fn critical_interval(points: &[(f64, f64)], chance: f64, top: f64) -> Option<Interval> {
        let value = Self::fit(points, chance, top)?.critical();
        let refits = resample(points, RESAMPLES).filter_map(|points| Self::fit(&points, chance, top));
        Interval::of(value, refits.map(|fit| fit.critical()).collect())
    }
}

fn logarithm(spikes: f64) -> f64 {
    spikes.max(FEWEST).log10()
}

/// The residuals at middle and logarithm of the steepness.
struct Problem<'a> {
    points: &'a [(f64, f64)],
    chance: f64,
    top: f64,
    parameters: Vector2<f64>,
}

impl Problem<'_> {
    /// The sigmoid at a point.
    fn share(&self, x: f64) -> f64 {
        1.0 / (1.0 + (-self.parameters.y.exp() * (x - self.parameters.x)).exp())
    }
}

impl LeastSquaresProblem<f64, Dyn, U2> for Problem<'_> {
    type ResidualStorage = Owned<f64, Dyn>;
    type JacobianStorage = Owned<f64, Dyn, U2>;
    type ParameterStorage = Owned<f64, U2>;

    fn set_params(&mut self, parameters: &Vector2<f64>) {
        self.parameters = *parameters;
    }

    fn params(&self) -> Vector2<f64> {
        self.parameters
    }

    fn residuals(&self) -> Option<DVector<f64>> {
        let residual = |&(x, y): &(f64, f64)| self.chance + (self.top - self.chance) * self.share(x) - y;
        Some(DVector::from_iterator(self.points.len(), self.points.iter().map(residual)))
    }

    fn jacobian(&self) -> Option<OMatrix<f64, Dyn, U2>> {
        let [middle, log_steepness] = self.parameters.into();
        let (rise, steepness) = (self.top - self.chance, log_steepness.exp());
        let rows = self.points.iter().map(|&(x, _)| {
            let share = self.share(x);
            let slope = rise * share * (1.0 - share) * steepness;
            [-slope, slope * (x - middle)]
        });
        let values: Vec<_> = rows.flatten().collect();
        Some(Matrix::<f64, Dyn, U2, _>::from_row_iterator(self.points.len(), values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUE: Sigmoid = Sigmoid { chance: 10.0, top: 98.0, middle: 1.2, steepness: 6.0 };

    /// Points with a little that is not on the curve.
    fn points() -> Vec<(f64, f64)> {
        (0..40)
            .map(|n| {
                let spikes = 10_f64.powf(f64::from(n) / 13.0);
                (spikes, TRUE.at(spikes) + 0.5 * f64::from(n % 3 - 1))
            })
            .collect()
    }

    #[test]
    fn a_curve_is_found_again() {
        let found = Sigmoid::fit(&points(), 10.0, 98.0).unwrap();
        assert!((found.critical() / TRUE.critical() - 1.0).abs() < 0.05, "{found:?}");
        assert!((found.at(TRUE.critical()) - (10.0 + 0.95 * 88.0)).abs() < 0.6);
    }

    #[test]
    fn the_interval_holds_the_truth_and_grows_with_the_noise() {
        let interval = Sigmoid::critical_interval(&points(), 10.0, 98.0).unwrap();
        assert!(interval.low < TRUE.critical() && TRUE.critical() < interval.high, "{interval:?}");
        let noisy: Vec<_> =
            (0..).zip(points()).map(|(n, (x, y))| (x, y + 8.0 * f64::from(n % 5 - 2))).collect();
        let wide = Sigmoid::critical_interval(&noisy, 10.0, 98.0).unwrap();
        assert!(wide.high - wide.low > interval.high - interval.low, "{wide:?} {interval:?}");
        assert_eq!(
            interval,
            Sigmoid::critical_interval(&points(), 10.0, 98.0).unwrap(),
            "the same each time"
        );
    }

    #[test]
    fn too_little_is_not_fitted() {
        assert_eq!(Sigmoid::fit(&points()[..3], 10.0, 98.0), None);
        assert_eq!(Sigmoid::fit(&points(), 10.0, 10.0), None);
        let silent = vec![(0.0, 10.0); 10];
        assert!(Sigmoid::fit(&silent, 10.0, 98.0).is_none_or(|fit| fit.critical() > FEWEST));
    }
}
