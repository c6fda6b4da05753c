//! What the keys do.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    binding::Binding,
    everywhere::EVERYWHERE,
    table::{SCREENS, definition},
};
use crate::{
    state::State,
    widgets::text::{fit, left, wrap},
};

/// A line, and whether it is a title.
type Line = (String, bool);

fn list<R>(bindings: &[Binding<R>], room: usize) -> impl Iterator<Item = Line> {
    bindings.iter().map(move |binding| line(&binding.names(), binding.what, room))
}

fn line(keys: &str, what: &str, room: usize) -> Line {
    (fit(&format!("{} {what}", left(keys, 15)), room), false)
}

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let half = usize::from(area.width / 2);
    let room = half.saturating_sub(2);
    let shown = definition(state.screen);
    // In full what helps here, the other screens in short.
    let mut here = vec![(shown.title.to_owned(), true)];
    here.extend(list(shown.bindings, room));
    here.extend([(String::new(), false), ("Everywhere".to_owned(), true)]);
    here.push(line(&format!("1 to {}", SCREENS.len()), "screens", room));
    here.extend(list(EVERYWHERE, room));
    let mut elsewhere = Vec::new();
    for definition in SCREENS.iter().filter(|definition| definition.screen != state.screen) {
        elsewhere.push((definition.title.to_owned(), true));
        let words: Vec<_> = definition
            .bindings
            .iter()
            .map(|binding| format!("{} {}", binding.names(), binding.what))
            .collect();
        elsewhere.extend(wrap(&words.join("; "), room).into_iter().map(|line| (line, false)));
    }
    for (lines, x) in [(here, area.x), (elsewhere, area.x + half as u16)] {
        for ((text, is_title), y) in lines.iter().zip(area.top()..area.bottom()) {
            let style = if *is_title { state.theme.bold() } else { Style::new() };
            buffer.set_string(x, y, text, style);
        }
    }
}
