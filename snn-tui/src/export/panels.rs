//! Plots on paper.

use ratatui::style::Style;
use snn_plot::{
    Anchor, Axes, AxisScale, BLACK, Canvas, Color, GRAY, LIGHT_GRAY, Rect, SMALL_TEXT, Stroke, TEXT, literal,
};

use super::scale::{on_paper, scale, series};
use crate::{
    figure::Panel,
    widgets::{
        Axis as Side, EDGE, Histogram, Lane, Lanes, Map, Plot, Stroke as Dash, lanes::Content, spread,
        text::number,
    },
};

/// Sizes of panels with their labels, in points.
const PLOT: (f64, f64) = (300.0, 180.0);
const LANE: (f64, f64) = (420.0, 86.0);
const HISTOGRAM: (f64, f64) = (240.0, 140.0);
const MAP: (f64, f64) = (300.0, 280.0);
/// Margins of the page, and space between panels.
const MARGIN: f64 = 8.0;
/// Maximum number of panels of one kind per row.
const ACROSS: usize = 3;
/// Distance between labels.
const LINE: f64 = 7.5;
/// A curve ends at the right side of a panel if it is within this fraction of its width.
const NEAR: f64 = 0.04;
/// Approximate width of a letter of small text.
const LETTER: f64 = 0.55 * SMALL_TEXT;
const CURVE: f64 = 1.1;

/// A page with these panels.
pub(super) fn draw(panels: &[Panel<'_>], title: &str) -> Canvas {
    let mut places: Vec<(Rect, &Panel<'_>)> = Vec::new();
    let (mut top, mut widest) = (MARGIN, 0.0_f64);
    // Consecutive panels of one kind share rows.
    for panels in panels.chunk_by(|a, b| std::mem::discriminant(a) == std::mem::discriminant(b)) {
        let across = match panels.len() {
            4 => 2,
            number => number.min(ACROSS),
        };
        for row in panels.chunks(across) {
            let mut left = MARGIN;
            let mut high = 0.0_f64;
            for panel in row {
                let (width, height) = size(panel);
                places.push((Rect::new(left, top, width, height), panel));
                left += width + MARGIN;
                high = high.max(height);
            }
            widest = widest.max(left);
            top += high + MARGIN;
        }
    }
    let mut canvas = Canvas::new(widest.max(MARGIN), top, title);
    for (place, panel) in places {
        match panel {
            Panel::Plot(plot) => draw_plot(&mut canvas, plot, place),
            Panel::Lanes(lanes) => draw_lanes(&mut canvas, lanes, place),
            Panel::Histogram(histogram) => draw_histogram(&mut canvas, histogram, place),
            Panel::Map(map) => draw_map(&mut canvas, map, place),
        }
    }
    canvas
}

fn size(panel: &Panel<'_>) -> (f64, f64) {
    match panel {
        Panel::Plot(_) => PLOT,
        Panel::Lanes(lanes) => (LANE.0, LANE.1 * lanes.lanes.len() as f64 + 16.0),
        Panel::Histogram(_) => HISTOGRAM,
        Panel::Map(_) => MAP,
    }
}

/// Title and note, above a panel at the left.
fn head(canvas: &mut Canvas, place: Rect, left: f64, title: &str, note: &str) {
    let y = place.y + TEXT;
    canvas.text(left, y, &literal(title), TEXT, Anchor::Start, BLACK);
    if !note.is_empty() {
        let x = left + (title.chars().count() as f64 + 2.0) * 0.55 * TEXT;
        canvas.text(x, y, &literal(note), SMALL_TEXT, Anchor::Start, GRAY);
    }
}

fn draw_plot(canvas: &mut Canvas, plot: &Plot, place: Rect) {
    let labels = labels(plot);
    let longest = labels.iter().map(|label| label.text.chars().count()).max().unwrap_or(0);
    let beside = (LETTER * longest as f64 + 16.0).min(0.45 * place.width);
    let rect = place.inset(34.0, 14.0, beside, 26.0);
    let axes = Axes::new(rect, scale(&plot.x, 6), scale(&plot.y, 6)).labels(literal(&plot.x.label), "");
    head(canvas, place, rect.x, &plot.title, &plot.note);
    axes.draw(canvas);
    for series in &plot.series {
        axes.band(canvas, series.band.iter().copied(), self::series(series.color), 0.2);
    }
    for series in &plot.series {
        let color = self::series(series.color);
        let stroke = Stroke::new(color, if series.chosen { 1.5 * CURVE } else { CURVE });
        let stroke = if series.dotted { stroke.dashed() } else { stroke };
        line(canvas, &axes, &series.points, &plot.y, stroke);
        mark_outside(canvas, &axes, plot, &series.points, color);
    }
    if let Some(x) = plot.crosshair {
        axes.line(canvas, [(x, plot.y.low), (x, plot.y.high)], Stroke::new(GRAY, 0.6));
    }
    draw_labels(canvas, &axes, &labels);
}

/// A curve; points without neighbors are dots.
fn line(canvas: &mut Canvas, axes: &Axes, points: &[(f64, f64)], y: &Side, stroke: Stroke) {
    let placed: Vec<_> = placed(points, y).collect();
    let is_there = |k: Option<usize>| k.and_then(|k| placed.get(k)).is_some_and(|point| point.1.is_finite());
    let is_alone = |k: &usize| is_there(Some(*k)) && !is_there(k.checked_sub(1)) && !is_there(Some(k + 1));
    let alone: Vec<_> = (0..placed.len()).filter(is_alone).map(|k| placed[k]).collect();
    axes.dots(canvas, alone, 2.5 * stroke.width, stroke);
    axes.line(canvas, placed.iter().copied(), stroke);
}

/// Points, interrupted where one has no position on the axis.
fn placed<'a>(points: &'a [(f64, f64)], y: &'a Side) -> impl Iterator<Item = (f64, f64)> + 'a {
    points.iter().map(|&(x, value)| (x, if y.place(value).is_finite() { value } else { f64::NAN }))
}

/// The label at the end of a curve.
struct Label {
    /// The label of a curve that ends before the others.
    letter: Option<char>,
    text: String,
    color: Color,
    end: (f64, f64),
}

fn labels(plot: &Plot) -> Vec<Label> {
    let label = |series: &crate::widgets::Series| {
        let end = series.last()?;
        let value = match plot.crosshair {
            Some(x) => series.at(x).map_or_else(|| "-".to_owned(), |(_, y)| number(y)),
            None => number(end.1),
        };
        let letter = series.letter.map_or_else(String::new, |letter| format!("{letter} "));
        let text = format!("{letter}{} {value}", series.name);
        Some(Label { letter: series.letter, text, color: self::series(series.color), end })
    };
    plot.series.iter().filter_map(label).collect()
}

/// Labels next to the ends of their curves, moved apart where they would overlap.
fn draw_labels(canvas: &mut Canvas, axes: &Axes, labels: &[Label]) {
    let rect = axes.rect;
    let rows = ((rect.height / LINE) as usize + 1).max(1);
    let shown = &labels[..labels.len().min(rows)];
    let y = |label: &Label| axes.place(label.end.0, label.end.1).1.clamp(rect.y, rect.bottom());
    let wanted: Vec<f64> = shown.iter().map(|label| (y(label) - rect.y) / LINE).collect();
    for (label, row) in shown.iter().zip(spread(&wanted, rows)) {
        let to = rect.y + row as f64 * LINE;
        let from = (axes.place(label.end.0, label.end.1).0.min(rect.right()), y(label));
        // A line from the curve to its label, which must not cross the others.
        if from.0 > rect.right() - NEAR * rect.width {
            canvas.line(&[from, (rect.right() + 9.0, to)], Stroke::new(label.color, 0.3));
        } else if let Some(letter) = label.letter {
            let place = (from.0 + 1.5, from.1 + 0.35 * SMALL_TEXT);
            let letter = letter.to_string();
            canvas.text(place.0, place.1, &letter, SMALL_TEXT, Anchor::Start, label.color);
        }
        let place = (rect.right() + 11.0, to + 0.35 * SMALL_TEXT);
        canvas.text(place.0, place.1, &literal(&label.text), SMALL_TEXT, Anchor::Start, label.color);
    }
    if shown.len() < labels.len() {
        let more = format!("and {} more", labels.len() - shown.len());
        let place = (rect.right() + 11.0, rect.bottom() + LINE + 0.35 * SMALL_TEXT);
        canvas.text(place.0, place.1, &more, SMALL_TEXT, Anchor::Start, GRAY);
    }
}

/// Triangles at the border for points beyond it.
fn mark_outside(canvas: &mut Canvas, axes: &Axes, plot: &Plot, points: &[(f64, f64)], color: Color) {
    const WEDGE: f64 = 2.0;
    for &(x, y) in points.iter().filter(|(x, _)| (0.0..=1.0).contains(&plot.x.place(*x))) {
        let place = plot.y.place(y);
        let at = axes.place(x, y).0;
        let (tip, base) = if place > 1.0 + EDGE {
            (axes.rect.y - WEDGE, axes.rect.y + WEDGE)
        } else if place < -EDGE {
            (axes.rect.bottom() + WEDGE, axes.rect.bottom() - WEDGE)
        } else {
            continue;
        };
        canvas.line(&[(at - WEDGE, base), (at, tip), (at + WEDGE, base)], Stroke::new(color, 0.9));
    }
}

fn draw_lanes(canvas: &mut Canvas, lanes: &Lanes, place: Rect) {
    let rows = place.inset(0.0, 0.0, 0.0, 16.0).rows(&vec![1.0; lanes.lanes.len()], 0.0);
    let last = rows.len().saturating_sub(1);
    for (k, (lane, place)) in lanes.lanes.iter().zip(rows).enumerate() {
        draw_lane(canvas, lanes, lane, k == last, place);
    }
}

fn draw_lane(canvas: &mut Canvas, lanes: &Lanes, lane: &Lane, is_last: bool, place: Rect) {
    let rect = place.inset(40.0, 13.0, 46.0, 10.0);
    let units = |names: &[String]| {
        let last = names.len().saturating_sub(1);
        let ends = names.iter().enumerate().filter(move |(k, _)| *k == 0 || *k == last);
        let ticks: Vec<_> = ends.map(|(k, name)| (k as f64, literal(name))).collect();
        AxisScale::linear(-0.5, names.len().max(1) as f64 - 0.5).with_ticks(ticks)
    };
    let y = match &lane.content {
        Content::Raster { names, .. } | Content::Shades { names, .. } => units(names),
        Content::Lines { y, .. } => scale(y, 4),
    };
    let mut axes = Axes::new(rect, scale(&lanes.x, 8), y);
    axes = if is_last { axes.labels(literal(&lanes.x.label), "") } else { axes.without_x() };
    head(canvas, place, rect.x, &lane.title, &lane.note);
    axes.draw(canvas);
    match &lane.content {
        Content::Raster { rows, style, .. } => {
            let marks =
                rows.iter().enumerate().flat_map(|(k, marks)| marks.iter().map(move |&x| (x, k as f64)));
            axes.raster(canvas, marks, Stroke::new(on_paper(*style), 0.5));
        }
        Content::Shades { rows, range: (low, high), .. } => {
            let share = |value: &f32| (f64::from(*value) - low) / (high - low);
            let rows: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(share).collect()).collect();
            axes.image(canvas, &rows);
        }
        Content::Lines { y, lines, levels, marks } => {
            for &level in levels {
                axes.line(
                    canvas,
                    [(lanes.x.low, level), (lanes.x.high, level)],
                    Stroke::new(GRAY, 0.5).dashed(),
                );
            }
            let mut labels = Vec::new();
            for line in lines {
                let color = on_paper(line.style);
                let stroke = Stroke::new(color, 0.9);
                let stroke = match line.stroke {
                    Dash::Solid => stroke,
                    Dash::Dashed | Dash::Dotted => stroke.dashed(),
                    Dash::Faint => stroke.opacity(0.5),
                };
                self::line(canvas, &axes, &line.points, y, stroke);
                let is_there = |point: &&(f64, f64)| y.place(point.1).is_finite();
                let end = line.points.iter().rev().find(is_there).filter(|_| !line.name.is_empty());
                labels.extend(end.map(|&end| Label { letter: None, text: line.name.clone(), color, end }));
            }
            // The curves in front come last.
            labels.reverse();
            draw_labels(canvas, &axes, &labels);
            for &mark in marks {
                let x = axes.place(mark, y.high).0;
                canvas.line(&[(x, rect.y - 2.0), (x, rect.y + 3.0)], Stroke::new(BLACK, 0.7));
            }
        }
    }
    if let Some(cursor) = lanes.cursor {
        let x = axes.place(cursor, 0.0).0;
        canvas.line(&[(x, rect.y), (x, rect.bottom())], Stroke::new(LIGHT_GRAY, 0.5));
    }
}

fn draw_histogram(canvas: &mut Canvas, histogram: &Histogram<'_>, place: Rect) {
    let rect = place.inset(34.0, 22.0, 8.0, 26.0);
    canvas.text(
        rect.x,
        place.y + TEXT,
        &literal(&histogram.title),
        TEXT,
        Anchor::Start,
        on_paper(histogram.style),
    );
    canvas.text(rect.x, place.y + TEXT + 8.0, &literal(&histogram.note), SMALL_TEXT, Anchor::Start, GRAY);
    let counts = &histogram.counts[..histogram.counts.len().min(histogram.edges.len().saturating_sub(1))];
    let total = (counts.iter().map(|&count| count as f64).sum::<f64>() + histogram.zero as f64).max(1.0);
    let share = |count: u64| 100.0 * count as f64 / total;
    let highest = counts.iter().copied().chain([histogram.zero]).map(share).fold(0.0, f64::max).max(1.0);
    // A position for each bin, and at the left one for zero and a gap.
    let ends = 2.0 + counts.len() as f64;
    let every = counts.len().div_ceil(6).max(1);
    let edges = histogram.edges.iter().enumerate().step_by(every);
    let ticks: Vec<_> = [(0.5, "0".to_owned())]
        .into_iter()
        .chain(edges.map(|(k, edge)| (2.0 + k as f64, literal(&number(*edge)))))
        .collect();
    let x = AxisScale::linear(0.0, ends.max(3.0)).with_ticks(ticks);
    let axes = Axes::new(rect, x, AxisScale::linear(0.0, highest)).labels(histogram.unit, "share (%)");
    axes.draw(canvas);
    let style = |at: f64| {
        let zone = histogram.zones.iter().rev().find(|zone| at >= zone.from);
        zone.map_or_else(Style::new, |zone| zone.style)
    };
    axes.histogram(canvas, 0.0, 1.0, &[share(histogram.zero)], on_paper(style(0.0)));
    for (k, (&count, &edge)) in counts.iter().zip(histogram.edges).enumerate() {
        axes.histogram(canvas, 2.0 + k as f64, 1.0, &[share(count)], on_paper(style(edge)));
    }
}

fn draw_map(canvas: &mut Canvas, map: &Map, place: Rect) {
    let rect = place.inset(44.0, 16.0, 8.0, 34.0);
    let (rows, columns) = (map.y.1.len(), map.x.1.len());
    let names = |names: &[String]| names.iter().map(|name| literal(name)).collect::<Vec<_>>();
    let mut sides: (Vec<String>, Vec<_>) = (names(&map.y.1), map.cells.iter().collect());
    if map.from_top {
        sides.0.reverse();
        sides.1.reverse();
    }
    let axes = Axes::new(rect, AxisScale::categories(names(&map.x.1)), AxisScale::categories(sides.0))
        .labels(literal(&map.x.0), literal(&map.y.0));
    axes.draw(canvas);
    let size = (rect.width / columns.max(1) as f64, rect.height / rows.max(1) as f64);
    for (row, cells) in sides.1.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            let (x, y) = axes.place(column as f64, row as f64);
            let share = cell.value.map(|value| (value - map.range.0) / (map.range.1 - map.range.0));
            if let Some(share) = share.filter(|share| share.is_finite()) {
                let corner = (x - 0.5 * size.0, y - 0.5 * size.1);
                canvas.rect(Rect::new(corner.0, corner.1, size.0, size.1), snn_plot::viridis(share));
            }
            let text = SMALL_TEXT.min(1.6 * size.0 / cell.text.chars().count().max(1) as f64);
            let color = if share.is_some_and(|share| share < 0.5) { snn_plot::WHITE } else { BLACK };
            canvas.text(x, y + 0.35 * text, &literal(&cell.text), text, Anchor::Middle, color);
        }
    }
}
