//! The ranking of the settings of a sweep, and the effect of each key: beside the map, or alone.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::sweep::{Effect, RunState, Standing, seed_deviation};

use super::view::{View, sign};
use crate::{
    state::UiState,
    widgets::{
        first_shown,
        text::{clean, fit, left, right, width},
    },
};

/// Minimum size of the ranking.
pub(super) const LEAST: (u16, u16) = (36, 8);

/// Minimum width for the effects beside the ranking.
const WIDE: u16 = 90;

/// A line and its style.
type Line = (String, Style);

/// Beside the map: the ranking, and a summary of the effects below it.
pub(super) fn draw_beside(state: &UiState, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    if area.width >= WIDE {
        return draw_all(state, view, area, buffer);
    }
    let room = usize::from(area.width);
    let mut effects = effects(state, view, room);
    let most = usize::from(area.height / 2);
    if effects.len() > most {
        effects = in_short(state, view, room);
        effects.truncate(most);
    }
    let high = (area.height - effects.len() as u16).min(view.ranking.len() as u16 + 2);
    draw_ranking(state, view, Rect { height: high, ..area }, buffer);
    write(&effects, Rect { y: area.y + high, height: area.height - high, ..area }, buffer);
}

/// Alone: the ranking, and the effects with every value.
pub(super) fn draw_all(state: &UiState, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let is_wide = area.width >= WIDE;
    let room = usize::from(if is_wide { area.width / 2 - 2 } else { area.width });
    let effects = effects(state, view, room);
    if is_wide {
        let half = area.width / 2;
        draw_ranking(state, view, Rect { width: half - 1, ..area }, buffer);
        return write(&effects, Rect { x: area.x + half + 1, width: half - 1, ..area }, buffer);
    }
    // In an area too small for both, only the ranking is shown.
    let below = if area.height < 10 { 0 } else { (effects.len() as u16).min(area.height / 2) };
    let high = (area.height - below).min(view.ranking.len() as u16 + 2);
    draw_ranking(state, view, Rect { height: high, ..area }, buffer);
    write(&effects, Rect { y: area.y + high, height: below, ..area }, buffer);
}

fn write(lines: &[Line], area: Rect, buffer: &mut Buffer) {
    for ((text, style), y) in lines.iter().zip(area.top()..area.bottom()) {
        buffer.set_string(area.x, y, fit(text, usize::from(area.width)), *style);
    }
}

/// Widths of mean, standard deviation and number of runs.
const NUMBERS: [usize; 3] = [7, 6, 5];

/// A line for each setting: rank, name, mean and standard deviation over the finished runs, their number, and a sign if others are
/// unfinished.
fn draw_ranking(state: &UiState, view: &View<'_>, area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let numbers = NUMBERS.iter().map(|cells| cells + 1).sum::<usize>();
    let room = usize::from(area.width).saturating_sub(4 + numbers);
    let names: Vec<String> = view.ranking.iter().map(|standing| name(view, standing)).collect();
    let wide = names
        .iter()
        .map(|name| width(name))
        .max()
        .unwrap_or(0)
        .max(width(view.choice.metric.ranking()))
        .min(room);
    let columns = |rank: &str, name: &str, cells: [String; 3]| {
        let cells = cells.iter().zip(NUMBERS).map(|(text, cells)| format!(" {}", right(text, cells)));
        format!("{} {}{}", right(rank, 3), left(name, wide), cells.collect::<String>())
    };
    let heading = columns("", view.choice.metric.ranking(), ["mean", "s.d.", "n"].map(str::to_owned));
    write(&[(heading, theme.bold())], area, buffer);
    let rows = usize::from(area.height.saturating_sub(1));
    let cursor = view.rank();
    let first = first_shown(cursor.unwrap_or(0), view.ranking.len(), rows);
    let shown = view.ranking.iter().zip(&names).enumerate().skip(first).take(rows);
    for ((rank, (standing, name)), y) in shown.zip(area.y + 1..) {
        let number = |value: Option<f64>, cells| {
            value.and_then(|value| view.choice.metric.text(value, cells)).unwrap_or_else(|| "-".to_owned())
        };
        let rows = standing.rows.iter().map(|&row| &view.sweep.results.rows[row]);
        let (mean, sd) = (standing.summary.map(|it| it.mean), standing.summary.and_then(|it| it.sd));
        let n = format!("{}{}", standing.summary.map_or(0, |it| it.n), sign(rows.clone()));
        let place = if standing.summary.is_some() { format!("{}", rank + 1) } else { String::new() };
        let line = columns(&place, &clean(name), [number(mean, NUMBERS[0]), number(sd, NUMBERS[1]), n]);
        let style = match standing.summary {
            Some(_) => Style::new(),
            None if rows.clone().any(|row| row.state == RunState::Running) => Style::new(),
            None => theme.dim(),
        };
        buffer.set_string(area.x, y, fit(&line, usize::from(area.width)), style);
        if cursor == Some(rank) {
            buffer.set_style(
                Rect { y, height: 1, width: (width(&line) as u16).min(area.width), ..area },
                theme.cursor(),
            );
        }
    }
}

fn name(view: &View<'_>, standing: &Standing) -> String {
    let name = view.sweep.naming.setting(&standing.settings);
    if name.is_empty() { "all runs".to_owned() } else { name }
}

/// The effect of each key, with the mean at each of its values.
fn effects(state: &UiState, view: &View<'_>, room: usize) -> Vec<Line> {
    let deviation = seed_deviation(&view.ranking);
    let mut lines = Vec::new();
    for effect in &view.sweep.results.effects(&view.ranking, view.choice.metric.better()) {
        let levels: Vec<String> = effect
            .levels
            .iter()
            .map(|level| {
                let mean = level.mean.and_then(|mean| view.choice.metric.text(mean, 7));
                format!("{}: {}", label(view, effect, &level.value), mean.unwrap_or_else(|| "-".to_owned()))
            })
            .collect();
        lines.push((summary(view, effect, deviation), state.theme.bold()));
        lines.extend(
            pack(&levels, room.saturating_sub(2)).into_iter().map(|line| (format!("  {line}"), Style::new())),
        );
    }
    lines.extend(noise(state, view, deviation));
    lines
}

/// Packs as many words into a line as fit.
fn pack(words: &[String], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if width(line) + 3 + width(word) <= room => *line += &format!("   {word}"),
            _ => lines.push(word.clone()),
        }
    }
    lines
}

/// The effects without the values.
fn in_short(state: &UiState, view: &View<'_>, room: usize) -> Vec<Line> {
    let effects = view.sweep.results.effects(&view.ranking, view.choice.metric.better());
    let deviation = seed_deviation(&view.ranking);
    let lines =
        effects.iter().map(|effect| (fit(&summary(view, effect, deviation), room), state.theme.bold()));
    lines.chain(noise(state, view, deviation)).collect()
}

/// `learning_rate: changes it by 74.9, best 0.1`.
fn summary(view: &View<'_>, effect: &Effect, deviation: Option<f64>) -> String {
    let key = view.axes.iter().find(|axis| axis.key() == effect.key).map_or(&*effect.key, |axis| &axis.name);
    let metric = view.choice.metric;
    let text = effect.range().and_then(|range| metric.text(range, 7));
    let best = effect.best(metric.better()).map(|level| label(view, effect, &level.value));
    let Some((text, best)) = text.zip(best) else { return format!("{key}: nothing to compare yet") };
    let is_noise = effect.range().zip(deviation).is_some_and(|(range, deviation)| range <= deviation);
    let best = if is_noise { "no more than seeds do".to_owned() } else { format!("best {best}") };
    let doubt = if effect.balanced { "" } else { " (over different settings)" };
    format!("{key}: changes it by {text}, {best}{doubt}")
}

/// The part that is chance.
fn noise(state: &UiState, view: &View<'_>, deviation: Option<f64>) -> Option<Line> {
    let text = view.choice.metric.text(deviation?, 7)?;
    Some((format!("across seeds: s.d. {text}"), state.theme.dim()))
}

fn label(view: &View<'_>, effect: &Effect, value: &toml::Value) -> String {
    let axis = view.axes.iter().find(|axis| axis.key() == effect.key);
    let place = axis.and_then(|axis| Some((axis, axis.place_of(value)?)));
    place.map_or_else(|| value.to_string(), |(axis, place)| axis.label(place))
}
