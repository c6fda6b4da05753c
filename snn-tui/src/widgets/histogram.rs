//! Histograms by decades: columns over a logarithmic axis, with exact zeros in a separate column at the left.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    Axis, AxisScale,
    text::{fit, number, right, width},
};
use crate::theme::{Marker, Theme};

/// A histogram.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Histogram<'a> {
    pub(crate) title: String,
    pub(crate) style: Style,
    /// A note after the title, or below it, in a weaker style.
    pub(crate) note: String,
    /// The unit of the values.
    pub(crate) unit: &'static str,
    /// Bounds of the bins, ascending and positive, one more than the number of bins.
    pub(crate) edges: &'a [f64],
    pub(crate) counts: &'a [u64],
    /// Number of values that are exactly 0.
    pub(crate) zero: u64,
    /// The mean of all values, which is marked.
    pub(crate) mean: f64,
    /// Styles of ranges of values, ascending, the first from 0 on.
    pub(crate) zones: Vec<Zone>,
}

/// The style of the bins from a bound upwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Zone {
    pub(crate) from: f64,
    pub(crate) style: Style,
    /// The fill of columns, as a symbol and in ASCII; solid columns have a resolution of an eighth of a cell.
    pub(crate) fill: (char, char),
}

/// Solid columns.
pub(crate) const SOLID: (char, char) = ('█', '#');
/// Columns distinguishable from solid ones without colors.
pub(crate) const PALE: (char, char) = ('░', '.');
/// A third fill.
pub(crate) const DENSE: (char, char) = ('▓', '@');

/// Cells at the left for percentages, including the line.
const MARGIN: u16 = 5;

/// The layout of the columns.
struct Grid {
    /// Width of a column in cells.
    wide: u16,
    /// Bins per column.
    bins: usize,
    inner: Rect,
}

impl Grid {
    /// Left end of the column of a bin; a gap separates the column of zeros.
    fn x(&self, bin: usize) -> u16 {
        self.inner.x + 1 + self.wide * (1 + (bin / self.bins) as u16)
    }
}

impl Histogram<'_> {
    /// Draws the histogram: a title, the columns, the axis below.
    pub(crate) fn draw(&self, theme: Theme, area: Rect, buffer: &mut Buffer) {
        let number = self.counts.len().min(self.edges.len().saturating_sub(1));
        if area.height < 4 || area.width < MARGIN + 8 || number == 0 {
            return;
        }
        let head = self.draw_title(theme, area, buffer);
        let columns = usize::from(area.width - MARGIN - 1);
        let wide = (columns / (number + 1)).clamp(1, 4);
        let bins = number.div_ceil(columns - 1).max(1);
        let foot = if area.height >= 6 { 2 } else { 1 };
        let inner = Rect::new(area.x + MARGIN, area.y + head, area.width - MARGIN, area.height - head - foot);
        let grid = Grid { wide: wide as u16, bins, inner };

        let total = self.counts.iter().map(|&count| count as f64).sum::<f64>() + self.zero as f64;
        let total = total.max(1.0);
        let share = |count: u64| 100.0 * count as f64 / total;
        let joined = |bins: &[u64]| bins.iter().copied().map(share).sum();
        let joined: Vec<f64> = self.counts[..number].chunks(bins).map(joined).collect();
        let highest = joined.iter().copied().chain([share(self.zero)]).fold(0.0, f64::max);
        let axis = Axis::around("", AxisScale::Linear, [0.0, highest]);
        for row in inner.top()..inner.bottom() {
            buffer.set_string(inner.x - 1, row, theme.glyph("│", "|"), theme.dim());
        }
        for (row, value) in [(0, axis.high), (inner.height - 1, 0.0)] {
            let text = super::text::number(value) + if row == 0 { "%" } else { "" };
            let text = right(&text, usize::from(MARGIN) - 1);
            buffer.set_string(area.x, inner.y + row, text, Style::new());
        }
        self.draw_column(theme, &grid, inner.x, (0.0, axis.place(share(self.zero))), buffer);
        for (k, share) in joined.into_iter().enumerate() {
            let column = (self.edges[k * bins], axis.place(share));
            self.draw_column(theme, &grid, grid.x(k * bins), column, buffer);
        }
        self.draw_axis(theme, &grid, number, foot == 2, buffer);
    }

    /// Draws title and note. Returns their number of rows: two, if the note does not fit after the title.
    fn draw_title(&self, theme: Theme, area: Rect, buffer: &mut Buffer) -> u16 {
        let room = usize::from(area.width);
        let title = fit(&self.title, room);
        buffer.set_string(area.x, area.y, &title, theme.strong(self.style));
        let behind = width(&title) + 2;
        if behind + width(&self.note) <= room {
            buffer.set_string(area.x + behind as u16, area.y, &self.note, theme.dim());
        } else if area.height >= 8 {
            buffer.set_string(area.x, area.y + 1, fit(&self.note, room), theme.dim());
            return 2;
        } else if room > behind + 3 {
            buffer.set_string(area.x + behind as u16, area.y, fit(&self.note, room - behind), theme.dim());
        }
        1
    }

    /// Draws a column for values from `from` upwards, with a proportional height; any positive count is visible.
    fn draw_column(&self, theme: Theme, grid: &Grid, x: u16, (from, share): (f64, f64), buffer: &mut Buffer) {
        let eighths = (share.clamp(0.0, 1.0) * f64::from(grid.inner.height) * 8.0).round() as u16;
        let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
        let zone = self.zones.iter().rfind(|zone| zone.from <= from * 1.000_001);
        let (fill, style) = zone.map_or((SOLID, Style::new()), |zone| (zone.fill, zone.style));
        let ascii = theme.marker == Marker::Ascii;
        let solid = fill == SOLID && !ascii;
        let full = if solid { eighths / 8 } else { eighths.div_ceil(8) };
        let glyph = |row: u16| match eighths % 8 {
            _ if row < full => Some(if ascii { fill.1 } else { fill.0 }),
            part @ 1.. if solid && row == full => {
                Some(['▁', '▂', '▃', '▄', '▅', '▆', '▇'][usize::from(part) - 1])
            }
            _ => None,
        };
        for row in 0..grid.inner.height {
            let Some(glyph) = glyph(row) else { return };
            let text = glyph.to_string().repeat(usize::from(grid.wide));
            buffer.set_string(x, grid.inner.bottom() - 1 - row, text, style);
        }
    }

    fn draw_axis(&self, theme: Theme, grid: &Grid, number: usize, with_line: bool, buffer: &mut Buffer) {
        let Grid { wide, inner, .. } = *grid;
        let end = grid.x(number - 1) + wide;
        if with_line {
            let line = theme.glyph("─", "-");
            for x in (inner.x..inner.x + wide).chain(grid.x(0)..end) {
                buffer.set_string(x, inner.bottom(), line, theme.dim());
            }
            // Values beyond the bounds are in the first or the last bin.
            let last = self.edges[..number].iter().rposition(|&edge| edge <= self.mean).unwrap_or(0);
            let x = if self.mean > 0.0 { grid.x(last) + (wide - 1) / 2 } else { inner.x };
            if self.mean.is_finite() && self.counts.iter().any(|&count| count > 0) {
                buffer.set_string(x, inner.bottom(), theme.glyph("▲", "^"), theme.bold());
            }
        }
        let row = inner.bottom() + u16::from(with_line);
        let unit = if self.unit.is_empty() { 0 } else { width(self.unit) as u16 + 1 };
        buffer.set_string(inner.x, row, "0", Style::new());
        let mut free = inner.x + 2;
        let is_decade = |edge: f64| (edge.log10() - edge.log10().round()).abs() < 1e-6;
        for (k, &edge) in self.edges[..number].iter().enumerate().filter(|(_, edge)| is_decade(**edge)) {
            // Rounding moves the edges slightly off powers of ten.
            let text = number_of_decade(edge);
            let (x, cells) = (grid.x(k), width(&text) as u16);
            if x >= free && x + cells + unit <= inner.right() {
                buffer.set_string(x, row, &text, Style::new());
                free = x + cells + 1;
            }
        }
        // After the last column, if there is space.
        let x = free.max(end + 1).min((inner.right() + 1).saturating_sub(unit));
        if unit > 0 && x >= free {
            buffer.set_string(x, row, self.unit, theme.dim());
        }
    }
}

fn number_of_decade(edge: f64) -> String {
    number(10_f64.powi(edge.log10().round() as i32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{theme::Colors, widgets::text::tests::lines};

    fn drawn(histogram: &Histogram<'_>, marker: Marker, width: u16, height: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        histogram.draw(Theme { colors: Colors::None, marker }, area, &mut buffer);
        lines(&buffer)
    }

    #[test]
    fn columns_are_at_their_decades_and_zones_have_styles() {
        let zone = |from, fill| Zone { from, style: Style::new(), fill };
        let histogram = Histogram {
            title: "layer 1".into(),
            style: Style::new(),
            note: "mean 2".into(),
            unit: "Hz",
            edges: &[0.1, 1.0, 10.0, 100.0],
            counts: &[4, 8, 2],
            zero: 6,
            mean: 2.0,
            zones: vec![zone(0.0, PALE), zone(1.0, SOLID)],
        };
        assert_eq!(
            drawn(&histogram, Marker::Ascii, 24, 7),
            [
                "layer 1  mean 2",
                " 40%|         ####",
                "    |....     ####",
                "    |.... ....####",
                "   0|.... ....########",
                "     ---- -----^------",
                "     0    0.1 1   10  Hz",
            ]
            .map(str::to_owned)
        );
        assert_eq!(drawn(&histogram, Marker::Braille, 24, 7)[4], "   0│░░░░ ░░░░████████");
    }

    #[test]
    fn small_areas_and_odd_values_do_not_panic() {
        let many: Vec<f64> = (0..=300).map(|k| 1.1_f64.powi(k)).collect();
        let odd = [
            Histogram::default(),
            Histogram { edges: &[1.0, 10.0], counts: &[1, 2, 3], mean: f64::NAN, ..Histogram::default() },
            Histogram { edges: &[f64::NAN, 0.0, -1.0], counts: &[0, 5], zero: 3, ..Histogram::default() },
            Histogram { edges: &many, counts: &[1; 300], mean: 1e300, unit: "Hz", ..Histogram::default() },
        ];
        for histogram in odd {
            for (width, height) in [(0, 0), (12, 4), (13, 4), (14, 5), (40, 3), (5, 40), (80, 6), (400, 60)] {
                for marker in [Marker::Braille, Marker::Ascii] {
                    drawn(&histogram, marker, width, height);
                }
            }
        }
    }
}
