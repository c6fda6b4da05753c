//! The effects of clicks, recorded while the screen is drawn.

use std::cell::RefCell;

use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect};

use super::Screen;

/// The effect of a click.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Click {
    /// The same as this key.
    Key(KeyEvent),
    /// Goes to a screen.
    Screen(Screen),
    /// Selects a run; opens it if it is already selected.
    Run(String),
    /// Sorts by a column; reverses the order if it is already sorted by it.
    Sort(usize),
    /// Selects the cell of the map with this row and column.
    Cell(usize, usize),
}

/// Areas of the screen and the effects of clicks there.
#[derive(Debug, Default)]
pub(crate) struct Clicks(RefCell<Vec<(Rect, Click)>>);

impl Clicks {
    pub(crate) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    pub(crate) fn add(&self, place: Rect, click: Click) {
        self.0.borrow_mut().push((place, click));
    }

    /// Adds the cells of the map, each with row and column.
    pub(crate) fn add_cells(&self, cells: impl IntoIterator<Item = (Rect, (usize, usize))>) {
        let cells = cells.into_iter().map(|(place, (row, column))| (place, Click::Cell(row, column)));
        self.0.borrow_mut().extend(cells);
    }

    /// The effect of a click there; where areas overlap, that of the last one drawn.
    pub(crate) fn at(&self, column: u16, row: u16) -> Option<Click> {
        let places = self.0.borrow();
        let mut places = places.iter().rev();
        let (_, click) = places.find(|(place, _)| place.contains(Position::new(column, row)))?;
        Some(click.clone())
    }
}
