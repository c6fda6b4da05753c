//! The complete configuration of a run, and the differences between the marked ones.

use std::collections::{HashMap, HashSet};

use crossterm::event::KeyEvent;
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use toml::Value;

use super::{binding::Binding, definition::Definition};
use crate::{
    data::Wants,
    figure::{self, Figure},
    state::{
        Screen, UiState,
        line::{Typed, edit},
    },
    widgets::{
        note,
        text::{clean, fit, left, several, width},
    },
};

/// The user's choices.
#[derive(Debug, Clone, Default)]
struct Choice {
    /// Whether the other set of keys is shown: all keys of marked runs, or only the differing keys of a single run.
    other: bool,
    /// The first visible row, and the first visible run of the marked ones.
    top: usize,
    first: usize,
    /// Words that a row must contain.
    words: String,
    /// The words being typed; `words` keeps the previous ones.
    typed: Option<String>,
}

pub(super) const DEFINITION: Definition = Definition {
    screen: Screen::CONFIG,
    title: "Config",
    about: "All settings of a run, and the differences between marked runs",
    is_for_sweeps: false,
    bindings: &[
        Binding { what: "find", keys: &[("/", find)] },
        Binding { what: "all/differing", keys: &[("v", toggle)] },
        Binding {
            what: "scroll",
            keys: &[("j|Down", |state| scroll(state, 1)), ("k|Up", |state| scroll(state, -1))],
        },
        Binding {
            what: "other runs",
            keys: &[("<|h|Left", |state| turn(state, -1)), (">|l|Right", |state| turn(state, 1))],
        },
        Binding {
            what: "pages",
            keys: &[("PageDown", |state| page(state, 1)), ("PageUp", |state| page(state, -1))],
        },
        Binding {
            what: "first, last key",
            keys: &[
                ("g|Home", |state| scroll(state, isize::MIN / 2)),
                ("G|End", |state| scroll(state, isize::MAX / 2)),
            ],
        },
        Binding { what: "clear search; back to Runs", keys: &[("Esc", forget)] },
    ],
    select_cell: None,
    draw,
    wants,
    figure,
};

fn wants(state: &UiState, wants: &mut Wants) {
    wants.visible.extend(state.chosen());
}

fn find(state: &mut UiState) {
    state.change(|it: &mut Choice| it.typed = Some(it.words.clone()));
}

fn toggle(state: &mut UiState) {
    state.change(|it: &mut Choice| (it.other, it.top) = (!it.other, 0));
}

fn forget(state: &mut UiState) {
    if state.choice::<Choice>().words.is_empty() {
        state.screen = Screen::RUNS;
    }
    state.change(|it: &mut Choice| (it.words, it.top) = (String::new(), 0));
}

fn scroll(state: &mut UiState, by: isize) {
    let last = Table::of(state).rows.len().saturating_sub(state.page.get().max(1));
    state.change(|it: &mut Choice| it.top = it.top.min(last).saturating_add_signed(by).min(last));
}

fn page(state: &mut UiState, by: isize) {
    let rows = state.page.get().max(2) as isize - 1;
    scroll(state, by * rows);
}

/// Moves the first visible column by marked runs or, without marks, goes to another run.
fn turn(state: &mut UiState, by: isize) {
    if state.marked.is_empty() {
        return state.list.step(by);
    }
    let last = state.chosen().len().saturating_sub(1);
    state.change(|it: &mut Choice| it.first = it.first.min(last).saturating_add_signed(by).min(last));
}

/// Handles a key while words are typed. Returns whether they are.
pub(super) fn take(state: &mut UiState, key: KeyEvent) -> bool {
    let Some(mut text) = state.choice::<Choice>().typed.filter(|_| state.screen == Screen::CONFIG) else {
        return false;
    };
    let typed = edit(&mut text, key);
    state.change(|it: &mut Choice| {
        it.top = 0;
        it.typed = (typed == Typed::Going).then(|| text.clone());
        if typed == Typed::Done {
            it.words = text;
        }
    });
    true
}

/// The line in which words are typed.
pub(super) fn prompt(state: &UiState) -> Option<String> {
    let typed = state.choice::<Choice>().typed.filter(|_| state.screen == Screen::CONFIG)?;
    Some(clean(&format!("/{typed}_")))
}

/// Keys and their values in the chosen runs.
struct Table {
    /// One name for each run, in their order.
    names: Vec<String>,
    rows: Vec<Row>,
    /// Number of keys of the experiment, and number of differing keys.
    keys: usize,
    differing: usize,
}

struct Row {
    key: String,
    /// `None` if the run lacks the key.
    values: Vec<Option<String>>,
    /// Whether the runs differ in it; for a single run, whether it differs from others in the list.
    differs: bool,
}

impl Table {
    /// The rows that contain all the words.
    fn of(state: &UiState) -> Self {
        let choice: Choice = state.choice();
        let runs = state.chosen();
        let names = state.names.short_of_some(&state.model, &runs);
        let mut rows = about(state, &runs);
        let own = rows.len();
        let facts: Vec<_> = runs.iter().map(|id| state.facts(id).map(|facts| &facts.configuration)).collect();
        // All keys in the order of the file; keys that only later runs have follow the key that precedes them there.
        let mut keys: Vec<&str> = Vec::new();
        for configuration in facts.iter().flatten() {
            let mut next = 0;
            for (key, _) in configuration.iter() {
                match keys.iter().skip(next).position(|known| *known == key) {
                    Some(ahead) => next += ahead + 1,
                    None if keys[..next.min(keys.len())].contains(&key) => {}
                    None => {
                        keys.insert(next, key);
                        next += 1;
                    }
                }
            }
        }
        let listed = if runs.len() == 1 { differing_in_list(state, &runs[0]) } else { HashSet::new() };
        for key in keys {
            let values: Vec<_> = facts
                .iter()
                .map(|it| it.and_then(|it| it.get(key)).map(|it| snn_run::plain(it).into_owned()))
                .collect();
            let differs = match &values[..] {
                [_] => listed.contains(key),
                values => values.iter().any(|value| *value != values[0]),
            };
            rows.push(Row { key: key.to_owned(), values, differs });
        }
        let (keys, differing) = (rows.len() - own, rows[own..].iter().filter(|row| row.differs).count());
        let only_differing = (runs.len() > 1) != choice.other;
        let words = choice.typed.unwrap_or(choice.words).to_lowercase();
        let has = |row: &Row, word: &str| {
            let values = row.values.iter().flatten();
            std::iter::once(&row.key).chain(values).any(|text| text.to_lowercase().contains(word))
        };
        rows.retain(|row| {
            (row.differs || !only_differing) && words.split_whitespace().all(|word| has(row, word))
        });
        Self { names, rows, keys, differing }
    }
}

/// The keys in which a run differs from any other in the list.
fn differing_in_list<'a>(state: &'a UiState, id: &str) -> HashSet<&'a str> {
    let Some(own) = state.facts(id).map(|facts| &facts.configuration) else { return HashSet::new() };
    let values: HashMap<&str, &Value> = own.iter().collect();
    let mut differing = HashSet::new();
    for other in state.list.order().iter().filter_map(|id| state.facts(id)) {
        let mut shared = 0;
        for (key, value) in other.configuration.iter() {
            if let Some(own) = values.get(key) {
                shared += 1;
                if *own != value {
                    differing.insert(key);
                }
            }
        }
        if shared < values.len() {
            differing.extend(values.keys().filter(|key| other.configuration.get(key).is_none()));
        }
    }
    differing
}

/// Data about runs besides their settings: path, state, verdict, device.
fn about(state: &UiState, runs: &[String]) -> Vec<Row> {
    let row = |key: &str, of: &dyn Fn(&str) -> Option<String>| {
        let values: Vec<_> = runs.iter().map(|id| of(id)).collect();
        let differs = values.iter().any(|value| *value != values[0]);
        Row { key: key.to_owned(), values, differs }
    };
    let run = |id: &str| state.model.runs.get(id);
    let mut rows = vec![
        row("run", &|id| Some(id.to_owned())),
        row("state", &|id| Some(run(id)?.state_name().to_owned())),
        row("verdict", &|id| Some(run(id)?.diagnosis.as_ref()?.headline())),
        row("device", &|id| Some(state.facts(id)?.device.clone())),
    ];
    if let [id] = runs {
        rows.insert(1, row("path", &|_| Some(run(id)?.path.display().to_string())));
    }
    rows
}

/// The screen, and all rows including those outside of it.
fn figure(state: &UiState) -> Result<Figure<'_>, String> {
    let shown = Table::of(state);
    if shown.names.is_empty() {
        return Err("no run is selected".to_owned());
    }
    let mut table = figure::Table::new(std::iter::once("key".to_owned()).chain(shown.names));
    table.rows.extend(shown.rows.into_iter().map(|row| {
        let values = row.values.into_iter().map(Option::unwrap_or_default);
        std::iter::once(row.key).chain(values).map(|text| clean(&text)).collect()
    }));
    Ok(Figure::Screen(table))
}

fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let runs = state.chosen();
    if runs.is_empty() || area.height < 2 {
        let text = "No run is selected: go to Runs (1), and select one or mark some with Space.";
        return note(state.theme.dim(), text, area, buffer);
    }
    let table = Table::of(state);
    let choice: Choice = state.choice();
    let words = choice.typed.as_ref().unwrap_or(&choice.words);
    let searched =
        if words.is_empty() { String::new() } else { format!("; {} matching /{words}", table.rows.len()) };
    let title = match runs.as_slice() {
        [id] => format!("{}: {}{searched}", state.name(id), several(table.keys, "key")),
        _ => {
            let of = format!("{} of {} differ", table.differing, several(table.keys, "key"));
            format!("{} runs: {of}{searched}", runs.len())
        }
    };
    buffer.set_string(area.x, area.y, fit(&clean(&title), usize::from(area.width)), state.theme.bold());
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if table.keys == 0 {
        let text = if state.model.runs.contains_key(&runs[0]) {
            "Reading the settings ..."
        } else {
            "This run is gone."
        };
        return note(state.theme.dim(), text, body, buffer);
    }
    if table.rows.is_empty() {
        let text = match words.as_str() {
            "" => "No key differs from the other runs in the list. v shows all keys.".to_owned(),
            words => format!("No key or value matches /{words}. Esc clears the search."),
        };
        return note(state.theme.dim(), &text, body, buffer);
    }
    if runs.len() == 1 {
        draw_one(state, &table, body, buffer)
    } else {
        draw_several(state, &table, body, buffer)
    }
}

/// Width of a column of keys and values, if several fit.
const COLUMN: u16 = 52;

/// One run: keys and values, on wide terminals in several columns.
fn draw_one(state: &UiState, table: &Table, area: Rect, buffer: &mut Buffer) {
    let needed = table.rows.len().div_ceil(usize::from(area.height).max(1)) as u16;
    let number = (area.width / COLUMN).min(needed).max(1);
    let wide = area.width / number;
    let page = usize::from(area.height) * usize::from(number);
    state.page.set(page);
    let top = state.choice::<Choice>().top.min(table.rows.len().saturating_sub(page));
    let shown = &table.rows[top..];
    let named = shown.iter().map(|row| width(&row.key)).max().unwrap_or(0).min(usize::from(wide) * 3 / 5);
    for (k, row) in shown.iter().enumerate().take(page) {
        let (column, line) = (k / usize::from(area.height), k % usize::from(area.height));
        let (x, y) = (area.x + column as u16 * wide, area.y + line as u16);
        let style = if row.differs && row.key.contains('.') { state.theme.bold() } else { Style::new() };
        buffer.set_string(x, y, left(&end(&row.key, named), named), state.theme.dim());
        let room = usize::from(wide).saturating_sub(named + 2);
        let value = row.values[0].as_deref().unwrap_or("-");
        let value = if row.key == "path" { end(value, room) } else { fit(&clean(value), room) };
        buffer.set_string(x + named as u16 + 1, y, value, style);
    }
}

/// Maximum width of a value: the first if space is short, otherwise the second.
const VALUE: (usize, usize) = (16, 28);

/// Several runs: one column each.
fn draw_several(state: &UiState, table: &Table, area: Rect, buffer: &mut Buffer) {
    let rows = usize::from(area.height).saturating_sub(1);
    state.page.set(rows);
    let choice: Choice = state.choice();
    let top = choice.top.min(table.rows.len().saturating_sub(rows));
    let room = usize::from(area.width);
    let named = table.rows.iter().map(|row| width(&row.key)).max().unwrap_or(3).min(room * 2 / 5);
    let natural = |run: usize| {
        let values =
            table.rows.iter().map(|row| row.values[run].as_ref().map_or(1, |value| width(&clean(value))));
        values.chain([width(&clean(&table.names[run]))]).max().unwrap_or(1)
    };
    let widths: Vec<usize> = (0..table.names.len()).map(natural).collect();
    let needs = |most: usize| widths.iter().map(|cells| cells.min(&most) + 1).sum::<usize>();
    let most = if named + needs(VALUE.1) <= room { VALUE.1 } else { VALUE.0 };
    let first = choice.first.min(table.names.len() - 1);
    let heading = if first > 0 { format!("< {first} more") } else { String::new() };
    buffer.set_string(area.x, area.y, fit(&heading, named), state.theme.dim());
    let mut x = area.x + named as u16 + 1;
    for (run, cells) in widths.iter().enumerate().skip(first) {
        let cells = (*cells).min(most).min(room.saturating_sub(named + 1));
        let left_over = usize::from(area.right().saturating_sub(x));
        if cells > left_over {
            // The number of hidden runs, as much of it as fits.
            let text = format!(">{}", table.names.len() - run);
            buffer.set_string(
                area.right().saturating_sub(width(&text) as u16),
                area.y,
                text,
                state.theme.dim(),
            );
            break;
        }
        buffer.set_string(x, area.y, fit(&clean(&table.names[run]), cells), state.theme.bold());
        for (row, y) in table.rows[top..].iter().zip(area.y + 1..area.bottom()) {
            let style = if row.differs { Style::new() } else { state.theme.dim() };
            let value = row.values[run].as_deref().unwrap_or("-");
            buffer.set_string(x, y, fit(&clean(value), cells), style);
        }
        x += cells as u16 + 1;
    }
    for (row, y) in table.rows[top..].iter().zip(area.y + 1..area.bottom()) {
        buffer.set_string(area.x, y, end(&row.key, named), state.theme.dim());
    }
}

/// The end of a key or path that is too long: it is more informative than the beginning.
fn end(text: &str, cells: usize) -> String {
    let text = clean(text);
    if width(&text) <= cells {
        return text;
    }
    let end = text.char_indices().map(|(at, _)| &text[at..]).find(|rest| width(rest) < cells);
    format!("~{}", end.unwrap_or_default())
}
