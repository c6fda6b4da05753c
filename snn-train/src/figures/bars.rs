//! Grouped bars: mean and standard deviation of the best models of each condition.

use snn_plot::{Anchor, Axes, AxisScale, BLACK, Canvas, Color, Rect};

use super::{Runs, Table, output::plain};
use crate::sweep::MeanSd;

/// The best models of a condition.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    /// The bars of one group, above its name.
    pub(super) group: String,
    pub(super) label: String,
    pub(super) color: Color,
    pub(super) models: Runs,
}

impl Bar {
    pub(super) fn new(
        group: impl Into<String>,
        label: impl Into<String>,
        color: Color,
        models: Runs,
    ) -> Self {
        Self { group: group.into(), label: label.into(), color, models }
    }
}

/// The quantity that the bars show.
pub(super) const ACCURACY: &str = "Test accuracy (%)";

/// Draws bars from 0 to 100 %, and lists every model.
pub(super) fn draw_bars(canvas: &mut Canvas, place: Rect, label: &str, bars: &[Bar]) -> Table {
    let mut table =
        Table::new(["group", "condition", "model", "test_accuracy_percent", "mean_percent", "sd_percent"]);
    // Groups are separated by half a position.
    let mut places: Vec<f64> = Vec::new();
    for (index, bar) in bars.iter().enumerate() {
        let gap = if index > 0 && bars[index - 1].group != bar.group { 1.6 } else { 1.0 };
        places.push(places.last().map_or(0.0, |last| last + gap));
    }
    let end = places.last().copied().unwrap_or_default();
    let x = AxisScale::linear(-0.6, end + 0.6)
        .with_ticks(places.iter().zip(bars).map(|(&place, bar)| (place, bar.label.clone())));
    let axes = Axes::new(place, x, AxisScale::linear(0.0, 100.0)).labels("", label);
    for (&x, bar) in places.iter().zip(bars) {
        let accuracies = bar.models.accuracies();
        let Some(summary) = MeanSd::of(&accuracies) else { continue };
        let sd = summary.sd.unwrap_or_default();
        axes.bar(canvas, x, 0.8, summary.mean, sd, bar.color);
        for (model, accuracy) in accuracies.iter().enumerate() {
            table.push(&[&plain(&bar.group), &plain(&bar.label), &(model + 1), accuracy, &summary.mean, &sd]);
        }
    }
    axes.draw(canvas);
    let mut start = 0;
    while start < bars.len() {
        let same = bars[start..].iter().take_while(|bar| bar.group == bars[start].group).count();
        let middle = (places[start] + places[start + same - 1]) / 2.0;
        let (x, y) = axes.place(middle, 0.0);
        canvas.text(x, y + 21.0, &bars[start].group, 6.5, Anchor::Middle, BLACK);
        start += same;
    }
    table
}
