//! The line in which a filter is typed.

use crate::{state::State, widgets::text::clean};

/// The filter that is being typed, and what is wrong with it.
pub(super) fn prompt(state: &State, text: &str) -> String {
    let mistake = state.list.mistake.as_ref().map_or_else(String::new, |mistake| format!("   {mistake}"));
    clean(&format!("/{text}_{mistake}"))
}
