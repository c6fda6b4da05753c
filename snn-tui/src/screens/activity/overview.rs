//! Input, spikes of the hidden layers and readout of a sample, stacked along a common time axis.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use snn_run::probe::{InputProbe, Raster, Traces};

use super::look::Look;
use crate::figure::Panel;
use crate::widgets::{
    Axis, AxisScale, Lane, Lanes, Line, first_shown,
    lanes::{Content, Stroke},
    text::{number, several},
};

pub(super) fn draw(look: &Look<'_>, area: Rect, buffer: &mut Buffer) {
    let layers = look.sample.hidden.len();
    // If there are many, those around the selected one.
    let shown = Lanes::capacity(area.height).saturating_sub(2).clamp(1, layers.max(1)).min(layers);
    let first = first_shown(look.layer, layers, shown);
    let mut lanes = vec![input(look)];
    lanes.extend((first..first + shown).map(|layer| hidden(look, layer, shown < layers)));
    lanes.push(readout(look));
    // The readout is the most informative, the input the least.
    let room = Lanes::capacity(area.height);
    if lanes.len() > room {
        lanes.drain(..lanes.len() - room);
    }
    Lanes { x: look.time(), lanes, cursor: None }.draw(look.theme, area, buffer);
}

/// All of it, for any number of layers.
pub(super) fn figure<'a>(look: &Look<'a>) -> Vec<Panel<'a>> {
    let layers = (0..look.sample.hidden.len()).map(|layer| hidden(look, layer, false));
    let lanes = [input(look)].into_iter().chain(layers).chain([readout(look)]).collect();
    vec![Panel::Lanes(Lanes { x: look.time(), lanes, cursor: None })]
}

fn input(look: &Look<'_>) -> Lane {
    match &look.sample.input {
        InputProbe::Spikes(spikes) => raster(look, "input", spikes, Style::new()),
        InputProbe::Frames(frames) => shades(frames),
        // A kind from a newer trainer.
        _ => Lane { title: "input".to_owned(), note: "unknown kind".to_owned(), ..Lane::default() },
    }
}

fn hidden(look: &Look<'_>, layer: usize, is_part: bool) -> Lane {
    let of = if is_part { format!(" of {}", look.sample.hidden.len()) } else { String::new() };
    let title = format!("layer {}{of}", layer + 1);
    raster(look, &title, &look.sample.hidden[layer], look.theme.series(layer))
}

fn raster(look: &Look<'_>, title: &str, raster: &Raster, style: Style) -> Lane {
    let times = |steps: &Vec<u32>| steps.iter().map(|&step| look.ms(f64::from(step))).collect();
    let number: usize = raster.spikes.iter().map(Vec::len).sum();
    let active = raster.spikes.iter().filter(|steps| !steps.is_empty()).count();
    let shown = if raster.units.len() < raster.size {
        format!("{} of {} shown", raster.units.len(), several(raster.size, "unit"))
    } else {
        several(raster.size, "unit")
    };
    let title = title.to_owned();
    let note = format!("{shown}, {} of {}", several(number, "spike"), several(active, "unit"));
    let content = Content::Raster {
        rows: raster.spikes.iter().map(times).collect(),
        names: names(&raster.units),
        style,
    };
    Lane { title, note, content, weight: 1 }
}

fn names(units: &[u32]) -> Vec<String> {
    units.iter().map(u32::to_string).collect()
}

/// Analog values as a map, dark to bright.
fn shades(frames: &Traces) -> Lane {
    let values = || frames.values.iter().flatten().filter(|value| value.is_finite());
    let (low, high) = values()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    let range = (f64::from(low), f64::from(high));
    let note = if low <= high {
        format!(
            "{}, shades from {} to {}",
            several(frames.units.len(), "channel"),
            number(range.0),
            number(range.1)
        )
    } else {
        "no values".to_owned()
    };
    let content = Content::Shades { rows: frames.values.clone(), names: names(&frames.units), range };
    Lane { title: "input".to_owned(), note, content, weight: 1 }
}

/// Readout potentials: that of the true class, that of the predicted class if it differs, the others behind them.
fn readout(look: &Look<'_>) -> Lane {
    let (traces, sample, theme) = (&look.sample.readout, look.sample, look.theme);
    let mut lines: Vec<((u8, f64), Line)> = Vec::new();
    let mut peaks = Vec::new();
    for (&unit, values) in traces.units.iter().zip(&traces.values) {
        let points = look.trace(values, traces.stride);
        let (is_label, is_chosen) = (unit == u32::from(sample.label), unit == u32::from(sample.prediction));
        let peak = points.iter().copied().reduce(|high, point| if point.1 > high.1 { point } else { high });
        if is_label || is_chosen {
            let name = if is_label { format!("label {unit}") } else { format!("class {unit}") };
            peaks.extend(
                peak.map(|(ms, value)| format!("{name} up to {} at {} ms", number(value), ms.floor())),
            );
        }
        let (rank, style, stroke) = match (is_label, is_chosen) {
            (true, _) => (2, theme.strong(theme.good()), Stroke::Solid),
            (_, true) => (1, theme.bad(), Stroke::Dashed),
            _ => (0, theme.dim(), Stroke::Faint),
        };
        // Among the others, the highest keeps its name longest.
        let rank = (rank, peak.map_or(f64::NEG_INFINITY, |peak| peak.1));
        lines.push((rank, Line { name: unit.to_string(), points, style, stroke }));
    }
    lines.sort_by(|(a, _), (b, _)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
    let values = lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
    let y = Axis::around("", AxisScale::Linear, values);
    let content = Content::Lines { y, lines, levels: Vec::new(), marks: Vec::new() };
    Lane { title: "readout".to_owned(), note: peaks.join(", "), content, weight: 1 }
}
