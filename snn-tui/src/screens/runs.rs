//! A table of all runs: their states, progress and results.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::RunState;

use super::{binding::Binding, curves, definition::Definition, diagnosis};
use crate::{
    data::Run,
    figure::{Figure, Table},
    state::{
        Click, Screen, UiState,
        columns::{self, COLUMNS, Column},
        letter,
    },
    widgets::{
        note, spark,
        text::{clean, count, duration, fit, left, number, right, several, width},
    },
};

pub(super) const DEFINITION: Definition = Definition {
    screen: Screen::RUNS,
    title: "Runs",
    about: "All runs with their progress and results",
    is_for_sweeps: false,
    bindings: &[
        Binding { what: "open", keys: &[("Enter", |state| state.screen = Screen::CURVES)] },
        Binding { what: "mark, all or none", keys: &[("Space", mark), ("a", mark_all)] },
        Binding { what: "sort, reverse", keys: &[("s", sort), ("S", reverse)] },
        Binding {
            what: "columns",
            keys: &[("<|h|Left", |state| columns_by(state, -1)), (">|l|Right", |state| columns_by(state, 1))],
        },
        Binding { what: "names, ids", keys: &[("i", |state| state.names.are_ids = !state.names.are_ids)] },
        Binding { what: "settings", keys: &[("c", |state| state.screen = Screen::CONFIG)] },
        Binding {
            what: "move",
            keys: &[("j|Down", |state| state.list.step(1)), ("k|Up", |state| state.list.step(-1))],
        },
        Binding {
            what: "pages",
            keys: &[("PageDown", |state| page(state, 1)), ("PageUp", |state| page(state, -1))],
        },
        Binding {
            what: "first, last",
            keys: &[
                ("g|Home", |state| state.list.step(isize::MIN / 2)),
                ("G|End", |state| state.list.step(isize::MAX / 2)),
            ],
        },
        Binding { what: "clear filter and marks", keys: &[("Esc", forget)] },
    ],
    select_cell: None,
    draw,
    wants: |state, wants| wants.histories = previewed(state),
    figure,
};

fn columns_by(state: &mut UiState, by: isize) {
    let list = &mut state.list;
    list.first_column = list.first_column.saturating_add_signed(by).min(COLUMNS.len() - 2);
}

fn sort(state: &mut UiState) {
    state.list.sort = (state.list.sort + 1) % COLUMNS.len();
    state.list.is_stale = true;
    state.notice = Some(format!("sorted by {}", COLUMNS[state.list.sort].heading));
}

fn reverse(state: &mut UiState) {
    state.list.reverse = !state.list.reverse;
    state.list.is_stale = true;
}

fn page(state: &mut UiState, by: isize) {
    let rows = state.list.page.get().max(2) as isize - 1;
    state.list.step(by * rows);
}

fn mark(state: &mut UiState) {
    if let Some(id) = state.list.selected().map(str::to_owned) {
        if !state.marked.remove(&id) {
            state.marked.insert(id);
        }
        state.list.step(1);
    }
}

fn mark_all(state: &mut UiState) {
    if state.marked.is_empty() {
        state.marked = state.list.order().iter().cloned().collect();
    } else {
        state.marked.clear();
    }
}

fn forget(state: &mut UiState) {
    state.list.set_filter("");
    state.marked.clear();
}

fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let list = &state.list;
    if state.model.runs.is_empty() {
        let gone = state.gone().map_or_else(String::new, |id| format!("{id} is gone. "));
        let text =
            format!("{gone}No runs in {} yet. They appear here as soon as they start.", state.model.source);
        return note(state.theme.dim(), &text, area, buffer);
    }
    let filtered = !list.filter.is_empty() || list.editing.is_some();
    let details = details_in(state, (area.width, area.height));
    let preview = preview_rows(state, (area.width, area.height), details.len());
    let rows = usize::from(area.height - preview).saturating_sub(2 + details.len());
    list.page.set(rows);
    let (first, _) = list.window(rows);
    let shown: Vec<&Run> =
        list.order.iter().skip(first).take(rows).filter_map(|id| state.model.runs.get(id)).collect();
    draw_summary(state, filtered, area, buffer);
    let below = details.len() as u16 + preview;
    let table = Rect { y: area.y + 1, height: area.height.saturating_sub(1 + below), ..area };
    draw_table(state, &shown, table, buffer);
    if let Some(id) = list.selected().filter(|_| preview > 0) {
        curves::draw_preview(state, id, Rect { y: table.bottom(), height: preview, ..area }, buffer);
    }
    let top = area.bottom() - details.len() as u16;
    for ((text, style), y) in details.iter().zip(top..) {
        buffer.set_string(area.x, y, fit(text, usize::from(area.width)), *style);
    }
}

/// The details of the selected run; the list keeps at least half of the height.
fn details_in(state: &UiState, (width, height): (u16, u16)) -> Vec<(String, Style)> {
    let mut details = details(state, usize::from(width));
    details.truncate(usize::from(height / 2));
    details
}

/// Minimum size of the curves, and their maximum height.
const PREVIEW: (u16, u16) = (80, 9);
const MOST_OF_PREVIEW: u16 = 18;
/// From this height on, a list longer than the screen gives up a third of its rows for the curves.
const HIGH: u16 = 42;

/// Rows for the curves of the selected run: those that the list does not need.
fn preview_rows(state: &UiState, (width, height): (u16, u16), details: usize) -> u16 {
    let room = height.saturating_sub(2 + details as u16);
    let list = state.list.order.len().min(usize::from(u16::MAX)) as u16;
    // A list that is printed once shows all of its runs.
    let least = if state.is_watched && height >= HIGH { room / 3 } else { 0 };
    let free = room.saturating_sub(list).max(least);
    if width < PREVIEW.0 || free < PREVIEW.1 || state.list.selected().is_none() {
        return 0;
    }
    free.min(MOST_OF_PREVIEW)
}

/// The run whose curves are shown, if they fit.
fn previewed(state: &UiState) -> Vec<String> {
    let (width, height) = state.size.get();
    // Without the lines of screen names and keys.
    let body = (width, height.saturating_sub(2));
    let details = details_in(state, body).len();
    if preview_rows(state, body, details) == 0 {
        return Vec::new();
    }
    state.list.selected().map(str::to_owned).into_iter().collect()
}

/// The screen, and every column of all listed runs.
fn figure(state: &UiState) -> Result<Figure<'_>, String> {
    if state.model.runs.is_empty() {
        return Err(format!("there are no runs in {}", state.model.source));
    }
    let mut table = Table::new(COLUMNS.iter().map(|column| column.heading));
    let runs = state.list.order.iter().filter_map(|id| state.model.runs.get(id));
    table.rows.extend(
        runs.map(|run| {
            COLUMNS.iter().map(|column| clean(&(column.text)(run, state.facts(&run.id)))).collect()
        }),
    );
    Ok(Figure::Screen(table))
}

/// The number of runs in each state.
fn draw_summary(state: &UiState, filtered: bool, area: Rect, buffer: &mut Buffer) {
    let mut text = if filtered {
        let filter = state.list.editing.as_ref().unwrap_or(&state.list.filter);
        format!(
            "{} of {} runs match /{}",
            count(state.list.order.len()),
            count(state.model.runs.len()),
            clean(filter)
        )
    } else {
        several(state.model.runs.len(), "run")
    };
    for wanted in RunState::ALL {
        let number = state.model.runs.values().filter(|run| run.is(wanted)).count();
        if number > 0 {
            text += &format!(", {} {}", count(number), wanted.name());
        }
    }
    if !state.marked.is_empty() {
        text += &format!("; {} marked", count(state.marked.len()));
    }
    buffer.set_string(area.x, area.y, fit(&text, usize::from(area.width)), Style::new());
}

fn draw_table(state: &UiState, shown: &[&Run], area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    // If few runs are marked, each has the letter of its curve.
    let chosen = state.chosen();
    let place = |id: &str| chosen.iter().position(|it| it == id).map(letter);
    let has_letters = (2..=LETTERS).contains(&state.marked.len());
    let mut x = area.x + 1;
    for (column, cells) in choose_columns(state, shown, usize::from(area.width)) {
        let Some(column) = column else {
            draw_sparks(state, shown, Rect { x, width: cells as u16, ..area }, buffer);
            x += cells as u16 + 1;
            continue;
        };
        let is_sorted = std::ptr::eq(column, &raw const COLUMNS[state.list.sort]);
        let arrow = if state.list.reverse { theme.glyph("▾", "v") } else { theme.glyph("▴", "^") };
        let heading =
            if is_sorted { format!("{}{arrow}", column.heading) } else { column.heading.to_owned() };
        let align = |text: &str| if column.is_text { left(text, cells) } else { right(text, cells) };
        buffer.set_string(x, area.y, align(&heading), theme.bold());
        if let Some(place) = COLUMNS.iter().position(|it| std::ptr::eq(it, column)) {
            let heading = Rect { x, y: area.y, width: cells as u16, height: 1 };
            state.clicks.add(heading.intersection(area), Click::Sort(place));
        }
        for (run, y) in shown.iter().zip(area.y + 1..area.bottom()) {
            let text = cell(state, column, run);
            let style = match column.heading {
                "verdict" => diagnosis::style(theme, run.verdict()),
                _ => Style::new(),
            };
            buffer.set_string(x, y, align(&text), style);
        }
        x += cells as u16 + 1;
    }
    for (run, y) in shown.iter().zip(area.y + 1..area.bottom()) {
        state.clicks.add(Rect { y, height: 1, ..area }, Click::Run(run.id.clone()));
        if state.marked.contains(&run.id) {
            let letter = place(&run.id).filter(|_| has_letters).map(String::from);
            let mark = letter.as_deref().unwrap_or(theme.glyph("●", "*"));
            buffer.set_string(area.x, y, mark, theme.warning());
        }
        if state.list.selected() == Some(&run.id) {
            buffer.set_style(Rect { y, height: 1, ..area }, theme.cursor());
        }
    }
}

/// The text of a column for a run.
fn cell(state: &UiState, column: &Column, run: &Run) -> String {
    let text = match column.heading {
        "run" => state.short_name(&run.id),
        _ => (column.text)(run, state.facts(&run.id)),
    };
    clean(&text)
}

/// Maximum number of marked runs with letters.
const LETTERS: usize = 52;
/// Minimum width of a table with sparklines, and the width of a sparkline.
const WIDE: usize = 120;
const SPARK: usize = 16;
/// Sparklines follow this column, whose history they show.
const SPARKED: &str = "valid";

/// The accuracy of each run over its epochs, from 0 to 1.
fn draw_sparks(state: &UiState, shown: &[&Run], area: Rect, buffer: &mut Buffer) {
    let cells = usize::from(area.width);
    buffer.set_string(area.x, area.y, left("accuracy", cells), state.theme.bold());
    for (run, y) in shown.iter().zip(area.y + 1..area.bottom()) {
        let text = spark(&run.course, (0.0, 1.0), cells, state.theme.marker);
        buffer.set_string(area.x, y, text, state.theme.series(0));
    }
}

/// As many columns as fit, with their widths. The first two are always shown; `None` is the column of sparklines.
fn choose_columns<'a>(state: &UiState, shown: &[&Run], room: usize) -> Vec<(Option<&'a Column>, usize)> {
    let is_wide = room >= WIDE;
    let mut left = room.saturating_sub(1);
    let mut chosen = Vec::new();
    for (place, column) in COLUMNS.iter().enumerate() {
        if place >= 2 && place < 2 + state.list.first_column {
            continue;
        }
        let cells = shown.iter().map(|run| width(&cell(state, column, run))).max().unwrap_or(0);
        let mut cells = cells.max(width(column.heading) + 1).max(column.least);
        if column.heading == "run" {
            cells = cells.min((room / 3).max(12));
        }
        if cells > left {
            break;
        }
        chosen.push((Some(column), cells));
        left = left.saturating_sub(cells + 1);
        if is_wide && column.heading == SPARKED && left >= SPARK {
            chosen.push((None, SPARK));
            left = left.saturating_sub(SPARK + 1);
        }
    }
    chosen
}

/// Rows needed to show all runs, including details, screen names, counts, headings and keys.
pub(crate) fn height(state: &UiState, width: u16) -> usize {
    state.list.order.len() + details(state, usize::from(width)).len() + 4
}

/// Data of the selected run that does not fit into the table.
fn details(state: &UiState, room: usize) -> Vec<(String, Style)> {
    let theme = state.theme;
    let mut lines = vec![(theme.glyph("─", "-").repeat(room), theme.dim())];
    let Some(run) = state.subject() else {
        let gone = |id| {
            (format!("{} is gone: its directory was deleted, moved or unmounted", clean(id)), theme.bad())
        };
        return state.gone().map(|id| [lines, vec![gone(id)]].concat()).unwrap_or_default();
    };
    let mut text = clean(&run.id);
    if state.list.place(&run.id).is_none() {
        text += " (no longer matches the filter)";
    }
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
    if let Some(left) = run.remaining() {
        words.push(format!("{} to go", duration(left)));
    }
    if let Some(speed) = run.samples_per_second() {
        words.push(format!("{} samples/s", number(speed)));
    }
    let status = run.status.as_ref();
    if let Some(test) = run.test_accuracy() {
        words.push(format!("test {:.2} %", 100.0 * test));
    }
    if let Some(best) = status.and_then(|status| status.best) {
        words.push(format!("best in epoch {}", best.epoch));
    }
    if !words.is_empty() {
        lines.push((words.join(", "), theme.dim()));
    }
    lines.extend(diagnosis::lines(theme, run, room));
    let trouble = run.error.as_ref().or_else(|| status.and_then(|status| status.probe_error.as_ref()));
    lines.extend(trouble.map(|trouble| (clean(trouble), theme.bad())));
    let warnings = diagnosis::warnings(theme, run);
    let open = run.diagnosis.iter().flat_map(|it| &it.warnings).filter(|it| !it.over).count();
    if let Some((first, style)) = warnings.into_iter().next() {
        let more = if open > 1 { format!(" (and {} more: see System)", open - 1) } else { String::new() };
        lines.push((fit(&first, room.saturating_sub(width(&more))) + &more, style));
    }
    lines
}
