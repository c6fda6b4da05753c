//! Surrogate derivatives of each layer: how much of a gradient it passes, now and over the epochs.

use ratatui::{buffer::Buffer, layout::Rect};
use snn_run::{judge::VANISHING_DERIVATIVE as VANISHING, probe::LayerProbe, scalars::GRADIENT_NORMS};

use super::{
    choice::Choice,
    judge::{self, EXPLODING_DERIVATIVE, Judgement},
};
use crate::{
    figure::Panel,
    screens::probed,
    state::UiState,
    widgets::{
        Axis, AxisScale, Histogram, Lane, Lanes, Line, first_shown,
        histogram::{DENSE, PALE, SOLID, Zone},
        lanes::{self, Content, Stroke},
        note,
        text::{decimals, number},
    },
};

const NOTHING: &str = "The network has no hidden layer.";

/// Minimum width of a histogram: one column per bin.
const LEAST: u16 = 38;

pub(super) fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let probe = match probed::looked_at(state) {
        Ok(probe) => probe,
        Err(why) => return note(state.theme.dim(), &why, area, buffer),
    };
    if probe.layers.is_empty() {
        return note(state.theme.dim(), NOTHING, area, buffer);
    }
    let below = if area.height >= 12 { (area.height / 2).max(2 * lanes::LEAST + 1) } else { 0 };
    let above = Rect { height: area.height - below, ..area };
    let number = probe.layers.len();
    let shown = usize::from((area.width + 2) / (LEAST + 2)).clamp(1, number);
    let first = first_shown(state.choice::<Choice>().layer, number, shown);
    let width = ((area.width + 2) / shown as u16).saturating_sub(2);
    for (k, layer) in (first..first + shown).enumerate() {
        let x = area.x + k as u16 * (width + 2);
        let mut histogram = histogram(state, layer, &probe.layers[layer]);
        if shown < number {
            histogram.title = histogram.title.replacen(':', &format!(" of {number}:"), 1);
        }
        histogram.draw(state.theme, Rect { x, width, ..above }, buffer);
    }
    let place = Rect { y: above.bottom(), height: below, ..area };
    over_epochs(state, number).draw(state.theme, place, buffer);
}

/// Every layer, and the course over the epochs.
pub(super) fn figure(state: &UiState) -> Result<Vec<Panel<'_>>, String> {
    let layers = &probed::looked_at(state)?.layers;
    if layers.is_empty() {
        return Err(NOTHING.to_owned());
    }
    let histograms = layers.iter().enumerate();
    let histograms = histograms.map(|(layer, probe)| Panel::Histogram(histogram(state, layer, probe)));
    Ok(histograms.chain([Panel::Lanes(over_epochs(state, layers.len()))]).collect())
}

fn histogram<'a>(state: &UiState, layer: usize, probe: &'a LayerProbe) -> Histogram<'a> {
    let theme = state.theme;
    let it = &probe.derivatives;
    let (mut judgement, mut word) = judge::derivatives(it);
    // A layer may pass gradients and receive none.
    if judgement == Judgement::Fine && gradient(state, layer) == Some(0.0) {
        (judgement, word) = (Judgement::NoGradient, "no gradient reaches it");
    }
    let share = |share: f64| decimals(Some(100.0 * share), 1);
    // Three digits of the mean are enough.
    let mean = format!("{:.2e}", it.mean).parse().unwrap_or(it.mean);
    let below = share(it.share_below(VANISHING));
    let mut note = format!("mean {}, {below} % < {}", number(mean), number(VANISHING));
    if it.zero > 0 {
        note += &format!(", {} % zero", share(it.zero as f64 / it.total().max(1) as f64));
    }
    Histogram {
        title: format!("layer {}: {word}", layer + 1),
        note,
        style: judge::style(theme, judgement),
        unit: "",
        edges: &it.edges,
        counts: &it.counts,
        zero: it.zero,
        mean: it.mean,
        zones: vec![
            Zone { from: 0.0, style: theme.warning(), fill: PALE },
            Zone { from: VANISHING, style: theme.good(), fill: SOLID },
            Zone { from: EXPLODING_DERIVATIVE, style: theme.bad(), fill: DENSE },
        ],
    }
}

/// Norm of the gradient of the weights into a layer, at the selected epoch.
fn gradient(state: &UiState, layer: usize) -> Option<f64> {
    let points = probed::metric(state, &format!("{GRADIENT_NORMS}W{}", layer + 1), 1.0);
    probed::value_at(&points, probed::epoch(state)?)
}

/// Mean derivatives, and the fraction of vanishing ones.
fn over_epochs(state: &UiState, layers: usize) -> Lanes {
    let glances = || state.subject_probes().into_iter().flat_map(|probes| probes.glances.values());
    let lines = |pick: fn((f64, f64)) -> f64| -> Vec<Line> {
        let line = |layer: usize| Line {
            name: format!("layer {}", layer + 1),
            points: glances()
                .filter_map(|glance| Some((f64::from(glance.epoch), pick(*glance.derivatives.get(layer)?))))
                .collect(),
            style: state.theme.series(layer),
            stroke: Stroke::of(layer),
        };
        (0..layers).map(line).collect()
    };
    let lane = |title: String, note: String, scale, lines: Vec<Line>, levels: Vec<f64>, around: [f64; 2]| {
        let values = lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
        let y = Axis::around("", scale, values.chain(around));
        Lane { title, note, content: Content::Lines { y, lines, levels, marks: Vec::new() }, weight: 1 }
    };
    let lanes = vec![
        lane(
            "mean derivative".to_owned(),
            format!(
                "vanishing below {}, exploding above {}",
                number(VANISHING),
                number(EXPLODING_DERIVATIVE)
            ),
            AxisScale::Logarithmic,
            lines(|(mean, _)| mean),
            vec![VANISHING, EXPLODING_DERIVATIVE],
            [VANISHING, EXPLODING_DERIVATIVE],
        ),
        lane(
            format!("below {} (%)", number(VANISHING)),
            "share of all units and steps of the probed samples".to_owned(),
            AxisScale::Linear,
            lines(|(_, below)| 100.0 * below),
            Vec::new(),
            [0.0, 1.0],
        ),
    ];
    let cursor = probed::epoch(state);
    let epochs = glances().map(|glance| f64::from(glance.epoch));
    let x = Axis::around("epoch", AxisScale::Linear, epochs.chain([0.0]).chain(cursor));
    Lanes { x, lanes, cursor }
}
