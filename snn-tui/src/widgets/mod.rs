//! The elements of screens: pure drawing into a buffer, independent of runs.

mod axis;
mod bars;
mod chart;
mod dots;
mod gauge;
mod grid;
pub(crate) mod histogram;
pub(crate) mod lanes;
mod map;
mod note;
mod panes;
mod robust;
mod spark;
mod spread;
mod stroke;
pub(crate) mod text;

pub(crate) use axis::{Axis, AxisScale};
pub(crate) use bars::{Bar, bars};
pub(crate) use chart::{EDGE, Plot, Series};
pub(crate) use dots::Dots;
pub(crate) use gauge::gauge;
pub(crate) use grid::grid;
pub(crate) use histogram::Histogram;
pub(crate) use lanes::{Lane, Lanes, Line};
pub(crate) use map::{Cell, Map, color_bar, first_shown};
pub(crate) use note::note;
pub(crate) use panes::panes;
pub(crate) use robust::fence;
pub(crate) use spark::spark;
pub(crate) use spread::spread;
pub(crate) use stroke::Stroke;
