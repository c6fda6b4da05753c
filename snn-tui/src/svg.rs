//! Pictures as SVG: curves as curves, every other screen as the terminal shows it, but independent of its fonts.

use std::{fmt::Write as _, fs, io, path::Path};

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};

use crate::{
    screens::{self, curves},
    state::{Screen, State},
    widgets::{Plot, text::number},
};

/// Size of a cell.
const CELL: (f64, f64) = (8.4, 17.0);
const FONT: &str = "DejaVu Sans Mono, Menlo, Consolas, monospace";
const INK: &str = "#d8d8d8";
const PAPER: &str = "#16181d";

/// Writes what is shown.
pub(crate) fn write(state: &State, size: (u16, u16), path: &Path) -> io::Result<()> {
    let svg = if state.screen == Screen::CURVES && !state.help {
        of_plots(&curves::plots(state))
    } else {
        let area = Rect::new(0, 0, size.0, size.1);
        let mut buffer = Buffer::empty(area);
        screens::draw(state, area, &mut buffer);
        of_buffer(&buffer)
    };
    fs::write(path, svg)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Plots below each other, for print: dark on white.
pub(crate) fn of_plots(plots: &[Plot]) -> String {
    const SIZE: (f64, f64) = (640.0, 320.0);
    let height = SIZE.1 * plots.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{height}\" viewBox=\"0 0 {0} {height}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        SIZE.0
    );
    for (k, plot) in plots.iter().enumerate() {
        // Writing into a String cannot fail.
        let _ = write_plot(&mut svg, plot, SIZE.1 * k as f64, SIZE);
    }
    svg + "</svg>\n"
}

fn write_plot(svg: &mut String, plot: &Plot, top: f64, (width, height): (f64, f64)) -> std::fmt::Result {
    const COLORS: [&str; 7] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b3a500"];
    let (left, right, up, down) = (64.0, width - 16.0, top + 30.0, top + height - 44.0);
    let place =
        |x: f64, y: f64| (left + plot.x.place(x) * (right - left), down - plot.y.place(y) * (down - up));
    let unit = if plot.y.label.is_empty() { String::new() } else { format!(" ({})", plot.y.label) };
    writeln!(
        svg,
        "<text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{}</text>",
        up - 12.0,
        escape(&(plot.title.clone() + &unit))
    )?;
    for (value, label) in plot.y.ticks(6) {
        let y = place(plot.x.low, value).1;
        writeln!(svg, "<path d=\"M{left} {y:.2}H{right}\" stroke=\"#ddd\"/>")?;
        writeln!(svg, "<text x=\"{}\" y=\"{:.2}\" text-anchor=\"end\">{label}</text>", left - 6.0, y + 4.0)?;
    }
    for (value, label) in plot.x.ticks(9) {
        let x = place(value, plot.y.low).0;
        writeln!(svg, "<path d=\"M{x:.2} {down}v5\" stroke=\"#333\"/>")?;
        writeln!(svg, "<text x=\"{x:.2}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", down + 18.0)?;
    }
    writeln!(svg, "<path d=\"M{left} {up}V{down}H{right}\" fill=\"none\" stroke=\"#333\"/>")?;
    let label = escape(&plot.x.label);
    writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
        0.5 * (left + right),
        down + 36.0
    )?;
    let clamp = |(x, y): (f64, f64)| (x, y.clamp(up, down));
    for band in &plot.bands {
        let finite = band.points.iter().filter(|it| it.0.is_finite() && it.1.is_finite() && it.2.is_finite());
        let upper = finite.clone().map(|&(x, _, high)| clamp(place(x, high)));
        let lower = finite.rev().map(|&(x, low, _)| clamp(place(x, low)));
        let points: Vec<_> = upper.chain(lower).map(|(x, y)| format!("{x:.2},{y:.2}")).collect();
        let color = COLORS[band.color % COLORS.len()];
        writeln!(svg, "<polygon points=\"{}\" fill=\"{color}\" opacity=\"0.2\"/>", points.join(" "))?;
    }
    for (k, series) in plot.series.iter().enumerate() {
        let mut path = String::new();
        let mut pen = 'M';
        for &(x, y) in &series.points {
            let (x, y) = clamp(place(x, y));
            if x.is_finite() && y.is_finite() {
                write!(path, "{pen}{x:.2} {y:.2}")?;
                pen = 'L';
            } else {
                pen = 'M';
            }
        }
        let color = COLORS[series.color % COLORS.len()];
        let dashes = if series.dashed { " stroke-dasharray=\"5 3\"" } else { "" };
        writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.6\"{dashes}/>")?;
        let y = up + 14.0 * (k as f64 + 0.6);
        if !series.name.is_empty() && y < down {
            writeln!(
                svg,
                "<path d=\"M{} {y:.1}h18\" stroke=\"{color}\" stroke-width=\"1.6\"{dashes}/>",
                right - 24.0
            )?;
            let name = escape(&series.name);
            writeln!(
                svg,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
                right - 30.0,
                y + 4.0
            )?;
        }
    }
    Ok(())
}

/// A screen as it is, braille and blocks drawn as shapes.
pub(crate) fn of_buffer(buffer: &Buffer) -> String {
    let (width, height) = (f64::from(buffer.area.width) * CELL.0, f64::from(buffer.area.height) * CELL.1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" \
         font-family=\"{FONT}\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n",
        number(width),
        number(height)
    );
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let cell = &buffer[(x, y)];
            // Neighbors that look the same are one piece of text.
            let end = (x + 1..buffer.area.width).find(|&other| !is_alike(cell, &buffer[(other, y)]));
            let end = if is_shape(cell.symbol()) { x + 1 } else { end.unwrap_or(buffer.area.width) };
            let text: String = (x..end).map(|x| buffer[(x, y)].symbol()).collect();
            let _ = write_cells(&mut svg, cell, (x, y), end - x, &text);
            x = end;
        }
    }
    svg + "</svg>\n"
}

fn is_alike(a: &Cell, b: &Cell) -> bool {
    (a.fg, a.bg, a.modifier) == (b.fg, b.bg, b.modifier) && !is_shape(b.symbol())
}

fn is_shape(symbol: &str) -> bool {
    symbol.chars().next().is_some_and(|c| ('\u{2801}'..='\u{28ff}').contains(&c) || "▀▄█▏▎▍▌▋▊▉".contains(c))
}

fn write_cells(
    svg: &mut String,
    cell: &Cell,
    (x, y): (u16, u16),
    cells: u16,
    text: &str,
) -> std::fmt::Result {
    let (left, top, wide) = (f64::from(x) * CELL.0, f64::from(y) * CELL.1, f64::from(cells) * CELL.0);
    let (mut ink, mut paper) = (color(cell.fg, INK), color(cell.bg, PAPER));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut ink, &mut paper);
    }
    if paper != PAPER {
        writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{}\" fill=\"{paper}\"/>",
            CELL.1
        )?;
    }
    let dim = if cell.modifier.contains(Modifier::DIM) { " opacity=\"0.55\"" } else { "" };
    let symbol = text.chars().next().unwrap_or(' ');
    if is_shape(text) {
        return write_shape(svg, symbol, (left, top), &ink, dim);
    }
    if text.trim().is_empty() {
        return Ok(());
    }
    let bold = if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    writeln!(
        svg,
        "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{ink}\"{bold}{dim} textLength=\"{wide:.1}\" xml:space=\"preserve\">{}</text>",
        top + 0.76 * CELL.1,
        escape(text)
    )
}

fn write_shape(
    svg: &mut String,
    symbol: char,
    (left, top): (f64, f64),
    ink: &str,
    dim: &str,
) -> std::fmt::Result {
    let mut rect = |x: f64, y: f64, width: f64, height: f64| {
        writeln!(
            svg,
            "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{ink}\"{dim}/>",
            left + x,
            top + y
        )
    };
    let (wide, high) = CELL;
    match symbol {
        '▀' => rect(0.0, 0.0, wide, 0.5 * high),
        '▄' => rect(0.0, 0.5 * high, wide, 0.5 * high),
        '\u{2800}'..='\u{28ff}' => {
            let bits = symbol as u32 - 0x2800;
            for (bit, (column, row)) in
                [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)].into_iter().enumerate()
            {
                if bits & (1 << bit) != 0 {
                    rect(
                        (0.14 + 0.5 * f64::from(column)) * wide,
                        (0.06 + 0.25 * f64::from(row)) * high,
                        0.24 * wide,
                        0.13 * high,
                    )?;
                }
            }
            Ok(())
        }
        block => {
            let eighths = "▏▎▍▌▋▊▉█".chars().position(|it| it == block).map_or(8, |place| place + 1);
            rect(0.0, 0.12 * high, wide * eighths as f64 / 8.0, 0.76 * high)
        }
    }
}

/// A color of the terminal in the one of the web.
fn color(color: Color, otherwise: &str) -> String {
    let hex = |r: u8, g: u8, b: u8| format!("#{r:02x}{g:02x}{b:02x}");
    match color {
        Color::Indexed(index @ 16..=231) => {
            let level = |digit: u8| if digit == 0 { 0 } else { 55 + 40 * digit };
            hex(level((index - 16) / 36), level((index - 16) / 6 % 6), level((index - 16) % 6))
        }
        Color::Indexed(index @ 232..) => {
            hex(8 + 10 * (index - 232), 8 + 10 * (index - 232), 8 + 10 * (index - 232))
        }
        Color::Red => "#d55e00".to_owned(),
        Color::Green => "#009e73".to_owned(),
        Color::Yellow | Color::LightYellow => "#e69f00".to_owned(),
        Color::LightBlue | Color::Blue => "#3a8fd0".to_owned(),
        Color::Magenta => "#cc79a7".to_owned(),
        Color::Cyan => "#56b4e9".to_owned(),
        Color::DarkGray | Color::Gray => "#8a8a8a".to_owned(),
        _ => otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;
    use crate::widgets::{Axis, Series};

    #[test]
    fn a_screen_becomes_text_and_shapes() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 2));
        buffer.set_string(0, 0, "a<b", Style::new().fg(Color::Indexed(196)));
        buffer.set_string(0, 1, "⠁█", Style::new());
        let svg = of_buffer(&buffer);
        assert!(svg.contains("a&lt;b</text>") && svg.contains("#ff0000"), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 3, "paper, a dot, a block: {svg}");
        assert!(!svg.contains('⠁'));
    }

    #[test]
    fn a_plot_has_paths_for_what_is_finite() {
        let points = vec![(0.0, 0.0), (1.0, f64::NAN), (2.0, 1.0), (3.0, 2.0)];
        let series = vec![Series { name: "x & y".into(), points, ..Series::default() }];
        let plot =
            Plot { x: Axis::new("epoch", 0.0, 3.0), y: Axis::new("", 0.0, 2.0), series, ..Plot::default() };
        let svg = of_plots(&[plot]);
        assert!(svg.contains("x &amp; y") && svg.contains("epoch"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
