//! Keys of the help, which scrolls if it is longer than the screen.

use super::binding::Binding;
use crate::state::UiState;

pub(super) const SCROLLING: &[Binding] = &[
    Binding { what: "close; any other key closes, too", keys: &[("Esc|?", |state| state.help = false)] },
    Binding { what: "scroll", keys: &[("j|Down", |state| by(state, 1)), ("k|Up", |state| by(state, -1))] },
    Binding {
        what: "pages",
        keys: &[("PageDown|Space", |state| by(state, 8)), ("PageUp", |state| by(state, -8))],
    },
    Binding {
        what: "first, last line",
        keys: &[("g|Home", |state| by(state, isize::MIN / 2)), ("G|End", |state| by(state, isize::MAX / 2))],
    },
];

fn by(state: &mut UiState, by: isize) {
    let end = state.help_end.get();
    state.help_line = state.help_line.min(end).saturating_add_signed(by).min(end);
}
