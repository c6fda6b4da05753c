//! A grid of dots finer than the cells of the terminal.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::theme::Marker;

/// Dots within an area: two by four per cell in braille, otherwise one by two.
///
/// A cell has one style: that of the dot set last.
pub(crate) struct Dots {
    area: Rect,
    marker: Marker,
    cells: Vec<(u8, Style)>,
}

/// Bits of a braille glyph by column and row.
const BRAILLE: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

impl Dots {
    pub(crate) fn new(area: Rect, marker: Marker) -> Self {
        let cells = usize::from(area.width) * usize::from(area.height);
        Self { area, marker, cells: vec![(0, Style::new()); cells] }
    }

    /// Dots along a row and along a column.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (columns, rows) = self.per_cell();
        (usize::from(self.area.width) * columns, usize::from(self.area.height) * rows)
    }

    fn per_cell(&self) -> (usize, usize) {
        if self.marker == Marker::Braille { (2, 4) } else { (1, 2) }
    }

    /// Sets the dot in column `x` from the left and row `y` from the top; dots outside are ignored.
    pub(crate) fn set(&mut self, x: usize, y: usize, style: Style) {
        let (width, height) = self.size();
        if x >= width || y >= height {
            return;
        }
        let (columns, rows) = self.per_cell();
        let cell = &mut self.cells[y / rows * usize::from(self.area.width) + x / columns];
        cell.0 |= if columns == 2 { BRAILLE[x % 2][y % 4] } else { 1 << (y % 2) };
        cell.1 = style;
    }

    /// A straight line between two dots, including its ends, clipped to the grid.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), style: Style) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        if !(dx.is_finite() && dy.is_finite()) {
            return;
        }
        let (width, height) = self.size();
        // The part of the line, from 0 to 1, that is inside (Liang & Barsky).
        let (mut begin, mut end) = (0.0_f64, 1.0_f64);
        for (start, delta, limit) in [(from.0, dx, width as f64 - 1.0), (from.1, dy, height as f64 - 1.0)] {
            let (low, high) = ((-0.5 - start) / delta, (limit + 0.49 - start) / delta);
            if delta == 0.0 {
                if start < -0.5 || start > limit + 0.49 {
                    return;
                }
                continue;
            }
            begin = begin.max(low.min(high));
            end = end.min(low.max(high));
        }
        if begin > end {
            return;
        }
        let length = (dx.abs().max(dy.abs()) * (end - begin)).ceil().max(1.0);
        for step in 0..=length as usize {
            let share = begin + (end - begin) * step as f64 / length;
            let (x, y) = ((from.0 + share * dx).round(), (from.1 + share * dy).round());
            if x >= 0.0 && y >= 0.0 {
                self.set(x as usize, y as usize, style);
            }
        }
    }

    /// Writes all cells that have a dot.
    pub(crate) fn draw(&self, buffer: &mut Buffer) {
        for (index, &(bits, style)) in self.cells.iter().enumerate() {
            if bits == 0 {
                continue;
            }
            let width = usize::from(self.area.width);
            let position = (self.area.x + (index % width) as u16, self.area.y + (index / width) as u16);
            let glyph = match (self.marker, bits) {
                (Marker::Braille, bits) => char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' '),
                (Marker::HalfBlock, 1) => '▀',
                (Marker::HalfBlock, 2) => '▄',
                (Marker::HalfBlock, _) => '█',
                (Marker::Ascii, 1) => '\'',
                (Marker::Ascii, 2) => '.',
                (Marker::Ascii, _) => ':',
            };
            if let Some(cell) = buffer.cell_mut(position) {
                cell.set_char(glyph).set_style(style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::text::tests::lines;

    fn drawn(marker: Marker, paint: impl Fn(&mut Dots)) -> Vec<String> {
        let area = Rect::new(0, 0, 4, 2);
        let (mut buffer, mut dots) = (Buffer::empty(area), Dots::new(area, marker));
        paint(&mut dots);
        dots.draw(&mut buffer);
        lines(&buffer)
    }

    #[test]
    fn dots_appear_where_they_are_set() {
        let corners = |dots: &mut Dots| {
            let (width, height) = dots.size();
            for (x, y) in
                [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1), (width, 0), (0, height)]
            {
                dots.set(x, y, Style::new());
            }
        };
        assert_eq!(drawn(Marker::Braille, corners), ["⠁  ⠈", "⡀  ⢀"]);
        assert_eq!(drawn(Marker::HalfBlock, corners), ["▀  ▀", "▄  ▄"]);
        assert_eq!(drawn(Marker::Ascii, corners), ["'  '", ".  ."]);
    }

    #[test]
    fn lines_are_clipped_at_the_border() {
        let diagonal = |dots: &mut Dots| dots.line((-100.0, -100.0), (100.0, 100.0), Style::new());
        assert_eq!(drawn(Marker::Ascii, diagonal), ["'.", "  '."]);
        let far = |dots: &mut Dots| dots.line((-5.0, 1.0), (-1.0, 1e300), Style::new());
        assert_eq!(drawn(Marker::Braille, far), ["", ""]);
        let point = |dots: &mut Dots| dots.line((1.0, 1.0), (1.0, 1.0), Style::new());
        assert_eq!(drawn(Marker::HalfBlock, point), [" ▄", ""]);
        let nowhere = |dots: &mut Dots| dots.line((f64::NAN, 1.0), (1.0, 1.0), Style::new());
        assert_eq!(drawn(Marker::Braille, nowhere), ["", ""]);
    }
}
