//! Under construction.

use crossterm::event::KeyEvent;
use ratatui::{buffer::Buffer, layout::Rect};

use super::Hints;
use crate::state::State;

pub(super) const HINTS: Hints = &[];

/// What is shown and how.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Choice {
    pub(crate) epoch: Option<u32>,
}

pub(super) fn key(_: &mut State, _: KeyEvent) {}

pub(super) fn draw(_: &State, _: Rect, _: &mut Buffer) {}
