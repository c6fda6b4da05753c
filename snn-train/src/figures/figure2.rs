//! Figure 2: the true gradient compared with a surrogate, on two classes. (b) Learning curves, (c) a network before and (d) after
//! training with the surrogate: readout, hidden and input spikes of two inputs of each class, (e) potentials of hidden units.

use snn_plot::{
    Axes, AxisScale, BLACK, BLUE, CLASSES, Canvas, GRAY, LIGHT_GRAY, Legend, Rect, Stroke, VERMILION,
};

use super::{
    FigureOutput, FirstWeights, Missing, Reproduction, Runs, Setting as _, Table,
    definition::Definition,
    output::note_unknown,
    protocol::{GAIN, INIT_SEED, SHAPE, words},
    snapshot::{Samples, Snapshot},
};
use crate::{
    Error,
    sweep::{Axis, Sweep},
};

pub(super) const DEFINITION: Definition = Definition {
    number: 2,
    title: "the true gradient and a surrogate",
    sweeps: |reproduction| Ok(vec![sweep(reproduction)?]),
    draw,
};

/// With this gain, hidden units spike from the start, which excludes silence as the reason why the true gradient learns nothing.
const SPIKING: f64 = 6.0;
/// Samples in (c) and (d), and units in (e).
const SAMPLES: usize = 4;
const UNITS: usize = 3;

pub(super) fn sweep(reproduction: &Reproduction) -> Result<Sweep, Error> {
    let scale = reproduction.scale();
    let mut experiment = reproduction.randman()?;
    experiment.set(&["data.classes=2"])?;
    Ok(Sweep::new("figure2", experiment).grid([
        (SHAPE, words(["super-spike", "true"])),
        (GAIN, Axis::list(gains(reproduction)?)),
        (INIT_SEED, reproduction.batch_seeds(scale.pick_of_four(2, 5, 5, 10))),
    ]))
}

/// The gain of the initial weights and, for the printed weights, with which no hidden unit spikes at first, another gain. With the
/// last one, units spike from the start.
pub(super) fn gains(reproduction: &Reproduction) -> Result<Vec<f64>, Error> {
    let own = reproduction.randman()?.initialization.gain;
    Ok(if reproduction.first_weights() == FirstWeights::Printed { vec![own, SPIKING] } else { vec![own] })
}

/// The runs with a surrogate or with the true gradient, with initial weights of this gain.
pub(super) fn runs_of(runs: &Runs, shape: &str, gain: f64) -> Runs {
    runs.of(|row| row.is(SHAPE, shape) && row.number(GAIN) == gain)
}

fn draw(reproduction: &Reproduction) -> Result<FigureOutput, Error> {
    let mut output = FigureOutput::new(510.0, 330.0, "True and surrogate gradients");
    let rows = output.canvas.page().inset(40.0, 24.0, 10.0, 36.0).rows(&[0.8, 1.0], 56.0);
    let top = rows[0].columns(&[1.0, 1.6], 56.0);
    let bottom = rows[1].columns(&[1.0, 1.0], 46.0);
    let runs = reproduction.runs(sweep(reproduction)?)?;
    for (letter, place) in [('b', top[0]), ('e', top[1]), ('c', bottom[0]), ('d', bottom[1])] {
        output.canvas.letter(place.x - 34.0, place.y - 18.0, letter);
    }
    // Room for the legend.
    let table = draw_curves(&mut output.canvas, top[0].inset(0.0, 14.0, 0.0, 0.0), reproduction, &runs)?;
    output.table("b", table);
    let own = gains(reproduction)?[0];
    let best = runs_of(&runs, "super-spike", own).best(1);
    let take = |trained| match best.rows().first() {
        Some(row) => Snapshot::take(reproduction, &row.id, trained, Samples::Few(SAMPLES)),
        None => Ok(None),
    };
    let (Some(before), Some(after)) = (take(false)?, take(true)?) else {
        for (panel, place) in [("c", bottom[0]), ("d", bottom[1]), ("e", top[1])] {
            Axes::new(place, AxisScale::linear(0.0, 1.0), AxisScale::linear(0.0, 1.0))
                .note(&mut output.canvas, "not available");
            let reason = "no run with a surrogate exists".to_owned();
            output.missing.push(Missing { panel: panel.to_owned(), reason });
        }
        return Ok(output);
    };
    let color = |label: u16| Stroke::new(CLASSES[usize::from(label) % CLASSES.len()], 0.8);
    for (panel, snapshot, place, title) in
        [("c", &before, bottom[0], "before training"), ("d", &after, bottom[1], "after training")]
    {
        snapshot.draw(&mut output.canvas, place, panel == "c", color);
        Axes::new(place, AxisScale::linear(0.0, 1.0), AxisScale::linear(0.0, 1.0))
            .without_x()
            .without_y()
            .title(title)
            .draw(&mut output.canvas);
        output.table(panel, activity(snapshot));
    }
    let table = draw_potentials(&mut output.canvas, top[1], &before, &after);
    output.table("e", table);
    Ok(output)
}

fn draw_curves(
    canvas: &mut Canvas,
    place: Rect,
    reproduction: &Reproduction,
    runs: &Runs,
) -> Result<Table, Error> {
    let mut table =
        Table::new(["gradient", "initial_gain", "seed", "epoch", "train_loss", "train_accuracy_percent"]);
    let mut curves = Vec::new();
    let mut legend = Legend::default();
    let mut highest: f64 = 0.7;
    let mut unknown = 0;
    for (shape, name, color) in [("true", "true gradient", GRAY), ("super-spike", "surrogate", VERMILION)] {
        let gains = gains(reproduction)?;
        for &gain in &gains {
            let stroke = Stroke::new(color, 0.8);
            let stroke = if gain == gains[0] { stroke } else { stroke.dashed() };
            let started = if gain == gains[0] { "" } else { ", spiking at first" };
            legend = legend.line(format!("{name}{started}"), stroke);
            for row in runs_of(runs, shape, gain).rows() {
                let mut curve = Vec::new();
                let Some(epochs) = reproduction.epochs_of(&row.id)? else {
                    unknown += 1;
                    continue;
                };
                for epoch in epochs {
                    let (loss, accuracy) = (epoch.train.cross_entropy, 100.0 * epoch.train.accuracy);
                    table.push(&[&name, &gain, &row.number(INIT_SEED), &epoch.epoch, &loss, &accuracy]);
                    curve.push((f64::from(epoch.epoch), loss));
                    highest = highest.max(loss);
                }
                curves.push((curve, stroke));
            }
        }
    }
    let epochs = f64::from(reproduction.randman()?.training.epochs);
    let axes = Axes::new(place, AxisScale::linear(0.0, epochs), AxisScale::linear(0.0, highest.min(1.5)))
        .labels("Epoch", "Training loss");
    axes.draw(canvas);
    for (curve, stroke) in curves {
        axes.line(canvas, curve, stroke);
    }
    note_unknown(canvas, &axes, unknown);
    legend.draw(canvas, place.x + 20.0, place.y - 36.0);
    Ok(table)
}

/// Potentials of the units that change most, for one sample; gray before, black after.
fn draw_potentials(canvas: &mut Canvas, place: Rect, before: &Snapshot, after: &Snapshot) -> Table {
    let mut table = Table::new(["unit", "time_ms", "before", "after"]);
    let Some(layer) = after.hidden.first() else { return table };
    let change = |unit: usize| -> f64 {
        before.potential(0, unit).zip(after.potential(0, unit)).map(|(a, b)| (a.1 - b.1).abs()).sum()
    };
    let mut units: Vec<_> = (0..layer.units).collect();
    units.sort_by(|&a, &b| change(b).total_cmp(&change(a)));
    units.truncate(UNITS);
    let end = after.steps as f64 * after.dt;
    for (row, (&unit, place)) in units.iter().zip(place.rows(&[1.0; UNITS], 8.0)).enumerate() {
        let values = || before.potential(0, unit).chain(after.potential(0, unit)).map(|point| point.1);
        let (low, high) =
            values().fold((0.0_f64, 1.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let last = row + 1 == UNITS;
        let mut axes = Axes::new(place, AxisScale::linear(0.0, end), AxisScale::linear(low, high.max(1.2)))
            .labels(
                if last { "Time (ms)" } else { "" },
                if row == UNITS / 2 { "Potential of hidden units" } else { "" },
            );
        if !last {
            axes = axes.without_x();
        }
        axes.draw(canvas);
        axes.line(canvas, [(0.0, 1.0), (end, 1.0)], Stroke::new(LIGHT_GRAY, 0.6).dashed());
        axes.line(canvas, before.potential(0, unit), Stroke::new(BLUE, 0.9).dashed());
        axes.line(canvas, after.potential(0, unit), Stroke::new(BLACK, 0.9));
        for ((time, before), (_, after)) in before.potential(0, unit).zip(after.potential(0, unit)) {
            table.push(&[&(unit + 1), &time, &format!("{before:.5}"), &format!("{after:.5}")]);
        }
    }
    Legend::default()
        .line("before", Stroke::new(BLUE, 0.9).dashed())
        .line("after training", Stroke::new(BLACK, 0.9))
        .draw(canvas, place.right() - 60.0, place.y - 16.0);
    table
}

fn activity(snapshot: &Snapshot) -> Table {
    let mut table = Table::new(["sample", "label", "layer", "time_ms", "unit", "value"]);
    for (sample, label) in snapshot.labels.iter().enumerate() {
        for (layer, samples) in [("input", &snapshot.inputs), ("hidden", &snapshot.hidden)] {
            for &(step, unit) in samples.get(sample).iter().flat_map(|sample| &sample.spikes) {
                table.push(&[&(sample + 1), label, &layer, &(step as f64 * snapshot.dt), &(unit + 1), &1]);
            }
        }
        for class in 0..snapshot.outputs {
            for (time, value) in snapshot.readout(sample, class) {
                table.push(&[&(sample + 1), label, &"readout", &time, &(class + 1), &format!("{value:.5}")]);
            }
        }
    }
    table
}
