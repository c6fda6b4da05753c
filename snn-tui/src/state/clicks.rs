//! What a click on the screen means: noted down while it is drawn.

use std::cell::RefCell;

use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect};

use super::Screen;

/// What a click does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Click {
    /// The same as this key.
    Key(KeyEvent),
    /// Goes to a screen.
    Screen(Screen),
    /// Puts the cursor on a run; opens it if it is there already.
    Run(String),
    /// Sorts by a column; the other way round if it is sorted so already.
    Sort(usize),
}

/// Places on the screen and what a click there does.
#[derive(Debug, Default)]
pub(crate) struct Clicks(RefCell<Vec<(Rect, Click)>>);

impl Clicks {
    pub(crate) fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    pub(crate) fn add(&self, place: Rect, click: Click) {
        self.0.borrow_mut().push((place, click));
    }

    /// What was drawn last there.
    pub(crate) fn at(&self, column: u16, row: u16) -> Option<Click> {
        let places = self.0.borrow();
        let mut places = places.iter().rev();
        let (_, click) = places.find(|(place, _)| place.contains(Position::new(column, row)))?;
        Some(click.clone())
    }
}
