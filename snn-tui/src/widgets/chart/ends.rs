//! Letters, names and last values at the ends of curves.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::content::{EDGE, Plot, Series};
use crate::{
    theme::Theme,
    widgets::{
        spread,
        text::{fit, fit_middle, left, number, right, width},
    },
};

/// Minimum width of names.
const NAME: usize = 6;

/// The labels of the curves.
pub(super) struct Ends<'a> {
    labels: Vec<Label<'a>>,
    /// Widths of names and values; both 0 if there is no space.
    name: usize,
    value: usize,
    /// Whether any curve has a letter.
    lettered: bool,
}

struct Label<'a> {
    series: &'a Series,
    value: String,
    /// The end of its curve.
    y: f64,
}

impl<'a> Ends<'a> {
    /// The labels for a plot of this width.
    pub(super) fn of(plot: &'a Plot, columns: u16) -> Self {
        let label = |series: &'a Series| {
            // Of the visible part, if the plot is zoomed.
            let (_, y) = series.there().rev().find(|(x, _)| plot.x.place(*x) <= 1.0 + EDGE)?;
            let value = match plot.crosshair {
                Some(x) => series.at(x).map_or_else(|| "-".to_owned(), |(_, y)| number(y)),
                None => number(y),
            };
            Some(Label { series, value, y })
        };
        let labels: Vec<Label<'_>> = plot.series.iter().filter_map(label).collect();
        let lettered = labels.iter().any(|label| label.series.letter.is_some());
        let letter = if lettered { 2 } else { 0 };
        let most = usize::from(columns) / 3;
        let widest = |pick: fn(&Label<'_>) -> usize| labels.iter().map(pick).max().unwrap_or(0);
        let value = widest(|label| width(&label.value));
        let names = widest(|label| width(&label.series.name));
        let rest = most.saturating_sub(letter + value + 1);
        let (name, value) = match (names, rest) {
            _ if letter + value > most => (0, 0),
            (0, _) => (0, value),
            (_, rest) if rest < NAME => (0, value),
            (names, rest) => (names.min(rest), value),
        };
        Self { labels, name, value, lettered }
    }

    /// Their width, with the gap before them.
    pub(super) fn width(&self) -> u16 {
        if self.value == 0 {
            return 0;
        }
        let letter = if self.lettered { 2 } else { 0 };
        let name = if self.name > 0 { self.name + 1 } else { 0 };
        (1 + letter + name + self.value) as u16
    }

    /// Draws them at the right of `inner`, each near the row where its curve ends.
    pub(super) fn draw(&self, plot: &Plot, theme: Theme, inner: Rect, buffer: &mut Buffer) {
        if self.value == 0 || inner.height == 0 {
            return;
        }
        let rows = usize::from(inner.height);
        let mut shown: Vec<&Label<'_>> = self.labels.iter().collect();
        // The selected curve first, then curves before their dotted companions.
        if shown.len() > rows {
            shown.sort_by_key(|label| (!label.series.chosen, label.series.dotted));
            shown.truncate(rows - 1);
        }
        let hidden = self.labels.len() - shown.len();
        let free = rows - usize::from(hidden > 0);
        let bottom = f64::from(inner.height) - 1.0;
        let wanted: Vec<f64> =
            shown.iter().map(|label| ((1.0 - plot.y.place(label.y)) * bottom).clamp(0.0, bottom)).collect();
        let x = inner.right() + 1;
        for (label, row) in shown.iter().zip(spread(&wanted, free)) {
            let Series { letter, name, color, chosen, .. } = label.series;
            let mut text = String::new();
            if self.lettered {
                text.extend([letter.unwrap_or(' '), ' ']);
            }
            if self.name > 0 {
                text += &left(&fit_middle(name, self.name), self.name + 1);
            }
            text += &right(&label.value, self.value);
            let style = theme.series(*color);
            let style = if *chosen { style.patch(theme.bold()) } else { style };
            buffer.set_string(x, inner.y + row as u16, text, style);
        }
        if hidden > 0 {
            let room = usize::from(self.width()) - 1;
            let text = format!("and {hidden} more");
            let text = if width(&text) <= room { text } else { fit(&format!("+{hidden}"), room) };
            buffer.set_string(x, inner.bottom() - 1, text, theme.dim());
        }
    }

    /// Writes each letter at the end of its curve and, if there are several, once along it where nothing else is written.
    pub(super) fn draw_letters(
        plot: &Plot,
        column: impl Fn(f64) -> Option<u16>,
        theme: Theme,
        inner: Rect,
        buffer: &mut Buffer,
    ) {
        let mut taken: Vec<(u16, u16)> = Vec::new();
        let lettered = || plot.series.iter().filter(|series| series.letter.is_some());
        let number = lettered().count();
        let bottom = f64::from(inner.height) - 1.0;
        let cells = |series: &Series| -> Vec<(u16, u16)> {
            let place = |&(x, y): &(f64, f64)| {
                let row = ((1.0 - plot.y.place(y)) * bottom).round();
                Some((column(x)?, row)).filter(|(_, row)| (0.0..=bottom).contains(row))
            };
            series.points.iter().filter_map(place).map(|(x, row)| (x, row as u16)).collect()
        };
        for (k, series) in lettered().enumerate() {
            let cells = cells(series);
            let style: Style = theme.series(series.color).patch(theme.bold());
            let mut write = |mut candidates: Box<dyn Iterator<Item = (u16, u16)> + '_>| {
                // A position next to another letter is as bad as the same position.
                let is_free = |&(x, y): &(u16, u16)| {
                    !taken.iter().any(|&(other, row)| row == y && other.abs_diff(x) < 2)
                };
                if let Some(cell) = candidates.find(is_free) {
                    taken.push(cell);
                    let letter = series.letter.unwrap_or(' ').to_string();
                    buffer.set_string(inner.x + cell.0, inner.y + cell.1, letter, style);
                }
            };
            write(Box::new(cells.iter().rev().copied()));
            if number > 1 && cells.len() >= 8 && inner.width >= 30 {
                // Not all at the same x, where curves may overlap.
                let from = cells.len() * (k + 1) / (number + 2);
                write(Box::new(cells.get(from..cells.len() - 4).unwrap_or_default().iter().copied()));
            }
        }
    }
}
