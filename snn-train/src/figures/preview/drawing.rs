//! Samples on a page, side by side.

use snn_plot::{Axes, AxisScale, BLACK, Canvas, Rect, Stroke, color_bar};

use super::{Content, Preview, Sample, range};

const WIDTH: f64 = 130.0;
const HEIGHT: f64 = 120.0;
const GAP: f64 = 26.0;

impl Preview {
    pub(super) fn draw(&self) -> Canvas {
        let count = self.samples.len().max(1) as f64;
        let bar = self.samples.iter().any(|sample| matches!(sample.content, Content::Frames(_)));
        let margin = if bar { 44.0 } else { 10.0 };
        let width = 40.0 + count * WIDTH + (count - 1.0) * GAP + margin;
        let mut canvas =
            Canvas::new(width, HEIGHT + 54.0, &format!("{} of {}", samples(self.samples.len()), self.name));
        let places = canvas.page().inset(40.0, 20.0, margin, 34.0);
        let places = places.columns(&vec![1.0; self.samples.len()], GAP);
        // One color scale for all, for comparison.
        let ranges = self.samples.iter().filter_map(|sample| match &sample.content {
            Content::Frames(frames) => Some(range(frames)),
            Content::Spikes(_) => None,
        });
        let colors = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 1.0));
        for (number, (sample, place)) in self.samples.iter().zip(&places).enumerate() {
            match &sample.content {
                Content::Spikes(_) => draw_raster(&mut canvas, *place, self, sample, number == 0),
                Content::Frames(_) => {
                    draw_spectrogram(&mut canvas, *place, self, sample, number == 0, colors);
                }
            }
        }
        if let Some(last) = places.last().filter(|_| bar) {
            draw_colors(&mut canvas, *last, colors);
        }
        canvas
    }
}

/// The spikes of a sample; `labeled` shows the units.
pub(in crate::figures) fn draw_raster(
    canvas: &mut Canvas,
    place: Rect,
    preview: &Preview,
    sample: &Sample,
    labeled: bool,
) {
    let Content::Spikes(spikes) = &sample.content else { return };
    let axes = axes(place, preview, sample, if labeled { "Unit" } else { "" });
    axes.draw(canvas);
    let dt = preview.dt;
    let places = spikes.iter().map(|&(step, unit)| (f64::from(step) * dt, f64::from(unit) + 1.0));
    axes.raster(canvas, places, Stroke::new(BLACK, 0.5));
}

/// The values of a sample, its colors from `low` to `high`; `labeled` shows the channels.
pub(in crate::figures) fn draw_spectrogram(
    canvas: &mut Canvas,
    place: Rect,
    preview: &Preview,
    sample: &Sample,
    labeled: bool,
    (low, high): (f64, f64),
) {
    let Content::Frames(frames) = &sample.content else { return };
    let axes = axes(place, preview, sample, if labeled { "Mel channel" } else { "" });
    let row = |unit: usize| {
        frames.iter().map(|frame| (f64::from(frame[unit]) - low) / (high - low)).collect::<Vec<_>>()
    };
    axes.map(canvas, &(0..preview.inputs).map(row).collect::<Vec<_>>());
    axes.draw(canvas);
}

/// The color bar of a spectrogram, to its right.
pub(in crate::figures) fn draw_colors(canvas: &mut Canvas, place: Rect, (low, high): (f64, f64)) {
    let bar = Rect::new(place.right() + 8.0, place.y, 6.0, place.height);
    color_bar(canvas, bar, &AxisScale::linear(low, high), "Input");
}

fn axes(place: Rect, preview: &Preview, sample: &Sample, label: &str) -> Axes {
    let inputs = preview.inputs as f64;
    let units = AxisScale::linear(0.5, inputs + 0.5)
        .with_ticks([(1.0, "1".to_owned()), (inputs, preview.inputs.to_string())]);
    let axes = Axes::new(place, AxisScale::linear(0.0, preview.length()), units).labels("Time (ms)", label);
    // Names of classes may contain markup.
    axes.title(sample.title().replace(['*', '_', '^'], " "))
}

fn samples(count: usize) -> String {
    if count == 1 { "one sample".to_owned() } else { format!("{count} samples") }
}
