//! A small layer for drawing figures as journals print them: panels with letters, axes with units, and marks in them.
//!
//! A [`Canvas`] records what is drawn on a page, in points (1/72 inch). [`Axes`] lay [`AxisScale`]s along the sides of
//! a [`Rect`] and draw marks by their values. [`Canvas::to_svg`] writes the page as a document, [`Canvas::to_png`] paints it with
//! the font that ships beside this file, so that both show the same wherever they are made. Labels may hold `^{..}`,
//! `_{..}` and `*italics*`.

mod axes;
mod canvas;
mod color;
mod glyphs;
mod layout;
mod map;
mod marks;
mod path;
mod png;
mod scale;
mod svg;
mod text;

pub(crate) use axes::{Axes, Legend};
pub(crate) use canvas::{Anchor, Canvas, Stroke};
pub(crate) use color::{
    BLACK, BLUE, CLASSES, Color, GRAY, GREEN, LIGHT_GRAY, ORANGE, SKY, VERMILION, shades, viridis,
};
pub(crate) use layout::Rect;
pub(crate) use map::color_bar;
pub(crate) use marks::Whiskers;
pub(crate) use scale::AxisScale;

#[cfg(test)]
mod tests;
