//! Converts histories of runs to plots.

use std::collections::BTreeMap;

use snn_run::scalars;

use super::choice::{Choice, Parts};
use crate::{
    data::{Bucket, XAxis},
    state::{UiState, letter},
    widgets::{
        Axis, AxisScale, Plot, Series, fence,
        text::{clean, number},
    },
};

/// The name of curves of the training samples.
pub(super) const TRAIN: &str = "train";

/// A curve before it is drawn.
struct Curve {
    letter: Option<char>,
    name: String,
    label: String,
    color: usize,
    dotted: bool,
    chosen: bool,
    points: Vec<(f64, Bucket)>,
}

/// A metric of these runs.
pub(super) fn plot(state: &UiState, choice: &Choice, runs: &[String], metric: &str) -> Plot {
    let curves = if choice.grouped {
        grouped(state, choice, runs, metric)
    } else {
        single(state, choice, runs, metric)
    };
    let percent = if metric == "accuracy" { 100.0 } else { 1.0 };
    let mut series = Vec::new();
    for Curve { letter, name, label, color, dotted, chosen, points } in curves {
        let means = points.iter().map(|(x, bucket)| (*x, percent * bucket.mean));
        let means = smooth(means, choice.smoothing);
        let mut band = Vec::new();
        if points.iter().any(|(_, bucket)| bucket.low < bucket.high) {
            band.extend(points.iter().map(|(x, it)| (*x, percent * it.low, percent * it.high)));
        }
        series.push(Series { letter, name, label, points: means, band, color, dotted, chosen });
    }
    let whole = x_axis(choice, series.iter().flat_map(|series| series.points.iter().map(|point| point.0)));
    let x = whole.part(choice.x.from, choice.x.to);
    let y = y_axis(choice, &x, &series).part(choice.y.from, choice.y.to);
    // Fractions of samples are shown in percent.
    let unit = if metric == "accuracy" { "%" } else { scalars::unit(metric) };
    let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
    let crosshair = crosshair(state, choice, runs);
    let mut notes = Vec::new();
    notes.extend(crosshair.as_ref().map(|(_, place)| place.clone()));
    // In the title, instead of at each curve.
    if series.iter().any(|series| series.dotted) {
        notes.push("dotted: train".to_owned());
    }
    if !(choice.x.is_whole() && choice.y.is_whole()) {
        notes.push("zoomed".to_owned());
    }
    if choice.smoothing > 0.0 {
        notes.push(format!("smoothed {}", choice.smoothing));
    }
    let crosshair = crosshair.map(|(x, _)| x);
    Plot { title: clean(&format!("{metric}{unit}")), note: notes.join(", "), x, y, series, crosshair }
}

/// The whole horizontal axis.
pub(super) fn x_axis(choice: &Choice, xs: impl Iterator<Item = f64>) -> Axis {
    let along = match choice.axis {
        XAxis::Epoch => "epoch",
        XAxis::Step => "step",
        XAxis::Time => "computing time (s)",
    };
    if choice.log_x {
        Axis::around(along, AxisScale::Logarithmic, xs)
    } else {
        Axis::around(along, AxisScale::Linear, xs.chain([0.0]))
    }
}

/// The range of the visible parts of the curves, without outliers unless they are requested.
fn y_axis(choice: &Choice, x: &Axis, series: &[Series]) -> Axis {
    let scale = if choice.logarithmic { AxisScale::Logarithmic } else { AxisScale::Linear };
    let within = |at: f64| (0.0..=1.0).contains(&x.place(at));
    let curve = |series: &Series| -> Vec<f64> {
        series.points.iter().filter(|point| within(point.0)).map(|point| point.1).collect()
    };
    let values: Vec<Vec<f64>> = series.iter().map(curve).collect();
    let limits = if choice.unbounded { None } else { fence(&values, scale) };
    let limits = limits.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    let ranges = series.iter().flat_map(|series| &series.band).filter(|point| within(point.0));
    let all = values.into_iter().flatten().chain(ranges.flat_map(|&(_, low, high)| [low, high]));
    Axis::around("", scale, all.filter(|value| (limits.0..=limits.1).contains(value)))
}

/// The position of the crosshair on the axis, and its text: at the selected epoch of the first run that has it.
pub(super) fn crosshair(state: &UiState, choice: &Choice, runs: &[String]) -> Option<(f64, String)> {
    let epoch = choice.crosshair?;
    if choice.axis == XAxis::Epoch {
        return Some((epoch, format!("epoch {}", number(epoch))));
    }
    let (run, x) = runs.iter().enumerate().find_map(|(k, id)| {
        let history = state.model.histories.get(id)?;
        Some((k, history.place_of_epoch(epoch, choice.axis)?))
    })?;
    let of = if runs.len() > 1 { format!(" of {}", letter(run)) } else { String::new() };
    let along = if choice.axis == XAxis::Step { "step" } else { "second" };
    Some((x, format!("{along} {} (epoch {}{of})", number(x), number(epoch))))
}

/// A metric of a history, and its part of the samples.
struct Part {
    metric: String,
    name: &'static str,
}

/// Train and validation of a metric, or the one metric of that name.
fn parts(choice: &Choice, metric: &str) -> Vec<Part> {
    if !scalars::is_split(metric) {
        return vec![Part { metric: metric.to_owned(), name: "" }];
    }
    let both = [("valid", Parts::Valid), (TRAIN, Parts::Train)];
    let wanted = both.into_iter().filter(|(_, part)| [Parts::Both, *part].contains(&choice.parts));
    wanted.map(|(name, _)| Part { metric: format!("{name}.{metric}"), name }).collect()
}

/// Curves of one run or group: the first has its name, the one for training is named `train`.
fn named(
    curves: Vec<(Part, Vec<(f64, Bucket)>)>,
    k: usize,
    of: usize,
    run: &str,
    chosen: bool,
) -> Vec<Curve> {
    let letter = (of > 1).then(|| letter(k));
    let there = curves.into_iter().filter(|(_, points)| points.iter().any(|(_, it)| !it.mean.is_nan()));
    let curve = |(place, (part, points)): (usize, (Part, Vec<(f64, Bucket)>))| {
        let name = if place == 0 { run } else { part.name }.to_owned();
        let label = format!("{run} {}", part.name).trim_end().to_owned();
        let (dotted, chosen) = (part.name == TRAIN, chosen && of > 1);
        Curve { letter, name, label, color: k, dotted, chosen, points }
    };
    there.enumerate().map(curve).collect()
}

fn single(state: &UiState, choice: &Choice, runs: &[String], metric: &str) -> Vec<Curve> {
    let mut curves = Vec::new();
    let names = state.names_of(runs);
    for (k, (id, name)) in runs.iter().zip(names).enumerate() {
        let Some(history) = state.model.histories.get(id) else { continue };
        let of_run = parts(choice, metric)
            .into_iter()
            .map(|part| {
                let points = history.series(&part.metric, choice.axis);
                (part, points)
            })
            .collect();
        let chosen = state.list.selected() == Some(id);
        curves.extend(named(of_run, k, runs.len(), &clean(&name), chosen));
    }
    curves
}

/// Runs that differ only in seeds, by epoch: their mean, the lowest and the highest.
fn grouped(state: &UiState, choice: &Choice, runs: &[String], metric: &str) -> Vec<Curve> {
    let mut groups: Vec<(Option<u64>, Vec<&String>)> = Vec::new();
    for id in runs {
        let group = state.facts(id).map(|facts| facts.group);
        match groups.iter_mut().find(|(known, _)| group.is_some() && *known == group) {
            Some((_, members)) => members.push(id),
            None => groups.push((group, vec![id])),
        }
    }
    let mut curves = Vec::new();
    let number = groups.len();
    for (k, (_, members)) in groups.into_iter().enumerate() {
        let mut of_group = Vec::new();
        for part in parts(choice, metric) {
            let mut places: BTreeMap<u64, Vec<(f64, Bucket)>> = BTreeMap::new();
            for history in members.iter().filter_map(|&id| state.model.histories.get(id)) {
                // Members are matched by epoch on any axis: their times differ.
                let epochs = history.series(&part.metric, XAxis::Epoch);
                let along = history.series(&part.metric, choice.axis);
                for ((epoch, bucket), (x, _)) in epochs.into_iter().zip(along) {
                    if bucket.mean.is_finite() {
                        places.entry(epoch.round() as u64).or_default().push((x, bucket));
                    }
                }
            }
            of_group.push((part, places.into_values().map(|at| together(&at)).collect()));
        }
        let first = members.first().map(|id| clean(&state.group_name(id, members.len()))).unwrap_or_default();
        let name = if members.len() == 1 { first } else { format!("{} x {first}", members.len()) };
        let chosen = members.iter().any(|id| state.list.selected() == Some(*id));
        curves.extend(named(of_group, k, number, &name, chosen));
    }
    curves
}

fn together(at: &[(f64, Bucket)]) -> (f64, Bucket) {
    let number = at.len() as f64;
    let x = at.iter().map(|(x, _)| x).sum::<f64>() / number;
    let mean = at.iter().map(|(_, bucket)| bucket.mean).sum::<f64>() / number;
    let fold = |pick: fn(&Bucket) -> f64, with: fn(f64, f64) -> f64| {
        at.iter().map(|(_, bucket)| pick(bucket)).reduce(with).unwrap_or(f64::NAN)
    };
    (x, Bucket { mean, low: fold(|it| it.low, f64::min), high: fold(|it| it.high, f64::max) })
}

/// An exponential moving average without the initial bias towards zero.
fn smooth(points: impl Iterator<Item = (f64, f64)>, past: f64) -> Vec<(f64, f64)> {
    let (mut sum, mut weight) = (0.0, 0.0);
    let step = |(x, y): (f64, f64)| {
        // Without smoothing, each value is unchanged, with all digits.
        if !y.is_finite() || past == 0.0 {
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
    fn members_of_a_group_have_a_mean_and_a_band() {
        let bucket = |value: f64| Bucket { mean: value, low: value, high: value };
        let (x, it) = together(&[(1.0, bucket(1.0)), (3.0, bucket(2.0))]);
        assert_eq!((x, it), (2.0, Bucket { mean: 1.5, low: 1.0, high: 2.0 }));
    }
}
