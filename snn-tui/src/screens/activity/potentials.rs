//! Membrane potentials of the traced neurons of a layer: the selected one large, the others next to it.

use ratatui::{buffer::Buffer, layout::Rect};
use snn_run::probe::Traces;

use super::look::Look;
use crate::figure::Panel;
use crate::widgets::{
    Axis, AxisScale, Lane, Lanes, Line, first_shown,
    lanes::{Content, Stroke},
    note,
    text::{number, several},
};

/// The size of the selected neuron relative to the others.
const WEIGHT: usize = 3;

pub(super) fn draw(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let Some(traces) = look.sample.potentials.get(look.layer).filter(|traces| !traces.units.is_empty())
    else {
        let why = format!(
            "No neuron of layer {} is traced; the key probe.neurons of the experiment selects others.",
            look.layer + 1
        );
        return note(look.theme.dim(), &why, area, buffer);
    };
    let shown = Lanes::capacity(area.height).clamp(1, traces.units.len());
    let first = first_shown(look.neuron, traces.units.len(), shown);
    let lanes = (first..first + shown).map(|place| lane(look, traces, place)).collect();
    Lanes { x: look.time(), lanes, cursor: None }.draw(look.theme, area, buffer);
}

/// All traced neurons of the layer.
pub(super) fn figure<'a>(look: &Look<'a>) -> Vec<Panel<'a>> {
    let traces = look.sample.potentials.get(look.layer);
    let lanes = traces.map(|traces| (0..traces.units.len()).map(|place| lane(look, traces, place)).collect());
    vec![Panel::Lanes(Lanes { x: look.time(), lanes: lanes.unwrap_or_default(), cursor: None })]
}

fn lane(look: &Look<'_>, traces: &Traces, place: usize) -> Lane {
    let chosen = place == look.neuron;
    let unit = traces.units[place];
    let values = traces.values.get(place).map_or(&[][..], Vec::as_slice);
    let threshold = look.probe.threshold;
    let spikes = spikes(look, unit, values, traces.stride);
    let marks: Vec<f64> = spikes.iter().flatten().map(|&step| look.ms(f64::from(step))).collect();
    let points = look.trace(values, traces.stride);
    let heights = points.iter().map(|point| point.1).chain([threshold, 0.0]);
    let y = Axis::around("", AxisScale::Linear, heights);

    let mut note = match (&spikes, points.iter().map(|point| point.1).reduce(f64::max)) {
        (Some(spikes), Some(peak)) => format!("{}, up to {}", several(spikes.len(), "spike"), number(peak)),
        (None, Some(peak)) => format!("up to {}", number(peak)),
        _ => "no values".to_owned(),
    };
    note += &format!("; threshold {}", number(threshold));
    let of = format!("neuron {unit} of layer {}", look.layer + 1);
    let title = if chosen { format!("{} {of}", look.theme.glyph("▸", ">")) } else { of };
    let style = if chosen { look.theme.series(look.layer) } else { look.theme.dim() };
    let line = Line { name: String::new(), points, style, stroke: Stroke::Solid };
    let content = Content::Lines { y, lines: vec![line], levels: vec![threshold], marks };
    Lane { title, note, content, weight: if chosen { WEIGHT } else { 1 } }
}

/// Steps in which a unit spikes: from the raster if it includes the unit, otherwise from its potential if no step was omitted.
fn spikes(look: &Look<'_>, unit: u32, values: &[f32], stride: u32) -> Option<Vec<u32>> {
    let shown = look.sample.hidden.get(look.layer).and_then(|raster| {
        let place = raster.units.binary_search(&unit).ok()?;
        raster.spikes.get(place).cloned()
    });
    let above = || {
        let steps = values.iter().zip(0..).filter(|(value, _)| f64::from(**value) > look.probe.threshold);
        (stride <= 1).then(|| steps.map(|(_, step)| step).collect())
    };
    shown.or_else(above)
}
