//! Navigation in the plots: the visible part of the axes, and the crosshair.

use super::{
    choice::{Choice, Window},
    plots::{crosshair, x_axis},
};
use crate::{data::History, state::UiState, widgets::Axis};

/// A step of zooming in; out is its inverse.
const STEP: f64 = 0.7;
/// A pan step, as a fraction of the visible range.
const MOVE: f64 = 0.25;
/// Minimum and maximum length of the windows. Nothing is beyond the runs, but outliers may be far above and below.
const X: [f64; 2] = [1.0 / 512.0, 1.0];
const Y: [f64; 2] = [1.0 / 512.0, 1024.0];
/// A large step of the crosshair, as a fraction of all epochs.
const LARGE: usize = 10;

/// Shows more (`by` > 0) or less of the horizontal axis, around the crosshair if there is one.
pub(super) fn zoom_x(state: &mut UiState, by: i32) {
    let choice: Choice = state.choice();
    let center = place_of_crosshair(state, &choice)
        .filter(|place| (choice.x.from..=choice.x.to).contains(place))
        .unwrap_or_else(|| choice.x.middle());
    state.change(|it: &mut Choice| it.x = it.x.zoomed(STEP.powi(-by), center, X).within(0.0, 1.0));
}

pub(super) fn zoom_y(state: &mut UiState, by: i32) {
    state.change(|it: &mut Choice| it.y = it.y.zoomed(STEP.powi(-by), it.y.middle(), Y));
}

pub(super) fn move_x(state: &mut UiState, by: f64) {
    state.change(|it: &mut Choice| it.x = it.x.moved(by * MOVE).within(0.0, 1.0));
}

pub(super) fn move_y(state: &mut UiState, by: f64) {
    state.change(|it: &mut Choice| it.y = it.y.moved(by * MOVE).within(-Y[1], Y[1]));
}

pub(super) fn show_all(state: &mut UiState) {
    state.change(|it: &mut Choice| (it.x, it.y) = (Window::default(), Window::default()));
}

/// Epochs of all selected runs, ascending: the stops of the crosshair.
fn stops(state: &UiState) -> Vec<f64> {
    let chosen = state.chosen();
    let histories = chosen.iter().filter_map(|id| state.model.histories.get(id));
    let mut stops: Vec<f64> = histories.flat_map(History::epochs).collect();
    stops.sort_by(f64::total_cmp);
    stops.dedup();
    stops
}

/// Moves the crosshair by this number of epochs from the one nearest to it; without one, it starts at an end.
pub(super) fn move_crosshair(state: &mut UiState, by: isize) {
    let stops = stops(state);
    let Some(last) = stops.len().checked_sub(1) else { return };
    let choice: Choice = state.choice();
    let to = match choice.crosshair {
        Some(epoch) => nearest(&stops, epoch).saturating_add_signed(by).min(last),
        None if by < 0 => last,
        None => 0,
    };
    put(state, Some(stops[to]));
}

/// Moves by a fraction of all epochs.
pub(super) fn leap(state: &mut UiState, by: isize) {
    let all = stops(state).len();
    move_crosshair(state, by * (all / LARGE).max(1) as isize);
}

/// Places it in the middle of the visible range, or removes it.
pub(super) fn toggle_crosshair(state: &mut UiState) {
    let choice: Choice = state.choice();
    let stops = stops(state);
    if choice.crosshair.is_some() || stops.is_empty() {
        return put(state, None);
    }
    let axis = axis(state, &choice);
    let wanted = axis.value(choice.x.middle());
    let distance = |&&epoch: &&f64| {
        let place = crosshair(state, &Choice { crosshair: Some(epoch), ..choice.clone() }, &state.chosen());
        place.map_or(f64::INFINITY, |(x, _)| (x - wanted).abs())
    };
    let epoch = stops.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).copied();
    put(state, epoch);
}

fn nearest(stops: &[f64], epoch: f64) -> usize {
    let distance = |k: &usize| (stops[*k] - epoch).abs();
    (0..stops.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0)
}

/// Places the crosshair at an epoch, and makes it visible.
fn put(state: &mut UiState, epoch: Option<f64>) {
    state.change(|it: &mut Choice| it.crosshair = epoch);
    let choice: Choice = state.choice();
    if let Some(place) = place_of_crosshair(state, &choice) {
        state.change(|it: &mut Choice| it.x = it.x.showing(place).within(0.0, 1.0));
    }
}

/// The position of the crosshair on the whole axis, 0 to 1.
fn place_of_crosshair(state: &UiState, choice: &Choice) -> Option<f64> {
    let (x, _) = crosshair(state, choice, &state.chosen())?;
    Some(axis(state, choice).place(x)).filter(|place| place.is_finite())
}

/// The whole horizontal axis.
fn axis(state: &UiState, choice: &Choice) -> Axis {
    let chosen = state.chosen();
    let histories = chosen.iter().filter_map(|id| state.model.histories.get(id));
    x_axis(choice, histories.flat_map(|history| history.places(choice.axis)))
}
