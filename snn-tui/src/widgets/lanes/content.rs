//! The content of a panel.

use ratatui::style::Style;

use crate::widgets::{Axis, Stroke};

/// The content of a panel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// Marks in rows.
    Raster {
        /// The positions of the marks of each row, the first row at the bottom.
        rows: Vec<Vec<f64>>,
        /// The label of the rows.
        names: Vec<String>,
        style: Style,
    },
    /// A field of values as shades.
    Shades {
        /// By row, the first at the bottom; each row covers the whole axis evenly.
        rows: Vec<Vec<f32>>,
        names: Vec<String>,
        /// Values of the darkest and the brightest shade.
        range: (f64, f64),
    },
    /// Curves.
    Lines {
        /// A label at its lower end, instead of the value.
        y: Axis,
        /// In drawing order.
        lines: Vec<Line>,
        /// Values with a horizontal line.
        levels: Vec<f64>,
        /// Positions on the axis with a mark at the upper border.
        marks: Vec<f64>,
    },
}

/// A curve in a panel, interrupted at values that are not finite or not on its axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Line {
    /// The text at its right end; may be empty.
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
