//! Axes: the frame of a panel, and the mapping of values to positions in it.

use super::{
    Anchor, AxisScale, Canvas, Rect, Stroke,
    canvas::{SMALL_TEXT, TEXT},
    color::{BLACK, Color},
};

const LINE: Stroke = Stroke::new(BLACK, 0.6);
const TICK: f64 = 2.5;
const MINOR_TICK: f64 = 1.5;

/// A panel with one scale along its bottom and one along its left side.
#[derive(Debug, Clone)]
pub struct Axes {
    /// The panel without its labels.
    pub rect: Rect,
    /// The scale along the bottom.
    pub x: AxisScale,
    /// The scale along the left side.
    pub y: AxisScale,
    x_label: String,
    y_label: String,
    title: String,
    hidden: [bool; 2],
}

impl Axes {
    /// Creates axes without labels.
    #[must_use]
    pub fn new(rect: Rect, x: AxisScale, y: AxisScale) -> Self {
        Self {
            rect,
            x,
            y,
            x_label: String::new(),
            y_label: String::new(),
            title: String::new(),
            hidden: [false; 2],
        }
    }

    /// Sets the labels of the axes, with units.
    #[must_use]
    pub fn labels(self, x: impl Into<String>, y: impl Into<String>) -> Self {
        Self { x_label: x.into(), y_label: y.into(), ..self }
    }

    /// Sets the title above the panel.
    #[must_use]
    pub fn title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// Omits the line, ticks and numbers of the horizontal axis.
    #[must_use]
    pub fn without_x(self) -> Self {
        Self { hidden: [true, self.hidden[1]], ..self }
    }

    /// Omits the line, ticks and numbers of the vertical axis.
    #[must_use]
    pub fn without_y(self) -> Self {
        Self { hidden: [self.hidden[0], true], ..self }
    }

    /// The position of values on the page.
    #[must_use]
    pub fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let Rect { x: left, width, height, .. } = self.rect;
        (left + width * self.x.share(x), self.rect.bottom() - height * self.y.share(y))
    }

    /// Draws lines, ticks, numbers and labels. Marks drawn afterwards cover them.
    pub fn draw(&self, canvas: &mut Canvas) {
        if !self.title.is_empty() {
            let middle = self.rect.x + self.rect.width / 2.0;
            canvas.text(middle, self.rect.y - 4.0, &self.title, TEXT, Anchor::Middle, BLACK);
        }
        let [x_hidden, y_hidden] = self.hidden;
        self.draw_x(canvas, !x_hidden);
        self.draw_y(canvas, !y_hidden);
    }

    fn draw_x(&self, canvas: &mut Canvas, ticks: bool) {
        let Rect { x: left, width, .. } = self.rect;
        let bottom = self.rect.bottom();
        if ticks {
            canvas.line(&[(left, bottom), (left + width, bottom)], LINE);
            for tick in self.x.ticks() {
                let x = left + width * self.x.share(tick.value);
                let length = if tick.label.is_empty() { MINOR_TICK } else { TICK };
                canvas.line(&[(x, bottom), (x, bottom + length)], LINE);
                for (line, label) in tick.label.split('\n').enumerate() {
                    let y = bottom + TICK + 1.5 + SMALL_TEXT * (0.8 + 1.15 * line as f64);
                    canvas.text(x, y, label, SMALL_TEXT, Anchor::Middle, BLACK);
                }
            }
        }
        if !self.x_label.is_empty() {
            let lines = self.x.ticks().iter().map(|tick| tick.label.split('\n').count()).max().unwrap_or(0);
            let below = if ticks { TICK + 1.5 + SMALL_TEXT * 1.15 * lines as f64 } else { 2.0 };
            let y = bottom + below + TEXT;
            canvas.text(left + width / 2.0, y, &self.x_label, TEXT, Anchor::Middle, BLACK);
        }
    }

    fn draw_y(&self, canvas: &mut Canvas, ticks: bool) {
        let Rect { x: left, y: top, height, .. } = self.rect;
        let bottom = self.rect.bottom();
        let mut widest = 0;
        if ticks {
            canvas.line(&[(left, top), (left, bottom)], LINE);
            for tick in self.y.ticks() {
                let y = bottom - height * self.y.share(tick.value);
                let length = if tick.label.is_empty() { MINOR_TICK } else { TICK };
                canvas.line(&[(left - length, y), (left, y)], LINE);
                let place = (left - TICK - 1.5, y + SMALL_TEXT * 0.35);
                canvas.text(place.0, place.1, &tick.label, SMALL_TEXT, Anchor::End, BLACK);
                let letters = tick.label.chars().filter(|letter| !"^_{}*".contains(*letter)).count();
                widest = widest.max(letters);
            }
        }
        if !self.y_label.is_empty() {
            let beside = if ticks { TICK + 3.0 + 0.56 * SMALL_TEXT * widest as f64 } else { 2.0 };
            let x = left - beside - 0.35 * TEXT;
            canvas.text_upwards(x, top + height / 2.0, &self.y_label, TEXT, Anchor::Middle);
        }
    }

    /// Clips marks at the frame, with a margin of half a mark.
    pub fn inside(&self, canvas: &mut Canvas, draw: impl FnOnce(&mut Canvas)) {
        canvas.clipped(self.rect.inset(-1.5, -1.5, -1.5, -1.5), draw);
    }

    /// A short text in the middle of an empty panel, with the reason.
    pub fn note(&self, canvas: &mut Canvas, note: &str) {
        let lines: Vec<_> = note.lines().collect();
        let first = self.rect.y + self.rect.height / 2.0 - 4.0 * (lines.len() as f64 - 1.0);
        for (index, line) in lines.iter().enumerate() {
            let (x, y) = (self.rect.x + self.rect.width / 2.0, first + 8.0 * index as f64);
            canvas.text(x, y, line, SMALL_TEXT, Anchor::Middle, Color(90, 90, 90));
        }
    }
}

/// A legend: one line per color.
#[derive(Debug, Clone, Default)]
pub struct Legend(Vec<(String, Stroke, bool)>);

impl Legend {
    /// An entry for a line.
    #[must_use]
    pub fn line(mut self, label: impl Into<String>, stroke: Stroke) -> Self {
        self.0.push((label.into(), stroke, false));
        self
    }

    /// An entry for filled marks.
    #[must_use]
    pub fn mark(mut self, label: impl Into<String>, color: Color) -> Self {
        self.0.push((label.into(), Stroke::new(color, 4.0), true));
        self
    }

    /// Draws the legend with its upper left corner at this position.
    pub fn draw(&self, canvas: &mut Canvas, x: f64, y: f64) {
        for (index, (label, stroke, mark)) in self.0.iter().enumerate() {
            let y = y + 4.0 + 8.0 * index as f64;
            if *mark {
                canvas.dots([(x + 5.0, y - 2.1)], 4.0, *stroke);
            } else {
                canvas.line(&[(x, y - 2.1), (x + 10.0, y - 2.1)], *stroke);
            }
            canvas.text(x + 13.0, y, label, SMALL_TEXT, Anchor::Start, BLACK);
        }
    }
}
