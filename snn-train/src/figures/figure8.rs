//! Figure 8: the effect of the upper regularizer. (a) A trained network without it, (b) with it: readout, hidden and input spikes of
//! one input; (c, d) spikes of single hidden units, over all inputs of the test part. The networks are those of figure 9a.

use snn_plot::{Axes, AxisScale, BLUE, ORANGE, Rect, Stroke};

use super::{
    FigureOutput, Missing, Reproduction, Runs, Setting as _, Table,
    definition::Definition,
    figure9::{self, KINDS},
    protocol::UPPER_STRENGTH,
    snapshot::{Samples, Snapshot},
    sources::RANDMAN,
};
use crate::{Error, sweep::Row};

pub(super) const DEFINITION: Definition = Definition {
    number: 8,
    title: "activity regularization",
    sweeps: |reproduction| Ok(vec![figure9::sweep(reproduction, 'a', RANDMAN.itself())?]),
    draw,
};

/// Maximum loss of validation accuracy (%) of the regularized network; of the eligible networks, the one with the fewest spikes is
/// shown.
const LOSS: f64 = 2.0;

/// Without and with regularization, both with one hidden layer and the first seed.
pub(super) fn pair(runs: &Runs) -> Option<(Row, Row)> {
    let runs = figure9::runs_of(runs, KINDS[0]);
    let free = runs.of(|row| row.number(UPPER_STRENGTH) == 0.0);
    let free = free.rows().first()?.clone();
    let least = free.valid_accuracy? - LOSS / 100.0;
    let good =
        runs.of(|row| row.number(UPPER_STRENGTH) > 0.0 && row.valid_accuracy.is_some_and(|it| it >= least));
    let spikes = |row: &&Row| figure9::spikes(row).unwrap_or(f64::INFINITY);
    let sparse = good.rows().iter().min_by(|a, b| spikes(a).total_cmp(&spikes(b)))?.clone();
    Some((free, sparse))
}

fn draw(reproduction: &Reproduction) -> Result<FigureOutput, Error> {
    let mut output = FigureOutput::new(400.0, 300.0, "Activity regularization");
    let rows = output.canvas.page().inset(44.0, 26.0, 10.0, 34.0).rows(&[1.0, 0.55], 52.0);
    let (top, bottom) = (rows[0].columns(&[1.0, 1.0], 44.0), rows[1].columns(&[1.0, 1.0], 44.0));
    let sweep = figure9::sweep(reproduction, 'a', RANDMAN.itself())?;
    let pair = pair(&reproduction.runs(sweep)?);
    for (side, (panels, title)) in
        [(['a', 'c'], "not regularized"), (['b', 'd'], "regularized")].into_iter().enumerate()
    {
        let (place, below) = (top[side], bottom[side]);
        output.canvas.letter(place.x - 38.0, place.y - 20.0, panels[0]);
        output.canvas.letter(below.x - 38.0, below.y - 16.0, panels[1]);
        let row = pair.as_ref().map(|(free, sparse)| if side == 0 { free } else { sparse });
        let take = |samples| match row {
            Some(row) => Snapshot::take(reproduction, &row.id, true, samples),
            None => Ok(None),
        };
        let (Some(row), Some(one), Some(all)) = (row, take(Samples::Few(1))?, take(Samples::Test)?) else {
            for panel in panels {
                let reason = "no suitable run of figure 9a exists".to_owned();
                output.missing.push(Missing { panel: panel.to_string(), reason });
            }
            for place in [place, below] {
                let axes = Axes::new(place, AxisScale::linear(0.0, 1.0), AxisScale::linear(0.0, 1.0));
                axes.note(&mut output.canvas, "not available");
            }
            continue;
        };
        one.draw(&mut output.canvas, place, side == 0, |_| Stroke::new(ORANGE, 0.8));
        let spikes = figure9::spikes(row).unwrap_or(f64::NAN);
        let accuracy = 100.0 * row.test_accuracy.unwrap_or(f64::NAN);
        let label = format!("Randman, {title}: {spikes:.0} spikes, {accuracy:.1} %");
        Axes::new(place, AxisScale::linear(0.0, 1.0), AxisScale::linear(0.0, 1.0))
            .without_x()
            .without_y()
            .title(label)
            .draw(&mut output.canvas);
        output.table(&panels[0].to_string(), raster_table(&one));
        let table = draw_histogram(&mut output, below, side == 0, &all);
        output.table(&panels[1].to_string(), table);
    }
    Ok(output)
}

fn raster_table(snapshot: &Snapshot) -> Table {
    let mut table = Table::new(["layer", "time_ms", "unit", "value"]);
    for (layer, samples) in [("input", &snapshot.inputs), ("hidden", &snapshot.hidden)] {
        for &(step, unit) in samples.iter().flat_map(|sample| &sample.spikes) {
            table.push(&[&layer, &(step as f64 * snapshot.dt), &(unit + 1), &1]);
        }
    }
    for class in 0..snapshot.outputs {
        for (time, value) in snapshot.readout(0, class) {
            table.push(&[&"readout", &time, &(class + 1), &format!("{value:.5}")]);
        }
    }
    table
}

fn draw_histogram(output: &mut FigureOutput, place: Rect, labeled: bool, snapshot: &Snapshot) -> Table {
    let mut table = Table::new(["spikes", "share"]);
    let counts = snapshot.counts();
    let most = counts.iter().copied().max().unwrap_or(0).max(10);
    let mut heights = vec![0.0; most + 1];
    for &count in &counts {
        heights[count] += 1.0 / counts.len() as f64;
    }
    for (spikes, share) in heights.iter().enumerate() {
        table.push(&[&spikes, share]);
    }
    let least = 0.5 / counts.len().max(1) as f64;
    let axes = Axes::new(
        place,
        AxisScale::linear(-0.5, most as f64 + 0.5),
        AxisScale::logarithmic(least.min(0.01), 1.0),
    )
    .labels("Spikes of a hidden unit in one input", if labeled { "Share" } else { "" });
    axes.histogram(&mut output.canvas, -0.5, 1.0, &heights, BLUE);
    axes.draw(&mut output.canvas);
    table
}
