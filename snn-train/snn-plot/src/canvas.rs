//! A page, as a list of drawing operations.

use super::{
    Rect,
    color::{BLACK, Color},
    path::{Path, Step},
};

/// The point of a text at the given position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The beginning.
    Start,
    /// The middle.
    Middle,
    /// The end.
    End,
}

/// The style of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// Color.
    pub color: Color,
    /// Width in points.
    pub width: f64,
    /// Whether the line is dashed.
    pub dashed: bool,
    /// Opacity: 1 is opaque, 0 is invisible.
    pub opacity: f64,
}

impl Stroke {
    /// A solid, opaque line.
    #[must_use]
    pub const fn new(color: Color, width: f64) -> Self {
        Self { color, width, dashed: false, opacity: 1.0 }
    }

    /// Makes the line dashed.
    #[must_use]
    pub const fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }

    /// Sets the opacity.
    #[must_use]
    pub const fn opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }

    /// Lengths of dash and gap of a dashed line, in points.
    pub(super) fn dashes(&self) -> Option<[f64; 2]> {
        self.dashed.then(|| [3.0, 2.0].map(|length| length * self.width.max(0.6)))
    }
}

/// Text size in points, as in journals.
pub const TEXT: f64 = 7.0;
/// Text size of ticks and legends, in points.
pub const SMALL_TEXT: f64 = 6.0;
pub(super) const LETTER: f64 = 10.0;

/// A drawing operation, in points.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operation {
    /// An outlined path with round corners.
    Outline(Path, Stroke),
    /// A filled path and its opacity.
    Area(Path, Color, f64),
    /// Discs at these positions; the width of the stroke is their diameter.
    Dots(Vec<(f64, f64)>, Stroke),
    /// A filled rectangle.
    Rect(Rect, Color),
    Label(Label),
    /// The bold letter of a panel, at the start of its baseline.
    Letter(f64, f64, char),
    /// Operations clipped to a rectangle.
    Clipped(Rect, Vec<Operation>),
    /// Operations with sharp edges.
    Crisp(Vec<Operation>),
}

/// A text with the markup of [`super::text`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Label {
    pub(super) place: (f64, f64),
    /// Whether the text runs from bottom to top instead of from left to right.
    pub(super) upwards: bool,
    pub(super) text: String,
    pub(super) size: f64,
    pub(super) anchor: Anchor,
    pub(super) color: Color,
}

/// A page; its unit is the point.
#[derive(Debug, Clone)]
pub struct Canvas {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) title: String,
    /// In drawing order.
    pub(super) operations: Vec<Operation>,
}

impl Canvas {
    /// An empty page. The title is for screen readers.
    #[must_use]
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        Self { width, height, title: title.to_owned(), operations: Vec::new() }
    }

    /// The whole page.
    #[must_use]
    pub fn page(&self) -> Rect {
        Rect::new(0.0, 0.0, self.width, self.height)
    }

    /// A label whose baseline has its start, middle or end at this position.
    pub fn text(&mut self, x: f64, y: f64, label: &str, size: f64, anchor: Anchor, color: Color) {
        let text = label.to_owned();
        self.operations.push(Operation::Label(Label {
            place: (x, y),
            upwards: false,
            text,
            size,
            anchor,
            color,
        }));
    }

    /// A label that runs upwards.
    pub fn text_upwards(&mut self, x: f64, y: f64, label: &str, size: f64, anchor: Anchor) {
        let text = label.to_owned();
        self.operations.push(Operation::Label(Label {
            place: (x, y),
            upwards: true,
            text,
            size,
            anchor,
            color: BLACK,
        }));
    }

    /// The bold letter of a panel, at its upper left.
    pub fn letter(&mut self, x: f64, y: f64, letter: char) {
        self.operations.push(Operation::Letter(x, y + LETTER * 0.75, letter));
    }

    /// Straight lines from point to point.
    pub fn line(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        let mut path = Path::new();
        path.extend(points.iter().enumerate().map(|(index, &(x, y))| match index {
            0 => Step::MoveTo(x, y),
            _ => Step::LineTo(x, y),
        }));
        self.outline(path, stroke);
    }

    /// An outlined path.
    pub(super) fn outline(&mut self, path: Path, stroke: Stroke) {
        if !path.steps.is_empty() {
            self.operations.push(Operation::Outline(path, stroke));
        }
    }

    /// A filled path.
    pub(super) fn area(&mut self, path: Path, color: Color, opacity: f64) {
        if !path.steps.is_empty() {
            self.operations.push(Operation::Area(path, color, opacity));
        }
    }

    /// Discs of one size and color.
    pub fn dots(&mut self, points: impl IntoIterator<Item = (f64, f64)>, size: f64, fill: Stroke) {
        let points: Vec<_> = points.into_iter().collect();
        if !points.is_empty() {
            self.operations.push(Operation::Dots(points, Stroke { width: size, ..fill }));
        }
    }

    /// A filled rectangle.
    pub fn rect(&mut self, rect: Rect, color: Color) {
        self.operations.push(Operation::Rect(rect, color));
    }

    /// Draws, clipped to `rect`.
    pub fn clipped(&mut self, rect: Rect, draw: impl FnOnce(&mut Self)) {
        let inner = self.group(draw);
        self.operations.push(Operation::Clipped(rect, inner));
    }

    /// Draws without smoothing of edges, for adjacent cells without seams.
    pub(super) fn crisp(&mut self, draw: impl FnOnce(&mut Self)) {
        let inner = self.group(draw);
        self.operations.push(Operation::Crisp(inner));
    }

    fn group(&mut self, draw: impl FnOnce(&mut Self)) -> Vec<Operation> {
        let before = std::mem::take(&mut self.operations);
        draw(self);
        std::mem::replace(&mut self.operations, before)
    }
}
