//! The confusion matrix, and the accuracy of each class.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::probe::{MAX_CLASSES, Probe};

use super::choice::Choice;
use crate::{
    figure::Panel,
    screens::probed,
    state::UiState,
    theme::{Colors, Theme},
    widgets::{
        Bar, Cell, Map, bars, first_shown, note,
        text::{decimals, fit, width},
    },
};

/// Minimum width of the bars, and the gap before them.
const BARS: u16 = 24;
const GAP: u16 = 3;

/// Moves the cursor by rows and columns. Returns whether there is one.
pub(super) fn move_cell(state: &mut UiState, down: isize, right: isize) -> bool {
    let Ok(probe) = probed::looked_at(state) else { return false };
    let Some(last) = probe.confusion.len().checked_sub(1) else { return false };
    let (row, column) = cursor(state, probe);
    let by = |place: usize, by: isize| place.saturating_add_signed(by).min(last);
    let cell = (by(row, down), by(column, right));
    state.change(|it: &mut Choice| it.cell = Some(cell));
    true
}

/// Moves the cursor to a cell.
pub(super) fn select_cell(state: &mut UiState, row: usize, column: usize) {
    state.change(|it: &mut Choice| it.cell = Some((row, column)));
}

/// True and predicted class under the cursor.
fn cursor(state: &UiState, probe: &Probe) -> (usize, usize) {
    let last = probe.confusion.len().saturating_sub(1);
    let (row, column) = state.choice::<Choice>().cell.unwrap_or_else(|| {
        errors(&probe.confusion).first().map_or((0, 0), |&(row, column, _)| (row, column))
    });
    (row.min(last), column.min(last))
}

/// True class, predicted class and number of all confusions, the most frequent first.
fn errors(confusion: &[Vec<u32>]) -> Vec<(usize, usize, u32)> {
    let rows = confusion.iter().enumerate();
    let cells = rows.flat_map(|(row, counts)| counts.iter().zip(0..).map(move |(&count, k)| (row, k, count)));
    let mut errors: Vec<_> = cells.filter(|&(row, column, count)| row != column && count > 0).collect();
    errors.sort_by_key(|&(.., count)| std::cmp::Reverse(count));
    errors
}

pub(super) fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let probe = match probed::looked_at(state) {
        Ok(probe) => probe,
        Err(why) => return note(state.theme.dim(), &why, area, buffer),
    };
    if probe.confusion.is_empty() {
        return note(state.theme.dim(), &nothing(), area, buffer);
    }
    if area.height < 6 {
        return;
    }
    let cursor = cursor(state, probe);
    let room = usize::from(area.width);
    let accuracies = probe.class_accuracies();
    buffer.set_string(area.x, area.y, fit(&summary(probe, &accuracies), room), state.theme.bold());
    let last = area.bottom() - 1;
    buffer.set_string(area.x, last, fit(&read_out(probe, cursor), room), Style::new());

    let mut body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    // Title, names of the columns and their label, in addition to a row for each class.
    if usize::from(body.height) > probe.confusion.len() + 4 {
        body.height -= 1;
        buffer.set_string(area.x, body.bottom(), fit(&worst(state.theme, probe), room), state.theme.dim());
    }
    let with_bars = area.width >= 2 * BARS;
    let most = if with_bars { area.width - BARS - GAP } else { area.width };
    let map = map(state.theme, probe, cursor, most);
    let wide = Rect { width: map_width(&map).min(most), ..body };
    state.clicks.add_cells(map.draw(state.theme, wide, buffer));
    if with_bars {
        let x = wide.right() + GAP;
        let right = Rect { x, width: (area.right() - x).min(60), ..body };
        draw_bars(state, probe, (&accuracies, cursor.0), right, buffer);
    }
}

fn nothing() -> String {
    format!(
        "No confusions in this probe: there are none before training, without validation samples, and of more than \
         {MAX_CLASSES} classes."
    )
}

/// The map, with all counts.
pub(super) fn figure(state: &UiState) -> Result<Vec<Panel<'_>>, String> {
    let probe = probed::looked_at(state)?;
    if probe.confusion.is_empty() {
        return Err(nothing());
    }
    let mut map = map(state.theme, probe, (0, 0), 0);
    map.y.0 = "true class".to_owned();
    map.x.0 = "predicted class".to_owned();
    for (cells, counts) in map.cells.iter_mut().zip(&probe.confusion) {
        for (cell, count) in cells.iter_mut().zip(counts) {
            cell.text = count.to_string();
        }
    }
    Ok(vec![Panel::Map(map)])
}

fn summary(probe: &Probe, accuracies: &[Option<f64>]) -> String {
    let all: u64 = probe.confusion.iter().flatten().copied().map(u64::from).sum();
    let correct: u64 =
        probe.confusion.iter().enumerate().filter_map(|(k, row)| row.get(k).copied().map(u64::from)).sum();
    let share = decimals((all > 0).then(|| 100.0 * correct as f64 / all as f64), 1);
    let known = accuracies.iter().enumerate().filter_map(|(class, share)| Some((class, (*share)?)));
    let worst = known.min_by(|a, b| a.1.total_cmp(&b.1));
    let worst = worst.map_or_else(String::new, |(class, share)| {
        format!("; worst is class {class} with {} %", decimals(Some(100.0 * share), 1))
    });
    format!("{share} % of {all} validation samples right{worst}")
}

fn worst(theme: Theme, probe: &Probe) -> String {
    let arrow = theme.glyph("→", "->");
    let errors = errors(&probe.confusion);
    let texts =
        errors.iter().take(12).map(|(row, column, count)| format!("{row} {arrow} {column} ({count})"));
    let texts = texts.collect::<Vec<_>>().join(", ");
    if texts.is_empty() { "no confusions".to_owned() } else { format!("most frequent: {texts}") }
}

fn read_out(probe: &Probe, (row, column): (usize, usize)) -> String {
    let counts = probe.confusion.get(row).map_or(&[][..], Vec::as_slice);
    let all: u64 = counts.iter().copied().map(u64::from).sum();
    let number = counts.get(column).copied().unwrap_or_default();
    let share = decimals((all > 0).then(|| 100.0 * f64::from(number) / all as f64), 1);
    let verb = if row == column { "recognized".to_owned() } else { format!("taken for {column}") };
    format!("class {row} is {verb} in {number} of {all} samples ({share} %)")
}

/// The map, with numbers in its cells if all of them fit. If shades are glyphs, it shows one or the other: in `17%`, they would be
/// confused.
fn map(theme: Theme, probe: &Probe, cursor: (usize, usize), most: u16) -> Map {
    let number = probe.confusion.len();
    let names: Vec<String> = (0..number).map(|class| class.to_string()).collect();
    let widest = probe.confusion.iter().flatten().map(|count| width(&count.to_string())).max().unwrap_or(0);
    let margin = names.last().map_or(0, |name| width(name)) + 1;
    let with_text = margin + number * (widest + 1) <= usize::from(most);
    let shaded = !with_text || matches!(theme.colors, Colors::Indexed(_));
    let note = if shaded { ", shaded by share" } else { "" };
    let cells = probe.confusion.iter().map(|row| {
        let all: u64 = row.iter().copied().map(u64::from).sum();
        let cell = |column: usize| {
            let count = row.get(column).copied().unwrap_or_default();
            let text = if with_text && count > 0 { count.to_string() } else { String::new() };
            Cell { value: (all > 0 && shaded).then(|| f64::from(count) / all as f64), text }
        };
        (0..number).map(cell).collect()
    });
    Map {
        x: ("predicted class (across)".to_owned(), names.clone()),
        y: (format!("true class (down){note}"), names),
        from_top: true,
        cells: cells.collect(),
        range: (0.0, 1.0),
        cursor: Some(cursor),
    }
}

/// The preferred size of a map, in cells.
fn map_width(map: &Map) -> u16 {
    let names = |names: &[String]| names.iter().map(|name| width(name)).max().unwrap_or(0);
    let texts = map.cells.iter().flatten().map(|cell| width(&cell.text)).max().unwrap_or(0);
    let cell = (texts.max(names(&map.x.1)) + 1).clamp(3, 10);
    (names(&map.y.1) + 1 + map.x.1.len() * cell).max(width(&map.y.0)).min(1000) as u16
}

fn draw_bars(
    state: &UiState,
    probe: &Probe,
    (accuracies, cursor): (&[Option<f64>], usize),
    area: Rect,
    buffer: &mut Buffer,
) {
    let theme = state.theme;
    buffer.set_string(area.x, area.y, fit("accuracy of each class", usize::from(area.width)), theme.dim());
    // As many lines as the map has, to show the same classes.
    let rows = usize::from(area.height.saturating_sub(3)).min(accuracies.len());
    let first = first_shown(cursor, accuracies.len(), rows);
    let bar = |class: usize| {
        let all: u64 = probe.confusion[class].iter().copied().map(u64::from).sum();
        let share = accuracies[class];
        let mark = if class == cursor { theme.glyph("▸", ">") } else { " " };
        let text = match share {
            Some(share) => format!("{} % of {all}", decimals(Some(100.0 * share), 1)),
            None => "no samples".to_owned(),
        };
        let style = if share.is_some_and(|share| share < 0.5) { theme.warning() } else { theme.good() };
        Bar { name: format!("{mark}{class}"), value: share.unwrap_or(0.0), text, style }
    };
    let all: Vec<Bar> = (first..first + rows).map(bar).collect();
    let place = Rect { y: area.y + 1, height: area.height.saturating_sub(1).min(rows as u16), ..area };
    bars(&all, 1.0, theme, place, buffer);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_confusion_comes_first() {
        let confusion = [vec![9, 1, 0], vec![0, 5, 4], vec![4, 0, 9]];
        assert_eq!(errors(&confusion), [(1, 2, 4), (2, 0, 4), (0, 1, 1)]);
        assert!(errors(&[vec![9, 0], vec![0, 5]]).is_empty());
    }

    #[test]
    fn the_cell_under_the_cursor_is_described() {
        let probe = Probe { confusion: vec![vec![3, 1], vec![0, 0]], ..Probe::default() };
        assert_eq!(read_out(&probe, (0, 1)), "class 0 is taken for 1 in 1 of 4 samples (25.0 %)");
        assert_eq!(read_out(&probe, (1, 1)), "class 1 is recognized in 0 of 0 samples (- %)");
        let text = summary(&probe, &probe.class_accuracies());
        assert_eq!(text, "75.0 % of 4 validation samples right; worst is class 0 with 75.0 %");
    }
}
