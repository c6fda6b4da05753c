//! Conversion of axes and colors of the screen to those of paper.

use ratatui::style::{Color as Shade, Style};
use snn_plot::{AxisScale, BLACK, BLUE, Color, GREEN, ORANGE, PURPLE, SKY, VERMILION, literal};

use crate::widgets::{self, Axis};

/// An axis with the same limits and about this number of ticks.
pub(super) fn scale(axis: &Axis, most: usize) -> AxisScale {
    let ticks = || axis.ticks(most).into_iter().map(|(value, label)| (value, literal(&label)));
    match axis.scale {
        widgets::AxisScale::Linear => AxisScale::linear(axis.low, axis.high).with_ticks(ticks()),
        widgets::AxisScale::Logarithmic => {
            let scale = AxisScale::logarithmic(axis.low, axis.high);
            let labeled = scale.ticks().iter().filter(|tick| !tick.label.is_empty()).count();
            if labeled < 2 { scale.with_ticks(ticks()) } else { scale }
        }
    }
}

/// The color of the `k`-th of several curves.
pub(super) fn series(k: usize) -> Color {
    const ALL: [Color; 7] = [BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, BLACK];
    ALL[k % ALL.len()]
}

/// The color of a style on white paper.
pub(super) fn on_paper(style: Style) -> Color {
    let Some(shade) = style.fg else { return BLACK };
    let color = of_terminal(shade).unwrap_or(BLACK);
    // Colors for a dark background may be too bright for paper.
    let Color(red, green, blue) = color;
    let light = 0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue);
    if light > MOST { color.towards(BLACK, 1.0 - MOST / light) } else { color }
}

/// Maximum brightness, of 255, that is visible on white.
const MOST: f64 = 165.0;

/// A color of the terminal; `None` for the default.
pub(super) fn of_terminal(color: Shade) -> Option<Color> {
    Some(match color {
        Shade::Rgb(red, green, blue) => Color(red, green, blue),
        Shade::Indexed(index @ 16..=231) => {
            let level = |digit: u8| if digit == 0 { 0 } else { 55 + 40 * digit };
            Color(level((index - 16) / 36), level((index - 16) / 6 % 6), level((index - 16) % 6))
        }
        Shade::Indexed(index @ 232..) => {
            let level = 8 + 10 * (index - 232);
            Color(level, level, level)
        }
        Shade::Red => VERMILION,
        Shade::Green => GREEN,
        Shade::Yellow | Shade::LightYellow => ORANGE,
        Shade::LightBlue | Shade::Blue => Color(0x3a, 0x8f, 0xd0),
        Shade::Magenta => PURPLE,
        Shade::Cyan => SKY,
        Shade::DarkGray | Shade::Gray => Color(0x8a, 0x8a, 0x8a),
        _ => return None,
    })
}
