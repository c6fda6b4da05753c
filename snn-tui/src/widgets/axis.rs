//! Axes with limits at 1, 2 or 5 times a power of ten, which stay the same while a curve grows.

use super::text::number;

/// The scale of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum AxisScale {
    #[default]
    Linear,
    Logarithmic,
}

/// One side of a plot.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) scale: AxisScale,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Axis {
    /// An axis over exactly this range.
    pub(crate) fn new(label: impl Into<String>, low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { label: label.into(), scale: AxisScale::Linear, low, high }
    }

    /// An axis for all `values`, with limits rounded outwards. Values that are not finite, or not positive on a logarithmic axis, are
    /// ignored.
    pub(crate) fn around(
        label: impl Into<String>,
        scale: AxisScale,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        let has_place = |value: &f64| value.is_finite() && (scale == AxisScale::Linear || *value > 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(has_place) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = if scale == AxisScale::Linear { (0.0, 1.0) } else { (0.1, 1.0) };
        }
        let (low, high) = match scale {
            AxisScale::Linear => snap(low, high),
            AxisScale::Logarithmic => {
                let (low, high) = (low.log10().floor(), high.log10().ceil());
                (10_f64.powf(low), 10_f64.powf(if high > low { high } else { low + 1.0 }))
            }
        };
        Self { label: label.into(), scale, low, high }
    }

    /// The position of a value, 0 to 1 between the limits; NaN for a value without a position.
    pub(crate) fn place(&self, value: f64) -> f64 {
        match self.scale {
            AxisScale::Linear => (value - self.low) / (self.high - self.low),
            AxisScale::Logarithmic => (value / self.low).log10() / (self.high / self.low).log10(),
        }
    }

    /// The value at a position.
    pub(crate) fn value(&self, place: f64) -> f64 {
        match self.scale {
            AxisScale::Linear => self.low + place * (self.high - self.low),
            AxisScale::Logarithmic => self.low * (self.high / self.low).powf(place),
        }
    }

    /// The part of the axis from one position to another.
    pub(crate) fn part(&self, from: f64, to: f64) -> Self {
        let (low, high) = (self.value(from), self.value(to));
        // A range below the resolution of the numbers is not zoomed further.
        if low < high && low.is_finite() && high.is_finite() {
            Self { low, high, ..self.clone() }
        } else {
            self.clone()
        }
    }

    /// About `most` values at most for labels, ascending, with their labels; at least the two limits.
    pub(crate) fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        if !(self.low.is_finite() && self.high.is_finite()) {
            return Vec::new();
        }
        let most = most.max(2);
        let values: Vec<f64> = match self.scale {
            AxisScale::Linear => {
                let step = nice((self.high - self.low) / (most - 1) as f64);
                let first = (self.low / step - 1e-9).ceil() as i64;
                let last = (self.high / step + 1e-9).floor() as i64;
                (first..=last).map(|k| k as f64 * step).collect()
            }
            AxisScale::Logarithmic => {
                // The limits of a part of an axis are not powers of ten.
                let (low, high) = (self.low.log10() - 1e-9, self.high.log10() + 1e-9);
                let (low, high) = (low.ceil() as i32, high.floor() as i32);
                let stride = (high.saturating_sub(low).max(0) as usize).div_ceil(most - 1).max(1);
                (low..=high).step_by(stride).map(|power| 10_f64.powi(power)).collect()
            }
        };
        let values = if values.len() < 2 { vec![self.low, self.high] } else { values };
        values.into_iter().map(|value| (value, label(value))).collect()
    }
}

/// The label of a tick, rounded to avoid `0.30000000000000004`.
fn label(value: f64) -> String {
    number(if value.abs() < 1e-12 { 0.0 } else { value })
}

/// Rounds `step` up to 1, 2 or 5 times a power of ten.
fn nice(step: f64) -> f64 {
    snn_plot::round_step(step, &[1.0, 2.0, 5.0])
}

/// Limits around a range, at multiples of a round step of about a fifth of it.
fn snap(low: f64, high: f64) -> (f64, f64) {
    let extent = match (low, high) {
        _ if high > low => high - low,
        // A constant zero is not a tiny number.
        (0.0, _) => 1.0,
        _ => low.abs(),
    };
    let step = nice(extent / 5.0);
    let (below, above) = ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step);
    (below, if above > below { above } else { below + step })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_snap_outwards() {
        let axis = Axis::around("", AxisScale::Linear, [0.013, 0.97, f64::NAN]);
        assert_eq!((axis.low, axis.high), (0.0, 1.0));
        let axis = Axis::around("", AxisScale::Linear, [97.2, 99.6]);
        assert_eq!((axis.low, axis.high), (97.0, 100.0));
        let axis = Axis::around("", AxisScale::Logarithmic, [0.003, 2.0, 0.0, -1.0]);
        assert!((axis.low / 1e-3 - 1.0).abs() < 1e-9 && (axis.high / 10.0 - 1.0).abs() < 1e-9);
        for values in [vec![], vec![0.0], vec![5.0, 5.0], vec![-1e300, 1e300], vec![1e-300]] {
            for scale in [AxisScale::Linear, AxisScale::Logarithmic] {
                let axis = Axis::around("", scale, values.clone());
                assert!(axis.low < axis.high, "{values:?} {axis:?}");
                assert!(axis.ticks(5).len() < 20, "{axis:?}");
            }
        }
    }

    #[test]
    fn limits_stay_while_a_curve_grows() {
        let limits = |n: u32| {
            let axis = Axis::around("", AxisScale::Linear, (0..n).map(|k| f64::from(k) / 100.0));
            (axis.low, axis.high)
        };
        let changes = (2..1000).filter(|&n| limits(n) != limits(n + 1)).count();
        assert!(changes < 60, "{changes}");
    }

    #[test]
    fn parts_have_their_own_ticks() {
        let labels = |axis: &Axis| axis.ticks(5).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(&Axis::new("", 0.0, 100.0).part(0.25, 0.5)), ["30", "40", "50"]);
        let axis = Axis::around("", AxisScale::Logarithmic, [1e-4, 1.0]);
        assert_eq!(labels(&axis.part(0.3, 0.8)), ["0.01", "0.1"]);
        assert_eq!(labels(&axis.part(0.1, 0.2)).len(), 2, "without a power of ten the limits");
        assert_eq!(axis.part(0.5, 0.5), axis);
    }

    #[test]
    fn ticks_are_round_and_within() {
        let labels =
            |axis: &Axis, most| axis.ticks(most).into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(&Axis::new("", 0.0, 1.0), 6), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(labels(&Axis::new("", 0.0, 50.0), 4), ["0", "20", "40"]);
        let axis = Axis::around("", AxisScale::Logarithmic, [1e-4, 1.0]);
        assert_eq!(labels(&axis, 10), ["1e-4", "0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(&axis, 3).len(), 3);
        assert_eq!(labels(&Axis::new("", 0.0, 2.5), 2), ["0", "2.5"]);
        assert!(Axis::new("", 0.0, f64::INFINITY).ticks(5).is_empty());
        assert!((axis.value(axis.place(0.05)) - 0.05).abs() < 1e-12);
    }
}
