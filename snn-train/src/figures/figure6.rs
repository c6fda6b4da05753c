//! Figure 6: two readouts, with and without recurrent connections, on several data sets: a panel each.

use std::mem;

use super::{
    Missing, Runs, Setting as _, Sheet, Studio,
    bars::{ACCURACY, Bar, draw_bars},
    protocol::{ETA, HEAD, INIT_SEED, RECURRENT, seeds, words},
    sources::{Absence, Found, MNIST, RANDMAN, RAW_HD, RAW_SC, SHD, Source},
};
use crate::{
    Error,
    plot::{Axes, BLUE, GREEN, ORANGE, SKY, Scale},
    sweep::{Axis, Sweep},
};

/// Models of a bar.
const MODELS: usize = 10;

/// Of a panel, in points.
const WIDTH: f64 = 74.0;
/// Between panels.
const GAP: f64 = 24.0;

pub(super) const SOURCES: [(char, Source); 5] =
    [('a', RANDMAN), ('b', MNIST), ('c', SHD), ('d', RAW_HD), ('e', RAW_SC)];

pub(super) fn sweep(studio: &Studio, panel: char, found: Found) -> Result<Sweep, Error> {
    let scale = studio.scale();
    // Table 1: three learning rates for analog input, decades for spikes.
    let eta = match scale {
        super::Scale::Smoke => Axis::list([0.03]),
        super::Scale::Quick if found.stands_in => Axis::list([5e-3]),
        _ if found.is_analog() => Axis::list([1e-3, 5e-3, 1e-2]),
        _ if found.preset == "randman" => scale.grid()[0].1.clone(),
        super::Scale::Quick => Axis::list([1e-3, 5e-3, 1e-2]),
        super::Scale::Full => Axis::logarithmic(2e-4, 0.2, 7),
    };
    let repetitions = if found.is_analog() { scale.pick(1, 2, 2) } else { scale.pick(2, 2, 4) };
    Ok(Sweep::new(format!("figure6{panel}"), found.experiment(scale)?).grid([
        (HEAD, words(["max", "sum"])),
        (RECURRENT, Axis::list([false, true])),
        (ETA, eta),
        (INIT_SEED, seeds(repetitions)),
    ]))
}

/// The sweeps on data sets that are here.
pub(super) fn sweeps(studio: &Studio) -> Result<Vec<Sweep>, Error> {
    let here = SOURCES.iter().filter_map(|(panel, source)| Some((*panel, studio.find(source).ok()?)));
    here.map(|(panel, found)| sweep(studio, panel, found)).collect()
}

pub(super) fn draw(studio: &Studio) -> Result<Sheet, Error> {
    let (panels, left_out) = studio.panels(&SOURCES);
    let width = panels.len() as f64 * (WIDTH + GAP) - GAP;
    let mut sheet = Sheet::new(width + 44.0, 170.0, "Readouts, recurrent connections and data sets");
    sheet.missing = left_out;
    let places = sheet.canvas.page().inset(36.0, 24.0, 8.0, 36.0).columns(&vec![1.0; panels.len()], GAP);
    // The first that is drawn tells what the axis of all is.
    let mut label = ACCURACY;
    for (number, ((panel, source), place)) in panels.iter().zip(places).enumerate() {
        let left = if number == 0 { 30.0 } else { 20.0 };
        sheet.canvas.letter(place.x - left, place.y - 18.0, *panel);
        let axes = Axes::new(place, Scale::linear(0.0, 1.0), Scale::linear(0.0, 1.0)).without_x().without_y();
        match studio.find(source) {
            Ok(found) => {
                let runs = studio.runs(&sweep(studio, *panel, found)?)?;
                if runs.rows().is_empty() {
                    axes.note(&mut sheet.canvas, "no runs");
                    let reason = format!("no run on {} is done", found.title);
                    sheet.missing.push(Missing { panel: panel.to_string(), reason });
                    axes.title(found.title).draw(&mut sheet.canvas);
                    continue;
                }
                let bars = bars(studio, &runs);
                let table = draw_bars(&mut sheet.canvas, place, mem::take(&mut label), &bars);
                sheet.table(&panel.to_string(), table);
                axes.title(found.title).draw(&mut sheet.canvas);
            }
            Err(Absence { note, reason, .. }) => {
                let axes = axes.title(source.title);
                axes.draw(&mut sheet.canvas);
                axes.note(&mut sheet.canvas, note);
                sheet.missing.push(Missing { panel: panel.to_string(), reason });
            }
        }
    }
    Ok(sheet)
}

/// The best models with each readout, without and with recurrent connections.
pub(super) fn bars(studio: &Studio, runs: &Runs) -> Vec<Bar> {
    let count = studio.scale().best(MODELS);
    let bar = |recurrent, group, head, label, colour| {
        let models = runs.of(|row| row.recurrent() == recurrent && row.is(HEAD, head)).best(count);
        Bar::new(group, label, colour, models)
    };
    vec![
        bar(false, "FF", "max", "Max", BLUE),
        bar(false, "FF", "sum", "Sum", SKY),
        bar(true, "RC", "max", "Max", ORANGE),
        bar(true, "RC", "sum", "Sum", GREEN),
    ]
}
