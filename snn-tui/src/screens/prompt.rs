//! The line in which a filter is typed, and its keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::binding::{self, Binding};
use crate::{
    state::{UiState, line::drop_word},
    widgets::text::{clean, count, width},
};

/// All other keys are characters of the filter.
pub(super) const TYPING: &[Binding] = &[
    Binding { what: "apply the filter", keys: &[("Enter", |state| state.list.take_filter())] },
    Binding { what: "cancel", keys: &[("Esc", |state| state.list.leave_filter())] },
    Binding {
        what: "delete a character, a word, all",
        keys: &[
            ("Backspace|Ctrl+H", |state| edit(state, drop_character)),
            ("Ctrl+W", |state| edit(state, drop_word)),
            ("Ctrl+U", |state| edit(state, String::clear)),
        ],
    },
];

fn edit(state: &mut UiState, edit: fn(&mut String)) {
    state.list.edit(edit);
}

fn drop_character(text: &mut String) {
    text.pop();
}

/// Takes a key while a filter is being typed.
pub(super) fn key(state: &mut UiState, key: KeyEvent) {
    if binding::press(TYPING, state, key).is_some() {
        return;
    }
    if let KeyCode::Char(c) = key.code
        && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
    {
        state.list.edit(|text| text.push(c));
    }
}

/// The filter that is being typed and the number of matches; of a long filter, its end.
pub(super) fn prompt(state: &UiState, text: &str, room: usize) -> String {
    let matches = format!("   {} of {} runs", count(state.list.order().len()), count(state.model.runs.len()));
    let typed = clean(&format!("/{text}_"));
    let free = room.saturating_sub(if state.list.mistake.is_none() { width(&matches) } else { 0 });
    let matches = if state.list.mistake.is_none() && free >= 12 { matches.as_str() } else { "" };
    let room = room.saturating_sub(width(matches));
    let mut shown = typed.as_str();
    while width(shown) > room.max(1) {
        shown = &shown[shown.chars().next().map_or(0, char::len_utf8)..];
    }
    format!("{shown}{matches}")
}
