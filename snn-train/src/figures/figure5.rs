//! Figure 5: the scale of the surrogate derivative. (a) Asymptotic shapes, (b) learning curves, (c) reset detached or
//! differentiable, (d) the same by depth, (e) gradients through recurrent connections or not, (f) the same by depth.

use snn_core::SurrogateShape;
use snn_plot::{Axes, AxisScale, Canvas, Color, GRAY, Legend, ORANGE, Rect, SKY, Stroke, VERMILION};

use super::{
    FigureOutput, Reproduction, Runs, Setting as _, Table,
    bars::{ACCURACY, Bar, draw_bars},
    definition::Definition,
    figure3::draw_shapes,
    output::note_unknown,
    protocol::{BETA, ETA, HIDDEN, INIT_SEED, RECURRENT, RECURRENT_GRADIENT, RESET_GRADIENT, SHAPE, words},
};
use crate::{
    Error,
    sweep::{Axis, Sweep},
};

pub(super) const DEFINITION: Definition =
    Definition { number: 5, title: "the scale of the surrogate derivative", sweeps, draw };

/// Models of a bar; curves in (b).
const MODELS: usize = 10;
const CURVES: usize = 5;

/// A way to let gradients flow: its short name in the paper, shape and switch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) name: &'static str,
    pub(super) shape: &'static str,
    pub(super) switch: &'static str,
    color: Color,
}

const fn way(name: &'static str, shape: &'static str, switch: &'static str, color: Color) -> Way {
    Way { name, shape, switch, color }
}

/// Variants of the reset, in feed-forward networks.
pub(super) const RESET: [Way; 4] = [
    way("sCtl", "super-spike", "detached", GRAY),
    way("sDR", "super-spike", "differentiable", SKY),
    way("aCtl", "asymptotic", "detached", Color(0x5A, 0x5A, 0x5A)),
    way("aDR", "asymptotic", "differentiable", ORANGE),
];

/// Variants of the recurrent connections, with a detached reset.
pub(super) const RECURRENCE: [Way; 4] = [
    way("sCtl", "super-spike", "detached", GRAY),
    way("sProp", "super-spike", "propagate", SKY),
    way("aCtl", "asymptotic", "detached", Color(0x5A, 0x5A, 0x5A)),
    way("aProp", "asymptotic", "propagate", VERMILION),
];

/// Ways through the reset.
pub(super) fn reset_sweep(reproduction: &Reproduction, depth: usize) -> Result<Sweep, Error> {
    let scale = reproduction.scale();
    let [eta, beta] = scale.grid();
    let name = if depth == 1 { "figure5" } else { "figure5d" };
    Ok(Sweep::new(name, reproduction.randman()?).grid([
        (SHAPE, words(["super-spike", "asymptotic"])),
        (RESET_GRADIENT, words(["detached", "differentiable"])),
        (HIDDEN, scale.depths(&[depth])),
        eta,
        beta,
        (INIT_SEED, reproduction.batch_seeds(1)),
    ]))
}

/// Ways through recurrent connections; with two hidden layers, which no claim covers, only with the asymptotic surrogate.
pub(super) fn recurrent_sweep(reproduction: &Reproduction, depth: usize) -> Result<Sweep, Error> {
    let scale = reproduction.scale();
    let [eta, beta] = scale.grid();
    let (name, shapes) = if depth == 1 {
        ("figure5e", words(["super-spike", "asymptotic"]))
    } else {
        ("figure5f", words(["asymptotic"]))
    };
    Ok(Sweep::new(name, reproduction.randman()?).grid([
        (SHAPE, shapes),
        (RECURRENT, Axis::list([true])),
        (RECURRENT_GRADIENT, words(["detached", "propagate"])),
        (HIDDEN, scale.depths(&[depth])),
        eta,
        beta,
        (INIT_SEED, reproduction.batch_seeds(1)),
    ]))
}

fn sweeps(reproduction: &Reproduction) -> Result<Vec<Sweep>, Error> {
    let of_depth = |depth| {
        Ok::<_, Error>(vec![reset_sweep(reproduction, depth)?, recurrent_sweep(reproduction, depth)?])
    };
    Ok(reproduction.by_depth(of_depth(1)?, of_depth(2)?))
}

/// The best models of one way with this number of hidden layers.
pub(super) fn best_of(
    reproduction: &Reproduction,
    runs: &Runs,
    way: Way,
    depth: usize,
    recurrent: bool,
) -> Runs {
    let count = reproduction.scale().best(MODELS);
    reproduction.best_of_batches(&runs_of(runs, way, depth, recurrent), 1, count)
}

/// The runs of one way with this number of hidden layers.
pub(super) fn runs_of(runs: &Runs, way: Way, depth: usize, recurrent: bool) -> Runs {
    let key = if recurrent { RECURRENT_GRADIENT } else { RESET_GRADIENT };
    runs.of(|row| {
        row.recurrent() == recurrent
            && row.depth() == depth
            && row.is(SHAPE, way.shape)
            && row.is(key, way.switch)
    })
}

fn draw(reproduction: &Reproduction) -> Result<FigureOutput, Error> {
    let mut runs = Runs::default();
    for depth in [1, 2] {
        runs = runs.and(reproduction.runs(reset_sweep(reproduction, depth)?)?);
        runs = runs.and(reproduction.runs(recurrent_sweep(reproduction, depth)?)?);
    }
    let mut output = FigureOutput::new(510.0, 330.0, "The scale of the surrogate derivative");
    let rows = output.canvas.page().inset(36.0, 20.0, 8.0, 36.0).rows(&[1.0, 1.0], 62.0);
    let top = rows[0].columns(&[1.0, 1.0, 1.0], 48.0);
    let bottom = rows[1].columns(&[1.0, 1.0, 1.0], 48.0);
    let table = draw_shapes(
        &mut output.canvas,
        top[0],
        &[(SurrogateShape::Asymptotic, "Asymptotic SuperSpike")],
        50.0,
    );
    output.table("a", table);
    let table = draw_curves(&mut output.canvas, top[1], reproduction, &runs)?;
    output.table("b", table);

    let bar = |way: Way, depth, recurrent, group: String| {
        Bar::new(group, way.name, way.color, best_of(reproduction, &runs, way, depth, recurrent))
    };
    let one = |ways: [Way; 4], recurrent| ways.map(|way| bar(way, 1, recurrent, "*n*_{h} = 1".to_owned()));
    let by_depth = |ways: [Way; 4], recurrent| {
        let of_depth =
            |depth| [ways[2], ways[3]].map(|way| bar(way, depth, recurrent, format!("*n*_{{h}} = {depth}")));
        [1, 2].map(of_depth).concat()
    };
    let panels = [
        ('c', top[2], one(RESET, false).to_vec()),
        ('d', bottom[0], by_depth(RESET, false)),
        ('e', bottom[1], one(RECURRENCE, true).to_vec()),
        ('f', bottom[2], by_depth(RECURRENCE, true)),
    ];
    for (letter, place, bars) in panels {
        let table = draw_bars(&mut output.canvas, place, ACCURACY, &bars);
        output.table(&letter.to_string(), table);
        output.canvas.letter(place.x - 32.0, place.y - 14.0, letter);
    }
    output.canvas.letter(top[0].x - 32.0, top[0].y - 14.0, 'a');
    output.canvas.letter(top[1].x - 32.0, top[1].y - 14.0, 'b');
    // The effect of the scale at each slope, with the best learning rate by validation, to explain the bars.
    output.table("_by_beta", by_beta(reproduction, &runs));
    Ok(output)
}

fn draw_curves(
    canvas: &mut Canvas,
    place: Rect,
    reproduction: &Reproduction,
    runs: &Runs,
) -> Result<Table, Error> {
    let mut table = Table::new(["condition", "model", "epoch", "train_accuracy_percent"]);
    let epochs = f64::from(reproduction.randman()?.training.epochs);
    let axes = Axes::new(place, AxisScale::linear(0.0, epochs), AxisScale::linear(0.0, 100.0))
        .labels("Epoch", "Training accuracy (%)");
    axes.draw(canvas);
    let mut legend = Legend::default();
    let mut unknown = 0;
    for way in RESET {
        legend = legend.line(way.name, Stroke::new(way.color, 1.0));
        let best = runs_of(runs, way, 1, false).best(reproduction.scale().best(CURVES));
        for (model, row) in best.rows().iter().enumerate() {
            let Some(epochs) = reproduction.epochs_of(&row.id)? else {
                unknown += 1;
                continue;
            };
            let curve: Vec<_> =
                epochs.iter().map(|epoch| (f64::from(epoch.epoch), 100.0 * epoch.train.accuracy)).collect();
            for (epoch, accuracy) in &curve {
                table.push(&[&way.name, &(model + 1), epoch, accuracy]);
            }
            axes.line(canvas, curve, Stroke::new(way.color, 0.8));
        }
    }
    note_unknown(canvas, &axes, unknown);
    legend.draw(canvas, place.right() - 34.0, place.bottom() - 42.0);
    Ok(table)
}

fn by_beta(reproduction: &Reproduction, runs: &Runs) -> Table {
    let mut table = Table::new([
        "network",
        "condition",
        "hidden_layers",
        "beta",
        "learning_rate",
        "test_accuracy_percent",
    ]);
    let [(eta_key, eta), (beta_key, beta)] = reproduction.scale().grid();
    debug_assert_eq!((eta_key, beta_key), (ETA, BETA));
    let Ok(betas) = beta.values() else { return table };
    for (ways, recurrent, network) in [(RESET, false, "feed-forward"), (RECURRENCE, true, "recurrent")] {
        for (way, depth) in ways.into_iter().flat_map(|way| [(way, 1), (way, 2)]) {
            for beta in &betas {
                let at = Axis::List(vec![beta.clone()]);
                let best = runs_of(runs, way, depth, recurrent).on(ETA, &eta).on(BETA, &at).best(1);
                if let Some(row) = best.rows().first() {
                    table.push(&[&network, &way.name, &depth, beta, &row.eta(), &best.mean_accuracy()]);
                }
            }
        }
    }
    table
}
