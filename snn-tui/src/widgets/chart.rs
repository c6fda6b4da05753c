//! A plot of curves and bands with axes, labels at the ends of the curves, and a crosshair.

mod content;
mod ends;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use super::{
    Dots, Stroke,
    text::{fit, right, width},
};
use crate::theme::{Marker, Theme};
use ends::Ends;

pub(crate) use content::{EDGE, Plot, Series};

impl Plot {
    /// Draws the plot. An area too small for axes has only the curves.
    pub(crate) fn draw(&self, theme: Theme, area: Rect, buffer: &mut Buffer) {
        if area.width < 3 || area.height < 2 {
            return;
        }
        let ends = Ends::of(self, area.width);
        let inner = self.draw_axes(theme, area, ends.width(), buffer);
        if inner.width == 0 || inner.height == 0 {
            return;
        }
        let mut dots = Dots::new(inner, theme.marker);
        let (columns, rows) = dots.size();
        let (right, bottom) = (columns as f64 - 1.0, rows as f64 - 1.0);
        let place = |x: f64, y: f64| (self.x.place(x) * right, (1.0 - self.y.place(y)) * bottom);
        for series in &self.series {
            draw_band(&mut dots, &series.band, &place, dimmed(theme, series.color));
        }
        // The selected curve comes last, and covers all others.
        let mut series: Vec<&Series> = self.series.iter().collect();
        series.sort_by_key(|series| (series.chosen, !series.dotted));
        for series in series {
            draw_series(&mut dots, series, &place, theme);
        }
        dots.draw(buffer);
        let column = |x: f64| {
            let column = (self.x.place(x) * f64::from(inner.width - 1)).round();
            (0.0..f64::from(inner.width)).contains(&column).then_some(column as u16)
        };
        self.mark_outside(column, theme, inner, buffer);
        if let Some(column) = self.crosshair.and_then(column) {
            for y in inner.top()..inner.bottom() {
                let cell = &mut buffer[(inner.x + column, y)];
                if cell.symbol() == " " {
                    cell.set_symbol(theme.glyph("│", "|"));
                }
                cell.set_style(Style::new().add_modifier(Modifier::REVERSED));
            }
        }
        Ends::draw_letters(self, column, theme, inner, buffer);
        ends.draw(self, theme, inner, buffer);
    }

    /// Marks at the border for points beyond it.
    fn mark_outside(
        &self,
        column: impl Fn(f64) -> Option<u16>,
        theme: Theme,
        inner: Rect,
        buffer: &mut Buffer,
    ) {
        for series in &self.series {
            for &(x, y) in &series.points {
                let place = self.y.place(y);
                let (row, mark) = if place > 1.0 + EDGE {
                    (inner.y, theme.glyph("▲", "^"))
                } else if place < -EDGE {
                    (inner.bottom() - 1, theme.glyph("▼", "v"))
                } else {
                    continue;
                };
                if let Some(column) = column(x) {
                    buffer.set_string(inner.x + column, row, mark, theme.series(series.color));
                }
            }
        }
    }

    /// The title, and after it the position of the crosshair and the number of points outside.
    fn draw_title(&self, theme: Theme, area: Rect, buffer: &mut Buffer) {
        let room = usize::from(area.width);
        let title = fit(&self.title, room);
        buffer.set_string(area.x, area.y, &title, theme.bold());
        let outside = self.outside();
        let sides = outside.into_iter().zip([theme.glyph("▲", "^"), theme.glyph("▼", "v")]);
        let beyond: Vec<_> = sides
            .filter(|(number, _)| *number > 0)
            .map(|(number, mark)| format!("{mark} {number} outside"))
            .collect();
        let parts = [self.note.clone(), beyond.join(" ")];
        let behind = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let rest = room.saturating_sub(width(&title) + 2);
        if rest > 3 && !behind.is_empty() {
            buffer.set_string(area.x + width(&title) as u16 + 2, area.y, fit(&behind, rest), theme.dim());
        }
    }

    /// Title, lines, ticks and labels; `ends` cells at the right are for the labels of curves. Returns the area for the curves.
    fn draw_axes(&self, theme: Theme, whole: Rect, ends: u16, buffer: &mut Buffer) -> Rect {
        let area = Rect { width: whole.width - ends, ..whole };
        let with_axes = area.width >= 20 && area.height >= 5;
        let titled = u16::from(!self.title.is_empty());
        if titled > 0 {
            self.draw_title(theme, whole, buffer);
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
}

/// The color of a curve for its label.
fn dimmed(theme: Theme, color: usize) -> Style {
    theme.series(color).add_modifier(Modifier::DIM)
}

fn draw_series(dots: &mut Dots, series: &Series, place: &dyn Fn(f64, f64) -> (f64, f64), theme: Theme) {
    let is_there = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
    // Dots in every other cell are recognizable as dots.
    let stroke = match (series.dotted, theme.marker) {
        (false, _) => Stroke::Solid,
        (true, Marker::Braille) => Stroke::Faint,
        (true, _) => Stroke::Dotted,
    };
    let (mut before, mut length): (Option<(f64, f64)>, f64) = (None, 0.0);
    for &(x, y) in &series.points {
        let point = Some(place(x, y)).filter(is_there);
        if let Some(to) = point {
            length = stroke.draw(dots, before.unwrap_or(to), to, length, theme.series(series.color));
        }
        before = point;
    }
}

fn draw_band(
    dots: &mut Dots,
    band: &[(f64, f64, f64)],
    place: &dyn Fn(f64, f64) -> (f64, f64),
    style: Style,
) {
    let mut before: Option<(f64, f64, f64)> = None;
    for &(x, low, high) in band {
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
            // A pattern instead of an area, which keeps curves in front of it visible.
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
        theme::Colors,
        widgets::{Axis, AxisScale, text::tests::lines},
    };

    const PLAIN: Theme = Theme { colors: Colors::None, marker: Marker::Ascii };

    fn curve(letter: char, name: &str, value: impl Fn(f64) -> f64) -> Series {
        let points = (0..=50).map(|k| (f64::from(k), value(f64::from(k) / 50.0))).collect();
        Series { letter: Some(letter), name: name.into(), points, ..Series::default() }
    }

    fn plot() -> Plot {
        Plot {
            title: "loss".into(),
            x: Axis::new("epoch", 0.0, 50.0),
            y: Axis::new("", 0.0, 1.0),
            series: vec![curve('a', "demo", |x| x * x)],
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
    fn a_curve_has_axes_and_a_name_after_its_end() {
        let text = drawn(&plot(), 48, 10);
        insta::assert_snapshot!(text.join("\n"));
    }

    #[test]
    fn names_of_curves_that_end_together_are_stacked() {
        let mut plot = plot();
        plot.series.push(curve('b', "other", |x| x * x));
        plot.series.push(Series { dotted: true, ..curve('c', "train", |x| 0.5 * x) });
        let text = drawn(&plot, 60, 12);
        let place = |word: &str| text.iter().position(|line| line.contains(word)).unwrap();
        assert_eq!(place("b other   1"), place("a demo    1") + 1, "{text:?}");
        assert!(place("c train 0.5") > 4, "{text:?}");
        assert!(text.iter().any(|line| line.contains(" . . ")), "dots: {text:?}");
        // Each letter is at the end of its curve and along it, in addition to the label.
        for letter in ["a", "b", "c"] {
            let curves = text[1..10].iter().map(|line| line.get(..48).unwrap_or(line));
            assert_eq!(
                curves.map(|line| line.matches(letter).count()).sum::<usize>(),
                2,
                "{letter} {text:?}"
            );
        }
    }

    #[test]
    fn more_curves_than_rows_are_counted() {
        let mut plot = plot();
        let letters = ('a'..='z').enumerate();
        plot.series = letters.map(|(k, c)| curve(c, &format!("run {k}"), |x| x * k as f64 / 26.0)).collect();
        plot.series[20].chosen = true;
        let text = drawn(&plot, 60, 12).join("\n");
        assert!(text.contains("and 18 more") && text.contains("u run 20"), "{text}");
    }

    #[test]
    fn points_outside_are_marked_at_the_border() {
        let mut plot = plot();
        plot.series.push(curve('b', "wild", |x| if x == 0.5 { 100.0 } else { -0.1 }));
        let text = drawn(&plot, 60, 12);
        assert_eq!(text[0], "loss  ^ 1 outside v 1 outside");
        assert!(text[1].contains('^') && text[9].contains('v'), "{text:?}");
    }

    #[test]
    fn small_areas_and_odd_values_do_not_panic() {
        let mut odd = plot();
        odd.series[0].points.extend([(f64::NAN, 0.0), (f64::INFINITY, 1.0), (1e300, -1e300), (-5.0, 0.5)]);
        odd.series[0].band = vec![(0.0, -1e9, 1e9), (f64::NAN, 0.0, 0.0), (50.0, 0.2, 0.1)];
        odd.series.push(Series {
            dotted: true,
            name: "a very long name indeed".into(),
            ..odd.series[0].clone()
        });
        for crosshair in [None, Some(25.0), Some(f64::NAN), Some(1e300)] {
            odd.crosshair = crosshair;
            for (width, height) in
                [(0, 0), (1, 1), (3, 2), (12, 3), (23, 4), (24, 5), (30, 8), (80, 3), (5, 40), (200, 60)]
            {
                drawn(&odd, width, height);
            }
        }
        odd.y = Axis::around("", AxisScale::Logarithmic, [1e-3, 10.0]);
        drawn(&odd, 80, 24);
    }

    #[test]
    fn the_crosshair_reads_values() {
        let text = drawn(&Plot { crosshair: Some(25.2), ..plot() }, 60, 12).join("\n");
        assert!(text.contains("a demo 0.25"), "{text}");
        let beyond = drawn(&Plot { crosshair: Some(55.0), ..plot() }, 60, 12).join("\n");
        assert!(beyond.contains("a demo -"), "{beyond}");
    }
}
