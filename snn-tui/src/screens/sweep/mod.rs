//! A sweep as a map: a metric over two of the swept keys, the others stepped by keys, repetitions with other seeds averaged.

mod axes;
mod metric;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::sweep::{Row, RunState};

use super::{binding::Binding, definition::Definition};
use crate::{
    data::SweepView,
    figure::{Figure, Table},
    state::{Screen, State},
    widgets::{
        Cell, Map, color_bar, gauge, note,
        text::{clean, count, duration, fit, number},
    },
};
use axes::{Axis, axes, default_axes};
use metric::Metric;

/// What is shown and how.
#[derive(Debug, Clone, PartialEq, Default)]
struct Choice {
    metric: Metric,
    /// Axes along columns and rows, if the user has chosen them.
    columns: Option<usize>,
    rows: Option<usize>,
    /// Places on axes that are not shown; one past the last is the mean over all.
    places: BTreeMap<usize, usize>,
    /// The axis that is stepped, among those not shown.
    stepped: usize,
    /// Column and row.
    cursor: (usize, usize),
}

pub(super) const DEFINITION: Definition = Definition {
    screen: Screen::SWEEP,
    title: "Sweep",
    about: "A metric over two swept keys",
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
        Binding { what: "its curves", keys: &[("Enter", open_cell)] },
        Binding {
            what: "metric",
            keys: &[("m", |state| turn_metric(state, 1)), ("M", |state| turn_metric(state, -1))],
        },
        Binding {
            what: "columns, rows",
            keys: &[("c", |state| turn_axis(state, true)), ("r", |state| turn_axis(state, false))],
        },
        Binding {
            what: "other key",
            keys: &[("[", |state| step_other(state, -1)), ("]", |state| step_other(state, 1))],
        },
        Binding { what: "which", keys: &[("o", next_other)] },
    ],
    draw,
    wants: |_, wants| wants.sweep = true,
    figure,
};

/// The screen, and the table of all runs as `snn sweep` writes it into results.csv.
fn figure(state: &State) -> Result<Figure<'_>, String> {
    let sweep =
        state.model.sweep.as_ref().ok_or("This is no sweep's directory, or it has not been read yet.")?;
    Ok(Figure::Screen(Table::of_csv(&sweep.results.to_csv())))
}

/// The map that the choice makes of a sweep.
struct View<'a> {
    choice: Choice,
    axes: Vec<Axis>,
    columns: Option<usize>,
    rows: Option<usize>,
    /// Axes that are neither shown nor seeds, with the place that is shown; `None` is the mean over all.
    others: Vec<(usize, Option<usize>)>,
    /// Runs of each cell, by row, then column.
    cells: Vec<Vec<Vec<&'a Row>>>,
}

impl<'a> View<'a> {
    fn new(sweep: &'a SweepView, choice: Choice) -> Self {
        let axes = axes(&sweep.manifest);
        let default = default_axes(&axes);
        let columns = choice.columns.filter(|&k| k < axes.len()).or(default.0);
        // An axis cannot run both ways.
        let rows = choice.rows.filter(|&k| k < axes.len()).or(default.1).filter(|k| Some(*k) != columns);
        let rows = rows.or_else(|| (0..axes.len()).find(|&k| Some(k) != columns && !axes[k].is_seed));
        let hidden = (0..axes.len()).filter(|&k| Some(k) != columns && Some(k) != rows && !axes[k].is_seed);
        let place = |k: usize| choice.places.get(&k).copied().unwrap_or(0);
        let others: Vec<_> =
            hidden.map(|k| (k, Some(place(k)).filter(|&place| place < axes[k].len()))).collect();
        let size = |axis: Option<usize>| axis.map_or(1, |k| axes[k].len()).max(1);
        let mut cells = vec![vec![Vec::new(); size(columns)]; size(rows)];
        for row in &sweep.results.rows {
            let on = |axis: Option<usize>| axis.map_or(Some(0), |k| axes[k].place(&row.settings));
            let is_shown =
                others.iter().all(|&(k, place)| place.is_none() || axes[k].place(&row.settings) == place);
            if let (true, Some(x), Some(y)) = (is_shown, on(columns), on(rows)) {
                cells[y][x].push(row);
            }
        }
        Self { choice, axes, columns, rows, others, cells }
    }

    fn size(&self) -> (usize, usize) {
        (self.cells.first().map_or(0, Vec::len), self.cells.len())
    }

    fn runs(&self, (column, row): (usize, usize)) -> &[&'a Row] {
        self.cells.get(row).and_then(|cells| cells.get(column)).map_or(&[], Vec::as_slice)
    }
}

fn turn_metric(state: &mut State, by: isize) {
    state.change(|it: &mut Choice| it.metric = it.metric.turn(by));
}

fn move_cursor(state: &mut State, right: isize, up: isize) {
    let Some(sweep) = &state.model.sweep else { return };
    let view = View::new(sweep, state.choice());
    let (columns, rows) = view.size();
    let (column, row) = cursor(&view);
    let by = |place: usize, by: isize, of: usize| place.saturating_add_signed(by).min(of.saturating_sub(1));
    let cursor = (by(column, right, columns), by(row, up, rows));
    state.change(|it: &mut Choice| it.cursor = cursor);
}

/// Lets the next key run along the columns, or along the rows.
fn turn_axis(state: &mut State, along_columns: bool) {
    let Some(sweep) = &state.model.sweep else { return };
    let view = View::new(sweep, state.choice());
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
    state.change(|it: &mut Choice| (it.columns, it.rows) = axes);
}

/// Goes to the next value of the key that is stepped, behind the last one to the mean over all.
fn step_other(state: &mut State, by: isize) {
    let Some(sweep) = &state.model.sweep else { return };
    let view = View::new(sweep, state.choice());
    let stepped = view.others.get(view.choice.stepped % view.others.len().max(1)).copied();
    let Some((axis, place)) = stepped else { return };
    let steps = view.axes[axis].len() + 1;
    let place = place.unwrap_or(steps - 1) as isize + by;
    let place = place.rem_euclid(steps as isize) as usize;
    state.change(|it: &mut Choice| {
        it.places.insert(axis, place);
    });
}

fn next_other(state: &mut State) {
    let Some(sweep) = &state.model.sweep else { return };
    let others = View::new(sweep, state.choice()).others.len();
    state.change(|it: &mut Choice| it.stepped = (it.stepped + 1) % others.max(1));
}

/// Shows the curves of the runs of the cell.
fn open_cell(state: &mut State) {
    let Some(sweep) = &state.model.sweep else { return };
    let view = View::new(sweep, state.choice());
    let runs: Vec<String> = view.runs(cursor(&view)).iter().map(|row| row.id.clone()).collect();
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

fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let Some(sweep) = &state.model.sweep else {
        let text = if state.model.is_sweep {
            "Reading the runs of the sweep ...".to_owned()
        } else {
            format!(
                "{} is no sweep. `snn-tui sweeps/NAME` opens the directory of one, which `snn sweep plan` makes.",
                state.model.source
            )
        };
        return note(state.theme.dim(), &text, area, buffer);
    };
    if area.height < 6 {
        return;
    }
    let view = View::new(sweep, state.choice());
    draw_progress(state, sweep, area, buffer);
    let room = usize::from(area.width);
    buffer.set_string(area.x, area.y + 1, fit(&describe(&view), room), Style::new());

    // The runs of a cell below the map, as far as that leaves the map most of the room.
    let listed = (view.runs(cursor(&view)).len() as u16 + 1).min(area.height / 3);
    let map = Rect { y: area.y + 2, height: area.height - 3 - listed, ..area };
    let values = values(state, &view);
    let range =
        values.iter().flatten().flatten().fold((f64::INFINITY, f64::NEG_INFINITY), |range, &value| {
            (range.0.min(value), range.1.max(value))
        });
    draw_map(state, &view, &values, range, map, buffer);
    if range.0 <= range.1 {
        color_bar(state.theme, range, Rect { y: map.bottom(), height: 1, ..area }, buffer);
    }
    draw_runs(state, &view, Rect { y: area.bottom() - listed, height: listed, ..area }, buffer);
}

fn cursor(view: &View<'_>) -> (usize, usize) {
    let (columns, rows) = view.size();
    let (column, row) = view.choice.cursor;
    (column.min(columns.saturating_sub(1)), row.min(rows.saturating_sub(1)))
}

/// How far the whole is.
fn draw_progress(state: &State, sweep: &SweepView, area: Rect, buffer: &mut Buffer) {
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

/// What the map shows: the metric, and where it is on the axes that are not shown.
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

/// The mean of every cell over its runs that have a value.
fn values(state: &State, view: &View<'_>) -> Vec<Vec<Option<f64>>> {
    let metric = view.choice.metric;
    let mean = |rows: &Vec<&Row>| {
        let values: Vec<f64> =
            rows.iter().filter_map(|row| metric.of(row, state.model.runs.get(&row.id))).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    view.cells.iter().map(|cells| cells.iter().map(mean).collect()).collect()
}

/// How a cell stands in a sign that needs no color: failed, stopped or stalled, running, pending; nothing if all is done.
fn sign(rows: &[&Row]) -> &'static str {
    let has = |is: fn(RunState) -> bool| rows.iter().any(|row| is(row.state));
    match () {
        () if has(RunState::has_failed) => "x",
        () if has(RunState::is_interrupted) => "!",
        () if has(|state| state == RunState::Running) => "~",
        () if has(|state| state == RunState::Pending) => ".",
        () => "",
    }
}

fn draw_map(
    state: &State,
    view: &View<'_>,
    values: &[Vec<Option<f64>>],
    range: (f64, f64),
    area: Rect,
    buffer: &mut Buffer,
) {
    let (columns, rows) = view.size();
    let names = |axis: Option<usize>, number: usize| match axis {
        Some(axis) => (view.axes[axis].name.clone(), (0..number).map(|k| view.axes[axis].label(k)).collect()),
        None => (String::new(), vec![String::new(); number]),
    };
    // As many digits as there is room for in a cell.
    let room = (usize::from(area.width).saturating_sub(10) / columns.max(1)).clamp(1, 9) - 1;
    let cell = |(row, column): (usize, usize)| {
        let sign = sign(&view.cells[row][column]);
        let value = values[row][column];
        let text = value.and_then(|value| view.choice.metric.text(value, room.saturating_sub(sign.len())));
        Cell { value, text: text.unwrap_or_default() + sign }
    };
    let map = Map {
        x: names(view.columns, columns),
        y: names(view.rows, rows),
        from_top: false,
        cells: (0..rows).map(|row| (0..columns).map(|column| cell((row, column))).collect()).collect(),
        range,
        cursor: Some((cursor(view).1, cursor(view).0)),
    };
    map.draw(state.theme, area, buffer);
}

/// The runs of the cell under the cursor.
fn draw_runs(state: &State, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let (column, row) = cursor(view);
    let runs = view.runs((column, row));
    let at = |axis: Option<usize>, place| {
        axis.map(|axis| format!("{} {}", view.axes[axis].name, view.axes[axis].label(place)))
    };
    let places: Vec<_> = [at(view.columns, column), at(view.rows, row)].into_iter().flatten().collect();
    let legend = "x failed  ! stopped  ~ running  . pending";
    let title = match runs.len() {
        0 => format!("{}: no run is planned here", places.join(", ")),
        number => format!("{}: {number} run(s)   {legend}", places.join(", ")),
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
        let seeds: Vec<_> = view
            .axes
            .iter()
            .filter(|axis| axis.is_seed)
            .filter_map(|axis| Some(format!("{} {}", axis.name, axis.label(axis.place(&row.settings)?))))
            .collect();
        let message =
            row.message.as_deref().map_or_else(String::new, |message| format!("  {}", clean(message)));
        let text = format!("  {}  {word}  {value}  {}{message}", clean(&row.id), seeds.join(", "));
        let style = if row.state.has_failed() { state.theme.bad() } else { Style::new() };
        buffer.set_string(area.x, y, fit(&text, room), style);
    }
}
