//! The mouse (`--mouse`): the wheel acts as the up and down arrows, and a click does what is noted for its place.

use crossterm::event::{KeyCode, MouseButton, MouseEvent, MouseEventKind};

use super::{
    everywhere::{self, Action},
    table::definition,
};
use crate::state::{Click, UiState};

/// Handles the wheel and clicks.
pub(crate) fn mouse(state: &mut UiState, event: MouseEvent) -> Option<Action> {
    let key = |state: &mut UiState, code: KeyCode| everywhere::key(state, code.into());
    match event.kind {
        MouseEventKind::ScrollUp => key(state, KeyCode::Up),
        MouseEventKind::ScrollDown => key(state, KeyCode::Down),
        MouseEventKind::Down(MouseButton::Left) => {
            let click = state.clicks.at(event.column, event.row)?;
            if let Click::Key(key) = click {
                return everywhere::key(state, key);
            }
            // A click elsewhere answers a question with no, and applies the filter that was being typed.
            (state.notice, state.question, state.help) = (None, None, false);
            if state.list.editing.is_some() {
                key(state, KeyCode::Enter);
            }
            match click {
                Click::Screen(screen) => state.screen = screen,
                Click::Run(id) if state.list.selected() == Some(&id) => return key(state, KeyCode::Enter),
                Click::Run(id) => state.list.select(&id),
                Click::Sort(column) => state.list.sort_by_column(column),
                Click::Cell(row, column) => {
                    if let Some(select) = definition(state.screen).select_cell {
                        select(state, row, column);
                    }
                }
                Click::Key(_) => {}
            }
            None
        }
        _ => None,
    }
}
