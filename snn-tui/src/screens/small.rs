//! A terminal too small for screens: the most important line first, then as many runs as there is room for.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::RunState;

use super::prompt::prompt;
use crate::{
    data::Run,
    state::{Question, State},
    widgets::text::{clean, duration, fit, percent},
};

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width);
    let mut lines = vec![summary(state)];
    let typed = state.list.editing.as_ref().map(|text| prompt(state, text));
    let first = typed.or_else(|| match (&state.question, &state.notice, &state.model.trouble) {
        (Some(Question::Stop(runs)), ..) => Some(format!("stop {} run(s)? y/n", runs.len())),
        (None, Some(said), _) | (None, None, Some(said)) => Some(clean(said)),
        _ => None,
    });
    if let Some(first) = first {
        lines.insert(0, first);
    }
    let order = state.list.order();
    let cursor = state.list.selected().and_then(|id| state.list.place(id)).unwrap_or(0);
    let shown = usize::from(area.height).saturating_sub(lines.len());
    let from = cursor.min(order.len().saturating_sub(shown));
    lines.extend(
        order.iter().skip(from).filter_map(|id| state.model.runs.get(id)).map(|run| line(state, run)),
    );
    for (row, text) in lines.iter().enumerate().take(usize::from(area.height)) {
        let style = if row == 0 { state.theme.bold() } else { Style::new() };
        buffer.set_string(area.x, area.y + row as u16, fit(text, room), style);
    }
}

fn summary(state: &State) -> String {
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
    if parts.is_empty() { "no runs here yet".to_owned() } else { parts.join(", ") }
}

fn line(state: &State, run: &Run) -> String {
    let status = run.status.as_ref();
    let epochs = status.map_or_else(String::new, |status| format!(" {}/{}", status.epoch, status.epochs));
    let left = run.remaining().map_or_else(String::new, |seconds| format!(" {}", duration(seconds)));
    let word = run.verdict().map_or_else(|| run.state_name().to_owned(), |verdict| verdict.to_string());
    let best = run.best_accuracy().map_or_else(String::new, |best| format!(" {}", percent(Some(best))));
    let text = format!("{word}{epochs}{best}{left}");
    format!("{} {}", text.trim_start(), clean(&state.short_name(&run.id)))
}
