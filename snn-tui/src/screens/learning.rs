//! How the network learns: gradients and updates of its matrices, surrogate derivatives of its layers, its confusions.

mod confusion;
mod derivatives;
mod gradients;
mod judge;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{Hints, frame::note, probed};
use crate::{
    state::State,
    theme::Theme,
    widgets::{
        panes,
        text::{clean, fit, number, percent, width},
    },
};
use judge::Verdict;

pub(super) const HINTS: Hints =
    &[("v", "view"), ("<> gG", "epoch"), ("[]", "layer"), ("hjkl", "cell of the confusions")];

/// What is shown and how. The epoch is that of [`super::activity::Choice`].
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Choice {
    /// Which of the views is in front.
    view: usize,
    layer: usize,
    /// True and predicted class under the cursor; at first those that are confused most often.
    cell: Option<(usize, usize)>,
}

/// The views, in the order in which they come to the front.
const VIEWS: [(&str, View); 3] =
    [("gradients", gradients::draw), ("derivatives", derivatives::draw), ("confusions", confusion::draw)];
const CONFUSIONS: usize = 2;

/// Draws a view.
type View = fn(&State, Rect, &mut Buffer);

pub(super) fn key(state: &mut State, key: KeyEvent) {
    let view = state.learning.view;
    if view == CONFUSIONS && confusion::key(state, key) || probed::key(state, key) {
        return;
    }
    let layers = probed::looked_at(state).map_or(1, |probe| probe.layers.len().max(1));
    let layer = state.learning.layer.min(layers - 1);
    let epoch = |by| {
        let probes = state.subject_probes()?;
        probed::step(probes, state.activity.epoch, by)
    };
    match key.code {
        KeyCode::Char('v') => state.learning.view = (view + 1) % VIEWS.len(),
        KeyCode::Char('V') => state.learning.view = (view + VIEWS.len() - 1) % VIEWS.len(),
        KeyCode::Char('h') | KeyCode::Left => state.activity.epoch = epoch(-1),
        KeyCode::Char('l') | KeyCode::Right => state.activity.epoch = epoch(1),
        KeyCode::Char(']') => state.learning.layer = (layer + 1) % layers,
        KeyCode::Char('[') => state.learning.layer = (layer + layers - 1) % layers,
        _ => {}
    }
}

pub(super) fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let Some(run) = state.subject() else {
        let why = probed::looked_at(state).err().unwrap_or_default();
        return note(state.theme.dim(), &why, area, buffer);
    };
    draw_title(state, &clean(&run.id), Rect { height: 1, ..area }, buffer);
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let shown = panes(body, state.learning.view, VIEWS.len());
    for (view, place) in shown.into_iter().filter(|(_, place)| !place.is_empty()) {
        VIEWS[view].1(state, place, buffer);
    }
}

/// Run, epoch, and what has been reached by then.
fn draw_title(state: &State, name: &str, area: Rect, buffer: &mut Buffer) {
    let view = VIEWS[state.learning.view].0;
    let at = probed::epoch(state);
    let value = |metric| probed::value_at(&probed::metric(state, metric, 1.0), at?);
    let mut text = probed::epoch_text(state);
    if text.is_empty() {
        text = at.map_or_else(|| "no epoch yet".to_owned(), |epoch| format!("epoch {epoch}"));
    }
    if let Some(loss) = value("train.loss") {
        text += &format!("  loss {}", number(loss));
    }
    if let Some(loss) = value("valid.loss") {
        text += &format!(", valid {} ({} %)", number(loss), percent(value("valid.accuracy")));
    }
    let room = usize::from(area.width);
    let free = room.saturating_sub(width(&text) + width(view) + 4);
    let name = fit(name, free.max(8).min(room));
    buffer.set_string(area.x, area.y, &name, state.theme.bold());
    let x = (area.x + width(&name) as u16 + 2).min(area.right());
    let rest = usize::from(area.right() - x);
    buffer.set_string(x, area.y, fit(&text, rest), Style::new());
    if width(&text) + width(view) + 2 <= rest {
        buffer.set_string(area.right() - width(view) as u16, area.y, view, state.theme.dim());
    }
}

/// The look of a judgement.
fn style(theme: Theme, verdict: Verdict) -> Style {
    match verdict {
        Verdict::Unknown => theme.dim(),
        Verdict::Fine => theme.good(),
        Verdict::Slow | Verdict::Fast | Verdict::Thin => theme.warning(),
        Verdict::NoGradient | Verdict::Vanishing | Verdict::TooFast | Verdict::Exploding => theme.bad(),
    }
}

#[cfg(test)]
mod tests {
    use snn_run::probe::Probe;

    use super::*;
    use crate::screens::{
        Screen,
        probed::tests::{body, draw_everywhere, odd_probe, probe, state},
    };

    fn press(state: &mut State, keys: &str) {
        keys.chars().for_each(|c| drop(crate::screens::key(state, KeyCode::Char(c).into())));
    }

    #[test]
    fn every_matrix_is_judged() {
        let mut state = state(Screen::Learning, vec![probe(0), probe(2)]);
        let text = body(&state, 80, 22);
        assert!(text.starts_with("demo  epoch 2 (2/2)  loss 0, valid 0.5 (75.00 %)"), "{text}");
        let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        assert!(text.contains("judgement (epoch 3; update: epoch 2)"), "{text}");
        assert!(row("W1").contains("1e-9") && row("W1").contains("vanishing"), "{text}");
        assert!(row("W2").contains("too fast"), "{text}");
        assert!(row("Wout").contains("no gradient reaches it"), "{text}");
        press(&mut state, "h");
        assert_eq!(state.activity.epoch, Some(0), "the epoch is chosen for both screens");
    }

    #[test]
    fn derivatives_and_confusions_come_to_the_front() {
        let mut state = state(Screen::Learning, vec![probe(2)]);
        press(&mut state, "v");
        let text = body(&state, 80, 22);
        assert!(text.contains("layer 1: fine") && text.contains("layer 2: fine"), "{text}");
        assert!(text.contains("mean 0.05, 17.0 % < 0.001, 4.3 % zero"), "{text}");
        press(&mut state, "v");
        let text = body(&state, 80, 22);
        assert!(
            text.contains("85.2 % of 27 validation samples right; worst is class 2 with 66.7 %"),
            "{text}"
        );
        assert!(text.contains("class 2 is taken for 0 in 3 of 9 samples (33.3 %)"), "{text}");
        assert!(text.contains("most frequent: 2 -> 0 (3), 0 -> 1 (1)"), "{text}");
        press(&mut state, "kl");
        let text = body(&state, 80, 22);
        assert!(text.contains("class 1 is recognised in 9 of 9 samples (100.0 %)"), "{text}");
        assert_eq!(state.activity.epoch, None, "arrows move the cursor there");
    }

    #[test]
    fn large_terminals_show_all_views_at_once() {
        let text = body(&state(Screen::Learning, vec![probe(4)]), 160, 48);
        for fact in ["judgement", "layer 2: fine", "accuracy of each class"] {
            assert!(text.contains(fact), "{fact}: {text}");
        }
    }

    #[test]
    fn nothing_is_too_odd_or_too_small() {
        draw_everywhere(&mut state(Screen::Learning, vec![probe(4)]), "v]vjlv");
        draw_everywhere(&mut state(Screen::Learning, vec![odd_probe()]), "v]vjjllv");
        draw_everywhere(&mut state(Screen::Learning, vec![Probe::default()]), "v]vj");
        draw_everywhere(&mut state(Screen::Learning, Vec::new()), "v<v");
    }
}
