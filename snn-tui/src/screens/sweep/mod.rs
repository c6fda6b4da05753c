//! A sweep as a map: a metric over two swept keys, with keys to step through the others, averaged over seeds. The ranking of all settings
//! and the effect of each key are next to it, or in a second view.

mod axes;
mod metric;
mod ranking;
#[cfg(test)]
mod tests;
mod view;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::sweep::RunState;

use super::{binding::Binding, definition::Definition};
use crate::{
    data::SweepView,
    figure::{Figure, Table},
    state::{Screen, UiState},
    widgets::{
        Cell, Map, color_bar, gauge, note,
        text::{clean, count, duration, fit, number, several, width},
    },
};
use metric::Metric;
use view::{Choice, View, sign, view};

pub(super) const DEFINITION: Definition = Definition {
    screen: Screen::SWEEP,
    title: "Sweep",
    about: "A map over two swept keys, the best settings, the effect of each key",
    is_for_sweeps: true,
    bindings: &[
        Binding {
            what: "cell",
            keys: &[
                ("h|Left", |state| move_cursor(state, -1, 0)),
                ("j|Down", |state| move_cursor(state, 0, -1)),
                ("k|Up", |state| move_cursor(state, 0, 1)),
                ("l|Right", |state| move_cursor(state, 1, 0)),
            ],
        },
        Binding { what: "curves", keys: &[("Enter", open_cell)] },
        Binding {
            what: "next best setting",
            keys: &[("b", |state| step_rank(state, 1)), ("B", |state| step_rank(state, -1))],
        },
        Binding {
            what: "ranking",
            keys: &[("v", |state| state.change(|it: &mut Choice| it.ranked = !it.ranked))],
        },
        Binding {
            what: "metric",
            keys: &[("m", |state| turn_metric(state, 1)), ("M", |state| turn_metric(state, -1))],
        },
        Binding {
            what: "columns, rows",
            keys: &[("c", |state| turn_axis(state, true)), ("r", |state| turn_axis(state, false))],
        },
        Binding {
            what: "other swept key",
            keys: &[("[", |state| step_other(state, -1)), ("]", |state| step_other(state, 1))],
        },
        Binding { what: "which other key", keys: &[("o", next_other)] },
    ],
    select_cell: Some(select_cell),
    draw,
    wants: |_, wants| wants.sweep = true,
    figure,
};

/// The screen, and the table of all runs, as `snn sweep` writes it to results.csv.
fn figure(state: &UiState) -> Result<Figure<'_>, String> {
    let sweep = state
        .model
        .sweep
        .as_ref()
        .ok_or("This is not the directory of a sweep, or it has not been read yet.")?;
    Ok(Figure::Screen(Table::of_csv(&sweep.results.to_csv())))
}

fn turn_metric(state: &mut UiState, by: isize) {
    state.change(|it: &mut Choice| it.metric = it.metric.turn(by));
}

fn move_cursor(state: &mut UiState, right: isize, up: isize) {
    let Some(view) = view(state) else { return };
    if view.choice.ranked {
        return step_rank(state, -up);
    }
    let (columns, rows) = view.size();
    let (column, row) = view.cursor;
    let by = |place: usize, by: isize, of: usize| place.saturating_add_signed(by).min(of.saturating_sub(1));
    let cursor = (by(column, right, columns), by(row, up, rows));
    state.change(|it: &mut Choice| it.cursor = Some(cursor));
}

/// Moves the cursor to a cell; if it is already there, shows the curves of its runs.
fn select_cell(state: &mut UiState, row: usize, column: usize) {
    let Some(view) = view(state) else { return };
    if view.cursor == (column, row) {
        return open_cell(state);
    }
    state.change(|it: &mut Choice| it.cursor = Some((column, row)));
}

/// Moves the cursor to the next or previous setting in the ranking, wherever it is on the map.
fn step_rank(state: &mut UiState, by: isize) {
    let Some(view) = view(state) else { return };
    let last = view.ranking.len().saturating_sub(1);
    let rank = view.rank().map_or(0, |rank| rank.saturating_add_signed(by).min(last));
    let Some(standing) = view.ranking.get(rank) else { return };
    let place = |k: usize| Some((k, view.axes[k].place(&standing.settings)?));
    let on = |axis: Option<usize>| axis.map_or(0, |k| view.axes[k].place(&standing.settings).unwrap_or(0));
    let cursor = (on(view.columns), on(view.rows));
    let places: Vec<_> = view.others.iter().filter_map(|&(k, _)| place(k)).collect();
    state.change(|it: &mut Choice| {
        it.cursor = Some(cursor);
        it.places.extend(places);
    });
}

/// Puts the next key on the columns or on the rows.
fn turn_axis(state: &mut UiState, along_columns: bool) {
    let Some(view) = view(state) else { return };
    let number = view.axes.len();
    if number < 2 {
        return;
    }
    let next = |axis: Option<usize>, other: Option<usize>| {
        let mut candidates = (1..=number).map(|k| (axis.unwrap_or(0) + k) % number);
        candidates.find(|&k| Some(k) != other)
    };
    let (columns, rows) = (view.columns, view.rows);
    let axes = if along_columns { (next(columns, rows), rows) } else { (columns, next(rows, columns)) };
    state.change(|it: &mut Choice| {
        (it.columns, it.rows) = axes;
        it.cursor = None;
    });
}

/// Selects the next value of the stepped key; after the last one, the mean over all.
fn step_other(state: &mut UiState, by: isize) {
    let Some(view) = view(state) else { return };
    let stepped = view.others.get(view.choice.stepped % view.others.len().max(1)).copied();
    let Some((axis, place)) = stepped else { return };
    let steps = view.axes[axis].len() + 1;
    let place = place.unwrap_or(steps - 1) as isize + by;
    let place = place.rem_euclid(steps as isize) as usize;
    state.change(|it: &mut Choice| {
        it.places.insert(axis, place);
    });
}

fn next_other(state: &mut UiState) {
    let Some(others) = view(state).map(|view| view.others.len()) else { return };
    state.change(|it: &mut Choice| it.stepped = (it.stepped + 1) % others.max(1));
}

/// Shows the curves of the runs in the cell.
fn open_cell(state: &mut UiState) {
    let Some(view) = view(state) else { return };
    let runs: Vec<String> = view.runs().iter().map(|row| row.id.clone()).collect();
    if runs.is_empty() {
        return;
    }
    let begun: Vec<_> = runs.into_iter().filter(|id| state.model.runs.contains_key(id)).collect();
    if let Some(first) = begun.first() {
        state.list.select(first);
    }
    state.marked = begun.into_iter().collect();
    state.screen = Screen::CURVES;
}

fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let Some(view) = view(state) else {
        let text = if state.model.is_sweep {
            "Reading the runs of the sweep ...".to_owned()
        } else {
            format!(
                "{} is not a sweep. `snn sweep plan` creates one, and `snn-tui sweeps/NAME` opens its directory.",
                state.model.source
            )
        };
        return note(state.theme.dim(), &text, area, buffer);
    };
    if area.height < 3 {
        return;
    }
    draw_progress(state, view.sweep, area, buffer);
    let room = usize::from(area.width);
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if view.choice.ranked || area.width < 50 || area.height < 10 {
        return ranking::draw_all(state, &view, below, buffer);
    }

    // The runs of a cell are below the map, as long as it keeps most of the height.
    let listed = (view.runs().len() as u16 + 1).min(area.height / 3);
    let middle = Rect { y: area.y + 2, height: area.height - 3 - listed, ..area };
    let values: Vec<f64> = view.values.iter().flatten().flatten().copied().collect();
    let chance = view.chance();
    let range = view.choice.metric.scale(&values, chance);
    let map = map(&view, range.unwrap_or((0.0, 0.0)), usize::from(area.width));
    let (place, beside) = share(&map, middle);
    state.clicks.add_cells(map.draw(state.theme, place, buffer));
    let hint = if beside.is_none() { "; v: ranking" } else { "" };
    let text = fit(&describe(&view), room.saturating_sub(width(hint))) + hint;
    buffer.set_string(area.x, area.y + 1, text, Style::new());
    if let Some(beside) = beside {
        ranking::draw_beside(state, &view, beside, buffer);
    }
    if let Some(range) = range {
        let place = Rect { y: middle.bottom(), height: 1, ..area };
        let used = color_bar(state.theme, range, place, buffer);
        if chance.is_some() && used > 0 {
            let text = match view.choice.metric {
                Metric::Loss | Metric::TrainLoss => "from guessing, ln(classes)",
                _ => "from guessing, 1/classes",
            };
            let x = area.x + used + 2;
            buffer.set_string(
                x,
                place.y,
                fit(text, usize::from(area.right().saturating_sub(x))),
                state.theme.dim(),
            );
        }
    }
    draw_runs(state, &view, Rect { y: area.bottom() - listed, height: listed, ..area }, buffer);
}

/// Areas of the map and of the ranking, which is beside the map or else below it, if it fits.
fn share(map: &Map, area: Rect) -> (Rect, Option<Rect>) {
    let (wide, high) = (map.width() as u16, map.height() as u16);
    let left = area.width.saturating_sub(wide + 2);
    if left >= ranking::LEAST.0 && area.height >= ranking::LEAST.1 {
        let beside = Rect { x: area.x + wide + 2, width: left, ..area };
        return (Rect { width: wide, ..area }, Some(beside));
    }
    let left = area.height.saturating_sub(high + 1);
    if left >= ranking::LEAST.1 && area.width >= ranking::LEAST.0 {
        let below = Rect { y: area.y + high + 1, height: left, ..area };
        return (Rect { height: high, ..area }, Some(below));
    }
    (area, None)
}

/// The progress of the sweep.
fn draw_progress(state: &UiState, sweep: &SweepView, area: Rect, buffer: &mut Buffer) {
    let results = &sweep.results;
    let all = results.rows.len();
    let done = results.count(RunState::Done);
    let share = done as f64 / all.max(1) as f64;
    let name = fit(&clean(&sweep.manifest.name), usize::from(area.width) / 4);
    let bar = gauge(share, 12, state.theme.marker);
    let mut text = format!("{name} {bar} {} of {} runs", count(done), count(all));
    for state in RunState::ALL.into_iter().filter(|state| *state != RunState::Done) {
        let number = results.count(state);
        if number > 0 {
            text += &format!(", {} {state}", count(number));
        }
    }
    if let Some(seconds) = sweep.remaining() {
        text += &format!(", {} to go", duration(seconds));
    }
    buffer.set_string(area.x, area.y, fit(&text, usize::from(area.width)), state.theme.bold());
}

/// The content of the map: the metric, and the selected values of the other axes.
fn describe(view: &View<'_>) -> String {
    let mut text = view.choice.metric.name().to_owned();
    let seeds: Vec<&str> = view
        .axes
        .iter()
        .enumerate()
        .filter(|(k, axis)| axis.is_seed && Some(*k) != view.columns && Some(*k) != view.rows)
        .map(|(_, axis)| axis.name.as_str())
        .collect();
    let stepped = view.choice.stepped % view.others.len().max(1);
    for (k, (axis, place)) in view.others.iter().enumerate() {
        let value = place.map_or_else(|| "all".to_owned(), |place| view.axes[*axis].label(place));
        let (open, close) = if k == stepped { ("[", "]") } else { ("", "") };
        text += &format!("; {} {open}{value}{close}", view.axes[*axis].name);
    }
    if !seeds.is_empty() {
        text += &format!("; mean over {}", seeds.join(", "));
    }
    text
}

fn map(view: &View<'_>, range: (f64, f64), room: usize) -> Map {
    let (columns, rows) = view.size();
    let names = |axis: Option<usize>, number: usize| match axis {
        Some(axis) => (view.axes[axis].name.clone(), (0..number).map(|k| view.axes[axis].label(k)).collect()),
        None => (String::new(), vec![String::new(); number]),
    };
    // As many digits as fit into a cell.
    let room = (room.saturating_sub(10) / columns.max(1)).clamp(1, 9) - 1;
    let cell = |(row, column): (usize, usize)| {
        let sign = sign(view.cells[row][column].iter().copied());
        let value = view.values[row][column];
        let text = value.and_then(|value| view.choice.metric.text(value, room.saturating_sub(sign.len())));
        Cell { value, text: text.unwrap_or_default() + sign }
    };
    Map {
        x: names(view.columns, columns),
        y: names(view.rows, rows),
        from_top: false,
        cells: (0..rows).map(|row| (0..columns).map(|column| cell((row, column))).collect()).collect(),
        range,
        cursor: Some((view.cursor.1, view.cursor.0)),
    }
}

/// The runs of the cell under the cursor.
fn draw_runs(state: &UiState, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let (column, row) = view.cursor;
    let runs = view.runs();
    let at = |axis: Option<usize>, place| {
        axis.map(|axis| format!("{} {}", view.axes[axis].name, view.axes[axis].label(place)))
    };
    let places: Vec<_> = [at(view.columns, column), at(view.rows, row)].into_iter().flatten().collect();
    let title = match runs.len() {
        0 => format!("{}: no runs planned", places.join(", ")),
        number => {
            let runs = several(number, "run");
            format!("{}: {runs}   x failed  ! stopped  ~ running  . pending", places.join(", "))
        }
    };
    let room = usize::from(area.width);
    if area.height > 0 {
        buffer.set_string(area.x, area.y, fit(&title, room), state.theme.bold());
    }
    let room_below = usize::from(area.height.saturating_sub(1));
    // Enter shows all of them.
    let shown = if runs.len() > room_below { room_below.saturating_sub(1) } else { runs.len() };
    if shown < runs.len() && area.height > 1 {
        let text = format!("  and {} more", runs.len() - shown);
        buffer.set_string(area.x, area.bottom() - 1, fit(&text, room), state.theme.dim());
    }
    for (row, y) in runs.iter().take(shown).zip(area.y + 1..area.bottom()) {
        let run = state.model.runs.get(&row.id);
        let value = view.choice.metric.of(row, run).map_or_else(|| "-".to_owned(), number);
        let word = row.state;
        let name = view.sweep.naming.name(&row.id, &row.settings);
        // A name chosen by a user is part of it.
        let id = if name.contains(&row.id) { String::new() } else { format!("  {}", row.id) };
        let message = row.message.as_deref().map_or_else(String::new, |message| format!("  {message}"));
        let text = clean(&format!("  {name}  {word}  {value}{id}{message}"));
        let style = if row.state.has_failed() { state.theme.bad() } else { Style::new() };
        buffer.set_string(area.x, y, fit(&text, room), style);
    }
}
