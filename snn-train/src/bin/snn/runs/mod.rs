//! `snn runs`

mod row;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use snn_run::{
    Naming,
    condition::{COLUMNS, Cells as _, Condition, order},
};
use snn_terminal::escape;
use toml::Value;

use crate::common::{UsageError, path_text};
use row::Row;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The directory of the runs, such as `sweeps/<name>/runs`, or of a single run
    #[arg(value_name = "DIR", default_value = "runs")]
    directory: PathBuf,
    /// Show only matching runs; may be repeated. A column or a key, then =, !=, <, <=, > or >=, and a value: a number for numeric
    /// columns (accuracies are fractions: test_accuracy>0.9), otherwise text (verdict=diverged); nothing after = for runs
    /// without a value
    #[arg(long = "where", value_name = "COLUMN=VALUE")]
    conditions: Vec<Condition>,
    /// Sort by a column or a key; runs without a value come last
    #[arg(long, value_name = "COLUMN", default_value = "id")]
    sort: String,
    /// Largest first
    #[arg(long, short)]
    reverse: bool,
    /// Keys of the experiment to show; by default those that differ between the runs shown
    #[arg(long, value_name = "KEY,..", value_delimiter = ',')]
    keys: Option<Vec<String>>,
    /// Write CSV, with every column
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Write JSON, with every key
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut rows = Row::list(&arguments.directory)?;
    check_names(arguments, &rows)?;
    arguments.conditions.iter().try_for_each(|it| it.check(&rows)).map_err(UsageError)?;
    rows.retain(|row| arguments.conditions.iter().all(|condition| condition.holds(row)));
    let cell = |row: &Row| row.cell(&arguments.sort);
    // Ties are sorted by name, for a reproducible order.
    rows.sort_by(|a, b| {
        order(&cell(a), &cell(b), arguments.reverse).then_with(|| order(&a.id, &b.id, false))
    });
    let naming = Naming::of(rows.iter().map(|row| (row.id.as_str(), &row.settings)));
    for row in &mut rows {
        row.name = naming.name(&row.id, &row.settings);
        row.short_name = naming.short(&row.id, &row.settings);
    }
    let keys = arguments.keys.clone().unwrap_or_else(|| differing(&rows));

    let mut out = snn_terminal::stdout();
    if arguments.json {
        let runs = json!({
            "version": 1, "kind": "runs", "directory": path_text(&arguments.directory), "keys": keys, "runs": rows,
        });
        writeln!(out, "{runs}")?;
    } else if arguments.csv {
        write_csv(&rows, &keys)?;
    } else {
        // Lines are cut only on a terminal, not in a file.
        let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        write_table(&mut out, &rows, &keys, width)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A name unknown to all runs is an error, unless there are no runs.
fn check_names(arguments: &Arguments, rows: &[Row]) -> Result<(), UsageError> {
    let asked = arguments.conditions.iter().map(|condition| &condition.column);
    let asked = asked.chain([&arguments.sort]).chain(arguments.keys.iter().flatten());
    for name in asked {
        let known =
            COLUMNS.contains(&name.as_str()) || rows.iter().any(|row| row.settings.get(name).is_some());
        if !known && !rows.is_empty() {
            let columns = COLUMNS.join(", ");
            return Err(UsageError(format!(
                "no run has `{name}`: use {columns}, or a key of the experiment (see `snn presets --keys`)"
            )));
        }
    }
    Ok(())
}

/// The keys that differ between the readable runs.
fn differing(rows: &[Row]) -> Vec<String> {
    let readable: Vec<&Row> = rows.iter().filter(|row| !row.settings.is_empty()).collect();
    let mut keys: BTreeMap<&str, (&Value, usize, bool)> = BTreeMap::new();
    for (key, value) in readable.iter().flat_map(|row| row.settings.iter()) {
        let (first, number, differs) = keys.entry(key).or_insert((value, 0, false));
        *number += 1;
        *differs = *differs || *first != value;
    }
    let differ = |&(_, number, differs): &(&Value, usize, bool)| differs || number < readable.len();
    keys.into_iter().filter(|(_, it)| differ(it)).map(|(key, _)| key.to_owned()).collect()
}

fn write_csv(rows: &[Row], keys: &[String]) -> anyhow::Result<()> {
    // In memory first, so that the final write handles a reader that exits.
    let mut csv = csv::Writer::from_writer(Vec::new());
    let columns: Vec<&str> = COLUMNS.iter().copied().chain(keys.iter().map(String::as_str)).collect();
    csv.write_record(&columns)?;
    for row in rows {
        csv.write_record(columns.iter().map(|column| row.cell(column)))?;
    }
    let bytes = csv.into_inner().context("cannot write CSV")?;
    Ok(snn_terminal::stdout().write_all(&bytes)?)
}

fn write_table(
    out: &mut impl io::Write,
    rows: &[Row],
    keys: &[String],
    width: Option<usize>,
) -> io::Result<()> {
    // If names differ from those of the directories, these are shown, too.
    let has_ids = rows.iter().any(|row| row.short_name != row.id);
    let fixed =
        ["run", "verdict", "state", "epoch", "valid", "test"].into_iter().chain(has_ids.then_some("id"));
    let head: Vec<String> = fixed.map(str::to_owned).chain(keys.iter().cloned()).collect();
    let mut lines = vec![head];
    lines.extend(
        rows.iter()
            .map(|row| {
                let id = has_ids.then(|| row.id.clone());
                row.short_cells().into_iter().chain(id).chain(keys.iter().map(|key| row.cell(key)))
            })
            .map(|cells| cells.map(|cell| escape(&cell).into_owned()).collect()),
    );
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    for (column, cell) in lines.iter().flat_map(|line| line.iter().enumerate()) {
        let width = widths.entry(column).or_default();
        *width = (*width).max(cell.chars().count());
    }
    for line in &lines {
        let cells: Vec<_> =
            line.iter().enumerate().map(|(column, cell)| format!("{cell:<0$}", widths[&column])).collect();
        writeln!(out, "{}", cut(cells.join("  ").trim_end(), width))?;
    }
    for row in rows {
        if let Some(message) = &row.message {
            writeln!(out, "{}: {}", escape(&row.id), escape(message))?;
        }
    }
    Ok(())
}

/// The line, cut to fit and marked with `...` if it is longer.
fn cut(line: &str, width: Option<usize>) -> Cow<'_, str> {
    match width {
        Some(width) if line.chars().count() > width => {
            let kept: String = line.chars().take(width.saturating_sub(3)).collect();
            (kept + "...").into()
        }
        _ => line.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_the_terminal() {
        assert_eq!(cut("0.97 +- 0.02", Some(12)), "0.97 +- 0.02");
        assert_eq!(cut("0.97 +- 0.02", Some(11)), "0.97 +- ...");
        assert_eq!(cut("0.97 +- 0.02", None), "0.97 +- 0.02");
    }
}
