//! What screens are made of: pure drawing into a buffer, without any knowledge of runs.

mod axis;
mod bars;
mod chart;
mod dots;
mod map;
pub(crate) mod text;

pub(crate) use axis::{Axis, Scale};
pub(crate) use bars::{Bar, bars};
pub(crate) use chart::{Band, Plot, Series};
pub(crate) use dots::Dots;
pub(crate) use map::{Map, color_bar};
