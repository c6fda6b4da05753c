//! Horizontal bars with names and numbers: histograms, fractions, times.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::text::{fit, left, width};
use crate::theme::{Marker, Theme};

/// A bar.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Bar {
    pub(crate) name: String,
    /// Its length, relative to the longest bar.
    pub(crate) value: f64,
    /// The text after it.
    pub(crate) text: String,
    pub(crate) style: Style,
}

/// Draws bars from top to bottom, one line each, as many as fit. A bar of `full` has the full width.
pub(crate) fn bars(bars: &[Bar], full: f64, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let widest = usize::from(area.width);
    let names = bars.iter().map(|bar| width(&bar.name)).max().unwrap_or(0).min(widest / 2);
    let texts = bars.iter().map(|bar| width(&bar.text)).max().unwrap_or(0);
    let room = widest.saturating_sub(names + texts + 2);
    for (bar, y) in bars.iter().zip(area.top()..area.bottom()) {
        buffer.set_string(area.x, y, left(&bar.name, names), Style::new());
        let share = if full > 0.0 { (bar.value / full).clamp(0.0, 1.0) } else { 0.0 };
        let drawn = stroke(share, room, theme.marker);
        let x = area.x + names as u16 + 1;
        if room > 0 {
            buffer.set_string(x, y, &drawn, bar.style);
        }
        let behind = x + (width(&drawn) + usize::from(!drawn.is_empty())) as u16;
        let left = usize::from(area.right().saturating_sub(behind));
        buffer.set_string(behind.min(area.right()), y, fit(&bar.text, left), theme.dim());
    }
}

/// A line of blocks for a fraction of `room` cells; any positive value is visible.
pub(super) fn stroke(share: f64, room: usize, marker: Marker) -> String {
    let eighths = (share * room as f64 * 8.0).round() as usize;
    let eighths = if share > 0.0 && room > 0 { eighths.max(1) } else { 0 };
    if marker == Marker::Ascii {
        return "#".repeat(eighths.div_ceil(8));
    }
    let mut text = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        text.push(['▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8 - 1]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{theme::Colors, widgets::text::tests::lines};

    #[test]
    fn lengths_are_to_scale() {
        let area = Rect::new(0, 0, 20, 3);
        let bar = |name: &str, value: f64| Bar {
            name: name.into(),
            value,
            text: format!("{value}"),
            ..Bar::default()
        };
        let all = [bar("a", 4.0), bar("bb", 2.0), bar("c", 0.0), bar("d", 1.0)];
        let draw = |marker| {
            let mut buffer = Buffer::empty(area);
            bars(&all, 4.0, Theme { colors: Colors::None, marker }, area, &mut buffer);
            lines(&buffer)
        };
        assert_eq!(draw(Marker::Ascii), ["a  ############### 4", "bb ######## 2", "c  0"]);
        assert_eq!(draw(Marker::Braille), ["a  ███████████████ 4", "bb ███████▌ 2", "c  0"]);
        let mut tiny = Buffer::empty(Rect::new(0, 0, 2, 1));
        bars(&all, 4.0, Theme { colors: Colors::None, marker: Marker::Ascii }, tiny.area, &mut tiny);
    }
}
