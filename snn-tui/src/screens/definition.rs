//! What a screen must say of itself to be one of the table.

use ratatui::{buffer::Buffer, layout::Rect};

use super::binding::Binding;
use crate::{
    data::Wants,
    figure::Figure,
    state::{Screen, State},
};

/// A screen: a row of the table.
pub(crate) struct Definition {
    /// By which word the command line calls it.
    pub(crate) screen: Screen,
    /// What stands in the line of names.
    pub(crate) title: &'static str,
    /// What it shows, for the help of the command line.
    pub(crate) about: &'static str,
    /// Whether it has something to show in the directory of a sweep alone.
    pub(crate) is_for_sweeps: bool,
    /// Its keys.
    pub(crate) bindings: &'static [Binding],
    /// Draws it.
    pub(crate) draw: fn(&State, Rect, &mut Buffer),
    /// Adds what it needs to know.
    pub(crate) wants: fn(&State, &mut Wants),
    /// What it writes into files, or why there is nothing.
    pub(crate) figure: fn(&State) -> Result<Figure<'_>, String>,
}
