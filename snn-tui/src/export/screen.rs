//! A screen as the terminal shows it, but independent of its fonts: braille and blocks are drawn as shapes.

use std::fmt::Write as _;

use anyhow::Result;
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::Modifier,
};
use snn_plot::{Anchor, Canvas, Color};

use super::{
    scale::of_terminal,
    target::{DOTS_PER_INCH, Format},
};
use crate::{screens, state::UiState};

/// Size of a cell.
const CELL: (f64, f64) = (8.4, 17.0);
const TEXT: f64 = 14.0;
const FONT: &str = "DejaVu Sans Mono, Menlo, Consolas, monospace";
const INK: Color = Color(0xd8, 0xd8, 0xd8);
const PAPER: Color = Color(0x16, 0x18, 0x1d);
/// Transparency of dim text and shapes.
const DIM: f64 = 0.45;

/// The screen with this number of columns and rows.
pub(super) fn render(state: &UiState, (width, height): (u16, u16), format: Format) -> Result<Vec<u8>> {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    screens::draw(state, area, &mut buffer);
    Ok(match format {
        // SVG viewers have a monospaced font.
        Format::Svg => to_svg(&buffer).into_bytes(),
        Format::Pdf => to_canvas(&buffer).to_pdf()?,
        Format::Png => to_canvas(&buffer).to_png(0.5 * DOTS_PER_INCH)?,
    })
}

/// Shapes to draw, in points from the upper left.
enum Shape {
    Rect {
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        color: Color,
    },
    /// Cells of the same style, with their text.
    Text {
        x: f64,
        y: f64,
        cells: u16,
        text: String,
        color: Color,
        bold: bool,
    },
}

fn size(buffer: &Buffer) -> (f64, f64) {
    // Widths of cells are not binary fractions.
    let round = |length: f64| (10.0 * length).round() / 10.0;
    (round(f64::from(buffer.area.width) * CELL.0), round(f64::from(buffer.area.height) * CELL.1))
}

fn to_svg(buffer: &Buffer) -> String {
    let (width, height) = size(buffer);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"{FONT}\" font-size=\"{TEXT}\">\n<rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n"
    );
    for shape in shapes(buffer) {
        // Writing to a string cannot fail.
        let _ = match shape {
            Shape::Rect { x, y, width, height, color } => writeln!(
                svg,
                "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{color}\"/>"
            ),
            Shape::Text { x, y, cells, text, color, bold } => {
                let weight = if bold { " font-weight=\"bold\"" } else { "" };
                let length = f64::from(cells) * CELL.0;
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{color}\"{weight} textLength=\"{length:.1}\" \
                     xml:space=\"preserve\">{text}</text>",
                    y + 0.76 * CELL.1
                )
            }
        };
    }
    svg + "</svg>\n"
}

fn to_canvas(buffer: &Buffer) -> Canvas {
    let (width, height) = size(buffer);
    let mut canvas = Canvas::new(width, height, "snn-tui");
    canvas.rect(canvas.page(), PAPER);
    for shape in shapes(buffer) {
        match shape {
            Shape::Rect { x, y, width, height, color } => {
                canvas.rect(snn_plot::Rect::new(x, y, width, height), color);
            }
            // Letters of the built-in font have different widths: each is centered in its cell.
            Shape::Text { x, y, text, color, .. } => {
                let mut column = 0.0;
                for letter in text.chars() {
                    let cells = crate::widgets::text::width(letter.encode_utf8(&mut [0; 4])) as f64;
                    if letter != ' ' {
                        let middle = x + (column + 0.5 * cells) * CELL.0;
                        let label = snn_plot::literal(letter.encode_utf8(&mut [0; 4]));
                        let size = 0.85 * TEXT;
                        canvas.text(middle, y + 0.76 * CELL.1, &label, size, Anchor::Middle, color);
                    }
                    column += cells;
                }
            }
        }
    }
    canvas
}

fn shapes(buffer: &Buffer) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let cell = &buffer[(x, y)];
            // Neighbors of the same style are one piece of text.
            let end = (x + 1..buffer.area.width).find(|&other| !is_alike(cell, &buffer[(other, y)]));
            let end = if is_shape(cell.symbol()) { x + 1 } else { end.unwrap_or(buffer.area.width) };
            // Control characters are not allowed in documents, either.
            let text: String = (x..end).map(|x| buffer[(x, y)].symbol()).collect();
            let text = text.replace(snn_terminal::is_unsafe, "\u{fffd}");
            add(&mut shapes, cell, (x, y), end - x, text);
            x = end;
        }
    }
    shapes
}

fn is_alike(a: &Cell, b: &Cell) -> bool {
    (a.fg, a.bg, a.modifier) == (b.fg, b.bg, b.modifier) && !is_shape(b.symbol())
}

fn is_shape(symbol: &str) -> bool {
    let drawn = "▀▄█▁▂▃▅▆▇▏▎▍▌▋▊▉░▓│─└┤┬╷▲▼";
    symbol.chars().next().is_some_and(|c| ('\u{2801}'..='\u{28ff}').contains(&c) || drawn.contains(c))
}

fn add(shapes: &mut Vec<Shape>, cell: &Cell, (x, y): (u16, u16), cells: u16, text: String) {
    let (left, top, wide) = (f64::from(x) * CELL.0, f64::from(y) * CELL.1, f64::from(cells) * CELL.0);
    let mut ink = of_terminal(cell.fg).unwrap_or(INK);
    let mut paper = of_terminal(cell.bg).unwrap_or(PAPER);
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut ink, &mut paper);
    }
    if paper != PAPER {
        shapes.push(Shape::Rect { x: left, y: top, width: wide, height: CELL.1, color: paper });
    }
    if cell.modifier.contains(Modifier::DIM) {
        ink = ink.towards(paper, DIM);
    }
    if is_shape(&text) {
        let symbol = text.chars().next().unwrap_or(' ');
        draw_shape(shapes, symbol, (left, top), ink, paper);
    } else if !text.trim().is_empty() {
        let bold = cell.modifier.contains(Modifier::BOLD);
        shapes.push(Shape::Text { x: left, y: top, cells, text, color: ink, bold });
    }
}

fn draw_shape(shapes: &mut Vec<Shape>, symbol: char, (left, top): (f64, f64), ink: Color, paper: Color) {
    let (wide, high) = CELL;
    let mut rect = |x: f64, y: f64, width: f64, height: f64, color: Color| {
        let (x, y) = (left + x * wide, top + y * high);
        shapes.push(Shape::Rect { x, y, width: width * wide, height: height * high, color });
    };
    // Lines are as thick across as they are high.
    let (across, down) = (1.0 / wide, 1.0 / high);
    let eighths = |all: &str| all.chars().position(|it| it == symbol).map(|place| (place + 1) as f64 / 8.0);
    match symbol {
        '▀' => rect(0.0, 0.0, 1.0, 0.5, ink),
        '▄' => rect(0.0, 0.5, 1.0, 0.5, ink),
        '░' => rect(0.0, 0.0, 1.0, 1.0, ink.towards(paper, 0.75)),
        '▓' => rect(0.0, 0.0, 1.0, 1.0, ink.towards(paper, 0.25)),
        '│' => rect(0.5, 0.0, across, 1.0, ink),
        '╷' => rect(0.5, 0.5, across, 0.5, ink),
        '─' => rect(0.0, 0.5, 1.0, down, ink),
        '└' | '┤' | '┬' => {
            let (from, to) =
                if symbol == '┬' { (0.5, 1.0) } else { (0.0, if symbol == '└' { 0.5 } else { 1.0 }) };
            rect(0.5, from, across, to - from, ink);
            let (from, to) = match symbol {
                '└' => (0.5, 1.0),
                '┤' => (0.0, 0.5),
                _ => (0.0, 1.0),
            };
            rect(from, 0.5, to - from, down, ink);
        }
        '▲' | '▼' => {
            for step in 0..5_u8 {
                let share = f64::from(step) / 5.0;
                let row = if symbol == '▲' { share } else { 0.8 - share };
                rect(0.5 - 0.5 * (share + 0.1), 0.2 + 0.6 * row, share + 0.1, 0.12, ink);
            }
        }
        '\u{2800}'..='\u{28ff}' => {
            let bits = symbol as u32 - 0x2800;
            let places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
            for (bit, (column, row)) in places.into_iter().enumerate() {
                if bits & (1 << bit) != 0 {
                    rect(0.14 + 0.5 * f64::from(column), 0.06 + 0.25 * f64::from(row), 0.24, 0.13, ink);
                }
            }
        }
        _ => match eighths("▁▂▃▄▅▆▇█") {
            Some(share) if share < 1.0 => rect(0.0, 1.0 - share, 1.0, share, ink),
            _ => rect(0.0, 0.12, eighths("▏▎▍▌▋▊▉█").unwrap_or(1.0), 0.76, ink),
        },
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color as Shade, Style};

    use super::*;

    #[test]
    fn a_screen_becomes_text_and_shapes() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 2));
        buffer.set_string(0, 0, "a<b", Style::new().fg(Shade::Indexed(196)));
        buffer.set_string(0, 1, "⠁█", Style::new());
        let svg = to_svg(&buffer);
        assert!(svg.contains("a&lt;b</text>") && svg.contains("#ff0000"), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 3, "paper, a dot, a block: {svg}");
        assert!(!svg.contains('⠁'));
        let png = to_canvas(&buffer).to_png(72.0).unwrap();
        let pixels = tiny_skia::Pixmap::decode_png(&png).unwrap();
        let block = pixels.pixel(12, 25).unwrap();
        assert_eq!((block.red(), block.green(), block.blue()), (INK.0, INK.1, INK.2));
    }

    #[test]
    fn every_shape_lies_within_its_cell() {
        let drawn = "▀▄█▁▂▃▅▆▇▏▎▍▌▋▊▉░▓│─└┤┬╷▲▼⣿";
        for symbol in drawn.chars() {
            let mut shapes = Vec::new();
            draw_shape(&mut shapes, symbol, (0.0, 0.0), INK, PAPER);
            assert!(!shapes.is_empty(), "{symbol}");
            for shape in shapes {
                let Shape::Rect { x, y, width, height, .. } = shape else { panic!("{symbol} is a shape") };
                assert!(x >= -1e-9 && y >= -1e-9 && width > 0.0 && height > 0.0, "{symbol}");
                assert!(x + width <= CELL.0 + 0.6 && y + height <= CELL.1 + 0.6, "{symbol}");
            }
        }
    }
}
