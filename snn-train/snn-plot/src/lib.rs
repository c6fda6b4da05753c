//! Figures for publication: panels with letters, axes with units, and marks.
//!
//! A [`Canvas`] records drawing operations on a page, in points (1/72 inch). [`Axes`] place [`AxisScale`]s along the sides of a
//! [`Rect`] and draw marks by their values. [`Canvas::to_svg`] and [`Canvas::to_pdf`] write the page as a document,
//! [`Canvas::to_png`] renders it as pixels. All use the font of this crate and look the same on every machine. Labels support
//! `^{..}`, `_{..}` and `*italics*`; [`literal`] escapes other text.

mod axes;
mod canvas;
mod color;
mod error;
mod glyphs;
mod layout;
mod map;
mod marks;
mod path;
mod pdf;
mod png;
mod scale;
mod step;
mod svg;
mod text;

pub use axes::{Axes, Legend};
pub use canvas::{Anchor, Canvas, SMALL_TEXT, Stroke, TEXT};
pub use color::{
    BLACK, BLUE, CLASSES, Color, GRAY, GREEN, LIGHT_GRAY, ORANGE, PURPLE, SKY, VERMILION, WHITE, shades,
    viridis,
};
pub use error::NotRendered;
pub use layout::Rect;
pub use map::color_bar;
pub use marks::Whiskers;
pub use scale::{AxisScale, Tick};
pub use step::round_step;
pub use text::literal;

#[cfg(test)]
mod tests;
