//! The definition of a screen, for the table of screens.

use ratatui::{buffer::Buffer, layout::Rect};

use super::binding::Binding;
use crate::{
    data::Wants,
    figure::Figure,
    state::{Screen, UiState},
};

/// A screen: a row of the table.
pub(crate) struct Definition {
    /// Its name on the command line.
    pub(crate) screen: Screen,
    /// Its title in the line of screens.
    pub(crate) title: &'static str,
    /// Its description, for the command-line help.
    pub(crate) about: &'static str,
    /// Whether it is only for directories of sweeps.
    pub(crate) is_for_sweeps: bool,
    /// Its keys.
    pub(crate) bindings: &'static [Binding],
    /// Selects the cell of its map with this row and column, if it has a map.
    pub(crate) select_cell: Option<fn(&mut UiState, usize, usize)>,
    /// Draws it.
    pub(crate) draw: fn(&UiState, Rect, &mut Buffer),
    /// Adds the data that it needs.
    pub(crate) wants: fn(&UiState, &mut Wants),
    /// Its export, or the reason why there is none.
    pub(crate) figure: fn(&UiState) -> Result<Figure<'_>, String>,
}
