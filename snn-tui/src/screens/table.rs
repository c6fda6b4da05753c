//! The table of screens. A new screen is a file with its `Definition`, and a row here.

use super::{activity, config, curves, definition::Definition, learning, runs, sweep, system};
use crate::{
    data::Wants,
    figure::Figure,
    state::{Screen, UiState},
};

/// All screens, in the order of their keys: `1` and so on.
pub(crate) const SCREENS: &[&Definition] = &[
    &runs::DEFINITION,
    &curves::DEFINITION,
    &activity::DEFINITION,
    &learning::DEFINITION,
    &sweep::DEFINITION,
    &system::DEFINITION,
    &config::DEFINITION,
];

/// The position of a screen in the table.
pub(crate) fn place(screen: Screen) -> usize {
    SCREENS.iter().position(|definition| definition.screen == screen).unwrap_or(0)
}

/// The row of a screen.
pub(crate) fn definition(screen: Screen) -> &'static Definition {
    SCREENS[place(screen)]
}

/// The data that the current screen needs.
pub(crate) fn wants(state: &UiState) -> Wants {
    let list = &state.list;
    let mut wants = Wants {
        visible: list.visible(),
        // Interactive use also reads all of them, after the visible ones.
        all_facts: state.is_watched || list.needs_facts(),
        all_verdicts: state.is_watched || list.needs_verdicts(),
        ..Wants::default()
    };
    (definition(state.screen).wants)(state, &mut wants);
    if wants.sweep {
        wants.subject = list.selected().map(str::to_owned);
    }
    wants
}

/// The export of the current screen, or the reason why there is none.
pub(crate) fn figure(state: &UiState) -> Result<Figure<'_>, String> {
    (definition(state.screen).figure)(state)
}

/// Updates everything that depends on the data after a change.
pub(crate) fn settle(state: &mut UiState) {
    state.settle();
    // Histories that are not followed any more need no memory.
    let followed = wants(state).histories;
    state.model.histories.retain(|id, _| followed.contains(id));
}
