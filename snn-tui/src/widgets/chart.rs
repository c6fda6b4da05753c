//! A plot of curves and bands with axes, a legend and a cross-hair.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use super::{
    Axis, Dots,
    text::{fit, number, right, width},
};
use crate::theme::Theme;

/// What is plotted: the same value is drawn on the screen and written as SVG.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Plot {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) bands: Vec<Band>,
    pub(crate) series: Vec<Series>,
    /// Values of y with a line across the plot, such as a threshold.
    pub(crate) levels: Vec<f64>,
    /// The value of x that is read out.
    pub(crate) crosshair: Option<f64>,
}

/// A curve. Where a value is not finite it is interrupted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Series {
    /// What it is called in the legend; without a name it is not listed there.
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
    /// Which of the colors of the theme.
    pub(crate) color: usize,
    /// Drawn with gaps.
    pub(crate) dashed: bool,
}

/// A range of y for each x.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Band {
    /// x, lower and upper bound.
    pub(crate) points: Vec<(f64, f64, f64)>,
    pub(crate) color: usize,
}

impl Series {
    /// The value at the point whose x is nearest.
    pub(crate) fn nearest(&self, x: f64) -> Option<(f64, f64)> {
        let finite = self.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite());
        finite.min_by(|a, b| (a.0 - x).abs().total_cmp(&(b.0 - x).abs())).copied()
    }
}

impl Plot {
    /// Draws the plot. In an area too small for axes only the curves are drawn.
    pub(crate) fn draw(&self, theme: Theme, area: Rect, buffer: &mut Buffer) {
        if area.width < 3 || area.height < 2 {
            return;
        }
        let inner = self.draw_axes(theme, area, buffer);
        if inner.width == 0 || inner.height == 0 {
            return;
        }
        let mut dots = Dots::new(inner, theme.marker);
        let (columns, rows) = dots.size();
        let (right, bottom) = (columns as f64 - 1.0, rows as f64 - 1.0);
        let place = |x: f64, y: f64| (self.x.place(x) * right, (1.0 - self.y.place(y)) * bottom);
        for &level in &self.levels {
            let y = place(self.x.low, level).1;
            for x in (0..columns).step_by(4) {
                dots.line((x as f64, y), (x as f64 + 1.0, y), theme.dim());
            }
        }
        for band in &self.bands {
            draw_band(&mut dots, band, &place, dimmed(theme, band.color));
        }
        for series in &self.series {
            draw_series(&mut dots, series, &place, theme.series(series.color));
        }
        dots.draw(buffer);
        if let Some(x) = self.crosshair {
            let column = (self.x.place(x) * f64::from(inner.width - 1)).round();
            if (0.0..f64::from(inner.width)).contains(&column) {
                for y in inner.top()..inner.bottom() {
                    let cell = &mut buffer[(inner.x + column as u16, y)];
                    if cell.symbol() == " " {
                        cell.set_symbol(theme.glyph("│", "|"));
                    }
                    cell.set_style(Style::new().add_modifier(Modifier::REVERSED));
                }
            }
        }
        self.draw_legend(theme, inner, buffer);
    }

    /// Title, lines, ticks and labels. Returns what is left for the curves.
    fn draw_axes(&self, theme: Theme, area: Rect, buffer: &mut Buffer) -> Rect {
        let with_axes = area.width >= 24 && area.height >= 5;
        let titled = u16::from(!self.title.is_empty() || !self.y.label.is_empty());
        if titled > 0 {
            let title = [self.title.as_str(), self.y.label.as_str()];
            let title = title.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ");
            buffer.set_string(area.x, area.y, fit(&title, usize::from(area.width)), theme.bold());
        }
        if !with_axes {
            return Rect { y: area.y + titled, height: area.height - titled, ..area };
        }
        let height = area.height - titled - 2;
        let ticks = self.y.ticks(usize::from(height / 3).max(2));
        let margin = ticks.iter().map(|(_, label)| width(label)).max().unwrap_or(0).min(9) as u16;
        let inner = Rect::new(area.x + margin + 1, area.y + titled, area.width - margin - 1, height);
        let (vertical, horizontal, corner) =
            (theme.glyph("│", "|"), theme.glyph("─", "-"), theme.glyph("└", "+"));
        for y in inner.top()..inner.bottom() {
            buffer.set_string(inner.x - 1, y, vertical, theme.dim());
        }
        for x in inner.left()..inner.right() {
            buffer.set_string(x, inner.bottom(), horizontal, theme.dim());
        }
        buffer.set_string(inner.x - 1, inner.bottom(), corner, theme.dim());
        for (value, label) in ticks {
            let row = ((1.0 - self.y.place(value)) * f64::from(inner.height - 1)).round();
            if (0.0..f64::from(inner.height)).contains(&row) {
                let y = inner.y + row as u16;
                buffer.set_string(area.x, y, right(&label, usize::from(margin)), Style::new());
                buffer.set_string(inner.x - 1, y, theme.glyph("┤", "+"), theme.dim());
            }
        }
        let mut free = area.x;
        let end = inner.right().saturating_sub(width(&self.x.label) as u16 + 1);
        for (value, label) in self.x.ticks(usize::from(inner.width / 8).max(2)) {
            let column = (self.x.place(value) * f64::from(inner.width - 1)).round();
            if !(0.0..f64::from(inner.width)).contains(&column) {
                continue;
            }
            let x = inner.x + column as u16;
            buffer.set_string(x, inner.bottom(), theme.glyph("┬", "+"), theme.dim());
            let start = x.saturating_sub(width(&label) as u16 / 2).max(area.x);
            if start >= free && start + width(&label) as u16 <= end {
                buffer.set_string(start, inner.bottom() + 1, &label, Style::new());
                free = start + width(&label) as u16 + 2;
            }
        }
        let label = fit(&self.x.label, usize::from(inner.width));
        buffer.set_string(inner.right() - width(&label) as u16, inner.bottom() + 1, &label, theme.dim());
        inner
    }

    /// Names of the curves, with their values under the cross-hair, as far as there is room.
    fn draw_legend(&self, theme: Theme, inner: Rect, buffer: &mut Buffer) {
        let mut lines: Vec<(String, Style)> = Vec::new();
        if let Some(x) = self.crosshair {
            lines.push((format!("{} {}", self.x.label, number(x)), Style::new()));
        }
        for series in self.series.iter().filter(|series| !series.name.is_empty()) {
            let value = self.crosshair.and_then(|x| series.nearest(x));
            let value = value.map_or_else(String::new, |(_, y)| format!(" {}", number(y)));
            let stroke = match (series.dashed, theme.marker) {
                (false, crate::theme::Marker::Ascii) => "-- ",
                (true, crate::theme::Marker::Ascii) => "- - ",
                (false, _) => "── ",
                (true, _) => "╌╌ ",
            };
            lines.push((format!("{stroke}{}{value}", series.name), theme.series(series.color)));
        }
        let room = usize::from(inner.height / 2).max(1);
        if lines.len() > room {
            let hidden = lines.len() - room + 1;
            lines.truncate(room - 1);
            lines.push((format!("and {hidden} more"), theme.dim()));
        }
        let widest = usize::from(inner.width) * 2 / 3;
        let cells = lines.iter().map(|(text, _)| width(text)).max().unwrap_or(0).min(widest) as u16;
        let rows = lines.len() as u16;
        // In the corner where it hides least; if all are free, at the upper right.
        let (right, bottom) = (inner.right() - cells, inner.bottom() - rows);
        let corners = [(right, inner.y), (right, bottom), (inner.x + 1, inner.y), (inner.x + 1, bottom)];
        let hidden = |&(x, y): &(u16, u16)| {
            let cells = (y..y + rows).flat_map(|y| (x..x + cells).map(move |x| (x, y)));
            cells.filter(|&place| buffer.cell(place).is_some_and(|cell| cell.symbol() != " ")).count()
        };
        let (x, y) = corners.into_iter().min_by_key(hidden).unwrap_or(corners[0]);
        for ((text, style), y) in lines.into_iter().zip(y..) {
            buffer.set_string(x, y, super::text::left(&text, usize::from(cells)), style);
        }
    }
}

/// The color of a curve for what lies behind it.
fn dimmed(theme: Theme, color: usize) -> Style {
    theme.series(color).add_modifier(Modifier::DIM)
}

fn draw_series(dots: &mut Dots, series: &Series, place: &dyn Fn(f64, f64) -> (f64, f64), style: Style) {
    let is_there = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let mut before: Option<(f64, f64)> = None;
    // Dashes by length, so that dense curves have gaps, too.
    let mut length = 0.0;
    for &(x, y) in &series.points {
        let point = Some(place(x, y)).filter(is_there);
        if let Some(to) = point {
            let from = before.unwrap_or(to);
            if !series.dashed || length % 10.0 < 6.0 {
                dots.line(from, to, style);
            }
            length += (to.0 - from.0).abs().max((to.1 - from.1).abs());
        }
        before = point;
    }
}

fn draw_band(dots: &mut Dots, band: &Band, place: &dyn Fn(f64, f64) -> (f64, f64), style: Style) {
    let mut before: Option<(f64, f64, f64)> = None;
    for &(x, low, high) in &band.points {
        let ((x, bottom), (_, top)) = (place(x, low), place(x, high));
        if ![x, bottom, top].iter().all(|value| value.is_finite()) {
            before = None;
            continue;
        }
        let (x0, bottom0, top0) = before.unwrap_or((x, bottom, top));
        let columns = (x - x0).abs().ceil().clamp(1.0, 1e4);
        for step in 0..=columns as usize {
            let share = step as f64 / columns;
            let at = |from: f64, to: f64| from + share * (to - from);
            let column = at(x0, x).round();
            // A pattern rather than an area, so that curves in front of it stay visible.
            if column >= 0.0 {
                let (from, to) = (at(top0, top).round().max(0.0), at(bottom0, bottom).round());
                let last = (to.max(0.0) as usize).min(dots.size().1);
                for row in (from as usize..=last).filter(|row| (row + column as usize).is_multiple_of(2)) {
                    dots.set(column as usize, row, style);
                }
            }
        }
        before = Some((x, bottom, top));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        theme::{Colors, Marker},
        widgets::{AxisScale, text::tests::lines},
    };

    const PLAIN: Theme = Theme { colors: Colors::None, marker: Marker::Ascii };

    fn plot() -> Plot {
        let curve = (0..=50).map(|k| (f64::from(k), f64::from(k).powi(2) / 2500.0));
        Plot {
            title: "loss".into(),
            x: Axis::new("epoch", 0.0, 50.0),
            y: Axis::new("", 0.0, 1.0),
            series: vec![Series { name: "demo".into(), points: curve.collect(), ..Series::default() }],
            ..Plot::default()
        }
    }

    fn drawn(plot: &Plot, width: u16, height: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        plot.draw(PLAIN, area, &mut buffer);
        lines(&buffer)
    }

    #[test]
    fn a_curve_has_axes_and_a_legend() {
        let text = drawn(&plot(), 40, 10);
        insta::assert_snapshot!(text.join("\n"));
    }

    #[test]
    fn no_area_is_too_small_and_no_value_too_odd() {
        let mut odd = plot();
        odd.series[0].points.extend([(f64::NAN, 0.0), (f64::INFINITY, 1.0), (1e300, -1e300), (-5.0, 0.5)]);
        odd.bands
            .push(Band { points: vec![(0.0, -1e9, 1e9), (f64::NAN, 0.0, 0.0), (50.0, 0.2, 0.1)], color: 1 });
        odd.levels = vec![0.5, f64::NAN, 1e300];
        for crosshair in [None, Some(25.0), Some(f64::NAN), Some(1e300)] {
            odd.crosshair = crosshair;
            for (width, height) in [(0, 0), (1, 1), (3, 2), (23, 4), (24, 5), (80, 3), (5, 40), (200, 60)] {
                drawn(&odd, width, height);
            }
        }
        odd.y = Axis::around("", AxisScale::Logarithmic, [1e-3, 10.0]);
        drawn(&odd, 80, 24);
    }

    #[test]
    fn the_crosshair_reads_values() {
        let text = drawn(&Plot { crosshair: Some(25.2), ..plot() }, 60, 12).join("\n");
        assert!(text.contains("epoch 25.2") && text.contains("demo 0.25"), "{text}");
    }
}
