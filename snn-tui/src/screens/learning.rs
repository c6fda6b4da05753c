//! How the network learns: gradients and updates of its matrices, surrogate derivatives of its layers, its confusion matrix.

mod choice;
mod confusion;
mod derivatives;
mod gradients;
mod judge;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    binding::Binding,
    definition::Definition,
    probed::{self, turned},
};
use crate::{
    figure::{Figure, Panel},
    state::{Screen, UiState},
    widgets::{
        note, panes,
        text::{clean, fit, number, percent, width},
    },
};
use choice::Choice;

pub(super) const DEFINITION: Definition = Definition {
    screen: Screen("learning"),
    title: "Learning",
    about: "Gradients, updates, surrogate derivatives, confusion matrix",
    is_for_sweeps: false,
    bindings: &[
        Binding {
            what: "view",
            keys: &[("v", |state| view_by(state, 1)), ("V", |state| view_by(state, -1))],
        },
        probed::epoch_binding!("<|,", ">|."),
        Binding {
            what: "layer",
            keys: &[("[", |state| layer_by(state, -1)), ("]", |state| layer_by(state, 1))],
        },
        Binding {
            what: "confusion cell",
            keys: &[
                ("h|Left", |state| left_right(state, -1)),
                ("j|Down", |state| up_down(state, 1)),
                ("k|Up", |state| up_down(state, -1)),
                ("l|Right", |state| left_right(state, 1)),
            ],
        },
    ],
    select_cell: Some(confusion::select_cell),
    draw,
    wants: probed::wants,
    figure,
};

fn view_by(state: &mut UiState, by: isize) {
    state.change(|it: &mut Choice| it.view = turned(it.view, VIEWS.len(), by));
}

fn layer_by(state: &mut UiState, by: isize) {
    let layers = probed::looked_at(state).map_or(1, |probe| probe.layers.len().max(1));
    state.change(|it: &mut Choice| it.layer = turned(it.layer.min(layers - 1), layers, by));
}

/// Moves the cursor in the confusion matrix; in other views, selects an epoch.
fn left_right(state: &mut UiState, by: isize) {
    if state.choice::<Choice>().view != CONFUSIONS || !confusion::move_cell(state, 0, by) {
        probed::epoch_by(state, by);
    }
}

fn up_down(state: &mut UiState, by: isize) {
    if state.choice::<Choice>().view == CONFUSIONS {
        confusion::move_cell(state, by, 0);
    }
}

/// The views, in the order in which the key cycles through them.
const VIEWS: [(&str, View, Panels); 3] = [
    ("gradients", gradients::draw, gradients::figure),
    ("derivatives", derivatives::draw, derivatives::figure),
    ("confusions", confusion::draw, confusion::figure),
];
const CONFUSIONS: usize = 2;

/// Draws a view.
type View = fn(&UiState, Rect, &mut Buffer);
/// The content of an exported view, or the reason why there is none.
type Panels = fn(&UiState) -> Result<Vec<Panel<'_>>, String>;

/// The current view.
fn figure(state: &UiState) -> Result<Figure<'_>, String> {
    Ok(Figure::Panels(VIEWS[state.choice::<Choice>().view].2(state)?))
}

fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let Some(run) = state.subject() else {
        let why = probed::looked_at(state).err().unwrap_or_default();
        return note(state.theme.dim(), &why, area, buffer);
    };
    draw_title(state, &clean(&state.short_name(&run.id)), Rect { height: 1, ..area }, buffer);
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let shown = panes(body, state.choice::<Choice>().view, VIEWS.len());
    for (view, place) in shown.into_iter().filter(|(_, place)| !place.is_empty()) {
        VIEWS[view].1(state, place, buffer);
    }
}

/// Run, epoch, and its loss and accuracy.
fn draw_title(state: &UiState, name: &str, area: Rect, buffer: &mut Buffer) {
    let view = VIEWS[state.choice::<Choice>().view].0;
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

#[cfg(test)]
mod tests {
    use snn_run::probe::Probe;

    use crossterm::event::KeyCode;

    use super::*;
    use crate::screens::probed::tests::{body, draw_everywhere, odd_probe, probe, state};

    fn press(state: &mut UiState, keys: &str) {
        keys.chars().for_each(|c| drop(crate::screens::key(state, KeyCode::Char(c).into())));
    }

    #[test]
    fn every_matrix_is_judged() {
        let mut state = state(Screen("learning"), vec![probe(0), probe(2)]);
        let text = body(&state, 80, 22);
        assert!(text.starts_with("demo  epoch 2 (2/2)  loss 0, valid 0.5 (75.00 %)"), "{text}");
        let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        assert!(text.contains("judgment (epoch 3; update: epoch 2)"), "{text}");
        assert!(row("W1").contains("1e-9") && row("W1").contains("vanishing"), "{text}");
        assert!(row("W2").contains("too fast"), "{text}");
        assert!(row("Wout").contains("no gradient reaches it"), "{text}");
        press(&mut state, "h");
        assert_eq!(probed::chosen_epoch(&state), Some(0), "the epoch is selected for both screens");
    }

    #[test]
    fn derivatives_and_confusions_are_views() {
        let mut state = state(Screen("learning"), vec![probe(2)]);
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
        assert!(text.contains("class 1 is recognized in 9 of 9 samples (100.0 %)"), "{text}");
        assert_eq!(probed::chosen_epoch(&state), None, "arrows move the cursor there");
    }

    #[test]
    fn large_terminals_show_all_views_at_once() {
        let text = body(&state(Screen("learning"), vec![probe(4)]), 160, 48);
        for fact in ["judgment", "layer 2: fine", "accuracy of each class"] {
            assert!(text.contains(fact), "{fact}: {text}");
        }
    }

    #[test]
    fn odd_probes_and_small_areas_do_not_panic() {
        draw_everywhere(&mut state(Screen("learning"), vec![probe(4)]), "v]vjlv");
        draw_everywhere(&mut state(Screen("learning"), vec![odd_probe()]), "v]vjjllv");
        draw_everywhere(&mut state(Screen("learning"), vec![Probe::default()]), "v]vj");
        draw_everywhere(&mut state(Screen("learning"), Vec::new()), "v<v");
    }
}
