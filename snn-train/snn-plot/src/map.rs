//! Heat maps: a color for the value of each cell of a grid.

use std::collections::BTreeMap;

use super::{
    Anchor, Axes, AxisScale, Canvas, Rect, Stroke,
    canvas::{SMALL_TEXT, TEXT},
    color::{BLACK, Color, WHITE, viridis},
    path::{Path, Step},
};

/// Steps of the color map.
const LEVELS: f64 = 255.0;

impl Axes {
    /// Colors the cells of a grid that fills the frame: `values[row][column]`, the first row at the bottom, each value
    /// 0 to 1. Cells without a value stay white.
    pub fn map(&self, canvas: &mut Canvas, values: &[Vec<f64>]) {
        self.cells(canvas, values, viridis);
    }

    /// Like [`Axes::map`], with 0 white and 1 black: an image.
    pub fn image(&self, canvas: &mut Canvas, values: &[Vec<f64>]) {
        self.cells(canvas, values, |share| WHITE.towards(BLACK, share));
    }

    fn cells(&self, canvas: &mut Canvas, values: &[Vec<f64>], color: fn(f64) -> Color) {
        let Rect { x, width, height, .. } = self.rect;
        let bottom = self.rect.bottom();
        let cell_height = height / values.len().max(1) as f64;
        // One path per color keeps the document small.
        let mut paths: BTreeMap<u8, Path> = BTreeMap::new();
        for (row, values) in values.iter().enumerate() {
            let cell_width = width / values.len().max(1) as f64;
            let y = bottom - cell_height * (row + 1) as f64;
            for (column, value) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
                let level = (value.clamp(0.0, 1.0) * LEVELS).round() as u8;
                let path = paths.entry(level).or_insert_with(Path::new);
                // Edges are rounded instead of widths, so neighbors share them.
                let (left, right) = (x + cell_width * column as f64, x + cell_width * (column + 1) as f64);
                path.extend([
                    Step::MoveTo(left, y),
                    Step::HorizontalTo(right),
                    Step::VerticalTo(y + cell_height),
                    Step::HorizontalTo(left),
                    Step::Close,
                ]);
            }
        }
        canvas.crisp(|canvas| {
            for (level, path) in paths {
                canvas.area(path, color(f64::from(level) / LEVELS), 1.0);
            }
        });
    }
}

/// The color bar of a map, with values.
pub fn color_bar(canvas: &mut Canvas, rect: Rect, scale: &AxisScale, label: &str) {
    let steps = 64;
    let height = rect.height / f64::from(steps);
    canvas.crisp(|canvas| {
        for step in 0..steps {
            let y = rect.bottom() - height * f64::from(step + 1);
            let color = viridis((f64::from(step) + 0.5) / f64::from(steps));
            canvas.rect(Rect::new(rect.x, y, rect.width, height + 0.05), color);
        }
    });
    let mut widest = 0;
    for tick in scale.ticks() {
        let y = rect.bottom() - rect.height * scale.share(tick.value);
        canvas.line(&[(rect.right(), y), (rect.right() + 2.0, y)], Stroke::new(BLACK, 0.6));
        let (x, y) = (rect.right() + 3.5, y + SMALL_TEXT * 0.35);
        canvas.text(x, y, &tick.label, SMALL_TEXT, Anchor::Start, BLACK);
        widest = widest.max(tick.label.chars().count());
    }
    let x = rect.right() + 5.0 + 0.56 * SMALL_TEXT * widest as f64 + TEXT;
    canvas.text_upwards(x, rect.y + rect.height / 2.0, label, TEXT, Anchor::Middle);
}
