//! The help, generated from the bindings.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    binding::Binding,
    everywhere::EVERYWHERE,
    prompt::TYPING,
    scrolling::SCROLLING,
    table::{SCREENS, definition},
};
use crate::{
    state::UiState,
    widgets::text::{left, wrap},
};

/// A line, and whether it is a title.
type Line = (String, bool);

/// Width of the column of keys.
const KEYS: usize = 15;

/// Minimum width for two columns.
const TWO_COLUMNS: u16 = 60;

fn list<R>(bindings: &[Binding<R>], room: usize) -> impl Iterator<Item = Line> {
    bindings.iter().flat_map(move |binding| lines(&binding.names(), binding.what, room))
}

/// Keys and what they do, wrapped.
fn lines(keys: &str, what: &str, room: usize) -> Vec<Line> {
    let mut keys = keys;
    let wrapped = wrap(what, room.saturating_sub(KEYS + 1));
    wrapped
        .into_iter()
        .map(|what| (format!("{} {what}", left(std::mem::take(&mut keys), KEYS)), false))
        .collect()
}

/// The keys of this screen and of all screens, one binding per line.
fn here(state: &UiState, room: usize) -> Vec<Line> {
    let shown = definition(state.screen);
    let mut here = vec![(shown.title.to_owned(), true)];
    here.extend(list(shown.bindings, room));
    here.extend([(String::new(), false), ("Everywhere".to_owned(), true)]);
    here.extend(lines(&format!("1 to {}", SCREENS.len()), "screens", room));
    here.extend(list(EVERYWHERE, room));
    here
}

/// All other keys, in short.
fn elsewhere(state: &UiState, room: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |title: &str, words: Vec<String>| {
        lines.push((title.to_owned(), true));
        lines.extend(wrap(&words.join("; "), room).into_iter().map(|line| (line, false)));
    };
    fn words<R>(bindings: &[Binding<R>]) -> Vec<String> {
        bindings.iter().map(|binding| format!("{} {}", binding.names(), binding.what)).collect()
    }
    for definition in SCREENS.iter().filter(|definition| definition.screen != state.screen) {
        add(definition.title, words(definition.bindings));
    }
    add("While a filter is typed", words(TYPING));
    add("In this help", words(SCROLLING));
    lines
}

/// Draws as much of the help as fits, from the line it is scrolled to.
pub(super) fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let half = usize::from(area.width / 2);
    let columns = if area.width >= TWO_COLUMNS {
        let room = half.saturating_sub(2);
        vec![(here(state, room), area.x), (elsewhere(state, room), area.x + half as u16)]
    } else {
        let room = usize::from(area.width);
        let mut all = here(state, room);
        all.push((String::new(), false));
        all.extend(elsewhere(state, room));
        vec![(all, area.x)]
    };
    let longest = columns.iter().map(|(lines, _)| lines.len()).max().unwrap_or(0);
    let end = longest.saturating_sub(usize::from(area.height));
    state.help_end.set(end);
    let first = state.help_line.min(end);
    for (lines, x) in columns {
        for ((text, is_title), y) in lines.iter().skip(first).zip(area.top()..area.bottom()) {
            let style = if *is_title { state.theme.bold() } else { Style::new() };
            buffer.set_stringn(x, y, text, usize::from(area.right() - x), style);
        }
    }
}
