//! Stacked panels along one horizontal axis: simultaneous events are in the same column.

mod content;
mod drawing;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    Axis,
    text::{fit, width},
};
use crate::theme::{Marker, Theme};
use drawing::{MARGIN, column};

pub(crate) use super::stroke::Stroke;
pub(crate) use content::{Content, Line};

/// Panels with a common axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Lanes {
    pub(crate) x: Axis,
    /// From top to bottom.
    pub(crate) lanes: Vec<Lane>,
    /// A position on the axis, marked in all of them.
    pub(crate) cursor: Option<f64>,
}

/// One panel.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Lane {
    pub(crate) title: String,
    /// A note after the title, in a weaker style.
    pub(crate) note: String,
    pub(crate) content: Content,
    /// The share of the space: a lane of weight 2 gets twice that of weight 1.
    pub(crate) weight: usize,
}

/// Minimum number of rows of a lane: its title and two.
pub(crate) const LEAST: u16 = 3;
/// Maximum number of cells at the right for names of curves.
const NAMES: usize = 10;

impl Lanes {
    /// The number of lanes that fit.
    pub(crate) fn capacity(height: u16) -> usize {
        usize::from(height.saturating_sub(1) / LEAST)
    }

    /// Draws as many lanes as fit, from the top, and the axis below.
    pub(crate) fn draw(&self, theme: Theme, area: Rect, buffer: &mut Buffer) {
        let shown = &self.lanes[..self.lanes.len().min(Self::capacity(area.height))];
        if shown.is_empty() || area.width < MARGIN + 8 {
            return;
        }
        let names = shown.iter().flat_map(Lane::names).map(width).max().unwrap_or(0).min(NAMES);
        // A name is one cell away from its curve.
        let names = if names > 0 { names as u16 + 1 } else { 0 };
        let names = if area.width >= MARGIN + names + 16 { names } else { 0 };
        let inner = Rect { x: area.x + MARGIN, width: area.width - MARGIN - names, ..area };
        let mut y = area.y;
        for (lane, height) in shown.iter().zip(share(shown, area.height - 1, theme)) {
            let room = usize::from(area.width);
            let title = fit(&lane.title, room);
            buffer.set_string(area.x, y, &title, theme.bold());
            let rest = room.saturating_sub(width(&title) + 2);
            if rest > 3 {
                buffer.set_string(area.x + width(&title) as u16 + 2, y, fit(&lane.note, rest), theme.dim());
            }
            let place = Rect { y: y + 1, height: height - 1, ..inner };
            for row in place.top()..place.bottom() {
                buffer.set_string(place.x - 1, row, theme.glyph("│", "|"), theme.dim());
            }
            drawing::draw(&lane.content, &self.x, theme, place, names, buffer);
            self.draw_cursor(theme, place, buffer);
            y += height;
        }
        self.draw_axis(theme, Rect { y, height: 1, ..inner }, buffer);
    }

    fn draw_cursor(&self, theme: Theme, place: Rect, buffer: &mut Buffer) {
        let Some(column) = self.cursor.and_then(|x| column(&self.x, x, place.width)) else { return };
        for y in place.top()..place.bottom() {
            let cell = &mut buffer[(place.x + column, y)];
            if cell.symbol() == " " {
                cell.set_symbol(theme.glyph("│", "|")).set_style(theme.dim());
            }
        }
    }

    fn draw_axis(&self, theme: Theme, place: Rect, buffer: &mut Buffer) {
        let label = fit(&self.x.label, usize::from(place.width / 2));
        let end = place.right() - width(&label) as u16;
        let mut free = place.x.saturating_sub(2);
        for (value, text) in self.x.ticks(usize::from(place.width / 10) + 1) {
            let Some(column) = column(&self.x, value, place.width) else { continue };
            let cells = width(&text) as u16;
            let x = (place.x + column).saturating_sub(cells / 2);
            if x >= free && x + cells < end {
                buffer.set_string(x, place.y, &text, Style::new());
                free = x + cells + 1;
            }
        }
        buffer.set_string(end, place.y, label, theme.dim());
    }
}

impl Lane {
    fn names(&self) -> impl Iterator<Item = &str> {
        let lines = if let Content::Lines { lines, .. } = &self.content { &lines[..] } else { &[] };
        lines.iter().map(|line| line.name.as_str())
    }

    /// The number of rows beyond which more space shows nothing more.
    fn most(&self, theme: Theme) -> usize {
        let per_cell = if theme.marker == Marker::Braille { 4 } else { 2 };
        match &self.content {
            Content::Raster { rows, .. } => 1 + rows.len().div_ceil(per_cell).max(2),
            Content::Shades { rows, .. } => 1 + rows.len().max(2),
            Content::Lines { .. } => usize::MAX,
        }
    }
}

/// Rows of each lane: first the minimum, then row by row to the lane with the least for its weight. Rows that would show nothing more
/// remain unused.
fn share(lanes: &[Lane], height: u16, theme: Theme) -> Vec<u16> {
    let mut rows = vec![LEAST; lanes.len()];
    for _ in usize::from(LEAST) * lanes.len()..usize::from(height) {
        let wanting = (0..lanes.len()).filter(|&k| usize::from(rows[k]) < lanes[k].most(theme));
        let poor = |&k: &usize| usize::from(rows[k] - 1) * 1000 / lanes[k].weight.max(1);
        let Some(next) = wanting.min_by_key(poor) else { break };
        rows[next] += 1;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        theme::{Colors, Marker},
        widgets::{AxisScale, text::tests::lines},
    };

    const PLAIN: Theme = Theme { colors: Colors::None, marker: Marker::Ascii };

    fn raster() -> Lane {
        let rows = vec![vec![0.0], vec![], vec![5.0, 9.99], vec![]];
        let names = (0..4).map(|k| k.to_string()).collect();
        let content = Content::Raster { rows, names, style: Style::new() };
        Lane { title: "input".into(), note: "4 units".into(), content, weight: 1 }
    }

    fn curve() -> Lane {
        let line = Line {
            name: "up".into(),
            points: (0..=10).map(|k| (f64::from(k), f64::from(k))).collect(),
            ..Line::default()
        };
        let lines = vec![line];
        let y = Axis::new("", 0.0, 10.0);
        let content = Content::Lines { y, lines, levels: Vec::new(), marks: vec![2.5] };
        Lane { title: "out".into(), content, weight: 1, ..Lane::default() }
    }

    fn drawn(lanes: &Lanes, width: u16, height: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        lanes.draw(PLAIN, area, &mut buffer);
        lines(&buffer)
    }

    #[test]
    fn simultaneous_events_are_in_one_column() {
        let lanes = Lanes { x: Axis::new("ms", 0.0, 10.0), lanes: vec![raster(), curve()], cursor: None };
        assert_eq!(
            drawn(&lanes, 30, 8),
            [
                "input  4 units",
                "     3+          .        .",
                "     0+.",
                "out",
                "    10+     |         ...'' up",
                "      |       ....''''",
                "     0+...''''",
                "       0         5       ms",
            ]
            .map(str::to_owned)
        );
    }

    #[test]
    fn rows_go_to_lanes_that_use_them() {
        let height = |lanes: &[Lane], height| share(lanes, height, PLAIN);
        assert_eq!(height(&[raster(), curve()], 20), [3, 17], "four units take two rows");
        let heavy = Lane { weight: 3, ..curve() };
        assert_eq!(height(&[heavy, curve()], 18), [13, 5]);
        assert_eq!(height(&[raster()], 20), [3]);
    }

    #[test]
    fn small_areas_and_odd_values_do_not_panic() {
        let odd = [f64::NAN, f64::INFINITY, -1.0, 1e300, 10.0];
        let rows = vec![odd.to_vec(), Vec::new()];
        let names = || vec!["a very long name".to_owned(), String::new()];
        let points = vec![(f64::NAN, 0.0), (0.0, 1e300), (5.0, -1e300), (1e300, 1.0), (3.0, f64::INFINITY)];
        let line = |stroke| Line { name: "n".into(), points: points.clone(), stroke, ..Line::default() };
        let lines = vec![line(Stroke::Solid), line(Stroke::Dashed), line(Stroke::Dotted)];
        let shades = vec![vec![f32::NAN, 1.0], Vec::new(), vec![3.0; 1000]];
        let y = Axis::around("", AxisScale::Logarithmic, [1e-9, 1.0]);
        let contents = [
            Content::Raster { rows, names: names(), style: Style::new() },
            Content::Raster { rows: Vec::new(), names: names(), style: Style::new() },
            Content::Shades { rows: shades, names: names(), range: (0.0, f64::NAN) },
            Content::Shades { rows: Vec::new(), names: Vec::new(), range: (1.0, 1.0) },
            Content::Lines { y, lines, levels: odd.to_vec(), marks: odd.to_vec() },
            Content::default(),
        ];
        let lanes: Vec<_> = contents.into_iter().map(|content| Lane { content, ..Lane::default() }).collect();
        for x in
            [Axis::new("epoch", 0.0, 10.0), Axis::around("", AxisScale::Logarithmic, [1.0]), Axis::default()]
        {
            for cursor in [None, Some(5.0), Some(f64::NAN), Some(1e300)] {
                let lanes = Lanes { x: x.clone(), lanes: lanes.clone(), cursor };
                for (width, height) in
                    [(0, 0), (1, 1), (8, 9), (15, 4), (16, 30), (80, 24), (5, 60), (200, 60)]
                {
                    drawn(&lanes, width, height);
                }
            }
        }
    }
}
