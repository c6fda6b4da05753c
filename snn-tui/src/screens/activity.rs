//! The network's response to a probed sample: rasters and readout, membrane potentials, firing rates.

mod look;
mod overview;
mod potentials;
mod rates;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::probe::{SampleProbe, Traces};

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
        text::{clean, fit, width},
    },
};
use look::{Choice, Look};

pub(super) const DEFINITION: Definition = Definition {
    screen: Screen("activity"),
    title: "Activity",
    about: "Spikes and potentials of a probed sample",
    is_for_sweeps: false,
    bindings: &[
        Binding {
            what: "view",
            keys: &[("v", |state| view_by(state, 1)), ("V", |state| view_by(state, -1))],
        },
        probed::epoch_binding!("<|,|h|Left", ">|.|l|Right"),
        Binding {
            what: "sample",
            keys: &[("j|s|Down", |state| sample_by(state, 1)), ("k|S|Up", |state| sample_by(state, -1))],
        },
        Binding {
            what: "layer",
            keys: &[("[", |state| layer_by(state, -1)), ("]", |state| layer_by(state, 1))],
        },
        Binding {
            what: "neuron",
            keys: &[("u", |state| neuron_by(state, 1)), ("U", |state| neuron_by(state, -1))],
        },
    ],
    select_cell: None,
    draw,
    wants: probed::wants,
    figure,
};

fn view_by(state: &mut UiState, by: isize) {
    state.change(|it: &mut Choice| it.view = turned(it.view, VIEWS.len(), by));
}

fn sample_by(state: &mut UiState, by: isize) {
    let Ok(look) = Look::at(state) else { return };
    let samples = look.probe.samples.len();
    state.change(|it: &mut Choice| it.sample = turned(it.sample.min(samples - 1), samples, by));
}

fn layer_by(state: &mut UiState, by: isize) {
    let Ok(look) = Look::at(state) else { return };
    let layers = look.sample.hidden.len().max(1);
    let layer = turned(look.layer.min(layers - 1), layers, by);
    state.change(|it: &mut Choice| it.layer = layer);
}

fn neuron_by(state: &mut UiState, by: isize) {
    let Ok(look) = Look::at(state) else { return };
    let neurons = look.sample.potentials.get(look.layer).map_or(1, |traces| traces.units.len().max(1));
    let neuron = turned(look.neuron, neurons, by);
    state.change(|it: &mut Choice| it.neuron = neuron);
}

/// The views, in the order in which the key cycles through them.
const VIEWS: [(&str, View, Panels); 3] = [
    ("rasters", overview::draw, overview::figure),
    ("potentials", potentials::draw, potentials::figure),
    ("rates", rates::draw, rates::figure),
];

/// Draws a view.
type View = fn(&Look<'_>, Rect, &mut Buffer);
/// The content of an exported view.
type Panels = for<'a> fn(&Look<'a>) -> Vec<Panel<'a>>;

/// The current view.
fn figure(state: &UiState) -> Result<Figure<'_>, String> {
    Ok(Figure::Panels(VIEWS[state.choice::<Choice>().view].2(&Look::at(state)?)))
}

fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let look = match Look::at(state) {
        Ok(look) => look,
        Err(why) => return note(state.theme.dim(), &why, area, buffer),
    };
    draw_title(&look, Rect { height: 1, ..area }, buffer);
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let shown = panes(body, state.choice::<Choice>().view, VIEWS.len());
    for (view, place) in shown.into_iter().filter(|(_, place)| !place.is_empty()) {
        VIEWS[view].1(&look, place, buffer);
    }
}

/// Whether all readout units always have the same value: the predicted class is then the first one, and nothing was recognized.
fn is_tie(readout: &Traces) -> bool {
    let Some(first) = readout.values.first() else { return false };
    readout.values.len() > 1 && readout.values.iter().all(|values| values == first)
}

/// Run, epoch, sample, and whether the prediction is right. If space is short, the number of samples is dropped first, then
/// the name of the view, then the name of the run.
fn draw_title(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let SampleProbe { index, label, prediction, .. } = look.sample;
    let (theme, samples) = (look.theme, look.probe.samples.len());
    let Choice { view, sample, .. } = look.state.choice();
    let place = sample.min(samples - 1) + 1;
    let (word, style) = if is_tie(&look.sample.readout) {
        (theme.glyph("? no choice", "no choice"), theme.warning())
    } else if label == prediction {
        (theme.glyph("✓ right", "right"), theme.good())
    } else {
        (theme.glyph("✗ WRONG", "WRONG"), theme.bad())
    };
    let name = look.state.subject().map(|run| clean(&look.state.short_name(&run.id))).unwrap_or_default();
    let view = VIEWS[view].0;
    let room = usize::from(area.width);
    let text = |with_number: bool| {
        let of = if with_number { format!(" ({place}/{samples})") } else { String::new() };
        let arrow = theme.glyph("→", "->");
        format!("{}  sample {index}{of}  label {label} {arrow} {prediction} ", probed::epoch_text(look.state))
    };
    // This much of the name is more informative than anything else.
    let free = |text: &str| room.saturating_sub(width(text) + width(word) + 2);
    let enough = width(&name).min(10);
    let text = if free(&text(true)) >= enough { text(true) } else { text(false) };
    let with_view = free(&text) >= enough + width(view) + 2;
    let name = fit(&name, free(&text) - if with_view { width(view) + 2 } else { 0 });
    let mut x = area.x;
    let mut write = |part: &str, style: Style| {
        let left = usize::from(area.right() - x);
        buffer.set_string(x, area.y, fit(part, left), style);
        x = (x + width(part) as u16).min(area.right());
    };
    if !name.is_empty() {
        write(&name, theme.bold());
        write("  ", Style::new());
    }
    write(&text, Style::new());
    write(word, style);
    if with_view {
        buffer.set_string(area.right() - width(view) as u16, area.y, view, theme.dim());
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode;
    use snn_run::probe::Probe;

    use super::*;
    use crate::screens::probed::tests::{body, draw_everywhere, odd_probe, probe, state};

    fn press(state: &mut UiState, keys: &str) {
        keys.chars().for_each(|c| drop(crate::screens::key(state, KeyCode::Char(c).into())));
    }

    #[test]
    fn a_sample_is_shown_from_input_to_readout() {
        let state = state(Screen("activity"), vec![probe(0), probe(4)]);
        let text = body(&state, 80, 22);
        for fact in [
            "demo  epoch 4 (2/2)  sample 17 (1/2)  label 2 -> 1 WRONG",
            "rasters",
            "input  9 units, 18 spikes of 9 units",
            "layer 1  8 units",
            "layer 2  6 units",
            "readout  class 1 up to 0.98 at 99 ms, label 2 up to 1.47 at 99 ms",
        ] {
            assert!(text.contains(fact), "{fact}: {text}");
        }
    }

    #[test]
    fn keys_choose_sample_epoch_view_layer_and_neuron() {
        let mut state = state(Screen("activity"), vec![probe(0), probe(4), probe(8)]);
        press(&mut state, "j");
        let text = body(&state, 80, 22);
        assert!(text.contains("sample 18 (2/2)  label 2 -> 2 right"), "{text}");
        assert!(text.contains("input  5 channels, shades from 0 to 2.45"), "{text}");
        press(&mut state, "h");
        assert_eq!(probed::chosen_epoch(&state), Some(4));
        assert!(
            body(&state, 80, 22).contains("epoch 8 (3/3), reading 4"),
            "until the other epoch has been read"
        );
        press(&mut state, "vu]u");
        let text = body(&state, 80, 22);
        assert!(text.contains("> neuron 2 of layer 2  2 spikes, up to 1.47; threshold 1"), "{text}");
        press(&mut state, "v");
        let text = body(&state, 80, 22);
        assert!(text.contains("2 of 47 silent, mean 12.5 Hz"), "{text}");
        assert!(text.contains("silent units (%)  layer 1 25 %, layer 2 25 %"), "{text}");
        press(&mut state, "G");
        assert_eq!(probed::chosen_epoch(&state), None);
        press(&mut state, "<<<<");
        assert_eq!(probed::chosen_epoch(&state), Some(0));
    }

    #[test]
    fn a_tie_of_zeros_is_not_a_prediction() {
        let mut tie = probe(4);
        for sample in &mut tie.samples {
            sample.prediction = sample.label;
            sample.readout.values.iter_mut().for_each(|values| values.fill(0.0));
        }
        let text = body(&state(Screen("activity"), vec![tie]), 80, 22);
        assert!(text.contains("no choice") && !text.contains("right"), "{text}");
    }

    #[test]
    fn large_terminals_show_all_views_at_once() {
        let text = body(&state(Screen("activity"), vec![probe(4)]), 160, 48);
        assert!(text.contains("readout") && text.contains("neuron 0 of layer 1"), "{text}");
        assert!(text.contains("saturated units"), "{text}");
    }

    #[test]
    fn odd_probes_and_small_areas_do_not_panic() {
        draw_everywhere(&mut state(Screen("activity"), vec![probe(4)]), "v]uvjv");
        draw_everywhere(&mut state(Screen("activity"), vec![odd_probe()]), "v]uvj]uvv");
        draw_everywhere(&mut state(Screen("activity"), vec![Probe::default()]), "v]uj");
        draw_everywhere(&mut state(Screen("activity"), Vec::new()), "v<");
    }
}
