//! The list of runs: its order, filter and cursor.

use std::{cell::Cell, collections::HashMap};

use super::{
    columns::{COLUMNS, Key},
    filter::Filter,
};
use crate::model::Model;

/// The list of runs: its order, filter and cursor.
#[derive(Debug)]
pub(crate) struct List {
    /// Whether runs have changed since they were sorted.
    pub(crate) is_stale: bool,
    /// The filter being typed.
    pub(crate) editing: Option<String>,
    pub(crate) order: Vec<String>,
    pub(crate) places: HashMap<String, usize>,
    pub(crate) selected: Option<String>,
    /// Row of the selected run, or its last row if it is no longer in the list.
    row: usize,
    /// Whether the user has changed the filter, so that the cursor leaves a run that no longer matches. A run that vanishes for other
    /// reasons stays selected: screens do not switch to another run unless the user selects one.
    follows: bool,
    pub(crate) filter: String,
    /// The error in the filter.
    pub(crate) mistake: Option<String>,
    /// The column by which runs are sorted.
    pub(crate) sort: usize,
    pub(crate) reverse: bool,
    /// The first of the columns that can be scrolled away.
    pub(crate) first_column: usize,
    /// Number of rows of the last drawing, for scrolling by pages and for finding the visible runs.
    pub(crate) page: Cell<usize>,
}

/// The index of the column of names, the initial sort order.
const NAMES: usize = 1;

impl Default for List {
    fn default() -> Self {
        Self {
            is_stale: false,
            editing: None,
            order: Vec::new(),
            places: HashMap::new(),
            selected: None,
            row: 0,
            follows: false,
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
    /// Runs in display order, filtered and sorted.
    pub(crate) fn order(&self) -> &[String] {
        &self.order
    }

    /// The run under the cursor.
    pub(crate) fn selected(&self) -> Option<&str> {
        self.selected.as_deref()
    }

    /// The row of a run.
    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The runs on the screen, approximately.
    pub(crate) fn visible(&self) -> Vec<String> {
        let (first, page) = self.window(self.page.get().max(50));
        self.order.iter().skip(first).take(page).cloned().collect()
    }

    /// Whether the order or the filter depends on settings.
    pub(crate) fn needs_facts(&self) -> bool {
        COLUMNS[self.sort].is_fact || !self.filter.is_empty() || self.editing.is_some()
    }

    /// Whether the order or the filter depends on diagnoses.
    pub(crate) fn needs_verdicts(&self) -> bool {
        COLUMNS[self.sort].heading == "verdict" || !self.filter.is_empty() || self.editing.is_some()
    }

    /// Moves the cursor to a run.
    pub(crate) fn select(&mut self, id: &str) {
        self.selected = Some(id.to_owned());
        self.follows = false;
    }

    /// First row and number of rows, so that the cursor is among them.
    pub(crate) fn window(&self, rows: usize) -> (usize, usize) {
        let cursor = self.row();
        (cursor.saturating_sub(rows / 2).min(self.order.len().saturating_sub(rows)), rows)
    }

    pub(crate) fn set_filter(&mut self, filter: &str) {
        self.filter = filter.to_owned();
        (self.is_stale, self.follows) = (true, true);
    }

    /// Sorts by the column with this heading; a leading `-` reverses the order. Returns whether the column exists.
    pub(crate) fn sort_by(&mut self, heading: &str) -> bool {
        let name = heading.strip_prefix('-').unwrap_or(heading);
        let Some(place) = COLUMNS.iter().position(|column| column.heading == name) else { return false };
        (self.sort, self.reverse, self.is_stale) = (place, name != heading, true);
        true
    }

    /// Sorts by a column; reverses the order if runs are already sorted by it.
    pub(crate) fn sort_by_column(&mut self, column: usize) {
        self.reverse = self.sort == column && !self.reverse;
        (self.sort, self.is_stale) = (column, true);
    }

    /// Sorts and filters the list, if anything has changed.
    pub(crate) fn settle(&mut self, model: &Model) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        let filter = Filter::new(self.editing.as_ref().unwrap_or(&self.filter));
        self.mistake = filter.mistake(model.facts.values());
        let row = self.row();
        let column = &COLUMNS[self.sort];
        let mut keyed: Vec<(Key, &String)> = model
            .runs
            .values()
            .filter(|run| filter.takes(run, model.facts(&run.id)))
            .map(|run| ((column.key)(run, model.facts(&run.id)), &run.id))
            .collect();
        // Runs are sorted by name, and this sort is stable: equal ones keep that order.
        keyed.sort_by(|a, b| a.0.compare(&b.0, self.reverse));
        self.order = keyed.into_iter().map(|(_, id)| id.clone()).collect();
        self.places = self.order.iter().cloned().zip(0..).collect();
        let follows = std::mem::take(&mut self.follows);
        let is_there = self.selected().is_some_and(|id| self.place(id).is_some());
        if !is_there && (self.selected.is_none() || follows) {
            let first = self.order.get(row.min(self.order.len().saturating_sub(1)));
            self.selected = first.cloned().or_else(|| self.selected.take());
        }
        self.row = self.row();
    }

    /// Row of the cursor.
    fn row(&self) -> usize {
        self.selected().and_then(|id| self.place(id)).unwrap_or(self.row)
    }

    /// Moves the cursor by this number of runs.
    pub(crate) fn step(&mut self, by: isize) {
        let is_there = self.selected().is_some_and(|id| self.place(id).is_some());
        // The run after the vanished one has taken its row.
        let by = if !is_there && by > 0 { by - 1 } else { by };
        let last = self.order.len().saturating_sub(1);
        self.row = self.row().saturating_add_signed(by).min(last);
        self.selected = self.order.get(self.row).cloned();
    }

    /// Changes the filter being typed.
    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut String)) {
        if let Some(text) = &mut self.editing {
            edit(text);
            (self.is_stale, self.follows) = (true, true);
        }
    }

    /// Applies the filter being typed. An invalid filter stays open.
    pub(crate) fn take_filter(&mut self) {
        if self.mistake.is_none()
            && let Some(text) = self.editing.take()
        {
            self.set_filter(&text);
        }
    }

    /// Cancels typing, and keeps the previous filter.
    pub(crate) fn leave_filter(&mut self) {
        self.editing = None;
        (self.is_stale, self.follows) = (true, true);
    }
}

/// Headings of the columns by which runs can be sorted.
pub(crate) fn headings() -> Vec<&'static str> {
    COLUMNS.iter().map(|column| column.heading).collect()
}
