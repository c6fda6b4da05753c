//! Scales that are robust against one bad value, or one bad curve.

use super::AxisScale;

/// Percentiles that enclose the bulk of the values.
const BULK: (f64, f64) = (0.05, 0.95);
/// A scale needs limits if it would be this many times as long as the relevant extent.
const SPOILED: f64 = 12.0;
/// The limits of such a scale are this many relevant extents beyond the bulk.
const FENCE: f64 = 1.0;
/// The start of a curve is the median of this number of values, so that one bad value does not determine it.
const BEGINNING: usize = 3;
/// From this number of curves on, a curve far from all others is ignored.
const MAJORITY: usize = 3;

/// Limits for the scale of some curves, whose values are in order; `None` if the scale can include all values.
///
/// The relevant extent is that of the bulk of the values, or the distance of curves from their starts if that is larger: a curve that falls
/// from 2.3 to 0.02 in a few of a thousand epochs is shown completely, a single value of 7489 above a level of 1.4 is not.
pub(crate) fn fence(curves: &[Vec<f64>], scale: AxisScale) -> Option<(f64, f64)> {
    // Compare positions as drawn.
    let drawn = |value: f64| match scale {
        AxisScale::Linear => value,
        AxisScale::Logarithmic => value.log10(),
    };
    let value = |drawn: f64| match scale {
        AxisScale::Linear => drawn,
        AxisScale::Logarithmic => 10_f64.powf(drawn),
    };
    let there = |values: &Vec<f64>| {
        let values: Vec<f64> = values.iter().map(|&it| drawn(it)).filter(|value| value.is_finite()).collect();
        Curve::of(&values)
    };
    let curves: Vec<Curve> = curves.iter().filter_map(there).collect();
    let first = curves.iter().map(|curve| curve.lowest).reduce(f64::min)?;
    let last = curves.iter().map(|curve| curve.highest).reduce(f64::max)?;
    let counted = without_strays(&curves);
    let all = sorted(counted.iter().flat_map(|curve| curve.sorted.iter().copied()));
    let (low, high) = (quantile(&all, BULK.0), quantile(&all, BULK.1));
    let ways = sorted(counted.iter().map(|curve| curve.way));
    let extent = (high - low).max(ways[(ways.len() - 1) / 2]);
    if !(extent > 0.0 && (last - first) > SPOILED * extent) {
        return None;
    }
    let (below, above) = (low - FENCE * extent, high + FENCE * extent);
    // On a side without values outside, rounding must not cut off anything.
    let low = if below > first { value(below) } else { f64::NEG_INFINITY };
    let high = if above < last { value(above) } else { f64::INFINITY };
    Some((low, high))
}

/// The relevant properties of a curve.
struct Curve {
    lowest: f64,
    highest: f64,
    /// Its values, or a subset of many, sorted.
    sorted: Vec<f64>,
    median: f64,
    /// The distance from its start to its median.
    way: f64,
}

/// This number of values suffices for quantiles, and keeps them fast for curves of hundreds of runs.
const ENOUGH: usize = 256;

impl Curve {
    /// `None` for a curve without values.
    fn of(values: &[f64]) -> Option<Self> {
        let lowest = values.iter().copied().reduce(f64::min)?;
        let highest = values.iter().copied().reduce(f64::max)?;
        let beginning = sorted(values.iter().copied().take(BEGINNING));
        let sorted = sorted(values.iter().copied().step_by(values.len().div_ceil(ENOUGH)));
        let median = quantile(&sorted, 0.5);
        Some(Self { way: (quantile(&beginning, 0.5) - median).abs(), lowest, highest, median, sorted })
    }

    fn extent(&self) -> f64 {
        quantile(&self.sorted, BULK.1) - quantile(&self.sorted, BULK.0)
    }
}

/// All curves, except those far from most others.
fn without_strays(curves: &[Curve]) -> Vec<&Curve> {
    if curves.len() < MAJORITY {
        return curves.iter().collect();
    }
    let middle = |values: Vec<f64>| quantile(&sorted(values), 0.5);
    let center = middle(curves.iter().map(|curve| curve.median).collect());
    let spread = middle(curves.iter().map(|curve| (curve.median - center).abs()).collect());
    let extent = middle(curves.iter().map(Curve::extent).collect());
    let reach = SPOILED * spread.max(extent);
    curves.iter().filter(|curve| (curve.median - center).abs() <= reach).collect()
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// A quantile of sorted values, interpolated linearly.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let (Some(below), Some(above)) = (sorted.get(at.floor() as usize), sorted.get(at.ceil() as usize)) else {
        return f64::NAN;
    };
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINEAR: AxisScale = AxisScale::Linear;

    #[test]
    fn a_curve_that_falls_from_a_high_start_is_shown_completely() {
        let falling = |rate: f64| (0..100).map(|k| 2.3 * (-f64::from(k) * rate).exp() + 0.05).collect();
        for rate in [0.01, 0.05, 0.2] {
            assert_eq!(fence(&[falling(rate), falling(0.03)], LINEAR), None, "{rate}");
        }
        let converged = (0..1000).map(|k| 2.3 * (-f64::from(k) * 0.2).exp() + 0.02 + 1e-4 * f64::from(k % 7));
        assert_eq!(fence(&[converged.collect()], LINEAR), None, "even if most of it is flat");
        for few in [vec![], vec![1.0], vec![1.0; 9], vec![f64::NAN, f64::INFINITY]] {
            assert_eq!(fence(&[few], LINEAR), None);
        }
    }

    #[test]
    fn a_value_far_outside_does_not_determine_the_scale() {
        let mut values: Vec<f64> = (0..40).map(|k| 1.4 - 0.01 * f64::from(k)).collect();
        values[0] = 7489.0;
        let (low, high) = fence(&[values.clone()], LINEAR).unwrap();
        assert!(low < 1.01 && (1.4..3.0).contains(&high), "{low} {high}");
        assert_eq!(fence(&[values], AxisScale::Logarithmic).map(|it| it.1 < 10.0), Some(true));
    }

    #[test]
    fn a_curve_far_from_all_others_does_not_determine_the_scale() {
        let curve = |level: f64| (0..20).map(|k| level + 0.02 * f64::from(k)).collect::<Vec<_>>();
        let (_, high) = fence(&[curve(1.0), curve(1.1), curve(500.0), curve(1.2)], LINEAR).unwrap();
        assert!(high < 4.0, "{high}");
        assert_eq!(fence(&[curve(1.0), curve(500.0)], LINEAR), None, "neither of two is the bad one");
    }
}
