//! What a panel may show.

use ratatui::style::Style;

use crate::widgets::{Axis, Stroke};

/// What a panel shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// Marks in rows.
    Raster {
        /// Where on the axis each row has marks, the first row at the bottom.
        rows: Vec<Vec<f64>>,
        /// What the rows are called.
        names: Vec<String>,
        style: Style,
    },
    /// A field of values as shades.
    Shades {
        /// By row, the first at the bottom; each row lies evenly along the whole axis.
        rows: Vec<Vec<f32>>,
        names: Vec<String>,
        /// Values of the darkest and the brightest shade.
        range: (f64, f64),
    },
    /// Curves.
    Lines {
        /// A label stands at its lower end in place of the value.
        y: Axis,
        /// Those behind first.
        lines: Vec<Line>,
        /// Values with a line across.
        levels: Vec<f64>,
        /// Places on the axis with a mark at the upper border.
        marks: Vec<f64>,
    },
}

/// A curve in a panel. Where a value is not finite, or has no place on its axis, it is interrupted.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Line {
    /// Written at its right end; without a name nothing is.
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) style: Style,
    pub(crate) stroke: Stroke,
}

impl Default for Content {
    fn default() -> Self {
        Self::Lines { y: Axis::default(), lines: Vec::new(), levels: Vec::new(), marks: Vec::new() }
    }
}
