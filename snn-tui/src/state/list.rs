//! The list of runs: its order, and where the user is in it.

use std::{cell::Cell, collections::HashMap};

use crossterm::event::KeyEvent;

use super::{
    columns::{COLUMNS, Key},
    filter::Filter,
    line::{Typed, edit},
};
use crate::model::Model;

/// The list of runs: its order, and where the user is in it.
#[derive(Debug)]
pub(crate) struct List {
    /// Whether runs have changed since the order was made.
    pub(crate) is_stale: bool,
    /// The filter that is being typed.
    pub(crate) editing: Option<String>,
    pub(crate) order: Vec<String>,
    pub(crate) places: HashMap<String, usize>,
    pub(crate) selected: Option<String>,
    pub(crate) filter: String,
    /// What is wrong with the filter.
    pub(crate) mistake: Option<String>,
    /// The column by which runs are sorted.
    pub(crate) sort: usize,
    pub(crate) reverse: bool,
    /// The first of the columns that may be left out.
    pub(crate) first_column: usize,
    /// Rows of the last drawing, for pages and for what is visible.
    pub(crate) page: Cell<usize>,
}

/// Where the column of names stands, by which runs are sorted at first.
const NAMES: usize = 1;

impl Default for List {
    fn default() -> Self {
        Self {
            is_stale: false,
            editing: None,
            order: Vec::new(),
            places: HashMap::new(),
            selected: None,
            filter: String::new(),
            mistake: None,
            sort: NAMES,
            reverse: false,
            first_column: 0,
            page: Cell::new(0),
        }
    }
}

impl List {
    /// Runs as they are shown, filtered and sorted.
    pub(crate) fn order(&self) -> &[String] {
        &self.order
    }

    /// The run under the cursor.
    pub(crate) fn selected(&self) -> Option<&str> {
        self.selected.as_deref()
    }

    /// Where a run is shown.
    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The runs on the screen, more or less.
    pub(crate) fn visible(&self) -> Vec<String> {
        let (first, page) = self.window(self.page.get().max(50));
        self.order.iter().skip(first).take(page).cloned().collect()
    }

    /// Whether runs are sorted or filtered by what determines them.
    pub(crate) fn needs_facts(&self) -> bool {
        COLUMNS[self.sort].is_fact || !self.filter.is_empty() || self.editing.is_some()
    }

    /// Whether runs are sorted or filtered by what is to be said of them.
    pub(crate) fn needs_verdicts(&self) -> bool {
        COLUMNS[self.sort].heading == "verdict" || !self.filter.is_empty() || self.editing.is_some()
    }

    /// Moves the cursor to a run.
    pub(crate) fn select(&mut self, id: &str) {
        self.selected = Some(id.to_owned());
    }

    /// First row and number of rows, with the cursor among them.
    pub(crate) fn window(&self, rows: usize) -> (usize, usize) {
        let cursor = self.selected().and_then(|id| self.place(id)).unwrap_or(0);
        (cursor.saturating_sub(rows / 2).min(self.order.len().saturating_sub(rows)), rows)
    }

    pub(crate) fn set_filter(&mut self, filter: &str) {
        self.filter = filter.to_owned();
        self.is_stale = true;
    }

    /// Sorts by a column of this heading; `-` before it reverses the order. Returns whether there is such a column.
    pub(crate) fn sort_by(&mut self, heading: &str) -> bool {
        let name = heading.strip_prefix('-').unwrap_or(heading);
        let Some(place) = COLUMNS.iter().position(|column| column.heading == name) else { return false };
        (self.sort, self.reverse, self.is_stale) = (place, name != heading, true);
        true
    }

    /// Puts the list in order again, if something has changed.
    pub(crate) fn settle(&mut self, model: &Model) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        let filter = Filter::new(self.editing.as_ref().unwrap_or(&self.filter));
        self.mistake = filter.mistake(model.facts.values());
        let cursor = self.cursor();
        let column = &COLUMNS[self.sort];
        let mut keyed: Vec<(Key, &String)> = model
            .runs
            .values()
            .filter(|run| filter.takes(run, model.facts(&run.id)))
            .map(|run| ((column.key)(run, model.facts(&run.id)), &run.id))
            .collect();
        // Runs are there by name, and the sort is stable: equal ones stay so.
        keyed.sort_by(|a, b| a.0.compare(&b.0, self.reverse));
        self.order = keyed.into_iter().map(|(_, id)| id.clone()).collect();
        self.places = self.order.iter().cloned().zip(0..).collect();
        // A run that is gone leaves the cursor where it was.
        if self.selected().is_none_or(|id| self.place(id).is_none()) {
            self.selected = self.order.get(cursor.min(self.order.len().saturating_sub(1))).cloned();
        }
    }

    fn cursor(&self) -> usize {
        self.selected().and_then(|id| self.place(id)).unwrap_or(0)
    }

    /// Moves the cursor by so many runs.
    pub(crate) fn step(&mut self, by: isize) {
        let last = self.order.len().saturating_sub(1);
        let to = self.cursor().saturating_add_signed(by).min(last);
        self.selected = self.order.get(to).cloned();
    }

    /// Takes a key while a filter is being typed.
    pub(crate) fn edit(&mut self, key: KeyEvent) {
        let Some(mut text) = self.editing.take() else { return };
        match edit(&mut text, key) {
            Typed::Done => self.filter = text,
            Typed::Dropped => {}
            Typed::Going => self.editing = Some(text),
        }
        self.is_stale = true;
    }
}

/// Names of the columns by which runs can be sorted.
pub(crate) fn headings() -> Vec<&'static str> {
    COLUMNS.iter().map(|column| column.heading).collect()
}
