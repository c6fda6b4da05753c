//! Firing rates: a histogram for each layer, and the fractions of silent and saturated units over the epochs.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::{probe::LayerProbe, scalars::layer_scalar};

use super::look::Look;
use crate::{
    figure::Panel,
    screens::probed,
    widgets::{
        Axis, AxisScale, Histogram, Lane, Lanes, Line, first_shown,
        histogram::{PALE, SOLID, Zone},
        lanes::{self, Content, Stroke},
        text::{decimals, number},
    },
};

pub(super) fn draw(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    // Two lanes and their axis at the bottom, if enough space remains for histograms.
    let below = if area.height >= 12 { (area.height / 2).max(2 * lanes::LEAST + 1) } else { 0 };
    draw_histograms(look, Rect { height: area.height - below, ..area }, buffer);
    let place = Rect { y: area.bottom() - below, height: below, ..area };
    shares(look).draw(look.theme, place, buffer);
}

/// Every layer, and the fractions below.
pub(super) fn figure<'a>(look: &Look<'a>) -> Vec<Panel<'a>> {
    let layers = look.probe.layers.iter().enumerate();
    let histograms = layers.map(|(layer, probe)| Panel::Histogram(histogram(look, layer, probe)));
    histograms.chain([Panel::Lanes(shares(look))]).collect()
}

/// Minimum width of a histogram: one column per bin.
const LEAST: u16 = 30;

fn draw_histograms(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let layers = &look.probe.layers;
    let shown = usize::from((area.width + 2) / (LEAST + 2)).clamp(1, layers.len().max(1)).min(layers.len());
    let first = first_shown(look.layer, layers.len(), shown);
    for (place, layer) in (first..first + shown).enumerate() {
        let width = (area.width + 2) / shown as u16 - 2;
        let x = area.x + place as u16 * (width + 2);
        let mut histogram = histogram(look, layer, &layers[layer]);
        if shown < layers.len() {
            histogram.title = format!("layer {} of {}", layer + 1, layers.len());
        }
        histogram.draw(look.theme, Rect { x, width, ..area }, buffer);
    }
}

fn histogram<'a>(look: &Look<'_>, layer: usize, probe: &'a LayerProbe) -> Histogram<'a> {
    let rates = &probe.rates;
    let theme = look.theme;
    // Before training, only the probed samples are available.
    let of = if look.probe.epoch == 0 { " in the probed samples" } else { "" };
    Histogram {
        title: format!("layer {}", layer + 1),
        style: Style::new(),
        note: format!(
            "{} of {} silent, mean {} Hz{of}",
            rates.zero,
            rates.total(),
            decimals(Some(rates.mean), 1)
        ),
        unit: "Hz",
        edges: &rates.edges,
        counts: &rates.counts,
        zero: rates.zero,
        mean: rates.mean,
        zones: vec![
            Zone { from: 0.0, style: theme.warning(), fill: PALE },
            Zone { from: f64::MIN_POSITIVE, style: theme.series(layer), fill: SOLID },
        ],
    }
}

/// Silent and saturated units over the epochs.
fn shares(look: &Look<'_>) -> Lanes {
    let lane = |title: &str, what: &str| {
        let layers = 1..=look.probe.layers.len();
        let line = |layer: usize| Line {
            name: format!("layer {layer}"),
            points: probed::metric(look.state, &layer_scalar(layer, what), 100.0),
            style: look.theme.series(layer - 1),
            stroke: Stroke::of(layer - 1),
        };
        let lines: Vec<Line> = layers.map(line).collect();
        let now = |line: &Line| {
            let value = probed::value_at(&line.points, probed::epoch(look.state)?)?;
            Some(format!("{} {} %", line.name, number((value * 100.0).round() / 100.0)))
        };
        let note = lines.iter().filter_map(now).collect::<Vec<_>>().join(", ");
        let values = lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
        let y = Axis::around("", AxisScale::Linear, values.chain([0.0, 1.0]));
        let content = Content::Lines { y, lines, levels: Vec::new(), marks: Vec::new() };
        Lane { title: title.to_owned(), note, content, weight: 1 }
    };
    let lanes = vec![lane("silent units (%)", "silent"), lane("saturated units (%)", "saturated")];
    Lanes { x: epochs(look, &lanes), lanes, cursor: probed::epoch(look.state) }
}

fn epochs(look: &Look<'_>, lanes: &[Lane]) -> Axis {
    let curves = lanes.iter().flat_map(|lane| match &lane.content {
        Content::Lines { lines, .. } => &lines[..],
        _ => &[],
    });
    let xs = curves.flat_map(|line| line.points.iter().map(|point| point.0));
    Axis::around("epoch", AxisScale::Linear, xs.chain([0.0]).chain(probed::epoch(look.state)))
}
