//! Terminals too small for screens: the most important line first, then as many runs as fit.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::RunState;

use super::{curves, help, prompt::prompt};
use crate::{
    data::Run,
    state::{Click, Question, Screen, UiState},
    widgets::text::{clean, duration, fit, percent, several, wrap},
};

/// Minimum size of a plot.
const CURVES: (u16, u16) = (20, 6);

pub(super) fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    if state.help {
        return help::draw(state, area, buffer);
    }
    let room = usize::from(area.width);
    let (bold, warning) = (state.theme.bold(), state.theme.warning());
    let mut lines = vec![(summary(state), bold)];
    let mut say = |text: &str, style| {
        let wrapped = wrap(&clean(text), room).into_iter().map(|line| (line, style));
        lines.splice(0..0, wrapped);
    };
    match (&state.list.editing, &state.question, &state.notice, &state.model.trouble) {
        (Some(typed), ..) => {
            if let Some(mistake) = &state.list.mistake {
                say(mistake, warning);
            }
            lines.insert(0, (prompt(state, typed, room), bold));
        }
        (None, Some(Question::Stop(runs)), ..) => {
            say(&format!("stop {}? y/n", several(runs.len(), "run")), warning)
        }
        (None, None, Some(said), _) | (None, None, None, Some(said)) => say(said, warning),
        _ => {}
    }
    if let Some(id) = state.gone() {
        lines.push((format!("{} is gone", clean(id)), warning));
    }
    if state.screen == Screen::CURVES && area.height >= CURVES.1 && area.width >= CURVES.0 {
        for ((text, style), y) in lines.iter().zip(area.y..) {
            buffer.set_string(area.x, y, fit(text, room), *style);
        }
        let used = lines.len() as u16;
        return curves::draw_first(
            state,
            Rect { y: area.y + used, height: area.height - used, ..area },
            buffer,
        );
    }
    let order = state.list.order();
    let shown = usize::from(area.height).saturating_sub(lines.len());
    let (first, _) = state.list.window(shown);
    let first_run = lines.len();
    let runs = order.iter().skip(first).take(shown).filter_map(|id| state.model.runs.get(id));
    for (run, y) in runs.clone().zip(area.y + first_run as u16..) {
        state.clicks.add(Rect { y, height: 1, ..area }, Click::Run(run.id.clone()));
    }
    let style = |run: &Run| {
        let is_chosen = state.list.selected() == Some(&run.id);
        if is_chosen { state.theme.cursor() } else { Style::new() }
    };
    lines.extend(runs.map(|run| (line(state, run), style(run))));
    for ((text, style), y) in lines.iter().zip(area.top()..area.bottom()) {
        buffer.set_string(area.x, y, fit(text, room), *style);
    }
}

fn summary(state: &UiState) -> String {
    let count = |wanted| state.model.runs.values().filter(|run| run.is(wanted)).count();
    let mut parts = Vec::new();
    for wanted in [
        RunState::Running,
        RunState::Stalled,
        RunState::Failed,
        RunState::Damaged,
        RunState::Pending,
        RunState::Done,
    ] {
        if count(wanted) > 0 {
            parts.push(format!("{} {}", count(wanted), wanted.name()));
        }
    }
    let best = state.model.runs.values().filter_map(Run::best_accuracy).fold(f64::NAN, f64::max);
    if best.is_finite() {
        parts.push(format!("best {}", percent(Some(best))));
    }
    if parts.is_empty() { "no runs yet".to_owned() } else { parts.join(", ") }
}

fn line(state: &UiState, run: &Run) -> String {
    let status = run.status.as_ref();
    let epochs = status.map_or_else(String::new, |status| format!(" {}/{}", status.epoch, status.epochs));
    let left = run.remaining().map_or_else(String::new, |seconds| format!(" {}", duration(seconds)));
    let word = run.verdict().map_or_else(|| run.state_name().to_owned(), |verdict| verdict.to_string());
    let best = run.best_accuracy().map_or_else(String::new, |best| format!(" {}", percent(Some(best))));
    let text = format!("{word}{epochs}{best}{left}");
    format!("{} {}", text.trim_start(), clean(&state.short_name(&run.id)))
}
