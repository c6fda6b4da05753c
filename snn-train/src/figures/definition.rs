//! What a figure must say of itself to be one of the table.

use super::{FigureOutput, reproduction::Reproduction};
use crate::{Error, sweep::Sweep};

/// A figure: a row of the table in `figure`.
pub(super) struct Definition {
    /// Its number in the paper.
    pub(super) number: u8,
    /// What it shows.
    pub(super) title: &'static str,
    /// The sweeps whose runs it shows.
    pub(super) sweeps: fn(&Reproduction) -> Result<Vec<Sweep>, Error>,
    /// Draws it from the runs that are there.
    pub(super) draw: fn(&Reproduction) -> Result<FigureOutput, Error>,
}
