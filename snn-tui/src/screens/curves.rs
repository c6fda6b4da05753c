//! Curves of all selected runs: any metric over epochs, steps or computing time.

mod choice;
mod metrics;
mod plots;
mod view;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{binding::Binding, definition::Definition};
use crate::{
    data::XAxis,
    figure::{Figure, Panel},
    state::{Screen, UiState},
    widgets::{
        Plot, first_shown, grid, note,
        text::{clean, fit, left, number, right, several, width},
    },
};
use choice::Parts;

pub(crate) use choice::{ALL, Choice};

pub(super) const DEFINITION: Definition = Definition {
    screen: Screen::CURVES,
    title: "Curves",
    about: "Loss, accuracy and all other metrics over the epochs",
    is_for_sweeps: false,
    bindings: &[
        Binding {
            what: "metric",
            keys: &[("j|Down", |state| metric_by(state, 1)), ("k|Up", |state| metric_by(state, -1))],
        },
        Binding {
            what: "list metrics",
            keys: &[("m|Enter", |state| change(state, |it| it.listing = !it.listing))],
        },
        Binding {
            what: "crosshair",
            keys: &[
                ("<|h|Left", |state| view::move_crosshair(state, -1)),
                (">|l|Right", |state| view::move_crosshair(state, 1)),
            ],
        },
        Binding {
            what: "zoom",
            keys: &[("+|=", |state| view::zoom_x(state, -1)), ("-", |state| view::zoom_x(state, 1))],
        },
        Binding {
            what: "pan",
            keys: &[("[", |state| view::move_x(state, -1.0)), ("]", |state| view::move_x(state, 1.0))],
        },
        Binding { what: "reset zoom", keys: &[("z", view::show_all)] },
        Binding {
            what: "log y, x",
            keys: &[
                ("y", |state| change(state, |it| it.logarithmic = !it.logarithmic)),
                ("Y", |state| change(state, |it| it.log_x = !it.log_x)),
            ],
        },
        Binding { what: "smooth", keys: &[("s", smoother)] },
        Binding { what: "group seeds", keys: &[("b", |state| change(state, |it| it.grouped = !it.grouped))] },
        Binding { what: "train/valid", keys: &[("v", next_parts)] },
        Binding { what: "epoch/step/time", keys: &[("t", next_axis)] },
        Binding {
            what: "include outliers",
            keys: &[("r", |state| change(state, |it| it.unbounded = !it.unbounded))],
        },
        Binding {
            what: "zoom and pan values",
            keys: &[
                ("}", |state| view::zoom_y(state, -1)),
                ("{", |state| view::zoom_y(state, 1)),
                ("(", |state| view::move_y(state, -1.0)),
                (")", |state| view::move_y(state, 1.0)),
            ],
        },
        Binding { what: "toggle crosshair", keys: &[("c", view::toggle_crosshair)] },
        Binding {
            what: "forward, back by a tenth",
            keys: &[("PageDown", |state| view::leap(state, 1)), ("PageUp", |state| view::leap(state, -1))],
        },
        Binding {
            what: "first, last epoch",
            keys: &[
                ("g|Home", |state| view::move_crosshair(state, isize::MIN / 2)),
                ("G|End", |state| view::move_crosshair(state, isize::MAX / 2)),
            ],
        },
        Binding { what: "close list, back", keys: &[("Esc", back)] },
    ],
    select_cell: None,
    draw,
    wants: |state, wants| wants.histories = state.chosen(),
    figure,
};

fn change(state: &mut UiState, with: fn(&mut Choice)) {
    state.change(with);
}

fn metric_by(state: &mut UiState, by: isize) {
    let entries = metrics::entries(state);
    state.change(|it: &mut Choice| metrics::turn(it, &entries, by));
}

fn next_axis(state: &mut UiState) {
    change(state, |it| {
        it.axis = match it.axis {
            XAxis::Epoch => XAxis::Step,
            XAxis::Step => XAxis::Time,
            XAxis::Time => XAxis::Epoch,
        };
    });
}

fn smoother(state: &mut UiState) {
    change(state, |it| {
        it.smoothing = match it.smoothing {
            0.0 => 0.5,
            0.5 => 0.9,
            0.9 => 0.97,
            _ => 0.0,
        };
    });
}

fn next_parts(state: &mut UiState) {
    change(state, |it| {
        it.parts = match it.parts {
            Parts::Both => Parts::Train,
            Parts::Train => Parts::Valid,
            Parts::Valid => Parts::Both,
        };
    });
}

fn back(state: &mut UiState) {
    if state.choice::<Choice>().listing {
        change(state, |it| it.listing = false);
    } else {
        state.screen = Screen::RUNS;
    }
}

/// Minimum size for small plots of all other metrics below loss and accuracy.
const LARGE: (u16, u16) = (150, 40);
/// Minimum width for loss and accuracy side by side.
const WIDE: u16 = 130;
/// Minimum size of a small plot.
const SMALL: (u16, u16) = (36, 9);

fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let choice: Choice = state.choice();
    let runs = state.chosen();
    let all = metrics::metrics(state);
    if all.is_empty() {
        return note(state.theme.dim(), &nothing(state, &runs), area, buffer);
    }
    let area = if choice.listing { draw_list(state, &choice, area, buffer) } else { area };
    let plot = |metric: &str| plots::plot(state, &choice, &runs, metric);
    match choice.metric.as_deref() {
        Some(ALL) => {
            let used = draw_names(state, &choice, &runs, area, buffer);
            let below = Rect { y: area.y + used, height: area.height - used, ..area };
            draw_small(state, &all, plot, below, buffer);
        }
        Some(metric) => plot(metric).draw(state.theme, area, buffer),
        None => {
            let is_large = area.width >= LARGE.0 && area.height >= LARGE.1;
            let height = if is_large { (area.height * 2 / 5).max(2 * SMALL.1) } else { area.height };
            draw_main(state, plot, Rect { height, ..area }, buffer);
            let below = Rect { y: area.y + height, height: area.height - height, ..area };
            let others: Vec<String> =
                all.into_iter().filter(|metric| !MAIN.contains(&metric.as_str())).collect();
            if is_large && !others.is_empty() {
                draw_small(state, &others, plot, below, buffer);
            }
        }
    }
}

/// The initial view.
const MAIN: [&str; 2] = ["loss", "accuracy"];

/// Loss and accuracy, side by side if there is space.
fn draw_main(state: &UiState, plot: impl Fn(&str) -> Plot, area: Rect, buffer: &mut Buffer) {
    let half = if area.width >= WIDE {
        Rect { width: area.width / 2 - 1, ..area }
    } else {
        Rect { height: area.height / 2, ..area }
    };
    let rest = if area.width >= WIDE {
        Rect { x: half.right() + 2, width: area.width - half.width - 2, ..area }
    } else {
        Rect { y: half.bottom(), height: area.height - half.height, ..area }
    };
    for (metric, place) in MAIN.into_iter().zip([half, rest]) {
        plot(metric).draw(state.theme, place, buffer);
    }
}

/// Small multiples, as many as fit.
fn draw_small(
    state: &UiState,
    metrics: &[String],
    plot: impl Fn(&str) -> Plot,
    area: Rect,
    buffer: &mut Buffer,
) {
    let fits = grid(area, metrics.len(), SMALL).len() == metrics.len();
    let room = Rect { height: area.height.saturating_sub(u16::from(!fits)), ..area };
    let places = grid(room, metrics.len(), SMALL);
    for (metric, place) in metrics.iter().zip(&places) {
        let mut plot = plot(metric);
        // These are in the title above, or in the large plots.
        plot.note.clear();
        plot.draw(state.theme, *place, buffer);
    }
    if !fits && area.height > 0 {
        let hidden = metrics.len() - places.len();
        let text = format!("and {}: see the list (m)", several(hidden, "more metric"));
        buffer.set_string(area.x, area.bottom() - 1, fit(&text, usize::from(area.width)), state.theme.dim());
    }
}

/// The letters of the runs, for plots too small for names. Returns the number of rows used.
fn draw_names(state: &UiState, choice: &Choice, runs: &[String], area: Rect, buffer: &mut Buffer) -> u16 {
    let first = plots::plot(state, choice, runs, MAIN[0]);
    let (mut x, mut y) = (area.x, area.y);
    let most = area.y + area.height / 4;
    let named = first.series.iter().filter(|series| series.name != plots::TRAIN);
    for series in named {
        let letter = series.letter.map_or_else(String::new, |letter| format!("{letter} "));
        let text = fit(&format!("{letter}{}", series.name), usize::from(area.width));
        let cells = width(&text) as u16;
        if x > area.x && x + cells > area.right() {
            (x, y) = (area.x, y + 1);
        }
        if y > most {
            break;
        }
        buffer.set_string(x, y, text, state.theme.series(series.color));
        x += cells + 2;
    }
    let rest = usize::from(area.right().saturating_sub(x));
    if y <= most && width(&first.note) <= rest {
        buffer.set_string(x, y, &first.note, state.theme.dim());
    }
    (y.min(most) + 1 - area.y).min(area.height)
}

/// The list of metrics, with the last value of the first run. Returns the remaining area.
fn draw_list(state: &UiState, choice: &Choice, area: Rect, buffer: &mut Buffer) -> Rect {
    let theme = state.theme;
    let entries = metrics::entries(state);
    let name = |entry: &Option<String>| match entry.as_deref() {
        None => "loss and accuracy".to_owned(),
        Some(ALL) => "all, in small".to_owned(),
        Some(metric) => clean(metric),
    };
    let history = state.chosen().into_iter().find_map(|id| state.model.histories.get(&id));
    let value = |entry: &Option<String>| -> String {
        let last = |name: &str| Some(history?.series(name, XAxis::Epoch).last()?.1.mean);
        let metric = entry.as_deref().unwrap_or(ALL);
        let found = ["", "valid.", "train."].into_iter().find_map(|part| last(&format!("{part}{metric}")));
        found.map_or_else(String::new, number)
    };
    let names = entries.iter().map(|entry| width(&name(entry))).max().unwrap_or(0);
    let values = entries.iter().map(|entry| width(&value(entry))).max().unwrap_or(0);
    let cells = (names + values + 1).min(usize::from(area.width) / 2);
    let names = cells.saturating_sub(values + 1);
    let rows = usize::from(area.height).saturating_sub(1);
    let at = metrics::place(choice, &entries);
    let first = first_shown(at, entries.len(), rows);
    let title = format!("metrics ({}/{})", at + 1, entries.len());
    buffer.set_string(area.x, area.y, fit(&title, cells), theme.bold());
    for ((k, entry), y) in entries.iter().enumerate().skip(first).zip(area.y + 1..area.bottom()) {
        let text = format!("{} {}", left(&name(entry), names), right(&value(entry), values));
        let style = if k == at { theme.cursor() } else { Style::new() };
        buffer.set_string(area.x, y, fit(&text, cells), style);
    }
    let used = (cells as u16 + 2).min(area.width);
    Rect { x: area.x + used, width: area.width - used, ..area }
}

fn nothing(state: &UiState, runs: &[String]) -> String {
    match runs {
        [] => "No run is selected: go to Runs (1), and mark some with Space.".to_owned(),
        [id] => format!("{} has not finished an epoch yet.", clean(&state.name(id))),
        runs => format!("None of the {} selected runs has finished an epoch yet.", runs.len()),
    }
}

/// The plots.
pub(crate) fn plots(state: &UiState) -> Vec<Plot> {
    let choice: Choice = state.choice();
    let metrics = match &choice.metric {
        Some(all) if all == ALL => metrics::metrics(state),
        Some(metric) => vec![metric.clone()],
        None => MAIN.map(str::to_owned).into(),
    };
    metrics.iter().map(|metric| plots::plot(state, &choice, &state.chosen(), metric)).collect()
}

/// The first plot, for a terminal too small for more.
pub(super) fn draw_first(state: &UiState, area: Rect, buffer: &mut Buffer) {
    match plots(state).into_iter().find(|plot| !plot.series.is_empty()) {
        Some(plot) => plot.draw(state.theme, area, buffer),
        None => note(state.theme.dim(), &nothing(state, &state.chosen()), area, buffer),
    }
}

/// Loss and accuracy of a run in a small area, for other screens.
pub(super) fn draw_preview(state: &UiState, id: &str, area: Rect, buffer: &mut Buffer) {
    let gap = 2;
    let half = Rect { width: (area.width - gap) / 2, ..area };
    let plots = MAIN.map(|metric| plots::plot(state, &Choice::default(), &[id.to_owned()], metric));
    if plots.iter().all(|plot| plot.series.is_empty()) {
        return note(state.theme.dim(), &nothing(state, &[id.to_owned()]), area, buffer);
    }
    for (plot, x) in plots.into_iter().zip([area.x, half.right() + gap]) {
        plot.draw(state.theme, Rect { x, ..half }, buffer);
    }
}

/// The plots for an export.
fn figure(state: &UiState) -> Result<Figure<'_>, String> {
    let plots: Vec<Plot> = plots(state).into_iter().filter(|plot| !plot.series.is_empty()).collect();
    if plots.is_empty() {
        return Err(nothing(state, &state.chosen()));
    }
    Ok(Figure::Panels(plots.into_iter().map(Panel::Plot).collect()))
}
