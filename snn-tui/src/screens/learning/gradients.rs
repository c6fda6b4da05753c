//! Gradient norm and update of every weight matrix: a table of current values, and their history.

use std::collections::BTreeSet;

use ratatui::{buffer::Buffer, layout::Rect};
use snn_run::scalars::GRADIENT_NORMS;

use super::judge::{self, Judgement, Sizes, style};
use crate::{
    data::ProbeSummary,
    figure::Panel,
    screens::probed,
    state::UiState,
    widgets::{
        Axis, AxisScale, Lane, Lanes, Line,
        lanes::{self, Content, Stroke},
        note,
        text::{clean, fit, left, number, right},
    },
};

const NOTHING: &str = "No gradient yet: the first epoch is not finished.";

/// The data of a weight matrix.
struct Matrix {
    name: String,
    gradients: Vec<(f64, f64)>,
    updates: Vec<(f64, f64)>,
    sizes: Sizes,
}

pub(super) fn draw(state: &UiState, area: Rect, buffer: &mut Buffer) {
    let matrices = matrices(state);
    if matrices.is_empty() {
        return note(state.theme.dim(), NOTHING, area, buffer);
    }
    // With little space, one lane remains, and numbers are more informative than curves.
    let most = area.height.saturating_sub(lanes::LEAST + 1).max(2);
    let rows = (matrices.len() as u16 + 1).min(most).min(area.height);
    draw_table(state, &matrices, Rect { height: rows, ..area }, buffer);
    let below = Rect { y: area.y + rows, height: area.height - rows, ..area };
    curves(state, &matrices).draw(state.theme, below, buffer);
}

/// The curves.
pub(super) fn figure(state: &UiState) -> Result<Vec<Panel<'_>>, String> {
    let matrices = matrices(state);
    if matrices.is_empty() {
        return Err(NOTHING.to_owned());
    }
    Ok(vec![Panel::Lanes(curves(state, &matrices))])
}

fn matrices(state: &UiState) -> Vec<Matrix> {
    let history = state.subject().and_then(|run| state.model.histories.get(&run.id));
    let recorded =
        history.into_iter().flat_map(|it| it.metrics()).filter_map(|it| it.strip_prefix(GRADIENT_NORMS));
    let glances = || state.subject_probes().into_iter().flat_map(|probes| probes.glances.values());
    let probed = glances().flat_map(|glance| glance.update_ratios.keys().map(String::as_str));
    let mut names: Vec<&str> = recorded.chain(probed).collect::<BTreeSet<_>>().into_iter().collect();
    names.sort_by_key(|name| place(name));

    // The last epoch is newer than the newest probe.
    let at = probed::epoch(state).filter(|_| probed::chosen_epoch(state).is_some()).unwrap_or(f64::INFINITY);
    let update =
        |glance: &ProbeSummary, name: &str| Some((f64::from(glance.epoch), *glance.update_ratios.get(name)?));
    let mut matrices: Vec<Matrix> = names
        .into_iter()
        .map(|name| {
            let gradients = probed::metric(state, &format!("{GRADIENT_NORMS}{name}"), 1.0);
            let updates: Vec<_> = glances().filter_map(|glance| update(glance, name)).collect();
            let known = |points: &[(f64, f64)]| probed::value_at(points, at).filter(|value| !value.is_nan());
            let sizes = Sizes { gradient: known(&gradients), largest: None, update: known(&updates) };
            Matrix { name: name.to_owned(), gradients, updates, sizes }
        })
        .collect();
    let largest = matrices.iter().filter_map(|matrix| matrix.sizes.gradient).reduce(f64::max);
    matrices.iter_mut().for_each(|matrix| matrix.sizes.largest = largest);
    matrices
}

/// From the input to the readout: `W1`, `V1`, `W2`, .., `Wout`.
fn place(name: &str) -> (u32, bool, &str) {
    let layer = name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(u32::MAX);
    (layer, name.starts_with('V'), name)
}

fn draw_table(state: &UiState, matrices: &[Matrix], area: Rect, buffer: &mut Buffer) {
    let theme = state.theme;
    let room = usize::from(area.width);
    let line = |[name, gradient, update]: [&str; 3]| {
        format!("{} {} {}", left(name, 7), right(gradient, 13), right(update, 13))
    };
    let epochs = [newest(matrices, |it| &it.gradients), newest(matrices, |it| &it.updates)];
    let of = match epochs {
        [Some(gradient), Some(update)] if gradient != update && probed::chosen_epoch(state).is_none() => {
            format!(" (epoch {gradient}; update: epoch {update})")
        }
        _ => String::new(),
    };
    let heading = line(["matrix", "gradient norm", "update/weight"]) + "  judgment" + &of;
    buffer.set_string(area.x, area.y, fit(&heading, room), theme.bold());
    let judged: Vec<(Judgement, String)> =
        matrices.iter().map(|matrix| judge::matrix(matrix.sizes)).collect();
    let rows = usize::from(area.height.saturating_sub(1));
    let shown = worst(&judged, rows);
    for (&place, y) in shown.iter().zip(area.y + 1..area.bottom()) {
        let Matrix { name, sizes, .. } = &matrices[place];
        let (judgement, why) = &judged[place];
        let text = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), number);
        let numbers = line([&clean(name), &text(sizes.gradient), &text(sizes.update)]);
        buffer.set_string(area.x, y, fit(&numbers, room), theme.series(place));
        let x = area.x + 37;
        if x < area.right() {
            buffer.set_string(x, y, fit(why, usize::from(area.right() - x)), style(theme, *judgement));
        }
    }
    if shown.len() < matrices.len() && rows > shown.len() {
        let text = format!("and {} more, no worse", matrices.len() - shown.len());
        buffer.set_string(area.x, area.bottom() - 1, fit(&text, room), theme.dim());
    }
}

/// The last epoch for which a matrix has a value.
fn newest(matrices: &[Matrix], pick: fn(&Matrix) -> &Vec<(f64, f64)>) -> Option<f64> {
    matrices.iter().filter_map(|matrix| Some(pick(matrix).last()?.0)).reduce(f64::max)
}

/// Selects matrices for this number of rows: all, or the worst ones, in order. The last row then has the number of others.
fn worst(judged: &[(Judgement, String)], rows: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..judged.len()).collect();
    if judged.len() > rows {
        places.sort_by_key(|&place| std::cmp::Reverse(judged[place].0));
        places.truncate(rows.saturating_sub(1));
        places.sort_unstable();
    }
    places
}

fn curves(state: &UiState, matrices: &[Matrix]) -> Lanes {
    let lane = |title: &str, note: String, levels: &[f64], pick: fn(&Matrix) -> &Vec<(f64, f64)>| {
        let line = |(k, matrix): (usize, &Matrix)| Line {
            name: clean(&matrix.name),
            points: pick(matrix).clone(),
            style: state.theme.series(k),
            stroke: Stroke::of(k),
        };
        let mut lines: Vec<Line> = matrices.iter().enumerate().map(line).collect();
        let y = floor(&mut lines, levels);
        let content = Content::Lines { y, lines, levels: levels.to_vec(), marks: Vec::new() };
        Lane { title: title.to_owned(), note, content, weight: 1 }
    };
    let healthy = judge::HEALTHY_UPDATE;
    let lanes = vec![
        lane("gradient norm", "mean over the batches of an epoch".to_owned(), &[], |it| &it.gradients),
        lane(
            "update/weight",
            format!("|dW| / |W| of the last update; healthy about {}", number(healthy)),
            &[healthy],
            |it| &it.updates,
        ),
    ];
    let epochs = matrices.iter().flat_map(|it| it.gradients.iter().chain(&it.updates)).map(|point| point.0);
    let cursor = probed::epoch(state);
    let x = Axis::around("epoch", AxisScale::Linear, epochs.chain([0.0]).chain(cursor));
    Lanes { x, lanes, cursor }
}

/// Smaller values have vanished; showing their exact size would compress all others.
const SEA: f64 = judge::ADAMS_EPSILON;

/// A logarithmic axis for curves that may be 0: values below [`SEA`] are drawn at its bottom, a decade below the others.
fn floor(lines: &mut [Line], levels: &[f64]) -> Axis {
    let values = lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
    let seen = values.clone().filter(|&value| value >= SEA).chain(levels.iter().copied());
    let mut y = Axis::around("", AxisScale::Logarithmic, seen);
    if values.clone().any(|value| value < SEA) {
        y.low /= 10.0;
        y.label = format!("<{}", number(SEA));
        for point in lines.iter_mut().flat_map(|line| &mut line.points).filter(|point| point.1 < SEA) {
            point.1 = y.low;
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_sorted_from_the_input_to_the_readout() {
        let mut names = ["V1", "V2", "W1", "W10", "W2", "Wout"];
        names.sort_by_key(|name| place(name));
        assert_eq!(names, ["W1", "V1", "W2", "V2", "W10", "Wout"]);
    }

    #[test]
    fn vanished_values_are_at_the_bottom() {
        let points = vec![(1.0, 0.5), (2.0, 1e-40), (3.0, 0.0), (4.0, f64::NAN), (5.0, 0.02)];
        let mut lines = [Line { points, ..Line::default() }];
        let y = floor(&mut lines, &[]);
        assert_eq!(y.label, "<1e-8");
        assert!((y.low / 1e-3 - 1.0).abs() < 1e-9 && (y.high - 1.0).abs() < 1e-9, "{y:?}");
        let points = &lines[0].points;
        assert!(points[1].1 == y.low && points[2].1 == y.low && points[3].1.is_nan() && points[4].1 == 0.02);
        let mut seen = [Line { points: vec![(1.0, 0.5)], ..Line::default() }];
        assert!(floor(&mut seen, &[0.1]).label.is_empty());
    }

    #[test]
    fn the_worst_of_too_many_are_shown() {
        let judged: Vec<_> = [Judgement::Fine, Judgement::Vanishing, Judgement::Fine, Judgement::Slow]
            .map(|judgement| (judgement, String::new()))
            .into();
        assert_eq!(worst(&judged, 4), [0, 1, 2, 3]);
        assert_eq!(worst(&judged, 3), [1, 3]);
        assert!(worst(&judged, 0).is_empty());
    }
}
