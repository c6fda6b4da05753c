//! The growth on all axes as small plots in one SVG.

use crate::growth::{Growth, Point};
use std::fmt::Write as _;

/// Size of a plot with its margins.
const WIDTH: f64 = 230.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 34.0;
/// Size without margins.
const INNER_WIDTH: f64 = 168.0;
const INNER_HEIGHT: f64 = 144.0;
const COLUMNS: usize = 4;

/// Time and memory on each axis, relative to the smallest size, on logarithmic scales.
pub(crate) fn svg(growths: &[Growth]) -> String {
    let (width, rows) = (WIDTH * COLUMNS as f64, growths.len().div_ceil(COLUMNS));
    let height = HEIGHT * rows as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (k, growth) in growths.iter().enumerate() {
        let (x, y) = (WIDTH * (k % COLUMNS) as f64 + LEFT, HEIGHT * (k / COLUMNS) as f64 + TOP);
        let _ = writeln!(svg, "<g transform=\"translate({x},{y})\">");
        plot(&mut svg, growth);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn plot(svg: &mut String, growth: &Growth) {
    let Growth { axis, points, exponents, expected, .. } = growth;
    let [Some(first), Some(last)] = [points.first(), points.last()] else { return };
    let relative = |value: fn(&Point) -> Option<f64>| -> Vec<(f64, f64)> {
        let Some(base) = value(first) else { return Vec::new() };
        points.iter().filter_map(|p| Some((p.size as f64, value(p)? / base))).collect()
    };
    let (time, memory) = (relative(|p| Some(p.processor_ms)), relative(|p| p.memory_mb));
    let [from, to] = [first.size as f64, last.size as f64];
    let work = vec![(from, 1.0), (to, (to / from).powf(expected[0]))];
    let lines = [&time, &memory, &work];
    let values = || lines.iter().flat_map(|line| line.iter().map(|p| p.1));
    let least = values().fold(1.0, f64::min).log10().floor();
    let most = values().fold(10.0, f64::max).log10().ceil();
    let x_of = |x: f64| if to > from { (x / from).ln() / (to / from).ln() * INNER_WIDTH } else { 0.0 };
    let y_of = |y: f64| INNER_HEIGHT * (most - y.log10()) / (most - least);
    let _ = writeln!(
        svg,
        "<text x=\"0\" y=\"-18\" font-weight=\"bold\">{axis}</text>\n\
         <text x=\"0\" y=\"-5\" fill=\"#555\">exponents: time {:.2}, memory {:.2}</text>\n\
         <rect width=\"{INNER_WIDTH}\" height=\"{INNER_HEIGHT}\" fill=\"none\" stroke=\"#888\"/>",
        exponents[0], exponents[1],
    );
    for decade in least as i32..=most as i32 {
        let (y, label) = (y_of(10f64.powi(decade)), 10f64.powi(decade));
        let _ = writeln!(
            svg,
            "<line x2=\"{INNER_WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\
             <text x=\"-4\" y=\"{:.1}\" text-anchor=\"end\">{label}x</text>",
            y + 4.0
        );
    }
    for (size, anchor) in [(from, "start"), (to, "end")] {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{size}</text>",
            x_of(size),
            INNER_HEIGHT + 14.0
        );
    }
    let styles = [
        "stroke=\"#1f5fa8\" stroke-width=\"2\"",
        "stroke=\"#b5541c\" stroke-width=\"2\" stroke-dasharray=\"2 3\"",
        "stroke=\"#999\"",
    ];
    // the work is drawn behind the others
    for (line, style) in lines.into_iter().zip(styles).rev() {
        let places: Vec<String> =
            line.iter().map(|&(x, y)| format!("{:.1},{:.1}", x_of(x), y_of(y))).collect();
        let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" {style}/>", places.join(" "));
    }
}
