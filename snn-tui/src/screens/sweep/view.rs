//! The current view of a sweep: the cells of the map, the ranking, and the cursor.

use std::collections::BTreeMap;

use snn_run::sweep::{Row, RunState, Standing};

use super::{
    axes::{Axis, axes, default_axes},
    metric::Metric,
};
use crate::{data::SweepView, model::Model, state::UiState};

/// The user's choices.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Choice {
    pub(super) metric: Metric,
    /// Axes along columns and rows, if the user has chosen them.
    pub(super) columns: Option<usize>,
    pub(super) rows: Option<usize>,
    /// Selected positions on the other axes, if the user has chosen them; one past the last is the mean over all.
    pub(super) places: BTreeMap<usize, usize>,
    /// The stepped axis, as an index among those not shown.
    pub(super) stepped: usize,
    /// Column and row; initially the best cell.
    pub(super) cursor: Option<(usize, usize)>,
    /// Whether the ranking is shown instead of the map.
    pub(super) ranked: bool,
}

/// The map of a sweep with these choices.
pub(super) struct View<'a> {
    pub(super) sweep: &'a SweepView,
    pub(super) choice: Choice,
    pub(super) axes: Vec<Axis>,
    pub(super) columns: Option<usize>,
    pub(super) rows: Option<usize>,
    /// Axes that are neither shown nor seeds, with the selected position; `None` is the mean over all.
    pub(super) others: Vec<(usize, Option<usize>)>,
    /// Runs of each cell, by row, then column.
    pub(super) cells: Vec<Vec<Vec<&'a Row>>>,
    /// The mean of each cell over its finished runs.
    pub(super) values: Vec<Vec<Option<f64>>>,
    /// All settings, best first.
    pub(super) ranking: Vec<Standing>,
    /// Column and row.
    pub(super) cursor: (usize, usize),
}

impl<'a> View<'a> {
    fn new(model: &'a Model, choice: Choice) -> Option<Self> {
        let sweep = model.sweep.as_ref()?;
        let metric = choice.metric;
        let value = |row: &Row| metric.of_done(row, model.runs.get(&row.id));
        let ranking = sweep.results.ranking(metric.better(), value);
        let axes = axes(&sweep.manifest);
        let default = default_axes(&axes);
        let columns = choice.columns.filter(|&k| k < axes.len()).or(default.0);
        // An axis cannot run in both directions.
        let rows = choice.rows.filter(|&k| k < axes.len()).or(default.1).filter(|k| Some(*k) != columns);
        let rows = rows.or_else(|| (0..axes.len()).find(|&k| Some(k) != columns && !axes[k].is_seed));
        let hidden = (0..axes.len()).filter(|&k| Some(k) != columns && Some(k) != rows && !axes[k].is_seed);
        let best = ranking.first().filter(|best| best.summary.is_some());
        let of_best = |k: usize| best.and_then(|best| axes[k].place(&best.settings)).unwrap_or(0);
        let place = |k: usize| choice.places.get(&k).copied().unwrap_or_else(|| of_best(k));
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
        let mean = |rows: &Vec<&Row>| {
            let values: Vec<f64> = rows.iter().filter_map(|row| value(row)).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let values = cells.iter().map(|cells| cells.iter().map(mean).collect()).collect();
        let (last_column, last_row) = (size(columns) - 1, size(rows) - 1);
        let mut view =
            Self { sweep, choice, axes, columns, rows, others, cells, values, ranking, cursor: (0, 0) };
        view.cursor = match view.choice.cursor {
            Some((column, row)) => (column.min(last_column), row.min(last_row)),
            None => view.best_cell(),
        };
        Some(view)
    }

    /// Column and row of the best setting or, if it is not on the map, of the best cell.
    fn best_cell(&self) -> (usize, usize) {
        if let Some(cell) =
            self.ranking.first().filter(|it| it.summary.is_some()).and_then(|it| self.cell_of(it))
        {
            return cell;
        }
        let better = self.choice.metric.better();
        let cells = self.values.iter().enumerate().flat_map(|(row, values)| {
            values.iter().enumerate().filter_map(move |(column, value)| Some(((column, row), (*value)?)))
        });
        cells.min_by(|a, b| better.order(a.1, b.1)).map_or((0, 0), |(cell, _)| cell)
    }

    /// The cell of a setting, if it is on the map.
    fn cell_of(&self, standing: &Standing) -> Option<(usize, usize)> {
        let is_shown = self
            .others
            .iter()
            .all(|&(k, place)| place.is_none() || self.axes[k].place(&standing.settings) == place);
        let on = |axis: Option<usize>| axis.map_or(Some(0), |k| self.axes[k].place(&standing.settings));
        is_shown.then(|| on(self.columns).zip(on(self.rows))).flatten()
    }

    /// The rank of the best setting in the cell under the cursor, from 0.
    pub(super) fn rank(&self) -> Option<usize> {
        self.ranking.iter().position(|standing| self.cell_of(standing) == Some(self.cursor))
    }

    pub(super) fn size(&self) -> (usize, usize) {
        (self.cells.first().map_or(0, Vec::len), self.cells.len())
    }

    /// The runs of the cell under the cursor.
    pub(super) fn runs(&self) -> &[&'a Row] {
        let (column, row) = self.cursor;
        self.cells.get(row).and_then(|cells| cells.get(column)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn chance(&self) -> Option<f64> {
        self.choice.metric.chance(self.sweep.classes, self.sweep.is_cross_entropy())
    }
}

pub(super) fn view(state: &UiState) -> Option<View<'_>> {
    View::new(&state.model, state.choice())
}

/// A sign for the state of a cell, independent of color: failed, stopped or stalled, running, pending; nothing if all runs are done.
pub(super) fn sign<'a>(rows: impl IntoIterator<Item = &'a Row> + Clone) -> &'static str {
    let has = |is: fn(RunState) -> bool| rows.clone().into_iter().any(|row| is(row.state));
    match () {
        () if has(RunState::has_failed) => "x",
        () if has(RunState::is_interrupted) => "!",
        () if has(|state| state == RunState::Running) => "~",
        () if has(|state| state == RunState::Pending) => ".",
        () => "",
    }
}
