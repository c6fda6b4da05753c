//! Curves of all chosen runs: any metric over epochs, steps or computing time.

use std::collections::BTreeMap;

use ratatui::{buffer::Buffer, layout::Rect};
use snn_run::scalars;

use super::{binding::Binding, definition::Definition};
use crate::{
    data::{Bucket, History, XAxis},
    state::{Screen, State},
    widgets::{Axis, AxisScale, Band, Plot, Series, note, text::clean},
};

/// What is plotted and how.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Choice {
    /// `None`: loss above, accuracy below. Otherwise this metric alone.
    pub(crate) metric: Option<String>,
    axis: XAxis,
    logarithmic: bool,
    log_x: bool,
    /// Weight of the past in the moving average, 0 for none.
    smoothing: f64,
    /// Whether runs that differ in seeds alone are one curve, their mean, with a band from lowest to highest.
    grouped: bool,
    parts: Parts,
    /// Where the cross-hair is, 0 to 1.
    crosshair: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Parts {
    #[default]
    Both,
    Train,
    Valid,
}

pub(super) const DEFINITION: Definition = Definition {
    screen: Screen::CURVES,
    title: "Curves",
    about: "Loss, accuracy and every other number over the epochs",
    is_for_sweeps: false,
    bindings: &[
        Binding {
            what: "metric",
            keys: &[("m|j|Down", |state| metric_by(state, 1)), ("M|k|Up", |state| metric_by(state, -1))],
        },
        Binding { what: "epoch/step/time", keys: &[("t", next_axis)] },
        Binding { what: "log", keys: &[("y", |state| change(state, |it| it.logarithmic = !it.logarithmic))] },
        Binding { what: "smooth", keys: &[("s", smoother)] },
        Binding { what: "group seeds", keys: &[("g", |state| change(state, |it| it.grouped = !it.grouped))] },
        Binding { what: "train/valid", keys: &[("v", next_parts)] },
        Binding {
            what: "cross-hair",
            keys: &[
                ("<|h|Left", |state| move_crosshair(state, -0.02)),
                (">|l|Right", |state| move_crosshair(state, 0.02)),
            ],
        },
        Binding { what: "cross-hair or none", keys: &[("c", toggle_crosshair)] },
        Binding { what: "log x", keys: &[("Y", |state| change(state, |it| it.log_x = !it.log_x))] },
    ],
    draw,
    wants: |state, wants| wants.histories = state.chosen(),
};

fn change(state: &mut State, with: fn(&mut Choice)) {
    state.change(with);
}

fn metric_by(state: &mut State, by: isize) {
    let metrics = metrics(state);
    state.change(|it: &mut Choice| turn(&mut it.metric, &metrics, by));
}

fn next_axis(state: &mut State) {
    change(state, |it| {
        it.axis = match it.axis {
            XAxis::Epoch => XAxis::Step,
            XAxis::Step => XAxis::Time,
            XAxis::Time => XAxis::Epoch,
        };
    });
}

fn smoother(state: &mut State) {
    change(state, |it| {
        it.smoothing = match it.smoothing {
            0.0 => 0.5,
            0.5 => 0.9,
            0.9 => 0.97,
            _ => 0.0,
        };
    });
}

fn next_parts(state: &mut State) {
    change(state, |it| {
        it.parts = match it.parts {
            Parts::Both => Parts::Train,
            Parts::Train => Parts::Valid,
            Parts::Valid => Parts::Both,
        };
    });
}

fn move_crosshair(state: &mut State, by: f64) {
    state.change(|it: &mut Choice| {
        let from = it.crosshair.unwrap_or(if by < 0.0 { 1.0 - by } else { -by });
        it.crosshair = Some((from + by).clamp(0.0, 1.0));
    });
}

fn toggle_crosshair(state: &mut State) {
    change(state, |it| it.crosshair = it.crosshair.map_or(Some(0.5), |_| None));
}

/// The metric after the one shown; loss and accuracy together come before the first.
fn turn(metric: &mut Option<String>, all: &[String], by: isize) {
    let place =
        metric.as_ref().and_then(|metric| all.iter().position(|it| it == metric)).map_or(0, |it| it + 1);
    let next = (place as isize + by).rem_euclid(all.len() as isize + 1) as usize;
    *metric = next.checked_sub(1).map(|next| all[next].clone());
}

/// What can be plotted of the chosen runs. Train and validation are one metric.
fn metrics(state: &State) -> Vec<String> {
    let histories = state.chosen();
    let all = histories.iter().filter_map(|id| state.model.histories.get(id)).flat_map(History::metrics);
    let mut names: Vec<String> = all
        .map(|name| name.strip_prefix("train.").or(name.strip_prefix("valid.")).unwrap_or(name).to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let plots = plots(state);
    if plots.iter().all(|plot| plot.series.is_empty()) {
        let text = match state.chosen().as_slice() {
            [] => "No run is chosen: go to Runs (1), and mark some with Space.".to_owned(),
            [id] => format!("{} has no epoch to show yet.", clean(id)),
            chosen => format!("None of the {} chosen runs has an epoch to show yet.", chosen.len()),
        };
        return note(state.theme.dim(), &text, area, buffer);
    }
    let side_by_side = plots.len() > 1 && area.width >= 130;
    let number = plots.len() as u16;
    for (plot, k) in plots.iter().zip(0..) {
        let place = if side_by_side {
            let width = area.width / number;
            Rect { x: area.x + k * width, width: width - u16::from(k + 1 < number), ..area }
        } else {
            let height = area.height / number;
            Rect { y: area.y + k * height, height, ..area }
        };
        plot.draw(state.theme, place, buffer);
    }
}

/// What is plotted.
pub(crate) fn plots(state: &State) -> Vec<Plot> {
    let choice: Choice = state.choice();
    match &choice.metric {
        Some(metric) => vec![plot(state, &choice, metric)],
        None => vec![plot(state, &choice, "loss"), plot(state, &choice, "accuracy")],
    }
}

/// A curve before it is drawn.
struct Curve {
    name: String,
    color: usize,
    dashed: bool,
    points: Vec<(f64, Bucket)>,
}

fn plot(state: &State, choice: &Choice, metric: &str) -> Plot {
    let curves = if choice.grouped { grouped(state, choice, metric) } else { single(state, choice, metric) };
    let percent = if metric == "accuracy" { 100.0 } else { 1.0 };
    let scale = if choice.logarithmic { AxisScale::Logarithmic } else { AxisScale::Linear };
    let (mut series, mut bands) = (Vec::new(), Vec::new());
    for curve in curves {
        let means = smooth(
            curve.points.iter().map(|(x, bucket)| (*x, percent * f64::from(bucket.mean))),
            choice.smoothing,
        );
        let range = curve
            .points
            .iter()
            .map(|(x, it)| (*x, percent * f64::from(it.low), percent * f64::from(it.high)));
        let has_range = curve.points.iter().any(|(_, bucket)| bucket.low < bucket.high);
        if has_range {
            bands.push(Band { points: range.collect(), color: curve.color });
        }
        series.push(Series { name: curve.name, points: means, color: curve.color, dashed: curve.dashed });
    }
    let along = |axis: XAxis| match axis {
        XAxis::Epoch => "epoch",
        XAxis::Step => "step",
        XAxis::Time => "computing time (s)",
    };
    let xs = || series.iter().flat_map(|series| series.points.iter().map(|point| point.0));
    let x = if choice.log_x {
        Axis::around(along(choice.axis), AxisScale::Logarithmic, xs())
    } else {
        Axis::around(along(choice.axis), AxisScale::Linear, xs().chain([0.0]))
    };
    let values = series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
    let values = values.chain(bands.iter().flat_map(|band| band.points.iter().flat_map(|it| [it.1, it.2])));
    let y = Axis::around("", scale, values.collect::<Vec<_>>());
    let smoothed =
        if choice.smoothing > 0.0 { format!(", smoothed {}", choice.smoothing) } else { String::new() };
    // Said once, so that the legend has a line for each run and not two.
    let strokes = if series.iter().any(|series| series.dashed) && series.iter().any(|series| !series.dashed) {
        ", dashed: train"
    } else {
        ""
    };
    if choice.crosshair.is_none() && !strokes.is_empty() {
        series.iter_mut().filter(|series| series.dashed).for_each(|series| series.name.clear());
    }
    // Shares of samples are shown in per cent.
    let unit = if metric == "accuracy" { "%" } else { scalars::unit(metric) };
    let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
    let title = format!("{metric}{unit}{smoothed}{strokes}");
    let crosshair = choice.crosshair.map(|place| x.value(place));
    Plot { title, x, y, bands, series, levels: Vec::new(), crosshair }
}

/// Train and validation of a metric, or the one metric of that name.
fn parts(choice: &Choice, metric: &str) -> Vec<(&'static str, String, bool)> {
    if !scalars::is_split(metric) {
        return vec![("", metric.to_owned(), false)];
    }
    let both = [("valid", Parts::Valid), ("train", Parts::Train)];
    let wanted = both.into_iter().filter(|(_, part)| [Parts::Both, *part].contains(&choice.parts));
    wanted.map(|(name, part)| (name, format!("{name}.{metric}"), part == Parts::Train)).collect()
}

fn single(state: &State, choice: &Choice, metric: &str) -> Vec<Curve> {
    let mut curves = Vec::new();
    let (chosen, names) = state.chosen_names();
    for (color, (id, run)) in chosen.into_iter().zip(names).enumerate() {
        let Some(history) = state.model.histories.get(&id) else { continue };
        for (part, name, dashed) in parts(choice, metric) {
            let points = history.series(&name, choice.axis);
            if !points.is_empty() {
                let name = format!("{} {part}", clean(&run)).trim_end().to_owned();
                curves.push(Curve { name, color, dashed, points });
            }
        }
    }
    curves
}

/// Runs that differ in seeds alone, epoch by epoch: their mean, the lowest and the highest.
fn grouped(state: &State, choice: &Choice, metric: &str) -> Vec<Curve> {
    let mut groups: Vec<(Option<u64>, Vec<String>)> = Vec::new();
    for id in state.chosen() {
        let group = state.facts(&id).map(|facts| facts.group);
        match groups.iter_mut().find(|(known, _)| group.is_some() && *known == group) {
            Some((_, members)) => members.push(id),
            None => groups.push((group, vec![id])),
        }
    }
    let mut curves = Vec::new();
    for (color, (_, members)) in groups.into_iter().enumerate() {
        for (part, name, dashed) in parts(choice, metric) {
            let mut places: BTreeMap<u64, Vec<(f64, Bucket)>> = BTreeMap::new();
            for history in members.iter().filter_map(|id| state.model.histories.get(id)) {
                // Members go by epoch, whatever runs along the axis: their times differ.
                let epochs = history.series(&name, XAxis::Epoch);
                let along = history.series(&name, choice.axis);
                for ((epoch, bucket), (x, _)) in epochs.into_iter().zip(along) {
                    if bucket.mean.is_finite() {
                        places.entry(epoch.round() as u64).or_default().push((x, bucket));
                    }
                }
            }
            let points: Vec<_> = places.into_values().map(|at| together(&at)).collect();
            if !points.is_empty() {
                let first =
                    members.first().map(|id| clean(&state.group_name(id, members.len()))).unwrap_or_default();
                let name = match members.len() {
                    1 => format!("{first} {part}"),
                    number => format!("{number} x {first} {part}"),
                };
                curves.push(Curve { name: name.trim_end().to_owned(), color, dashed, points });
            }
        }
    }
    curves
}

fn together(at: &[(f64, Bucket)]) -> (f64, Bucket) {
    let number = at.len() as f64;
    let x = at.iter().map(|(x, _)| x).sum::<f64>() / number;
    let mean = at.iter().map(|(_, bucket)| f64::from(bucket.mean)).sum::<f64>() / number;
    let fold = |pick: fn(&Bucket) -> f32, with: fn(f32, f32) -> f32| {
        at.iter().map(|(_, bucket)| pick(bucket)).reduce(with).unwrap_or(f32::NAN)
    };
    (x, Bucket { mean: mean as f32, low: fold(|it| it.low, f32::min), high: fold(|it| it.high, f32::max) })
}

/// An exponential moving average without the bias towards zero of its beginning.
fn smooth(points: impl Iterator<Item = (f64, f64)>, past: f64) -> Vec<(f64, f64)> {
    let (mut sum, mut weight) = (0.0, 0.0);
    let step = |(x, y): (f64, f64)| {
        if !y.is_finite() {
            return (x, y);
        }
        sum = past * sum + (1.0 - past) * y;
        weight = past * weight + (1.0 - past);
        (x, sum / weight)
    };
    points.map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_a_constant_and_passes_over_gaps() {
        let constant: Vec<_> = smooth((0..5).map(|k| (f64::from(k), 3.0)), 0.9);
        assert!(constant.iter().all(|(_, y)| (y - 3.0).abs() < 1e-12));
        let gap = smooth([(0.0, 1.0), (1.0, f64::NAN), (2.0, 1.0)].into_iter(), 0.5);
        assert!(gap[1].1.is_nan() && (gap[2].1 - 1.0).abs() < 1e-12);
        assert_eq!(smooth([(0.0, 1.0), (1.0, 2.0)].into_iter(), 0.0)[1].1, 2.0);
    }

    #[test]
    fn metrics_turn_in_a_circle_that_begins_with_loss_and_accuracy() {
        let all = ["a".to_owned(), "b".to_owned()];
        let mut metric = None;
        let mut seen = Vec::new();
        for _ in 0..4 {
            turn(&mut metric, &all, 1);
            seen.push(metric.clone());
        }
        assert_eq!(seen, [Some("a".into()), Some("b".into()), None, Some("a".into())]);
        turn(&mut metric, &all, -1);
        turn(&mut metric, &all, -1);
        assert_eq!(metric, Some("b".into()));
    }

    #[test]
    fn members_of_a_group_have_a_mean_and_a_band() {
        let bucket = |value: f32| Bucket { mean: value, low: value, high: value };
        let (x, it) = together(&[(1.0, bucket(1.0)), (3.0, bucket(2.0))]);
        assert_eq!((x, it), (2.0, Bucket { mean: 1.5, low: 1.0, high: 2.0 }));
    }
}
