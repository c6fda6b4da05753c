//! All runs in a table: how they stand, how far they are, what they have reached.

mod columns;
mod filter;

use std::collections::HashMap;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::RunState;

use super::{Hints, Screen, frame::note};
use crate::{
    data::Run,
    state::State,
    widgets::text::{clean, count, duration, fit, left, number, right, width},
};
use columns::{COLUMNS, Column};
use filter::Filter;

pub(super) const HINTS: Hints = &[
    ("Enter", "open"),
    ("Space", "mark"),
    ("/", "filter"),
    ("s S", "sort, reverse"),
    ("<>", "columns"),
    ("a", "mark all, none"),
];

/// The list of runs: its order, and where the user is in it.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// Whether runs have changed since the order was made.
    pub(crate) is_stale: bool,
    /// The filter that is being typed.
    pub(crate) editing: Option<String>,
    order: Vec<String>,
    places: HashMap<String, usize>,
    selected: Option<String>,
    filter: String,
    /// The column by which runs are sorted.
    sort: usize,
    reverse: bool,
    /// The first of the columns that may be left out.
    first_column: usize,
    /// Rows of the last drawing, for pages and for what is visible.
    page: std::cell::Cell<usize>,
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

    /// Moves the cursor to a run.
    pub(crate) fn select(&mut self, id: &str) {
        self.selected = Some(id.to_owned());
    }

    /// First row and number of rows, with the cursor among them.
    fn window(&self, rows: usize) -> (usize, usize) {
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
}

/// Names of the columns by which runs can be sorted.
pub(crate) fn headings() -> Vec<&'static str> {
    COLUMNS.iter().map(|column| column.heading).collect()
}

/// Puts the list in order again, if something has changed.
pub(crate) fn settle(state: &mut State) {
    if !std::mem::take(&mut state.list.is_stale) {
        return;
    }
    let filter = Filter::new(state.list.editing.as_ref().unwrap_or(&state.list.filter));
    let cursor = state.list.selected().and_then(|id| state.list.place(id)).unwrap_or(0);
    let column = &COLUMNS[state.list.sort];
    let mut keyed: Vec<(columns::Key, &String)> = state
        .runs
        .values()
        .filter(|run| filter.takes(run, state.facts.get(&run.id)))
        .map(|run| ((column.key)(run, state.facts.get(&run.id)), &run.id))
        .collect();
    // Runs are there by name, and the sort is stable: equal ones stay so.
    keyed.sort_by(|a, b| a.0.compare(&b.0, state.list.reverse));
    let order: Vec<String> = keyed.into_iter().map(|(_, id)| id.clone()).collect();
    state.list.places = order.iter().cloned().zip(0..).collect();
    state.list.order = order;
    let list = &mut state.list;
    // A run that is gone leaves the cursor where it was.
    if list.selected().is_none_or(|id| list.place(id).is_none()) {
        list.selected = list.order.get(cursor.min(list.order.len().saturating_sub(1))).cloned();
    }
}

/// Moves the cursor to another run, on any screen.
pub(super) fn step(state: &mut State, by: isize) {
    let list = &mut state.list;
    let cursor = list.selected().and_then(|id| list.place(id)).unwrap_or(0);
    let last = list.order.len().saturating_sub(1);
    let to = cursor.saturating_add_signed(by).min(last);
    list.selected = list.order.get(to).cloned();
}

pub(super) fn key(state: &mut State, key: KeyEvent) {
    let page = state.list.page.get().max(2) as isize - 1;
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => step(state, -1),
        KeyCode::Down | KeyCode::Char('j') => step(state, 1),
        KeyCode::PageUp => step(state, -page),
        KeyCode::PageDown => step(state, page),
        KeyCode::Home | KeyCode::Char('g') => step(state, isize::MIN / 2),
        KeyCode::End | KeyCode::Char('G') => step(state, isize::MAX / 2),
        KeyCode::Char('<') | KeyCode::Left | KeyCode::Char('h') => {
            state.list.first_column = state.list.first_column.saturating_sub(1);
        }
        KeyCode::Char('>') | KeyCode::Right | KeyCode::Char('l') => {
            state.list.first_column = (state.list.first_column + 1).min(COLUMNS.len() - 2);
        }
        KeyCode::Char('s') => {
            state.list.sort = (state.list.sort + 1) % COLUMNS.len();
            state.list.is_stale = true;
            state.notice = Some(format!("sorted by {}", COLUMNS[state.list.sort].heading));
        }
        KeyCode::Char('S') => {
            state.list.reverse = !state.list.reverse;
            state.list.is_stale = true;
        }
        KeyCode::Char('/') => state.list.editing = Some(state.list.filter.clone()),
        KeyCode::Esc => {
            state.list.set_filter("");
            state.marked.clear();
        }
        KeyCode::Char(' ') => {
            if let Some(id) = state.list.selected().map(str::to_owned) {
                if !state.marked.remove(&id) {
                    state.marked.insert(id);
                }
                step(state, 1);
            }
        }
        KeyCode::Char('a') => {
            let all = state.list.order.iter();
            if state.marked.is_empty() {
                state.marked = all.cloned().collect();
            } else {
                state.marked.clear();
            }
        }
        KeyCode::Enter => state.screen = Screen::Curves,
        _ => {}
    }
}

/// A key while a filter is being typed.
pub(super) fn edit_filter(state: &mut State, key: KeyEvent) {
    let list = &mut state.list;
    let Some(mut text) = list.editing.take() else { return };
    match key.code {
        KeyCode::Enter => list.filter = text,
        KeyCode::Esc => {}
        KeyCode::Backspace => {
            text.pop();
            list.editing = Some(text);
        }
        KeyCode::Char(c) => {
            text.push(c);
            list.editing = Some(text);
        }
        _ => list.editing = Some(text),
    }
    list.is_stale = true;
}

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let list = &state.list;
    if state.runs.is_empty() {
        let text = format!("No runs in {} yet. They appear here as soon as they begin.", state.source);
        return note(state.theme.dim(), &text, area, buffer);
    }
    let filtered = !list.filter.is_empty() || list.editing.is_some();
    let details = details(state, usize::from(area.width));
    let rows = usize::from(area.height).saturating_sub(2 + details.len());
    list.page.set(rows);
    let (first, _) = list.window(rows);
    let shown: Vec<&Run> =
        list.order.iter().skip(first).take(rows).filter_map(|id| state.runs.get(id)).collect();
    draw_summary(state, filtered, area, buffer);
    let table = Rect { y: area.y + 1, height: area.height - 1 - details.len() as u16, ..area };
    draw_table(state, &shown, table, buffer);
    let top = area.bottom() - details.len() as u16;
    for ((text, style), y) in details.iter().zip(top..) {
        buffer.set_string(area.x, y, fit(text, usize::from(area.width)), *style);
    }
}

/// How many runs stand how.
fn draw_summary(state: &State, filtered: bool, area: Rect, buffer: &mut Buffer) {
    let mut text = if filtered {
        let filter = state.list.editing.as_ref().unwrap_or(&state.list.filter);
        format!(
            "{} of {} runs match /{}",
            count(state.list.order.len()),
            count(state.runs.len()),
            clean(filter)
        )
    } else {
        format!("{} runs", count(state.runs.len()))
    };
    for wanted in RunState::ALL {
        let number = state.runs.values().filter(|run| run.is(wanted)).count();
        if number > 0 {
            text += &format!(", {} {}", count(number), wanted.name());
        }
    }
    if !state.marked.is_empty() {
        text += &format!("; {} marked", count(state.marked.len()));
    }
    buffer.set_string(area.x, area.y, fit(&text, usize::from(area.width)), Style::new());
}

fn draw_table(state: &State, shown: &[&Run], area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let chosen = choose_columns(state, shown, usize::from(area.width));
    let mut x = area.x + 1;
    for (column, cells) in chosen {
        let is_sorted = std::ptr::eq(column, &raw const COLUMNS[state.list.sort]);
        let arrow = if state.list.reverse { theme.glyph("▾", "v") } else { theme.glyph("▴", "^") };
        let heading =
            if is_sorted { format!("{}{arrow}", column.heading) } else { column.heading.to_owned() };
        let align = |text: &str| if column.is_text { left(text, cells) } else { right(text, cells) };
        buffer.set_string(x, area.y, align(&heading), theme.bold());
        for (run, y) in shown.iter().zip(area.y + 1..area.bottom()) {
            let text = clean(&(column.text)(run, state.facts.get(&run.id)));
            let style = if column.heading == "state" { state_style(state, run) } else { Style::new() };
            buffer.set_string(x, y, align(&text), style);
        }
        x += cells as u16 + 1;
    }
    for (run, y) in shown.iter().zip(area.y + 1..area.bottom()) {
        if state.marked.contains(&run.id) {
            buffer.set_string(area.x, y, theme.glyph("●", "*"), theme.warning());
        }
        if state.list.selected() == Some(&run.id) {
            buffer.set_style(Rect { y, height: 1, ..area }, theme.cursor());
        }
    }
}

/// Columns from the left with their widths, as many as there is room for. The first two stay.
fn choose_columns<'a>(state: &State, shown: &[&Run], room: usize) -> Vec<(&'a Column, usize)> {
    let mut left = room.saturating_sub(1);
    let mut chosen = Vec::new();
    for (place, column) in COLUMNS.iter().enumerate() {
        if place >= 2 && place < 2 + state.list.first_column {
            continue;
        }
        let cells =
            shown.iter().map(|run| width(&(column.text)(run, state.facts.get(&run.id)))).max().unwrap_or(0);
        let mut cells = cells.max(width(column.heading) + 1).max(column.least);
        if place == 0 {
            cells = cells.min((room / 3).max(12));
        }
        if cells > left {
            break;
        }
        chosen.push((column, cells));
        left = left.saturating_sub(cells + 1);
    }
    chosen
}

fn state_style(state: &State, run: &Run) -> Style {
    match run.state {
        Some(RunState::Running) => state.theme.good(),
        Some(RunState::Stalled | RunState::Stopped | RunState::Unknown) => state.theme.warning(),
        Some(RunState::Failed | RunState::Damaged) => state.theme.bad(),
        Some(RunState::Pending | RunState::Done) | None => state.theme.dim(),
    }
}

/// What does not fit into the table, of the run under the cursor.
fn details(state: &State, room: usize) -> Vec<(String, Style)> {
    let Some(run) = state.subject() else { return Vec::new() };
    let theme = state.theme;
    let mut lines = vec![(theme.glyph("─", "-").repeat(room), theme.dim())];
    let mut text = clean(&run.id);
    if let Some(facts) = state.facts(&run.id) {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
        text += &format!(
            ": {} {} {}, lr {}, beta {} {}, batch {}, seed {}, {}",
            facts.data,
            facts.hidden,
            facts.readout,
            number(columns::learning_rate(run, Some(facts))),
            number(facts.beta),
            facts.shape,
            number(facts.batch_size),
            facts.seed,
            facts.device,
        );
    }
    lines.push((text, Style::new()));
    let mut words = Vec::new();
    if run.is(RunState::Stalled) {
        words.push(format!("not heard of for {}", duration(run.silent)));
    }
    if let Some(left) = run.remaining() {
        words.push(format!("{} to go", duration(left)));
    }
    if let Some(speed) = run.samples_per_second() {
        words.push(format!("{} samples/s", number(speed)));
    }
    if let Some(test) = run.test_accuracy() {
        words.push(format!("test {:.2} %", 100.0 * test));
    }
    let status = run.status.as_ref();
    if let Some(best) = status.and_then(|status| status.best) {
        words.push(format!("best in epoch {}", best.epoch));
    }
    let trouble = run
        .error
        .clone()
        .or_else(|| status.and_then(|status| status.message.clone()))
        .or_else(|| status.and_then(|status| status.probe_error.clone()))
        .or_else(|| run.warned.then(|| "it has warnings: see System".to_owned()));
    lines.push(match trouble {
        Some(trouble) => (clean(&trouble), theme.bad()),
        None => (words.join(", "), theme.dim()),
    });
    lines
}
