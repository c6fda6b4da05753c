//! Maps: a value in every cell of a grid, as a patch of color or as a glyph.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::text::{fit, number, right, width};
use crate::theme::Theme;

/// A grid of values with names along its sides.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Map {
    /// The quantity along the columns, and the names of the columns.
    pub(crate) x: (String, Vec<String>),
    /// The quantity along the rows, and the names of the rows, the first at the bottom unless `from_top`.
    pub(crate) y: (String, Vec<String>),
    pub(crate) from_top: bool,
    /// By row, then column.
    pub(crate) cells: Vec<Vec<Cell>>,
    /// Values of the darkest and the brightest shade; the first may be the higher one.
    pub(crate) range: (f64, f64),
    /// Row and column under the cursor.
    pub(crate) cursor: Option<(usize, usize)>,
}

/// A cell of a map.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Cell {
    /// The value; `None` leaves the cell without a shade.
    pub(crate) value: Option<f64>,
    /// The text in the cell, as much of it as fits.
    pub(crate) text: String,
}

impl Map {
    /// The width in which all of it is visible, at the preferred width of cells.
    pub(crate) fn width(&self) -> usize {
        let margin = self.y.1.iter().map(|name| width(name)).max().unwrap_or(0);
        let titles = width(&self.y.0).max(margin + 1 + width(&self.x.0));
        titles.max(margin + 1 + self.x.1.len() * self.cell_width())
    }

    /// The height in which all of it is visible.
    pub(crate) fn height(&self) -> usize {
        self.y.1.len() * if self.cell_width() >= 8 { 3 } else { 2 } + 3
    }

    /// Width of a cell, if there is space.
    fn cell_width(&self) -> usize {
        let written = self.cells.iter().flatten().map(|cell| width(&cell.text)).max().unwrap_or(0);
        let named = self.x.1.iter().map(|name| width(name)).max().unwrap_or(0);
        (written.max(named) + 1).clamp(3, 10)
    }

    /// Draws the map; if it is too large, the part around the cursor. Returns the places of the drawn cells, each with row and column.
    pub(crate) fn draw(&self, theme: Theme, area: Rect, buffer: &mut Buffer) -> Vec<(Rect, (usize, usize))> {
        let (rows, columns) = (self.y.1.len(), self.x.1.len());
        let mut places = Vec::new();
        if area.width < 4 || area.height < 3 || rows == 0 || columns == 0 {
            return places;
        }
        let margin =
            self.y.1.iter().map(|name| width(name)).max().unwrap_or(0).min(usize::from(area.width) / 3);
        let room = Rect::new(
            area.x + margin as u16 + 1,
            area.y + 1,
            area.width - margin as u16 - 1,
            area.height - 3,
        );
        let wide = (usize::from(room.width) / columns).clamp(1, self.cell_width());
        let high = (usize::from(room.height) / rows).clamp(1, if wide >= 8 { 3 } else { 2 });
        let (shown_columns, shown_rows) = (usize::from(room.width) / wide, usize::from(room.height) / high);
        let (row, column) = self.cursor.unwrap_or((0, 0));
        let first_column = first_shown(column, columns, shown_columns);
        let first_row = first_shown(row, rows, shown_rows);

        let note = if shown_rows < rows || shown_columns < columns { " (part)" } else { "" };
        let title = fit(&format!("{}{note}", self.y.0), usize::from(area.width));
        buffer.set_string(area.x, area.y, title, theme.dim());
        let drawn = shown_rows.min(rows - first_row);
        for k in 0..drawn {
            let row = first_row + k;
            let up = if self.from_top { k } else { drawn - 1 - k };
            let y = room.y + (up * high) as u16;
            buffer.set_string(area.x, y, right(&self.y.1[row], margin), Style::new());
            for column in (first_column..columns).take(shown_columns) {
                let x = room.x + ((column - first_column) * wide) as u16;
                let place = Rect::new(x, y, wide as u16, high as u16);
                self.draw_cell(theme, (row, column), place, buffer);
                places.push((place, (row, column)));
            }
        }
        let below = room.y + (drawn * high) as u16;
        let mut free = room.x;
        for column in (first_column..columns).take(shown_columns) {
            let x = room.x + ((column - first_column) * wide) as u16;
            let name = &self.x.1[column];
            if x >= free && usize::from(x - area.x) + width(name) <= usize::from(area.width) {
                buffer.set_string(x, below, name, Style::new());
                free = x + width(name) as u16 + 1;
            }
        }
        let name = fit(&self.x.0, usize::from(room.width));
        buffer.set_string(room.x, below + 1, name, theme.dim());
        places
    }

    fn draw_cell(&self, theme: Theme, (row, column): (usize, usize), place: Rect, buffer: &mut Buffer) {
        let nothing = Cell::default();
        let cell = self.cells.get(row).and_then(|cells| cells.get(column)).unwrap_or(&nothing);
        let span = self.range.1 - self.range.0;
        let share = cell.value.map(|value| if span == 0.0 { 0.5 } else { (value - self.range.0) / span });
        let (glyph, mut style) = share.map_or((' ', Style::new()), |share| theme.shade(share));
        if self.cursor == Some((row, column)) {
            style = style.add_modifier(ratatui::style::Modifier::REVERSED);
        }
        let fill = glyph.to_string().repeat(usize::from(place.width));
        // A number among glyphs would be hard to read, so it is below them, if there is space.
        let has_text = !cell.text.is_empty() && width(&cell.text) < usize::from(place.width).max(2);
        for y in place.top()..place.bottom() {
            let blank = has_text && y == place.y;
            let fill = if blank { " ".repeat(usize::from(place.width)) } else { fill.clone() };
            buffer.set_string(place.x, y, &fill, style);
        }
        // A gap to the next cell, if cells are filled with glyphs instead of colors.
        let cells = usize::from(place.width).saturating_sub(1).max(1);
        if has_text {
            buffer.set_string(place.x, place.y, right(&cell.text, cells), style);
        }
    }
}

/// The index of the first visible item when `shown` of `all` fit, so that the one at `cursor` is among them.
pub(crate) fn first_shown(cursor: usize, all: usize, shown: usize) -> usize {
    cursor.saturating_sub(shown / 2).min(all.saturating_sub(shown))
}

/// A legend of shades from `low` to `high`, on one line. Returns the number of columns used.
pub(crate) fn color_bar(theme: Theme, (low, high): (f64, f64), area: Rect, buffer: &mut Buffer) -> u16 {
    let (low, high) = (number(low), number(high));
    let room = usize::from(area.width).saturating_sub(width(&low) + width(&high) + 2).min(30);
    if area.height == 0 || room < 4 {
        return 0;
    }
    buffer.set_string(area.x, area.y, &low, Style::new());
    let x = area.x + width(&low) as u16 + 1;
    for k in 0..room {
        let (glyph, style) = theme.shade((k as f64 + 0.5) / room as f64);
        buffer.set_string(x + k as u16, area.y, glyph.to_string(), style);
    }
    buffer.set_string(x + room as u16 + 1, area.y, &high, Style::new());
    (width(&low) + room + width(&high) + 2) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        theme::{Colors, Marker},
        widgets::text::tests::lines,
    };

    fn map(rows: usize, columns: usize) -> Map {
        let names = |number| (0..number).map(|k| format!("{k}")).collect::<Vec<_>>();
        let cell = |value: usize| Cell { value: Some(value as f64), text: String::new() };
        Map {
            x: ("eta".into(), names(columns)),
            y: ("beta".into(), names(rows)),
            cells: (0..rows)
                .map(|row| (0..columns).map(|column| cell(row * columns + column)).collect())
                .collect(),
            range: (0.0, (rows * columns - 1) as f64),
            ..Map::default()
        }
    }

    fn drawn(map: &Map, width: u16, height: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        map.draw(Theme { colors: Colors::None, marker: Marker::Ascii }, area, &mut buffer);
        lines(&buffer)
    }

    #[test]
    fn rows_start_at_the_bottom_and_shades_show_values() {
        assert_eq!(
            drawn(&map(2, 3), 12, 5),
            ["beta", "1 ***%%%@@@", "0    :::===", "  0  1  2", "  eta"].map(str::to_owned)
        );
        let mut one = map(2, 3);
        one.range = (5.0, 0.0);
        assert_eq!(drawn(&one, 12, 5)[1], "1 ===:::   ".trim_end(), "the lowest is the brightest");
        assert_eq!((one.width(), one.height()), (11, 7));
        one.range = (0.0, 5.0);
        one.cells[1][0] = Cell { value: None, text: "?".into() };
        assert_eq!(drawn(&one, 12, 5)[1], "1  ? %%%@@@");
    }

    #[test]
    fn the_part_of_a_large_map_around_the_cursor_is_shown() {
        let large = Map { cursor: Some((50, 90)), ..map(100, 100) };
        let text = drawn(&large, 30, 10).join("\n");
        assert!(text.contains("beta (part)") && text.contains("50 ") && text.contains(" 91 "), "{text}");
        let area = Rect::new(0, 0, 30, 10);
        let places =
            large.draw(Theme { colors: Colors::None, marker: Marker::Ascii }, area, &mut Buffer::empty(area));
        let here = places.iter().find(|(_, cell)| *cell == (50, 90)).unwrap();
        assert!(here.0.height == 1 && places.iter().all(|(place, _)| area.intersection(*place) == *place));
        for (width, height) in [(0, 0), (3, 3), (4, 3), (5, 50), (300, 4)] {
            drawn(&large, width, height);
        }
        drawn(&Map::default(), 20, 20);
    }
}
