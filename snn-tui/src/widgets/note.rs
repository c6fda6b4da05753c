//! A short text instead of a picture.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::text::{clean, fit, wrap};

/// A few words instead of a picture.
pub(crate) fn note(style: Style, text: &str, area: Rect, buffer: &mut Buffer) {
    let lines = wrap(&clean(text), usize::from(area.width).saturating_sub(4));
    let top = area.y + area.height.saturating_sub(lines.len() as u16) / 3;
    for (line, y) in lines.iter().zip(top..area.bottom()) {
        buffer.set_string(
            area.x + area.width.min(2),
            y,
            fit(line, usize::from(area.width).saturating_sub(2)),
            style,
        );
    }
}
