//! The interface of the figures in the table.

use super::{FigureOutput, reproduction::Reproduction};
use crate::{Error, sweep::Sweep};

/// A figure: a row of the table in `figure`.
pub(super) struct Definition {
    /// Its number in the paper.
    pub(super) number: u8,
    /// Its title.
    pub(super) title: &'static str,
    /// The sweeps whose runs it shows.
    pub(super) sweeps: fn(&Reproduction) -> Result<Vec<Sweep>, Error>,
    /// Draws it from the existing runs.
    pub(super) draw: fn(&Reproduction) -> Result<FigureOutput, Error>,
}
