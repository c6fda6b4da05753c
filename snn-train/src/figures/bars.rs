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

/// Draws bars from 0 to 100 %, and lists every model. Bars with fewer models than others, because runs are missing, say so.
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
    let most = bars.iter().map(|bar| bar.models.rows().len()).max().unwrap_or_default();
    for (&x, bar) in places.iter().zip(bars) {
        let accuracies = bar.models.accuracies();
        if accuracies.len() < most {
            let note = match accuracies.len() {
                0 => "no runs".to_owned(),
                1 => "1 model".to_owned(),
                number => format!("{number} models"),
            };
            let (x, y) = axes.place(x, 103.0);
            canvas.text_upwards(x + 2.0, y, &note, 5.0, Anchor::Start);
        }
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

#[cfg(test)]
mod tests {
    use snn_plot::{BLUE, GREEN};

    use super::*;
    use crate::sweep::{Results, Row};

    #[test]
    fn bars_with_fewer_models_than_others_say_so() {
        let row = |id: usize| -> Row {
            let state = serde_json::json!("done");
            let row = serde_json::json!({"id": format!("run-{id}"), "settings": {}, "state": state, "epoch": 3,
                "valid_accuracy": 0.9, "test_accuracy": 0.9, "seconds": 1.0});
            serde_json::from_value(row).unwrap()
        };
        let bar = |label: &str, models: usize| {
            let rows = (0..models).map(row).collect();
            let runs = Runs::new(Results { keys: Vec::new(), seeds: Vec::new(), rows });
            Bar::new("group", label, if models == 3 { BLUE } else { GREEN }, runs)
        };
        let drawn = |bars: &[Bar]| {
            let mut canvas = Canvas::new(200.0, 200.0, "");
            draw_bars(&mut canvas, Rect::new(40.0, 40.0, 100.0, 100.0), ACCURACY, bars);
            canvas.to_svg()
        };
        let svg = drawn(&[bar("a", 3), bar("b", 2), bar("c", 1), bar("d", 0)]);
        for note in ["2 models", "1 model<", "no runs"] {
            assert!(svg.contains(note), "{svg}");
        }
        assert!(!svg.contains("3 models"));
        let svg = drawn(&[bar("a", 3), bar("b", 3)]);
        assert!(!svg.contains("models") && !svg.contains("no runs"));
    }
}
