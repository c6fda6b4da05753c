//! The screens: each draws the state and handles its own keys.

mod activity;
mod binding;
mod config;
pub(crate) mod curves;
mod definition;
mod diagnosis;
mod everywhere;
mod frame;
mod help;
mod hints;
mod learning;
mod mouse;
pub(crate) mod probed;
mod prompt;
mod runs;
mod scrolling;
mod small;
mod sweep;
mod system;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use everywhere::{Action, key};
pub(crate) use frame::draw;
pub(crate) use mouse::mouse;
pub(crate) use runs::height as height_of_runs;
pub(crate) use table::{SCREENS, definition, figure, settle, wants};
