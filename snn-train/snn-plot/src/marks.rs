//! Marks: data drawn into axes.

use super::{
    Axes, Canvas, Rect, Stroke,
    color::{BLACK, Color, WHITE},
    path::{Path, Step},
};

const ERROR_BAR: Stroke = Stroke::new(BLACK, 0.6);
/// Width of the ends of an error bar.
const CAP: f64 = 4.0;

impl Axes {
    /// A line through points, interrupted at non-finite values.
    pub fn line(&self, canvas: &mut Canvas, points: impl IntoIterator<Item = (f64, f64)>, stroke: Stroke) {
        let mut path = Path::new();
        let mut pen_down = false;
        for (x, y) in points {
            if x.is_finite() && y.is_finite() {
                let (x, y) = self.place(x, y);
                path.extend([if pen_down { Step::LineTo(x, y) } else { Step::MoveTo(x, y) }]);
                pen_down = true;
            } else {
                pen_down = false;
            }
        }
        self.inside(canvas, |canvas| canvas.outline(path, stroke));
    }

    /// The area between two lines, from x, lower and upper bound, interrupted at non-finite values.
    pub fn band(
        &self,
        canvas: &mut Canvas,
        points: impl IntoIterator<Item = (f64, f64, f64)>,
        color: Color,
        opacity: f64,
    ) {
        let points: Vec<_> = points.into_iter().collect();
        let is_there =
            |(x, low, high): &(f64, f64, f64)| x.is_finite() && low.is_finite() && high.is_finite();
        let mut path = Path::new();
        for piece in points.split(|point| !is_there(point)).filter(|piece| piece.len() > 1) {
            let upper = piece.iter().map(|&(x, _, high)| self.place(x, high));
            let lower = piece.iter().rev().map(|&(x, low, _)| self.place(x, low));
            path.extend(upper.chain(lower).enumerate().map(|(index, (x, y))| match index {
                0 => Step::MoveTo(x, y),
                _ => Step::LineTo(x, y),
            }));
            path.extend([Step::Close]);
        }
        self.inside(canvas, |canvas| canvas.area(path, color, opacity));
    }

    /// Discs.
    pub fn dots(
        &self,
        canvas: &mut Canvas,
        points: impl IntoIterator<Item = (f64, f64)>,
        size: f64,
        fill: Stroke,
    ) {
        let places: Vec<_> = points.into_iter().map(|(x, y)| self.place(x, y)).collect();
        self.inside(canvas, |canvas| canvas.dots(places, size, fill));
    }

    /// A bar from the lower axis, its width in units of x, with an error bar.
    pub fn bar(&self, canvas: &mut Canvas, x: f64, width: f64, mean: f64, error: f64, color: Color) {
        let ((left, top), (right, bottom)) =
            (self.place(x - width / 2.0, mean), self.place(x + width / 2.0, self.y.low()));
        self.inside(canvas, |canvas| {
            canvas.rect(Rect::new(left, top, right - left, (bottom - top).max(0.0)), color);
        });
        self.error_bar(canvas, x, mean - error, mean + error);
    }

    /// A vertical line with caps.
    pub fn error_bar(&self, canvas: &mut Canvas, x: f64, low: f64, high: f64) {
        let ((x, low), (_, high)) = (self.place(x, low), self.place(x, high));
        let mut path = Path::new();
        path.extend([Step::MoveTo(x, low), Step::VerticalTo(high)]);
        for y in [low, high] {
            path.extend([Step::MoveTo(x - CAP / 2.0, y), Step::Right(CAP)]);
        }
        self.inside(canvas, |canvas| canvas.outline(path, ERROR_BAR));
    }

    /// Box and whiskers of a sample: quartiles, median, the farthest values within 1.5 interquartile ranges of the box
    /// (Tukey), and the values beyond.
    pub fn whiskers(&self, canvas: &mut Canvas, x: f64, width: f64, sample: &Whiskers, color: Color) {
        let Whiskers { low, quartiles: [first, median, third], high, outliers } = sample;
        let ((left, top), (right, bottom)) =
            (self.place(x - width / 2.0, *third), self.place(x + width / 2.0, *first));
        let middle = (left + right) / 2.0;
        let y = |value: f64| self.place(x, value).1;
        let mut whiskers = Path::new();
        for (edge, end) in [(bottom, y(*low)), (top, y(*high))] {
            whiskers.extend([Step::MoveTo(middle, edge), Step::VerticalTo(end)]);
        }
        for end in [y(*low), y(*high)] {
            whiskers.extend([Step::MoveTo(middle - CAP / 2.0, end), Step::Right(CAP)]);
        }
        self.inside(canvas, |canvas| {
            canvas.outline(whiskers, ERROR_BAR);
            canvas.rect(Rect::new(left, top, right - left, bottom - top), color.towards(WHITE, 0.4));
            let frame = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
            canvas.line(&frame, ERROR_BAR);
            canvas.line(&[(left, y(*median)), (right, y(*median))], Stroke::new(BLACK, 1.2));
            canvas.dots(outliers.iter().map(|&value| (middle, y(value))), 2.2, Stroke::new(BLACK, 0.0));
        });
    }

    /// Short vertical lines: spikes at (time, unit).
    pub fn raster(&self, canvas: &mut Canvas, spikes: impl IntoIterator<Item = (f64, f64)>, stroke: Stroke) {
        let units = (self.y.high() - self.y.low()).abs().max(1.0);
        // As high as the distance between units, with a visible minimum.
        let height = (self.rect.height / units).clamp(0.9, 4.0);
        let mut path = Path::coarse();
        for (time, unit) in spikes {
            let (x, y) = self.place(time, unit);
            path.extend([Step::MoveTo(x, y - height / 2.0), Step::Down(height)]);
        }
        self.inside(canvas, |canvas| canvas.outline(path, stroke));
    }

    /// Bars of equal width side by side from `start`: a histogram.
    pub fn histogram(&self, canvas: &mut Canvas, start: f64, width: f64, heights: &[f64], color: Color) {
        let bottom = self.rect.bottom();
        let mut path = Path::new();
        for (index, &height) in heights.iter().enumerate().filter(|&(_, &height)| height > 0.0) {
            let (left, top) = self.place(start + width * index as f64, height);
            let (right, _) = self.place(start + width * (index + 1) as f64, height);
            if top < bottom {
                path.extend([
                    Step::MoveTo(left, bottom),
                    Step::VerticalTo(top),
                    Step::HorizontalTo(right),
                    Step::VerticalTo(bottom),
                    Step::Close,
                ]);
            }
        }
        self.inside(canvas, |canvas| canvas.area(path, color, 1.0));
    }
}

/// The statistics in a box plot of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Whiskers {
    /// The lowest value within the fence.
    pub low: f64,
    /// First quartile, median, third quartile.
    pub quartiles: [f64; 3],
    /// The highest value within the fence.
    pub high: f64,
    /// Values beyond the fence.
    pub outliers: Vec<f64>,
}

impl Whiskers {
    /// The statistics of a nonempty sample; quantiles interpolate linearly.
    #[must_use]
    pub fn of(sample: &[f64]) -> Option<Self> {
        let mut sorted = sample.to_vec();
        sorted.sort_by(f64::total_cmp);
        let quantile = |share: f64| {
            let at = share * (sorted.len() - 1) as f64;
            let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
            below + (above - below) * at.fract()
        };
        if sorted.is_empty() {
            return None;
        }
        let quartiles = [0.25, 0.5, 0.75].map(quantile);
        let reach = 1.5 * (quartiles[2] - quartiles[0]);
        let fence = quartiles[0] - reach..=quartiles[2] + reach;
        let inner = || sorted.iter().copied().filter(|value| fence.contains(value));
        let (low, high) = (inner().next()?, inner().next_back()?);
        let outliers = sorted.iter().copied().filter(|value| !fence.contains(value)).collect();
        Some(Self { low, quartiles, high, outliers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whiskers_end_at_the_last_value_within_the_fence() {
        let whiskers = Whiskers::of(&[9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 30.0]).unwrap();
        let expected = Whiskers { low: 1.0, quartiles: [3.0, 5.0, 7.0], high: 9.0, outliers: vec![30.0] };
        assert_eq!(whiskers, expected);
        assert_eq!(Whiskers::of(&[]), None);
        assert_eq!(Whiskers::of(&[2.0]).unwrap().quartiles, [2.0; 3]);
    }
}
