//! Figure 1: smooth random manifolds. (a) One manifold in three dimensions for each smoothness, (b) more dimensions and
//! classes, (c) spike trains along a manifold.

use snn_data::{Dataset as _, Randman, RandmanConfig};
use snn_plot::{
    Anchor, Axes, AxisScale, BLACK, BLUE, CLASSES, Canvas, Color, LIGHT_GRAY, Rect, Stroke, shades,
};

use super::{FigureOutput, Reproduction, Table, definition::Definition};
use crate::Error;

pub(super) const DEFINITION: Definition =
    Definition { number: 1, title: "smooth random manifolds", sweeps: |_| Ok(Vec::new()), draw };

/// Smoothness of the manifolds in (a).
const ALPHAS: [f64; 4] = [1.0, 2.0, 3.0, 4.0];
/// Dimension and classes of the data in (b).
const PROBLEMS: [(usize, usize); 4] = [(1, 2), (1, 5), (2, 2), (2, 5)];
/// Smoothness in (b) and (c).
const SMOOTH: f64 = 3.0;
const POINTS: usize = 1000;
/// Spike trains in (c).
const TRAINS: usize = 12;

fn draw(_: &Reproduction) -> Result<FigureOutput, Error> {
    let mut output = FigureOutput::new(510.0, 330.0, "Smooth random manifolds");
    let rows = output.canvas.page().inset(18.0, 22.0, 6.0, 26.0).rows(&[1.0, 1.0, 0.62], 26.0);
    for (letter, row) in ('a'..).zip(&rows) {
        output.canvas.letter(4.0, row.y - 16.0, letter);
    }

    let mut table = Table::new(["alpha", "x", "f1", "f2", "f3"]);
    for (alpha, place) in ALPHAS.into_iter().zip(rows[0].columns(&[1.0; 4], 6.0)) {
        let data = manifolds(1, 1, alpha)?;
        draw_cloud(&mut output.canvas, place, &data, &format!("*α* = {alpha}"));
        for (index, [x, y, z]) in points(&data).enumerate() {
            table.push(&[&alpha, &short(data.latent(index)[0]), &short(x), &short(y), &short(z)]);
        }
    }
    output.table("a", table);

    let mut table = Table::new(["dim", "classes", "class", "f1", "f2", "f3"]);
    for ((dim, classes), place) in PROBLEMS.into_iter().zip(rows[1].columns(&[1.0; 4], 6.0)) {
        let data = manifolds(dim, classes, SMOOTH)?;
        draw_cloud(&mut output.canvas, place, &data, &format!("*D* = {dim}, {classes} classes"));
        for (index, [x, y, z]) in points(&data).enumerate() {
            table.push(&[&dim, &classes, &data.label(index), &short(x), &short(y), &short(z)]);
        }
    }
    output.table("b", table);

    let table = draw_trains(&mut output.canvas, rows[2])?;
    output.table("c", table);
    Ok(output)
}

fn manifolds(dim: usize, classes: usize, alpha: f64) -> Result<Randman, Error> {
    let config = RandmanConfig {
        dim,
        classes,
        alpha,
        inputs: 3,
        samples_per_class: POINTS,
        ..RandmanConfig::default()
    };
    Ok(Randman::new(config)?)
}

/// All samples as points in the unit cube.
fn points(data: &Randman) -> impl Iterator<Item = [f64; 3]> {
    let unit = |time: &f64| time / data.config().tau_randman;
    (0..data.len()).map(move |index| match data.spike_times(index) {
        [x, y, z] => [x, y, z].map(unit),
        _ => [f64::NAN; 3],
    })
}

/// Rounded to the precision of the drawing.
fn short(value: f64) -> String {
    format!("{value:.4}")
}

/// A point cloud in a cube, seen from the front, the right and above.
fn draw_cloud(canvas: &mut Canvas, place: Rect, data: &Randman, title: &str) {
    const CORNERS: [[f64; 3]; 8] = [
        [0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0],
        [1.0, 1.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
        [1.0, 0.0, 1.0],
        [1.0, 1.0, 1.0],
        [0.0, 1.0, 1.0],
    ];
    // The three faces behind, then the edges in front of them.
    const BEHIND: [[usize; 2]; 9] = [[0, 1], [1, 2], [2, 3], [3, 0], [3, 7], [2, 6], [6, 7], [7, 4], [0, 4]];
    let view = View::of(place);
    for [from, to] in BEHIND {
        let ends = [CORNERS[from], CORNERS[to]].map(|corner| view.project(corner));
        canvas.line(&ends, Stroke::new(LIGHT_GRAY, 0.5));
    }
    let classes = data.classes();
    // Far classes would hide near ones if drawn last; points of all classes alternate instead.
    for part in 0..8 {
        for class in 0..classes {
            let of_class = points(data)
                .enumerate()
                .filter(|&(index, _)| usize::from(data.label(index)) == class && index % 8 == part);
            let places: Vec<_> = of_class.map(|(_, point)| view.project(point)).collect();
            let color = if classes == 1 { BLUE } else { CLASSES[class % CLASSES.len()] };
            canvas.dots(places, 1.2, Stroke::new(color, 0.0).opacity(0.8));
        }
    }
    canvas.text(place.x + place.width / 2.0, place.y - 5.0, title, 7.0, Anchor::Middle, BLACK);
}

/// An orthographic projection of the unit cube into a rectangle.
struct View {
    center: (f64, f64),
    scale: f64,
}

impl View {
    /// Rotated by 35 degrees about the vertical axis, viewed from 22 degrees above.
    const TURN: (f64, f64) = (0.819_152, 0.573_576);
    const TILT: (f64, f64) = (0.927_184, 0.374_607);

    fn of(place: Rect) -> Self {
        let center = (place.x + place.width / 2.0, place.y + place.height / 2.0);
        // The projection of the cube is about 1.4 wide and 1.45 high.
        Self { center, scale: (place.width / 1.42).min(place.height / 1.46) }
    }

    fn project(&self, point: [f64; 3]) -> (f64, f64) {
        let [x, y, z] = point.map(|coordinate| coordinate - 0.5);
        let ((cos, sin), (flat, high)) = (Self::TURN, Self::TILT);
        let (across, depth) = (x * cos + y * sin, y * cos - x * sin);
        (self.center.0 + self.scale * across, self.center.1 - self.scale * (z * flat + depth * high))
    }
}

/// Spike trains of samples at equal distances along the coordinate of one manifold.
fn draw_trains(canvas: &mut Canvas, place: Rect) -> Result<Table, Error> {
    let config =
        RandmanConfig { classes: 1, alpha: SMOOTH, samples_per_class: POINTS, ..RandmanConfig::default() };
    let data = Randman::new(config)?;
    let (inputs, end) = (data.inputs(), data.config().tau_randman);
    let mut table = Table::new(["x", "unit", "time_ms"]);
    let colors: Vec<Color> = shades(BLUE, 2 * TRAINS).split_off(TRAINS - 4);
    for (train, place) in
        place.inset(14.0, 0.0, 0.0, 0.0).columns(&[1.0; TRAINS], 7.0).into_iter().enumerate()
    {
        let wanted = train as f64 / (TRAINS - 1) as f64;
        let distance = |index: &usize| (data.latent(*index)[0] - wanted).abs();
        let Some(sample) = (0..data.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))) else {
            continue;
        };
        // Adjacent numbers would overlap.
        let numbers =
            if train == 0 { ["0".to_owned(), end.to_string()] } else { [String::new(), String::new()] };
        let x = AxisScale::linear(0.0, end).with_ticks([0.0, end].into_iter().zip(numbers));
        let y = AxisScale::linear(-0.5, inputs as f64 - 0.5)
            .with_ticks([(0.0, "1".to_owned()), (inputs as f64 - 1.0, inputs.to_string())]);
        let mut axes = Axes::new(place, x, y).title(format!("*x* = {wanted:.2}"));
        if train == 0 {
            axes = axes.labels("", "Neuron");
        } else {
            axes = axes.without_y();
        }
        axes.draw(canvas);
        let spikes = data.spike_times(sample).iter().enumerate();
        axes.raster(
            canvas,
            spikes.clone().map(|(unit, &time)| (time, unit as f64)),
            Stroke::new(colors[train], 1.0),
        );
        for (unit, time) in spikes {
            table.push(&[&short(data.latent(sample)[0]), &(unit + 1), &short(*time)]);
        }
    }
    let (x, y) = (place.x + place.width / 2.0, place.bottom() + 20.0);
    canvas.text(x, y, "Time (ms)", 7.0, Anchor::Middle, BLACK);
    Ok(table)
}
