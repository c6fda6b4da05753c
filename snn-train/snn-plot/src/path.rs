//! Outlines of straight lines, and their precision.

/// A step of a [`Path`]: a command of SVG's path data, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// Moves without drawing.
    MoveTo(f64, f64),
    LineTo(f64, f64),
    /// Draws horizontally to this x.
    HorizontalTo(f64),
    /// Draws vertically to this y.
    VerticalTo(f64),
    /// Draws to the right by this distance.
    Right(f64),
    /// Draws down by this distance.
    Down(f64),
    /// Closes the current outline.
    Close,
}

/// A path of straight lines. All renderers round positions to the same number of decimals, so cells that share an edge also share it
/// in the picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub(super) steps: Vec<Step>,
    pub(super) decimals: usize,
}

impl Path {
    /// An empty path with a precision of 0.01 points.
    pub(super) fn new() -> Self {
        Self { steps: Vec::new(), decimals: 2 }
    }

    /// An empty path with a precision of 0.1 points: a raster has many lines, whose decimals dominate the file size.
    pub(super) fn coarse() -> Self {
        Self { decimals: 1, ..Self::new() }
    }

    /// Adds steps.
    pub(super) fn extend(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.steps.extend(steps);
    }
}
