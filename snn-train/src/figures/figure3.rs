//! Figure 3: the shape of the surrogate derivative. (a) Three shapes, (b) accuracy over learning rate and slope, (c) the
//! best models by shape and depth, (d) other data and other initial weights.

use snn_core::{Surrogate, SurrogateShape};
use snn_plot::{
    Axes, AxisScale, BLACK, BLUE, Canvas, GRAY, GREEN, Legend, ORANGE, Rect, SKY, Stroke, Whiskers,
    color_bar, shades,
};

use super::{
    FigureOutput, Reproduction, Runs, Scale, Setting as _, Table,
    bars::{ACCURACY, Bar, draw_bars},
    definition::Definition,
    output::plain,
    protocol::{BETA, DATA_SEED, DEFAULT_BETA, ETA, HIDDEN, INIT_SEED, SHAPE, default_eta, seeds, words},
    same,
};
use crate::{
    Error,
    sweep::{Axis, Settings, Sweep},
};

pub(super) const DEFINITION: Definition = Definition {
    number: 3,
    title: "the shape of the surrogate derivative",
    sweeps: |reproduction| {
        Ok(reproduction.by_depth(vec![sweep(reproduction)?], vec![deep_sweep(reproduction)?]))
    },
    draw,
};

/// Shape, as in the experiment, and its name in the figure.
const SHAPES: [(SurrogateShape, &str, &str); 3] = [
    (SurrogateShape::SuperSpike, "super-spike", "SuperSpike"),
    (SurrogateShape::Sigmoid, "sigmoid", "Sigmoid′"),
    (SurrogateShape::Esser, "esser", "Esser et al."),
];
/// Slopes of the curves in (a).
const SLOPES: [f64; 5] = [1.0, 5.0, 10.0, 25.0, 100.0];
/// Models of a bar in (c).
const MODELS: usize = 5;

/// Networks with one or no hidden layer.
pub(super) fn sweep(reproduction: &Reproduction) -> Result<Sweep, Error> {
    let scale = reproduction.scale();
    let [eta, beta] = scale.map();
    let data = scale.pick_of_four(2, 3, 3, 5);
    let on_others = [(DATA_SEED, seeds(data)), (INIT_SEED, seeds(few(reproduction)))];
    Ok(Sweep::new("figure3", reproduction.randman()?)
        .grid([shapes(), (HIDDEN, scale.depths(&[1])), eta.clone(), beta, batches(reproduction)])
        .grid([constant(), (HIDDEN, scale.depths(&[1])), eta.clone(), batches(reproduction)])
        .grid([(HIDDEN, scale.depths(&[0])), eta, batches(reproduction)])
        .grid(fixed(scale, 1).into_iter().chain(on_others))
        .grid(fixed(scale, 1).into_iter().chain([many(reproduction)])))
}

/// Networks with two hidden layers.
pub(super) fn deep_sweep(reproduction: &Reproduction) -> Result<Sweep, Error> {
    let scale = reproduction.scale();
    let [eta, beta] = deep(reproduction);
    Ok(Sweep::new("figure3-deep", reproduction.randman()?)
        .grid([
            shapes(),
            (HIDDEN, scale.depths(&[2])),
            eta.clone(),
            beta,
            batches(reproduction),
            // The same notation as for networks with one layer, which distinguishes them.
            (DATA_SEED, seeds(1)),
        ])
        .grid([constant(), (HIDDEN, scale.depths(&[2])), eta, batches(reproduction)])
        .grid(fixed(scale, 2).into_iter().chain([many(reproduction)])))
}

fn shapes() -> (&'static str, Axis) {
    (SHAPE, words(SHAPES.map(|(_, word, _)| word)))
}

fn constant() -> (&'static str, Axis) {
    (SHAPE, words(["constant"]))
}

fn batches(reproduction: &Reproduction) -> (&'static str, Axis) {
    (INIT_SEED, reproduction.batch_seeds(1))
}

/// The networks of (d): a learning rate and slope for each depth.
fn fixed(scale: Scale, depth: usize) -> [(&'static str, Axis); 3] {
    let hidden = (HIDDEN, scale.depths(&[depth]));
    [hidden, (BETA, Axis::list([DEFAULT_BETA])), (ETA, Axis::list([default_eta(depth)]))]
}

/// The initial weights of (d).
fn many(reproduction: &Reproduction) -> (&'static str, Axis) {
    (INIT_SEED, reproduction.batch_seeds(reproduction.scale().pick_of_four(2, 6, 5, 20)))
}

/// The runs of both sweeps.
pub(super) fn runs(reproduction: &Reproduction) -> Result<Runs, Error> {
    Ok(reproduction.runs(sweep(reproduction)?)?.and(reproduction.runs(deep_sweep(reproduction)?)?))
}

/// Learning rates and slopes of networks with two hidden layers: at full scale the whole map.
fn deep(reproduction: &Reproduction) -> [(&'static str, Axis); 2] {
    let scale = reproduction.scale();
    if scale == Scale::Full { scale.map() } else { scale.grid() }
}

/// Initial weights on each data set of (d).
fn few(reproduction: &Reproduction) -> i64 {
    reproduction.scale().pick_of_four(1, 2, 2, 4)
}

fn draw(reproduction: &Reproduction) -> Result<FigureOutput, Error> {
    let runs = runs(reproduction)?;
    let mut output = FigureOutput::new(510.0, 430.0, "The shape of the surrogate derivative");
    let rows = output.canvas.page().inset(36.0, 20.0, 8.0, 36.0).rows(&[0.7, 1.0, 0.85], 58.0);
    let table =
        draw_shapes(&mut output.canvas, rows[0], &SHAPES.map(|(shape, _, title)| (shape, title)), 1.05);
    output.table("a", table);
    let table = draw_maps(&mut output.canvas, rows[1], reproduction, &runs);
    output.table("b", table);
    let parts = rows[2].columns(&[1.7, 1.0], 48.0);
    let table = draw_bars(&mut output.canvas, parts[0], ACCURACY, &bars(reproduction, &runs));
    output.table("c", table);
    let table = draw_whiskers(&mut output.canvas, parts[1], reproduction, &runs);
    output.table("d", table);
    for (letter, place) in [('a', rows[0]), ('b', rows[1]), ('c', parts[0]), ('d', parts[1])] {
        output.canvas.letter(place.x - 32.0, place.y - 14.0, letter);
    }
    Ok(output)
}

/// Curves of surrogate derivatives, one panel per shape.
pub(super) fn draw_shapes(
    canvas: &mut Canvas,
    place: Rect,
    shapes: &[(SurrogateShape, &str)],
    top: f64,
) -> Table {
    let mut table = Table::new(["shape", "beta", "x", "h"]);
    let columns = place.columns(&vec![1.0; shapes.len()], 34.0);
    let mut legend = Legend::default();
    for (panel, (&(shape, title), place)) in shapes.iter().zip(columns).enumerate() {
        let axes = Axes::new(place, AxisScale::linear(-0.5, 0.5), AxisScale::linear(0.0, top))
            .title(title)
            .labels("*U* − *θ*", if panel == 0 { "Derivative *σ′*" } else { "" });
        axes.draw(canvas);
        for (beta, color) in SLOPES.into_iter().zip(shades(BLUE, SLOPES.len())) {
            let surrogate = Surrogate { shape, beta };
            let curve: Vec<_> =
                (-100..=100).map(|n| f64::from(n) / 200.0).map(|x| (x, surrogate.derivative(x))).collect();
            for (x, h) in &curve {
                table.push(&[&title, &beta, x, h]);
            }
            axes.line(canvas, curve, Stroke::new(color, 1.0));
            if panel == 0 {
                legend = legend.line(format!("*β* = {beta}"), Stroke::new(color, 1.0));
            }
        }
        if panel == shapes.len() / 2 {
            legend.draw(canvas, place.right() - 36.0, place.y + 3.0);
        }
    }
    table
}

fn draw_maps(canvas: &mut Canvas, place: Rect, reproduction: &Reproduction, runs: &Runs) -> Table {
    let mut table =
        Table::new(["shape", "learning_rate", "beta", "test_accuracy_percent", "valid_accuracy_percent"]);
    let (etas, betas) = sides(reproduction);
    let columns = place.inset(0.0, 0.0, 36.0, 0.0).columns(&[1.0; SHAPES.len()], 30.0);
    let chance = 100.0 / reproduction.classes();
    for (panel, ((_, word, title), place)) in SHAPES.into_iter().zip(&columns).enumerate() {
        let of_shape = runs.of(|row| first(row) && row.is(SHAPE, word) && row.depth() == 1);
        let mut cells = Vec::new();
        for &beta in &betas {
            let mut row = Vec::new();
            for &eta in &etas {
                let cell = of_shape.of(|row| same(row.eta(), eta) && same(row.beta(), beta));
                let accuracy = cell.mean_accuracy();
                if let Some(run) = cell.rows().first() {
                    let valid = 100.0 * run.valid_accuracy.unwrap_or(f64::NAN);
                    table.push(&[&word, &eta, &beta, &accuracy, &valid]);
                }
                row.push((accuracy - chance) / (100.0 - chance));
            }
            cells.push(row);
        }
        let axes = Axes::new(*place, cell_scale(&etas), cell_scale(&betas))
            .title(title)
            .labels("Learning rate *η*", if panel == 0 { "Slope *β*" } else { "" });
        axes.map(canvas, &cells);
        axes.draw(canvas);
    }
    if let Some(last) = columns.last() {
        let bar = Rect::new(last.right() + 10.0, last.y, 7.0, last.height);
        color_bar(canvas, bar, &AxisScale::linear(chance, 100.0), "Test accuracy (%)");
    }
    table
}

/// Learning rates and slopes of the maps.
fn sides(reproduction: &Reproduction) -> (Vec<f64>, Vec<f64>) {
    let [(_, eta), (_, beta)] = reproduction.scale().map();
    (floats(&eta).unwrap_or_default(), floats(&beta).unwrap_or_default())
}

/// The points of the maps: learning rate and slope.
pub(super) fn points(reproduction: &Reproduction) -> Vec<(f64, f64)> {
    let (etas, betas) = sides(reproduction);
    etas.iter().flat_map(|&eta| betas.iter().map(move |&beta| (eta, beta))).collect()
}

/// A logarithmic axis that ends half a cell beyond the first and last value.
fn cell_scale(values: &[f64]) -> AxisScale {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
        return AxisScale::linear(0.0, 1.0);
    };
    let half = (last / first).powf(0.5 / (values.len().max(2) - 1) as f64);
    let powers = (-6..=6).map(|power| 10_f64.powi(power));
    let ticks = AxisScale::logarithmic(first, last);
    let labels = ticks.ticks().iter().filter(|tick| powers.clone().any(|power| same(power, tick.value)));
    let labels: Vec<_> = labels.map(|tick| (tick.value, tick.label.clone())).collect();
    AxisScale::logarithmic(first / half, last * half).with_ticks(labels)
}

fn floats(axis: &Axis) -> Result<Vec<f64>, String> {
    Ok(axis.values()?.iter().filter_map(snn_run::number).collect())
}

/// The first data set and the first initial weights, on which the maps are drawn.
pub(super) fn first(row: &crate::sweep::Row) -> bool {
    row.number(DATA_SEED) == 0.0 && row.number(INIT_SEED) == 0.0
}

/// The best models of a shape with this number of hidden layers: with one, from the whole map of (b) or, for comparison with two, from
/// the points at which those are trained.
pub(super) fn best(
    reproduction: &Reproduction,
    runs: &Runs,
    shape: &str,
    depth: usize,
    comparable: bool,
) -> Runs {
    let scale = reproduction.scale();
    let [(_, eta), (_, beta)] = if comparable || depth > 1 { deep(reproduction) } else { scale.map() };
    let of_shape =
        runs.of(|row| row.number(DATA_SEED) == 0.0 && row.depth() == depth && row.is(SHAPE, shape));
    let points = of_shape.on(ETA, &eta).on(BETA, &beta);
    reproduction.best_of_batches(&points, 1, scale.best(MODELS))
}

/// The best models of each condition of (c).
pub(super) fn bars(reproduction: &Reproduction, runs: &Runs) -> Vec<Bar> {
    let count = reproduction.scale().best(MODELS);
    let mut bars = Vec::new();
    let of_depth = |depth| runs.of(|row| row.number(DATA_SEED) == 0.0 && row.depth() == depth);
    let best_of = |models: &Runs| reproduction.best_of_batches(models, 1, count);
    bars.push(Bar::new("Readout", "*n*_{h} = 0", BLACK, best_of(&of_depth(0))));
    for ((_, word, title), color) in SHAPES.into_iter().zip([BLUE, SKY, GREEN]) {
        for depth in [1, 2] {
            let models = best(reproduction, runs, word, depth, false);
            bars.push(Bar::new(title, format!("{depth}"), color, models));
        }
    }
    for depth in [1, 2] {
        let constant = of_depth(depth).of(|row| row.is(SHAPE, "constant"));
        bars.push(Bar::new("*β* = 0", format!("{depth}"), GRAY, best_of(&constant)));
    }
    bars
}

/// Whether a run has the learning rate and slope of (d).
pub(super) fn is_repetition(run: &Settings) -> bool {
    let eta = default_eta(run.depth());
    run.is(SHAPE, "super-spike") && same(run.eta(), eta) && same(run.beta(), DEFAULT_BETA)
}

/// Test accuracies (%) of (d): other data, other initial weights with one and with two hidden layers.
pub(super) fn repetitions(reproduction: &Reproduction, runs: &Runs) -> [(&'static str, Vec<f64>); 3] {
    let fixed = runs.of(|row| is_repetition(&row.settings));
    let few = few(reproduction) as f64;
    let data = fixed.of(|row| row.depth() == 1 && row.number(INIT_SEED) < few);
    let inits = |depth| fixed.of(|row| row.depth() == depth && row.number(DATA_SEED) == 0.0);
    [
        ("Data sets\n*n*_{h} = 1", data.accuracies()),
        ("Inits.\n*n*_{h} = 1", inits(1).accuracies()),
        ("Inits.\n*n*_{h} = 2", inits(2).accuracies()),
    ]
}

fn draw_whiskers(canvas: &mut Canvas, place: Rect, reproduction: &Reproduction, runs: &Runs) -> Table {
    let mut table = Table::new(["condition", "test_accuracy_percent"]);
    let samples = repetitions(reproduction, runs);
    let lowest = samples.iter().flat_map(|(_, sample)| sample).copied().fold(95.0, f64::min);
    let low = (lowest / 5.0).floor() * 5.0;
    let axes = Axes::new(
        place,
        AxisScale::categories(samples.iter().map(|(label, _)| *label)),
        AxisScale::linear(low, 100.0),
    )
    .labels("", "Test accuracy (%)");
    axes.draw(canvas);
    for (x, ((label, sample), color)) in samples.iter().zip([ORANGE, SKY, BLUE]).enumerate() {
        if let Some(whiskers) = Whiskers::of(sample) {
            axes.whiskers(canvas, x as f64, 0.5, &whiskers, color);
        }
        for accuracy in sample {
            table.push(&[&plain(label), accuracy]);
        }
    }
    table
}
