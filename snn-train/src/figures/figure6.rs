//! Figure 6: two readouts, with and without recurrent connections, on several data sets: one panel each.

use std::mem;

use snn_plot::{Axes, AxisScale, BLUE, GREEN, ORANGE, SKY};

use super::{
    FigureOutput, Missing, Reproduction, Runs, Scale, Setting as _,
    bars::{ACCURACY, Bar, draw_bars},
    definition::Definition,
    protocol::{ETA, HEAD, INIT_SEED, RECURRENT, words},
    sources::{Absence, Found, Kind, MNIST, RANDMAN, RAW_HD, RAW_SC, SHD, Source},
};
use crate::{
    Error,
    sweep::{Axis, Settings, Sweep},
};

pub(super) const DEFINITION: Definition =
    Definition { number: 6, title: "readouts, recurrent connections and data sets", sweeps, draw };

/// Models of a bar.
const MODELS: usize = 10;

/// Width of a panel, in points.
const WIDTH: f64 = 74.0;
/// Space between panels.
const GAP: f64 = 24.0;

pub(super) const SOURCES: [(char, Source); 5] =
    [('a', RANDMAN), ('b', MNIST), ('c', SHD), ('d', RAW_HD), ('e', RAW_SC)];

pub(super) fn sweep(reproduction: &Reproduction, panel: char, found: Found) -> Result<Sweep, Error> {
    let scale = reproduction.scale();
    // Table 1: three learning rates for analog input, decades for spikes.
    let eta = match scale {
        Scale::Smoke => Axis::list([0.03]),
        Scale::Quick if found.stands_in => Axis::list([5e-3]),
        _ if found.kind() == Kind::Sound => Axis::list([1e-3, 5e-3, 1e-2]),
        _ if found.kind() == Kind::Generated => scale.map()[0].1.clone(),
        Scale::Quick => Axis::list([1e-3, 5e-3, 1e-2]),
        Scale::Reduced | Scale::Full => Axis::logarithmic(2e-4, 0.2, 7),
    };
    Ok(Sweep::new(format!("figure6{panel}"), reproduction.experiment(found)?).grid([
        (HEAD, words(["max", "sum"])),
        (RECURRENT, Axis::list([false, true])),
        (ETA, eta),
        (INIT_SEED, reproduction.batch_seeds(repetitions(scale, found.kind()))),
    ]))
}

/// Number of initial weights per batch: with the learning rates, at least 40 models per condition at full scale, 12 for sounds.
fn repetitions(scale: Scale, kind: Kind) -> i64 {
    match kind {
        Kind::Sound => scale.pick(1, 2, 4),
        Kind::Generated => scale.pick_of_four(2, 2, 2, 5),
        Kind::Spikes | Kind::Hdf5 => scale.pick_of_four(2, 2, 2, 6),
    }
}

/// The sweeps on available data sets.
fn sweeps(reproduction: &Reproduction) -> Result<Vec<Sweep>, Error> {
    let here = SOURCES.iter().filter_map(|(panel, source)| Some((*panel, reproduction.find(source).ok()?)));
    here.map(|(panel, found)| sweep(reproduction, panel, found)).collect()
}

fn draw(reproduction: &Reproduction) -> Result<FigureOutput, Error> {
    let (panels, left_out) = reproduction.panels(&SOURCES);
    let width = panels.len() as f64 * (WIDTH + GAP) - GAP;
    let mut output = FigureOutput::new(width + 44.0, 170.0, "Readouts, recurrent connections and data sets");
    output.missing = left_out;
    let places = output.canvas.page().inset(36.0, 24.0, 8.0, 36.0).columns(&vec![1.0; panels.len()], GAP);
    // Only the first panel has an axis label.
    let mut label = ACCURACY;
    for (number, ((panel, source), place)) in panels.iter().zip(places).enumerate() {
        let left = if number == 0 { 30.0 } else { 20.0 };
        output.canvas.letter(place.x - left, place.y - 18.0, *panel);
        let axes = Axes::new(place, AxisScale::linear(0.0, 1.0), AxisScale::linear(0.0, 1.0))
            .without_x()
            .without_y();
        match reproduction.find_or_recall(source, |found| sweep(reproduction, *panel, found))? {
            Ok(found) => {
                let runs = reproduction.runs(sweep(reproduction, *panel, found)?)?;
                if runs.rows().is_empty() {
                    axes.note(&mut output.canvas, "no runs");
                    let reason = format!("no run on {} is done", found.title);
                    output.missing.push(Missing { panel: panel.to_string(), reason });
                    axes.title(found.title).draw(&mut output.canvas);
                    continue;
                }
                let bars = bars(reproduction, found.kind(), &runs);
                let table = draw_bars(&mut output.canvas, place, mem::take(&mut label), &bars);
                output.table(&panel.to_string(), table);
                axes.title(found.title).draw(&mut output.canvas);
            }
            Err(Absence { note, reason, .. }) => {
                let axes = axes.title(source.title);
                axes.draw(&mut output.canvas);
                axes.note(&mut output.canvas, note);
                output.missing.push(Missing { panel: panel.to_string(), reason });
            }
        }
    }
    Ok(output)
}

/// The bars of a panel: whether its networks are recurrent, and their readout.
const BARS: [(bool, &str); 4] = [(false, "max"), (false, "sum"), (true, "max"), (true, "sum")];

/// Whether a run is one of this bar.
pub(super) fn is_of(run: &Settings, bar: usize) -> bool {
    let (recurrent, head) = BARS[bar];
    run.recurrent() == recurrent && run.is(HEAD, head)
}

/// The best models with each readout, without and with recurrent connections.
pub(super) fn bars(reproduction: &Reproduction, kind: Kind, runs: &Runs) -> Vec<Bar> {
    let count = reproduction.scale().best(MODELS);
    let bar = |bar: usize, color| {
        let models = runs.of(|row| is_of(&row.settings, bar));
        let models = reproduction.best_of_batches(&models, repetitions(reproduction.scale(), kind), count);
        let (recurrent, head) = BARS[bar];
        let label = if head == "max" { "Max" } else { "Sum" };
        Bar::new(if recurrent { "RC" } else { "FF" }, label, color, models)
    };
    [BLUE, SKY, ORANGE, GREEN].into_iter().enumerate().map(|(number, color)| bar(number, color)).collect()
}
