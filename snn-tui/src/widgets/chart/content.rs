//! The content of a plot.

use crate::widgets::Axis;

/// The content of a plot, for the screen and for files.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Plot {
    pub(crate) title: String,
    /// A note after the title, in a weaker style.
    pub(crate) note: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
    /// The position of the crosshair.
    pub(crate) crosshair: Option<f64>,
}

/// A curve, interrupted at non-finite values.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Series {
    /// Shown at its end and sometimes along it, to distinguish curves without colors.
    pub(crate) letter: Option<char>,
    /// Its name at its end.
    pub(crate) name: String,
    /// Its name in files.
    pub(crate) label: String,
    pub(crate) points: Vec<(f64, f64)>,
    /// x, lower and upper bound of the band around it; empty if it has none.
    pub(crate) band: Vec<(f64, f64, f64)>,
    /// Index of its color in the theme.
    pub(crate) color: usize,
    /// Whether it is drawn as dots, behind the others.
    pub(crate) dotted: bool,
    /// Whether it is the selected curve.
    pub(crate) chosen: bool,
}

impl Series {
    /// Points with a position on any axis.
    pub(super) fn there(&self) -> impl DoubleEndedIterator<Item = (f64, f64)> {
        self.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite())
    }

    /// The last point.
    pub(crate) fn last(&self) -> Option<(f64, f64)> {
        self.there().next_back()
    }

    /// The point with the nearest x, unless `x` is outside the curve.
    pub(crate) fn at(&self, x: f64) -> Option<(f64, f64)> {
        let nearest = self.there().min_by(|a, b| (a.0 - x).abs().total_cmp(&(b.0 - x).abs()))?;
        let is_end = Some(nearest) == self.last() || Some(nearest) == self.there().next();
        // The end extends by half the distance to the next point.
        let steps = self.there().zip(self.there().skip(1)).map(|(a, b)| (b.0 - a.0).abs());
        let reach = 0.5 * steps.reduce(f64::max).unwrap_or(0.0) + 1e-9 * x.abs();
        (!is_end || (nearest.0 - x).abs() <= reach).then_some(nearest)
    }
}

impl Plot {
    /// The number of curves with points above and below the visible range of y, within the visible range of x.
    pub(crate) fn outside(&self) -> [usize; 2] {
        let within = |x: f64| (0.0..=1.0).contains(&self.x.place(x));
        let number = |beyond: fn(f64) -> bool| {
            let has = |series: &&Series| series.there().any(|(x, y)| within(x) && beyond(self.y.place(y)));
            self.series.iter().filter(has).count()
        };
        [number(|place| place > 1.0 + EDGE), number(|place| place < -EDGE)]
    }
}

/// Rounding may put a value at the limit of an axis slightly outside.
pub(crate) const EDGE: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_within_the_curve() {
        let points = vec![(1.0, 10.0), (2.0, f64::NAN), (3.0, 30.0), (4.0, 40.0)];
        let series = Series { points, ..Series::default() };
        let at = [1.0, 2.9, 3.4, 4.5, 5.1, 0.5, -0.5].map(|x| series.at(x).map(|point| point.1));
        assert_eq!(at, [Some(10.0), Some(30.0), Some(30.0), Some(40.0), None, Some(10.0), None]);
        assert_eq!(Series::default().at(1.0), None);
        let one = Series { points: vec![(7.0, 1.0)], ..Series::default() };
        assert_eq!((one.at(7.0), one.at(8.0)), (Some((7.0, 1.0)), None));
    }

    #[test]
    fn curves_with_points_outside_are_counted() {
        let series = |y: f64| Series { points: vec![(0.0, 0.5), (1.0, y)], ..Series::default() };
        let plot = Plot {
            x: Axis::new("", 0.0, 1.0),
            y: Axis::new("", 0.0, 1.0),
            series: vec![series(1.0), series(5.0), series(-1.0), series(0.0), series(9.0)],
            ..Plot::default()
        };
        assert_eq!(plot.outside(), [2, 1]);
    }
}
