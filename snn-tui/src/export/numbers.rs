//! The numbers of plots, one per row.

use crate::{
    figure::{Panel, Table},
    widgets::{Histogram, Lane, Map, Plot, lanes::Content},
};

/// The columns: `x` and `y` of a point, a mark, a column or a cell, and the range around it.
const HEAD: [&str; 6] = ["panel", "series", "x", "y", "low", "high"];

/// The numbers in these panels.
pub(super) fn of(panels: &[Panel<'_>]) -> Table {
    let mut table = Table::new(HEAD);
    for panel in panels {
        match panel {
            Panel::Plot(plot) => of_plot(plot, &mut table),
            Panel::Lanes(lanes) => {
                lanes.lanes.iter().for_each(|lane| of_lane(lane, &lanes.x.label, &mut table))
            }
            Panel::Histogram(histogram) => of_histogram(histogram, &mut table),
            Panel::Map(map) => of_map(map, &mut table),
        }
    }
    table
}

fn of_plot(plot: &Plot, table: &mut Table) {
    for series in &plot.series {
        let name = if series.label.is_empty() { &series.name } else { &series.label };
        for (k, (x, y)) in series.points.iter().enumerate() {
            let range =
                series.band.get(k).map_or_else(Default::default, |(_, low, high)| [text(*low), text(*high)]);
            row(table, [&plot.title, name, &text(*x), &text(*y), &range[0], &range[1]]);
        }
    }
}

fn of_lane(lane: &Lane, _: &str, table: &mut Table) {
    let name = |names: &[String], k: usize| names.get(k).cloned().unwrap_or_else(|| k.to_string());
    match &lane.content {
        Content::Raster { rows, names, .. } => {
            for (k, marks) in rows.iter().enumerate() {
                let unit = name(names, k);
                marks.iter().for_each(|x| row(table, [&lane.title, "spikes", &text(*x), &unit, "", ""]));
            }
        }
        Content::Shades { rows, names, .. } => {
            for (k, values) in rows.iter().enumerate() {
                let unit = name(names, k);
                for (step, value) in values.iter().enumerate() {
                    // The digits of the 32-bit value, not those of its conversion to 64 bits.
                    row(table, [&lane.title, &unit, &step.to_string(), &value.to_string(), "", ""]);
                }
            }
        }
        Content::Lines { lines, marks, .. } => {
            for line in lines {
                for (x, y) in &line.points {
                    row(table, [&lane.title, &line.name, &text(*x), &text(*y), "", ""]);
                }
            }
            marks.iter().for_each(|x| row(table, [&lane.title, "spikes", &text(*x), "", "", ""]));
        }
    }
}

fn of_histogram(histogram: &Histogram<'_>, table: &mut Table) {
    let zero = histogram.zero.to_string();
    row(table, [&histogram.title, "count", "0", &zero, "0", "0"]);
    for (edges, count) in histogram.edges.windows(2).zip(histogram.counts) {
        let (low, high) = (text(edges[0]), text(edges[1]));
        let middle = text((edges[0] * edges[1]).sqrt());
        row(table, [&histogram.title, "count", &middle, &count.to_string(), &low, &high]);
    }
}

/// `series` is the row, `x` the column, `y` the number in the cell, `low` and `high` its shade.
fn of_map(map: &Map, table: &mut Table) {
    let panel = format!("{}, {}", map.y.0, map.x.0);
    for (name, cells) in map.y.1.iter().zip(&map.cells) {
        for (column, cell) in map.x.1.iter().zip(cells) {
            let value = cell.value.map_or_else(String::new, text);
            let shown = if cell.text.is_empty() { &value } else { &cell.text };
            row(table, [&panel, name, column, shown, &value, &value]);
        }
    }
}

/// The fewest digits that give the same number when read again; empty for NaN.
fn text(value: f64) -> String {
    if value.is_nan() { String::new() } else { value.to_string() }
}

fn row(table: &mut Table, cells: [&str; 6]) {
    table.rows.push(cells.map(str::to_owned).into());
}
