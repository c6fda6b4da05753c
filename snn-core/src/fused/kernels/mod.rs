//! The arithmetic of the fused implementation, written once over [`lanes::Lanes`] and compiled for each instruction set.

pub(super) use crate::lanes;

pub(super) mod derivative;
pub(super) mod product;
pub(super) mod rows;
pub(super) mod spikes;
