//! Drawing the content of a panel.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::content::{Content, Line};
use crate::{
    theme::Theme,
    widgets::{
        Axis, Dots, Stroke, spread,
        text::{left, number, right},
    },
};

/// Cells at the left for the label of the rows, including the line.
pub(super) const MARGIN: u16 = 7;

/// Draws into `place`; at its left is the margin, at its right are `names` cells for names of curves.
pub(super) fn draw(content: &Content, x: &Axis, theme: Theme, place: Rect, names: u16, buffer: &mut Buffer) {
    if place.width == 0 || place.height == 0 {
        return;
    }
    match content {
        Content::Raster { rows, names, style } => {
            draw_raster(rows, *style, x, theme, place, buffer);
            draw_ends(theme, place, &ends(names, place), buffer);
        }
        Content::Shades { rows, names, range } => {
            draw_shades(rows, *range, theme, place, buffer);
            draw_ends(theme, place, &ends(names, place), buffer);
        }
        Content::Lines { y, lines, levels, marks } => {
            let axes = (x, y);
            draw_lines(axes, lines, levels, theme, place, buffer);
            for column in marks.iter().filter_map(|&mark| column(x, mark, place.width)) {
                buffer.set_string(place.x + column, place.y, theme.glyph("╷", "|"), theme.bold());
            }
            draw_values(y, theme, place, buffer);
            write_names(axes, lines, place, names, buffer);
        }
    }
}

fn draw_raster(rows: &[Vec<f64>], style: Style, x: &Axis, theme: Theme, place: Rect, buffer: &mut Buffer) {
    let mut dots = Dots::new(place, theme.marker);
    let (width, height) = dots.size();
    for (k, marks) in rows.iter().enumerate() {
        let up = (k as f64 + 0.5) / rows.len() as f64;
        let row = ((1.0 - up) * height as f64) as usize;
        for share in marks.iter().map(|&mark| x.place(mark)).filter(|share| (0.0..1.0).contains(share)) {
            dots.set((share * width as f64) as usize, row, style);
        }
    }
    dots.draw(buffer);
}

/// Each cell shows the mean of the values within it; a cell between two values shows the one before it.
fn draw_shades(rows: &[Vec<f32>], range: (f64, f64), theme: Theme, place: Rect, buffer: &mut Buffer) {
    let part = |k: u16, of: u16, all: usize| {
        let begin = usize::from(k) * all / usize::from(of);
        begin..((usize::from(k) + 1) * all).div_ceil(usize::from(of)).min(all).max(begin + 1).min(all)
    };
    for row in 0..place.height {
        for column in 0..place.width {
            let (mut sum, mut number) = (0.0, 0_u32);
            for values in &rows[part(row, place.height, rows.len())] {
                for value in &values[part(column, place.width, values.len())] {
                    if value.is_finite() {
                        (sum, number) = (sum + f64::from(*value), number + 1);
                    }
                }
            }
            if number > 0 {
                let share = (sum / f64::from(number) - range.0) / (range.1 - range.0);
                let (glyph, style) = theme.shade(share);
                let cell = &mut buffer[(place.x + column, place.bottom() - 1 - row)];
                cell.set_char(glyph).set_style(style);
            }
        }
    }
}

fn draw_lines(
    (x, y): (&Axis, &Axis),
    lines: &[Line],
    levels: &[f64],
    theme: Theme,
    place: Rect,
    buffer: &mut Buffer,
) {
    let mut dots = Dots::new(place, theme.marker);
    let (right, bottom) = (dots.size().0 as f64, dots.size().1 as f64 - 1.0);
    // In the same column as the same time in a raster.
    let at = |(time, value): (f64, f64)| {
        ((x.place(time) * right).floor().min(right - 1.0), (1.0 - y.place(value)) * bottom)
    };
    for &level in levels {
        let row = at((x.low, level)).1;
        Stroke::Faint.draw(&mut dots, (0.0, row), (right - 1.0, row), 0.0, theme.dim());
    }
    for (k, line) in lines.iter().enumerate() {
        // The gaps of adjacent lines are at different positions.
        let (mut before, mut length) = (None, k as f64);
        for &point in &line.points {
            let to = Some(at(point)).filter(|to| to.0.is_finite() && to.1.is_finite());
            if let Some(to) = to {
                length = line.stroke.draw(&mut dots, before.unwrap_or(to), to, length, line.style);
            }
            before = to;
        }
    }
    dots.draw(buffer);
}

/// Labels of the vertical axis.
fn draw_values(y: &Axis, theme: Theme, place: Rect, buffer: &mut Buffer) {
    // Limits are round numbers; with little space, they are more informative than values between them.
    let ends = || [y.low, y.high].map(|value| (value, number(value))).to_vec();
    let ticks = if place.height < 6 { ends() } else { y.ticks(usize::from(place.height / 2)) };
    let row = |value: f64| {
        let row = ((1.0 - y.place(value)) * f64::from(place.height - 1)).round();
        (0.0..f64::from(place.height)).contains(&row).then_some(row as u16)
    };
    let mut texts: Vec<_> =
        ticks.iter().filter_map(|(value, text)| Some((row(*value)?, text.as_str()))).collect();
    if !y.label.is_empty() {
        texts.retain(|(row, _)| row + 1 != place.height);
        texts.push((place.height - 1, &y.label));
    }
    draw_ends(theme, place, &texts, buffer);
}

/// Names of curves at their ends. Names in the same row are moved apart; if there are too many, those of the curves in the background are
/// omitted.
fn write_names((x, y): (&Axis, &Axis), lines: &[Line], place: Rect, cells: u16, buffer: &mut Buffer) {
    let bottom = f64::from(place.height) - 1.0;
    let end = |line: &Line| {
        let there = |&&(time, value): &&(f64, f64)| x.place(time).is_finite() && y.place(value).is_finite();
        let &(_, value) = line.points.iter().rev().find(there)?;
        Some((1.0 - y.place(value)) * bottom)
    };
    let named = lines.iter().rev().filter(|line| !line.name.is_empty());
    let mut ends: Vec<(f64, &Line)> = named.filter_map(|line| Some((end(line)?, line))).collect();
    ends.truncate(usize::from(place.height));
    let rows = spread(&ends.iter().map(|end| end.0).collect::<Vec<_>>(), usize::from(place.height));
    for ((_, line), row) in ends.into_iter().zip(rows) {
        draw_name(place, row as u16, &line.name, cells, line.style, buffer);
    }
}

/// The column of a value, from the left of an axis of this width.
pub(super) fn column(axis: &Axis, value: f64, cells: u16) -> Option<u16> {
    let column = (axis.place(value) * f64::from(cells)).floor();
    // The end of the axis is in the last column.
    let column = if column == f64::from(cells) { column - 1.0 } else { column };
    (0.0..f64::from(cells)).contains(&column).then_some(column as u16)
}

/// The names of the first and the last row.
fn ends(names: &[String], place: Rect) -> Vec<(u16, &str)> {
    let last = names.last().filter(|_| names.len() > 1);
    let ends = [(place.height - 1, names.first()), (0, last)];
    ends.into_iter().map(|(row, name)| (row, name.map_or("", String::as_str))).collect()
}

/// The label of the rows of a lane, in the margin of the area to its right.
fn draw_ends(theme: Theme, place: Rect, texts: &[(u16, &str)], buffer: &mut Buffer) {
    let cells = usize::from(MARGIN - 1);
    for (row, text) in texts {
        let y = place.y + row;
        buffer.set_string(place.x - MARGIN, y, right(text, cells), Style::new());
        buffer.set_string(place.x - 1, y, theme.glyph("┤", "+"), theme.dim());
    }
}

/// A name at the right end of a curve.
fn draw_name(place: Rect, row: u16, name: &str, cells: u16, style: Style, buffer: &mut Buffer) {
    if cells > 1 {
        let name = left(name, usize::from(cells) - 1);
        buffer.set_string(place.right() + 1, place.y + row, name, style);
    }
}
