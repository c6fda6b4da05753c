//! Figure 9: accuracy against hidden spikes per input, over strengths and thresholds of the upper regularizer, with fitted
//! sigmoids. (a) Randman, (b) MNIST, (c) SHD, (d) RawHD, (e) RawSC, or what replaces them.
//!
//! A sigmoid is fitted to the runs with at most as many spikes as the run that is best on validation. Some networks with many spikes
//! also fail, mostly those with two layers, which does not affect how few spikes suffice; they are drawn pale.

use snn_plot::{Axes, AxisScale, BLUE, Canvas, Color, GREEN, Legend, ORANGE, Rect, Stroke};

use super::{
    FigureOutput, Missing, Reproduction, Runs, Setting as _, Table,
    definition::Definition,
    protocol::{ETA, HIDDEN, INIT_SEED, RECURRENT, UPPER_STRENGTH, UPPER_THRESHOLD},
    sigmoid::{FEWEST, KNEE, Sigmoid},
    sources::{Absence, Found, Kind as Data, MNIST, RANDMAN, RAW_HD, RAW_SC, SHD, Source},
    statistics::Interval,
};
use crate::{
    Error,
    sweep::{Axis, Row, Settings, Sweep},
};

pub(super) const DEFINITION: Definition =
    Definition { number: 9, title: "accuracy against spikes", sweeps, draw };

/// A kind of network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) depth: usize,
    pub(super) recurrent: bool,
    color: Color,
}

impl Kind {
    /// Whether a run is one of this kind.
    pub(super) fn has(self, run: &Settings) -> bool {
        run.depth() == self.depth && run.recurrent() == self.recurrent
    }
}

pub(super) const KINDS: [Kind; 3] = [
    Kind { name: "*n*_{h} = 1", depth: 1, recurrent: false, color: BLUE },
    Kind { name: "*n*_{h} = 2", depth: 2, recurrent: false, color: ORANGE },
    Kind { name: "recurrent", depth: 1, recurrent: true, color: GREEN },
];

pub(super) const SOURCES: [(char, Source); 5] =
    [('a', RANDMAN), ('b', MNIST), ('c', SHD), ('d', RAW_HD), ('e', RAW_SC)];

/// A strength at which only the threshold determines the number of spikes.
const STRONG: f64 = 10.0;

/// The number of runs whose mean is the accuracy with many spikes.
const TOP: usize = 3;

/// The sweeps on available data sets.
fn sweeps(reproduction: &Reproduction) -> Result<Vec<Sweep>, Error> {
    let here = SOURCES.iter().filter_map(|(panel, source)| Some((*panel, reproduction.find(source).ok()?)));
    here.map(|(panel, found)| sweep(reproduction, panel, found)).collect()
}

/// The sweep of a panel on these data.
pub(super) fn sweep(reproduction: &Reproduction, panel: char, found: Found) -> Result<Sweep, Error> {
    let scale = reproduction.scale();
    let experiment = reproduction.experiment(found)?;
    let eta = experiment.optimizer.learning_rate;
    // On speech, units spike about ten times as often, and a run takes longer.
    let speech = is_speech(found);
    let [lowest, highest] = if speech { [0.05, 20.0] } else { [0.02, 2.0] };
    let repetitions = if speech { scale.pick_of_four(1, 1, 1, 2) } else { scale.pick_of_four(1, 2, 1, 3) };
    let seeds = || (INIT_SEED, reproduction.batch_seeds(repetitions));
    let mut sweep = Sweep::new(format!("figure9{panel}"), experiment);
    for kind in KINDS {
        let network = || {
            let depth = (HIDDEN, scale.depths(&[kind.depth]));
            [depth, (RECURRENT, Axis::list([kind.recurrent])), (ETA, Axis::list([eta]))]
        };
        // A limit on the spikes of units; then, an increasing cost of each spike.
        let thresholds = [
            (UPPER_STRENGTH, Axis::list([STRONG])),
            (UPPER_THRESHOLD, Axis::logarithmic(lowest, highest, scale.pick_of_four(3, 7, 5, 9))),
        ];
        let strengths = Axis::logarithmic(1e-3, 1e2, scale.pick_of_four(2, 4, 4, 6)).values();
        let strengths = strengths.map_err(Error::Impossible)?;
        let strengths = [toml::Value::Float(0.0)].into_iter().chain(strengths).collect();
        let prices = [(UPPER_STRENGTH, Axis::List(strengths)), (UPPER_THRESHOLD, Axis::list([0.0]))];
        sweep = sweep
            .grid(network().into_iter().chain(thresholds).chain([seeds()]))
            .grid(network().into_iter().chain(prices).chain([seeds()]));
    }
    Ok(sweep)
}

/// Whether a data set consists of spoken words.
fn is_speech(found: Found) -> bool {
    matches!(found.kind(), Data::Sound | Data::Hdf5)
}

/// The runs of one kind of network.
pub(super) fn runs_of(runs: &Runs, kind: Kind) -> Runs {
    runs.of(|row| kind.has(&row.settings))
}

/// Hidden spikes per input.
pub(super) fn spikes(row: &Row) -> Option<f64> {
    Some(0.0 + row.spikes.as_ref()?.iter().sum::<f64>())
}

/// The runs for the fit of a sigmoid, and the others.
fn divide(runs: &Runs) -> (Runs, Runs) {
    let most = runs.best(1).rows().first().and_then(spikes).unwrap_or(f64::INFINITY);
    let few = |row: &Row| spikes(row).is_some_and(|spikes| spikes <= most);
    (runs.of(few), runs.of(|row| !few(row)))
}

/// The runs of a kind of network for the fit of its sigmoid.
pub(super) fn fitted(runs: &Runs, kind: Kind) -> Runs {
    divide(&runs_of(runs, kind)).0
}

/// Test accuracy (%) of the best runs on validation: the upper end of a sigmoid.
fn top(runs: &Runs) -> f64 {
    runs.best(TOP).mean_accuracy()
}

/// Spikes and test accuracy (%) of runs.
fn points(runs: &Runs) -> Vec<(f64, f64)> {
    runs.rows().iter().filter_map(|row| Some((spikes(row)?, 100.0 * row.test_accuracy?))).collect()
}

/// The critical number of spikes of a kind of network.
pub(super) fn critical(runs: &Runs, kind: Kind, chance: f64) -> Option<Interval> {
    let runs = runs_of(runs, kind);
    Sigmoid::critical_interval(&points(&divide(&runs).0), chance, top(&runs))
}

/// The factors that affect the number of critical spikes of a kind, computed from its runs: the point on the curve, and the runs that
/// lose a class.
pub(super) fn look_into(runs: &Runs, kind: Kind, chance: f64) -> Vec<String> {
    let runs = runs_of(runs, kind);
    let few = divide(&runs).0;
    let Some(fit) = Sigmoid::fit(&points(&few), chance, top(&runs)) else { return Vec::new() };
    let readings = [0.5, 0.8, 0.9, KNEE, 0.99]
        .map(|share| format!("{:.3} at {} %", fit.come(share), (100.0 * share).round()));
    let mut found = vec![format!(
        "the number depends on where the curve is read, which the paper does not specify; spikes at fractions of its rise: \
         {}",
        readings.join(", ")
    )];
    let lost = few.with_a_lost_class();
    if lost > 0 {
        let whole = few.of(|row| row.lost_classes == Some(0));
        let without = Sigmoid::fit(&points(&whole), chance, top(&whole));
        let number = fit.critical();
        let without = without.map_or_else(
            || {
                format!(
                    "the critical number of spikes cannot be determined without them (with them: {number:.1})"
                )
            },
            |fit| {
                format!(
                    "without them, the critical number of spikes is {:.1} instead of {number:.1}",
                    fit.critical()
                )
            },
        );
        found.push(format!(
            "{lost} of the {} fitted runs never predict one of the classes; {without}",
            few.rows().len()
        ));
    }
    if kind.depth > 1 {
        let shares: Vec<f64> = few
            .rows()
            .iter()
            .filter_map(|row| {
                let layers = row.spikes.as_ref()?;
                Some(layers.first()? / layers.iter().sum::<f64>())
            })
            .filter(|share| share.is_finite())
            .collect();
        found.push(format!(
            "spikes of both layers are counted; the first layer has {:.0} % of them (median)",
            100.0 * super::statistics::median(&shares)
        ));
    }
    found
}

/// Hidden spikes per input of the networks of a kind without the upper regularizer.
pub(super) fn unregularized(runs: &Runs, kind: Kind) -> Vec<f64> {
    runs_of(runs, kind).of(|row| row.number(UPPER_STRENGTH) == 0.0).rows().iter().filter_map(spikes).collect()
}

/// The spikes at which the fit for a kind of network reaches this accuracy (%), with interval; `None` if it does not.
pub(super) fn spikes_for(accuracy: f64, runs: &Runs, kind: Kind, chance: f64) -> Option<Interval> {
    let runs = runs_of(runs, kind);
    Sigmoid::interval(&points(&divide(&runs).0), chance, top(&runs), |fit| fit.reaches(accuracy))
}

/// Accuracies (%) of the best networks of a kind.
pub(super) fn best_accuracies(runs: &Runs, kind: Kind) -> Vec<f64> {
    runs_of(runs, kind).best(TOP).accuracies()
}

/// Accuracy (%) of guessing.
pub(super) fn chance(reproduction: &Reproduction, found: Found) -> f64 {
    let classes =
        if found.kind() == Data::Generated { reproduction.classes() } else { found.classes() as f64 };
    100.0 / classes
}

fn draw(reproduction: &Reproduction) -> Result<FigureOutput, Error> {
    let (panels, left_out) = reproduction.panels(&SOURCES);
    let mut output = FigureOutput::new(200.0 * panels.len() as f64, 220.0, "Accuracy against spikes");
    output.missing = left_out;
    let page = output.canvas.page().inset(40.0, 24.0, 10.0, 62.0);
    let places = page.columns(&vec![1.0; panels.len()], 50.0);
    let mut fits = Table::new([
        "panel",
        "network",
        "runs",
        "top_accuracy_percent",
        "critical_spikes",
        "critical_spikes_low",
        "critical_spikes_high",
    ]);
    for ((panel, source), place) in panels.into_iter().zip(places) {
        output.canvas.letter(place.x - 34.0, place.y - 18.0, panel);
        let found = reproduction.find_or_recall(&source, |found| sweep(reproduction, panel, found))?;
        let (title, most) = match &found {
            Ok(found) if is_speech(*found) => (found.title, 20_000.0),
            Ok(found) => (found.title, 5000.0),
            Err(_) => (source.title, 5000.0),
        };
        let axes = Axes::new(place, AxisScale::logarithmic(FEWEST, most), AxisScale::linear(0.0, 100.0))
            .title(title)
            .labels("Hidden spikes per input", "Test accuracy (%)");
        axes.draw(&mut output.canvas);
        let found = match found {
            Ok(found) => found,
            Err(Absence { note, reason, .. }) => {
                axes.note(&mut output.canvas, note);
                output.missing.push(Missing { panel: panel.to_string(), reason });
                continue;
            }
        };
        let runs = reproduction.runs(sweep(reproduction, panel, found)?)?;
        if runs.rows().is_empty() {
            axes.note(&mut output.canvas, "no runs");
            let reason = format!("no run on {title} is done");
            output.missing.push(Missing { panel: panel.to_string(), reason });
            continue;
        }
        let chance = chance(reproduction, found);
        let table = draw_panel(&mut output.canvas, &axes, place, panel, &runs, chance, &mut fits);
        output.table(&panel.to_string(), table);
    }
    output.table("_fits", fits);
    Ok(output)
}

fn draw_panel(
    canvas: &mut Canvas,
    axes: &Axes,
    place: Rect,
    panel: char,
    runs: &Runs,
    chance: f64,
    fits: &mut Table,
) -> Table {
    let mut table = Table::new([
        "network",
        "upper_strength",
        "upper_threshold",
        "spikes",
        "test_accuracy_percent",
        "fitted_percent",
    ]);
    let mut legend = Legend::default();
    for kind in KINDS {
        let runs = runs_of(runs, kind);
        let name = super::output::plain(kind.name);
        let (few, many) = divide(&runs);
        let points = points(&few);
        let fit = Sigmoid::fit(&points, chance, top(&runs));
        for (points, opacity) in [(self::points(&many), 0.25), (points.clone(), 0.8)] {
            let places = points.iter().map(|&(spikes, accuracy)| (spikes.max(FEWEST), accuracy));
            axes.dots(canvas, places, 2.6, Stroke::new(kind.color, 0.0).opacity(opacity));
        }
        if let Some(fit) = fit {
            let curve = (0..=188).map(|step| 10_f64.powf(-1.0 + f64::from(step) / 40.0));
            axes.line(canvas, curve.map(|spikes| (spikes, fit.at(spikes))), Stroke::new(kind.color, 1.0));
        }
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let rows = few.rows().iter().map(|row| (row, true)).chain(many.rows().iter().map(|row| (row, false)));
        for (row, used) in rows {
            let (Some(spikes), Some(accuracy)) = (spikes(row), row.test_accuracy) else { continue };
            let fitted = number(fit.filter(|_| used).map(|fit| fit.at(spikes)));
            table.push(&[
                &name,
                &row.number(UPPER_STRENGTH),
                &row.number(UPPER_THRESHOLD),
                &spikes,
                &(100.0 * accuracy),
                &fitted,
            ]);
        }
        let interval = Sigmoid::critical_interval(&points, chance, top(&runs));
        fits.push(&[
            &panel,
            &name,
            &points.len(),
            &number(fit.map(|fit| fit.top)),
            &number(interval.map(|interval| interval.value)),
            &number(interval.map(|interval| interval.low)),
            &number(interval.map(|interval| interval.high)),
        ]);
        let label = interval.map_or_else(
            || kind.name.to_owned(),
            |Interval { value, low, high }| format!("{}: {value:.0} [{low:.0}, {high:.0}]", kind.name),
        );
        legend = legend.mark(label, kind.color);
    }
    legend.draw(canvas, place.x + 20.0, place.bottom() + 33.0);
    table
}
