//! All runs in a table: how they stand, how far they are, what they have reached.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::RunState;

use super::{binding::Binding, definition::Definition, diagnosis};
use crate::{
    data::Run,
    state::{
        Screen, State,
        columns::{self, COLUMNS, Column},
    },
    widgets::{
        note,
        text::{clean, count, duration, fit, left, number, right, width},
    },
};

pub(super) const DEFINITION: Definition = Definition {
    screen: Screen::RUNS,
    title: "Runs",
    about: "All runs and how they stand",
    is_for_sweeps: false,
    bindings: &[
        Binding { what: "open", keys: &[("Enter", |state| state.screen = Screen::CURVES)] },
        Binding { what: "mark, all or none", keys: &[("Space", mark), ("a", mark_all)] },
        Binding {
            what: "filter",
            keys: &[("/", |state| state.list.editing = Some(state.list.filter.clone()))],
        },
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
        Binding { what: "no filter, no marks", keys: &[("Esc", forget)] },
    ],
    draw,
    wants: |_, _| {},
};

fn columns_by(state: &mut State, by: isize) {
    let list = &mut state.list;
    list.first_column = list.first_column.saturating_add_signed(by).min(COLUMNS.len() - 2);
}

fn sort(state: &mut State) {
    state.list.sort = (state.list.sort + 1) % COLUMNS.len();
    state.list.is_stale = true;
    state.notice = Some(format!("sorted by {}", COLUMNS[state.list.sort].heading));
}

fn reverse(state: &mut State) {
    state.list.reverse = !state.list.reverse;
    state.list.is_stale = true;
}

fn page(state: &mut State, by: isize) {
    let rows = state.list.page.get().max(2) as isize - 1;
    state.list.step(by * rows);
}

fn mark(state: &mut State) {
    if let Some(id) = state.list.selected().map(str::to_owned) {
        if !state.marked.remove(&id) {
            state.marked.insert(id);
        }
        state.list.step(1);
    }
}

fn mark_all(state: &mut State) {
    if state.marked.is_empty() {
        state.marked = state.list.order().iter().cloned().collect();
    } else {
        state.marked.clear();
    }
}

fn forget(state: &mut State) {
    state.list.set_filter("");
    state.marked.clear();
}

fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let list = &state.list;
    if state.model.runs.is_empty() {
        let text = format!("No runs in {} yet. They appear here as soon as they begin.", state.model.source);
        return note(state.theme.dim(), &text, area, buffer);
    }
    let filtered = !list.filter.is_empty() || list.editing.is_some();
    // The list keeps at least half of the room.
    let mut details = details(state, usize::from(area.width));
    details.truncate(usize::from(area.height / 2));
    let rows = usize::from(area.height).saturating_sub(2 + details.len());
    list.page.set(rows);
    let (first, _) = list.window(rows);
    let shown: Vec<&Run> =
        list.order.iter().skip(first).take(rows).filter_map(|id| state.model.runs.get(id)).collect();
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
            count(state.model.runs.len()),
            clean(filter)
        )
    } else {
        format!("{} runs", count(state.model.runs.len()))
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
        if state.marked.contains(&run.id) {
            buffer.set_string(area.x, y, theme.glyph("●", "*"), theme.warning());
        }
        if state.list.selected() == Some(&run.id) {
            buffer.set_style(Rect { y, height: 1, ..area }, theme.cursor());
        }
    }
}

/// What a column shows of a run.
fn cell(state: &State, column: &Column, run: &Run) -> String {
    let text = match column.heading {
        "run" => state.short_name(&run.id),
        _ => (column.text)(run, state.facts(&run.id)),
    };
    clean(&text)
}

/// Columns from the left with their widths, as many as there is room for. The first two stay.
fn choose_columns<'a>(state: &State, shown: &[&Run], room: usize) -> Vec<(&'a Column, usize)> {
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
        chosen.push((column, cells));
        left = left.saturating_sub(cells + 1);
    }
    chosen
}

/// Rows that it takes to show all runs: those, the details, names of screens, counts, headings, keys.
pub(crate) fn height(state: &State, width: u16) -> usize {
    state.list.order.len() + details(state, usize::from(width)).len() + 4
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
