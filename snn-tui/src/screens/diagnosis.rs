//! The diagnosis of a run: verdict, remedy, and a command to copy.

use ratatui::style::Style;
use snn_run::Verdict;

use crate::{
    data::Run,
    theme::Theme,
    widgets::text::{clean, wrap},
};

/// The look of a verdict.
pub(super) fn style(theme: Theme, verdict: Option<Verdict>) -> Style {
    match verdict {
        Some(verdict) if verdict.is_bad() => theme.bad(),
        Some(verdict) if verdict.is_good() => theme.good(),
        Some(Verdict::Stopped | Verdict::Unknown) => theme.warning(),
        _ => theme.dim(),
    }
}

/// Verdict and detail, and below them the remedy; empty until known.
pub(super) fn lines(theme: Theme, run: &Run, room: usize) -> Vec<(String, Style)> {
    let Some(diagnosis) = &run.diagnosis else { return Vec::new() };
    let mut lines = Vec::new();
    let headline = clean(&diagnosis.headline());
    lines.extend(wrap(&headline, room).into_iter().map(|line| (line, style(theme, Some(diagnosis.verdict)))));
    if diagnosis.verdict.is_bad() || diagnosis.verdict == Verdict::Stopped {
        lines.extend(wrap(&diagnosis.remedy, room).into_iter().map(|line| (line, Style::new())));
    }
    if let Some(command) = &diagnosis.command {
        // Commands contain no control characters. A long command is wrapped between words, so the rest can be copied, too.
        let broken = wrap(&clean(command), room.saturating_sub(2));
        lines.extend(
            broken
                .into_iter()
                .enumerate()
                .map(|(k, line)| (format!("{} {line}", if k == 0 { "$" } else { " " }), theme.bold())),
        );
    }
    lines
}

/// Warnings; those that no longer apply are last and marked.
pub(super) fn warnings(theme: Theme, run: &Run) -> Vec<(String, Style)> {
    let warnings = run.diagnosis.iter().flat_map(|diagnosis| &diagnosis.warnings);
    let line = |warning: &snn_run::verdict::SeenWarning| {
        let message = clean(&warning.message);
        match (warning.over, warning.first, warning.last) {
            (true, first, last) if first == last => (format!("over (epoch {first}): {message}"), theme.dim()),
            (true, first, last) => (format!("over (epochs {first} to {last}): {message}"), theme.dim()),
            (false, 0, _) => (format!("warning: {message}"), theme.warning()),
            (false, first, _) => (format!("warning since epoch {first}: {message}"), theme.warning()),
        }
    };
    warnings.map(line).collect()
}
