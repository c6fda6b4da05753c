//! The table of screens. A new one is a file with its `Definition`, and a row here.

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

/// Where a screen stands in the table.
pub(crate) fn place(screen: Screen) -> usize {
    SCREENS.iter().position(|definition| definition.screen == screen).unwrap_or(0)
}

/// The row of a screen.
pub(crate) fn definition(screen: Screen) -> &'static Definition {
    SCREENS[place(screen)]
}

/// What the screen that is shown needs to know.
pub(crate) fn wants(state: &UiState) -> Wants {
    let list = &state.list;
    let mut wants = Wants {
        visible: list.visible(),
        // Somebody who watches has time for all of them, after those that are seen.
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

/// What the screen that is shown writes into files, or why there is nothing.
pub(crate) fn figure(state: &UiState) -> Result<Figure<'_>, String> {
    (definition(state.screen).figure)(state)
}

/// Puts everything in order after something has changed.
pub(crate) fn settle(state: &mut UiState) {
    state.settle();
    // Histories that nobody follows any more take no memory.
    let followed = wants(state).histories;
    state.model.histories.retain(|id, _| followed.contains(id));
}
