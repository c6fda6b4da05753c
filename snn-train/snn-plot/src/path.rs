//! Outlines of straight lines, and how exact they are written.

/// A step of a [`Path`]: a command of SVG's path data, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// Lifts the pen.
    MoveTo(f64, f64),
    LineTo(f64, f64),
    /// To this x, along the horizontal.
    HorizontalTo(f64),
    /// To this y, along the vertical.
    VerticalTo(f64),
    /// So far to the right.
    Right(f64),
    /// So far down.
    Down(f64),
    /// Back to where the pen came down last.
    Close,
}

/// Lines from place to place. Both renderers round the places to the same number of decimals, so that cells that share an
/// edge still share it when drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub(super) steps: Vec<Step>,
    pub(super) decimals: usize,
}

impl Path {
    /// An empty path, exact to 0.01 points.
    pub(super) fn new() -> Self {
        Self { steps: Vec::new(), decimals: 2 }
    }

    /// An empty path, exact to 0.1 points: a raster has so many strokes that the decimals count.
    pub(super) fn coarse() -> Self {
        Self { decimals: 1, ..Self::new() }
    }

    /// Adds steps.
    pub(super) fn extend(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.steps.extend(steps);
    }
}
